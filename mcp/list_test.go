package mcp_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/mcp"
	"github.com/wayleave/wayleave/toolkits"
	"github.com/wayleave/wayleave/toolkits/apps"

	"context"
)

// A shelf is a Tools with given toolsets and no way to run them.
type shelf struct {
	set func(p *access.Principal) *toolkits.Toolset
}

func (s shelf) Toolset(_ context.Context, p *access.Principal, _ environments.Name) (*toolkits.Toolset, error) {
	return s.set(p), nil
}

func (s shelf) Run(context.Context, toolkits.Call) (*toolkits.Result, error) {
	return result("{}"), nil
}

// numbered returns n tools in the order of their names.
func numbered(n int, digest string) *toolkits.Toolset {
	set := &toolkits.Toolset{Environment: "dev", Digest: digest}
	for i := range n {
		set.Tools = append(set.Tools, toolkits.ToolEntry{Name: fmt.Sprintf("t_%05d", i), InputSchema: json.RawMessage(`{"type":"object"}`)})
	}
	return set
}

func serveSet(t testing.TB, set func(p *access.Principal) *toolkits.Toolset) *bench {
	return serve(t, func(c *mcp.Config) { c.Tools = shelf{set} })
}

func listAfter(cursor string) string {
	return `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":` + cursor + `}}`
}

// TestPages: every tool once, in order, 200 a page, for any number of tools.
func TestPages(t *testing.T) {
	for _, n := range []int{0, 1, 199, 200, 201, 400, 1001} {
		set := numbered(n, fmt.Sprint(n))
		b := serveSet(t, func(*access.Principal) *toolkits.Toolset { return set })
		var names []string
		pages := 0
		for cursor := `null`; cursor != `""`; pages++ {
			r := b.post(t, "key-alice", "/mcp", listAfter(cursor)).json(t).Result
			if r.Tools == nil || len(r.Tools) > 200 {
				t.Fatalf("%d tools: a page has %d", n, len(r.Tools))
			}
			for _, tool := range r.Tools {
				names = append(names, tool.Name)
			}
			cursor = mcp.Quote(r.NextCursor)
		}
		if want := max(1, (n+199)/200); pages != want {
			t.Errorf("%d tools: %d pages, want %d", n, pages, want)
		}
		if len(names) != n || !slices.IsSorted(names) || len(slices.Compact(names)) != n {
			t.Errorf("%d tools: got %d", n, len(names))
		}
	}
}

// TestPagesOfAChangingList: a page goes on after the last name that was told, even
// if that tool has gone.
func TestPagesOfAChangingList(t *testing.T) {
	set := numbered(401, "before")
	b := serveSet(t, func(*access.Principal) *toolkits.Toolset { return set })
	first := b.post(t, "key-alice", "/mcp", listAfter("null")).json(t).Result
	changed := *set
	changed.Digest, changed.Tools = "after", slices.Delete(slices.Clone(set.Tools), 150, 200)
	set = &changed
	second := b.post(t, "key-alice", "/mcp", listAfter(mcp.Quote(first.NextCursor))).json(t).Result
	if first.Tools[199].Name != "t_00199" || second.Tools[0].Name != "t_00200" || len(second.Tools) != 200 {
		t.Errorf("after %s comes %s", first.Tools[199].Name, second.Tools[0].Name)
	}
}

func TestForgedCursors(t *testing.T) {
	b := serve(t)
	for _, cursor := range []string{
		`"AAAA"`, `"x"`, `"` + base64.RawURLEncoding.EncodeToString([]byte("fx_list")) + `"`,
		`"` + base64.RawURLEncoding.EncodeToString([]byte("c1:")) + `"`, `7`, `{}`, `"` + strings.Repeat("A", 4000) + `"`,
	} {
		if a := b.post(t, "key-alice", "/mcp", listAfter(cursor)); a.json(t).code() != -32602 || len(a.body) > 1000 {
			t.Errorf("%.50s: %.300s", cursor, a.body)
		}
	}
}

