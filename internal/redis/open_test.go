package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/redis"
	"github.com/wayleave/wayleave/internal/testenv"
)

const password = "p@ss:w/rd?#%"

func TestLogin(t *testing.T) {
	server := testenv.OwnRedis(t)
	admin := raw(t, server.HostPort())
	must(t, admin.Do(t.Context(), "ACL", "SETUSER", "wayleave", "on", ">"+password, "~*", "&*", "+@all"))
	must(t, admin.Do(t.Context(), "ACL", "SETUSER", "default", "off"))

	escaped := "p%40ss%3Aw%2Frd%3F%23%25"
	for name, tc := range map[string]struct {
		config redis.Config
		err    error
	}{
		"in the URL":        {config: redis.Config{URL: "redis://wayleave:" + escaped + "@" + server.HostPort()}},
		"beside the URL":    {config: redis.Config{URL: server.URL, Username: "wayleave", Password: password}},
		"over the URL's":    {config: redis.Config{URL: withLogin(t, server.URL, "no", "body"), Username: "wayleave", Password: password}},
		"wrong password":    {redis.Config{URL: server.URL, Username: "wayleave", Password: "not-" + password}, fault.InvalidInput},
		"no login":          {redis.Config{URL: server.URL}, fault.InvalidInput},
		"wrong, in the URL": {redis.Config{URL: withLogin(t, server.URL, "wayleave", "not-"+password)}, fault.InvalidInput},
	} {
		var log strings.Builder
		tc.config.Log = zerolog.New(zerolog.SyncWriter(&log))
		tr, err := redis.Open(t.Context(), tc.config)
		redis.LogTo(zerolog.Nop())
		if !errors.Is(err, tc.err) {
			t.Errorf("%s: Open: %v; want %v", name, err, tc.err)
		}
		if told := fmt.Sprintf("%v %+v %#v %s", err, err, err, log.String()); strings.Contains(told, password) || strings.Contains(told, escaped) {
			t.Errorf("%s: the password is told: %s", name, told)
		}
		if err == nil {
			if err := tr.Check(t.Context()); err != nil {
				t.Errorf("%s: Check: %v", name, err)
			}
			_ = tr.Close()
		}
	}
}

func TestWarnings(t *testing.T) {
	server := testenv.OwnRedis(t)
	admin := raw(t, server.HostPort())
	must(t, admin.Do(t.Context(), "ACL", "SETUSER", "guest", "on", "nopass", "~*", "&*", "+@all", "-info", "-config"))
	tr := openAt(t, redis.Config{URL: server.URL})
	guest := openAt(t, redis.Config{URL: server.URL, Username: "guest", Password: "any"})
	for policy, warns := range map[string]bool{
		"noeviction": false, "volatile-lru": false, "volatile-ttl": false, "allkeys-lru": true, "allkeys-random": true,
	} {
		must(t, admin.ConfigSet(t.Context(), "maxmemory-policy", policy))
		got := tr.Warnings(t.Context())
		if len(got) > 0 != warns || warns && !strings.Contains(got[0], policy) {
			t.Errorf("%s: Warnings = %q; want some: %v", policy, got, warns)
		}
		if got := guest.Warnings(t.Context()); len(got) != 0 {
			t.Errorf("%s: Warnings without leave to look = %q; want none", policy, got)
		}
	}
	must(t, admin.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lru"))
	server.Kill()
	if got := tr.Warnings(t.Context()); len(got) != 0 {
		t.Errorf("Warnings without a server = %q; want none", got)
	}
}

func TestWarningsOfCluster(t *testing.T) {
	addrs := testenv.RedisCluster(t)
	node := raw(t, addrs[1])
	must(t, node.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lfu"))
	t.Cleanup(func() { _ = node.ConfigSet(context.Background(), "maxmemory-policy", "noeviction").Err() })
	tr := openAt(t, redis.Config{URL: "redis+cluster://" + addrs[0]})
	if got := tr.Warnings(t.Context()); len(got) != 1 {
		t.Errorf("Warnings = %q; want one, of the node that may evict", got)
	}
}

// TestFullMemory has Redis refuse to write. That is an answer, and no reason to
// let it rest: reading goes on.
func TestFullMemory(t *testing.T) {
	server := testenv.OwnRedis(t)
	admin := raw(t, server.HostPort())
	tr := openAt(t, redis.Config{URL: server.URL})
	observeUntilTaken(t, tr)
	must(t, admin.ConfigSet(t.Context(), "maxmemory", "1"))
	batch := connections.Observed(connections.Observation{Tenant: "ten_1", Connection: "conn_1", At: noon})
	for range 10 {
		if err := tr.Observe(t.Context(), batch); !fault.Is(err, fault.StoreUnavailable) {
			t.Errorf("Observe with full memory: %v; want StoreUnavailable", err)
		}
		all, err := tr.Health(t.Context(), "ten_1", []string{"conn_1"})
		if err != nil || all["conn_1"].Calls != 1 {
			t.Errorf("Health with full memory = %+v, %v; want what was written before", all, err)
		}
	}
	must(t, admin.ConfigSet(t.Context(), "maxmemory", "0"))
	observeUntilTaken(t, tr)
}

func raw(t *testing.T, addr string) *goredis.Client {
	c := goredis.NewClient(&goredis.Options{Addr: addr, DisableIdentity: true})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func must(t *testing.T, cmd interface{ Err() error }) {
	t.Helper()
	if err := cmd.Err(); err != nil {
		t.Fatal(err)
	}
}
