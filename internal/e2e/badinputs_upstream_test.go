package e2e_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/server"
)

// A bad app misbehaves on request, and counts what it is sent.
type badApp struct {
	*httptest.Server
	elsewhere string       // where its redirects lead
	sent      atomic.Int64 // requests to /behave/…
}

// newBadApp starts one, and another that its redirects lead to. What reaches
// the other is a leak.
func newBadApp(t *testing.T) *badApp {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s %v reached another host", r.Method, r.URL, r.Header)
	}))
	t.Cleanup(other.Close)
	app := &badApp{elsewhere: other.URL}
	app.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		if how, ok := strings.CutPrefix(path, "/behave/"); ok {
			app.misbehave(w, r, how, app.sent.Add(1))
			return
		}
		answerJSON(w, 200, map[string]any{"ok": true, "id": "u1", "label": "Fixture user", "path": path})
	}))
	t.Cleanup(app.Close)
	return app
}

// misbehave answers the n-th request in the way asked for.
func (app *badApp) misbehave(w http.ResponseWriter, r *http.Request, how string, n int64) {
	redirect := func(status int, to string) {
		w.Header().Set("Location", to)
		w.WriteHeader(status)
	}
	text := func(kind, body string) {
		w.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(w, body)
	}
	switch how {
	case "401-once":
		answerStatus(w, 401, n > 1)
	case "403", "404", "409", "500":
		var status int
		_, _ = fmt.Sscan(how, &status)
		answerStatus(w, status, false)
	case "429-date":
		w.Header().Set("Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
		answerStatus(w, 429, false)
	case "429-none":
		answerStatus(w, 429, n > 1)
	case "403-ratelimit":
		w.Header().Set("Retry-After", "30")
		answerStatus(w, 403, false)
	case "drop-before":
		panic(http.ErrAbortHandler)
	case "drop-after-read":
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	case "huge":
		w.Header().Set("Content-Type", "application/json")
		for range 32 {
			_, _ = io.WriteString(w, strings.Repeat(" ", 1<<20))
		}
	case "gzip-bad":
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, `{"a":1}`)
		_ = z.Flush() // and never its end
	case "br-unasked":
		w.Header().Set("Content-Encoding", "br")
		_, _ = io.WriteString(w, "\x0b\x02\x80{}\x03")
	case "html":
		text("text/html", "<html><form>Please log in</form></html>")
	case "nan-json":
		text("application/json", `{"a": NaN}`)
	case "reflect-secret":
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Echo", r.Header.Get("Authorization")+r.Header.Get("X-Api-Key"))
		answerJSON(w, 200, map[string]any{"headers": r.Header, "url": r.URL.String(), "body": string(body)})
	case "redirect-same":
		redirect(302, "/items/after")
	case "redirect-307-b":
		redirect(307, app.elsewhere+"/x")
	case "redirect-loop":
		redirect(302, r.URL.RequestURI())
	case "redirect-file":
		redirect(302, "file:///etc/passwd")
	case "redirect-downgrade":
		redirect(302, "https://"+r.Host+"/items/after")
	case "idem":
		answerStatus(w, 503, n > 1)
	case "100-continue":
		w.WriteHeader(http.StatusContinue)
		answerStatus(w, 200, true)
	default:
		answerJSON(w, 500, map[string]any{"message": "the test does not know " + how})
	}
}

// answerStatus answers with a status, or with success.
func answerStatus(w http.ResponseWriter, status int, well bool) {
	if well {
		status = 200
	}
	answerJSON(w, status, map[string]any{"message": "as asked"})
}

// TestBadInputsUpstream meets each with four schemes, reading and writing: it is
// answered and sent as often as the entry says, the secret shows nowhere, and
// the connection works right after.
func TestBadInputsUpstream(t *testing.T) {
	limited := `  - { when: { status: [403], all: [{ header: Retry-After, exists: true }] }, class: rate_limited }`
	definition := strings.Replace(fxDefinition, "errors:\n", "errors:\n"+limited+"\n", 1)
	w := newWorld(t, embedded, func(c *server.Config) { c.Apps = append(c.Apps, parse(t, definition)) })
	app := newBadApp(t)
	schemes := fxSchemes("bad-upstream-c4")
	var key string
	for i, scheme := range []string{"bearer", "header", "query", "basic"} {
		conn := w.connectFx("dev", scheme, schemes[scheme], app.URL)
		w.must(w.rest(w.admin, "POST", "/v1/toolkits", map[string]any{"slug": scheme, "app": "fx", "bindings": []any{bind("dev", conn)}}), 201, "id")
		if i == 0 {
			key = w.agent("bot", environmentsOf("dev"))
		}
	}
	for _, in := range badInputs(t, "upstream", 23) {
		for _, scheme := range []string{"bearer", "header", "query", "basic"} {
			t.Run(in.ID+"/"+scheme, func(t *testing.T) {
				call := func(tool string, want string, sent, atMost int64) {
					t.Helper()
					app.sent.Store(0)
					r := w.rest(key, "POST", "/v1/toolkits/"+scheme+"/tools/"+tool, map[string]any{"arguments": map[string]any{"how": in.How}})
					if r.get("code") != want || (r.status == 200) != (want == "") {
						t.Errorf("%s: %d %.300s, want %q", tool, r.status, r.raw, want)
					}
					if n := app.sent.Load(); n < sent || n > max(sent, atMost) {
						t.Errorf("%s: sent %d times, want %d", tool, n, sent)
					}
					noSecret(t, "the answer", fmt.Sprint(r.header, string(r.raw)), schemes[scheme])
				}
				call("behave", in.Read.Code, in.Read.Sent, in.Read.AtMost)
				call("misbehave", in.Write.Code, in.Write.Sent, 0)
				after := w.rest(key, "POST", "/v1/toolkits/"+scheme+"/tools/get_item", map[string]any{"arguments": map[string]any{"id": "alive"}})
				if after.status != 200 {
					t.Errorf("a call after it: %d %.300s", after.status, after.raw)
				}
			})
		}
	}
	for _, fields := range schemes {
		noSecret(t, "the log", w.log.String(), fields)
	}
}

// noSecret fails the test if the text holds a secret in any form.
func noSecret(t *testing.T, where, text string, fields map[string]any) {
	t.Helper()
	for name, secret := range fields {
		for form, s := range forms(secret.(string)) {
			if name != "username" && strings.Contains(text, s) {
				t.Errorf("%s holds the %s as %s", where, name, form)
			}
		}
	}
}
