package apps_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/toolkits/apps"
)

// seen is what a server was sent, byte for byte.
type seen struct {
	line   string // method and request target as it was on the wire
	host   string
	header http.Header
	body   string
}

// sent builds the request of the definition's tool "act" and sends it to a real
// server, which tells what arrived.
func sent(t testing.TB, app *apps.App, raw string) (seen, error) {
	t.Helper()
	var got seen
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = seen{r.Method + " " + r.RequestURI, r.Host, r.Header, string(b)}
	}))
	defer server.Close()
	s, err := app.Site(map[string]any{"base": server.URL + "/v1"})
	if err != nil {
		t.Fatal(problems(err))
	}
	in, err := app.Tool("act").Check(json.RawMessage(raw))
	if err != nil {
		return got, err
	}
	req, err := app.Tool("act").Request.Build(context.Background(), s, apps.Values{Input: in})
	if err != nil {
		return got, err
	}
	if !s.Allows(req.URL) {
		t.Fatalf("the request goes to %s, which is not allowed", req.URL)
	}
	resp, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if want := strings.TrimPrefix(server.URL, "http://"); got.host != want {
		t.Fatalf("Host was %s; want %s", got.host, want)
	}
	return got, nil
}

// act returns an app at a param's address with one tool.
func act(t testing.TB, required, properties, request string, more ...string) *apps.App {
	t.Helper()
	replace := append([]string{
		"network", "network: { private: ask, plain_http: true }",
		"params", "params: [{ name: base, title: Base, type: string, format: http_url, required: true }]",
		"hosts", "hosts: ['{{params.base}}']",
		"api", "api: { base_url: '{{params.base}}' }",
		"tools", tool(required, properties, request),
	}, more...)
	for i := len(replace) - len(more); i < len(replace); i += 2 { // later ones win
		for j := 0; j < len(replace)-len(more); j += 2 {
			if replace[j] == replace[i] {
				replace[j+1] = replace[i+1]
			}
		}
	}
	app, err := apps.Parse("sample.yaml", []byte(define(replace...)))
	if err != nil {
		t.Fatalf("%s\n%s", problems(err), define(replace...))
	}
	return app
}

func TestPathValues(t *testing.T) {
	app := act(t, "id", "id: {type: string}", "method: GET, path: '/items/{{input.id}}'")
	for id, want := range map[string]string{
		"../../admin":       "..%2F..%2Fadmin",
		"..%2f..%2fadmin":   "..%252f..%252fadmin",
		"....//admin":       "....%2F%2Fadmin",
		"..;/admin":         "..%3B%2Fadmin",
		`..\..\admin`:       "..%5C..%5Cadmin",
		"a/../../admin":     "a%2F..%2F..%2Fadmin",
		"%252e%252e%252f":   "%25252e%25252e%25252f",
		"a%2Fb":             "a%252Fb",
		"a;jsessionid=1":    "a%3Bjsessionid%3D1",
		"//evil.example/x":  "%2F%2Fevil.example%2Fx",
		"a?b=c#d":           "a%3Fb%3Dc%23d",
		"a\r\nX-Evil: 1":    "a%0D%0AX-Evil%3A%201",
		"Ünï/コード/👩‍👩‍👧":     "%C3%9Cn%C3%AF%2F%E3%82%B3%E3%83%BC%E3%83%89%2F%F0%9F%91%A9%E2%80%8D%F0%9F%91%A9%E2%80%8D%F0%9F%91%A7",
		"a\x00b":            "a%00b",
		"{{input.id}}":      "%7B%7Binput.id%7D%7D",
		"@evil.example:443": "%40evil.example%3A443",
	} {
		raw, _ := json.Marshal(map[string]string{"id": id})
		got, err := sent(t, app, string(raw))
		if err != nil || got.line != "GET /v1/items/"+want {
			t.Errorf("%q: %q, %v; want %s", id, got.line, err, want)
		}
		if got.header.Get("X-Evil") != "" {
			t.Errorf("%q made a header", id)
		}
	}
	for _, bad := range []string{`{"id":".."}`, `{"id":"."}`, `{"id":""}`, `{"id":["a","b"]}`, `{"id":{"a":1}}`, `{"id":null}`, `{"id":"` + strings.Repeat("a", 65536) + `"}`} {
		if got, err := sent(t, app, bad); !errors.Is(err, fault.InvalidInput) {
			t.Errorf("%.40s: %q, %v; want invalid_input", bad, got.line, err)
		}
	}
}

