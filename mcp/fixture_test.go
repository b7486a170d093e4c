package mcp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/mcp"
	"github.com/wayleave/wayleave/toolkits"
	"github.com/wayleave/wayleave/toolkits/apps"
)

// canary is a secret that no answer and no log may show.
const canary = "wl-canary-7f3a9b"

// keys are the callers of the tests: alice and bob of two tenants with one
// environment each, carol with two, dave with none.
var keys = map[string]*access.Principal{
	"key-alice": {Tenant: "ten_a", Kind: access.KindAgent, KeyID: "key_a", Role: access.Caller, Grant: access.Grant{Environments: []environments.Name{"dev"}}},
	"key-bob":   {Tenant: "ten_b", Kind: access.KindAgent, KeyID: "key_b", Role: access.Caller, Grant: access.Grant{Environments: []environments.Name{"dev"}}},
	"key-carol": {Tenant: "ten_a", Kind: access.KindAgent, KeyID: "key_c", Role: access.Caller, Grant: access.Grant{Environments: []environments.Name{"dev", "prod"}}},
	"key-dave":  {Tenant: "ten_a", Kind: access.KindAgent, KeyID: "key_d", Role: access.Caller},
}

type keyring map[string]*access.Principal

func (k keyring) Authenticate(_ context.Context, key string) (*access.Principal, error) {
	if key == "key-store-down" {
		e := fault.Wrap(fault.StoreUnavailable, errors.New("dial tcp: refused"), "the store cannot be reached")
		e.RetryAfter = 1500 * time.Millisecond
		return nil, e
	}
	if p, ok := k[key]; ok {
		return p, nil
	}
	return nil, fault.New(fault.Unauthenticated, "the key is not valid")
}

// A run is what a fixture tool does.
type run func(ctx context.Context, c toolkits.Call) (*toolkits.Result, error)

// fixture is a Tools at the border of the package: what lies behind it belongs
// to toolkits and is tested there.
type fixture struct {
	tools map[string]run
	only  map[string]string // tool → the one tenant that is granted it
	calls atomic.Int64

	mu    sync.Mutex
	extra []toolkits.ToolEntry
}

func (f *fixture) Toolset(_ context.Context, p *access.Principal, asked environments.Name) (*toolkits.Toolset, error) {
	env, err := environments.Resolve(p.Grant.Environments, asked)
	if err != nil {
		return nil, err
	}
	set := &toolkits.Toolset{Environment: env, Digest: "d1"}
	for name := range f.tools {
		if only, ok := f.only[name]; ok && only != p.Tenant {
			continue
		}
		set.Tools = append(set.Tools, toolkits.ToolEntry{
			Name: name, Title: "Tool " + name, Description: "What " + name + " does.",
			InputSchema: json.RawMessage(`{"type": "object", "properties": {"id": {"type": "string"}}}`),
			Annotations: apps.Annotations{ReadOnly: strings.Contains(name, "get"), OpenWorld: true},
		})
	}
	f.mu.Lock()
	set.Tools = append(set.Tools, f.extra...)
	f.mu.Unlock()
	slices.SortFunc(set.Tools, func(a, b toolkits.ToolEntry) int { return strings.Compare(a.Name, b.Name) })
	return set, nil
}

func (f *fixture) Run(ctx context.Context, c toolkits.Call) (*toolkits.Result, error) {
	env, err := environments.Resolve(c.Principal.Grant.Environments, c.Environment)
	if err != nil {
		return nil, err
	}
	tool, ok := f.tools[c.Tool]
	if !ok {
		return nil, fault.New(fault.NotFound, "there is no such tool")
	}
	if only, limited := f.only[c.Tool]; limited && only != c.Principal.Tenant {
		return nil, fault.New(fault.ToolDenied, "the key does not grant the tool")
	}
	f.calls.Add(1)
	r, err := tool(ctx, c)
	if r != nil {
		r.Environment = env
	}
	return r, err
}

// text is a tool that returns fixed JSON.
func text(json string) run {
	return func(context.Context, toolkits.Call) (*toolkits.Result, error) { return result(json), nil }
}

func result(json string) *toolkits.Result {
	return &toolkits.Result{Text: []byte(json), Source: toolkits.Source{
		Toolkit: "fx", Connection: "conn_1", Name: "Fixture Dev", Account: "ops@example.com",
	}}
}

// fails is a tool that fails.
func fails(err error) run {
	return func(context.Context, toolkits.Call) (*toolkits.Result, error) { return nil, err }
}

// newFixture returns the tools that the lists of bad inputs and the
// conversations speak of.
func newFixture() *fixture {
	expired := fault.New(fault.ConnectionExpired, "the connection \"Sales\" has expired")
	expired.Link = "https://wayleave.example/console/connections/conn_1"
	limited := fault.New(fault.RateLimited, "the app asks to slow down")
	limited.RetryAfter = 1200 * time.Millisecond
	bad := fault.New(fault.InvalidInput, "the arguments do not fit")
	bad.Problems = []fault.Problem{{Path: "/count", Message: "must be an integer"}}
	return &fixture{
		only: map[string]string{"fx_hidden_of_b": "ten_b"},
		tools: map[string]run{
			"fx_get_item": func(_ context.Context, c toolkits.Call) (*toolkits.Result, error) {
				args := string(c.Arguments)
				if args == "" {
					args = "{}"
				}
				return result(`{"tenant":"` + c.Principal.Tenant + `","arguments":` + args + `}`), nil
			},
			"fx_create":      create,
			"fx_hidden_of_b": text(`{"secret":"of b"}`),
			"fx_list":        text(`[1,2,3]`),
			"fx_text":        text(`"plain <b>&amp;</b> \"quoted\" \u2028 ü"`),
			"fx_null":        text(`null`),
			"fx_cut": func(context.Context, toolkits.Call) (*toolkits.Result, error) {
				r := result(`{"items":[1]}`)
				r.Truncated, r.Replayed = true, true
				return r, nil
			},
			"fx_expired":  fails(expired),
			"fx_limited":  fails(limited),
			"fx_invalid":  fails(bad),
			"fx_missing":  fails(fault.New(fault.NotFound, "the app has no such item")),
			"fx_internal": fails(errors.New("open /etc/shadow: " + canary)),
			"fx_nothing":  func(context.Context, toolkits.Call) (*toolkits.Result, error) { return nil, nil },
			"fx_panic":    func(context.Context, toolkits.Call) (*toolkits.Result, error) { panic("token " + canary) },
			"fx_hang": func(ctx context.Context, _ toolkits.Call) (*toolkits.Result, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			},
		},
	}
}

