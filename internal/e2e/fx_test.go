package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// fxDefinition is an app with every way to authenticate and tools that meet an
// upstream which misbehaves on request.
const fxDefinition = `
schema: app/v1
app: { slug: fx, title: Fixture, summary: An app for tests., revision: 1 }
hosts: ["{{params.base_url}}"]
network: { private: ask, plain_http: true, redirects: same_origin }
params:
  - { name: base_url, title: Address, type: string, format: http_url, required: true }
api: { base_url: "{{params.base_url}}", timeout: 10s }
auth:
  - { id: header, type: api_key, title: Header, fields: [{ name: key, title: Key }], apply: { header: { X-Api-Key: "{{secret.key}}" } } }
  - { id: query, type: api_key, title: Query, fields: [{ name: key, title: Key }], apply: { query: { api_key: "{{secret.key}}" } } }
  - { id: bearer, type: bearer, title: Bearer, fields: [{ name: token, title: Token }], apply: { header: { Authorization: "Bearer {{secret.token}}" } } }
  - { id: basic, type: basic, title: Basic, fields: [{ name: username, title: User, sensitive: false }, { name: password, title: Password }], apply: { basic: { username: "{{secret.username}}", password: "{{secret.password}}" } } }
  - { id: body, type: custom, title: Body, fields: [{ name: key, title: Key }], apply: { body: { api_key: "{{secret.key}}" } } }
  - { id: cookie, type: custom, title: Cookie, fields: [{ name: key, title: Key }], apply: { cookie: { sid: "{{secret.key}}" } } }
  - { id: path, type: custom, title: Path, fields: [{ name: key, title: Key }], apply: { path_prefix: "/k{{secret.key}}" } }
  - { id: several, type: custom, title: Several, fields: [{ name: key, title: Key }, { name: secret, title: Secret }], apply: { header: { X-Key: "{{secret.key}}", X-Secret: "{{secret.secret}}" } } }
test:
  request: { method: POST, path: /me, format: json, body: { probe: "1" } }
  success: { status: [200], all: [{ path: $.ok, equals: true }] }
  identity: { id: $.id, label: $.label }
errors:
  - { when: { status: ["5xx"] }, class: upstream_down, message: $.message }
  - { when: { status: [418] }, class: failed, message: $.message }
limits: { retry: { status: [429, 502, 503, 504], max_attempts: 3, max_wait: 2s } }
tools:
  - name: get_item
    description: Read an item.
    annotations: { read_only: true, idempotent: true }
    input: { type: object, additionalProperties: false, required: [id], properties: { id: { type: string }, tags: { type: array, items: { type: string } } } }
    request: { method: GET, path: "/items/{{input.id}}", query: { tags: "{{input.tags}}" } }
  - name: create
    description: Make something.
    annotations: { read_only: false, destructive: false, idempotent: false }
    input:
      type: object
      additionalProperties: false
      required: [name, count]
      properties:
        name: { type: string, maxLength: 1000, pattern: "^(a+)+$|^[^a].*$|^a.*$" }
        count: { type: integer }
        color: { type: string, enum: [red, green] }
        when: { type: string, format: date-time }
        tags: { type: array, maxItems: 100, items: { type: string } }
    request: { method: POST, path: /create, format: json, body: { name: "{{input.name}}", count: "{{input.count}}", color: "{{input.color}}", when: "{{input.when}}", tags: "{{input.tags}}" } }
  - name: behave
    description: Meet an endpoint that misbehaves, reading.
    annotations: { read_only: true, idempotent: true }
    input: { type: object, additionalProperties: false, required: [how], properties: { how: { type: string } } }
    request: { method: GET, path: "/behave/{{input.how}}" }
  - name: misbehave
    description: Meet an endpoint that misbehaves, writing.
    annotations: { read_only: false, destructive: true, idempotent: false }
    input: { type: object, additionalProperties: false, required: [how], properties: { how: { type: string } } }
    request: { method: POST, path: "/behave/{{input.how}}", format: json, body: { how: "{{input.how}}" } }
  - name: hang
    description: Wait for an answer that does not come.
    annotations: { read_only: true }
    input: { type: object, additionalProperties: false, properties: {} }
    request: { method: GET, path: /behave/hang }
`

// An upstream is the fixture's product. It echoes all that it is sent, secrets
// included, and remembers it.
type upstream struct {
	*httptest.Server
	other *upstream // where its redirects lead

	mu    sync.Mutex
	seen  []string // every request as text
	tools int      // requests that were no connection test
	ended chan struct{}
}

