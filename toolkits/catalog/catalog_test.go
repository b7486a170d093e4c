package catalog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/toolkits/apps"
	"github.com/wayleave/wayleave/toolkits/catalog"
)

var update = flag.Bool("update", false, "rewrite the goldens in testdata")

func all(t *testing.T) map[string]*apps.App {
	t.Helper()
	list, err := catalog.Apps()
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]*apps.App{}
	for _, a := range list {
		m[a.Slug] = a
	}
	return m
}

// seen is a tool as an agent sees it.
type seen struct {
	Name        string           `json:"name"`
	Title       string           `json:"title"`
	Description string           `json:"description"`
	Annotations apps.Annotations `json:"annotations"`
	Scopes      []string         `json:"scopes,omitempty"`
	Input       json.RawMessage  `json:"input"`
}

// What agents see of an app changes only on purpose: go test -update, and the
// change is in the diff.
func TestGoldens(t *testing.T) {
	for slug, app := range all(t) {
		tools := make([]seen, 0, len(app.Tools))
		for _, tl := range app.Tools {
			tools = append(tools, seen{tl.Name, tl.Title, tl.Description, tl.Annotations, tl.Scopes, tl.Input})
		}
		var got bytes.Buffer
		enc := json.NewEncoder(&got)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(tools); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", slug+".json")
		if *update {
			if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(want, got.Bytes()) {
			t.Errorf("%s: agents see other tools than %s says (%v); run go test -update and review the diff", slug, file, err)
		}
	}
}

// params are what a connection of the gallery's self-hosted apps is given.
var params = map[string]map[string]any{
	"http":  {"base_url": "https://api.example.com/v1", "test_path": "/me"},
	"notes": {"base_url": "http://127.0.0.1:9090"},
}

func TestEveryAppIsComplete(t *testing.T) {
	for slug, app := range all(t) {
		s, err := app.Site(params[slug])
		if err != nil {
			t.Errorf("%s: %v", slug, err)
			continue
		}
		if !s.Allows(s.Base) {
			t.Errorf("%s: its base %s is not among its hosts", slug, s.Base)
		}
		if app.Test == nil {
			t.Errorf("%s cannot be tested", slug)
			continue
		}
		req, err := app.Test.Request.Build(context.Background(), s, apps.Values{})
		if err != nil || !s.Allows(req.URL) {
			t.Errorf("%s: its test does not build: %v", slug, err)
		}
		if app.Summary == "" || len(app.Categories) == 0 || len(app.Auth) == 0 || app.Limits.Concurrency == 0 {
			t.Errorf("%s lacks a summary, a category, an auth or limits", slug)
		}
		if n := len(app.Tools); n < 5 || n > 12 {
			t.Errorf("%s has %d tools", slug, n)
		}
	}
}

// Every tool can be called with no more than it requires, stays on the app's
// hosts, and says of itself what its method says.
func TestEveryToolBuilds(t *testing.T) {
	for slug, app := range all(t) {
		s, err := app.Site(params[slug])
		if err != nil {
			t.Fatal(err)
		}
		for _, tl := range app.Tools {
			in, err := tl.Check(least(t, tl))
			if err != nil {
				t.Errorf("%s.%s: %v", slug, tl.Name, err)
				continue
			}
			req, err := tl.Request.Build(context.Background(), s, apps.Values{Input: in})
			if err != nil || !s.Allows(req.URL) {
				t.Errorf("%s.%s: %v", slug, tl.Name, err)
				continue
			}
			if strings.Contains(req.URL.String(), "{{") {
				t.Errorf("%s.%s asks for %s", slug, tl.Name, req.URL)
			}
			if req.Method == http.MethodGet != tl.Annotations.ReadOnly && slug != "notion" { // which searches by POST
				t.Errorf("%s.%s: a %s with read_only %v", slug, tl.Name, req.Method, tl.Annotations.ReadOnly)
			}
			if req.Method == http.MethodDelete && !tl.Annotations.Destructive {
				t.Errorf("%s.%s deletes and does not say so", slug, tl.Name)
			}
			if len(slug)+1+len(tl.Name) > 64 {
				t.Errorf("%s_%s is longer than a tool's name may be", slug, tl.Name)
			}
		}
	}
}

// least returns arguments with the required members alone.
func least(t *testing.T, tl *apps.Tool) json.RawMessage {
	var schema struct {
		Required   []string `json:"required"`
		Properties map[string]struct {
			Type    any    `json:"type"`
			Pattern string `json:"pattern"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(tl.Input, &schema); err != nil {
		t.Fatal(err)
	}
	// One value for each pattern in use; a new pattern needs a line here.
	patterns := map[string]string{
		"^[A-Z][A-Z0-9]{5,}$": "C0123456789", "^[0-9]+[.][0-9]+$": "1700000000.000100", "^[a-z0-9_+'-]{1,100}$": "thumbsup",
		"^cus_[A-Za-z0-9]+$": "cus_1", "^(ch|py)_[A-Za-z0-9]+$": "ch_1", "^[0-9a-fA-F-]{32,36}$": "0191b2a0-0000-7000-8000-000000000000",
		"": "something",
	}
	in := map[string]any{}
	for _, name := range schema.Required {
		p := schema.Properties[name]
		switch p.Type {
		case "string":
			v, ok := patterns[p.Pattern]
			if !ok {
				t.Fatalf("%s: no value for the pattern %s", tl.Name, p.Pattern)
			}
			in[name] = v
		case "integer":
			in[name] = 1
		case "array":
			in[name] = []any{map[string]any{}}
		case "object":
			in[name] = map[string]any{}
		}
	}
	raw, _ := json.Marshal(in)
	return raw
}

func answer(status int, body string, header ...string) *apps.Answer {
	h := http.Header{"Date": {"Sun, 22 Nov 2026 08:00:00 GMT"}}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return apps.NewAnswer(status, h, []byte(body), "api.example.com")
}

// What the products are known to answer, and what it has to mean.
func TestFailures(t *testing.T) {
	list := all(t)
	for name, tc := range map[string]struct {
		app     string
		ans     *apps.Answer
		kind    fault.Kind
		message string
		wait    time.Duration
	}{
		"github, bad token":            {"github", answer(401, `{"message":"Bad credentials"}`), fault.AuthorizationRejected, "Bad credentials", 0},
		"github, limit as 403":         {"github", answer(403, `{"message":"API rate limit exceeded for user ID 1."}`, "X-Ratelimit-Remaining", "0", "X-Ratelimit-Reset", "1795334460"), fault.RateLimited, "", time.Minute},
		"github, secondary limit":      {"github", answer(403, `{"message":"You have exceeded a secondary rate limit."}`, "Retry-After", "30"), fault.RateLimited, "", 30 * time.Second},
		"github, permission":           {"github", answer(403, `{"message":"Resource not accessible by personal access token"}`, "X-Ratelimit-Remaining", "4999"), fault.ScopeMissing, "Resource not accessible", 0},
		"github, validation":           {"github", answer(422, `{"message":"Validation Failed","errors":[{"resource":"Issue","field":"title","code":"missing_field"}]}`), fault.InvalidInput, "Validation Failed: title missing_field", 0},
		"github, private":              {"github", answer(404, `{"message":"Not Found"}`), fault.NotFound, "may not see it", 0},
		"slack, fine":                  {"slack", answer(200, `{"ok":true}`), "", "", 0},
		"slack, dead token":            {"slack", answer(200, `{"ok":false,"error":"invalid_auth"}`), fault.AuthorizationRejected, "invalid_auth", 0},
		"slack, expired":               {"slack", answer(200, `{"ok":false,"error":"token_expired"}`), fault.ConnectionExpired, "token_expired", 0},
		"slack, scope":                 {"slack", answer(200, `{"ok":false,"error":"missing_scope","needed":"chat:write"}`), fault.ScopeMissing, "lacks the scope chat:write", 0},
		"slack, limit":                 {"slack", answer(429, ``, "Retry-After", "12"), fault.RateLimited, "", 12 * time.Second},
		"slack, channel":               {"slack", answer(200, `{"ok":false,"error":"channel_not_found"}`), fault.NotFound, "", 0},
		"slack, anything else":         {"slack", answer(200, `{"ok":false,"error":"cant_do"}`), fault.UpstreamFailed, "cant_do", 0},
		"stripe, wrong key":            {"stripe", answer(401, `{"error":{"message":"Invalid API Key provided: sk_test_****************1234"}}`), fault.AuthorizationRejected, "refused the credential", 0},
		"stripe, card":                 {"stripe", answer(402, `{"error":{"code":"card_declined","message":"Your card was declined."}}`), fault.UpstreamFailed, "declined", 0},
		"stripe, no such thing":        {"stripe", answer(400, `{"error":{"code":"resource_missing","message":"No such customer: 'cus_1'"}}`), fault.NotFound, "No such customer", 0},
		"stripe, argument":             {"stripe", answer(400, `{"error":{"code":"parameter_unknown","message":"Received unknown parameter: x"}}`), fault.InvalidInput, "unknown parameter", 0},
		"notion, not shared":           {"notion", answer(404, `{"object":"error","code":"object_not_found","message":"Could not find page"}`), fault.NotFound, "Could not find page", 0},
		"notion, limit":                {"notion", answer(429, `{"object":"error","code":"rate_limited","message":"slow"}`, "Retry-After", "3"), fault.RateLimited, "slow", 3 * time.Second},
		"notes, own words":             {"notes", answer(404, `{"error":{"code":"not_found","message":"there is no note n1"}}`), fault.NotFound, "there is no note n1", 0},
		"notes, flaky":                 {"notes", answer(503, `{"error":{"code":"unavailable","message":"try again"}}`), fault.AppUnavailable, "try again", 0},
		"notes, over the rate":         {"notes", answer(429, `{"error":{"code":"rate_limited","message":"slow down"}}`, "Retry-After", "2"), fault.RateLimited, "slow down", 2 * time.Second},
		"http, a proxy's sign-in page": {"http", answer(302, ``, "Location", "https://sso.example.org/?t=1"), fault.UpstreamFailed, "sso.example.org", 0},
	} {
		f := list[tc.app].Failure(tc.ans)
		if tc.kind == "" {
			if f != nil {
				t.Errorf("%s: %+v; want success", name, f)
			}
			continue
		}
		if f == nil || f.Kind != tc.kind || !strings.Contains(f.Message, tc.message) || f.RetryAfter != tc.wait || strings.Contains(f.Message, "1234") {
			t.Errorf("%s: %+v; want %s %q %v", name, f, tc.kind, tc.message, tc.wait)
		}
	}
}

func TestIdentities(t *testing.T) {
	list := all(t)
	for slug, tc := range map[string]struct {
		body string
		want apps.Identity
	}{
		"github": {`{"login":"octocat","id":583231}`, apps.Identity{ID: "583231", Label: "octocat"}},
		"slack":  {`{"ok":true,"user":"bot","team":"Acme","user_id":"U1"}`, apps.Identity{ID: "U1", Label: "bot (Acme)"}},
		"stripe": {`{"id":"acct_1","settings":{"dashboard":{"display_name":"Acme"}}}`, apps.Identity{ID: "acct_1", Label: "Acme"}},
		"notion": {`{"object":"user","id":"u1","name":"Wayleave","type":"bot"}`, apps.Identity{ID: "u1", Label: "Wayleave"}},
		"notes":  {`{"workspace":"Acme","environment":"dev","key_id":"k1"}`, apps.Identity{ID: "k1", Label: "Acme (dev)"}},
	} {
		test := list[slug].Test
		if ans := answer(200, tc.body); !test.Succeeded(ans) || test.Identity(ans) != tc.want {
			t.Errorf("%s: %v, %q; want %q", slug, test.Succeeded(ans), test.Identity(ans), tc.want)
		}
		if test.Succeeded(answer(200, `<html>sign in</html>`)) {
			t.Errorf("%s: a sign-in page counts as success", slug)
		}
	}
}

// Requests that have a shape of their own.
func TestRequests(t *testing.T) {
	list := all(t)
	for name, tc := range map[string]struct{ app, tool, args, want, body string }{
		"a file of a repository":  {"github", "read_file", `{"owner":"o","repo":"r","path":"docs/a b.md","ref":"v1/x"}`, "GET https://api.github.com/repos/o/r/contents/docs/a%20b.md?ref=v1%2Fx", ""},
		"labels":                  {"github", "list_issues", `{"owner":"o","repo":"r","labels":["bug","p,1"]}`, "GET https://api.github.com/repos/o/r/issues?state=open&labels=bug,p%2C1", ""},
		"kinds of channels":       {"slack", "list_channels", `{"types":["im","mpim"]}`, "GET https://slack.com/api/conversations.list?types=im,mpim&exclude_archived=true", ""},
		"a message, not a reply":  {"slack", "post_message", `{"channel":"C1","text":"<hi>"}`, "POST https://slack.com/api/chat.postMessage", `{"channel":"C1","text":"<hi>"}`},
		"metadata of a customer":  {"stripe", "create_customer", `{"email":"a@example.com","metadata":{"b":"2","a":"1"}}`, "POST https://api.stripe.com/v1/customers", "email=a%40example.com&metadata[a]=1&metadata[b]=2"},
		"search without a filter": {"notion", "search", `{"query":"plan"}`, "POST https://api.notion.com/v1/search", `{"query":"plan"}`},
		"search with a filter":    {"notion", "search", `{"kind":"page"}`, "POST https://api.notion.com/v1/search", `{"filter":{"property":"object","value":"page"}}`},
		"a page":                  {"notion", "create_page", `{"parent_page_id":"0191b2a00000700080000000000000000000","title":"T"}`, "POST https://api.notion.com/v1/pages", `{"parent":{"page_id":"0191b2a00000700080000000000000000000"},"properties":{"title":{"title":[{"text":{"content":"T"}}]}}}`},
		"any path":                {"http", "get", `{"path":"/users/a b","query":{"limit":10,"tag":["x","y"]}}`, "GET https://api.example.com/v1/users/a%20b?limit=10&tag=x&tag=y", ""},
		"any body":                {"http", "post", `{"path":"users","body":{"b":1,"a":[true]}}`, "POST https://api.example.com/v1/users", `{"a":[true],"b":1}`},
		"notes by tag":            {"notes", "list_notes", `{"tag":"a&b","limit":5}`, "GET http://127.0.0.1:9090/api/notes?tag=a%26b&limit=5", ""},
		"part of a note":          {"notes", "update_note", `{"id":"n/1","tags":[]}`, "PATCH http://127.0.0.1:9090/api/notes/n%2F1", `{"tags":[]}`},
	} {
		app := list[tc.app]
		s, err := app.Site(params[tc.app])
		if err != nil {
			t.Fatal(err)
		}
		in, err := app.Tool(tc.tool).Check(json.RawMessage(tc.args))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		req, err := app.Tool(tc.tool).Request.Build(context.Background(), s, apps.Values{Input: in})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var body []byte
		if req.Body != nil {
			body, _ = io.ReadAll(req.Body)
		}
		if got := req.Method + " " + req.URL.String(); got != tc.want || string(body) != tc.body {
			t.Errorf("%s: %s %s; want %s %s", name, got, body, tc.want, tc.body)
		}
	}
}
