package transit_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/credentials/transit"
	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/testenv"
)

func shared(t *testing.T) *site {
	t.Helper()
	v := testenv.Vault(t)
	return newSite(t, v, strings.TrimPrefix(v.Addr, "http://"))
}

// TestOpenRefuses shows that what waiting does not heal refuses to start, with
// the command that mends it.
func TestOpenRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(t *testing.T, s *site)
		fix    string // part of what the operator is told
	}{
		"no key": {
			func(t *testing.T, s *site) {
				s.config.Environments = append(environments.Set{}, "dev", "staging")
				s.allow(strings.ReplaceAll(rules(s.config.Mount), "wl-prod", "wl-staging"))
			},
			"vault write MOUNT/keys/wl-staging type=aes256-gcm96 derived=true",
		},
		"no engine": {
			func(t *testing.T, s *site) { s.vault.Delete("sys/mounts/" + s.config.Mount) },
			"vault secrets enable -path=MOUNT transit",
		},
		"key not derived": {
			func(t *testing.T, s *site) { s.replaceKey("dev", map[string]any{"derived": false}) },
			"vault write MOUNT/keys/other-wl-dev type=aes256-gcm96 derived=true",
		},
		"key exportable": {
			func(t *testing.T, s *site) {
				s.replaceKey("dev", map[string]any{"derived": true, "exportable": true})
			},
			"vault.key_prefix",
		},
		"key in plaintext backups": {
			func(t *testing.T, s *site) {
				s.replaceKey("dev", map[string]any{"derived": true, "allow_plaintext_backup": true})
			},
			"vault.key_prefix",
		},
		"key convergent": {
			func(t *testing.T, s *site) {
				s.replaceKey("dev", map[string]any{"derived": true, "convergent_encryption": true})
			},
			"vault.key_prefix",
		},
		"key of another type": {
			func(t *testing.T, s *site) {
				s.replaceKey("dev", map[string]any{"derived": true, "type": "chacha20-poly1305"})
			},
			"type=aes256-gcm96",
		},
		"namespace on a Vault without any": {
			func(t *testing.T, s *site) { s.config.Namespace = "team" },
			"Remove vault.namespace",
		},
		"wrong secret id": {
			func(t *testing.T, s *site) { s.config.Auth.SecretID = "11111111-2222-3333-4444-555555555555" },
			"vault write -f auth/approle/role/wayleave/secret-id",
		},
		"wrong role id": {
			func(t *testing.T, s *site) { s.config.Auth.RoleID = "11111111-2222-3333-4444-555555555555" },
			"role-id",
		},
		"secret id file missing": {
			func(t *testing.T, s *site) {
				s.config.Auth.SecretID, s.config.Auth.SecretIDFile = "", filepath.Join(t.TempDir(), "none")
			},
			"",
		},
		"wrong token": {
			func(t *testing.T, s *site) { s.config.Auth = transit.Auth{Method: transit.Token, Token: "hvs.none"} },
			"vault token create",
		},
		"policy without the keys": {
			func(t *testing.T, s *site) { s.allow(`path "sys/none" { capabilities = ["read"] }`) },
			"vault policy write wayleave",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := shared(t)
			tc.change(t, s)
			sealer, err := transit.Open(t.Context(), s.config)
			if err == nil {
				sealer.Close()
				t.Fatal("it opened")
			}
			if !errors.Is(err, fault.SealerUnavailable) {
				t.Errorf("Open: %v; want %s", err, fault.SealerUnavailable)
			}
			if fix := strings.ReplaceAll(tc.fix, "MOUNT", s.config.Mount); !strings.Contains(fault.From(err).Remedy(), fix) {
				t.Errorf("the remedy is %q; want %q in it", fault.From(err).Remedy(), fix)
			}
			for _, secret := range []string{s.config.Auth.SecretID, s.config.Auth.Token} {
				if secret != "" && strings.Contains(fmt.Sprintf("%+v", err), secret) {
					t.Error("the error holds a secret")
				}
			}
		})
	}
}

// replaceKey makes an environment's key anew with other properties.
func (s *site) replaceKey(env environments.Name, properties map[string]any) {
	s.vault.Write(s.key(env)+"/config", map[string]any{"deletion_allowed": true})
	s.vault.Delete(s.key(env))
	s.vault.Write(s.key(env), properties)
}

