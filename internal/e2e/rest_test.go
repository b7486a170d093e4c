package e2e_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// An operation is a route as the OpenAPI document describes it.
type operation struct {
	method, path string
	least        string // role
	params       []string
	body         map[string]any // a body that fits; nil if it takes none
}

var (
	leastRole = regexp.MustCompile(`^Least role: ([a-z]+)\.`)
	pathParam = regexp.MustCompile(`\{([a-z_]+)\}`)
	roles     = []string{"caller", "viewer", "operator", "admin", "system"}
)

// operations reads all routes from the server's own document, so that a new one
// is tested by itself.
func (w *world) operations() (all []operation) {
	w.t.Helper()
	var doc struct {
		Paths map[string]map[string]struct {
			Description string
			RequestBody struct {
				Content map[string]struct{ Schema schema }
			}
		}
		Components struct{ Schemas map[string]schema }
	}
	if err := json.Unmarshal(w.rest("", "GET", "/openapi.json", nil).raw, &doc); err != nil {
		w.t.Fatal(err)
	}
	for path, methods := range doc.Paths {
		for method, described := range methods {
			op := operation{method: strings.ToUpper(method), path: path}
			if m := leastRole.FindStringSubmatch(described.Description); m != nil {
				op.least = m[1]
			}
			if !slices.Contains(roles, op.least) {
				w.t.Fatalf("%s %s does not say its least role", method, path)
			}
			for _, m := range pathParam.FindAllStringSubmatch(path, -1) {
				op.params = append(op.params, m[1])
			}
			if media, ok := described.RequestBody.Content["application/json"]; ok {
				op.body, _ = media.Schema.example(doc.Components.Schemas, "").(map[string]any)
			}
			all = append(all, op)
		}
	}
	if len(all) < 45 {
		w.t.Fatalf("the document has %d routes only", len(all))
	}
	slices.SortFunc(all, func(a, b operation) int { return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.method, b.method)) })
	return all
}

func (op operation) String() string { return op.method + " " + op.path }

// at fills in the path's parameters.
func (op operation) at(t testing.TB, ids map[string]string) string {
	return pathParam.ReplaceAllStringFunc(op.path, func(param string) string {
		id := ids[strings.Trim(param, "{}")]
		if id == "" {
			t.Fatalf("the test has no value for %s of %s; teach it one", param, op)
		}
		return id
	})
}

// A schema is what an example body is made from.
type schema struct {
	Ref        string `json:"$ref"`
	Type       any
	Enum       []any
	Required   []string
	Properties map[string]schema
	Items      *schema
}

// fitting are values for members that mean something.
var fitting = map[string]any{"app": "notes", "environment": "dev", "environments": []any{"dev"}, "slug": "made-by-test", "role": "viewer"}

