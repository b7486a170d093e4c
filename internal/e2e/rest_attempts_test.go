package e2e_test

import (
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/notes"
	"github.com/wayleave/wayleave/internal/server"
)

// begin asks for a connection to a notes product and returns the answer.
func (w *world) begin(name, at, key string) reply {
	return w.rest(w.admin, "POST", "/v1/connections", map[string]any{"app": "notes", "environment": "dev", "name": name,
		"params": map[string]any{"base_url": at}, "auth": map[string]any{"scheme": "key", "fields": map[string]any{"key": key}}})
}

func (w *world) test(attempt string) reply {
	return w.rest(w.admin, "POST", "/v1/connections/"+attempt+"/test", nil)
}

// expect fails the test unless the reply has the status and the code.
func (w *world) expect(what string, r reply, status int, code string) reply {
	w.t.Helper()
	if r.status != status || r.get("code") != code {
		w.t.Errorf("%s: %d %s; want %d %s", what, r.status, r.raw, status, code)
	}
	return r
}

func TestRESTAttemptIsCorrectedUntilItSucceeds(t *testing.T) {
	w := newWorld(t, embedded)
	made := w.begin("Notes", w.dev.URL, "wrong")
	id := w.must(made, 202, "id")
	if made.get("status") != "pending" || made.get("connection") != "" || made.get("error") != "" {
		t.Errorf("a new attempt: %s", made.raw)
	}
	w.expect("a wrong key", w.test(id), 502, "authorization_rejected")
	read := w.rest(w.admin, "GET", "/v1/attempts/"+id, nil)
	if read.get("status") != "failed" || read.get("error.code") != "authorization_rejected" || read.get("error.message") == "" {
		t.Errorf("the attempt does not keep its error: %s", read.raw)
	}
	if r := w.rest(w.admin, "GET", "/v1/connections", nil); r.get("items") != "[]" {
		t.Errorf("a failed attempt made a connection: %s", r.raw)
	}
	stale := w.rest(w.admin, "PATCH", "/v1/attempts/"+id, map[string]any{"fields": map[string]any{"key": devKey}}, "If-Match", `"1"`)
	w.expect("a correction of an older version", stale, 412, "precondition_failed")
	corrected := w.rest(w.admin, "PATCH", "/v1/attempts/"+id, map[string]any{"fields": map[string]any{"key": devKey}}, "If-Match", read.header.Get("ETag"))
	if corrected.status != 200 || corrected.get("status") != "pending" || corrected.get("error") != "" {
		t.Errorf("corrected: %d %s", corrected.status, corrected.raw)
	}
	green := w.rest(w.admin, "GET", "/v1/connections/"+id+"/test", nil)
	conn := w.must(green, 200, "connection.id")
	if green.get("attempt.status") != "succeeded" || green.get("attempt.connection") != conn || green.get("connection.status") != "active" ||
		green.get("connection.identity.label") != "acme (dev)" || green.get("connection.scheme") != "key" {
		t.Errorf("green: %s", green.raw)
	}
	if again := w.test(id); again.status != 200 || again.get("connection.id") != conn || again.get("attempt.version") != green.get("attempt.version") {
		t.Errorf("tested twice: %d %s", again.status, again.raw)
	}
	if all := w.rest(w.admin, "GET", "/v1/connections", nil); strings.Count(string(all.raw), `"id":"conn_`) != 1 {
		t.Errorf("testing twice: %s", all.raw)
	}
	w.expect("correcting what has succeeded", w.rest(w.admin, "PATCH", "/v1/attempts/"+id, map[string]any{"name": "x"}), 409, "conflict")
	w.expect("checking an attempt", w.rest(w.admin, "POST", "/v1/connections/"+id+"/check", nil), 404, "not_found")
	w.expect("testing a connection", w.test(conn), 404, "not_found")
}

func TestRESTAttemptExpires(t *testing.T) {
	var later atomic.Int64
	w := newWorld(t, embedded, func(c *server.Config) {
		c.AttemptTTL = time.Hour
		c.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	})
	id := w.must(w.begin("Notes", w.dev.URL, devKey), 202, "id")
	later.Store(int64(time.Hour + time.Second))
	w.expect("testing it", w.test(id), 404, "not_found")
	w.expect("reading it", w.rest(w.admin, "GET", "/v1/attempts/"+id, nil), 404, "not_found")
	w.expect("correcting it", w.rest(w.admin, "PATCH", "/v1/attempts/"+id, map[string]any{"name": "x"}), 404, "not_found")
}

