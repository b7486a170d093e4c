package e2e_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/mcp/mcpclient"
)

// TestMainJob is the product in one test: an app is connected in two
// environments, becomes a toolkit, and agents and a workflow node call its
// tools, each in their own environment.
func TestMainJob(t *testing.T) {
	eachBackends(t, func(t *testing.T, b backends) {
		w := newWorld(t, b)
		dev := w.connect("dev", "Notes dev", w.dev.URL, devKey)
		prod := w.connect("prod", "Notes prod", w.prod.URL, prodKey)
		w.toolkit("notes", bind("dev", dev), bind("prod", prod))
		devAgent := w.agent("dev bot", environmentsOf("dev"))
		bothAgent := w.agent("release bot", environmentsOf("dev", "prod"))

		for _, era := range []string{"2026-07-28", "2025-11-25"} {
			t.Run("MCP "+era, func(t *testing.T) { w.agentsCall(t, era, devAgent, bothAgent) })
		}
		t.Run("stdio", func(t *testing.T) { w.stdioCalls(t, devAgent) })
		t.Run("workflow node", func(t *testing.T) { w.workflowCalls(t) })
		t.Run("revoked", func(t *testing.T) { w.revoked(t, dev, devAgent) })
	})
}

func (w *world) agentsCall(t *testing.T, era, devAgent, bothAgent string) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	dial := func(path, key string) *mcpclient.Client {
		c, err := mcpclient.Dial(ctx, w.url+path, key, era)
		if err != nil {
			t.Fatalf("connecting to %s: %v", path, err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if c.Protocol() != era {
			t.Errorf("agreed on %s, want %s", c.Protocol(), era)
		}
		return c
	}
	call := func(c *mcpclient.Client, tool string, args map[string]any) mcpclient.Result {
		t.Helper()
		r, err := c.Call(ctx, tool, args)
		if err != nil {
			t.Fatalf("calling %s: %v", tool, err)
		}
		return r
	}
	agent := dial("/mcp", devAgent)
	tools, err := agent.Tools(ctx)
	if err != nil || len(tools) < 6 || !strings.HasPrefix(tools[0].Name, "notes_") {
		t.Fatalf("tools = %v, %v", tools, err)
	}
	made := call(agent, "notes_create_note", map[string]any{"title": "from " + era, "body": "made in dev"})
	if made.Failed || !strings.Contains(made.Text, "from "+era) {
		t.Errorf("create = %+v", made)
	}
	if found := call(agent, "notes_search_notes", map[string]any{"query": "from " + era}); !strings.Contains(found.Text, "made in dev") {
		t.Errorf("search in dev = %+v", found)
	}
	if wrong := call(agent, "notes_create_note", map[string]any{"title": 7}); !wrong.Failed || wrong.Code != "invalid_input" {
		t.Errorf("a wrong argument = %+v", wrong)
	}

	both := dial("/mcp/prod", bothAgent)
	if found := call(both, "notes_search_notes", map[string]any{"query": "from " + era}); found.Failed || strings.Contains(found.Text, "made in dev") {
		t.Errorf("search in prod found a note of dev: %+v", found)
	}
	if denied, err := mcpclient.Dial(ctx, w.url+"/mcp/prod", devAgent, era); err == nil {
		defer denied.Close()
		if _, err := denied.Tools(ctx); err == nil || !strings.Contains(err.Error(), "prod") {
			t.Errorf("a dev agent listed the tools of prod: %v", err)
		}
		if r, err := denied.Call(ctx, "notes_list_notes", nil); err == nil && r.Code != "environment_denied" {
			t.Errorf("a dev agent called a tool in prod: %+v", r)
		}
	}
}

func (w *world) stdioCalls(t *testing.T, key string) {
	p, err := w.server.Authenticator.Authenticate(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	in := strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}` + "\n" +
		`{"jsonrpc":"2.0","method":"notifications/initialized"}` + "\n" +
		`{"jsonrpc":"2.0","id":2,"method":"tools/list"}` + "\n" +
		`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"notes_list_notes","arguments":{}}}` + "\n")
	var out bytes.Buffer
	if err := w.server.Door.ServeStdio(t.Context(), p, "", in, &out); err != nil && err != io.EOF {
		t.Fatalf("ServeStdio: %v", err)
	}
	for _, want := range []string{`"id":1`, `"notes_create_note"`, `"id":3`, `Welcome to dev`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("stdio did not answer with %s:\n%s", want, out.String())
		}
	}
}

func (w *world) workflowCalls(t *testing.T) {
	node := w.workflow("nightly "+t.Name(), environmentsOf("dev", "prod"))
	call := func(env, tool string, args map[string]any, headers ...string) reply {
		return w.rest(node, "POST", "/v1/toolkits/notes/tools/"+tool, map[string]any{"environment": env, "arguments": args}, headers...)
	}
	r := call("prod", "list_notes", map[string]any{})
	if r.status != 200 || r.get("environment") != "prod" || r.get("connection.name") != "Notes prod" {
		t.Errorf("call in prod = %d %s", r.status, r.raw)
	}
	if r := call("staging", "list_notes", nil); r.status != 403 || r.get("code") != "environment_denied" {
		t.Errorf("call in an environment that is not granted = %d %s", r.status, r.raw)
	}
	if r := call("", "list_notes", nil); r.status != 400 {
		t.Errorf("call without an environment = %d %s", r.status, r.raw)
	}
	first := call("dev", "create_note", map[string]any{"title": "once"}, "Idempotency-Key", t.Name())
	again := call("dev", "create_note", map[string]any{"title": "once"}, "Idempotency-Key", t.Name())
	if first.status != 200 || again.status != 200 || again.get("replayed") != "true" || first.get("result.id") != again.get("result.id") || first.get("result.id") == "" {
		t.Errorf("a write repeated under one key: %s then %s", first.raw, again.raw)
	}
	if r := call("dev", "create_note", map[string]any{"title": "other"}, "Idempotency-Key", t.Name()); r.status != 400 {
		t.Errorf("another write under the same key = %d %s", r.status, r.raw)
	}
	if r := call("dev", "delete_note/explain", map[string]any{"id": "x"}); r.status != 200 || r.get("method") != "DELETE" || r.get("read_only") != "false" {
		t.Errorf("explain = %d %s", r.status, r.raw)
	}
}

func (w *world) revoked(t *testing.T, dev, agent string) {
	other, base := start(t, w.config) // a second replica on the same backends
	_ = other
	if r := send(t, base, agent, "POST", "/v1/toolkits/notes/tools/list_notes", map[string]any{}); r.status != 200 {
		t.Fatalf("before revoking, the other replica answers %d %s", r.status, r.raw)
	}
	w.must(w.rest(w.admin, "POST", "/v1/connections/"+dev+"/revoke", nil), 200, "status")
	if r := w.rest(agent, "POST", "/v1/toolkits/notes/tools/list_notes", map[string]any{}); r.get("code") != "connection_revoked" {
		t.Errorf("after revoking, the same replica answers %d %s", r.status, r.raw)
	}
	time.Sleep(time.Second) // the promise is within one second, on every replica
	if r := send(t, base, agent, "POST", "/v1/toolkits/notes/tools/list_notes", map[string]any{}); r.get("code") != "connection_revoked" {
		t.Errorf("a second after revoking, the other replica answers %d %s", r.status, r.raw)
	}
}
