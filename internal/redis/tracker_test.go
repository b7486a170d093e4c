package redis_test

import (
	"crypto/rand"
	"net/url"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/connections/connectionstest"
	"github.com/wayleave/wayleave/internal/redis"
	"github.com/wayleave/wayleave/internal/testenv"
)

// topologies are the ways to run Redis, each as the URL of servers that the
// test may use.
var topologies = map[string]func(t *testing.T) string{
	"standalone": func(t *testing.T) string { return testenv.Redis(t) },
	"sentinel": func(t *testing.T) string {
		master, addrs := testenv.RedisSentinel(t)
		return "redis+sentinel://" + strings.Join(addrs, ",") + "/" + master
	},
	"cluster": func(t *testing.T) string { return "redis+cluster://" + strings.Join(testenv.RedisCluster(t), ",") },
	"cluster by one of its nodes": func(t *testing.T) string {
		return "redis+cluster://" + testenv.RedisCluster(t)[0]
	},
}

// openAt opens a tracker on servers that other tests may use, too.
func openAt(t *testing.T, c redis.Config) *redis.Tracker {
	t.Helper()
	c.Log = zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel)
	tr, err := redis.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tr.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		// The library's log is the process's; what it says later is no test's.
		redis.LogTo(zerolog.Nop())
	})
	return tr
}

func prefix() string { return "wl-test-" + rand.Text() }

func TestTracker(t *testing.T) {
	for name, find := range topologies {
		t.Run(name, func(t *testing.T) {
			address := find(t)
			connectionstest.TestTracker(t, func(t *testing.T) connections.Tracker {
				return openAt(t, redis.Config{URL: address, Prefix: prefix()})
			})
			t.Run("announcements reach another instance", func(t *testing.T) {
				c := redis.Config{URL: address, Prefix: prefix()}
				connectionstest.TestAnnouncements(t, openAt(t, c), openAt(t, c))
			})
		})
	}
}

// TestPrefixes has two installations share one Redis.
func TestPrefixes(t *testing.T) {
	address := testenv.Redis(t)
	a := openAt(t, redis.Config{URL: address, Prefix: prefix()})
	b := openAt(t, redis.Config{URL: address, Prefix: prefix()})
	o := connections.Observation{Tenant: "ten_1", Connection: "conn_1", At: noon}
	if err := a.Observe(t.Context(), connections.Observed(o)); err != nil {
		t.Fatal(err)
	}
	all, err := b.Health(t.Context(), "ten_1", []string{"conn_1"})
	if err != nil || all["conn_1"] != (connections.Health{}) {
		t.Errorf("the other installation has %+v, %v", all["conn_1"], err)
	}
}

func withLogin(t *testing.T, address, username, password string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(username, password)
	return u.String()
}
