package redis_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/redis"
	"github.com/wayleave/wayleave/internal/testenv"
)

// TestStored looks at all that is in Redis after every method was used: the
// format is a contract between versions, and nothing but ids, times, counts and
// fault codes may be there.
func TestStored(t *testing.T) {
	server := testenv.OwnRedis(t)
	tr := openAt(t, redis.Config{URL: server.URL})
	batch := connections.Observed(
		connections.Observation{Tenant: "ten_1", Connection: "conn_1", At: noon, Latency: 1500 * time.Millisecond},
		connections.Observation{Tenant: "ten_1", Connection: "conn_1", At: noon.Add(time.Second), Failure: fault.RateLimited, Latency: time.Second},
		connections.Observation{Tenant: "ten_1", Connection: "conn_1", At: noon.Add(2 * time.Second), Check: true},
	)
	batch.Recorder, batch.Seq = "recorder", 7
	if err := tr.Observe(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if err := tr.SetExpiry(t.Context(), "ten_1", "conn_1", noon); err != nil {
		t.Fatal(err)
	}
	if err := tr.Announce(t.Context()); err != nil {
		t.Fatal(err)
	}

	db := raw(t, server.HostPort())
	bucket := fmt.Sprintf("wl:{b%02d}", redis.Bucket("conn_1"))
	keys, err := db.Keys(t.Context(), "*").Result()
	slices.Sort(keys)
	want := []string{bucket + ":exp", bucket + ":h:ten_1:conn_1", bucket + ":s:recorder"}
	if err != nil || !slices.Equal(keys, want) {
		t.Fatalf("keys = %q, %v; want %q", keys, err, want)
	}
	us := strconv.FormatInt(noon.UnixMicro(), 10)
	second := func(n int) string { return strconv.FormatInt(noon.UnixMicro()+int64(n)*1e6, 10) }
	wantHash := map[string]string{
		"used": second(1), "latency": "1000000000", "checked": second(2), "ok": second(2), "failed": second(1), "failure": "rate_limited",
		"streak": "0", "since": "0", "calls": "2", "failures": "1",
	}
	if got, err := db.HGetAll(t.Context(), want[1]).Result(); err != nil || !maps.Equal(got, wantHash) {
		t.Errorf("health = %v, %v; want %v", got, err, wantHash)
	}
	if got, err := db.ZRangeWithScores(t.Context(), want[0], 0, -1).Result(); err != nil || len(got) != 1 ||
		got[0].Member != "ten_1:conn_1" || strconv.FormatFloat(got[0].Score, 'f', -1, 64) != us {
		t.Errorf("expiries = %v, %v; want ten_1:conn_1 at %s", got, err, us)
	}
	if got, err := db.Get(t.Context(), want[2]).Result(); err != nil || got != "7" {
		t.Errorf("last batch = %q, %v; want 7", got, err)
	}
	for i, lasts := range []bool{true, true, false} {
		if ttl, err := db.TTL(t.Context(), want[i]).Result(); err != nil || (ttl < 0) != lasts {
			t.Errorf("%s goes away in %v, %v; want it to stay: %v", want[i], ttl, err, lasts)
		}
	}

	if err := tr.Forget(t.Context(), "ten_1", "conn_1"); err != nil {
		t.Fatal(err)
	}
	if keys, err := db.Keys(t.Context(), "*conn_1*").Result(); err != nil || len(keys) != 0 || db.Exists(t.Context(), want[0]).Val() != 0 {
		t.Errorf("after Forget there are %q, %v", keys, err)
	}
}

// TestStrangeValues puts into Redis what no tracker wrote. Health is told as far
// as it can be read.
func TestStrangeValues(t *testing.T) {
	server := testenv.OwnRedis(t)
	tr := openAt(t, redis.Config{URL: server.URL})
	db := raw(t, server.HostPort())
	key := fmt.Sprintf("wl:{b%02d}:h:ten_1:conn_1", redis.Bucket("conn_1"))
	must(t, db.HSet(t.Context(), key, "calls", "many", "used", "", "failures", "5", "streak", "1e400", "ok", "nil"))
	all, err := tr.Health(t.Context(), "ten_1", []string{"conn_1"})
	if want := (connections.Health{Failures: 5}); err != nil || all["conn_1"].Failures != want.Failures || all["conn_1"].Calls != 0 {
		t.Errorf("Health = %+v, %v; want %+v", all["conn_1"], err, want)
	}
	must(t, db.Set(t.Context(), key, "no hash", 0))
	if _, err := tr.Health(t.Context(), "ten_1", []string{"conn_1"}); !fault.Is(err, fault.StoreUnavailable) {
		t.Errorf("Health of what is no hash: %v; want StoreUnavailable", err)
	}
}

// TestBuckets: connections spread, or one server of a cluster would have all.
func TestBuckets(t *testing.T) {
	const ids = 64_000
	var count [64]int
	for i := range ids {
		count[redis.Bucket(fmt.Sprintf("conn_%026d", i))]++
	}
	if low, high := slices.Min(count[:]), slices.Max(count[:]); low < 700 || high > 1300 {
		t.Errorf("buckets of %d to %d connections; want about 1000", low, high)
	}
}

func TestMembersAreDistinct(t *testing.T) {
	text := rapid.StringOfN(rapid.RuneFrom([]rune("ab:%3A25{}é")), 0, 8, -1)
	rapid.Check(t, func(t *rapid.T) {
		tenant, connection := text.Draw(t, "tenant"), text.Draw(t, "connection")
		member := redis.Member(tenant, connection)
		gotTenant, gotConnection := redis.SplitMember(member)
		if gotTenant != tenant || gotConnection != connection {
			t.Fatalf("%q and %q become %q, which is read as %q and %q", tenant, connection, member, gotTenant, gotConnection)
		}
		if !strings.ContainsAny(tenant, ":%") && member != tenant+":"+connection {
			t.Fatalf("%q and %q become %q though nothing needs an escape", tenant, connection, member)
		}
	})
}
