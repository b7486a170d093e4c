package redis_test

import (
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/connections/connectionstest"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/redis"
	"github.com/wayleave/wayleave/internal/testenv"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestOutage(t *testing.T) {
	server := testenv.OwnRedis(t)
	connectionstest.TestOutage(t, server, openAt(t, redis.Config{URL: server.URL}), true)
}

// TestOpenWithoutRedis opens a tracker before its server is there: an
// installation starts in any order.
func TestOpenWithoutRedis(t *testing.T) {
	server := testenv.OwnRedis(t)
	server.Stop()
	tr := openAt(t, redis.Config{URL: server.URL})
	heard, _ := connectionstest.Listen(t, tr)
	server.Start()
	heard("the beginning, once there was a server")
	observeUntilTaken(t, tr)
}

// TestFailover kills the master. The sentinels name another, which the tracker
// finds by itself.
func TestFailover(t *testing.T) {
	group := testenv.OwnRedisSentinel(t)
	tr := openAt(t, redis.Config{URL: "redis+sentinel://" + strings.Join(group.Addrs, ",") + "/" + group.Name})
	heard, _ := connectionstest.Listen(t, tr)
	heard("the beginning")
	observeUntilTaken(t, tr)
	group.Master.Kill()
	observeUntilTaken(t, tr)
	heard("what was missed in the failover")
	if err := tr.Announce(t.Context()); err != nil {
		t.Fatal(err)
	}
	heard("an announcement after the failover")
}

// observeUntilTaken repeats a batch until it is taken, as a recorder does.
func observeUntilTaken(t *testing.T, tr connections.Tracker) {
	t.Helper()
	batch := connections.Observed(connections.Observation{Tenant: "ten_1", Connection: "conn_1", At: noon})
	deadline := time.Now().Add(time.Minute)
	for {
		err := tr.Observe(t.Context(), batch)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("Observe: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestRest counts what a Redis that hangs up costs: after a few failures nobody
// dials it but who finds out, about once a second, whether it is back.
func TestRest(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	var dials atomic.Int64
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			dials.Add(1)
			_ = conn.Close()
		}
	}()
	began := time.Now()
	tr := openAt(t, redis.Config{URL: "redis://" + listener.Addr().String()})
	const calls = 10_000
	for range calls {
		if err := tr.Check(t.Context()); !fault.Is(err, fault.StoreUnavailable) {
			t.Fatalf("Check = %v; want StoreUnavailable", err)
		}
	}
	// A failing call dials four times at most: two tries, each after a
	// connection of the pool that was hung up on.
	most := 4 * (4 + int64(time.Since(began)/time.Second))
	if got := dials.Load(); got == 0 || got > most {
		t.Errorf("%d calls dialled %d times; want at most %d", calls, got, most)
	}
}
