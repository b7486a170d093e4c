package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/server"
	"github.com/wayleave/wayleave/mcp/mcpclient"
)

// A fixture is a server with the fx app connected in dev to an upstream that
// answers tools as the test says.
type fixture struct {
	*world
	key   string       // of a workflow that grants dev
	calls atomic.Int64 // requests of tools that arrived
	conn  string
	app   *httptest.Server
}

// newFixture starts one. answer gets the number of the request, from 1.
func newFixture(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, n int64)) *fixture {
	t.Helper()
	return newFixtureOf(t, fxDefinition, answer)
}

func newFixtureOf(t *testing.T, definition string, answer func(w http.ResponseWriter, r *http.Request, n int64)) *fixture {
	t.Helper()
	f := &fixture{world: newWorld(t, embedded, func(c *server.Config) { c.Apps = append(c.Apps, parse(t, definition)) })}
	f.app = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/me" {
			answerJSON(w, 200, map[string]any{"ok": true, "id": "u1", "label": "Fixture user"})
			return
		}
		answer(w, r, f.calls.Add(1))
	}))
	t.Cleanup(f.app.Close)
	f.conn = f.connectFx("dev", "bearer", map[string]any{"token": "fixture-token"}, f.app.URL)
	f.must(f.rest(f.admin, "POST", "/v1/toolkits", map[string]any{"slug": "fx", "app": "fx", "bindings": []any{bind("dev", f.conn)}}), 201, "id")
	f.key = f.workflow("node", environmentsOf("dev"))
	return f
}

func (f *fixture) call(tool string, arguments map[string]any, headers ...string) reply {
	f.t.Helper()
	return f.rest(f.key, "POST", "/v1/toolkits/fx/tools/"+tool, map[string]any{"arguments": arguments}, headers...)
}

// sent fails the test unless n requests of tools arrived since the last time.
func (f *fixture) sent(what string, n int64) {
	f.t.Helper()
	if got := f.calls.Swap(0); got != n {
		f.t.Errorf("%s: %d requests arrived, want %d", what, got, n)
	}
}

var (
	item = map[string]any{"id": "x"}
	made = map[string]any{"name": "once", "count": 1}
)

func ok(w http.ResponseWriter, _ *http.Request, n int64) {
	answerJSON(w, 200, map[string]any{"n": n})
}

// TestRESTWriteIsSentOnce repeats one write many times at once under one key.
func TestRESTWriteIsSentOnce(t *testing.T) {
	release := make(chan struct{})
	f := newFixture(t, func(w http.ResponseWriter, r *http.Request, n int64) {
		<-release
		ok(w, r, n)
	})
	const callers = 12
	var (
		wg      sync.WaitGroup
		under   atomic.Int64
		answers [callers]reply
	)
	for i := range callers {
		wg.Go(func() {
			if answers[i] = f.call("create", made, "Idempotency-Key", "one"); answers[i].get("code") == "conflict" {
				under.Add(1)
			}
		})
	}
	f.until(t, "all but one are told that it is under way", func() bool { return under.Load() == callers-1 })
	close(release)
	wg.Wait()
	f.sent("at once", 1)
	for _, r := range answers {
		if r.status != 200 && (r.status != 409 || r.get("code") != "conflict") {
			t.Errorf("one of them = %d %s", r.status, r.raw)
		}
	}
	if r := f.call("create", made, "Idempotency-Key", "one"); r.status != 200 || r.get("replayed") != "true" || r.get("result.n") != "1" {
		t.Errorf("repeated = %d %s", r.status, r.raw)
	}
	f.sent("repeated", 0)
	f.expect("another call under the key", f.call("create", map[string]any{"name": "other", "count": 1}, "Idempotency-Key", "one"), 400, "invalid_input")
	f.expect("a call that is refused", f.call("create", map[string]any{"name": 1}, "Idempotency-Key", "two"), 400, "invalid_input")
	f.sent("refused", 0)
	f.expect("the key of the refused one", f.call("create", made, "Idempotency-Key", "two"), 200, "")
	f.key = f.workflow("another node", environmentsOf("dev"))
	if r := f.call("create", made, "Idempotency-Key", "one"); r.get("replayed") != "false" {
		t.Errorf("the same key of another caller: %s", r.raw)
	}
	f.sent("two writes", 2)
}