func TestRESTNamesAreUnique(t *testing.T) {
	w := newWorld(t, embedded)
	one, two := w.must(w.begin("Same", w.dev.URL, devKey), 202, "id"), w.must(w.begin("Same", w.dev.URL, devKey), 202, "id")
	w.must(w.test(one), 200, "")
	w.expect("a name that is taken", w.test(two), 409, "conflict")
	if r := w.rest(w.admin, "GET", "/v1/attempts/"+two, nil); r.get("status") != "failed" || r.get("error.code") != "conflict" {
		t.Errorf("the attempt: %s", r.raw)
	}
	w.must(w.rest(w.admin, "PATCH", "/v1/attempts/"+two, map[string]any{"name": "Another"}), 200, "")
	if r := w.test(two); r.status != 200 || r.get("connection.name") != "Another" {
		t.Errorf("with another name: %d %s", r.status, r.raw)
	}
	conn := w.test(two).get("connection.id")
	w.expect("renaming to a name that is taken", w.rest(w.admin, "PATCH", "/v1/connections/"+conn, map[string]any{"name": "Same"}), 409, "conflict")
}

// TestRESTReauthorize: the old credential serves until the new one has tested
// green, id and bindings stay, and another account is a conflict until it is
// confirmed.
func TestRESTReauthorize(t *testing.T) {
	product := httptest.NewServer(notes.New(notes.Config{Workspace: "acme", Environment: "dev",
		Keys: map[string]string{"first": devKey, "second": prodKey}}))
	t.Cleanup(product.Close)
	w := newWorld(t, embedded)
	conn := w.connect("dev", "Notes", product.URL, devKey)
	w.toolkit("notes", bind("dev", conn))
	agent := w.agent("bot", environmentsOf("dev"))
	works := func(what string) {
		t.Helper()
		w.expect(what, w.rest(agent, "POST", "/v1/toolkits/notes/tools/list_notes", map[string]any{}), 200, "")
	}
	reauthorize := func(key string) string {
		t.Helper()
		r := w.rest(w.admin, "POST", "/v1/connections/"+conn+"/reauthorize", map[string]any{"auth": map[string]any{"fields": map[string]any{"key": key}}})
		if r.get("connection") != conn {
			t.Errorf("the attempt does not name what it re-authorises: %s", r.raw)
		}
		return w.must(r, 202, "id")
	}
	bad := reauthorize("wrong")
	works("while an attempt is pending")
	w.expect("a wrong key", w.test(bad), 502, "authorization_rejected")
	works("after an attempt failed")

	other := reauthorize(prodKey)
	w.expect("another account", w.test(other), 409, "conflict")
	works("while the other account is not confirmed")
	if got := w.rest(w.admin, "GET", "/v1/connections/"+conn, nil); got.get("identity.id") != "first" || got.get("status") != "active" {
		t.Errorf("before it is confirmed: %s", got.raw)
	}
	confirmed := w.rest(w.admin, "POST", "/v1/connections/"+other+"/test", map[string]any{"confirm_identity": true})
	if confirmed.status != 200 || confirmed.get("connection.id") != conn || confirmed.get("connection.identity.id") != "second" {
		t.Errorf("confirmed: %d %s", confirmed.status, confirmed.raw)
	}
	works("with the other account")
	if kit := w.rest(w.admin, "GET", "/v1/toolkits/notes", nil); !strings.Contains(string(kit.raw), conn) {
		t.Errorf("the binding is gone: %s", kit.raw)
	}
}