// Whatever an argument is, a server sees one segment, and it is the argument.
func TestPathValueArrivesWhole(t *testing.T) {
	app := act(t, "id", "id: {type: string}", "method: GET, path: '/items/{{input.id}}/end'")
	s := site(t, app, map[string]any{"base": "http://127.0.0.1:9/v1"})
	rapid.Check(t, func(rt *rapid.T) {
		id := rapid.String().Draw(rt, "id")
		req, err := app.Tool("act").Request.Build(context.Background(), s, apps.Values{Input: map[string]any{"id": id}})
		if err != nil {
			return
		}
		if req.URL.Host != "127.0.0.1:9" || req.URL.RawQuery != "" || strings.Count(req.URL.EscapedPath(), "/") != 4 {
			rt.Fatalf("%q makes %s", id, req.URL)
		}
		if want := "/v1/items/" + id + "/end"; req.URL.Path != want {
			rt.Fatalf("%q decodes to %q; want %q", id, req.URL.Path, want)
		}
		again := req.URL.String()
		if !s.Allows(req.URL) || !strings.HasPrefix(again, "http://127.0.0.1:9/v1/items/") {
			rt.Fatalf("%q makes %s", id, again)
		}
	})
}

func TestSeveralSegments(t *testing.T) {
	app := act(t, "path", "path: {type: string}", "method: GET, path: '/{{input.path...}}'")
	for in, want := range map[string]string{"a/b c": "/v1/a/b%20c", "/users/42/": "/v1/users/42/", "a:b@c": "/v1/a%3Ab%40c"} {
		raw, _ := json.Marshal(map[string]string{"path": in})
		if got, err := sent(t, app, string(raw)); err != nil || got.line != "GET "+want {
			t.Errorf("%q: %q, %v; want %s", in, got.line, err, want)
		}
	}
	for _, bad := range []string{"../admin", "a/../../b", "//evil.example", "http://evil.example/", "a?b", "a#b", `\\evil`, "", "/./a", "a//b"} {
		raw, _ := json.Marshal(map[string]string{"path": bad})
		if got, err := sent(t, app, string(raw)); bad != "" && !errors.Is(err, fault.InvalidInput) {
			t.Errorf("%q: %q, %v; want invalid_input", bad, got.line, err)
		}
	}
}

func TestQuery(t *testing.T) {
	const props = "tags: {type: array, items: {type: string}}, q: {type: string}, n: {type: integer}, b: {type: boolean}, f: {type: object}, z: {}"
	for style, want := range map[string]string{
		"repeat":   "tags=x%2Cy&tags=z",
		"comma":    "tags=x%2Cy,z",
		"brackets": "tags[]=x%2Cy&tags[]=z",
	} {
		app := act(t, "", props, "method: GET, path: /x, query: {tags: '{{input.tags}}'}, array_style: "+style)
		if got, err := sent(t, app, `{"tags":["x,y","z"]}`); err != nil || got.line != "GET /v1/x?"+want {
			t.Errorf("%s: %q, %v; want %s", style, got.line, err, want)
		}
	}
	app := act(t, "", props, "method: GET, path: /x, query: {z: '{{input.z}}', q: 'a {{input.q}}', n: '{{input.n}}', b: '{{input.b}}', f: '{{input.f}}', fixed: 1}")
	for raw, want := range map[string]string{
		`{}`:                                "fixed=1",
		`{"q":"&n=2#?= +é","n":7}`:          "q=a%20%26n%3D2%23%3F%3D%20%2B%C3%A9&n=7&fixed=1",
		`{"b":false,"n":0}`:                 "n=0&b=false&fixed=1",
		`{"z":null}`:                        "fixed=1",
		`{"f":{"b":[1,2],"a":{"c d":"e"}}}`: "f[a][c%20d]=e&f[b]=1&f[b]=2&fixed=1",
		`{"z":[]}`:                          "fixed=1",
		`{"z":12345678901234567890}`:        "z=12345678901234567890&fixed=1",
	} {
		if got, err := sent(t, app, raw); err != nil || got.line != "GET /v1/x?"+want {
			t.Errorf("%s: %q, %v; want %s", raw, got.line, err, want)
		}
	}
}

func TestQueryOfTheCaller(t *testing.T) {
	app := act(t, "", "query: {type: object}", "method: GET, path: /x, query: '{{input.query}}'",
		"auth", "auth: [{ id: a, type: api_key, title: A, apply: { query: { api_key: '{{secret.key}}' } } }]",
		"api", "api: { base_url: '{{params.base}}', query: { v: '2' } }")
	for raw, want := range map[string]string{
		`{}`:                            "?v=2",
		`{"query":{}}`:                  "?v=2",
		`{"query":{"b":"1","a":["x"]}}`: "?a=x&b=1&v=2",
		`{"query":{"v":"3"}}`:           "?v=3",
		`{"query":{"a&b=c":"d"}}`:       "?a%26b%3Dc=d&v=2",
	} {
		if got, err := sent(t, app, raw); err != nil || got.line != "GET /v1/x"+want {
			t.Errorf("%s: %q, %v; want %s", raw, got.line, err, want)
		}
	}
	for _, bad := range []string{`{"query":{"api_key":"evil"}}`, `{"query":{"API_KEY":"evil"}}`} {
		if got, err := sent(t, app, bad); !errors.Is(err, fault.InvalidInput) {
			t.Errorf("%s: %q, %v; want invalid_input", bad, got.line, err)
		}
	}
}