// TestRESTLostAnswers: a write whose answer is lost is never sent again, and a
// read is.
func TestRESTLostAnswers(t *testing.T) {
	f := newFixture(t, func(http.ResponseWriter, *http.Request, int64) { panic(http.ErrAbortHandler) })
	for range 2 {
		f.expect("a write", f.call("create", made, "Idempotency-Key", "lost"), 502, "outcome_unknown")
	}
	f.sent("a write, repeated under its key", 1)
	f.expect("a write without a key", f.call("create", made), 502, "outcome_unknown")
	f.sent("a write without a key", 1)
	f.expect("a read", f.call("get_item", item), 503, "app_unavailable")
	f.sent("a read", 3)
	if r := f.rest(f.admin, "GET", "/v1/connections/"+f.conn, nil); r.get("status") != "active" {
		t.Errorf("the connection is blamed: %s", r.raw)
	}
}

// TestRESTWriteByGET: what changes something by a GET is sent once as well, on a
// connection that was kept, too, where net/http by itself would send it again.
func TestRESTWriteByGET(t *testing.T) {
	definition := fxDefinition + `  - name: fire
    description: A write by GET.
    annotations: { read_only: false, destructive: true, idempotent: false }
    input: { type: object, additionalProperties: false, properties: {} }
    request: { method: GET, path: /fire }
`
	var bodies atomic.Int64
	f := newFixtureOf(t, definition, func(w http.ResponseWriter, r *http.Request, n int64) {
		bodies.Add(max(r.ContentLength, 0) + int64(len(r.TransferEncoding)))
		if r.URL.Path == "/fire" {
			panic(http.ErrAbortHandler)
		}
		ok(w, r, n)
	})
	f.expect("a call that leaves a connection", f.call("get_item", item), 200, "")
	f.sent("a read", 1)
	f.expect("a write by GET", f.call("fire", map[string]any{}), 502, "outcome_unknown")
	f.sent("a write by GET", 1)
	if bodies.Load() != 0 {
		t.Error("a GET was sent with a body")
	}
}

func TestRESTReadIsRetried(t *testing.T) {
	f := newFixture(t, func(w http.ResponseWriter, r *http.Request, n int64) {
		if n < 3 {
			answerJSON(w, 503, map[string]any{"message": "not now"})
			return
		}
		ok(w, r, n)
	})
	if r := f.call("get_item", item); r.status != 200 || r.get("result.n") != "3" {
		t.Errorf("a read = %d %s", r.status, r.raw)
	}
	f.sent("a read", 3)
	f.expect("a write that the app says was not done", f.call("create", made), 503, "app_unavailable")
	f.sent("a write", 1)
}

func TestRESTRetryAfter(t *testing.T) {
	var wait atomic.Int64
	wait.Store(60)
	f := newFixture(t, func(w http.ResponseWriter, r *http.Request, n int64) {
		if n > 1 && wait.Load() == 1 {
			ok(w, r, n)
			return
		}
		w.Header().Set("Retry-After", strconv.FormatInt(wait.Load(), 10))
		answerJSON(w, 429, map[string]any{})
	})
	for _, tool := range []string{"get_item", "create"} {
		arguments := map[string]map[string]any{"get_item": item, "create": made}[tool]
		r := f.expect(tool+" when the app asks for a minute", f.call(tool, arguments), 429, "rate_limited")
		if r.header.Get("Retry-After") != "60" || r.get("retry_after") != "60" {
			t.Errorf("Retry-After %q, retry_after %s", r.header.Get("Retry-After"), r.get("retry_after"))
		}
		f.sent(tool, 1)
	}
	wait.Store(1) // short enough to wait for
	f.expect("a read when the app asks for a second", f.call("get_item", item), 200, "")
	f.sent("a read", 2)
}