// TestRESTOperatorsReauthorize: what an operator may begin it may also end, and
// nothing else.
func TestRESTOperatorsReauthorize(t *testing.T) {
	w := newWorld(t, embedded)
	conn := w.connect("dev", "Notes", w.dev.URL, devKey)
	operator := w.must(w.rest(w.admin, "POST", "/v1/keys", map[string]any{"name": "on call", "role": "operator"}), 201, "key")
	again := w.must(w.rest(operator, "POST", "/v1/connections/"+conn+"/reauthorize", map[string]any{"auth": map[string]any{"fields": map[string]any{"key": "wrong"}}}), 202, "id")
	w.expect("its test", w.rest(operator, "POST", "/v1/connections/"+again+"/test", nil), 502, "authorization_rejected")
	w.must(w.rest(operator, "PATCH", "/v1/attempts/"+again, map[string]any{"fields": map[string]any{"key": devKey}}), 200, "id")
	w.must(w.rest(operator, "POST", "/v1/connections/"+again+"/test", nil), 200, "connection.id")

	fresh := w.must(w.begin("Another", w.dev.URL, devKey), 202, "id")
	for what, r := range map[string]reply{
		"testing":    w.rest(operator, "POST", "/v1/connections/"+fresh+"/test", nil),
		"reading":    w.rest(operator, "GET", "/v1/attempts/"+fresh, nil),
		"correcting": w.rest(operator, "PATCH", "/v1/attempts/"+fresh, map[string]any{"name": "x"}),
	} {
		w.expect(what+" an attempt that makes a connection", r, 403, "permission_denied")
	}
}

// TestRESTAuthConfigIsShared: rotating it reaches all of its connections, and a
// rotation that fails its test changes nothing.
func TestRESTAuthConfigIsShared(t *testing.T) {
	w := newWorld(t, embedded, withFx(t))
	up := newUpstream(t, nil)
	config := w.must(w.rest(w.admin, "POST", "/v1/auth-configs", map[string]any{"app": "fx", "environment": "dev", "scheme": "bearer", "name": "Shared",
		"params": map[string]any{"base_url": up.URL}, "fields": map[string]any{"token": "shared-token-one"}}), 201, "id")
	with := func(name string, change map[string]any) reply {
		body := map[string]any{"app": "fx", "environment": "dev", "name": name, "params": map[string]any{"base_url": up.URL}, "auth_config": config}
		for k, v := range change {
			body[k] = v
		}
		return w.rest(w.admin, "POST", "/v1/connections", body)
	}
	for _, name := range []string{"one", "two"} {
		conn := w.must(w.test(w.must(with(name, nil), 202, "id")), 200, "connection.id")
		w.must(w.rest(w.admin, "POST", "/v1/toolkits", map[string]any{"slug": name, "app": "fx", "bindings": []any{bind("dev", conn)}}), 201, "id")
	}
	key := w.agent("bot", environmentsOf("dev"))
	sees := func(token string) {
		t.Helper()
		for _, toolkit := range []string{"one", "two"} {
			before, _ := up.requests()
			w.must(w.rest(key, "POST", "/v1/toolkits/"+toolkit+"/tools/get_item", map[string]any{"arguments": map[string]any{"id": "x"}}), 200, "result")
			after, _ := up.requests()
			if !strings.Contains(after[len(before):], "Bearer "+token+"]") {
				t.Errorf("%s does not use %s", toolkit, token)
			}
		}
	}
	sees("shared-token-one")
	rotate := func(fields map[string]any, more ...string) reply {
		return w.rest(w.admin, "PATCH", "/v1/auth-configs/"+config, map[string]any{"fields": fields}, more...)
	}
	w.must(rotate(map[string]any{"token": "shared-token-two"}), 200, "rotated_at")
	sees("shared-token-two")
	w.expect("an older version", rotate(map[string]any{"token": "shared-token-three"}, "If-Match", `"1"`), 412, "precondition_failed")
	sees("shared-token-two")

	for what, r := range map[string]reply{
		"another host":        with("x", map[string]any{"params": map[string]any{"base_url": "http://127.0.0.1:1"}}),
		"another scheme":      with("x", map[string]any{"auth_config": nil, "auth": map[string]any{"scheme": "nope", "fields": map[string]any{"token": "t"}}}),
		"another environment": with("x", map[string]any{"environment": "prod"}),
		"another app":         with("x", map[string]any{"app": "notes"}),
		"both":                with("x", map[string]any{"auth": map[string]any{"fields": map[string]any{"token": "t"}}}),
	} {
		w.expect("the auth config for "+what, r, 400, "invalid_input")
	}
	w.expect("deleting it while it is used", w.rest(w.admin, "DELETE", "/v1/auth-configs/"+config, nil), 409, "in_use")
}

