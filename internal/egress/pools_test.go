package egress_test

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"sync/atomic"
	"testing"

	"github.com/wayleave/wayleave/internal/egress"
	"github.com/wayleave/wayleave/internal/fault"
)

// Connections that allow rules opened are not lent to an app that may not use
// allow rules.
func TestPoolsAreApart(t *testing.T) {
	var served atomic.Int64
	app, connections := raw(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		for readRequest(c, r) {
			served.Add(1)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	_, port, _ := net.SplitHostPort(app)
	g := newGuard(t, egress.Policy{Allow: rules(t, "127.0.0.1"), Resolver: resolver(t, map[string][]string{"app.test": {"127.0.0.1"}})})
	// By name, so that nothing but dialling could refuse it.
	target, o := "http://app.test:"+port+"/", open("app.test:"+port)
	for range 3 {
		if _, err := get(t, g, o, target); err != nil {
			t.Fatal(err)
		}
	}
	if connections.Load() != 1 {
		t.Fatalf("%d connections: nothing is pooled, so that this test proves nothing", connections.Load())
	}
	o.Private = false
	_, err := get(t, g, o, target)
	if e := failure(t, err, fault.UpstreamFailed); !e.Refused || e.Sent || served.Load() != 3 {
		t.Errorf("%v, served %d", err, served.Load())
	}
	if _, err := g.Do(request(t, t.Context(), "GET", target, ""), open("other.test"), nil); err == nil || served.Load() != 3 {
		t.Error("a pooled connection was lent to an app that does not declare the host")
	}
}

// keepAlive answers request after request on one connection.
func keepAlive(c net.Conn) {
	r := bufio.NewReader(c)
	for readRequest(c, r) {
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
	}
}

func TestNamedPoolsAreApart(t *testing.T) {
	app, connections := raw(t, keepAlive)
	g := loopback(t)
	for range 3 {
		for _, name := range []string{"", "a", "b"} {
			o := open(app)
			o.Pool = name
			if _, err := get(t, g, o, "http://"+app+"/"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := connections.Load(); n != 3 {
		t.Errorf("%d connections for 3 pools", n)
	}
}

// net/http may take what an app sent too much for the next answer, if the next
// request comes at once. It never is another tenant's.
func TestMoreThanClaimed(t *testing.T) {
	log.SetOutput(io.Discard) // net/http quotes what is left over there
	defer log.SetOutput(os.Stderr)
	app, _ := raw(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		for readRequest(c, r) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
		}
	})
	g := loopback(t)
	for i := range 100 {
		o := open(app)
		o.Pool = fmt.Sprint(i)
		if res, err := get(t, g, o, "http://"+app+"/"); err != nil || string(res.Body) != "hello" {
			t.Errorf("%v, %v", res, err)
		}
	}
}

// A pool that is forgotten keeps no connection open, and is made anew.
func TestPoolsAreForgotten(t *testing.T) {
	var live atomic.Int64
	closed := make(chan struct{}, 100)
	app, connections := raw(t, func(c net.Conn) {
		live.Add(1)
		keepAlive(c)
		live.Add(-1)
		closed <- struct{}{}
	})
	g := loopback(t)
	g.KeepPools(2)
	for _, name := range []string{"a", "b", "a", "c"} { // c displaces b
		o := open(app)
		o.Pool = name
		if _, err := get(t, g, o, "http://"+app+"/"); err != nil {
			t.Fatal(err)
		}
	}
	<-closed
	if live.Load() != 2 || connections.Load() != 3 {
		t.Errorf("%d connections open of %d", live.Load(), connections.Load())
	}
	for _, name := range []string{"a", "b"} { // a is still there, b is not
		o := open(app)
		o.Pool = name
		if _, err := get(t, g, o, "http://"+app+"/"); err != nil {
			t.Fatal(err)
		}
	}
	if connections.Load() != 4 {
		t.Errorf("%d connections", connections.Load())
	}
}