// TestRESTAppDown: an app that is away says nothing about the credential.
func TestRESTAppDown(t *testing.T) {
	f := newFixture(t, ok)
	f.app.Close()
	f.expect("a read", f.call("get_item", item), 503, "app_unavailable")
	f.expect("a write that was not sent", f.call("create", made), 503, "app_unavailable")
	if r := f.rest(f.admin, "POST", "/v1/connections/"+f.conn+"/check", nil); r.status != 200 || r.get("ok") != "false" || r.get("code") != "app_unavailable" {
		t.Errorf("a check = %d %s", r.status, r.raw)
	}
	if r := f.rest(f.admin, "GET", "/v1/connections/"+f.conn, nil); r.get("status") != "active" {
		t.Errorf("the connection is blamed: %s", r.raw)
	}
}

// TestRESTDisconnectCancels: when the caller goes away, so does the request to
// the app, and nothing is held against the connection.
func TestRESTDisconnectCancels(t *testing.T) {
	arrived, ended := make(chan struct{}), make(chan struct{})
	f := newFixture(t, func(w http.ResponseWriter, r *http.Request, n int64) {
		if r.URL.Path != "/behave/hang" {
			ok(w, r, n)
			return
		}
		close(arrived)
		<-r.Context().Done()
		close(ended)
	})
	ctx, leave := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "POST", f.url+"/v1/toolkits/fx/tools/hang", bytes.NewReader([]byte(`{"arguments":{}}`)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+f.key)
	req.Header.Set("Content-Type", "application/json")
	gone := make(chan error, 1)
	go func() {
		_, err := http.DefaultClient.Do(req)
		gone <- err
	}()
	<-arrived
	leave()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Fatalf("the caller was answered: %v", err)
	}
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Fatal("the request to the app goes on")
	}
	f.sent("the call", 1)
	f.expect("a call after it", f.call("get_item", item), 200, "")
	if r := f.rest(f.admin, "GET", "/v1/connections/"+f.conn, nil); r.get("health.failures") != "0" || r.get("status") != "active" {
		t.Errorf("it is held against the connection: %s", r.raw)
	}
}

func TestRESTReadOnlyKey(t *testing.T) {
	f := newFixture(t, ok)
	f.key = f.agent("reader", map[string]any{"environments": []any{"dev"}, "read_only": true})
	f.expect("a write", f.call("create", made), 403, "tool_denied")
	f.sent("a write", 0)
	f.expect("a read", f.call("get_item", item), 200, "")
	listed := f.rest(f.key, "GET", "/v1/toolkits/fx/tools", nil)
	if !strings.Contains(string(listed.raw), `"fx_get_item"`) || strings.Contains(string(listed.raw), `"fx_create"`) {
		t.Errorf("listed: %s", listed.raw)
	}
	explained := f.rest(f.key, "POST", "/v1/toolkits/fx/tools/create/explain", map[string]any{"arguments": made})
	if explained.status != 200 || explained.get("allowed") != "false" || explained.get("code") != "tool_denied" {
		t.Errorf("explain = %d %s", explained.status, explained.raw)
	}
}

