package e2e_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/wayleave/wayleave/internal/server"
)

// TestAFailedCheckIsNoSuccessInHealth: an app that answers 200 to a credential
// that no longer works, and says so in the body, fails the check in the verdict,
// in the status and in what is tracked alike.
func TestAFailedCheckIsNoSuccessInHealth(t *testing.T) {
	w := newWorld(t, embedded, func(c *server.Config) { c.Apps = append(c.Apps, parse(t, fxDefinition)) })
	var broken atomic.Bool
	up := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		answerJSON(rw, 200, map[string]any{"ok": !broken.Load(), "id": "u1", "label": "user"})
	}))
	t.Cleanup(up.Close)
	id := w.connectFx("dev", "bearer", map[string]any{"token": "token-of-the-check"}, up.URL)
	check := func() (reply, reply) {
		return w.rest(w.admin, "POST", "/v1/connections/"+id+"/check", nil), w.rest(w.admin, "GET", "/v1/connections/"+id, nil)
	}
	broken.Store(true)
	verdict, record := check()
	if verdict.get("ok") != "false" || verdict.get("code") != "test_failed" || record.get("status") != "error" || record.get("reason") != "test_failed" {
		t.Errorf("the check = %s\nthe connection = %s", verdict.raw, record.raw)
	}
	if record.get("health.failure") != "test_failed" || record.get("health.streak") != "1" || record.get("health.last_ok") != "" {
		t.Errorf("what is tracked of the failed check: %s", record.get("health"))
	}
	broken.Store(false)
	verdict, record = check()
	if verdict.get("ok") != "true" || record.get("status") != "active" || record.get("health.streak") != "0" || record.get("health.last_ok") == "" {
		t.Errorf("once it works again: %s\n%s", verdict.raw, record.raw)
	}
}
