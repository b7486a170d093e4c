package credentials_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/template"
	"github.com/wayleave/wayleave/toolkits/apps"
)

func text(src string) *template.Template {
	t, err := template.Parse(src, nil)
	if err != nil {
		panic(err)
	}
	return t
}

type templates = map[string]*template.Template

// seen is what of a request an app would see.
func seen(t *testing.T, req *http.Request) string {
	t.Helper()
	var out strings.Builder
	fmt.Fprintf(&out, "%s %s", req.Method, req.URL.RequestURI())
	for _, name := range []string{"Authorization", "X-Key", "Cookie", "Content-Type"} {
		if v := req.Header[name]; len(v) > 0 {
			fmt.Fprintf(&out, " %s=%s", name, strings.Join(v, "|"))
		}
	}
	if req.Body == nil || req.Body == http.NoBody {
		return out.String()
	}
	b, err := io.ReadAll(req.Body)
	if err != nil {
		t.Fatal(err)
	}
	again, err := req.GetBody()
	if err != nil {
		t.Fatal(err)
	}
	b2, err := io.ReadAll(again)
	if err != nil || string(b2) != string(b) || req.ContentLength != int64(len(b)) {
		t.Errorf("body %q, again %q, length %d, %v", b, b2, req.ContentLength, err)
	}
	req.Body, _ = req.GetBody()
	fmt.Fprintf(&out, " %s", b)
	return out.String()
}

func TestApply(t *testing.T) {
	const base = "https://api.example.com/v1"
	secrets := map[string]string{"token": "tok+1/é", "username": "ann", "password": "p:w", "key": "k&1"}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("ann:p:w"))
	for name, tc := range map[string]struct {
		kind    string
		apply   apps.Apply
		request func() *http.Request
		want    string
	}{
		"bearer": {kind: "bearer", want: "GET /v1/x Authorization=Bearer tok+1/é"},
		"bearer elsewhere": {kind: "bearer", apply: apps.Apply{Header: templates{"X-Key": text("tok {{secret.token}}")}},
			want: "GET /v1/x X-Key=tok tok+1/é"},
		"basic":        {kind: "basic", want: "GET /v1/x Authorization=" + basic},
		"key as user":  {kind: "basic", apply: apps.Apply{Username: text("{{secret.key}}")}, want: "GET /v1/x Authorization=Basic " + base64.StdEncoding.EncodeToString([]byte("k&1:"))},
		"basic custom": {kind: "custom", apply: apps.Apply{Username: text("{{secret.username}}/token"), Password: text("{{secret.token}}"), Header: templates{"X-Key": text("{{params.site}}")}}, want: "GET /v1/x Authorization=Basic " + base64.StdEncoding.EncodeToString([]byte("ann/token:tok+1/é")) + " X-Key=s1"},
		"header":       {kind: "api_key", apply: apps.Apply{Header: templates{"x-key": text("{{secret.key}}")}}, want: "GET /v1/x X-Key=k&1"},
		"query":        {kind: "api_key", apply: apps.Apply{Query: templates{"key": text("{{secret.key}}")}}, request: get(base + "/x?a=1&b=%2F"), want: "GET /v1/x?a=1&b=%2F&key=k%261"},
		"query replaces the caller's": {kind: "api_key", apply: apps.Apply{Query: templates{"key": text("{{secret.key}}")}}, request: get(base + "/x?key=mine&a=1&%6bey=mine"),
			want: "GET /v1/x?a=1&key=k%261"},
		"cookie":                       {kind: "api_key", apply: apps.Apply{Cookie: templates{"sid": text("{{secret.key}}")}}, request: withHeader("Cookie", "a=1; sid=mine"), want: "GET /v1/x Cookie=a=1; sid=k&1"},
		"header replaces the caller's": {kind: "bearer", request: withHeader("Authorization", "Bearer mine"), want: "GET /v1/x Authorization=Bearer tok+1/é"},
		"path":                         {kind: "custom", apply: apps.Apply{PathPrefix: text("/bot{{secret.token}}")}, request: get(base + "/a%2Fb/c"), want: "GET /v1/bottok%2B1%2F%C3%A9/a%2Fb/c"},
		"json": {kind: "custom", apply: apps.Apply{Body: templates{"auth": text("{{secret.key}}")}}, request: post("application/json; charset=utf-8", `{"n":12345678901234567890,"h":"<b>","auth":"mine"}`),
			want: `POST /v1/x Content-Type=application/json {"auth":"k&1","h":"<b>","n":12345678901234567890}`},
		"json of an empty body": {kind: "custom", apply: apps.Apply{Body: templates{"auth": text("{{secret.key}}")}}, request: func() *http.Request { return request(http.MethodPost, base+"/x", nil) },
			want: `POST /v1/x Content-Type=application/json {"auth":"k&1"}`},
		"form": {kind: "custom", apply: apps.Apply{Body: templates{"auth": text("{{secret.key}}")}}, request: post("application/x-www-form-urlencoded", "z=1&auth=mine&a=2"),
			want: "POST /v1/x Content-Type=application/x-www-form-urlencoded z=1&a=2&auth=k%261"},
		"optional and absent": {kind: "custom", apply: apps.Apply{Header: templates{"X-Key": text("{{secret.none}}")}, Query: templates{"q": text("{{secret.none}}")}, Cookie: templates{"c": text("{{secret.none}}")}, PathPrefix: text("/{{secret.none}}")},
			want: "GET /v1/x"},
		"none": {kind: "none", want: "GET /v1/x"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newOpener(t, &apps.Auth{ID: "s", Type: tc.kind, Apply: tc.apply}).open(t, secrets, "api.example.com")
			if tc.request == nil {
				tc.request = get(base + "/x")
			}
			req, root := tc.request(), mustURL(base)
			for range 3 { // a request is authorised again when it is sent again
				if err := a.Apply(req, root); err != nil {
					t.Fatal(err)
				}
				if got := seen(t, req); got != tc.want {
					t.Fatalf("the app sees\n%s; want\n%s", got, tc.want)
				}
			}
		})
	}
}