// TestRESTExplain: it says what a call would do and sends nothing.
func TestRESTExplain(t *testing.T) {
	f := newFixture(t, ok)
	kit := f.rest(f.admin, "GET", "/v1/toolkits/fx", nil).get("id")
	for _, path := range []string{"fx/tools/get_item", "fx/tools/fx_get_item", kit + "/tools/get_item"} {
		r := f.rest(f.key, "POST", "/v1/toolkits/"+path+"/explain", map[string]any{"arguments": item})
		want := map[string]string{"allowed": "true", "tool": "fx_get_item", "environment": "dev", "app": "fx", "scheme": "bearer", "method": "GET",
			"path_template": "/items/{{input.id}}", "host": strings.TrimPrefix(f.app.URL, "http://"), "read_only": "true",
			"connection.connection": f.conn, "connection.account": "Fixture user"}
		for member, value := range want {
			if r.status != 200 || r.get(member) != value {
				t.Errorf("%s of %s is %q, want %q: %d %s", member, path, r.get(member), value, r.status, r.raw)
			}
		}
		f.sent("explain", 0)
		f.expect("a call of "+path, f.rest(f.key, "POST", "/v1/toolkits/"+path, map[string]any{"arguments": item}), 200, "")
		f.sent("a call", 1)
	}
	f.expect("wrong arguments", f.rest(f.key, "POST", "/v1/toolkits/fx/tools/get_item/explain", map[string]any{"arguments": map[string]any{}}), 400, "invalid_input")
	f.expect("no such tool", f.rest(f.key, "POST", "/v1/toolkits/fx/tools/nope/explain", map[string]any{}), 404, "not_found")
	f.expect("the tools of no toolkit", f.rest(f.key, "GET", "/v1/toolkits/nope/tools", nil), 404, "not_found")
	other := f.agent("elsewhere", map[string]any{"environments": []any{"dev"}, "toolkits": []any{"nope"}})
	f.expect("the tools of a toolkit that is not granted", f.rest(other, "GET", "/v1/toolkits/fx/tools", nil), 404, "not_found")
	f.expect("its tool", f.rest(other, "POST", "/v1/toolkits/"+kit+"/tools/get_item", map[string]any{"arguments": item}), 404, "not_found")
}

// TestRESTLabels binds two connections in one environment: a call names one, at
// both doors, and the newest never wins.
func TestRESTLabels(t *testing.T) {
	w := newWorld(t, embedded)
	label := func(env, label, connection string) map[string]any {
		b := bind(env, connection)
		b["label"] = label
		return b
	}
	sales, support := w.connect("dev", "Sales", w.dev.URL, devKey), w.connect("dev", "Support", w.dev.URL, devKey)
	w.toolkit("notes", label("dev", "sales", sales), label("dev", "support", support))
	key := w.agent("bot", environmentsOf("dev"))
	path := "/v1/toolkits/notes/tools/list_notes"
	w.expect("no label", w.rest(key, "POST", path, map[string]any{}), 409, "ambiguous_connection")
	w.expect("an unknown label", w.rest(key, "POST", path, map[string]any{"connection": "nope"}), 400, "invalid_input")
	for name, conn := range map[string]string{"sales": sales, "support": support} {
		if r := w.rest(key, "POST", path, map[string]any{"connection": name}); r.status != 200 || r.get("connection.connection") != conn {
			t.Errorf("%s = %d %s", name, r.status, r.raw)
		}
	}
	explained := w.rest(key, "POST", path+"/explain", map[string]any{})
	if explained.status != 200 || explained.get("allowed") != "false" || explained.get("code") != "ambiguous_connection" || !strings.Contains(explained.get("fix"), "sales, support") {
		t.Errorf("explain = %d %s", explained.status, explained.raw)
	}
	for _, era := range []string{"2026-07-28", "2025-11-25"} {
		c, err := mcpclient.Dial(t.Context(), w.url+"/mcp", key, era)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := c.Call(t.Context(), "notes_list_notes", map[string]any{"connection": "support"}); err != nil || r.Failed {
			t.Errorf("%s: by label = %+v, %v", era, r, err)
		}
		if r, err := c.Call(t.Context(), "notes_list_notes", nil); err != nil || r.Code != "ambiguous_connection" {
			t.Errorf("%s: without one = %+v, %v", era, r, err)
		}
		_ = c.Close()
	}
	same := map[string]any{"slug": "same", "app": "notes", "bindings": []any{bind("dev", sales), bind("dev", support)}}
	w.expect("two without labels", w.rest(w.admin, "POST", "/v1/toolkits", same), 400, "invalid_input")
}
