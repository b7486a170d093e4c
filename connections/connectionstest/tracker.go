package connectionstest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/internal/fault"
)

// noon is when the suite takes place. No tracker may care what time it is.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func after(d time.Duration) time.Time { return noon.Add(d) }

// TestTracker holds a Tracker to its contract. open returns one that tracks
// nothing yet; it is called once per subtest.
func TestTracker(t *testing.T, open func(t *testing.T) connections.Tracker) {
	for name, test := range map[string]func(*testing.T, connections.Tracker){
		"round trip":          testRoundTrip,
		"out of order":        testOutOfOrder,
		"merges like Health":  testMerge,
		"numbered batches":    testNumberedBatches,
		"batch of 1,000":      testLargeBatch,
		"tenants and names":   testNames,
		"forget":              testForget,
		"expiry":              testExpiry,
		"expiry in every age": testExpiryProperty,
		"cancelled":           testCancelled,
		"concurrent use":      testConcurrent,
		"announcements":       testAnnouncements,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func testRoundTrip(t *testing.T, tr connections.Tracker) {
	if err := tr.Check(t.Context()); err != nil {
		t.Errorf("Check: %v", err)
	}
	for name, o := range map[string]connections.Observation{
		"call":         {At: after(1500 * time.Nanosecond), Latency: 123456789},
		"failed call":  {At: after(time.Second), Latency: 1, Failure: fault.RateLimited},
		"check":        {At: after(time.Minute), Check: true, Latency: time.Hour},
		"failed check": {At: after(time.Hour), Check: true, Failure: fault.AuthorizationRejected},
		"other zone":   {At: after(0).In(time.FixedZone("east", 3600))},
	} {
		o.Tenant, o.Connection = "ten_1", "conn_"+name
		observe(t, tr, connections.Observed(o))
		wantHealth(t, tr, "ten_1", o.Connection, o.Health())
	}
	wantHealth(t, tr, "ten_1", "conn_never", connections.Health{})
	observe(t, tr, connections.Batch{})
	if all, err := tr.Health(t.Context(), "ten_1", nil); err != nil || len(all) != 0 {
		t.Errorf("Health of no connections = %v, %v; want none", all, err)
	}
}

func testOutOfOrder(t *testing.T, tr connections.Tracker) {
	call := func(at time.Duration, failure fault.Kind) connections.Observation {
		return connections.Observation{Tenant: "ten_1", Connection: "conn_1", At: after(at), Failure: failure, Latency: at}
	}
	for _, o := range []connections.Observation{
		call(5*time.Second, fault.RateLimited),
		call(3*time.Second, fault.AppUnavailable), // older failure: counted, overwrites nothing
		call(2*time.Second, ""),                   // success before the streak: the streak stands
		call(1*time.Second, fault.AppUnavailable), // failure before that success: no part of the streak
	} {
		observe(t, tr, connections.Observed(o))
	}
	want := connections.Health{
		LastUsed: after(5 * time.Second), LastOK: after(2 * time.Second), LastFailure: after(5 * time.Second),
		Failure: fault.RateLimited, Streak: 2, FailingSince: after(3 * time.Second),
		Calls: 4, Failures: 3, Latency: 5 * time.Second,
	}
	wantHealth(t, tr, "ten_1", "conn_1", want)

	observe(t, tr, connections.Observed(call(4*time.Second, ""))) // within the streak: the last failure is left
	want.LastOK, want.Streak, want.FailingSince, want.Calls = after(4*time.Second), 1, after(5*time.Second), 5
	wantHealth(t, tr, "ten_1", "conn_1", want)

	observe(t, tr, connections.Observed(call(6*time.Second, "")))
	want.LastUsed, want.LastOK, want.Latency, want.Calls = after(6*time.Second), after(6*time.Second), 6*time.Second, 6
	want.Streak, want.FailingSince = 0, time.Time{}
	wantHealth(t, tr, "ten_1", "conn_1", want)
}

// testMerge compares the tracker with Health.Merge, which says what it is to do,
// over batches in any order, with equal times among them.
func testMerge(t *testing.T, tr connections.Tracker) {
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		tenant := fmt.Sprintf("ten_%d", run)
		want := map[string]connections.Health{"conn_a": {}, "conn_b": {}}
		for _, observations := range rapid.SliceOfN(rapid.SliceOfN(observations(tenant), 1, 8), 1, 5).Draw(rt, "batches") {
			batch := connections.Observed(observations...)
			observe(rt, tr, batch)
			for _, tally := range batch.Folded() {
				want[tally.Connection] = want[tally.Connection].Merge(tally.Health)
			}
		}
		for id, h := range want {
			wantHealth(rt, tr, tenant, id, h)
		}
	})
}

