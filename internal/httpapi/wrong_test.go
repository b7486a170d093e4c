package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestWrongRequests: what does not fit is told as such, with where it is wrong
// and without repeating it.
func TestWrongRequests(t *testing.T) {
	d := newDoor(t)
	const canary = "sk-canary-4711"
	for what, tc := range map[string]struct {
		method, path, body string
		status             int
		at                 string // path of the first problem
	}{
		"no body":                       {"POST", "/v1/tenants", "", 400, ""},
		"no JSON":                       {"POST", "/v1/tenants", `{"name": ` + canary, 400, ""},
		"two values":                    {"POST", "/v1/tenants", `{"name":"x"}{"name":"y"}`, 400, ""},
		"a list":                        {"POST", "/v1/tenants", `["` + canary + `"]`, 400, ""},
		"null":                          {"POST", "/v1/tenants", `null`, 400, ""},
		"text":                          {"POST", "/v1/tenants", `"` + canary + `"`, 400, ""},
		"a member that is null":         {"POST", "/v1/tenants", `{"name":null}`, 400, "/name"},
		"a member of another type":      {"POST", "/v1/tenants", `{"name":{"` + canary + `":1}}`, 400, "/name"},
		"a member that is missing":      {"POST", "/v1/tenants", `{}`, 400, ""},
		"an unknown member":             {"POST", "/v1/tenants", `{"name":"x","nick":"` + canary + `"}`, 400, "/nick"},
		"an unknown member's name":      {"POST", "/v1/tenants", `{"name":"x","` + canary + `":1}`, 400, "/…"},
		"a member in other case":        {"POST", "/v1/tenants", `{"Name":"x"}`, 400, ""},
		"a member twice":                {"POST", "/v1/tenants", `{"name":"x","name":"` + canary + `"}`, 400, ""},
		"a member twice, escaped":       {"POST", "/v1/tenants", `{"name":"x","n\u0061me":"` + canary + `"}`, 400, ""},
		"a member twice, deep":          {"POST", "/v1/connections", `{"app":"notes","environment":"dev","name":"x","auth":{"fields":{"k":"1","k":"` + canary + `"}}}`, 400, ""},
		"not UTF-8":                     {"POST", "/v1/tenants", "{\"name\":\"\xff\"}", 400, ""},
		"nested very deep":              {"POST", "/v1/tenants", `{"name":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`, 400, ""},
		"a secret that is no text":      {"POST", "/v1/connections", `{"app":"notes","environment":"dev","name":"x","auth":{"fields":{"key":4711}}}`, 400, "/auth/fields/key"},
		"a secret that is null":         {"POST", "/v1/connections", `{"app":"notes","environment":"dev","name":"x","auth":{"fields":{"key":null}}}`, 400, ""},
		"a time that is none":           {"POST", "/v1/keys", `{"name":"x","role":"viewer","expires_at":"` + canary + `"}`, 400, "/expires_at"},
		"a role that there is not":      {"POST", "/v1/keys", `{"name":"x","role":"` + canary + `"}`, 400, "/role"},
		"too large":                     {"POST", "/v1/tenants", `{"name":"` + strings.Repeat("x", 5<<20) + `"}`, 413, ""},
		"an unknown query parameter":    {"GET", "/v1/connections?access_token=" + canary, "", 400, "query.access_token"},
		"a query parameter twice":       {"GET", "/v1/connections?limit=1&limit=2", "", 400, ""},
		"a query that is none":          {"GET", "/v1/connections?limit=%zz", "", 400, ""},
		"a limit that is no number":     {"GET", "/v1/connections?limit=" + canary, "", 400, "query.limit"},
		"a limit of nothing":            {"GET", "/v1/connections?limit=0", "", 400, "query.limit"},
		"a limit below nothing":         {"GET", "/v1/connections?limit=-1", "", 400, "query.limit"},
		"a limit beyond the highest":    {"GET", "/v1/connections?limit=201", "", 400, "query.limit"},
		"a cursor of another server":    {"GET", "/v1/connections?cursor=" + canary, "", 400, ""},
		"an id of 10,000 characters":    {"GET", "/v1/connections/" + strings.Repeat("a", 10_000), "", 400, "path.id"},
		"an unknown route":              {"GET", "/v1/nothing", "", 404, ""},
		"an unknown route outside":      {"GET", "/admin.php", "", 404, ""},
		"a path with an empty element":  {"GET", "/v1//connections", "", 404, ""},
		"a path that goes up":           {"GET", "/v1/../v1/connections", "", 404, ""},
		"a path that goes up, encoded":  {"GET", "/v1/connections/..%2f..%2fadmin", "", 404, ""},
		"a path that goes up, dots too": {"GET", "/v1/connections/%2e%2e/keys", "", 404, ""},
	} {
		var body any
		if tc.body != "" {
			body = tc.body
		}
		a := d.send(d.key, tc.method, tc.path, body)
		a.isProblem(t, what, tc.status, map[int]string{400: "invalid_input", 404: "not_found", 413: "request_too_large"}[tc.status])
		if problems, _ := a.json["problems"].([]any); tc.at != "" && (len(problems) == 0 || problems[0].(map[string]any)["path"] != tc.at) {
			t.Errorf("%s: it does not say %s: %s", what, tc.at, a.Body)
		}
		if strings.Contains(a.Body.String(), canary) || strings.Contains(a.Body.String(), "4711") || a.Body.Len() > 2000 {
			t.Errorf("%s: the answer repeats what was sent: %.300s", what, a.Body)
		}
	}
	if strings.Contains(d.log.String(), canary) {
		t.Error("the log repeats what was sent")
	}
	if a := d.send(d.key, "GET", "/v1/tenants", nil); len(a.json["items"].([]any)) != 1 {
		t.Errorf("a tenant was made: %s", a.Body)
	}
}

