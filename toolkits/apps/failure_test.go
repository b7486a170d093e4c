package apps_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/toolkits/apps"
)

func answer(status int, body string, header ...string) *apps.Answer {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Add(header[i], header[i+1])
	}
	return apps.NewAnswer(status, h, []byte(body), "api.example.com")
}

func TestFailureByStatus(t *testing.T) {
	app := parse(t)
	for status, want := range map[int]fault.Kind{
		200: "", 201: "", 204: "", 299: "",
		301: fault.UpstreamFailed, 304: fault.UpstreamFailed,
		400: fault.InvalidInput, 401: fault.AuthorizationRejected, 402: fault.UpstreamFailed, 403: fault.ScopeMissing,
		404: fault.NotFound, 405: fault.UpstreamFailed, 409: fault.Conflict, 410: fault.NotFound, 418: fault.UpstreamFailed, 422: fault.InvalidInput, 429: fault.RateLimited,
		500: fault.AppUnavailable, 502: fault.AppUnavailable, 503: fault.AppUnavailable, 599: fault.AppUnavailable,
	} {
		f := app.Failure(answer(status, `{"message":"b0dy"}`))
		switch {
		case want == "" && f != nil:
			t.Errorf("%d: %+v; want success", status, f)
		case want != "" && (f == nil || f.Kind != want):
			t.Errorf("%d: %+v; want %s", status, f, want)
		case f != nil && strings.Contains(f.Message, "b0dy"):
			t.Errorf("%d: the body is repeated: %s", status, f.Message)
		}
	}
}

func TestFailureNamesWhereARedirectLeads(t *testing.T) {
	for location, want := range map[string]string{
		"https://login.example.org/x?token=s3cret": "to login.example.org,",
		"/other": "to api.example.com,",
		"":       "to no address,",
		"::bad":  "to no address,",
	} {
		f := parse(t).Failure(answer(302, "", "Location", location))
		if f == nil || !strings.Contains(f.Message, want) || strings.Contains(f.Message, "s3cret") {
			t.Errorf("%q: %+v; want %q", location, f, want)
		}
	}
}

const rules = `errors:
  - { when: { all: [{ path: $.ok, equals: false }, { path: $.error, in: [expired, old] }] }, class: auth_expired }
  - { when: { status: [403, 429], any: [{ header: X-Left, equals: 0 }, { header: Retry-After, exists: true }] }, class: rate_limited, retry_after: $.wait }
  - { when: { status: ["4xx"], all: [{ path: "$.errors[0].code", matches: "^plan_" }] }, class: plan_limit, message: "{{$.errors[0].code}} for {{$.who}}" }
  - { when: { status: ["500-502"], all: [{ path: $.tags, contains: deploy }] }, class: failed, message: we are deploying }
  - { when: { all: [{ path: $.error, exists: false }, { path: $.gone, equals: true }] }, class: not_found, message: $.why }
  - { when: { all: [{ path: $.n, equals: 1 }] }, class: conflict }
limits: { retry: { wait_headers: [{ name: X-Reset, unit: epoch_s }] } }
`

func TestFailureByRule(t *testing.T) {
	app := parse(t, "errors", rules)
	for name, tc := range map[string]struct {
		ans     *apps.Answer
		kind    fault.Kind
		message string
	}{
		"success":                 {answer(200, `{"ok":true}`), "", ""},
		"failure with status 200": {answer(200, `{"ok":false,"error":"expired"}`), fault.ConnectionExpired, "expired"},
		"another error":           {answer(200, `{"ok":false,"error":"other"}`), "", ""},
		"header with a number":    {answer(403, ``, "X-Left", "0"), fault.RateLimited, "slow down"},
		"header there":            {answer(403, ``, "Retry-After", "3"), fault.RateLimited, ""},
		"neither":                 {answer(403, ``, "X-Left", "1"), fault.ScopeMissing, ""},
		"message of parts":        {answer(402, `{"errors":[{"code":"plan_free"}],"who":"acme"}`), fault.UpstreamFailed, "plan_free for acme"},
		"message without a part":  {answer(402, `{"errors":[{"code":"plan_free"}]}`), fault.UpstreamFailed, "plan of the account"},
		"literal message":         {answer(501, `{"tags":["a","deploy"]}`), fault.UpstreamFailed, "we are deploying"},
		"out of the range":        {answer(503, `{"tags":["deploy"]}`), fault.AppUnavailable, ""},
		"something absent":        {answer(200, `{"gone":true,"why":"moved"}`), fault.NotFound, "moved"},
		"number":                  {answer(200, `{"n":1.0}`), fault.Conflict, ""},
		"large number":            {answer(200, `{"n":1e999999999}`), "", ""},
		"text is no number":       {answer(200, `{"n":"1"}`), "", ""},
		"not JSON":                {answer(200, `<html>`), "", ""},
		"two documents":           {answer(200, `{"n":1}{"n":1}`), "", ""},
	} {
		f := app.Failure(tc.ans)
		if tc.kind == "" {
			if f != nil {
				t.Errorf("%s: %+v; want success", name, f)
			}
			continue
		}
		if f == nil || f.Kind != tc.kind || !strings.Contains(f.Message, tc.message) {
			t.Errorf("%s: %+v; want %s %q", name, f, tc.kind, tc.message)
		}
	}
}