func observations(tenant string) *rapid.Generator[connections.Observation] {
	return rapid.Custom(func(t *rapid.T) connections.Observation {
		return connections.Observation{
			Tenant:     tenant,
			Connection: rapid.SampledFrom([]string{"conn_a", "conn_b"}).Draw(t, "connection"),
			At:         after(time.Duration(rapid.IntRange(0, 12).Draw(t, "at")) * time.Microsecond),
			Check:      rapid.Bool().Draw(t, "check"),
			Failure:    rapid.SampledFrom([]fault.Kind{"", fault.RateLimited, fault.AppUnavailable}).Draw(t, "failure"),
			Latency:    time.Duration(rapid.Int64Range(0, 1e12).Draw(t, "latency")),
		}
	})
}

func testNumberedBatches(t *testing.T, tr connections.Tracker) {
	one := connections.Observed(connections.Observation{Tenant: "ten_1", Connection: "conn_1", At: noon})
	calls := int64(0)
	for i, step := range []struct {
		recorder string
		seq      int64
		added    bool
	}{
		{"a", 1, true}, {"a", 1, false}, // sent again
		{"b", 1, true},                  // another recorder's first
		{"a", 2, true}, {"a", 2, false}, //
		{"b", 9, true}, {"b", 10, true}, // numbers may be left out, and have more digits
		{"", 0, true}, {"", 0, true}, // not numbered
		{"a", 1 << 40, true},    //
		{"a", 1<<40 - 1, false}, // older than the last
	} {
		one.Recorder, one.Seq = step.recorder, step.seq
		observe(t, tr, one)
		if step.added {
			calls++
		}
		if got := health(t, tr, "ten_1", "conn_1").Calls; got != calls {
			t.Fatalf("step %d: %d calls are counted, want %d", i, got, calls)
		}
	}
}

func testLargeBatch(t *testing.T, tr connections.Tracker) {
	const n = 1000
	var observations []connections.Observation
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("conn_%04d", i)
		for j := range 1 + i%3 {
			observations = append(observations, connections.Observation{
				Tenant: "ten_1", Connection: ids[i], At: after(time.Duration(j) * time.Second), Latency: time.Duration(i),
			})
		}
	}
	batch := connections.Observed(observations...)
	batch.Recorder, batch.Seq = "recorder", 1
	for range 2 { // the second time its answer had been lost
		observe(t, tr, batch)
	}
	all, err := tr.Health(t.Context(), "ten_1", append(ids, "conn_none"))
	if err != nil || len(all) != n+1 {
		t.Fatalf("Health returned %d connections, %v; want %d", len(all), err, n+1)
	}
	for i, id := range ids {
		times := 1 + i%3
		last := after(time.Duration(times-1) * time.Second)
		want := connections.Health{LastUsed: last, LastOK: last, Calls: int64(times), Latency: time.Duration(i)}
		if all[id] != want {
			t.Fatalf("%s: Health = %+v; want %+v", id, all[id], want)
		}
	}
}

