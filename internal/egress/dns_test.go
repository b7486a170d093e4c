package egress_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/wayleave/wayleave/internal/egress"
	"github.com/wayleave/wayleave/internal/fault"
)

// A nameServer answers for the names it is given. A name's answers are used up
// one by one until the last, which stays; a name it does not know does not
// exist, and a name without answers is never answered.
type nameServer struct {
	mu    sync.Mutex
	names map[string][][]netip.Addr
	conn  net.PacketConn
}

// resolver starts a name server on loopback and returns a resolver that asks it.
func resolver(t testing.TB, names map[string][]string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &nameServer{names: map[string][][]netip.Addr{}, conn: conn}
	for name, answers := range names {
		s.names[name+"."] = nil
		for _, a := range answers {
			var ips []netip.Addr
			for text := range strings.FieldsSeq(a) {
				ips = append(ips, netip.MustParseAddr(text))
			}
			s.names[name+"."] = append(s.names[name+"."], ips)
		}
	}
	done := make(chan struct{})
	go func() { defer close(done); s.run() }()
	t.Cleanup(func() { conn.Close(); <-done })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
		if err == nil {
			// A lookup that nobody waits for any more goes on until its own time
			// is up; at the end of the test it ends with its connection.
			t.Cleanup(func() { c.Close() })
		}
		return c, err
	}}
}

func (s *nameServer) run() {
	buf := make([]byte, 1500)
	for {
		n, from, err := s.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		var q dnsmessage.Message
		if q.Unpack(buf[:n]) != nil || len(q.Questions) != 1 {
			continue
		}
		if out := s.answer(q); out != nil {
			s.conn.WriteTo(out, from)
		}
	}
}

func (s *nameServer) answer(q dnsmessage.Message) []byte {
	ask := q.Questions[0]
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: q.ID, Response: true, RecursionAvailable: true}, Questions: q.Questions}
	s.mu.Lock()
	defer s.mu.Unlock()
	answers, known := s.names[strings.ToLower(ask.Name.String())]
	switch {
	case !known:
		m.RCode = dnsmessage.RCodeNameError
	case len(answers) == 0:
		return nil
	default:
		for _, ip := range answers[0] {
			h := dnsmessage.ResourceHeader{Name: ask.Name, Class: dnsmessage.ClassINET}
			if ip.Is4() && ask.Type == dnsmessage.TypeA {
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: ip.As4()}})
			}
			if ip.Is6() && ask.Type == dnsmessage.TypeAAAA {
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AAAAResource{AAAA: ip.As16()}})
			}
		}
		// One lookup asks for both families; the next lookup sees the next answer.
		if ask.Type == dnsmessage.TypeA && len(answers) > 1 {
			s.names[strings.ToLower(ask.Name.String())] = answers[1:]
		}
	}
	out, _ := m.Pack()
	return out
}

// A name that turned to another address after it was checked is checked again:
// 127.0.0.2 plays the address that is allowed, 127.0.0.1 the one that is not.
func TestRebinding(t *testing.T) {
	var inside atomic.Int64
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Skip("no second loopback address:", err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	outer := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close") // so that the next request is dialled
		io.WriteString(w, "outside")
	})}
	go outer.Serve(l)
	t.Cleanup(func() { outer.Close() })
	secret, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Skip("the port is taken on 127.0.0.1:", err)
	}
	inner := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { inside.Add(1) })}
	go inner.Serve(secret)
	t.Cleanup(func() { inner.Close() })

	for name, answers := range map[string][]string{
		"first one, then the other": {"127.0.0.2", "127.0.0.1"},
		"then mapped":               {"127.0.0.2", "::ffff:127.0.0.1"},
		"then zero":                 {"127.0.0.2", "0.0.0.0"},
	} {
		g := newGuard(t, egress.Policy{Allow: rules(t, "127.0.0.2"), Resolver: resolver(t, map[string][]string{"rebind.test": answers})})
		o := open("rebind.test:" + port)
		if res, err := get(t, g, o, "http://rebind.test:"+port+"/"); err != nil || string(res.Body) != "outside" {
			t.Fatalf("%s: %v, %v", name, res, err)
		}
		_, err := get(t, g, o, "http://rebind.test:"+port+"/")
		e := failure(t, err, fault.UpstreamFailed)
		if !e.Refused || e.Sent || !strings.Contains(err.Error(), "rebind.test resolves to") {
			t.Errorf("%s: %v", name, err)
		}
		if f := fault.From(err); name != "then zero" && !strings.Contains(f.Fix, "egress.allow") {
			t.Errorf("%s: the remedy is %q", name, f.Fix)
		}
	}
	// Among several addresses only the allowed one is connected to.
	g := newGuard(t, egress.Policy{Allow: rules(t, "127.0.0.2"), Resolver: resolver(t, map[string][]string{"both.test": {"127.0.0.1 127.0.0.2"}})})
	if res, err := get(t, g, open("both.test:"+port), "http://both.test:"+port+"/"); err != nil || string(res.Body) != "outside" {
		t.Errorf("both: %v, %v", res, err)
	}
	if inside.Load() != 0 {
		t.Errorf("the inner server was called %d times", inside.Load())
	}
}

