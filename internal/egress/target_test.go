package egress_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/egress"
	"github.com/wayleave/wayleave/internal/fault"
)

// Everything here is refused before a name is looked up or authorize is called.
func TestTargetsRefused(t *testing.T) {
	for _, tc := range []struct {
		url  string
		o    egress.Options
		want string // in the message
	}{
		{"https://other.example/", egress.Options{Hosts: hosts{"app.example"}}, "does not declare"},
		{"https://app.example:8443/", egress.Options{Hosts: hosts{"app.example"}}, "does not declare"},
		{"https://app.example/", egress.Options{}, "does not declare"},
		{"http://app.example/", egress.Options{Hosts: hosts{"*"}}, "only https"},
		{"http://127.0.0.1:1/", egress.Options{Hosts: hosts{"*"}, Private: true}, "only https"},
		{"ftp://app.example/", open("*"), "only http"},
		{"file:///etc/passwd", open("*"), "only http"},
		{"gopher://app.example/", open("*"), "only http"},
		{"unix:///run/x.sock", open("*"), "only http"},
		{"/relative", open("*"), "only http"},
		{"https:app.example", open("*"), "user name"},
		{"https://user@app.example/", open("*"), "user name"},
		{"https://user:" + canary + "@app.example/", open("*"), "user name"},
		{"https://app.example/#" + canary, open("*"), "fragment"},
		{"https:///x", open("*"), "missing"},
		{"https://app.example:/", open("*"), "port is missing"},
		{"https://app.example:0/", open("*"), "1 to 65535"},
		{"https://app.example:0443/", open("*"), "1 to 65535"},
		{"https://app.example:65536/", open("*"), "1 to 65535"},
		{"https://app.example:22/", open("*"), "another protocol"},
		{"https://app.example:25/", open("*"), "another protocol"},
		{"https://app.example:6379/", open("*"), "another protocol"},
		{"https://app.example./", open("*"), "plain name"},
		{"https://app..example/", open("*"), "plain name"},
		{"https://-app.example/", open("*"), "plain name"},
		{"https://ápp.example/", open("*"), "plain name"},
		{"https://ⓔxample.com/", open("*"), "plain name"},
		{"https://127。0。0。1/", open("*"), "plain name"},
		{"https://app%00.example/", open("*"), "plain name"},
		{"https://" + strings.Repeat("a", 64) + ".example/", open("*"), "plain name"},
		{"https://" + strings.Repeat("a.", 127) + "example/", open("*"), "too long"},
		{"https://2130706433/", open("*"), "looks like an address"},
		{"https://017700000001/", open("*"), "looks like an address"},
		{"https://0x7f000001/", open("*"), "looks like an address"},
		{"https://0x7F.1/", open("*"), "looks like an address"},
		{"https://0177.0.0.1/", open("*"), "looks like an address"},
		{"https://127.1/", open("*"), "looks like an address"},
		{"https://127.0.0.0x1/", open("*"), "looks like an address"},
		{"https://256.1.1.1/", open("*"), "looks like an address"},
		{"https://app.0x/", open("*"), "looks like an address"},
		{"https://[::ffff:127.0.0.1]/", open("*"), "written as IPv6"},
		{"https://[fe80::1%25lo]/", open("*"), "zone"},
		{"https://127.0.0.1/", open("*"), "loopback"},
		{"https://10.0.0.1/", open("*"), "private"},
		{"https://[::1]/", open("*"), "loopback"},
		{"https://169.254.169.254/", open("*"), "metadata"},
	} {
		t.Run(tc.url, func(t *testing.T) {
			g := newGuard(t, egress.Policy{Allow: rules(t, "10.20.0.0/16")})
			u, err := url.Parse(tc.url)
			if err != nil {
				t.Skip("not a URL for net/url either")
			}
			req := &http.Request{Method: "GET", URL: u, Header: http.Header{}}
			_, err = g.Do(req, tc.o, func(*http.Request) error {
				t.Error("the credential was asked for")
				return errors.New("not here")
			})
			e := failure(t, err, fault.UpstreamFailed)
			if !e.Refused || e.Sent || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), canary) {
				t.Errorf("%v (refused %t, sent %t); want %q", err, e.Refused, e.Sent, tc.want)
			}
		})
	}
}

// What an allow rule names may be called by http and on any port, by the apps
// that ask for it.
func TestAllowRuleOpensPlainHTTP(t *testing.T) {
	app := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("hello")) })
	g := newGuard(t, egress.Policy{Allow: rules(t, app)})
	o := egress.Options{Hosts: hosts{app}, Private: true}
	res, err := get(t, g, o, "http://"+app+"/")
	if err != nil || string(res.Body) != "hello" || res.Host != app || res.Status != 200 {
		t.Errorf("got %+v, %v", res, err)
	}
	o.Private = false
	_, err = get(t, g, o, "http://"+app+"/")
	if e := failure(t, err, fault.UpstreamFailed); !e.Refused {
		t.Errorf("an app that does not ask got %v", err)
	}
}

func TestHostIsWrittenInLowerCase(t *testing.T) {
	var seen string
	asked := allowing(func(u *url.URL) bool { seen = u.Host; return false })
	newGuard(t, egress.Policy{}).Do(request(t, t.Context(), "GET", "https://APP.Example:8443/", ""), egress.Options{Hosts: asked}, nil)
	if seen != "app.example:8443" {
		t.Errorf("Hosts was asked about %q", seen)
	}
}

type allowing func(*url.URL) bool

func (f allowing) Allows(u *url.URL) bool { return f(u) }