// TestOpenAway shows that a Vault that is away at start does not keep the
// process from starting, and that the Sealer finishes opening when it is back.
func TestOpenAway(t *testing.T) {
	s := shared(t)
	s.proxy.refuse(true)
	sealer := s.open(t)
	if err := sealer.Check(t.Context()); !errors.Is(err, fault.SealerUnavailable) || errors.Is(err, credentials.ErrDenied) {
		t.Fatalf("Check while away: %v", err)
	}
	s.proxy.refuse(false)
	eventually(t, func() error { return sealer.Check(t.Context()) })
}

// TestHostileEnvironment shows that nothing comes from VAULT_ variables.
func TestHostileEnvironment(t *testing.T) {
	s := shared(t)
	trap := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s came to the address of the environment", r.Method, r.URL.Path)
	}))
	t.Cleanup(trap.Close)
	for name, value := range map[string]string{
		"VAULT_ADDR": trap.URL, "VAULT_AGENT_ADDR": trap.URL, "VAULT_PROXY_ADDR": trap.URL, "VAULT_HTTP_PROXY": trap.URL,
		"HTTP_PROXY": trap.URL, "HTTPS_PROXY": trap.URL, "ALL_PROXY": trap.URL,
		"VAULT_TOKEN": "hvs.hostile", "VAULT_NAMESPACE": "hostile", "VAULT_SKIP_VERIFY": "true", "VAULT_SRV_LOOKUP": "true",
		"VAULT_MAX_RETRIES": "9", "VAULT_CLIENT_TIMEOUT": "90", "VAULT_RATE_LIMIT": "0.001:1", "VAULT_DISABLE_REDIRECTS": "false",
		"VAULT_HEADERS": `{"X-Hostile":"1"}`,
	} {
		t.Setenv(name, value)
	}
	var seen []http.Header
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Clone())
		w.Header().Set("Location", trap.URL+r.URL.Path)
		w.WriteHeader(http.StatusTemporaryRedirect)
	}))
	t.Cleanup(front.Close)

	s.open(t)

	s.config.Address = front.URL
	if sealer, err := transit.Open(t.Context(), s.config); err == nil {
		defer sealer.Close()
		if err := sealer.Check(t.Context()); !errors.Is(err, fault.SealerUnavailable) {
			t.Errorf("Check over a server that redirects: %v", err)
		}
	}
	if len(seen) == 0 {
		t.Fatal("nothing was sent")
	}
	for _, h := range seen {
		if h.Get("X-Vault-Token") != "" || h.Get("X-Vault-Namespace") != "" || h.Get("X-Hostile") != "" {
			t.Errorf("a request carried what the environment says: %v", h)
		}
	}
}

