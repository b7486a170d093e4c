package mcp_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"os/signal"

	"github.com/wayleave/wayleave/mcp"
)

// A local is a door on stdio, with the ends of its pipes.
type local struct {
	t     *testing.T
	tools *fixture
	in    *io.PipeWriter
	out   *bufio.Reader
	ended chan error
}

func serveStdio(t *testing.T, ctx context.Context, change ...func(*mcp.Config)) *local {
	t.Helper()
	l := &local{t: t, tools: newFixture(), ended: make(chan error, 1)}
	config := mcp.Config{Tools: l.tools, Version: "1.2.3"}
	for _, fn := range change {
		fn(&config)
	}
	inRead, inWrite := io.Pipe()
	outRead, outWrite := io.Pipe()
	l.in, l.out = inWrite, bufio.NewReaderSize(outRead, 1<<20)
	go func() {
		l.ended <- mcp.New(config).ServeStdio(ctx, keys["key-alice"], "", inRead, outWrite)
		outWrite.Close()
	}()
	t.Cleanup(func() { inWrite.Close(); outRead.Close() })
	return l
}

func (l *local) send(line string) {
	l.t.Helper()
	if _, err := io.WriteString(l.in, line+"\n"); err != nil {
		l.t.Fatal(err)
	}
}

func (l *local) receive() decoded {
	l.t.Helper()
	line, err := l.out.ReadString('\n')
	if err != nil {
		l.t.Fatalf("no answer: %v %q", err, line)
	}
	return answer{body: line}.json(l.t)
}

func stdioLongLine(t *testing.T) {
	l := serveStdio(t, t.Context(), func(c *mcp.Config) { c.MaxBody = 1 << 20 })
	before := liveHeap()
	go func() {
		chunk := strings.Repeat("A", 1<<16)
		for range 16 << 20 / len(chunk) {
			if _, err := io.WriteString(l.in, chunk); err != nil {
				return
			}
		}
		io.WriteString(l.in, "\n"+callOf("fx_get_item", "{}")+"\n")
	}()
	if d := l.receive(); d.code() != -32600 || d.Error.Data["code"] != "request_too_large" {
		t.Errorf("%+v", d.Error)
	}
	if d := l.receive(); d.Result == nil {
		t.Errorf("a call after it: %+v", d.Error)
	}
	if grown := liveHeap() - before; grown > 8<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
}

func stdioNUL(t *testing.T) {
	l := serveStdio(t, t.Context())
	l.send("\x00\x00\x00\x00")
	if d := l.receive(); d.code() != -32700 {
		t.Errorf("%+v", d.Error)
	}
}

func stdioEOF(t *testing.T) {
	l := serveStdio(t, t.Context())
	l.in.Close()
	if err := <-l.ended; err != nil {
		t.Errorf("the end of in is an error: %v", err)
	}
}

// stdioEndMidCall: SIGTERM, as a command turns it into the end of a context,
// cancels the call, which is still answered.
func stdioEndMidCall(t *testing.T) {
	ctx, stop := signal.NotifyContext(t.Context(), syscall.SIGTERM)
	defer stop()
	l := serveStdio(t, ctx)
	gate := newGatekeeper()
	l.tools.tools["fx_gate"] = gate.run
	l.send(callOf("fx_gate", "{}"))
	<-gate.begun
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if d := l.receive(); !d.toolError() {
		t.Errorf("%+v", d)
	}
	if err := <-l.ended; err != nil {
		t.Error(err)
	}
}

// TestStdioEndOfInput: what was asked before the end is answered.
func TestStdioEndOfInput(t *testing.T) {
	l := serveStdio(t, t.Context())
	gate := newGatekeeper()
	l.tools.tools["fx_gate"] = gate.run
	l.send(callOf("fx_gate", "{}"))
	<-gate.begun
	l.in.Close()
	close(gate.let)
	if d := l.receive(); d.Result == nil || d.toolError() {
		t.Errorf("%+v", d)
	}
	if err := <-l.ended; err != nil {
		t.Error(err)
	}
}