func withFx(t testing.TB) func(*server.Config) {
	return func(c *server.Config) { c.Apps = append(c.Apps, parse(t, fxDefinition)) }
}

// TestRESTFailingRotationChangesNothing rotates to a key that the product does
// not take.
func TestRESTFailingRotationChangesNothing(t *testing.T) {
	w := newWorld(t, embedded)
	conn := w.connect("dev", "Notes", w.dev.URL, devKey)
	w.toolkit("notes", bind("dev", conn))
	agent := w.agent("bot", environmentsOf("dev"))
	config := w.rest(w.admin, "GET", "/v1/connections/"+conn, nil).get("auth_config")
	before := w.rest(w.admin, "GET", "/v1/auth-configs/"+config, nil)
	w.expect("a wrong key", w.rest(w.admin, "PATCH", "/v1/auth-configs/"+config, map[string]any{"fields": map[string]any{"key": "wrong"}}), 422, "test_failed")
	if after := w.rest(w.admin, "GET", "/v1/auth-configs/"+config, nil); string(after.raw) != string(before.raw) {
		t.Errorf("it changed: %s", after.raw)
	}
	if got := w.rest(w.admin, "GET", "/v1/connections/"+conn, nil); got.get("status") != "active" {
		t.Errorf("the connection is blamed: %s", got.raw)
	}
	w.expect("a call", w.rest(agent, "POST", "/v1/toolkits/notes/tools/list_notes", map[string]any{}), 200, "")
}

// TestRESTRevokeAndDelete: a revoked connection is refused for good, and what is
// in use is not deleted.
func TestRESTRevokeAndDelete(t *testing.T) {
	w := newWorld(t, embedded)
	conn := w.connect("dev", "Notes", w.dev.URL, devKey)
	kit := w.toolkit("notes", bind("dev", conn))
	agent := w.agent("bot", environmentsOf("dev"))
	used := w.expect("deleting what a toolkit binds", w.rest(w.admin, "DELETE", "/v1/connections/"+conn, nil), 409, "in_use")
	if !strings.Contains(string(used.raw), "notes") {
		t.Errorf("it does not name the toolkit: %s", used.raw)
	}
	w.expect("refreshing what does not expire", w.rest(w.admin, "POST", "/v1/connections/"+conn+"/refresh", nil), 400, "invalid_input")
	if r := w.rest(w.admin, "POST", "/v1/connections/"+conn+"/revoke", nil); r.status != 200 || r.get("status") != "revoked" {
		t.Errorf("revoke = %d %s", r.status, r.raw)
	}
	call := map[string]any{"arguments": map[string]any{}}
	w.expect("a call", w.rest(agent, "POST", "/v1/toolkits/notes/tools/list_notes", call), 409, "connection_revoked")
	explained := w.rest(agent, "POST", "/v1/toolkits/notes/tools/list_notes/explain", call)
	if explained.status != 200 || explained.get("allowed") != "false" || explained.get("code") != "connection_revoked" {
		t.Errorf("explain = %d %s", explained.status, explained.raw)
	}
	w.expect("a check", w.rest(w.admin, "POST", "/v1/connections/"+conn+"/check", nil), 409, "connection_revoked")
	w.expect("re-authorising it", w.rest(w.admin, "POST", "/v1/connections/"+conn+"/reauthorize", nil), 409, "connection_revoked")
	w.expect("deleting an older version of the toolkit", w.rest(w.admin, "DELETE", "/v1/toolkits/"+kit, nil, "If-Match", `"7"`), 412, "precondition_failed")
	w.must(w.rest(w.admin, "DELETE", "/v1/toolkits/"+kit, nil, "If-Match", `"1"`), 204, "")
	w.expect("deleting the toolkit twice", w.rest(w.admin, "DELETE", "/v1/toolkits/"+kit, nil), 404, "not_found")
	w.must(w.rest(w.admin, "DELETE", "/v1/connections/"+conn, nil), 204, "")
	w.expect("reading what was deleted", w.rest(w.admin, "GET", "/v1/connections/"+conn, nil), 404, "not_found")
}
