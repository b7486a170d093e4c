package connections

import (
	"cmp"
	"slices"
	"time"
)

// A Tally is what a number of observations of one connection amount to: the
// Health that it would have, had it been observed by these alone.
type Tally struct {
	Tenant     string
	Connection string
	Health     Health
}

// A Batch is what a [Tracker] is given to add.
//
// A recorder that may have to send a batch again names itself and numbers its
// batches, each higher than the last; it sends none before the one before it was
// accepted. A batch without Seq is added every time.
type Batch struct {
	Recorder string // unique to one run of one process
	Seq      int64
	Tallies  []Tally // in any order; a connection may come more than once
}

// Observed returns a batch without number of single observations.
func Observed(observations ...Observation) Batch {
	b := Batch{Tallies: make([]Tally, len(observations))}
	for i, o := range observations {
		b.Tallies[i] = Tally{Tenant: o.Tenant, Connection: o.Connection, Health: o.Health()}
	}
	return b
}

// Folded returns the batch's tallies with one for each connection, sorted by
// tenant and connection. It leaves the batch as it is.
func (b Batch) Folded() []Tally {
	sorted := slices.Clone(b.Tallies)
	slices.SortStableFunc(sorted, func(a, b Tally) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Connection, b.Connection))
	})
	folded := sorted[:0]
	for _, t := range sorted {
		if last := len(folded) - 1; last >= 0 && folded[last].Tenant == t.Tenant && folded[last].Connection == t.Connection {
			folded[last].Health = folded[last].Health.Merge(t.Health)
			continue
		}
		folded = append(folded, t)
	}
	return folded
}

// Health returns the health of a connection of which o is all that is known.
// Only calls count as use: a test request shows whether the connection works,
// and is neither in Calls nor in LastUsed.
func (o Observation) Health() Health {
	at := o.At.UTC().Truncate(time.Microsecond)
	var h Health
	if o.Check {
		h.LastChecked = at
	} else {
		h.LastUsed, h.Latency, h.Calls = at, o.Latency, 1
	}
	if o.Failure == "" {
		h.LastOK = at
		return h
	}
	h.LastFailure, h.Failure, h.Streak, h.FailingSince = at, o.Failure, 1, at
	if !o.Check {
		h.Failures = 1
	}
	return h
}

// Merge returns the health of a connection of which h and other tell different
// observations. Counts add up and the newest of each kind is kept, other's
// where both are of the same time.
//
// A streak is exact when observations come in the order of their times. A
// success that turns out to lie within a streak leaves one failure of it, the
// last, for how many came after the success was not kept: a streak is never
// longer than it was, and never zero while the connection fails. A success
// and a failure at the same microsecond are a success.
func (h Health) Merge(other Health) Health {
	if !other.LastUsed.Before(h.LastUsed) && !other.LastUsed.IsZero() {
		h.LastUsed, h.Latency = other.LastUsed, other.Latency
	}
	h.LastChecked = later(h.LastChecked, other.LastChecked)
	ok := later(h.LastOK, other.LastOK)
	streak, since := h.streakAfter(ok)
	more, from := other.streakAfter(ok)
	if streak == 0 || more > 0 && from.Before(since) {
		since = from
	}
	h.LastOK, h.Streak, h.FailingSince = ok, streak+more, since
	if !other.LastFailure.Before(h.LastFailure) && other.Failure != "" {
		h.LastFailure, h.Failure = other.LastFailure, other.Failure
	}
	h.Calls += other.Calls
	h.Failures += other.Failures
	return h
}

// streakAfter returns how much of the streak is known to come after a success
// at ok, and when that began.
func (h Health) streakAfter(ok time.Time) (int, time.Time) {
	switch {
	case h.Streak == 0 || !h.LastFailure.After(ok):
		return 0, time.Time{}
	case h.FailingSince.After(ok):
		return h.Streak, h.FailingSince
	}
	return 1, h.LastFailure
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
