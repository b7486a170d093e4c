package transit

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/wayleave/wayleave/internal/fault"
)

// newClient returns a client that takes everything from c and nothing from the
// environment. One request is one try: retries would turn a sealed Vault into
// seconds of waiting, and the breaker does better.
func newClient(c Config) (*api.Client, *http.Transport, error) {
	transport, err := newTransport(c)
	if err != nil {
		return nil, nil, err
	}
	client, err := api.NewClient(&api.Config{
		Address: c.Address,
		HttpClient: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
		Timeout:    c.Timeout,
		MaxRetries: 0,
		// Vault's client would follow a 307 to any host, with its token.
		DisableRedirects: true,
	})
	if err != nil {
		// The address was checked before; what is left is that NewClient parses
		// VAULT_ variables even where a config replaces them.
		return nil, nil, fault.Wrap(fault.InvalidInput, err, "a VAULT_ variable of the environment is malformed").
			WithFix("Unset the VAULT_ variables of this process; Wayleave does not use them.")
	}
	client.ClearToken()
	client.SetHeaders(http.Header{api.RequestHeaderName: {"true"}})
	if c.Namespace != "" {
		client.SetNamespace(c.Namespace)
	}
	return client, transport, nil
}

// newTransport returns a transport without a proxy, for a proxy would see the
// data keys of a server that is spoken to without TLS on this machine.
func newTransport(c Config) (*http.Transport, error) {
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CACert != "" {
		pem, err := os.ReadFile(c.CACert)
		if err != nil {
			return nil, fault.Wrap(fault.InvalidInput, err, "vault.ca_file cannot be read")
		}
		tlsConfig.RootCAs = x509.NewCertPool()
		if !tlsConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, invalid("vault.ca_file holds no PEM certificate")
		}
	}
	return &http.Transport{
		DialContext:         (&net.Dialer{Timeout: c.Timeout}).DialContext,
		TLSClientConfig:     tlsConfig,
		TLSHandshakeTimeout: c.Timeout,
		MaxIdleConnsPerHost: 16,
		IdleConnTimeout:     90 * time.Second,
		ForceAttemptHTTP2:   true,
	}, nil
}