// TestStdioLastLineWithoutEnd: a message before the end of input needs no newline.
func TestStdioLastLineWithoutEnd(t *testing.T) {
	var out strings.Builder
	in := strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"ping"}`)
	if err := mcp.New(mcp.Config{Tools: newFixture()}).ServeStdio(t.Context(), keys["key-alice"], "", in, &out); err != nil {
		t.Fatal(err)
	}
	if out.String() != `{"jsonrpc":"2.0","id":1,"result":{}}`+"\n" {
		t.Errorf("%q", out.String())
	}
}

// TestStdioConcurrent: a quick call overtakes a slow one, a taken id is refused.
func TestStdioConcurrent(t *testing.T) {
	l := serveStdio(t, t.Context())
	gate := newGatekeeper()
	l.tools.tools["fx_gate"] = gate.run
	l.send(callOf("fx_gate", "{}"))
	<-gate.begun
	l.send(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
	if d := l.receive(); d.code() != -32600 || string(d.ID) != "1" {
		t.Errorf("a taken id: %+v", d)
	}
	l.send(`{"jsonrpc":"2.0","id":"1","method":"tools/call","params":{"name":"fx_list"}}`)
	if d := l.receive(); string(d.ID) != `"1"` || d.Result == nil {
		t.Errorf("the string is not the number: %+v", d)
	}
	close(gate.let)
	if d := l.receive(); string(d.ID) != "1" || d.toolError() {
		t.Errorf("%+v", d)
	}
}

// TestStdioCancel: a cancelled request ends and is not answered; others, and ids
// that nobody uses, are left alone.
func TestStdioCancel(t *testing.T) {
	l := serveStdio(t, t.Context())
	gate := newGatekeeper()
	l.tools.tools["fx_gate"] = gate.run
	l.send(callOf("fx_gate", "{}"))
	l.send(strings.Replace(callOf("fx_gate", "{}"), `"id":1`, `"id":"2"`, 1))
	<-gate.begun
	<-gate.begun
	for _, id := range []string{`7`, `2`, `"1"`, `null`, `{}`, `"\u0032"`} { // only the last one is an id in use
		l.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":` + id + `}}`)
	}
	if end := <-gate.ended; end != "ten_a cancelled" {
		t.Errorf("the call ended as %q", end)
	}
	close(gate.let)
	if d := l.receive(); string(d.ID) != "1" || d.toolError() {
		t.Errorf("%+v", d)
	}
	l.in.Close()
	if rest, _ := io.ReadAll(l.out); len(rest) != 0 {
		t.Errorf("the cancelled request was answered: %s", rest)
	}
}

// TestStdioLimit: one client cannot have any number of calls under way.
func TestStdioLimit(t *testing.T) {
	l := serveStdio(t, t.Context())
	let := make(chan struct{})
	gate := &gatekeeper{make(chan string, 100), make(chan string, 100), let}
	l.tools.tools["fx_gate"] = gate.run
	for i := range 65 {
		raw, _ := json.Marshal(i)
		l.send(strings.Replace(callOf("fx_gate", "{}"), `"id":1`, `"id":`+string(raw), 1))
	}
	if d := l.receive(); d.Error == nil || d.Error.Data["code"] != "rate_limited" {
		t.Errorf("%+v", d)
	}
	close(let)
	var ids []string
	for range 64 {
		ids = append(ids, string(l.receive().ID))
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 64 {
		t.Errorf("answered ids: %v", ids)
	}
}

// TestStdioBroken: an end that cannot be read or written is an error.
func TestStdioBroken(t *testing.T) {
	door := mcp.New(mcp.Config{Tools: newFixture()})
	broken := errors.New("broken pipe")
	err := door.ServeStdio(t.Context(), keys["key-alice"], "", iotest.ErrReader(broken), io.Discard)
	if !errors.Is(err, broken) {
		t.Errorf("a broken in: %v", err)
	}
	for _, message := range []string{`{"jsonrpc":"2.0","id":1,"method":"ping"}`, callOf("fx_list", "{}")} {
		in, write := io.Pipe()
		go io.WriteString(write, message+"\n")
		err = door.ServeStdio(t.Context(), keys["key-alice"], "", in, brokenWriter{broken})
		if !errors.Is(err, broken) {
			t.Errorf("a broken out: %v", err)
		}
		write.Close()
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }
