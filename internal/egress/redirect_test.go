package egress_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// A logbook is an app that writes down every request it gets, in full.
type logbook struct {
	mu   sync.Mutex
	seen []string
}

func (l *logbook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	dump, _ := httputil.DumpRequest(r, true)
	l.mu.Lock()
	l.seen = append(l.seen, string(dump))
	l.mu.Unlock()
	io.WriteString(w, "from B")
}

// take returns what was written down and forgets it.
func (l *logbook) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen := l.seen
	l.seen = nil
	return seen
}

// credentials are the places that a credential can be put.
var credentials = map[string]func(*http.Request) error{
	"header": func(r *http.Request) error { r.Header.Set("Authorization", "Bearer "+canary); return nil },
	"custom": func(r *http.Request) error { r.Header.Set("X-Api-Key", canary); return nil },
	"query":  func(r *http.Request) error { r.URL.RawQuery += "&api_key=" + canary; return nil },
	"cookie": func(r *http.Request) error { r.AddCookie(&http.Cookie{Name: "session", Value: canary}); return nil },
	"path":   func(r *http.Request) error { r.URL.Path = "/" + canary + r.URL.Path; return nil },
	"basic":  func(r *http.Request) error { r.SetBasicAuth("user", canary); return nil },
	"body": func(r *http.Request) error {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader("key="+canary)), int64(len("key="+canary))
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("key=" + canary)), nil }
		return nil
	},
}

// Nine kinds of redirect to a second host, from one that sends along whatever it
// was sent, with a credential in seven places, in all modes and for a read and a
// write: the credential never arrives.
func TestRedirectsCarryNoCredential(t *testing.T) {
	b := &logbook{}
	hostB := serve(t, b.ServeHTTP)
	kinds := map[string]func(w http.ResponseWriter, r *http.Request){}
	for _, status := range []int{301, 302, 303, 307, 308} {
		kinds[fmt.Sprint(status)] = func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://"+hostB+"/landing")
			w.WriteHeader(status)
		}
	}
	kinds["with path and query"] = func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "http://"+hostB+r.URL.RequestURI())
		w.WriteHeader(302)
	}
	kinds["with an escaped query"] = func(w http.ResponseWriter, r *http.Request) {
		secret := strings.ReplaceAll(canary, "-", "%2D")
		w.Header().Set("Location", "http://"+hostB+"/?back="+url.QueryEscape(r.URL.RequestURI())+"&x="+secret)
		w.WriteHeader(302)
	}
	kinds["without a scheme"] = func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "//"+hostB+"/landing")
		w.WriteHeader(302)
	}
	kinds["in two steps"] = func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "second") {
			w.Header().Set("Location", "http://"+hostB+"/landing")
		} else {
			w.Header().Set("Location", "/second?"+r.URL.RawQuery)
		}
		w.WriteHeader(302)
	}
	g := loopback(t)
	for kind, answer := range kinds {
		a := serve(t, answer)
		for where, authorize := range credentials {
			for _, redirects := range []string{"", "none", "same_origin", "hosts", "nonsense"} {
				for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE"} {
					name := fmt.Sprintf("%s, credential in %s, %q, %s", kind, where, redirects, method)
					o := open(a, hostB)
					o.Redirects = redirects
					r := request(t, t.Context(), method, "http://"+a+"/start", "")
					r.Body, r.GetBody = nil, nil
					r.Header.Set("Accept", "application/json")
					r.Header.Set("X-Trace", "of the original")
					r.Header.Set("Referer", "http://"+a+"/start")
					res, err := g.Do(r, o, authorize)
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					seen := b.take()
					if strings.Contains(strings.ReplaceAll(strings.Join(seen, "\n"), "%2D", "-"), canary) {
						t.Errorf("%s: the second host got %q", name, seen)
					}
					for _, request := range seen {
						if strings.Contains(request, "X-Trace") || strings.Contains(request, "Referer") || !strings.Contains(request, "Accept: application/json") {
							t.Errorf("%s: the second host got %q", name, request)
						}
					}
					if len(seen) > 0 && (redirects != "hosts" || method != "GET" && method != "HEAD") {
						t.Errorf("%s: was followed", name)
					}
					if len(seen) > 0 && (where == "body" || where == "path") {
						t.Errorf("%s: was followed, though the redirect may repeat what cannot be compared", name)
					}
					if len(seen) == 0 && (res.Status < 300 || res.Status > 308 || res.Header.Get("Location") == "") {
						t.Errorf("%s: was not followed but answered %d", name, res.Status)
					}
					plain := kind == "302" && (where == "header" || where == "query" || where == "cookie")
					if plain && redirects == "hosts" && method == "GET" && (len(seen) != 1 || res.Host != hostB || string(res.Body) != "from B") {
						t.Errorf("%s: was not followed: %d %q from %s", name, res.Status, res.Body, res.Host)
					}
				}
			}
		}
	}
}

func TestRedirectsWithinTheOrigin(t *testing.T) {
	app := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+canary || r.Header.Get("X-Own") != "kept" {
			t.Errorf("%s came as %v", r.URL, r.Header)
		}
		var n int
		fmt.Sscanf(r.URL.Path, "/%d", &n)
		if n == 0 {
			io.WriteString(w, "there "+r.URL.RawQuery)
			return
		}
		http.Redirect(w, r, fmt.Sprintf("/%d?from=%d#fragment", n-1, n), http.StatusTemporaryRedirect)
	})
	g := loopback(t)
	for _, mode := range []string{"same_origin", "hosts"} {
		for start, want := range map[int]int{1: 200, 3: 200, 4: 307} {
			asked := 0
			o := open(app)
			o.Redirects = mode
			r := request(t, t.Context(), "GET", fmt.Sprintf("http://%s/%d", app, start), "")
			r.Body = nil
			r.Header.Set("X-Own", "kept")
			res, err := g.Do(r, o, func(r *http.Request) error {
				asked++
				r.Header.Set("Authorization", "Bearer "+canary)
				return nil
			})
			if err != nil || res.Status != want || asked != min(start, 3)+1 {
				t.Errorf("%s from %d: %v, %v, authorised %d times", mode, start, res, err, asked)
			}
			if want == 200 && string(res.Body) != "there from=1" {
				t.Errorf("%s from %d: %q", mode, start, res.Body)
			}
		}
	}
}

// Whatever is not a declared http(s) address that the policy allows is not
// followed; the redirect is the answer.
func TestRedirectsElsewhereAreTheAnswer(t *testing.T) {
	undeclared := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("an undeclared host was called") })
	var location string
	app := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if location != "" {
			w.Header().Set("Location", location)
		}
		w.WriteHeader(302)
	})
	g := loopback(t)
	for _, location = range []string{
		"", "http://" + undeclared + "/", "file:///etc/passwd", "javascript:alert(1)", "gopher://" + app + "/",
		"http://user:pass@" + app + "/", "http://169.254.169.254/latest/", "http://[::1]/", "http://0.0.0.0:" + app[strings.Index(app, ":")+1:] + "/",
		"http://2130706433/", "http://[::ffff:127.0.0.1]/", "http://%zz/", "http://", "://",
	} {
		o := open(app, "169.254.169.254", "[::1]", "0.0.0.0:"+app[strings.Index(app, ":")+1:], "2130706433", "[::ffff:127.0.0.1]")
		o.Redirects = "hosts"
		res, err := get(t, g, o, "http://"+app+"/")
		if err != nil || res.Status != 302 || res.Header.Get("Location") != location {
			t.Errorf("%q: %v, %v", location, res, err)
		}
	}
}

// A host that a request was redirected to cannot send it back to be authorised:
// it would choose what is called with the credential.
func TestRedirectBackIsNotAuthorised(t *testing.T) {
	var a, b string
	a = serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/chosen-by-b" {
			if r.Header.Get("Authorization") != "" {
				t.Error("the way back was authorised")
			}
			return
		}
		http.Redirect(w, r, "http://"+b+"/", http.StatusFound)
	})
	b = serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+a+"/chosen-by-b", http.StatusFound)
	})
	o := open(a, b)
	o.Redirects = "hosts"
	res, err := loopback(t).Do(request(t, t.Context(), "GET", "http://"+a+"/", ""), o, credentials["header"])
	if err != nil || res.Status != 200 || res.Host != a {
		t.Errorf("got %+v, %v", res, err)
	}
}
