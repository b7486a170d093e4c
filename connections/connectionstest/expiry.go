package connectionstest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wayleave/wayleave/connections"
)

func testExpiry(t *testing.T, tr connections.Tracker) {
	set := func(id string, at time.Time) {
		t.Helper()
		if err := tr.SetExpiry(t.Context(), "ten_1", id, at); err != nil {
			t.Fatal(err)
		}
	}
	if due := expiring(t, tr, after(time.Hour), 10); len(due) != 0 {
		t.Fatalf("of nothing, %v expire", due)
	}
	for _, i := range []int{3, 1, 4, 0, 2} {
		set(fmt.Sprintf("conn_%d", i), after(time.Duration(i)*time.Second))
	}
	for name, tc := range map[string]struct {
		before time.Duration
		limit  int
		want   []string
	}{
		"all, soonest first":        {time.Hour, 10, []string{"conn_0", "conn_1", "conn_2", "conn_3", "conn_4"}},
		"the soonest":               {time.Hour, 2, []string{"conn_0", "conn_1"}},
		"before, not at the time":   {2 * time.Second, 10, []string{"conn_0", "conn_1"}},
		"a microsecond after":       {2*time.Second + time.Microsecond, 10, []string{"conn_0", "conn_1", "conn_2"}},
		"none is due":               {0, 10, nil},
		"none is asked for":         {time.Hour, 0, nil},
		"fewer than none asked for": {time.Hour, -1, nil},
	} {
		var got []string
		for _, e := range expiring(t, tr, after(tc.before), tc.limit) {
			got = append(got, e.Connection)
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: Expiring = %v; want %v", name, got, tc.want)
		}
	}

	set("conn_0", after(time.Minute)) // renewed
	set("conn_1", time.Time{})        // never expires
	set("conn_none", time.Time{})     // never did
	want := []connections.Expiry{
		{Tenant: "ten_1", Connection: "conn_2", At: after(2 * time.Second)},
		{Tenant: "ten_1", Connection: "conn_3", At: after(3 * time.Second)},
		{Tenant: "ten_1", Connection: "conn_4", At: after(4 * time.Second)},
		{Tenant: "ten_1", Connection: "conn_0", At: after(time.Minute)},
	}
	if due := expiring(t, tr, after(time.Hour), 10); !slices.Equal(due, want) {
		t.Errorf("Expiring = %v; want %v", due, want)
	}
}

// testExpiryProperty compares the tracker with a map that is sorted each time.
func testExpiryProperty(t *testing.T, tr connections.Tracker) {
	model := map[string]time.Time{} // goes on from one run to the next, as the tracker does
	rapid.Check(t, func(rt *rapid.T) {
		id := fmt.Sprintf("conn_%d", rapid.IntRange(0, 200).Draw(rt, "connection"))
		at := rapid.Int64Range(0, int64(100*365*24*time.Hour/time.Microsecond)).Draw(rt, "microseconds")
		when := after(time.Duration(at) * time.Microsecond)
		if rapid.IntRange(0, 4).Draw(rt, "forget") == 0 {
			when = time.Time{}
		}
		if err := tr.SetExpiry(t.Context(), "ten_1", id, when); err != nil {
			rt.Fatal(err)
		}
		if model[id] = when; when.IsZero() {
			delete(model, id)
		}
		before := after(time.Duration(rapid.Int64Range(0, at+1).Draw(rt, "before")) * time.Microsecond)
		var want []time.Time
		for _, at := range model {
			if at.Before(before) {
				want = append(want, at)
			}
		}
		slices.SortFunc(want, time.Time.Compare)
		limit := rapid.IntRange(1, 20).Draw(rt, "limit")
		var got []time.Time
		for _, e := range expiring(rt, tr, before, limit) {
			if !model[e.Connection].Equal(e.At) {
				rt.Fatalf("%s expires at %v; want %v", e.Connection, e.At, model[e.Connection])
			}
			got = append(got, e.At)
		}
		if want = want[:min(limit, len(want))]; !slices.Equal(got, want) {
			rt.Fatalf("Expiring(%v, %d) = %v; want %v", before, limit, got, want)
		}
	})
}