func TestApplyRefuses(t *testing.T) {
	body := apps.Apply{Body: templates{"auth": text("{{secret.token}}")}}
	for name, tc := range map[string]struct {
		kind   string
		apply  apps.Apply
		secret string
		req    *http.Request
		kindOf fault.Kind
	}{
		"another host":        {kind: "bearer", secret: canary, req: request("GET", "https://evil.example.com/x", nil), kindOf: fault.UpstreamFailed},
		"a host that ends so": {kind: "bearer", secret: canary, req: request("GET", "https://evilapi.example.com/x", nil), kindOf: fault.UpstreamFailed},
		"another port":        {kind: "bearer", secret: canary, req: request("GET", "https://api.example.com:8443/x", nil), kindOf: fault.UpstreamFailed},
		"a user in the URL":   {kind: "bearer", secret: canary, req: request("GET", "https://api.example.com@evil.example.com/x", nil), kindOf: fault.UpstreamFailed},
		"line break, bearer":  {kind: "bearer", secret: canary + "\r\nX-Evil: 1", req: request("GET", good, nil), kindOf: fault.InvalidInput},
		"line break, header":  {kind: "api_key", apply: apps.Apply{Header: templates{"X-Key": text("{{secret.token}}")}}, secret: canary + "\nX", req: request("GET", good, nil), kindOf: fault.InvalidInput},
		"semicolon, cookie":   {kind: "api_key", apply: apps.Apply{Cookie: templates{"c": text("{{secret.token}}")}}, secret: canary + "; d=1", req: request("GET", good, nil), kindOf: fault.InvalidInput},
		"climbing, path":      {kind: "custom", apply: apps.Apply{PathPrefix: text("/{{secret.token}}")}, secret: "..", req: request("GET", good, nil), kindOf: fault.InvalidInput},
		"colon in the user":   {kind: "basic", apply: apps.Apply{Username: text("{{secret.token}}")}, secret: canary + ":x", req: request("GET", good, nil), kindOf: fault.InvalidInput},
		"path outside":        {kind: "custom", apply: apps.Apply{PathPrefix: text("/{{secret.token}}")}, secret: canary, req: request("GET", "https://api.example.com/v10/x", nil), kindOf: fault.UpstreamFailed},
		"a text body":         {kind: "custom", apply: body, secret: canary, req: post("text/plain", "hello")(), kindOf: fault.InvalidInput},
		"a JSON list":         {kind: "custom", apply: body, secret: canary, req: post("application/json", "[1]")(), kindOf: fault.InvalidInput},
		"JSON null":           {kind: "custom", apply: body, secret: canary, req: post("application/json", "null")(), kindOf: fault.InvalidInput},
	} {
		t.Run(name, func(t *testing.T) {
			a := newOpener(t, &apps.Auth{ID: "s", Type: tc.kind, Apply: tc.apply}).open(t, map[string]string{"token": tc.secret}, "api.example.com")
			err := a.Apply(tc.req, mustURL(good))
			if !errors.Is(err, tc.kindOf) {
				t.Fatalf("Apply: %v; want %s", err, tc.kindOf)
			}
			var sent strings.Builder
			fmt.Fprintf(&sent, "%v %v %+v", tc.req.URL, tc.req.Header, err)
			if strings.Contains(sent.String(), canary) {
				t.Errorf("the secret is on the request or in the error: %s", sent.String())
			}
		})
	}
}

