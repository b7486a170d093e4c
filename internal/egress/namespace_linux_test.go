package egress_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/egress"
	"github.com/wayleave/wayleave/internal/fault"
)

const insideEnv = "WAYLEAVE_TEST_EMPTY_NETWORK"

// public plays an address of the internet inside the namespace.
const public = "8.8.8.8"

// TestEmptyNetwork runs TestInsideEmptyNetwork in a network namespace of its
// own. No packet can leave it, so that a public address and every hostile one
// can be given to its loopback interface and whoever connects to them counted.
func TestEmptyNetwork(t *testing.T) {
	if os.Getenv(insideEnv) != "" {
		t.Skip("already inside")
	}
	if os.Geteuid() != 0 {
		missing(t, "root, to make a network namespace")
	}
	for _, tool := range []string{"unshare", "ip"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing(t, tool)
		}
	}
	if err := exec.Command("unshare", "-n", "true").Run(); err != nil {
		missing(t, "a kernel that lets network namespaces be made")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unshare", "-n", os.Args[0], "-test.run=^TestInsideEmptyNetwork$", "-test.v")
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestInsideEmptyNetwork") {
		t.Errorf("%v\n%s", err, out)
	}
}

// missing skips the test for want of something, which in CI is a failure.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal("needs " + what)
	}
	t.Skip("needs " + what)
}

func TestInsideEmptyNetwork(t *testing.T) {
	if os.Getenv(insideEnv) == "" {
		t.Skip("runs inside TestEmptyNetwork")
	}
	own(t)
	var inside atomic.Int64
	listen(t, "[::]:80", func(w http.ResponseWriter, r *http.Request) {
		if host, _, _ := net.SplitHostPort(r.Context().Value(http.LocalAddrContextKey).(net.Addr).String()); host == public {
			outside(w, r)
		}
	}, func(c net.Conn, s http.ConnState) {
		if host, _, _ := net.SplitHostPort(c.LocalAddr().String()); s == http.StateNew && host != public {
			inside.Add(1)
		}
	})
	reachable(t)
	if inside.Load() == 0 {
		t.Fatal("the hostile addresses cannot be reached here: this test proves nothing")
	}
	inside.Store(0)

	t.Run("a public address needs no rule", func(t *testing.T) {
		g := newGuard(t, egress.Policy{Resolver: resolver(t, map[string][]string{"app.test": {public}})})
		o := egress.Options{Hosts: hosts{"*"}, PlainHTTP: true}
		if res, err := get(t, g, o, "http://app.test/"); err != nil || string(res.Body) != "outside" {
			t.Errorf("%v, %v", res, err)
		}
		if proxied.Load() != 0 {
			t.Error("a proxy was used")
		}
	})
	for _, private := range []bool{false, true} {
		t.Run(fmt.Sprintf("private %t", private), func(t *testing.T) { probe(t, private) })
	}
	if n := inside.Load(); n != 0 {
		t.Errorf("%d connections were made to hostile addresses", n)
	}
}

// own gives the public and the hostile addresses to the loopback interface.
func own(t *testing.T) {
	batch := "link set lo up\naddr add " + public + "/32 dev lo\n"
	for _, text := range hostile {
		ip := netip.MustParseAddr(text)
		if ip.IsUnspecified() || ip.IsMulticast() || ip.IsLoopback() || ip.Is4In6() {
			continue
		}
		batch += fmt.Sprintf("addr add %s/%d dev lo\n", ip, ip.BitLen())
	}
	cmd := exec.Command("ip", "-force", "-batch", "-")
	cmd.Stdin = strings.NewReader(batch)
	// Some, such as the broadcast address, no interface takes; reachable makes
	// sure that enough of them did.
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Logf("some addresses could not be set: %s", out)
	}
}

// reachable connects to the hostile addresses without a guard.
func reachable(t *testing.T) {
	n := 0
	for _, ip := range hostile {
		c, err := net.DialTimeout("tcp", net.JoinHostPort(ip, "80"), time.Second)
		if err != nil {
			t.Logf("cannot be played here: %s: %v", ip, err)
			continue
		}
		// An answer proves that the server has counted the connection.
		fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		io.Copy(io.Discard, c)
		c.Close()
		n++
	}
	if n < len(hostile)*2/3 {
		t.Fatalf("only %d of %d hostile addresses can be played", n, len(hostile))
	}
}

func outside(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Connection", "close")
	if to := r.URL.Query().Get("to"); to != "" {
		w.Header().Set("Location", "http://"+to+"/")
		w.WriteHeader(http.StatusFound)
	}
	io.WriteString(w, "outside")
}

func listen(t *testing.T, addr string, h http.HandlerFunc, state func(net.Conn, http.ConnState)) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: h, ConnState: state}
	done := make(chan struct{})
	t.Cleanup(func() { s.Close(); <-done })
	go func() { defer close(done); s.Serve(l) }()
}

// probe tries every way to every hostile address: literally, by a name that
// resolves to it, by one that resolves to it the second time only, among others,
// by a redirect, and without HTTP.
func probe(t *testing.T, private bool) {
	names := map[string][]string{"app.test": {public}}
	for i, ip := range hostile {
		names[fmt.Sprintf("direct%d.test", i)] = []string{ip}
		names[fmt.Sprintf("rebind%d.test", i)] = []string{public, ip}
		names[fmt.Sprintf("many%d.test", i)] = []string{ip + " 127.0.0.1 ::1"}
	}
	g := newGuard(t, egress.Policy{Allow: rules(t, "10.99.0.0/16"), Resolver: resolver(t, names)})
	o := egress.Options{Hosts: hosts{"*"}, PlainHTTP: true, Private: private, Redirects: "hosts"}
	refused := func(what string, err error) {
		t.Helper()
		if e := failure(t, err, fault.UpstreamFailed); !e.Refused {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i, ip := range hostile {
		literal := ip
		if strings.Contains(ip, ":") {
			literal = "[" + ip + "]"
		}
		_, err := get(t, g, o, "http://"+literal+"/")
		refused(ip, err)
		for _, kind := range []string{"direct", "many"} {
			_, err = get(t, g, o, fmt.Sprintf("http://%s%d.test/", kind, i))
			refused(kind+" "+ip, err)
		}
		rebind := fmt.Sprintf("http://rebind%d.test/", i)
		if res, err := get(t, g, o, rebind); err != nil || string(res.Body) != "outside" {
			t.Errorf("rebind %s: %v, %v", ip, res, err)
		}
		_, err = get(t, g, o, rebind)
		refused("rebind "+ip, err)
		if res, err := get(t, g, o, "http://app.test/?to="+literal); err != nil || res.Status != http.StatusFound {
			t.Errorf("redirect to %s: %v, %v", ip, res, err)
		}
		_, err = get(t, g, o, fmt.Sprintf("http://app.test/?to=direct%d.test", i))
		refused("redirect by name to "+ip, err)
		_, err = g.DialContext(t.Context(), "tcp", net.JoinHostPort(ip, "80"))
		refused("dial "+ip, err)
	}
}
