package e2e_test

import (
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/server"
	"github.com/wayleave/wayleave/internal/testenv"
)

// TestBackendsComeAndGo takes each backend away from a running server and gives
// it back. What can go on does; what cannot says which backend is missing; it
// all heals without a restart, and no connection is blamed.
func TestBackendsComeAndGo(t *testing.T) {
	postgres, redis, vault := testenv.OwnPostgres(t), testenv.OwnRedis(t), testenv.OwnVault(t)
	w := newWorld(t, backends{"own servers", func(_ testing.TB, c *server.Config) {
		c.StoreURL, c.RedisURL, c.Vault = postgres.URL, redis.URL, vaultConfig(&vault.VaultServer)
	}})
	w.toolkit("notes", bind("dev", w.connect("dev", "Notes dev", w.dev.URL, devKey)))
	agent := w.agent("bot", environmentsOf("dev"))
	call := func() reply { return w.rest(agent, "POST", "/v1/toolkits/notes/tools/list_notes", map[string]any{}) }
	begin := func() reply {
		return w.rest(w.admin, "POST", "/v1/connections", map[string]any{"app": "notes", "environment": "dev", "name": "another",
			"params": map[string]any{"base_url": w.dev.URL}, "auth": map[string]any{"fields": map[string]any{"key": devKey}}})
	}
	w.must(call(), 200, "result")

	for _, tc := range []struct {
		backend    string
		stop, back func()
		calls      string // code of a warm call meanwhile; empty: it goes on
		begins     string // code of what needs the backend
	}{
		{"tracker", redis.Stop, redis.Start, "", ""},
		{"sealer", vault.Seal, vault.Unseal, "", "sealer_unavailable"},
		{"sealer", vault.Stop, func() { vault.Start(); vault.Unseal() }, "", "sealer_unavailable"},
		{"store", postgres.Stop, postgres.Start, "store_unavailable", "store_unavailable"},
	} {
		tc.stop()
		w.until(t, tc.backend+" is named as missing", func() bool { return notReady(w, tc.backend) })
		if tc.calls != "" {
			w.until(t, "calls say so without the "+tc.backend, func() bool { return call().get("code") == tc.calls })
		} else if r := call(); r.status != 200 {
			t.Errorf("without the %s a warm call = %d %s", tc.backend, r.status, r.raw)
		}
		if r := begin(); r.get("code") != tc.begins {
			t.Errorf("without the %s an attempt = %d %s, want %q", tc.backend, r.status, r.raw, tc.begins)
		}
		tc.back()
		w.until(t, "ready again after the "+tc.backend, func() bool { return w.rest("", "GET", "/readyz", nil).status == 200 })
		w.until(t, "calls after the "+tc.backend, func() bool { return call().status == 200 })
		w.until(t, "attempts after the "+tc.backend, func() bool { return begin().status == 202 })
	}
	for _, line := range strings.Split(string(w.rest(w.admin, "GET", "/v1/connections", nil).raw), `"status":`)[1:] {
		if !strings.HasPrefix(line, `"active"`) {
			t.Errorf("a connection was blamed: %.60s", line)
		}
	}
}

// notReady reports whether /readyz names the backend, and that one only.
func notReady(w *world, backend string) bool {
	r := w.rest("", "GET", "/readyz", nil)
	checks, _ := r.json["checks"].([]any)
	for _, c := range checks {
		check, _ := c.(map[string]any)
		if check["ok"] == (check["name"] == backend) {
			return false
		}
	}
	return r.status == 503
}

// until waits for what must come by itself. It is bounded by patience, not by
// how fast the machine is.
func (w *world) until(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it did not come about: %s", what)
		}
	}
}
