package testenv

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/testenv/servers"
)

// Redis returns the redis:// URL of an empty logical database that is this
// test's alone until it ends. Channels of PUBLISH are shared by all databases.
func Redis(t testing.TB) string {
	t.Helper()
	base, err := url.Parse(need(t, ServiceRedis, EnvRedis))
	if err != nil {
		t.Fatalf("%s is not a URL", EnvRedis)
	}
	conn, err := servers.DialRedis(base.String())
	if err != nil {
		t.Fatalf("connecting to Redis: %v", err)
	}
	database, err := claimDatabase(conn)
	if err != nil {
		conn.Close()
		t.Fatalf("claiming a database of Redis: %v", err)
	}
	t.Cleanup(func() {
		_, _ = conn.Do("FLUSHDB")
		_, _ = conn.Do("SELECT", "0")
		_, _ = conn.Do("DEL", claimKey(database))
		conn.Close()
	})
	base.Path = "/" + strconv.Itoa(database)
	return base.String()
}

// claimDatabase finds a database that no test has, empties it and leaves conn in
// it. Database 0 holds the claims; they lapse, should a test be killed.
func claimDatabase(conn *servers.RedisConn) (int, error) {
	for range 600 {
		for n := 1; n < servers.Databases; n++ {
			reply, err := conn.Do("SET", claimKey(n), strconv.Itoa(os.Getpid()), "NX", "EX", "1800")
			if err != nil {
				return 0, err
			}
			if reply != "OK" {
				continue
			}
			if _, err := conn.Do("SELECT", strconv.Itoa(n)); err != nil {
				_, _ = conn.Do("DEL", claimKey(n))
				break // a server from elsewhere has fewer: wait for one to be free
			}
			_, err = conn.Do("FLUSHDB")
			return n, err
		}
		time.Sleep(100 * time.Millisecond)
	}
	return 0, errors.New("none became free within a minute")
}

func claimKey(database int) string { return fmt.Sprintf("wayleave-testenv:database:%d", database) }

// RedisCluster returns the addresses of a Redis cluster of three masters. It is
// empty at first and used by no other test process until the test ends.
func RedisCluster(t testing.TB) []string {
	t.Helper()
	addrs := strings.Split(need(t, ServiceCluster, EnvCluster), ",")
	share(t, ServiceCluster, func() error { return flush(addrs...) })
	return addrs
}

// RedisSentinel returns the name of a master and the addresses of the sentinels
// that watch it. The master is empty at first and used by no other test process
// until the test ends. A test that kills it uses [OwnRedisSentinel].
func RedisSentinel(t testing.TB) (master string, addrs []string) {
	t.Helper()
	value := need(t, ServiceSentinel, EnvSentinel)
	master, addrs, err := ParseSentinel(value)
	if err != nil {
		t.Fatal(err)
	}
	share(t, ServiceSentinel, func() error {
		current, err := servers.CurrentMaster(addrs[0], master)
		if err != nil {
			return err
		}
		return flush(current)
	})
	return master, addrs
}

// ParseSentinel reads the value of [EnvSentinel].
func ParseSentinel(value string) (master string, addrs []string, err error) {
	name, list, ok := strings.Cut(strings.TrimPrefix(value, "master="), ";")
	if !ok || name == "" || list == "" || !strings.HasPrefix(value, "master=") {
		return "", nil, fmt.Errorf("%s is not of the form master=NAME;host:port,…", EnvSentinel)
	}
	return name, strings.Split(list, ","), nil
}

func flush(addrs ...string) error {
	for _, addr := range addrs {
		if _, err := servers.AskRedis(addr, "FLUSHALL"); err != nil {
			return fmt.Errorf("emptying Redis: %w", err)
		}
	}
	return nil
}
