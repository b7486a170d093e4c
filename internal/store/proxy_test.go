package store_test

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// A proxy stands between a store and its server and may hold back what they say:
// connections stay open and nothing is answered.
type proxy struct {
	held sync.RWMutex
	url  string
}

func newProxy(t *testing.T, server string) *proxy {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal("the server's URL is none")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	p := &proxy{}
	go p.accept(listener, u.Host)
	u.Host = listener.Addr().String()
	p.url = u.String()
	return p
}

func (p *proxy) accept(listener net.Listener, to string) {
	for {
		in, err := listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", to)
		if err != nil {
			_ = in.Close()
			continue
		}
		go p.pass(in, out)
		go p.pass(out, in)
	}
}

func (p *proxy) pass(from, to net.Conn) {
	defer func() { _, _ = from.Close(), to.Close() }()
	_, _ = io.Copy(passing{p, to}, from)
}

// passing waits while the proxy holds back.
type passing struct {
	p  *proxy
	to net.Conn
}

func (w passing) Write(b []byte) (int, error) {
	w.p.held.RLock()
	defer w.p.held.RUnlock()
	return w.to.Write(b)
}