// TestListIsTheSame: the same toolset gives the same bytes, from memory or not, in
// one process or another.
func TestListIsTheSame(t *testing.T) {
	body, header := modern("tools/list", "")
	first := serve(t)
	want := first.post(t, "key-alice", "/mcp", body, header...).body
	for _, b := range []*bench{first, serve(t)} {
		if got := b.post(t, "key-alice", "/mcp", body, header...).body; got != want {
			t.Errorf("%s\n%s", got, want)
		}
	}
	if d := (answer{body: want}).json(t).Result; d.ResultType != "complete" || d.TTL == nil || *d.TTL <= 0 || d.CacheScope != "private" {
		t.Error(want)
	}
}

// TestListsAreApart: tenants whose toolsets happen to have one digest do not see
// each other's tools.
func TestListsAreApart(t *testing.T) {
	b := serveSet(t, func(p *access.Principal) *toolkits.Toolset {
		return &toolkits.Toolset{Environment: "dev", Digest: "same", Tools: []toolkits.ToolEntry{
			{Name: "of_" + p.Tenant, InputSchema: json.RawMessage(`{"type":"object"}`)},
		}}
	})
	for range 2 {
		for key, tenant := range map[string]string{"key-alice": "ten_a", "key-bob": "ten_b"} {
			if r := b.post(t, key, "/mcp", listAfter("null")).json(t).Result; len(r.Tools) != 1 || r.Tools[0].Name != "of_"+tenant {
				t.Errorf("%s: %+v", tenant, r.Tools)
			}
		}
	}
}

// TestKeptPagesAreBounded: however many toolsets there are, and however large.
func TestKeptPagesAreBounded(t *testing.T) {
	set := numbered(200, "")
	b := serveSet(t, func(*access.Principal) *toolkits.Toolset { return set })
	for i := range 1200 {
		one := *set
		one.Tools = set.Tools[:1]
		one.Digest = fmt.Sprint("small ", i)
		set = &one
		b.post(t, "key-alice", "/mcp", listAfter("null"))
	}
	if pages, _ := b.door.KeptPages(); pages != 1024 {
		t.Errorf("%d pages are kept", pages)
	}
	large := strings.Repeat("x", 1<<20)
	for i := range 40 {
		set = &toolkits.Toolset{Environment: "dev", Digest: fmt.Sprint("large ", i), Tools: []toolkits.ToolEntry{
			{Name: "t", Description: large, InputSchema: json.RawMessage(`{"type":"object"}`)},
		}}
		b.post(t, "key-alice", "/mcp", listAfter("null"))
	}
	if pages, bytes := b.door.KeptPages(); bytes > 32<<20 || pages > 40 || pages < 20 {
		t.Errorf("%d pages with %d bytes are kept", pages, bytes)
	}
}

// TestToolEntries: what a client is told of a tool. One bad schema must not take
// the list from everybody.
func TestToolEntries(t *testing.T) {
	entry := func(schema string) string {
		b := serveSet(t, func(*access.Principal) *toolkits.Toolset {
			return &toolkits.Toolset{Environment: "dev", Tools: []toolkits.ToolEntry{{
				Name: "t", Title: "A \"title\"", Description: "Über", InputSchema: json.RawMessage(schema),
				Annotations: apps.Annotations{Destructive: true, Idempotent: true},
			}}}
		})
		a := b.post(t, "key-alice", "/mcp", listAfter("null"))
		tool := a.json(t).Result.Tools[0]
		hints := map[string]any{"title": `A "title"`, "readOnlyHint": false, "destructiveHint": true, "idempotentHint": true, "openWorldHint": false}
		if fmt.Sprint(tool.Annotations) != fmt.Sprint(hints) {
			t.Errorf("annotations are %v", tool.Annotations)
		}
		return string(tool.InputSchema)
	}
	for schema, want := range map[string]string{
		`{ "type" : "object" }`: `{"type":"object"}`,
		``:                      `{"type":"object"}`,
		`{"type":`:              `{"type":"object"}`,
		`true`:                  `{"type":"object"}`,
		`[]`:                    `{"type":"object"}`,
		`{"properties":{"a":{"x-mcp-header":"A","maximum":1.50,"type":"string"}}}`: `{"properties":{"a":{"maximum":1.50,"type":"string"}}}`,
		`{"properties":{"x-mcp-header":{"type":"string"}}}`:                        `{"properties":{"x-mcp-header":{"type":"string"}}}`,
	} {
		if got := entry(schema); got != want {
			t.Errorf("%s is told as %s, want %s", schema, got, want)
		}
	}
}
