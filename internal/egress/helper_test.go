package egress_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wayleave/wayleave/internal/egress"
	"github.com/wayleave/wayleave/internal/fault"
)

// canary is the credential that must never turn up where it does not belong.
const canary = "canary-7f3a9c51e2"

// proxied counts the connections that anything made to the proxy which the
// environment names during all tests of this package.
var proxied atomic.Int64

// TestMain names a proxy in the environment before net/http reads it, once.
func TestMain(m *testing.M) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	accepting := make(chan struct{})
	go func() {
		defer close(accepting)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			proxied.Add(1)
			c.Close()
		}
	}()
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"} {
		os.Setenv(name, "http://"+l.Addr().String())
	}
	code := m.Run()
	l.Close()
	<-accepting
	if code == 0 {
		if err := goleak.Find(); err != nil {
			println("goroutines are left over:", err.Error())
			code = 1
		}
	}
	os.Exit(code)
}

// hosts declares hosts as they stand in a URL, "host" or "host:port".
type hosts []string

func (h hosts) Allows(u *url.URL) bool {
	for _, name := range h {
		if name == u.Host || name == "*" {
			return true
		}
	}
	return false
}

// open are the options of an app that may do all there is.
func open(h ...string) egress.Options {
	return egress.Options{Hosts: hosts(h), PlainHTTP: true, Private: true}
}

// rules parses rules.
func rules(t testing.TB, texts ...string) []egress.Rule {
	t.Helper()
	var all []egress.Rule
	for _, s := range texts {
		r, err := egress.ParseRule(s)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// newGuard returns a guard that is closed at the end of the test.
func newGuard(t testing.TB, p egress.Policy) *egress.Guard {
	t.Helper()
	g := egress.New(p)
	t.Cleanup(g.Close)
	return g
}

// loopback returns a guard that may call 127.0.0.1 and 127.0.0.2 for apps that
// ask for private addresses.
func loopback(t testing.TB) *egress.Guard {
	return newGuard(t, egress.Policy{Allow: rules(t, "127.0.0.1", "127.0.0.2")})
}

// serve starts an app on 127.0.0.1 and returns its "host:port".
func serve(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// raw starts a TCP server which handles each connection as told and returns its
// "host:port" and the number of connections so far.
func raw(t testing.TB, handle func(net.Conn)) (string, *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n, done := new(atomic.Int64), make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n.Add(1)
			go func() {
				defer c.Close()
				handle(c)
			}()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String(), n
}

// request makes a request; the test fails if it cannot be made.
func request(t testing.TB, ctx context.Context, method, target, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// get asks for target with a deadline that only a hung test would reach.
func get(t testing.TB, g *egress.Guard, o egress.Options, target string) (*egress.Response, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return g.Do(request(t, ctx, "GET", target, ""), o, nil)
}

// failure returns err as an *egress.Error of kind k.
func failure(t testing.TB, err error, k fault.Kind) *egress.Error {
	t.Helper()
	var e *egress.Error
	if !errors.As(err, &e) {
		t.Fatalf("got error %v, want an *egress.Error", err)
	}
	if !errors.Is(err, k) {
		t.Fatalf("got %v, want %s", err, k)
	}
	var f *fault.Error
	if !errors.As(err, &f) || f.Msg == "" {
		t.Fatalf("%v carries no message for the caller", err)
	}
	return e
}