// TestTLSIsVerified shows that VAULT_SKIP_VERIFY does not turn verification off,
// and that ca_file is how a private authority is trusted.
func TestTLSIsVerified(t *testing.T) {
	t.Setenv("VAULT_SKIP_VERIFY", "true")
	reached := 0
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached++
		http.Error(w, `{"errors":["no"]}`, http.StatusServiceUnavailable)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of the client that refuses it
	server.StartTLS()
	t.Cleanup(server.Close)
	config := transit.Config{Address: server.URL, Environments: environmentsHere, Auth: transit.Auth{Method: transit.Token, Token: "t"}}
	open := func() {
		sealer, err := transit.Open(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		sealer.Close()
	}
	if open(); reached > 0 {
		t.Error("a server with an unknown certificate was spoken to")
	}
	config.CACert = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(config.CACert, certificate(server), 0o600); err != nil {
		t.Fatal(err)
	}
	if open(); reached == 0 {
		t.Error("a server whose authority is trusted was not spoken to")
	}
}

func TestConfigIsChecked(t *testing.T) {
	good := transit.Config{Address: "http://127.0.0.1:1", Environments: environmentsHere, Auth: transit.Auth{Method: transit.Token, Token: "t"}}
	for name, change := range map[string]func(*transit.Config){
		"no address":            func(c *transit.Config) { c.Address = "" },
		"address without host":  func(c *transit.Config) { c.Address = "vault:8200" },
		"http beyond loopback":  func(c *transit.Config) { c.Address = "http://vault.example:8200" },
		"address with password": func(c *transit.Config) { c.Address = "https://u:p@vault.example" },
		"address with path":     func(c *transit.Config) { c.Address = "https://vault.example/v1" },
		"mount climbs":          func(c *transit.Config) { c.Mount = "../sys" },
		"prefix climbs":         func(c *transit.Config) { c.KeyPrefix = "a/../b" },
		"negative timeout":      func(c *transit.Config) { c.Timeout = -time.Second },
		"no environment":        func(c *transit.Config) { c.Environments = nil },
		"unknown method":        func(c *transit.Config) { c.Auth.Method = "magic" },
		"no token":              func(c *transit.Config) { c.Auth.Token = "" },
		"two tokens":            func(c *transit.Config) { c.Auth.TokenFile = "f" },
		"no role":               func(c *transit.Config) { c.Auth = transit.Auth{Method: transit.AppRole, SecretID: "s"} },
		"no secret id":          func(c *transit.Config) { c.Auth = transit.Auth{Method: transit.AppRole, RoleID: "r"} },
		"no certificate":        func(c *transit.Config) { c.CACert = os.DevNull },
	} {
		c := good
		change(&c)
		if _, err := transit.Open(t.Context(), c); !errors.Is(err, fault.InvalidInput) {
			t.Errorf("%s: %v; want %s", name, err, fault.InvalidInput)
		}
	}
	if text := fmt.Sprintf("%v %+v %#v", good, good, good.Auth); strings.Contains(text, `"t"`) || strings.Contains(text, " t ") {
		t.Errorf("the configuration prints its token: %s", text)
	}
}

// TestTokenFile shows that a token file is read again when its token no longer
// serves, as it is when an agent renews it.
func TestTokenFile(t *testing.T) {
	s := shared(t)
	file := filepath.Join(t.TempDir(), "token")
	put := func(token string) {
		if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first := s.vault.Token(s.policy)
	put(first)
	s.config.Auth = transit.Auth{Method: transit.Token, TokenFile: file}
	sealer := s.open(t)
	put(s.vault.Token(s.policy))
	s.vault.Write("auth/token/revoke", map[string]any{"token": first})
	if err := sealer.Check(t.Context()); err != nil {
		t.Errorf("Check with a new token in the file: %v", err)
	}
}

// TestRoleIsGone shows that a login which Vault refuses, with the same status as
// a key that is not ours, is not held against the credential.
func TestRoleIsGone(t *testing.T) {
	s := shared(t)
	role := "auth/approle/role/" + s.config.Mount
	s.vault.Write(role, map[string]any{"token_policies": s.policy, "token_ttl": "1h"})
	s.config.Auth.RoleID, _ = s.vault.Read(role + "/role-id")["role_id"].(string)
	s.config.Auth.SecretID, _ = s.vault.Write(role+"/secret-id", nil)["secret_id"].(string)
	sealer := s.open(t)
	bind := credentials.Binding{Tenant: "ten_1", Environment: "dev", Record: "auth_1"}
	_, w, err := sealer.NewKey(t.Context(), bind)
	if err != nil {
		t.Fatal(err)
	}
	s.vault.Delete(role)
	for accessor := range s.accessors() {
		s.vault.Write("auth/token/revoke-accessor", map[string]any{"accessor": accessor})
	}
	for range 3 {
		if _, err := sealer.Unwrap(t.Context(), bind, w); !errors.Is(err, credentials.ErrDenied) || errors.Is(err, credentials.ErrNotOurs) {
			t.Errorf("Unwrap when the role is gone: %v; want ErrDenied", err)
		}
	}
}

// TestTokenEnds shows that a token is replaced before its life ends, without a
// call that fails first.
func TestTokenEnds(t *testing.T) {
	s := shared(t)
	role, secret := s.vault.AppRole(s.policy, map[string]any{"token_ttl": "2s", "token_max_ttl": "4s"})
	s.config.Auth.RoleID, s.config.Auth.SecretID = role, secret
	s.open(t)
	first := s.accessors()
	if len(first) == 0 {
		t.Fatal("there is no token")
	}
	eventually(t, func() error {
		for accessor := range s.accessors() {
			if !first[accessor] {
				return nil
			}
		}
		return errors.New("no new token was asked for")
	})
}

// accessors returns the accessors of the tokens with the site's policy.
func (s *site) accessors() map[string]bool {
	found := map[string]bool{}
	all, _ := s.vault.Read("auth/token/accessors?list=true")["keys"].([]any)
	for _, a := range all {
		if data, err := s.lookup(a.(string)); err == nil && strings.Contains(fmt.Sprint(data["policies"]), s.policy) {
			found[a.(string)] = true
		}
	}
	return found
}

// TestNoLeak shows that Close ends everything in the background.
func TestNoLeak(t *testing.T) {
	s := shared(t)
	ignore := goleak.IgnoreCurrent()
	sealer, err := transit.Open(t.Context(), s.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := sealer.Check(t.Context()); err != nil {
		t.Error(err)
	}
	sealer.Close()
	s.proxy.cut()
	goleak.VerifyNone(t, ignore)
}

func eventually(t *testing.T, try func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err = try(); err == nil {
			return
		}
	}
	t.Fatalf("it did not come to pass: %v", err)
}
