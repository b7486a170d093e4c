package egress_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/egress"
	"github.com/wayleave/wayleave/internal/fault"
)

// An authority signs the certificates of the apps in a test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// newKey returns a key; the curve is always available.
func newKey(t testing.TB) *ecdsa.PrivateKey {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newAuthority(t testing.TB) *authority {
	a := &authority{key: newKey(t), cert: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}}
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// issue returns a certificate for host, valid from an hour before to an hour
// after the given offset from now. A nil authority signs it with its own key.
func (a *authority) issue(t testing.TB, host string, offset time.Duration) tls.Certificate {
	key := newKey(t)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host},
		NotBefore: time.Now().Add(offset - time.Hour), NotAfter: time.Now().Add(offset + time.Hour),
	}
	if ip := net.ParseIP(host); ip != nil {
		c.IPAddresses = []net.IP{ip}
	} else {
		c.DNSNames = []string{host}
	}
	parent, signer := c, key
	if a != nil {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// serveTLS starts an app with the certificate and returns its "host:port".
func serveTLS(t testing.TB, cfg *tls.Config, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.TLS, s.EnableHTTP2 = cfg, true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func TestTLS(t *testing.T) {
	ca := newAuthority(t)
	for name, tc := range map[string]struct {
		cert     tls.Certificate
		max      uint16
		insecure bool // the app speaks http
		want     string
	}{
		"valid":         {cert: ca.issue(t, "127.0.0.1", 0)},
		"TLS 1.2":       {cert: ca.issue(t, "127.0.0.1", 0), max: tls.VersionTLS12},
		"self-signed":   {cert: (*authority)(nil).issue(t, "127.0.0.1", 0), want: "authority that is not trusted"},
		"another CA":    {cert: newAuthority(t).issue(t, "127.0.0.1", 0), want: "authority that is not trusted"},
		"expired":       {cert: ca.issue(t, "127.0.0.1", -48*time.Hour), want: "it has expired"},
		"not yet valid": {cert: ca.issue(t, "127.0.0.1", 48*time.Hour), want: "not valid yet"},
		"another host":  {cert: ca.issue(t, canary+".example", 0), want: "for another host"},
		"TLS 1.1":       {cert: ca.issue(t, "127.0.0.1", 0), max: tls.VersionTLS11, want: "TLS 1.2 or later"},
		"no TLS":        {insecure: true, want: "does not speak TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			called := false
			handler := func(w http.ResponseWriter, r *http.Request) { called = true; fmt.Fprint(w, r.Proto) }
			app := ""
			if tc.insecure {
				app = serve(t, handler)
			} else {
				app = serveTLS(t, &tls.Config{Certificates: []tls.Certificate{tc.cert}, MinVersion: tls.VersionTLS10, MaxVersion: tc.max}, handler)
			}
			g := newGuard(t, egress.Policy{Allow: rules(t, "127.0.0.1"), RootCAs: ca.pool()})
			res, err := g.Do(request(t, t.Context(), "POST", "https://"+app+"/"+canary, canary), open(app), credentials["header"])
			if tc.want == "" {
				if err != nil || string(res.Body) != "HTTP/2.0" {
					t.Fatalf("%v, %v", res, err)
				}
				return
			}
			e := failure(t, err, fault.AppUnavailable)
			if e.Sent || e.Refused || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), canary) {
				t.Errorf("%v (sent %t); want %q", err, e.Sent, tc.want)
			}
			if called && !tc.insecure {
				t.Error("the app was called")
			}
		})
	}
}

// An https address never becomes http, neither of the same host nor of another
// that the app declares, though the app may use http.
func TestRedirectNeverLeavesTLS(t *testing.T) {
	ca := newAuthority(t)
	plain := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was followed") })
	app := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.issue(t, "127.0.0.1", 0)}}, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+plain+"/", http.StatusFound)
	})
	g := newGuard(t, egress.Policy{Allow: rules(t, "127.0.0.1"), RootCAs: ca.pool()})
	o := open(app, plain)
	o.Redirects = "hosts"
	if res, err := get(t, g, o, "https://"+app+"/"); err != nil || res.Status != http.StatusFound {
		t.Errorf("%v, %v", res, err)
	}
}

// HTTP/2 keeps the same promises: size, status, deadline and once only.
func TestHTTP2(t *testing.T) {
	ca := newAuthority(t)
	big := strings.Repeat("x", 200<<10)
	app := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.issue(t, "127.0.0.1", 0)}}, func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("got %s", r.Proto)
		}
		switch r.URL.Path {
		case "/big":
			io.WriteString(w, big)
		case "/header":
			w.Header().Set("X", big) // over what HTTP/2 takes for one header
		case "/headers":
			for i := range 700 {
				w.Header().Set(fmt.Sprintf("X-%d", i), big[:70])
			}
		case "/abort":
			panic(http.ErrAbortHandler)
		case "/half":
			io.WriteString(w, "half")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		case "/head":
			w.Header().Set("Content-Length", "1099511627776")
		case "/gzip":
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(zip([]byte("hello")))
		}
	})
	g := newGuard(t, egress.Policy{Allow: rules(t, "127.0.0.1"), RootCAs: ca.pool()})
	o := open(app)
	o.MaxBytes = 100 << 10
	_, err := get(t, g, o, "https://"+app+"/big")
	if e := failure(t, err, fault.UpstreamFailed); !e.TooLarge || e.Status != 200 {
		t.Error(err)
	}
	_, err = get(t, g, o, "https://"+app+"/headers")
	if e := failure(t, err, fault.UpstreamFailed); !e.TooLarge || !e.Sent {
		t.Error(err)
	}
	_, err = get(t, g, o, "https://"+app+"/header")
	if e := failure(t, err, fault.UpstreamFailed); !e.Sent {
		t.Error(err)
	}
	_, err = g.Do(request(t, t.Context(), "POST", "https://"+app+"/abort", "x"), o, nil)
	if e := failure(t, err, fault.AppUnavailable); !e.Sent || e.Status != 0 {
		t.Error(err)
	}
	_, err = get(t, g, o, "https://"+app+"/half")
	if e := failure(t, err, fault.AppUnavailable); e.Status != 200 {
		t.Error(err)
	}
	if res, err := g.Do(request(t, t.Context(), "HEAD", "https://"+app+"/head", ""), o, nil); err != nil || len(res.Body) != 0 {
		t.Errorf("%v, %v", res, err)
	}
	if res, err := get(t, g, o, "https://"+app+"/gzip"); err != nil || string(res.Body) != "hello" {
		t.Errorf("%v, %v", res, err)
	}
}
