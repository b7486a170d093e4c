package credentials_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/toolkits/apps"
)

// opener seals secrets and opens them again, as a call does.
type opener struct {
	broker *credentials.Broker
	auth   *apps.Auth
}

func newOpener(t interface {
	Fatal(...any)
	TempDir() string
}, auth *apps.Auth) opener {
	return opener{&credentials.Broker{Sealer: newSealer(t), Schemes: schemes(), MaxKeys: 16, Hard: 1 << 40}, auth}
}

func (o opener) open(t interface{ Fatal(...any) }, secrets map[string]string, hosts ...string) *credentials.Authorizer {
	c := credentials.Content{App: "notes", Scheme: o.auth.ID, Hosts: hosts, Secrets: credentials.Secrets{}}
	for name, text := range secrets {
		c.Secrets[name] = credentials.NewSecret(text)
	}
	ctx := context.Background()
	s, err := o.broker.Seal(ctx, place("auth_1"), 1, c)
	if err != nil {
		t.Fatal(err)
	}
	a, err := o.broker.Authorizer(ctx, credentials.Grant{Auth: o.auth, App: "notes", Binding: place("auth_1"), Sealed: s, Params: map[string]any{"site": "s1"}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func custom(names ...string) *apps.Auth {
	auth := &apps.Auth{ID: "c", Type: "custom"}
	for _, n := range names {
		auth.Fields = append(auth.Fields, apps.Field{Name: n, Sensitive: true})
	}
	return auth
}

const awkward = `p&ss/w"rd+é😀<\=%`

func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b[1 : len(b)-1])
}

// TestScrubForms shows each form in which an app might echo a secret.
func TestScrubForms(t *testing.T) {
	a := newOpener(t, custom("token", "odd")).open(t, map[string]string{"token": canary, "odd": awkward}, "api.example.com")
	for name, form := range map[string]string{
		"as it is":         canary,
		"in a header":      "Bearer " + canary,
		"base64":           base64.StdEncoding.EncodeToString([]byte(canary)),
		"base64 url":       base64.URLEncoding.EncodeToString([]byte(awkward)),
		"base64, after 1":  base64.StdEncoding.EncodeToString([]byte("x" + canary + "yz")),
		"base64, after 2":  base64.StdEncoding.EncodeToString([]byte("xx" + canary + "y")),
		"base64, a header": base64.StdEncoding.EncodeToString([]byte("Authorization: Bearer " + canary + "\r\n")),
		"hex":              hex.EncodeToString([]byte(canary)),
		"HEX":              strings.ToUpper(hex.EncodeToString([]byte(canary))),
		"odd":              awkward,
		"query":            url.QueryEscape(awkward),
		"path":             url.PathEscape(awkward),
		"lower percent":    strings.ToLower(url.QueryEscape(awkward)),
		"json":             mustJSON(awkward),
		"json, php":        `p&ss\/w\"rd+é😀<\\=%`,
		"json, ascii":      `p&ss/w\"rd+\u00e9\ud83d\ude00<\\=%`,
		"html":             html.EscapeString(awkward),
	} {
		in := []byte("before " + form + " after")
		out := a.Scrub(in)
		if !bytes.Contains(out, []byte("[redacted]")) || !bytes.HasPrefix(out, []byte("before ")) || !bytes.HasSuffix(out, []byte(" after")) {
			t.Errorf("%s: %q became %q", name, in, out)
		}
		// What is left of base64 at the edges must not give the secret away.
		if rest := len(out) - len("before [redacted] after"); !strings.Contains(form, "Bearer") && !strings.HasPrefix(name, "base64") && rest != 0 {
			t.Errorf("%s: %d bytes of it are left: %q", name, rest, out)
		}
	}
}

func TestScrubLeaves(t *testing.T) {
	basic := &apps.Auth{ID: "b", Type: "basic"}
	a := newOpener(t, basic).open(t, map[string]string{"username": "alice@example.com", "password": "pas"}, "api.example.com")
	for name, tc := range map[string]struct{ in, want string }{
		"a user name stays":          {"by alice@example.com", "by alice@example.com"},
		"three bytes stay":           {"a pas de deux", "a pas de deux"},
		"user and password together": {"Basic " + base64.StdEncoding.EncodeToString([]byte("alice@example.com:pas")), "Basic [redacted]"},
		"nothing":                    {"", ""},
	} {
		if got := string(a.Scrub([]byte(tc.in))); got != tc.want {
			t.Errorf("%s: %q became %q; want %q", name, tc.in, got, tc.want)
		}
	}
}

func TestScrubHeader(t *testing.T) {
	a := newOpener(t, custom("token")).open(t, map[string]string{"token": canary}, "api.example.com")
	h := http.Header{"X-Echo": {"Bearer " + canary, "plain"}, "Location": {"https://x/?k=" + canary}}
	a.ScrubHeader(h)
	if h["X-Echo"][0] != "Bearer [redacted]" || h["X-Echo"][1] != "plain" || h.Get("Location") != "https://x/?k=[redacted]" {
		t.Errorf("the header became %v", h)
	}
}

// TestScrubProperty scrubs texts in which secrets stand side by side, inside one
// another and overlapping, over a small alphabet that makes that happen. What is
// expected is found the slow way.
func TestScrubProperty(t *testing.T) {
	o := newOpener(t, custom("a", "b", "c"))
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringMatching(`[xyz]{4,9}`)
		secrets := map[string]string{"a": value.Draw(t, "a"), "b": value.Draw(t, "b"), "c": value.Draw(t, "c")}
		pieces := rapid.SliceOf(rapid.OneOf(rapid.SampledFrom([]string{secrets["a"], secrets["b"], secrets["c"], "-", "\x00\xff"}), rapid.StringMatching(`[xyz]{0,5}`))).Draw(t, "text")
		text := strings.Join(pieces, "")
		a := o.open(t, secrets, "api.example.com")
		want := slowly(text, secrets)
		in := []byte(text)
		got := string(a.Scrub(in))
		if got != want {
			t.Fatalf("secrets %v: %q became %q; want %q", secrets, text, got, want)
		}
		if string(in) != text {
			t.Fatal("the answer itself was written to")
		}
		h := http.Header{"A": {text}}
		if a.ScrubHeader(h); h.Get("A") != want {
			t.Fatalf("a header became %q; want %q", h.Get("A"), want)
		}
	})
}