// A rule for a name is for that name only, though another resolves to the same
// address, and a connection made for the one is not used for the other.
func TestNameRuleIsPinned(t *testing.T) {
	app := serve(t, func(http.ResponseWriter, *http.Request) {})
	_, port, _ := net.SplitHostPort(app)
	g := newGuard(t, egress.Policy{
		Allow:    rules(t, "db.internal:"+port),
		Resolver: resolver(t, map[string][]string{"db.internal": {"127.0.0.1"}, "evil.example": {"127.0.0.1"}}),
	})
	if _, err := get(t, g, open("*"), "http://db.internal:"+port+"/"); err != nil {
		t.Error(err)
	}
	_, err := get(t, g, open("*"), "http://evil.example:"+port+"/")
	if e := failure(t, err, fault.UpstreamFailed); !e.Refused {
		t.Error(err)
	}
	conn, err := g.DialContext(t.Context(), "tcp", "DB.internal:"+port)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	_, err = g.DialContext(t.Context(), "tcp", "evil.example:"+port)
	if e := failure(t, err, fault.UpstreamFailed); !e.Refused || e.Sent {
		t.Error(err)
	}
}

func TestNamesThatDoNotResolve(t *testing.T) {
	g := newGuard(t, egress.Policy{Resolver: resolver(t, map[string][]string{"silent.test": nil})})
	_, err := get(t, g, open("*"), "https://nowhere.test/")
	if e := failure(t, err, fault.AppUnavailable); e.Sent || e.Refused || !strings.Contains(err.Error(), "does not resolve") {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = g.Do(request(t, ctx, "GET", "https://silent.test/", ""), open("*"), nil)
	if e := failure(t, err, fault.AppUnavailable); e.Sent || !e.Timeout {
		t.Error(err)
	}
}

func TestDialContextRefuses(t *testing.T) {
	g := newGuard(t, egress.Policy{Allow: rules(t, "127.0.0.0/8")})
	for _, tc := range []struct{ network, addr string }{
		{"udp", "127.0.0.1:53"}, {"unix", "/run/postgresql/.s.PGSQL.5432"}, {"ip4:icmp", "127.0.0.1"},
		{"tcp", "10.0.0.1:5432"}, {"tcp", "[::1]:5432"}, {"tcp", "169.254.169.254:80"},
		{"tcp", "127.0.0.1"}, {"tcp", "127.0.0.1:0"}, {"tcp", "127.0.0.1:postgres"}, {"tcp", ":5432"},
		{"tcp", "2130706433:5432"}, {"tcp", "[::ffff:127.0.0.1]:5432"}, {"tcp", "postgres://u:" + canary + "@db/x"},
	} {
		_, err := g.DialContext(t.Context(), tc.network, tc.addr)
		if e := failure(t, err, fault.UpstreamFailed); !e.Refused || strings.Contains(err.Error(), canary) {
			t.Errorf("%s %s: %v", tc.network, tc.addr, err)
		}
	}
}

// The environment names a proxy for all tests of this package. The name is not
// a loopback one, for which net/http would leave the proxy out.
func TestProxyOfTheEnvironmentIsIgnored(t *testing.T) {
	app := serve(t, func(http.ResponseWriter, *http.Request) {})
	_, port, _ := net.SplitHostPort(app)
	before := proxied.Load()
	bare := &http.Transport{Proxy: http.ProxyFromEnvironment}
	defer bare.CloseIdleConnections()
	if res, err := bare.RoundTrip(request(t, t.Context(), "GET", "http://app.test:"+port+"/", "")); err == nil {
		res.Body.Close()
	}
	if proxied.Load() == before {
		t.Fatal("the environment's proxy is not seen by net/http: this test proves nothing")
	}
	before = proxied.Load()
	g := newGuard(t, egress.Policy{Allow: rules(t, "127.0.0.1"), Resolver: resolver(t, map[string][]string{"app.test": {"127.0.0.1"}})})
	if _, err := get(t, g, open("*"), "http://app.test:"+port+"/"); err != nil {
		t.Error(err)
	}
	if proxied.Load() != before {
		t.Error("the proxy was connected to")
	}
}