// TestSchemesWithoutSecrets shows which schemes work with nothing sealed.
func TestSchemesWithoutSecrets(t *testing.T) {
	b := &credentials.Broker{Schemes: schemes()}
	for kind, works := range map[string]bool{"none": true, "bearer": false, "basic": false, "api_key": false} {
		_, err := b.Authorizer(t.Context(), credentials.Grant{Auth: &apps.Auth{ID: "a", Type: kind}, App: "notes"})
		if (err == nil) != works {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if _, err := b.Authorizer(t.Context(), credentials.Grant{Auth: &apps.Auth{ID: "a", Type: "telepathy"}}); !errors.Is(err, fault.InvalidInput) {
		t.Errorf("an unknown type: %v", err)
	}
}

const definition = `schema: app/v1
app: { slug: sample, title: Sample, summary: A sample., categories: [dev-tools], docs_url: "https://example.com/docs", revision: 1 }
hosts: ["api.example.com"]
api: { base_url: "https://api.example.com" }
auth:
  - id: pat
    type: custom
    title: Token
    fields:
      - { name: token, title: Token, pattern: "^tok_[a-z]{4,20}$" }
      - { name: note, title: Note, required: false, sensitive: false }
    apply: { header: { X-Token: "{{secret.token}}", X-Note: "{{secret.note}}" } }
  - { id: plain, type: bearer, title: Plain }
tools: []
`

func TestCheckSecrets(t *testing.T) {
	app, err := apps.Parse("app.yaml", []byte(definition))
	if err != nil {
		t.Fatalf("%v: %+v", err, fault.From(err).Problems)
	}
	auth := app.AuthByID("pat")
	b := &credentials.Broker{Schemes: schemes()}
	secret := credentials.NewSecret
	for name, tc := range map[string]struct {
		given   credentials.Secrets
		changed bool
		paths   string
	}{
		"complete":               {given: credentials.Secrets{"token": secret("tok_abcd")}},
		"with the optional":      {given: credentials.Secrets{"token": secret("tok_abcd"), "note": secret("n")}},
		"missing":                {given: credentials.Secrets{}, paths: "/fields/token"},
		"missing, kept":          {given: credentials.Secrets{}, changed: true},
		"cleared":                {given: credentials.Secrets{"token": secret("")}, changed: true, paths: "/fields/token"},
		"optional cleared":       {given: credentials.Secrets{"note": secret("")}, changed: true},
		"does not fit":           {given: credentials.Secrets{"token": secret(canary)}, paths: "/fields/token"},
		"unknown":                {given: credentials.Secrets{"token": secret("tok_abcd"), "tokn": secret(canary)}, paths: "/fields/tokn"},
		"several faults at once": {given: credentials.Secrets{"token": secret(canary), "b": secret("x"), "a": secret("x")}, paths: "/fields/token /fields/a /fields/b"},
	} {
		check := b.CheckSecrets
		if tc.changed {
			check = b.CheckChanged
		}
		err := check(auth, tc.given)
		var paths []string
		for _, p := range fault.From(errors.Join(err, fault.Internal)).Problems {
			paths = append(paths, p.Path)
		}
		if got := strings.Join(paths, " "); got != tc.paths || (err != nil) != (tc.paths != "") {
			t.Errorf("%s: %v, problems at %q; want %q", name, err, got, tc.paths)
		}
		if strings.Contains(fmt.Sprintf("%+v %+v", err, fault.From(errors.Join(err, fault.Internal)).Problems), canary) {
			t.Errorf("%s: the error quotes what was entered", name)
		}
	}
	// Fields that come from the scheme are checked too.
	for token, ok := range map[string]bool{"x": true, "": false, "a\nb": false} {
		err := b.CheckSecrets(app.AuthByID("plain"), credentials.Secrets{"token": secret(token)})
		if (err == nil) != ok {
			t.Errorf("a bearer token %q: %v", token, err)
		}
	}
}

func TestAuthorizerDoesNotPrint(t *testing.T) {
	a := newOpener(t, custom("token")).open(t, map[string]string{"token": canary}, "api.example.com")
	a.Scrub([]byte("have the forms prepared"))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{a, struct{ a *credentials.Authorizer }{a}} {
			if got := fmt.Sprintf(verb, v); strings.Contains(got, canary) {
				t.Errorf("%s of %T prints the secret", verb, v)
			}
		}
	}
}

func BenchmarkAuthorizer(b *testing.B) {
	auth := &apps.Auth{ID: "pat", Type: "bearer", Apply: apps.Apply{Header: templates{"Authorization": text("Bearer {{secret.token}}")}}}
	broker := &credentials.Broker{Sealer: newSealer(b), Schemes: schemes(), Hard: 1 << 40}
	c := content("ghp_0123456789abcdefghijABCDEFGHIJ012345")
	s, err := broker.Seal(b.Context(), place("auth_1"), 1, c)
	if err != nil {
		b.Fatal(err)
	}
	g := credentials.Grant{Auth: auth, App: "notes", Binding: place("auth_1"), Sealed: s}
	base, answer := mustURL(good), []byte(strings.Repeat(`{"id":1,"title":"a note"}`, 40))
	req := request(http.MethodGet, good, nil)
	b.ReportAllocs()
	for b.Loop() {
		a, err := broker.Authorizer(b.Context(), g)
		if err == nil {
			err = a.Apply(req, base)
		}
		if err != nil {
			b.Fatal(err)
		}
		a.Scrub(answer)
	}
}

func BenchmarkScrub64KiB(b *testing.B) {
	a := newOpener(b, custom("token")).open(b, map[string]string{"token": "ghp_0123456789abcdefghijABCDEFGHIJ012345"}, "api.example.com")
	answer := []byte(strings.Repeat(`{"id":1,"title":"a note of some length","tags":["a","b"]},`, 1150))
	a.Scrub(answer)
	b.SetBytes(int64(len(answer)))
	b.ReportAllocs()
	for b.Loop() {
		a.Scrub(answer)
	}
}

func mustURL(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		panic(err)
	}
	return u
}

func request(method, address string, body io.Reader) *http.Request {
	req, err := http.NewRequest(method, address, body)
	if err != nil {
		panic(err)
	}
	return req
}

func get(address string) func() *http.Request {
	return func() *http.Request { return request(http.MethodGet, address, nil) }
}

func withHeader(name, value string) func() *http.Request {
	return func() *http.Request {
		req := request(http.MethodGet, good+"/x", nil)
		req.Header.Set(name, value)
		return req
	}
}

func post(kind, body string) func() *http.Request {
	return func() *http.Request {
		req := request(http.MethodPost, good+"/x", strings.NewReader(body))
		req.Header.Set("Content-Type", kind)
		return req
	}
}