// example returns a value that fits the schema, with the required members only.
func (s schema) example(named map[string]schema, name string) any {
	if s.Ref != "" {
		s = named[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
	}
	if v, ok := fitting[name]; ok {
		return v
	}
	switch s.Type {
	case "object":
		object := map[string]any{}
		for _, member := range s.Required {
			object[member] = s.Properties[member].example(named, member)
		}
		return object
	case "array":
		return []any{}
	case "integer", "number":
		return 1
	case "boolean":
		return true
	}
	return "made by test"
}

// A tenancy is a tenant with one of every record.
type tenancy struct {
	admin string
	ids   map[string]map[string]string // by first part of the path: what stands for its parameters
	all   []string                     // every id, name and secret of it
}

// furnish makes one of every record in the tenant of the administrator's key.
func (w *world) furnish(admin, mark string) tenancy {
	w.t.Helper()
	do := func(method, path string, body any, status int, member string) string {
		w.t.Helper()
		return w.must(w.rest(admin, method, path, body), status, member)
	}
	begin := func(name string) string {
		return do("POST", "/v1/connections", map[string]any{"app": "notes", "environment": "dev", "name": name,
			"params": map[string]any{"base_url": w.dev.URL}, "auth": map[string]any{"fields": map[string]any{"key": devKey}}}, 202, "id")
	}
	pending := begin(mark + " pending")
	connection := do("POST", "/v1/connections/"+begin(mark+" connection")+"/test", nil, 200, "connection.id")
	config := do("GET", "/v1/connections/"+connection, nil, 200, "auth_config")
	toolkit := do("POST", "/v1/toolkits", map[string]any{"slug": mark + "-kit", "app": "notes", "bindings": []any{bind("dev", connection)}}, 201, "id")
	made := map[string]reply{}
	for _, kind := range []string{"agents", "workflows"} {
		made[kind] = w.rest(admin, "POST", "/v1/"+kind, map[string]any{"name": mark + " " + kind, "grant": environmentsOf("dev")})
		w.must(made[kind], 201, "id")
	}
	key := do("POST", "/v1/keys", map[string]any{"name": mark + " key", "role": "viewer"}, 201, "id")
	actor := func(kind string) map[string]string {
		return map[string]string{"id": made[kind].get("id"), "key_id": made[kind].get("key.id")}
	}
	ids := map[string]map[string]string{
		"agents": actor("agents"), "workflows": actor("workflows"), "keys": {"id": key}, "attempts": {"id": pending},
		"auth-configs": {"id": config}, "connections": {"id": connection}, "tests": {"id": pending},
		"toolkits": {"toolkit": toolkit, "tool": "list_notes"}, "apps": {"app": "notes"},
	}
	out := tenancy{admin: admin, ids: ids, all: []string{mark}}
	for _, values := range ids {
		out.all = append(out.all, slices.Collect(maps.Values(values))...)
	}
	return out
}

// of returns what stands for a route's parameters.
func (o tenancy) of(op operation) map[string]string {
	parts := strings.Split(op.path, "/")
	if strings.HasSuffix(op.path, "/test") {
		return o.ids["tests"]
	}
	return o.ids[parts[2]]
}

// snapshot is everything that a tenant's administrator can read.
func (w *world) snapshot(admin string, ops []operation) string {
	w.t.Helper()
	var all strings.Builder
	for _, op := range ops {
		if op.method != "GET" || len(op.params) > 0 {
			continue
		}
		r := w.rest(admin, "GET", op.path, nil)
		fmt.Fprintf(&all, "%s %d %s", op.path, r.status, withoutRequest(r))
		items, _ := r.json["items"].([]any)
		for _, item := range items {
			record, _ := item.(map[string]any)
			if id, ok := record["id"].(string); ok {
				one := w.rest(admin, "GET", op.path+"/"+id, nil)
				fmt.Fprintf(&all, "%s %d %s", id, one.status, withoutRequest(one))
			}
		}
	}
	return all.String()
}

var requestIDMember = regexp.MustCompile(`"request_id":"[^"]*"`)

func withoutRequest(r reply) string { return requestIDMember.ReplaceAllString(string(r.raw), "") }

// TestRESTRoutesRefuse sends every route with no key, with a key that is none,
// and with a key of every role below the one it needs: nothing happens.
func TestRESTRoutesRefuse(t *testing.T) {
	w := newWorld(t, embedded)
	own := w.furnish(w.admin, "own")
	ops := w.operations()
	keys := map[string]string{"caller": w.agent("refused bot", environmentsOf("dev")), "system": w.admin}
	for _, role := range roles[1:4] {
		keys[role] = w.must(w.rest(w.admin, "POST", "/v1/keys", map[string]any{"name": role, "role": role}), 201, "key")
	}
	before := w.snapshot(w.admin, ops)
	for _, op := range ops {
		path := op.at(t, own.of(op))
		for name, key := range map[string]string{"no key": "", "no key at all": "nonsense", "mistyped key": w.admin[:len(w.admin)-1] + "0"} {
			r := w.rest(key, op.method, path, bodyOf(op))
			if r.status != 401 || r.get("code") != "unauthenticated" || !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("%s with %s = %d %s", op, name, r.status, r.raw)
			}
		}
		for _, role := range roles[:slices.Index(roles, op.least)] {
			if r := w.rest(keys[role], op.method, path, bodyOf(op)); r.status != 403 || r.get("code") != "permission_denied" {
				t.Errorf("%s with the role %s = %d %s; it needs %s", op, role, r.status, r.raw, op.least)
			}
		}
	}
	if after := w.snapshot(w.admin, ops); after != before {
		t.Errorf("something happened:\n%s\nwas\n%s", after, before)
	}
	for _, op := range ops { // the least role is enough to be told what else is wrong
		r := w.rest(keys[op.least], op.method, op.at(t, unknown(own.of(op))), nil)
		if r.status == 401 || r.status == 403 || r.status >= 500 {
			t.Errorf("%s with the role %s = %d %s", op, op.least, r.status, r.raw)
		}
	}
}

func bodyOf(op operation) any {
	if op.body == nil {
		return nil
	}
	return op.body
}

// unknown returns values of the same form that name nothing.
func unknown(ids map[string]string) map[string]string {
	out := map[string]string{}
	for param, id := range ids {
		prefix, random, isID := strings.Cut(id, "_")
		if isID && len(random) == 26 {
			out[param] = prefix + "_" + strings.Repeat("0", 26)
		} else {
			out[param] = id
		}
	}
	return out
}