func TestWrongMediaTypeAndMethod(t *testing.T) {
	d := newDoor(t)
	form := d.send(d.key, "POST", "/v1/tenants", "name=x", "Content-Type", "application/x-www-form-urlencoded")
	form.isProblem(t, "a form", http.StatusUnsupportedMediaType, "invalid_input")
	for path, allow := range map[string]string{
		"/v1/connections": "GET, HEAD, POST", "/v1/connections/x": "GET, HEAD, PATCH, DELETE", "/v1/connections/x/revoke": "POST",
		"/v1/whoami": "GET, HEAD", "/livez": "GET, HEAD", "/openapi.json": "GET, HEAD",
	} {
		for _, method := range []string{"PUT", "OPTIONS", "TRACE", "PROPFIND"} {
			a := d.send(d.key, method, path, nil, "X-HTTP-Method-Override", "GET", "Access-Control-Request-Method", "POST")
			if method == "OPTIONS" { // the question that a browser asks first
				a = d.send(d.key, method, path, nil, "Origin", "https://evil.example", "Access-Control-Request-Method", "POST")
			}
			a.isProblem(t, method+" "+path, 405, "not_found")
			if a.Header().Get("Allow") != allow {
				t.Errorf("%s allows %q, want %q", path, a.Header().Get("Allow"), allow)
			}
			for name := range a.Header() {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s %s answers with %s", method, path, name)
				}
			}
		}
	}
	if a := d.send(d.key, "HEAD", "/v1/whoami", nil); a.Code != 200 {
		t.Errorf("HEAD = %d", a.Code)
	}
}

// TestOtherSitesArePutOff: a browser that another site's page tells to send
// something is refused before its key is looked at.
func TestOtherSitesArePutOff(t *testing.T) {
	d := newDoor(t)
	for _, headers := range [][]string{
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"},
	} {
		a := d.send(d.key, "POST", "/v1/tenants", `{"name":"x"}`, headers...)
		a.isProblem(t, strings.Join(headers, ": "), 403, "permission_denied")
	}
	if a := d.send(d.key, "POST", "/v1/tenants", `{"name":"x"}`, "Sec-Fetch-Site", "same-origin"); a.Code != 201 {
		t.Errorf("our own page = %d %s", a.Code, a.Body)
	}
}

// TestIfMatch: an edit made on an older version is refused and changes nothing.
func TestIfMatch(t *testing.T) {
	d := newDoor(t)
	id := d.made(d.key, "/v1/agents", map[string]any{"name": "one", "grant": inDev}).text("id")
	path := "/v1/agents/" + id
	first := d.send(d.key, "GET", path, nil).Header().Get("ETag")
	second := d.send(d.key, "PATCH", path, map[string]any{"name": "two"}, "If-Match", first)
	if second.Code != 200 || second.Header().Get("ETag") == first {
		t.Fatalf("the first edit = %d %s", second.Code, second.Body)
	}
	for _, stale := range []string{first, `"99"`} {
		d.send(d.key, "PATCH", path, map[string]any{"name": "three"}, "If-Match", stale).isProblem(t, "an edit of "+stale, 412, "precondition_failed")
		d.send(d.key, "DELETE", path, nil, "If-Match", stale).isProblem(t, "deleting "+stale, 412, "precondition_failed")
	}
	for _, none := range []string{"nonsense", `"x"`, `"-1"`, `"0"`} {
		d.send(d.key, "PATCH", path, map[string]any{"name": "three"}, "If-Match", none).isProblem(t, "an edit of "+none, 400, "invalid_input")
		d.send(d.key, "DELETE", path, nil, "If-Match", none).isProblem(t, "deleting "+none, 400, "invalid_input")
	}
	if a := d.send(d.key, "GET", path, nil); a.text("name") != "two" {
		t.Errorf("it is %s", a.Body)
	}
	if a := d.send(d.key, "PATCH", path, map[string]any{"name": "four"}, "If-Match", "*"); a.Code != 200 {
		t.Errorf("any version = %d %s", a.Code, a.Body)
	}
	current := d.send(d.key, "GET", path, nil).Header().Get("ETag")
	if a := d.send(d.key, "DELETE", path, nil, "If-Match", current); a.Code != 204 || a.Body.Len() != 0 {
		t.Errorf("deleting the current one = %d %s", a.Code, a.Body)
	}
	d.send(d.key, "DELETE", path, nil, "If-Match", "*").isProblem(t, "deleting what is gone", 404, "not_found")
}
