package testenv_test

import (
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/testenv"
	"github.com/wayleave/wayleave/internal/testenv/servers"
)

// in returns a connection to the logical database that a URL names.
func in(t *testing.T, url string) *servers.RedisConn {
	t.Helper()
	c, err := servers.DialRedis(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	do(t, c, "SELECT", url[strings.LastIndexByte(url, '/')+1:])
	return c
}

func do(t *testing.T, c *servers.RedisConn, args ...string) string {
	t.Helper()
	reply, err := c.Do(args...)
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return reply
}

func TestRedisGivesEachTestItsOwnDatabase(t *testing.T) {
	one, two := testenv.Redis(t), testenv.Redis(t)
	if one == two {
		t.Fatalf("two tests were given %s", one)
	}
	do(t, in(t, one), "SET", "k", "v")
	if got := do(t, in(t, two), "GET", "k"); got != "" {
		t.Errorf("the other database holds k = %q", got)
	}

	var left string
	t.Run("a test that leaves something behind", func(t *testing.T) {
		left = testenv.Redis(t)
		do(t, in(t, left), "SET", "k", "v")
	})
	if got := do(t, in(t, left), "DBSIZE"); got != "0" {
		t.Errorf("%s keys were left behind", got)
	}
}

func TestRedisClusterServesEverySlot(t *testing.T) {
	addrs := testenv.RedisCluster(t)
	if len(addrs) != 3 {
		t.Fatalf("%d nodes, want 3", len(addrs))
	}
	info, err := servers.AskRedis(addrs[1], "CLUSTER", "INFO")
	if err != nil || !strings.Contains(info, "cluster_slots_ok:16384") {
		t.Errorf("CLUSTER INFO = %q, %v", info, err)
	}
	t.Run("a subtest does not wait for its parent", func(t *testing.T) { testenv.RedisCluster(t) })
}

func TestRedisClusterIsEmptyAtFirst(t *testing.T) {
	t.Run("a test that leaves something behind", func(t *testing.T) {
		// Only one of the three nodes has the slot of this key.
		stored := 0
		for _, addr := range testenv.RedisCluster(t) {
			if _, err := servers.AskRedis(addr, "SET", "k", "v"); err == nil {
				stored++
			}
		}
		if stored != 1 {
			t.Errorf("%d nodes took the key, want 1", stored)
		}
	})
	for _, addr := range testenv.RedisCluster(t) {
		if size, err := servers.AskRedis(addr, "DBSIZE"); err != nil || size != "0" {
			t.Errorf("DBSIZE of %s = %s, %v; want 0", addr, size, err)
		}
	}
}

func TestRedisSentinelKnowsTheMaster(t *testing.T) {
	name, addrs := testenv.RedisSentinel(t)
	for _, addr := range addrs {
		master, err := servers.CurrentMaster(addr, name)
		if err != nil {
			t.Fatal(err)
		}
		if role, err := servers.AskRedis(master, "ROLE"); err != nil || !strings.HasPrefix(role, "master") {
			t.Errorf("%s names %s, whose role is %q, %v", addr, master, role, err)
		}
	}
}

func TestOwnRedisIsStoppedPausedAndKilled(t *testing.T) {
	r := testenv.OwnRedis(t)
	do(t, in(t, r.URL), "SET", "k", "v")

	hanging := in(t, r.URL)
	hanging.Timeout = 100 * time.Millisecond
	r.Pause()
	if reply, err := hanging.Do("PING"); err == nil {
		t.Errorf("a paused server answers %q", reply)
	}
	r.Continue()
	do(t, in(t, r.URL), "PING")

	r.Stop()
	if _, err := servers.DialRedis(r.URL); err == nil {
		t.Error("a stopped server answers")
	}
	r.Start()
	if got := do(t, in(t, r.URL), "GET", "k"); got != "v" {
		t.Errorf("after Stop and Start k = %q, want v", got)
	}
	r.Kill()
	r.Start()
	do(t, in(t, r.URL), "PING")
}

func TestOwnRedisSentinelReplacesItsMaster(t *testing.T) {
	g := testenv.OwnRedisSentinel(t)
	g.Master.Kill()
	for range 600 {
		if master, err := servers.CurrentMaster(g.Addrs[0], g.Name); err == nil && master == g.Replica.HostPort() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("the replica did not become the master")
}
