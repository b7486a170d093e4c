package connections_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/internal/fault"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func anyObservation(t *rapid.T) connections.Observation {
	return connections.Observation{
		Tenant:     "ten_1",
		Connection: rapid.SampledFrom([]string{"conn_a", "conn_b", "conn_c"}).Draw(t, "connection"),
		At:         noon.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "at")) * time.Microsecond),
		Check:      rapid.Bool().Draw(t, "check"),
		Failure:    rapid.SampledFrom([]fault.Kind{"", fault.RateLimited, fault.AppUnavailable}).Draw(t, "failure"),
		Latency:    time.Duration(rapid.IntRange(0, 1000).Draw(t, "latency")),
	}
}

// truth says what the observations of one connection amount to, straight from
// the meaning of each field.
func truth(observations []connections.Observation) connections.Health {
	var h connections.Health
	sorted := slices.Clone(observations)
	slices.SortStableFunc(sorted, func(a, b connections.Observation) int { return a.At.Compare(b.At) })
	for _, o := range sorted {
		if o.Check {
			h.LastChecked = o.At
		} else {
			h.LastUsed, h.Latency = o.At, o.Latency
			h.Calls++
		}
		if o.Failure == "" {
			h.LastOK = o.At
			continue
		}
		h.LastFailure, h.Failure = o.At, o.Failure
		if !o.Check {
			h.Failures++
		}
	}
	for _, o := range sorted {
		if o.Failure != "" && o.At.After(h.LastOK) {
			if h.Streak++; h.Streak == 1 {
				h.FailingSince = o.At
			}
		}
	}
	return h
}

func mergeAll(observations []connections.Observation) connections.Health {
	var h connections.Health
	for _, o := range observations {
		h = h.Merge(o.Health())
	}
	return h
}

func TestMergeInOrderIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOf(rapid.Custom(anyObservation)).Draw(t, "observations")
		slices.SortStableFunc(all, func(a, b connections.Observation) int { return a.At.Compare(b.At) })
		want := truth(all)
		if got := mergeAll(all); got != want {
			t.Fatalf("one by one:\n%+v; want\n%+v", got, want)
		}
		// Tallies of what lies side by side, merged, are the same again.
		cut := rapid.IntRange(0, len(all)).Draw(t, "cut")
		if cut > 0 && cut < len(all) && all[cut-1].At.Equal(all[cut].At) {
			return
		}
		if got := mergeAll(all[:cut]).Merge(mergeAll(all[cut:])); got != want {
			t.Fatalf("in two parts, cut at %d:\n%+v; want\n%+v", cut, got, want)
		}
	})
}

// TestMergeInAnyOrder: only the streak may differ from the truth, and only so
// that it is shorter; never so that a failing connection seems well.
func TestMergeInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOf(rapid.Custom(anyObservation)).Draw(t, "observations")
		got, want := mergeAll(all), truth(all)
		if got.Streak > want.Streak || (got.Streak == 0) != (want.Streak == 0) {
			t.Fatalf("the streak is %d; want at most %d, and at least 1 if that is not 0", got.Streak, want.Streak)
		}
		if got.Streak > 0 && (got.FailingSince.Before(want.FailingSince) || got.FailingSince.After(want.LastFailure)) {
			t.Fatalf("failing since %v; want between %v and %v", got.FailingSince, want.FailingSince, want.LastFailure)
		}
		got.Streak, got.FailingSince = want.Streak, want.FailingSince
		if got != want {
			t.Fatalf("merged:\n%+v; want\n%+v", got, want)
		}
	})
}

func TestMergeWithNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := mergeAll(rapid.SliceOf(rapid.Custom(anyObservation)).Draw(t, "observations"))
		if got := h.Merge(connections.Health{}); got != h {
			t.Fatalf("with nothing after it:\n%+v; want\n%+v", got, h)
		}
		if got := (connections.Health{}).Merge(h); got != h {
			t.Fatalf("with nothing before it:\n%+v; want\n%+v", got, h)
		}
	})
}

func TestFolded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOf(rapid.Custom(anyObservation)).Draw(t, "observations")
		of := map[string][]connections.Observation{}
		for _, o := range all {
			of[o.Connection] = append(of[o.Connection], o)
		}
		batch := connections.Observed(all...)
		before := slices.Clone(batch.Tallies)
		folded := batch.Folded()
		if len(folded) != len(of) {
			t.Fatalf("%d tallies of %d connections", len(folded), len(of))
		}
		for i, tally := range folded {
			if want := mergeAll(of[tally.Connection]); tally.Health != want {
				t.Fatalf("%s: %+v; want %+v", tally.Connection, tally.Health, want)
			}
			if i > 0 && folded[i-1].Connection >= tally.Connection {
				t.Fatalf("%s comes after %s", tally.Connection, folded[i-1].Connection)
			}
		}
		if !slices.Equal(batch.Tallies, before) {
			t.Fatal("folding changed the batch")
		}
	})
}

// TestMergeStreak tells the cases of out-of-order streaks one by one.
func TestMergeStreak(t *testing.T) {
	ok := func(s int) connections.Observation {
		return connections.Observation{At: noon.Add(time.Duration(s) * time.Second)}
	}
	bad := func(s int) connections.Observation {
		o := ok(s)
		o.Failure = fault.AppUnavailable
		return o
	}
	for name, tc := range map[string]struct {
		told  []connections.Observation
		want  int
		since int
	}{
		"in order":                             {[]connections.Observation{ok(1), bad(2), bad(3)}, 2, 2},
		"a late success before the streak":     {[]connections.Observation{bad(2), bad(3), ok(1)}, 2, 2},
		"a late failure of the streak":         {[]connections.Observation{ok(1), bad(3), bad(2)}, 2, 2},
		"a late failure before the success":    {[]connections.Observation{ok(2), bad(3), bad(1)}, 1, 3},
		"a late success within the streak":     {[]connections.Observation{bad(1), bad(2), bad(4), ok(3)}, 1, 4},
		"a late success before its last":       {[]connections.Observation{bad(1), bad(2), bad(4), bad(5), ok(3)}, 1, 5},
		"over":                                 {[]connections.Observation{bad(1), bad(2), ok(3)}, 0, 0},
		"a success at the time of the failure": {[]connections.Observation{bad(1), ok(1)}, 0, 0},
	} {
		h := mergeAll(tc.told)
		var since time.Time
		if tc.since > 0 {
			since = noon.Add(time.Duration(tc.since) * time.Second)
		}
		if h.Streak != tc.want || !h.FailingSince.Equal(since) {
			t.Errorf("%s: a streak of %d since %v; want %d since %v", name, h.Streak, h.FailingSince, tc.want, since)
		}
	}
}