// testNames uses ids that a careless key would confuse. Those of Wayleave are
// letters and digits; a tracker must not depend on it.
func testNames(t *testing.T, tr connections.Tracker) {
	names := [][2]string{
		{"ten_1", "conn_1"}, {"ten_2", "conn_1"}, // two tenants with equal ids
		{"a:b", "c"}, {"a", "b:c"}, {"a%3Ab", "c"}, {"a%253Ab", "c"},
		{"{b00}", "{b01}"}, {"x}", "{y"},
		{"Zoë", "接続"}, {"ten'; DROP TABLE tracked; --", "%_"}, {"TEN_1", "conn_1"}, {"ten_1", "conn_1 "},
	}
	for i, n := range names {
		o := connections.Observation{Tenant: n[0], Connection: n[1], At: after(time.Duration(i) * time.Second)}
		observe(t, tr, connections.Observed(o))
		if err := tr.SetExpiry(t.Context(), n[0], n[1], o.At); err != nil {
			t.Fatal(err)
		}
	}
	for i, n := range names {
		at := after(time.Duration(i) * time.Second)
		wantHealth(t, tr, n[0], n[1], connections.Health{LastUsed: at, LastOK: at, Calls: 1})
	}
	due := expiring(t, tr, after(time.Hour), 100)
	if len(due) != len(names) {
		t.Fatalf("%d tokens expire, want %d", len(due), len(names))
	}
	for i, n := range names {
		if want := (connections.Expiry{Tenant: n[0], Connection: n[1], At: after(time.Duration(i) * time.Second)}); due[i] != want {
			t.Errorf("expiry %d = %+v; want %+v", i, due[i], want)
		}
	}
	wantHealth(t, tr, "ten_2", "conn_2", connections.Health{})
}

func testForget(t *testing.T, tr connections.Tracker) {
	for _, tenant := range []string{"ten_1", "ten_2"} {
		observe(t, tr, connections.Observed(connections.Observation{Tenant: tenant, Connection: "conn_1", At: noon}))
		if err := tr.SetExpiry(t.Context(), tenant, "conn_1", noon); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // what is forgotten already may be forgotten again
		if err := tr.Forget(t.Context(), "ten_1", "conn_1"); err != nil {
			t.Fatal(err)
		}
	}
	wantHealth(t, tr, "ten_1", "conn_1", connections.Health{})
	if h := health(t, tr, "ten_2", "conn_1"); h.Calls != 1 {
		t.Errorf("the other tenant's connection has %+v", h)
	}
	if due := expiring(t, tr, after(time.Hour), 10); len(due) != 1 || due[0].Tenant != "ten_2" {
		t.Errorf("expiries left: %v; want that of ten_2", due)
	}
}

func testCancelled(t *testing.T, tr connections.Tracker) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	one := connections.Observed(connections.Observation{Tenant: "ten_1", Connection: "conn_1", At: noon})
	for name, call := range map[string]func() error{
		"Observe":   func() error { return tr.Observe(ctx, one) },
		"Health":    func() error { _, err := tr.Health(ctx, "ten_1", []string{"conn_1"}); return err },
		"SetExpiry": func() error { return tr.SetExpiry(ctx, "ten_1", "conn_1", noon) },
		"Expiring":  func() error { _, err := tr.Expiring(ctx, after(time.Hour), 10); return err },
		"Forget":    func() error { return tr.Forget(ctx, "ten_1", "conn_1") },
		"Announce":  func() error { return tr.Announce(ctx) },
		"Check":     func() error { return tr.Check(ctx) },
	} {
		if err := call(); !errors.Is(err, context.Canceled) || !errors.Is(err, fault.StoreUnavailable) {
			t.Errorf("%s with a cancelled context: %v; want StoreUnavailable because of context.Canceled", name, err)
		}
	}
	if err := tr.Announcements(ctx, func() {}); err != nil {
		t.Errorf("Announcements with a cancelled context: %v; its end is no error", err)
	}
	wantHealth(t, tr, "ten_1", "conn_1", connections.Health{})
}

// testConcurrent has several recorders tell of the same connections at once,
// each in another order.
func testConcurrent(t *testing.T, tr connections.Tracker) {
	const workers, rounds, ids = 8, 10, 7
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for round := range rounds {
				var batch []connections.Observation
				for i := range ids {
					batch = append(batch, connections.Observation{
						Tenant: "ten_1", Connection: fmt.Sprintf("conn_%d", (i+w)%ids),
						At: after(time.Duration(round*workers+w) * time.Second),
					})
				}
				if err := tr.Observe(t.Context(), connections.Observed(batch...)); err != nil {
					t.Errorf("Observe: %v", err)
				}
				if _, err := tr.Health(t.Context(), "ten_1", []string{"conn_0", "conn_1"}); err != nil {
					t.Errorf("Health: %v", err)
				}
			}
		})
	}
	wg.Wait()
	last := after((rounds*workers - 1) * time.Second)
	for i := range ids {
		wantHealth(t, tr, "ten_1", fmt.Sprintf("conn_%d", i),
			connections.Health{LastUsed: last, LastOK: last, Calls: workers * rounds})
	}
}