// An app's words come from its users, too; they are one line, short and plain.
func TestFailureMessageIsCleaned(t *testing.T) {
	app := parse(t, "errors", "errors: [{ when: { status: [400] }, class: invalid_input, message: $.m }]")
	f := app.Failure(answer(400, `{"m":"a\r\n\tlevel=error \u001b[31mred\u202e \u200bx `+strings.Repeat("long ", 400)+`"}`))
	if !strings.HasPrefix(f.Message, "a level=error [31mred x long long") || len([]rune(f.Message)) > 300 || strings.ContainsAny(f.Message, "\r\n\t\x1b\u202e\u200b") {
		t.Errorf("%q", f.Message)
	}
	if f := app.Failure(answer(400, `{"m":{"a":"object"}}`)); strings.Contains(f.Message, "object") || f.Message == "" {
		t.Errorf("an object as a message: %q", f.Message)
	}
}

func TestRetryAfter(t *testing.T) {
	const date = "Sun, 22 Nov 2026 08:00:00 GMT"
	units := map[string]string{"s": "seconds", "ms": "milliseconds", "es": "epoch_s", "ems": "epoch_ms", "http": "http_date", "iso": "iso8601", "auto": "auto"}
	for name, tc := range map[string]struct {
		unit, value string
		want        time.Duration
	}{
		"seconds":           {"s", "7", 7 * time.Second},
		"a fraction":        {"s", "1.5", 1500 * time.Millisecond},
		"milliseconds":      {"ms", "250", 250 * time.Millisecond},
		"epoch":             {"es", "1795334430", 30 * time.Second},
		"epoch in ms":       {"ems", "1795334430500", 30500 * time.Millisecond},
		"http date":         {"http", "Sun, 22 Nov 2026 08:02:00 GMT", 2 * time.Minute},
		"iso":               {"iso", "2026-11-22T09:00:05+01:00", 5 * time.Second},
		"auto, seconds":     {"auto", "4", 4 * time.Second},
		"auto, date":        {"auto", "Sun, 22 Nov 2026 08:00:09 GMT", 9 * time.Second},
		"in the past":       {"es", "1795334300", 0},
		"negative":          {"s", "-5", 0},
		"zero":              {"s", "0", 0},
		"words":             {"s", "soon", 0},
		"not a number":      {"s", "NaN", 0},
		"infinite":          {"s", "Inf", 0},
		"bad date":          {"http", "tomorrow", 0},
		"too long":          {"s", "999999999999999999999", 24 * time.Hour},
		"too long, as time": {"es", "9999999999", 24 * time.Hour},
		"far too long":      {"es", "1e300", 0},
	} {
		app := parse(t, "limits", "limits: { retry: { wait_headers: [{ name: X-Wait, unit: "+units[tc.unit]+" }] } }")
		f := app.Failure(answer(429, "", "X-Wait", tc.value, "Date", date))
		if f.RetryAfter != tc.want {
			t.Errorf("%s: %q waits %v; want %v", name, tc.value, f.RetryAfter, tc.want)
		}
	}
}

