package mcp_test

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// A badInput is an entry of testdata/bad-inputs.json: what is sent, as alice
// unless it says otherwise, and what must come back.
type badInput struct {
	ID      string
	Why     string
	By      string // not empty: a test of its own, in ownTests
	Method  string // POST unless given
	Query   string
	Headers map[string]string
	Body    string

	HeaderRepeat []json.RawMessage `json:"header_repeat"` // header, text, times: appended to its value
	BodyRepeat   []json.RawMessage `json:"body_repeat"`   // mark, text, times: put in place of the mark
	BodyBytes    []string          `json:"body_bytes"`    // mark, hex: put in place of the mark
	BodyNest     int               `json:"body_nest"`     // that many nested arrays
	BodyGzip     int               `json:"body_gzip"`     // that many zeros, compressed

	Expect struct {
		HTTP      int
		RPC       int  // 0: no error
		ToolError bool `json:"tool_error"`
		Header    string
		Answer    string // must be part of the answer
		Calls     int64  // of tools
	}
}

// ownTests hold the inputs that are no single request.
var ownTests = map[string]func(*testing.T){
	"mcp-http-017-headers-slow":       slowHeaders,
	"mcp-http-018-truncated-body":     truncatedBody,
	"mcp-http-025-session-crlf":       crInHeader,
	"mcp-http-030-disconnect-midcall": disconnectMidCall,
	"mcp-stdio-001-line-16mib":        stdioLongLine,
	"mcp-stdio-002-nul-bytes":         stdioNUL,
	"mcp-stdio-003-eof":               stdioEOF,
	"mcp-stdio-005-sigterm-midcall":   stdioEndMidCall,
}

// TestBadInputs: each is answered as it says, and a call right after works.
func TestBadInputs(t *testing.T) {
	raw, err := os.ReadFile("testdata/bad-inputs.json")
	if err != nil {
		t.Fatal(err)
	}
	var inputs []badInput
	if err := json.Unmarshal(raw, &inputs); err != nil {
		t.Fatal(err)
	}
	for _, in := range inputs {
		t.Run(in.ID, func(t *testing.T) {
			if in.By != "" {
				own, ok := ownTests[in.ID]
				if !ok {
					t.Fatal("it has no test")
				}
				own(t)
				return
			}
			b := serve(t)
			in.check(t, b, b.do(t, in.request(t, b)))
			if a := b.post(t, "key-alice", "/mcp", callOf("fx_get_item", "{}")); a.status != 200 || a.json(t).toolError() {
				t.Errorf("a call after it: %d %s", a.status, a.body)
			}
		})
	}
}

func (in *badInput) check(t *testing.T, b *bench, a answer) {
	t.Helper()
	if a.status != in.Expect.HTTP {
		t.Errorf("HTTP %d, want %d: %.300s", a.status, in.Expect.HTTP, a.body)
	}
	d := a.json(t)
	if in.Expect.RPC != 0 && d.code() != in.Expect.RPC {
		t.Errorf("code %d, want %d: %.300s", d.code(), in.Expect.RPC, a.body)
	}
	if d.toolError() != in.Expect.ToolError {
		t.Errorf("isError %v, want %v: %.300s", d.toolError(), in.Expect.ToolError, a.body)
	}
	if in.Expect.Header != "" && a.header.Get(in.Expect.Header) == "" {
		t.Errorf("the header %s is missing", in.Expect.Header)
	}
	if !strings.Contains(a.body, in.Expect.Answer) {
		t.Errorf("%q is not in %.300s", in.Expect.Answer, a.body)
	}
	if got := b.tools.calls.Load(); got != in.Expect.Calls {
		t.Errorf("%d tools ran, want %d", got, in.Expect.Calls)
	}
	if len(a.body) > 4096 {
		t.Errorf("the answer has %d bytes: it repeats what was sent", len(a.body))
	}
}

func (in *badInput) request(t *testing.T, b *bench) *http.Request {
	t.Helper()
	method := in.Method
	if method == "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(t.Context(), method, b.URL+"/mcp?"+in.Query, bytes.NewReader(in.body(t)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer key-alice")
	for name, value := range in.Headers {
		if name == "Host" {
			req.Host = value
			continue
		}
		req.Header.Del(name)
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	if name, text, n := repeat(t, in.HeaderRepeat); n > 0 {
		req.Header.Set(name, req.Header.Get(name)+strings.Repeat(text, n))
	}
	return req
}

func (in *badInput) body(t *testing.T) []byte {
	t.Helper()
	switch {
	case in.BodyNest > 0:
		return []byte(strings.Repeat("[", in.BodyNest) + "1" + strings.Repeat("]", in.BodyNest))
	case in.BodyGzip > 0:
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := io.CopyN(z, zeros{}, int64(in.BodyGzip)); err != nil {
			t.Fatal(err)
		}
		z.Close()
		return b.Bytes()
	case in.BodyBytes != nil:
		bad, err := hex.DecodeString(in.BodyBytes[1])
		if err != nil {
			t.Fatal(err)
		}
		return []byte(strings.Replace(in.Body, in.BodyBytes[0], string(bad), 1))
	}
	if mark, text, n := repeat(t, in.BodyRepeat); n > 0 {
		return []byte(strings.Replace(in.Body, mark, strings.Repeat(text, n), 1))
	}
	return []byte(in.Body)
}

func repeat(t *testing.T, raw []json.RawMessage) (where, text string, n int) {
	t.Helper()
	if raw == nil {
		return "", "", 0
	}
	for i, to := range []any{&where, &text, &n} {
		if err := json.Unmarshal(raw[i], to); err != nil {
			t.Fatal(err)
		}
	}
	return where, text, n
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// slowHeaders: the door is not asked before headers are complete, so the
// server's ReadHeaderTimeout is what ends such a connection.
func slowHeaders(t *testing.T) {
	b := serve(t)
	slow := httptest.NewUnstartedServer(b.door)
	slow.Config.ReadHeaderTimeout = 50 * time.Millisecond
	slow.Start()
	defer slow.Close()
	conn := dial(t, slow)
	if _, err := io.WriteString(conn, "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "); err != nil {
		t.Fatal(err)
	}
	if got, _ := io.ReadAll(conn); strings.Contains(string(got), "jsonrpc") {
		t.Errorf("the door answered half a request: %s", got)
	}
}

// truncatedBody: a body that ends before its Content-Length runs no tool.
func truncatedBody(t *testing.T) {
	b := serve(t)
	conn := dial(t, b.Server)
	_, err := io.WriteString(conn, "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer key-alice\r\n"+
		"Content-Type: application/json\r\nContent-Length: 99999\r\n\r\n"+callOf("fx_get_item", "{}"))
	if err != nil {
		t.Fatal(err)
	}
	conn.(*net.TCPConn).CloseWrite()
	got, _ := io.ReadAll(conn)
	if !strings.HasPrefix(string(got), "HTTP/1.1 400 ") || b.tools.calls.Load() != 0 {
		t.Errorf("%d tools ran, answer %.200q", b.tools.calls.Load(), got)
	}
}

// crInHeader: a carriage return cannot be part of a header's value.
func crInHeader(t *testing.T) {
	b := serve(t)
	conn := dial(t, b.Server)
	_, err := io.WriteString(conn, "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nMcp-Session-Id: a\rb\r\nContent-Length: 0\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := io.ReadAll(conn); !strings.HasPrefix(string(got), "HTTP/1.1 400 ") {
		t.Errorf("answer %.200q", got)
	}
}

func dial(t *testing.T, s *httptest.Server) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}