func newUpstream(t testing.TB, other *upstream) *upstream {
	u := &upstream{other: other, ended: make(chan struct{}, 1000)}
	u.Server = httptest.NewServer(http.HandlerFunc(u.serve))
	t.Cleanup(u.Close)
	return u
}

// requests returns what was seen, and how many requests were calls of tools.
func (u *upstream) requests() (all string, tools int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return strings.Join(u.seen, "\n"), u.tools
}

func (u *upstream) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	text := fmt.Sprintf("%s %s\n%v\n%s", r.Method, r.URL.RequestURI(), r.Header, body)
	path := r.URL.EscapedPath()
	if strings.HasPrefix(path, "/k") {
		_, path, _ = strings.Cut(path[1:], "/")
		path = "/" + path
	}
	u.mu.Lock()
	u.seen = append(u.seen, text)
	if path != "/me" {
		u.tools++
	}
	u.mu.Unlock()
	echo := map[string]any{"ok": true, "id": "u1", "label": "Fixture user", "message": "you sent " + text, "method": r.Method,
		"url": r.URL.RequestURI(), "path": path, "headers": r.Header, "body": string(body)}
	w.Header().Set("X-Echo", strings.NewReplacer("\n", " ", "\r", " ").Replace(text))
	how, misbehaves := strings.CutPrefix(path, "/behave/")
	if misbehaves && u.behave(w, r, how, echo) {
		return
	}
	answerJSON(w, 200, echo)
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// behave misbehaves in the way asked for and reports whether it answered.
func (u *upstream) behave(w http.ResponseWriter, r *http.Request, how string, echo map[string]any) bool {
	redirect := func(status int, to string) bool {
		w.Header().Set("Location", to)
		w.WriteHeader(status)
		return true
	}
	kind, rest, _ := strings.Cut(how, "-")
	switch kind {
	case "status":
		var status int
		_, _ = fmt.Sscan(rest, &status)
		answerJSON(w, status, echo)
		return true
	case "hang":
		<-r.Context().Done()
		u.ended <- struct{}{}
		return true
	case "drop":
		panic(http.ErrAbortHandler)
	case "redirect":
		target := "/items/after"
		if u.other != nil {
			switch rest {
			case "relative":
				return redirect(302, "//"+strings.TrimPrefix(u.other.URL, "http://")+"/x")
			case "userinfo":
				return redirect(302, "http://"+strings.TrimPrefix(u.URL, "http://")+"@"+strings.TrimPrefix(u.other.URL, "http://")+"/x")
			case "file":
				return redirect(302, "file:///etc/passwd")
			case "loop":
				return redirect(302, r.URL.RequestURI())
			case "metadata":
				return redirect(302, "http://169.254.169.254/latest/meta-data/")
			case "301", "302", "303", "307", "308":
				var status int
				_, _ = fmt.Sscan(rest, &status)
				return redirect(status, u.other.URL+"/x")
			}
		}
		return redirect(302, target)
	}
	return false
}

// fxSchemes are the fixture's ways to authenticate, with secrets that no other
// test has.
func fxSchemes(mark string) map[string]map[string]any {
	return map[string]map[string]any{
		"header":  {"key": "canary-header-" + mark},
		"query":   {"key": "canary-query/+ &=-" + mark},
		"bearer":  {"token": "canary-bearer-" + mark},
		"basic":   {"username": "fx-user", "password": "canary-basic:ü\"-" + mark},
		"body":    {"key": "canary-body-" + mark},
		"cookie":  {"key": "canary-cookie-" + mark},
		"path":    {"key": "canary-path-" + mark},
		"several": {"key": "canary-first-" + mark, "secret": "canary-second-" + mark},
	}
}

// connectFx makes a connection to an upstream with one scheme.
func (w *world) connectFx(env, scheme string, secrets map[string]any, at string) string {
	w.t.Helper()
	attempt := w.must(w.rest(w.admin, "POST", "/v1/connections", map[string]any{
		"app": "fx", "environment": env, "name": "fx " + scheme + " " + env, "params": map[string]any{"base_url": at},
		"auth": map[string]any{"scheme": scheme, "fields": secrets},
	}), 202, "id")
	return w.must(w.rest(w.admin, "POST", "/v1/connections/"+attempt+"/test", nil), 200, "connection.id")
}