// slowly marks every byte of every occurrence and replaces what is marked.
// Occurrences that touch without sharing a byte stay apart.
func slowly(text string, secrets map[string]string) string {
	joined := make([]bool, len(text)+1) // whether byte i belongs with byte i-1
	hidden := make([]bool, len(text))
	for _, s := range secrets {
		for at := range len(text) {
			if !strings.HasPrefix(text[at:], s) {
				continue
			}
			for i := at; i < at+len(s); i++ {
				joined[i] = joined[i] || i > at
				hidden[i] = true
			}
		}
	}
	var out strings.Builder
	for i := range len(text) {
		switch {
		case !hidden[i]:
			out.WriteByte(text[i])
		case !joined[i]:
			out.WriteString("[redacted]")
		}
	}
	return out.String()
}

// TestScrubRandom holds any secret and any text: nothing that was sent out holds
// the secret, and a text without one is returned as it is.
func TestScrubRandom(t *testing.T) {
	o := newOpener(t, custom("a"))
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[!-Z^-~é]{8,40}`).Filter(func(s string) bool { return !strings.Contains("[redacted]", s[:4]) }).Draw(t, "secret")
		a := o.open(t, map[string]string{"a": secret}, "api.example.com")
		before, after := rapid.StringMatching(`[ \n]{0,9}`).Draw(t, "before"), rapid.StringMatching(`[ \n]{0,300}`).Draw(t, "after")
		for _, form := range []string{secret, url.QueryEscape(secret), mustJSON(secret), base64.StdEncoding.EncodeToString([]byte("abc" + secret)), hex.EncodeToString([]byte(secret))} {
			if got := string(a.Scrub([]byte(before + form + after))); strings.Contains(got, form) || !strings.HasPrefix(got, before) || !strings.HasSuffix(got, after) {
				t.Fatalf("%q became %q", form, got)
			}
		}
		clean := []byte(before + after)
		if got := a.Scrub(clean); len(clean) > 0 && &got[0] != &clean[0] {
			t.Fatal("a clean answer was copied")
		}
	})
}

func TestScrubOfCleanAnswersAllocatesNothing(t *testing.T) {
	a := newOpener(t, custom("token")).open(t, map[string]string{"token": canary}, "api.example.com")
	answer := bytes.Repeat([]byte(`{"title":"nothing to see","id":12345},`), 500)
	h := http.Header{"Content-Type": {"application/json"}}
	a.Scrub(answer)
	if n := testing.AllocsPerRun(100, func() { a.Scrub(answer); a.ScrubHeader(h) }); n != 0 {
		t.Errorf("%v allocations; want none", n)
	}
}