// TestRESTTenantsAreApart sends every route with the ids of another tenant. The
// answer is the one that ids of nothing get, and the other tenant is untouched.
func TestRESTTenantsAreApart(t *testing.T) {
	w := newWorld(t, embedded)
	own := w.furnish(w.admin, "own")
	made := w.rest(w.admin, "POST", "/v1/tenants", map[string]any{"name": "Other"})
	other := w.furnish(w.must(made, 201, "admin_key"), "other")
	ops := w.operations()
	before := w.snapshot(other.admin, ops)
	for _, op := range ops {
		if len(op.params) == 0 || op.params[0] == "app" {
			continue // what all tenants share
		}
		foreign := []map[string]string{other.of(op)}
		if len(op.params) == 2 && op.params[1] == "key_id" {
			foreign = append(foreign, map[string]string{"id": own.of(op)["id"], "key_id": other.of(op)["key_id"]})
		}
		if op.params[0] == "toolkit" {
			foreign = append(foreign, map[string]string{"toolkit": "other-kit", "tool": "list_notes"})
		}
		for _, ids := range foreign {
			nothing := unknown(ids)
			if ids["id"] == own.of(op)["id"] {
				nothing["id"] = ids["id"] // ours, and only the key is another's
			}
			w.sameAs(op, ids, nothing)
		}
	}
	if after := w.snapshot(other.admin, ops); after != before {
		t.Errorf("the other tenant changed:\n%s\nwas\n%s", after, before)
	}
	for _, op := range ops { // nor is any of it in what can be listed
		if op.method == "GET" && len(op.params) == 0 && op.path != "/v1/tenants" {
			r := w.rest(w.admin, "GET", op.path, nil)
			for _, id := range other.all {
				if id != "notes" && id != "list_notes" && strings.Contains(string(r.raw), id) {
					t.Errorf("%s shows %s of another tenant", op, id)
				}
			}
		}
	}
	w.foreignInBodies(own, other)
}

// sameAs compares the answer for ids of another tenant with the answer for ids
// of nothing.
func (w *world) sameAs(op operation, foreign, nothing map[string]string) {
	w.t.Helper()
	if nothing["toolkit"] == "other-kit" {
		nothing["toolkit"] = "nobody-kit"
	}
	got := w.rest(w.admin, op.method, op.at(w.t, foreign), bodyOf(op))
	want := w.rest(w.admin, op.method, op.at(w.t, nothing), bodyOf(op))
	text := withoutRequest(got)
	for param, id := range foreign {
		text = strings.ReplaceAll(text, id, nothing[param])
		text = strings.ReplaceAll(text, strings.ReplaceAll(id, "-", "_"), strings.ReplaceAll(nothing[param], "-", "_"))
	}
	if got.status != 404 || got.status != want.status || text != withoutRequest(want) {
		w.t.Errorf("%s of another tenant = %d %s\nof nothing = %d %s", op, got.status, got.raw, want.status, want.raw)
	}
	for _, name := range []string{"Content-Type", "Cache-Control", "Etag", "Retry-After"} {
		if got.header.Get(name) != want.header.Get(name) {
			w.t.Errorf("%s of another tenant has %s %q, of nothing %q", op, name, got.header.Get(name), want.header.Get(name))
		}
	}
}

// foreignInBodies names records of another tenant where a body takes ids.
func (w *world) foreignInBodies(own, other tenancy) {
	w.t.Helper()
	toolkit := "/v1/toolkits/" + own.ids["toolkits"]["toolkit"]
	connection := map[string]any{"app": "notes", "environment": "dev", "name": "stolen", "params": map[string]any{"base_url": w.dev.URL}}
	for _, tc := range []struct {
		method, path string
		body         func(o tenancy) map[string]any
	}{
		{"POST", "/v1/connections", func(o tenancy) map[string]any {
			body := maps.Clone(connection)
			body["auth_config"] = o.ids["auth-configs"]["id"]
			return body
		}},
		{"POST", "/v1/toolkits", func(o tenancy) map[string]any {
			return map[string]any{"slug": "stolen", "app": "notes", "bindings": []any{bind("dev", o.ids["connections"]["id"])}}
		}},
		{"PATCH", toolkit, func(o tenancy) map[string]any {
			return map[string]any{"bindings": []any{bind("dev", o.ids["connections"]["id"])}}
		}},
	} {
		nothing := tenancy{ids: map[string]map[string]string{}}
		for noun, ids := range other.ids {
			nothing.ids[noun] = unknown(ids)
		}
		got, want := w.rest(w.admin, tc.method, tc.path, tc.body(other)), w.rest(w.admin, tc.method, tc.path, tc.body(nothing))
		text := withoutRequest(got)
		for noun, ids := range other.ids {
			text = strings.ReplaceAll(text, ids["id"], nothing.ids[noun]["id"])
		}
		if got.status != 404 || text != withoutRequest(want) {
			w.t.Errorf("%s %s with an id of another tenant = %d %s\nof nothing = %s", tc.method, tc.path, got.status, got.raw, want.raw)
		}
	}
}