func TestHeadersRefused(t *testing.T) {
	app := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
	g := loopback(t)
	for name, change := range map[string]func(*http.Request){
		"Connection":          func(r *http.Request) { r.Header.Set("Connection", "X-Secret") },
		"keep-alive":          func(r *http.Request) { r.Header["keep-alive"] = []string{"x"} },
		"Proxy-Authorization": func(r *http.Request) { r.Header.Set("Proxy-Authorization", canary) },
		"Te":                  func(r *http.Request) { r.Header.Set("TE", "trailers") },
		"Trailer":             func(r *http.Request) { r.Header.Set("Trailer", "X") },
		"transfer-encoding":   func(r *http.Request) { r.Header["transfer-encoding"] = []string{"chunked"} },
		"Upgrade":             func(r *http.Request) { r.Header.Set("Upgrade", "h2c") },
		"Host":                func(r *http.Request) { r.Header.Set("Host", "evil.example") },
		"HOST":                func(r *http.Request) { r.Header["HOST"] = []string{"evil.example"} },
		"Content-Length":      func(r *http.Request) { r.Header.Set("Content-Length", "1") },
		"Expect":              func(r *http.Request) { r.Header.Set("Expect", "100-continue") },
		"the field Host":      func(r *http.Request) { r.Host = "evil.example" },
		"encoding":            func(r *http.Request) { r.TransferEncoding = []string{"chunked"} },
		"trailers":            func(r *http.Request) { r.Trailer = http.Header{"X": nil} },
		"close":               func(r *http.Request) { r.Close = true },
		"a bad name":          func(r *http.Request) { r.Header["X Y"] = []string{"x"} },
		"a name with a line":  func(r *http.Request) { r.Header["X\r\nY"] = []string{"x"} },
		"a pseudo header":     func(r *http.Request) { r.Header[":authority"] = []string{"x"} },
		"a value with a line": func(r *http.Request) { r.Header["X"] = []string{canary + "\r\nY: 1"} },
		"a value with NUL":    func(r *http.Request) { r.Header["X"] = []string{canary + "\x00"} },
		"CONNECT":             func(r *http.Request) { r.Method = "CONNECT" },
		"TRACE":               func(r *http.Request) { r.Method = "TRACE" },
		"a bad method":        func(r *http.Request) { r.Method = "GET /" + canary + " HTTP/1.1\r\n" },
	} {
		for who, run := range map[string]func(*http.Request) error{
			"caller": func(r *http.Request) error {
				change(r)
				_, err := g.Do(r, open(app), nil)
				return err
			},
			"authorize": func(r *http.Request) error {
				_, err := g.Do(r, open(app), func(r *http.Request) error { change(r); return nil })
				return err
			},
		} {
			err := run(request(t, t.Context(), "POST", "http://"+app+"/", "x"))
			e := failure(t, err, fault.InvalidInput)
			if !e.Refused || e.Sent || strings.Contains(err.Error(), canary) {
				t.Errorf("%s by %s: %v (refused %t, sent %t)", name, who, err, e.Refused, e.Sent)
			}
		}
	}
}

// authorize may add what it likes to the request but not send it elsewhere.
func TestAuthorizeCannotMoveTheRequest(t *testing.T) {
	app := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
	other := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent elsewhere") })
	g := loopback(t)
	for name, move := range map[string]func(*url.URL){
		"host":     func(u *url.URL) { u.Host = other },
		"scheme":   func(u *url.URL) { u.Scheme = "https" },
		"user":     func(u *url.URL) { u.User = url.UserPassword("u", canary) },
		"opaque":   func(u *url.URL) { u.Opaque = "//" + other + "/" },
		"fragment": func(u *url.URL) { u.Fragment = canary },
	} {
		for _, redirects := range []string{"none", "hosts"} {
			o := open(app, other)
			o.Redirects = redirects
			_, err := g.Do(request(t, t.Context(), "GET", "http://"+app+"/", ""), o, func(r *http.Request) error { move(r.URL); return nil })
			if e := failure(t, err, fault.UpstreamFailed); !e.Refused || e.Sent {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestDoLeavesTheRequestAlone(t *testing.T) {
	var got *http.Request
	app := serve(t, func(_ http.ResponseWriter, r *http.Request) { got = r.Clone(context.Background()) })
	req := request(t, t.Context(), "GET", "http://"+app+"/a?b=c", "")
	req.Body, req.ContentLength = nil, 0
	_, err := loopback(t).Do(req, open(app), func(r *http.Request) error {
		if end, ok := r.Context().Deadline(); !ok || time.Until(end) > time.Minute {
			t.Error("a request without a deadline was given none")
		}
		r.Header.Set("Authorization", "Bearer "+canary)
		r.URL.RawQuery += "&key=" + canary
		r.URL.Path = "/prefix" + r.URL.Path
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(req.Header) != 0 || req.URL.String() != "http://"+app+"/a?b=c" {
		t.Errorf("the request became %v %v", req.URL, req.Header)
	}
	if got.RequestURI != "/prefix/a?b=c&key="+canary || got.Header.Get("Authorization") != "Bearer "+canary ||
		got.Header.Get("User-Agent") != "Wayleave" || got.Header.Get("Accept-Encoding") != "gzip" || got.Host != app {
		t.Errorf("sent %s %v", got.RequestURI, got.Header)
	}
}

func TestErrorOfAuthorize(t *testing.T) {
	app := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
	_, err := loopback(t).Do(request(t, t.Context(), "POST", "http://"+app+"/", "x"), open(app), func(*http.Request) error { return fault.SealerUnavailable })
	if err != fault.SealerUnavailable {
		t.Errorf("got %v", err)
	}
}
