package egress_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/fault"
)

// readRequest reads one request to its end.
func readRequest(c net.Conn, r *bufio.Reader) bool {
	req, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	io.Copy(io.Discard, req.Body)
	return true
}

func reset(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }

// What a broken app leaves behind: whether the request may have reached it
// decides whether a write may be sent again.
func TestBrokenApps(t *testing.T) {
	for name, tc := range map[string]struct {
		handle func(net.Conn, *bufio.Reader)
		kind   fault.Kind
		status int
		want   string
	}{
		"closes at once":       {func(c net.Conn, r *bufio.Reader) {}, fault.AppUnavailable, 0, ""},
		"closes after reading": {func(c net.Conn, r *bufio.Reader) { readRequest(c, r) }, fault.AppUnavailable, 0, "without an answer"},
		"resets after reading": {func(c net.Conn, r *bufio.Reader) { readRequest(c, r); reset(c) }, fault.AppUnavailable, 0, "broke the connection off"},
		"half a header": {func(c net.Conn, r *bufio.Reader) {
			readRequest(c, r)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n")
		}, fault.AppUnavailable, 0, ""},
		"half a line": {func(c net.Conn, r *bufio.Reader) {
			readRequest(c, r)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-")
		}, fault.UpstreamFailed, 0, "rules of HTTP"},
		"half a body": {func(c net.Conn, r *bufio.Reader) {
			readRequest(c, r)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
		}, fault.AppUnavailable, 200, "broke off"},
		"half a chunk": {func(c net.Conn, r *bufio.Reader) {
			readRequest(c, r)
			io.WriteString(c, "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n{")
		}, fault.AppUnavailable, 201, "broke off"},
		"a body, then a reset": {func(c net.Conn, r *bufio.Reader) {
			readRequest(c, r)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
			time.Sleep(10 * time.Millisecond) // a reset right away may overtake the header
			reset(c)
		}, fault.AppUnavailable, 200, ""},
		"another protocol": {func(c net.Conn, r *bufio.Reader) {
			readRequest(c, r)
			io.WriteString(c, "SSH-2.0-"+canary+"\r\n\r\n")
		}, fault.UpstreamFailed, 0, "rules of HTTP"},
		"a bad header": {func(c net.Conn, r *bufio.Reader) {
			readRequest(c, r)
			io.WriteString(c, "HTTP/1.1 200 OK\r\n"+canary+"\r\n\r\n")
		}, fault.UpstreamFailed, 0, "rules of HTTP"},
		"a bad length": {func(c net.Conn, r *bufio.Reader) {
			readRequest(c, r)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: "+canary+"\r\n\r\n")
		}, fault.UpstreamFailed, 0, "rules of HTTP"},
		"a bad chunk": {func(c net.Conn, r *bufio.Reader) {
			readRequest(c, r)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"+canary+"\r\n")
		}, fault.AppUnavailable, 200, ""},
		"another protocol, politely": {func(c net.Conn, r *bufio.Reader) {
			readRequest(c, r)
			io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
			io.Copy(io.Discard, c)
		}, fault.UpstreamFailed, 0, "another protocol"},
	} {
		t.Run(name, func(t *testing.T) {
			app, connections := raw(t, func(c net.Conn) { tc.handle(c, bufio.NewReader(c)) })
			_, err := loopback(t).Do(request(t, t.Context(), "POST", "http://"+app+"/"+canary+"?key="+canary, canary), open(app), credentials["header"])
			e := failure(t, err, tc.kind)
			if !e.Sent || e.Refused || e.Timeout || e.Status != tc.status || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s: %v (%+v)", name, err, e)
			}
			if strings.Contains(err.Error(), canary) || !strings.Contains(err.Error(), "POST http://"+app+":") {
				t.Errorf("%s: %v", name, err)
			}
			if n := connections.Load(); n != 1 {
				t.Errorf("a write was tried over %d connections", n)
			}
		})
	}
}

// A reset may arrive before the connection counts as made or after; either way
// there is one connection and a failure that can be tried again.
func TestResetAtOnce(t *testing.T) {
	app, connections := raw(t, func(c net.Conn) { reset(c) })
	_, err := loopback(t).Do(request(t, t.Context(), "POST", "http://"+app+"/", "x"), open(app), nil)
	if e := failure(t, err, fault.AppUnavailable); e.Refused || e.Timeout || connections.Load() != 1 {
		t.Errorf("%v, %d connections", err, connections.Load())
	}
}

func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	app := l.Addr().String()
	l.Close()
	_, err = loopback(t).Do(request(t, t.Context(), "POST", "http://"+app+"/", "x"), open(app), nil)
	if e := failure(t, err, fault.AppUnavailable); e.Sent || e.Refused || !strings.Contains(err.Error(), "refused the connection") {
		t.Error(err)
	}
}

// The deadline covers everything, from the connection to the last byte, and the
// app sees the request end.
func TestDeadlines(t *testing.T) {
	for name, tc := range map[string]struct {
		handle func(w http.ResponseWriter)
		status int
	}{
		"hangs":                   {func(w http.ResponseWriter) {}, 0},
		"hangs after its headers": {func(w http.ResponseWriter) { w.(http.Flusher).Flush() }, 200},
		"drips": {func(w http.ResponseWriter) {
			for range 3 {
				io.WriteString(w, ".")
				w.(http.Flusher).Flush()
			}
		}, 200},
	} {
		for _, cancelled := range []bool{false, true} {
			ended, arrived := make(chan struct{}), make(chan struct{})
			app := serve(t, func(w http.ResponseWriter, r *http.Request) {
				tc.handle(w)
				close(arrived)
				<-r.Context().Done()
				close(ended)
			})
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			if cancelled {
				cancel()
				ctx, cancel = context.WithCancel(t.Context())
				go func() { <-arrived; cancel() }()
			}
			_, err := loopback(t).Do(request(t, ctx, "GET", "http://"+app+"/", ""), open(app), nil)
			cancel()
			e := failure(t, err, fault.AppUnavailable)
			if !e.Sent {
				t.Fatalf("%s: %v", name, err)
			}
			<-ended // the app sees it
			if e.Timeout == cancelled || e.Canceled != cancelled {
				t.Errorf("%s, cancelled %t: %v (%+v)", name, cancelled, err, e)
			}
			if !cancelled && e.Status != tc.status {
				t.Errorf("%s: status %d", name, e.Status)
			}
			if want := ctx.Err(); !errors.Is(err, want) {
				t.Errorf("%s: %v is not %v", name, err, want)
			}
		}
	}
}

func TestContextAlreadyEnded(t *testing.T) {
	app, connections := raw(t, func(net.Conn) {})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := loopback(t).Do(request(t, ctx, "POST", "http://"+app+"/", "x"), open(app), nil)
	if e := failure(t, err, fault.AppUnavailable); !e.Canceled || e.Sent || connections.Load() != 0 {
		t.Errorf("%v (%+v), %d connections", err, e, connections.Load())
	}
}

// A write is on the wire once even where net/http would repeat it: on a
// connection that was used before, with an idempotency key.
func TestWritesAreSentOnce(t *testing.T) {
	for _, key := range []string{"", "Idempotency-Key", "X-Idempotency-Key"} {
		for _, body := range []string{"", "x"} {
			var requests, keyed atomic.Int64
			app, _ := raw(t, func(c net.Conn) {
				r := bufio.NewReader(c)
				for n := 0; ; n++ {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					io.Copy(io.Discard, req.Body)
					if req.Method == "GET" {
						io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
						continue
					}
					requests.Add(1)
					if key != "" && req.Header.Get(key) == "k1" {
						keyed.Add(1)
					}
					return // after reading, without an answer
				}
			})
			g := loopback(t)
			if _, err := get(t, g, open(app), "http://"+app+"/"); err != nil {
				t.Fatal(err)
			}
			req := request(t, t.Context(), "POST", "http://"+app+"/", body)
			if key != "" {
				req.Header.Set(key, "k1")
			}
			_, err := g.Do(req, open(app), nil)
			if e := failure(t, err, fault.AppUnavailable); !e.Sent {
				t.Errorf("%q: %v", key, err)
			}
			if requests.Load() != 1 || key != "" && keyed.Load() != 1 {
				t.Errorf("%q, body %q: sent %d times, %d of them with the key", key, body, requests.Load(), keyed.Load())
			}
		}
	}
}

// A connection that the app closed while it was idle costs a write nothing.
func TestIdleConnectionClosed(t *testing.T) {
	app, connections := raw(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		if readRequest(c, r) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	g := loopback(t)
	for i := range 20 {
		if _, err := get(t, g, open(app), "http://"+app+"/"); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	if connections.Load() < 20 {
		t.Errorf("%d connections", connections.Load())
	}
}
