package mcp_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/mcp"
	"github.com/wayleave/wayleave/toolkits"
)

// A gatekeeper is a tool that says when it has begun and waits until it is let go
// or cancelled.
type gatekeeper struct {
	begun, ended chan string // tenant, and tenant with how it ended
	let          chan struct{}
}

func newGatekeeper() *gatekeeper {
	return &gatekeeper{make(chan string, 16), make(chan string, 16), make(chan struct{})}
}

func (g *gatekeeper) run(ctx context.Context, c toolkits.Call) (*toolkits.Result, error) {
	g.begun <- c.Principal.Tenant
	select {
	case <-g.let:
		g.ended <- c.Principal.Tenant + " let go"
		return result(`{"finished":true}`), nil
	case <-ctx.Done():
		g.ended <- c.Principal.Tenant + " cancelled"
		return nil, ctx.Err()
	}
}

// disconnectMidCall: who closes the connection of a request cancels it.
func disconnectMidCall(t *testing.T) {
	b := serve(t)
	gate := newGatekeeper()
	b.tools.tools["fx_gate"] = gate.run
	ctx, leave := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, http.MethodPost, b.URL+"/mcp", strings.NewReader(callOf("fx_gate", "{}")))
	req.Header.Set("Authorization", "Bearer key-alice")
	req.Header.Set("Content-Type", "application/json")
	done := make(chan struct{})
	go func() {
		defer close(done)
		if resp, err := b.Client().Do(req); err == nil {
			resp.Body.Close()
			t.Error("the request was answered")
		}
	}()
	<-gate.begun
	leave()
	if end := <-gate.ended; end != "ten_a cancelled" {
		t.Errorf("the call ended as %q", end)
	}
	<-done
}

// TestCancelDoesNotCross: JSON-RPC ids are small numbers that all clients use, so
// a cancellation over HTTP must not end the request of another caller, nor of
// another process that shares the key. Both eras.
func TestCancelDoesNotCross(t *testing.T) {
	legacy := callOf("fx_gate", "{}")
	stateless, headers := modern("tools/call", `"name":"fx_gate","arguments":{}`)
	for name, call := range map[string]struct {
		body   string
		header []string
	}{"handshake": {legacy, nil}, "2026-07-28": {stateless, headers}} {
		t.Run(name, func(t *testing.T) {
			b := serve(t)
			gate := newGatekeeper()
			b.tools.tools["fx_gate"] = gate.run
			answers := make(chan answer, 1)
			go func() { answers <- b.post(t, "key-alice", "/mcp", call.body, call.header...) }()
			<-gate.begun
			for _, key := range []string{"key-bob", "key-alice", "key-carol"} {
				cancel := `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"x"}}`
				if a := b.post(t, key, "/mcp", cancel, "Mcp-Session-Id", "any"); a.status != http.StatusAccepted || a.body != "" {
					t.Errorf("%s: %d %s", key, a.status, a.body)
				}
			}
			close(gate.let)
			if end := <-gate.ended; end != "ten_a let go" {
				t.Errorf("the call ended as %q", end)
			}
			if d := (<-answers).json(t); d.toolError() || d.code() != 0 {
				t.Error("the call was not answered with its result")
			}
		})
	}
}

// TestPrincipalsNeverCross: eight callers use the same ids at the same time, and
// each gets its own answers.
func TestPrincipalsNeverCross(t *testing.T) {
	ring := keyring{}
	for i := range 8 {
		tenant := fmt.Sprintf("ten_%d", i)
		ring["key-"+tenant] = &access.Principal{Tenant: tenant, Grant: access.Grant{Environments: []environments.Name{"dev"}}}
	}
	b := serve(t, func(c *mcp.Config) { c.Auth = ring })
	var group sync.WaitGroup
	for key, p := range ring {
		group.Go(func() {
			for i := range 60 {
				mark := fmt.Sprintf(`{"of":"%s-%d"}`, p.Tenant, i)
				body, header := callOf("fx_get_item", mark), []string(nil)
				if i%2 == 1 {
					body, header = modern("tools/call", `"name":"fx_get_item","arguments":`+mark)
				}
				d := b.post(t, key, "/mcp", body, header...).json(t)
				want := `{"tenant":"` + p.Tenant + `","arguments":` + mark + `}`
				if d.Result == nil || string(d.Result.StructuredContent) != want || d.Result.Content[0].Text != want {
					t.Errorf("%s was answered %+v", p.Tenant, d)
					return
				}
			}
		})
	}
	group.Wait()
}

// TestInitializeKeepsNothing: ten thousand handshakes leave no trace.
func TestInitializeKeepsNothing(t *testing.T) {
	b := serve(t)
	hello := `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`
	shake := func(n int) {
		for range n {
			w := newRecorder()
			b.door.ServeHTTP(w, newRequest(t, "key-alice", hello))
			if w.Code != http.StatusOK || w.Header().Get("Mcp-Session-Id") != "" {
				t.Fatalf("%d, session %q: %s", w.Code, w.Header().Get("Mcp-Session-Id"), w.Body)
			}
		}
	}
	shake(200)
	before := liveHeap()
	shake(10_000)
	if grown := liveHeap() - before; grown > 1<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
}