func TestRetryAfterWhereItIsSaid(t *testing.T) {
	app := parse(t, "errors", rules)
	for name, tc := range map[string]struct {
		ans  *apps.Answer
		want time.Duration
	}{
		"the standard header by default": {answer(503, "", "Retry-After", "5"), 5 * time.Second},
		"the app's own first":            {answer(429, "", "Retry-After", "5", "X-Reset", "1795334407", "Date", "Sun, 22 Nov 2026 08:00:00 GMT"), 7 * time.Second},
		"a bad one is passed over":       {answer(429, "", "Retry-After", "5", "X-Reset", "never"), 5 * time.Second},
		"the body":                       {answer(403, `{"wait":2.5}`, "X-Left", "0", "Retry-After", "9"), 2500 * time.Millisecond},
		"not where waiting is no help":   {answer(404, "", "Retry-After", "5"), 0},
	} {
		if f := app.Failure(tc.ans); f == nil || f.RetryAfter != tc.want {
			t.Errorf("%s: %+v; want %v", name, f, tc.want)
		}
	}
	synctest.Test(t, func(t *testing.T) { // without a Date our clock counts
		at := time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat)
		if f := parse(t).Failure(answer(503, "", "Retry-After", at)); f.RetryAfter != 90*time.Second {
			t.Errorf("RetryAfter = %v; want 90s", f.RetryAfter)
		}
	})
}

func TestTestSucceeds(t *testing.T) {
	app := parse(t, "test", `test:
  request: { method: GET, path: /me }
  success: { status: [200], all: [{ path: $.user.id, exists: true }] }
  identity: { id: $.user.id, label: "{{$.user.name}} ({{$.team['display name']}})" }`)
	for name, tc := range map[string]struct {
		ans  *apps.Answer
		ok   bool
		id   string
		labl string
	}{
		"all there":      {answer(200, `{"user":{"id":12345678901234567890,"name":"Ada\n"},"team":{"display name":"Engines"}}`), true, "12345678901234567890", "Ada (Engines)"},
		"part missing":   {answer(200, `{"user":{"id":"u1"}}`), true, "u1", ""},
		"null":           {answer(200, `{"user":{"id":null}}`), false, "", ""},
		"other body":     {answer(200, `{"error":"no"}`), false, "", ""},
		"login page":     {answer(200, `<html>Sign in</html>`), false, "", ""},
		"other status":   {answer(204, ``), false, "", ""},
		"wrong shape":    {answer(200, `{"user":"x"}`), false, "", ""},
		"empty answer":   {answer(200, ``), false, "", ""},
		"id is too long": {answer(200, `{"user":{"id":"`+strings.Repeat("x", 1000)+`"}}`), true, strings.Repeat("x", 119) + "…", ""},
	} {
		if got := app.Test.Succeeded(tc.ans); got != tc.ok {
			t.Errorf("%s: Succeeded = %v; want %v", name, got, tc.ok)
		}
		if got := app.Test.Identity(tc.ans); got != (apps.Identity{ID: tc.id, Label: tc.labl}) {
			t.Errorf("%s: Identity = %q", name, got)
		}
	}
	plain := parse(t, "test", "test: { request: { method: GET, path: / } }")
	if !plain.Test.Succeeded(answer(204, "")) || plain.Test.Succeeded(answer(304, "")) {
		t.Error("without a rule any 2xx is success, and nothing else")
	}
}

func TestPath(t *testing.T) {
	doc, ok := answer(200, `{"a":{"b":[{"c":1},{"c":2}]},"x y":3,"n":null}`).JSON()
	if !ok {
		t.Fatal("not JSON")
	}
	for src, want := range map[string]string{"$.a.b[0].c": "1", "$.a.b[-1].c": "2", "$['x y']": "3", "$.a.b[*].c": "[1 2]", "$.n": "<nil>"} {
		p, err := apps.ParsePath(src)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if got, ok := p.Find(doc); !ok || sprint(got) != want || p.String() != src {
			t.Errorf("%s finds %v, %v; want %s", src, got, ok, want)
		}
	}
	for _, src := range []string{"$.zz", "$.a.b[9].c", "$.a.b.c", "$.zz[*]"} {
		p, err := apps.ParsePath(src)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if got, ok := p.Find(doc); ok {
			t.Errorf("%s finds %v", src, got)
		}
	}
	for _, src := range []string{"", "a.b", "$..a", "$.a[?(@.b>1)]", "$.a[0:2]", "$.a[0,1]", "$.a[", "$" + strings.Repeat(".a", 300)} {
		if p, err := apps.ParsePath(src); err == nil {
			t.Errorf("ParsePath(%.20q) = %v; want an error", src, p)
		}
	}
}
