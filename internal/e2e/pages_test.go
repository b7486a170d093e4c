package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/wayleave/wayleave/internal/server"
)

// pagedDefinition is an app whose tools are alike but for how their pages are
// asked for.
var pagedDefinition = `
schema: app/v1
app: { slug: paged, title: Paged, summary: Pages of every kind., revision: 1 }
hosts: ["{{params.base_url}}"]
network: { private: ask, plain_http: true }
params: [{ name: base_url, title: Address, type: string, format: http_url, required: true }]
api: { base_url: "{{params.base_url}}" }
auth: [{ id: none, type: none, title: None }]
pagination:
  cursor: { kind: cursor, send: after, next: $.next, items: $.items, size_param: size, size: 10 }
  cursor_body: { kind: cursor, send: after, in: body, next: $.next, items: $.items, size_param: size, size: 10 }
  offset: { kind: offset, send: from, items: $.items, size_param: size, size: 10 }
  page: { kind: page, send: page, start: 1, items: $.items, size_param: size, size: 10 }
  link_header: { kind: link_header, rel: next, items: $.items, size_param: size, size: 10 }
  link_body: { kind: link_body, next: $.more, items: $.items, size_param: size, size: 10 }
tools:
` + pagedTool("cursor", "GET", "query") + pagedTool("cursor_body", "POST", "body") + pagedTool("offset", "GET", "query") +
	pagedTool("page", "GET", "query") + pagedTool("link_header", "GET", "query") + pagedTool("link_body", "GET", "query")

func pagedTool(name, method, in string) string {
	body := ""
	if in == "body" {
		body = `, format: json, body: { size: 10 }`
	}
	return fmt.Sprintf(`  - name: %s
    description: Lists numbers.
    annotations: { read_only: true }
    input: { type: object, additionalProperties: false, properties: {} }
    request: { method: %s, path: /%s%s }
    paginate: { use: %s, max_pages: 3 }
    output: { root: $.items, pick: [n] }
`, name, method, name, body, name)
}

// numbers serves total items in pages, whichever way they are asked for.
func numbers(total int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		asked := map[string]any{}
		if r.Method == http.MethodPost {
			text, _ := io.ReadAll(r.Body)
			_ = json.Unmarshal(text, &asked)
		}
		for name := range r.URL.Query() {
			asked[name] = r.URL.Query().Get(name)
		}
		number := func(name string) int { n, _ := strconv.Atoi(fmt.Sprint(asked[name])); return n }
		size := number("size")
		from := number("from") + number("after")
		if page := number("page"); page > 0 {
			from = (page - 1) * size
		}
		items := []any{}
		for n := from; n < min(from+size, total); n++ {
			items = append(items, map[string]any{"n": n, "other": "left out"})
		}
		out := map[string]any{"items": items}
		if from+size < total {
			link := fmt.Sprintf("%s?size=%d&from=%d", r.URL.Path, size, from+size)
			out["next"], out["more"] = strconv.Itoa(from+size), link
			w.Header().Set("Link", "<"+link+`>; rel="next"`)
		}
		answerJSON(w, 200, out)
	}
}

func TestPagesOfEveryKindAreFollowed(t *testing.T) {
	w := newWorld(t, embedded, func(c *server.Config) { c.Apps = append(c.Apps, parse(t, pagedDefinition)) })
	for _, tc := range []struct {
		total, want int
		truncated   string
	}{{0, 0, "false"}, {7, 7, "false"}, {25, 25, "false"}, {45, 30, "true"}} {
		up := httptest.NewServer(numbers(tc.total))
		t.Cleanup(up.Close)
		attempt := w.must(w.rest(w.admin, "POST", "/v1/connections", map[string]any{"app": "paged", "environment": "dev",
			"name": fmt.Sprint("of ", tc.total), "params": map[string]any{"base_url": up.URL}, "auth": map[string]any{"scheme": "none"}}), 202, "id")
		conn := w.must(w.rest(w.admin, "POST", "/v1/connections/"+attempt+"/test", nil), 200, "connection.id")
		slug := fmt.Sprint("paged-", tc.total)
		w.must(w.rest(w.admin, "POST", "/v1/toolkits", map[string]any{"slug": slug, "app": "paged", "bindings": []any{bind("dev", conn)}}), 201, "id")
		for _, kind := range []string{"cursor", "cursor_body", "offset", "page", "link_header", "link_body"} {
			r := w.rest(w.admin, "POST", "/v1/toolkits/"+slug+"/tools/"+kind, map[string]any{"environment": "dev"})
			items, _ := r.json["result"].([]any)
			if r.status != 200 || len(items) != tc.want || r.get("truncated") != tc.truncated {
				t.Errorf("%s of %d: %d items, truncated %s, want %d and %s: %d %.300s", kind, tc.total, len(items), r.get("truncated"), tc.want, tc.truncated, r.status, r.raw)
			}
			for i, item := range items {
				if got := fmt.Sprint(item); got != fmt.Sprintf("map[n:%d]", i) {
					t.Errorf("%s of %d: item %d is %s", kind, tc.total, i, got)
					break
				}
			}
		}
	}
}