// create checks its arguments as the Runner would.
func create(_ context.Context, c toolkits.Call) (*toolkits.Result, error) {
	var args struct {
		Name  string `json:"name"`
		Count int64  `json:"count"`
	}
	if err := json.Unmarshal(c.Arguments, &args); err != nil {
		return nil, fault.Wrap(fault.InvalidInput, err, "the arguments do not fit the tool's schema")
	}
	r := result(`{"created":true}`)
	if c.IdempotencyKey != "" {
		r.Text = []byte(`{"created":true,"key":"` + c.IdempotencyKey + `"}`)
	}
	return r, nil
}

// A bench is a door on a test server.
type bench struct {
	*httptest.Server
	door  *mcp.Door
	tools *fixture
	log   *lockedBuffer
}

func serve(t testing.TB, change ...func(*mcp.Config)) *bench {
	t.Helper()
	b := &bench{tools: newFixture(), log: &lockedBuffer{}}
	config := mcp.Config{
		Tools: b.tools, Auth: keyring(keys), Version: "1.2.3", Log: zerolog.New(b.log),
		Hosts: []string{"Wayleave.example", "gate.example:8443"}, Origins: []string{"https://chat.example"},
	}
	for _, fn := range change {
		fn(&config)
	}
	b.door = mcp.New(config)
	mux := http.NewServeMux()
	mux.Handle("/mcp", b.door)
	mux.Handle("/mcp/", b.door)
	b.Server = httptest.NewServer(mux)
	t.Cleanup(b.Server.Close)
	return b
}

// An answer is what came back of a request.
type answer struct {
	status int
	header http.Header
	body   string
}

// post sends a message as key, with further headers as pairs.
func (b *bench) post(t testing.TB, key, path, body string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	for i := 0; i < len(header); i += 2 {
		switch header[i] {
		case "Host":
			req.Host = header[i+1]
		default:
			req.Header.Del(header[i])
			if header[i+1] != "" {
				req.Header.Set(header[i], header[i+1])
			}
		}
	}
	return b.do(t, req)
}

func (b *bench) do(t testing.TB, req *http.Request) answer {
	t.Helper()
	resp, err := b.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

// A decoded is an answer's JSON.
type decoded struct {
	ID     json.RawMessage `json:"id"`
	Result *struct {
		Content           []struct{ Type, Text string } `json:"content"`
		StructuredContent json.RawMessage               `json:"structuredContent"`
		IsError           bool                          `json:"isError"`
		ResultType        string                        `json:"resultType"`
		Meta              map[string]any                `json:"_meta"`
		Tools             []struct {
			Name        string          `json:"name"`
			InputSchema json.RawMessage `json:"inputSchema"`
			Annotations map[string]any  `json:"annotations"`
		} `json:"tools"`
		NextCursor string `json:"nextCursor"`
		TTL        *int64 `json:"ttlMs"`
		CacheScope string `json:"cacheScope"`
	} `json:"result"`
	Error *struct {
		Code    int            `json:"code"`
		Message string         `json:"message"`
		Data    map[string]any `json:"data"`
	} `json:"error"`
}

func (a answer) json(t testing.TB) decoded {
	t.Helper()
	var d decoded
	if err := json.Unmarshal([]byte(a.body), &d); err != nil {
		t.Fatalf("the answer is not JSON: %v\n%s", err, a.body)
	}
	if (d.Result == nil) == (d.Error == nil) {
		t.Fatalf("the answer must have a result or an error: %s", a.body)
	}
	return d
}

// code returns the code of an error answer, 0 for a result.
func (d decoded) code() int {
	if d.Error == nil {
		return 0
	}
	return d.Error.Code
}

func (d decoded) toolError() bool { return d.Result != nil && d.Result.IsError }

func callOf(tool, args string) string {
	return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + tool + `","arguments":` + args + `}}`
}

// modern returns a request of 2026-07-28 and the headers that go with it.
func modern(method, params string) (body string, header []string) {
	meta := `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`
	if params != "" {
		meta = params + "," + meta
	}
	var p struct{ Name string }
	_ = json.Unmarshal([]byte("{"+meta+"}"), &p)
	header = []string{"MCP-Protocol-Version", "2026-07-28", "Mcp-Method", method}
	if p.Name != "" {
		header = append(header, "Mcp-Name", p.Name)
	}
	return `{"jsonrpc":"2.0","id":1,"method":"` + method + `","params":{` + meta + `}}`, header
}

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newRequest and newRecorder serve where a server would only be in the way.
func newRequest(t testing.TB, key, body string) *http.Request {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/mcp", strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/json")
	return r
}

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }
