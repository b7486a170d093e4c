package servers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A Vault is a Vault server that was initialised and unsealed, over a folder of
// files. After Start it is sealed, as any Vault is, until Unseal.
type Vault struct {
	*Server
	API VaultAPI // as root
	key string   // the one key that unseals it
}

// StartVault starts a Vault, or OpenBao, with the program bin.
func StartVault(bin string, o Options) (*Vault, error) {
	v, err := onFreePort(func(port int) (*Vault, error) { return startVault(bin, o, port) })
	if err != nil {
		return nil, err
	}
	if err := v.initialise(); err != nil {
		v.Kill()
		return nil, err
	}
	return v, nil
}

func startVault(bin string, o Options, port int) (*Vault, error) {
	dir, err := o.folder("vault")
	if err != nil {
		return nil, err
	}
	conf, err := writeVaultConfig(dir, port)
	if err != nil {
		return nil, err
	}
	s := &Server{Addr: loopback(port), options: o}
	s.cmd = command{name: "vault", path: bin, args: []string{"server", "-config=" + conf}, dir: dir, quit: syscall.SIGTERM}
	v := &Vault{Server: s, API: VaultAPI{Addr: "http://" + s.Addr}}
	s.ready = func() error { _, err := v.API.Do(http.MethodGet, "sys/seal-status", nil); return err }
	return v, s.Start()
}

// writeVaultConfig writes the part of Vault's configuration that vaultdev, too,
// understands. Vault and OpenBao read JSON as well as HCL.
func writeVaultConfig(dir string, port int) (string, error) {
	conf := filepath.Join(dir, "vault.json")
	raw, err := json.Marshal(map[string]any{
		"storage":       map[string]any{"file": map[string]any{"path": filepath.Join(dir, "data")}},
		"listener":      map[string]any{"tcp": map[string]any{"address": loopback(port), "tls_disable": true}},
		"disable_mlock": true,
	})
	if err != nil {
		return "", err
	}
	return conf, os.WriteFile(conf, raw, 0o600)
}

func (v *Vault) initialise() error {
	reply, err := v.API.Do(http.MethodPut, "sys/init", map[string]any{"secret_shares": 1, "secret_threshold": 1})
	if err != nil {
		return fmt.Errorf("initialising Vault: %w", err)
	}
	var made struct {
		Keys      []string `json:"keys"`
		RootToken string   `json:"root_token"`
	}
	if err := json.Unmarshal(reply, &made); err != nil || len(made.Keys) != 1 {
		return fmt.Errorf("initialising Vault: an answer without one key")
	}
	v.key, v.API.Token = made.Keys[0], made.RootToken
	return v.Unseal()
}

// Unseal opens a sealed Vault and waits until it serves requests.
func (v *Vault) Unseal() error {
	if _, err := v.API.Do(http.MethodPut, "sys/unseal", map[string]any{"key": v.key}); err != nil {
		return fmt.Errorf("unsealing Vault: %w", err)
	}
	return eventually("Vault", func() error { _, err := v.API.Do(http.MethodGet, "sys/health", nil); return err })
}

// Seal closes Vault: from then on it answers every request with 503.
func (v *Vault) Seal() error {
	_, err := v.API.Do(http.MethodPut, "sys/seal", nil)
	return err
}

// VaultAPI calls a Vault's HTTP API. It is not the client of the product, so
// that a test does not prepare its server with what it tests.
type VaultAPI struct {
	Addr  string // http://host:port
	Token string
}

// A VaultError is an answer of Vault that is no success.
type VaultError struct {
	Status int
	Body   string
}

func (e *VaultError) Error() string { return fmt.Sprintf("Vault answered %d: %s", e.Status, e.Body) }

// Do sends a request to the path below /v1/ and returns the answer's body.
func (a VaultAPI) Do(method, path string, body map[string]any) ([]byte, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest(method, a.Addr+"/v1/"+strings.TrimPrefix(path, "/"), bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Vault-Token", a.Token)
	// A connection of its own per request: one kept open would hold up the
	// orderly end of a server that is stopped.
	transport := &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext}
	res, err := (&http.Client{Transport: transport, Timeout: 30 * time.Second}).Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	reply, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 300 {
		err = &VaultError{Status: res.StatusCode, Body: strings.TrimSpace(string(reply))}
	}
	return reply, err
}

// Version returns the version of the server.
func (a VaultAPI) Version() (string, error) {
	reply, err := a.Do(http.MethodGet, "sys/seal-status", nil)
	if err != nil {
		return "", err
	}
	var status struct {
		Version string `json:"version"`
	}
	err = json.Unmarshal(reply, &status)
	return status.Version, err
}