func TestHeaders(t *testing.T) {
	app := act(t, "", "trace: {type: string}, lang: {type: string}", "method: GET, path: /x, headers: {X-Trace: '{{input.trace}}', Accept: text/csv, X-Lang: 'l-{{input.lang}}'}",
		"api", "api: { base_url: '{{params.base}}', headers: { Accept: application/json, X-Version: '3' } }")
	got, err := sent(t, app, `{"trace":"abc"}`)
	if err != nil || got.header.Get("X-Trace") != "abc" || got.header.Get("Accept") != "text/csv" || got.header.Get("X-Version") != "3" || got.header.Values("X-Lang") != nil {
		t.Errorf("%v, %v", got.header, err)
	}
	for _, bad := range []string{`{"trace":"v\r\nAuthorization: Bearer evil"}`, `{"trace":"a\u0000b"}`, `{"trace":"a\nb"}`} {
		if _, err := sent(t, app, bad); !errors.Is(err, fault.InvalidInput) {
			t.Errorf("%s: %v; want invalid_input", bad, err)
		}
	}
}

func TestBodies(t *testing.T) {
	const props = "a: {type: string}, n: {type: integer}, l: {type: array}, o: {type: object}, z: {}"
	for name, tc := range map[string]struct{ request, raw, contentType, body string }{
		"in the order of the definition": {"body: {z: '{{input.z}}', a: '{{input.a}}', n: '{{input.n}}'}", `{"n":1,"a":"<b>&\"","z":true}`, "application/json", `{"z":true,"a":"<b>&\"","n":1}`},
		"absent members":                 {"body: {a: '{{input.a}}', n: '{{input.n}}', fixed: 3}", `{}`, "application/json", `{"fixed":3}`},
		"null is kept":                   {"body: {z: '{{input.z}}'}", `{"z":null}`, "application/json", `{"z":null}`},
		"all absent":                     {"body: {a: '{{input.a}}'}", `{}`, "application/json", `{}`},
		"an optional object":             {"body: {filter: {property: p, value: '{{input.a}}'}, fixed: {b: 1}}", `{}`, "application/json", `{"fixed":{"b":1}}`},
		"the same, given":                {"body: {filter: {property: p, value: '{{input.a}}'}}", `{"a":"x"}`, "application/json", `{"filter":{"property":"p","value":"x"}}`},
		"types are kept":                 {"body: {l: '{{input.l}}', o: '{{input.o}}', t: 'n{{input.n}}'}", `{"l":[1,"2",null],"o":{"b":1.50,"a":12345678901234567890},"n":7}`, "application/json", `{"l":[1,"2",null],"o":{"a":12345678901234567890,"b":1.50},"t":"n7"}`},
		"text around a text":             {"body: {t: '${env.HOME} {{input.a}}'}", `{"a":"$(id) {{input.n}}"}`, "application/json", `{"t":"${env.HOME} $(id) {{input.n}}"}`},
		"a list of the definition":       {"body: {l: [{t: '{{input.a}}'}, 2, '{{input.n}}']}", `{"a":"x"}`, "application/json", `{"l":[{"t":"x"},2]}`},
		"the whole body":                 {"body: '{{input.z}}'", `{"z":[1,{"b":2}]}`, "application/json", `[1,{"b":2}]`},
		"no body":                        {"body: '{{input.z}}'", `{}`, "", ``},
		"form":                           {"format: form, body: {a: '{{input.a}}', o: '{{input.o}}', l: '{{input.l}}'}", `{"a":"x&y=1 +","o":{"k":"v w"},"l":[1,2]}`, "application/x-www-form-urlencoded", `a=x%26y%3D1%20%2B&o[k]=v%20w&l=1&l=2`},
		"form of objects":                {"format: form, array_style: brackets, body: {l: '{{input.l}}'}", `{"l":[{"p":1},{"p":2}]}`, "application/x-www-form-urlencoded", `l[0][p]=1&l[1][p]=2`},
		"text":                           {"format: text, body: 'say {{input.a}}'", `{"a":"hi\n"}`, "text/plain; charset=utf-8", "say hi\n"},
		"text of another type":           {"format: text, body: '<a/>', headers: {Content-Type: text/xml}", `{}`, "text/xml", "<a/>"},
		"graphql":                        {"format: graphql, body: {query: 'query($a:String){b(a:$a){c}}', variables: {a: '{{input.a}}'}}", `{"a":"\"}"}`, "application/json", `{"query":"query($a:String){b(a:$a){c}}","variables":{"a":"\"}"}}`},
	} {
		got, err := sent(t, act(t, "", props, "method: POST, path: /x, "+tc.request), tc.raw)
		if err != nil || got.body != tc.body || got.header.Get("Content-Type") != tc.contentType {
			t.Errorf("%s: %q as %q, %v; want %q as %q", name, got.body, got.header.Get("Content-Type"), err, tc.body, tc.contentType)
		}
	}
}