func liveHeap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestSecretsOfFailuresStayInside: what a panic or an unexpected error says is not
// told to callers, and what a panic says is not logged either. An id leads from
// the answer to the log.
func TestSecretsOfFailuresStayInside(t *testing.T) {
	b := serve(t)
	panicked := b.post(t, "key-alice", "/mcp", callOf("fx_panic", "{}"))
	d := panicked.json(t)
	if panicked.status != 200 || d.code() != -32603 || string(d.ID) != "1" {
		t.Errorf("a panic: %d %s", panicked.status, panicked.body)
	}
	if strings.Contains(b.log.String(), canary) {
		t.Error("the log shows what the panic said")
	}
	if id, _ := d.Error.Data["request_id"].(string); id == "" || !strings.Contains(b.log.String(), id) {
		t.Errorf("the id %q is not in the log", id)
	}
	internal := b.post(t, "key-alice", "/mcp", callOf("fx_internal", "{}"))
	if d := internal.json(t); !d.toolError() || d.Result.Meta["wayleave/code"] != "internal" {
		t.Errorf("an internal error: %s", internal.body)
	} else if id, _ := d.Result.Meta["wayleave/request_id"].(string); id == "" || !strings.Contains(b.log.String(), id) {
		t.Errorf("the id %q is not in the log", id)
	}
	for _, a := range []answer{panicked, internal} {
		if strings.Contains(a.body, canary) || strings.Contains(a.body, "goroutine") {
			t.Errorf("the answer tells too much: %s", a.body)
		}
	}
	if a := b.post(t, "key-alice", "/mcp", callOf("fx_nothing", "{}")); !a.json(t).toolError() {
		t.Errorf("neither result nor error: %s", a.body)
	}
}

// TestAuthenticatorPanic: the guard holds for what runs before a message is read.
func TestAuthenticatorPanic(t *testing.T) {
	b := serve(t, func(c *mcp.Config) { c.Auth = panicking{} })
	a := b.post(t, "key-alice", "/mcp", callOf("fx_get_item", "{}"))
	if a.status != http.StatusInternalServerError || a.json(t).code() != -32603 || strings.Contains(a.body+b.log.String(), canary) {
		t.Errorf("%d %s", a.status, a.body)
	}
}

type panicking struct{}

func (panicking) Authenticate(context.Context, string) (*access.Principal, error) { panic(canary) }

// TestDeadline: a call that waits too long is told so.
func TestDeadline(t *testing.T) {
	b := serve(t, func(c *mcp.Config) { c.CallTimeout = 20 * time.Millisecond })
	a := b.post(t, "key-alice", "/mcp", callOf("fx_hang", "{}"))
	if d := a.json(t); !d.toolError() || d.Result.Meta["wayleave/code"] != "app_unavailable" {
		t.Errorf("%s", a.body)
	}
}

// TestClose: what is under way gets its answer, what comes later is refused.
func TestClose(t *testing.T) {
	b := serve(t)
	gate := newGatekeeper()
	b.tools.tools["fx_gate"] = gate.run
	answers := make(chan answer, 1)
	go func() { answers <- b.post(t, "key-alice", "/mcp", callOf("fx_gate", "{}")) }()
	<-gate.begun
	closed := make(chan error, 1)
	go func() { closed <- b.door.Close(t.Context()) }()
	for {
		if a := b.post(t, "key-bob", "/mcp", callOf("fx_get_item", "{}")); a.status == http.StatusServiceUnavailable {
			break
		}
	}
	select {
	case err := <-closed:
		t.Fatalf("closed before the call had ended: %v", err)
	default:
	}
	close(gate.let)
	if d := (<-answers).json(t); d.code() != 0 || d.toolError() {
		t.Error("the call under way lost its result")
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

// TestCloseInTime: when its time is up, Close cancels what is under way, which is
// still answered.
func TestCloseInTime(t *testing.T) {
	b := serve(t)
	gate := newGatekeeper()
	b.tools.tools["fx_gate"] = gate.run
	answers := make(chan answer, 1)
	go func() { answers <- b.post(t, "key-alice", "/mcp", callOf("fx_gate", "{}")) }()
	<-gate.begun
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.door.Close(ctx); err != context.Canceled {
		t.Errorf("Close returned %v", err)
	}
	select {
	case end := <-gate.ended:
		if end != "ten_a cancelled" {
			t.Errorf("the call ended as %q", end)
		}
	default:
		t.Error("Close returned before the call had ended")
		<-gate.ended
	}
	if d := (<-answers).json(t); !d.toolError() {
		t.Error("the cancelled call was not answered as a failure")
	}
	if err := b.door.Close(t.Context()); err != nil {
		t.Errorf("closing again: %v", err)
	}
}
