package mcp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	protocol "github.com/mark3labs/mcp-go/mcp"
	mcpgo "github.com/mark3labs/mcp-go/server"

	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/mcp"
	"github.com/wayleave/wayleave/toolkits"
)

// BenchmarkCall compares a call through the door, with its front and both eras,
// with one through a hand-written mcp-go server with one tool and no front. Read
// the ratio within one run, at each size of result.
func BenchmarkCall(b *testing.B) {
	for _, size := range []int{0, 1 << 10, 64 << 10} {
		content := `{"data":"` + strings.Repeat(`x \" y `, size/7) + `"}`
		legacy := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"noop","arguments":{"id":"a","n":[1,2,3]}}}`
		stateless, headers := modern("tools/call", `"name":"noop","arguments":{"id":"a","n":[1,2,3]}`)
		door := mcp.New(mcp.Config{Tools: noop{[]byte(content)}, Auth: keyring(keys)})
		bare := bareServer(content)
		for _, tc := range []struct {
			name    string
			handler http.Handler
			body    string
			header  []string
		}{
			{"door/handshake", door, legacy, nil},
			{"mcp-go/handshake", bare, legacy, nil},
			{"door/2026-07-28", door, stateless, headers},
			{"mcp-go/2026-07-28", bare, stateless, headers},
		} {
			b.Run(fmt.Sprintf("%s/%dKiB", tc.name, size>>10), func(b *testing.B) { hit(b, tc.handler, tc.body, tc.header) })
		}
	}
}

// BenchmarkList is a list of tools that is kept rendered.
func BenchmarkList(b *testing.B) {
	set := numbered(30, "d")
	door := mcp.New(mcp.Config{Tools: shelf{func(*access.Principal) *toolkits.Toolset { return set }}, Auth: keyring(keys)})
	body, header := modern("tools/list", "")
	hit(b, door, body, header)
}

// BenchmarkGate reads a message with 4 MiB of arguments.
func BenchmarkGate(b *testing.B) {
	body := []byte(callOf("noop", `{"rows":[`+strings.TrimSuffix(strings.Repeat(`{"id":123,"name":"Ünï","ok":true},`, 4<<20/35), ",")+`]}`))
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, code, text := mcp.Parse(body); code != 0 {
			b.Fatal(text)
		}
	}
}

func hit(b *testing.B, handler http.Handler, body string, header []string) {
	b.ReportAllocs()
	for b.Loop() {
		r := newRequest(b, "key-alice", body)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := &discard{header: http.Header{}}
		handler.ServeHTTP(w, r)
		if w.status != http.StatusOK || w.written == 0 {
			b.Fatal(w.status)
		}
	}
}

// noop is a Tools that costs nothing.
type noop struct{ text []byte }

func (n noop) Toolset(context.Context, *access.Principal, environments.Name) (*toolkits.Toolset, error) {
	return &toolkits.Toolset{}, nil
}

func (n noop) Run(context.Context, toolkits.Call) (*toolkits.Result, error) {
	return &toolkits.Result{Text: n.text, Environment: "dev"}, nil
}

// bareServer is what one would write by hand: one tool whose answer is passed on,
// as text and structured.
func bareServer(content string) http.Handler {
	s := mcpgo.NewMCPServer("bare", "1")
	tool := protocol.NewToolWithRawSchema("noop", "does nothing", json.RawMessage(`{"type":"object"}`))
	s.AddTool(tool, func(context.Context, protocol.CallToolRequest) (*protocol.CallToolResult, error) {
		r := protocol.NewToolResultText(content)
		r.RawStructuredContent = json.RawMessage(content)
		return r, nil
	})
	return mcpgo.NewStreamableHTTPServer(s, mcpgo.WithStateLess(true), mcpgo.WithDisableStreaming(true))
}

// discard is a response that nobody reads.
type discard struct {
	header          http.Header
	status, written int
}

func (d *discard) Header() http.Header { return d.header }

func (d *discard) WriteHeader(status int) { d.status = status }

func (d *discard) Write(p []byte) (int, error) {
	if d.status == 0 {
		d.status = http.StatusOK
	}
	d.written += len(p)
	return len(p), nil
}

func (d *discard) Flush() {}

// BenchmarkQuote writes a result of 64 KiB of JSON as text.
func BenchmarkQuote(b *testing.B) {
	text := []byte(strings.Repeat(`{"id":123,"name":"Ünï","ok":true},`, 64<<10/35))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if len(mcp.QuoteBytes(text)) < len(text) {
			b.Fatal("too short")
		}
	}
}