func TestMultipart(t *testing.T) {
	app := act(t, "", "a: {type: string}, b: {type: string}", "method: POST, path: /x, format: multipart, body: {a: '{{input.a}}', b: '{{input.b}}'}")
	raw := `{"a":"line\r\n--x--","b":"ü&="}`
	got, err := sent(t, app, raw)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/", strings.NewReader(got.body))
	r.Header = got.header
	if err := r.ParseMultipartForm(1 << 20); err != nil || r.FormValue("a") != "line\r\n--x--" || r.FormValue("b") != "ü&=" {
		t.Errorf("reads as %v, %v", r.Form, err)
	}
	if again, _ := sent(t, app, raw); again.body != got.body {
		t.Error("equal fields make different bytes")
	}
}

func TestBodyCannotNameTheCredential(t *testing.T) {
	app := act(t, "", "z: {type: object}", "method: POST, path: /x, body: '{{input.z}}'",
		"auth", "auth: [{ id: a, type: api_key, title: A, apply: { body: { token: '{{secret.key}}' } } }]")
	if _, err := sent(t, app, `{"z":{"Token":"evil"}}`); !errors.Is(err, fault.InvalidInput) {
		t.Errorf("%v; want invalid_input", err)
	}
}

// Building is repeatable, and a request can be sent again.
func TestBuildAgain(t *testing.T) {
	app := act(t, "", "o: {type: object}", "method: POST, path: /x, query: {b: 1, a: 2}, body: {o: '{{input.o}}'}")
	s := site(t, app, map[string]any{"base": "http://127.0.0.1:9"})
	in := args(t, `{"o":{"z":1,"y":2,"x":{"b":1,"a":2}}}`)
	var first string
	for i := range 20 {
		req, err := app.Tool("act").Request.Build(context.Background(), s, apps.Values{Input: in})
		if err != nil {
			t.Fatal(err)
		}
		b1, _ := io.ReadAll(req.Body)
		again, err := req.GetBody()
		if err != nil {
			t.Fatal(err)
		}
		b2, _ := io.ReadAll(again)
		this := req.URL.String() + string(b1)
		if first == "" {
			first = this
		}
		if this != first || string(b1) != string(b2) || req.ContentLength != int64(len(b1)) {
			t.Fatalf("build %d differs: %s, %s", i, this, b2)
		}
	}
}

func BenchmarkBuild(b *testing.B) {
	app := act(b, "id", "id: {type: string}, q: {type: string}", "method: GET, path: '/items/{{input.id}}', query: {q: '{{input.q}}'}")
	s, err := app.Site(map[string]any{"base": "http://127.0.0.1:9"})
	if err != nil {
		b.Fatal(err)
	}
	v := apps.Values{Input: map[string]any{"id": "42", "q": "words"}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := app.Tool("act").Request.Build(context.Background(), s, v); err != nil {
			b.Fatal(err)
		}
	}
}

func TestHostOfARequest(t *testing.T) {
	for request, want := range map[string]string{
		"method: GET, path: /x":                                      "api.example.com",
		"method: GET, url: 'https://files.example.com/x'":            "files.example.com",
		"method: GET, url: 'https://{{params.d}}.files.example.com'": "eu.files.example.com",
	} {
		app := parse(t, "params", "params: [{ name: d, title: D, type: string, default: eu, pattern: '^[a-z]+$' }]",
			"hosts", "hosts: [api.example.com, files.example.com, '{{params.d}}.files.example.com']", "tools", tool("", "", request))
		params, err := app.CheckParams(nil)
		if err != nil {
			t.Fatal(err)
		}
		site, err := app.Site(params)
		if err != nil {
			t.Fatal(err)
		}
		if got := app.Tools[0].Request.Host(site); got != want {
			t.Errorf("%s goes to %q, want %q", request, got, want)
		}
	}
}
