package connections

import (
	"context"
	"crypto/rand"
	"hash/maphash"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/semaphore"

	"github.com/wayleave/wayleave/internal/fault"
)

// A Recorder takes observations off the caller's path. It tallies them per
// connection in memory and hands the tallies to its [Tracker] once per
// Interval, so that a thousand calls of one connection cost the Tracker as much
// as one.
//
// What was noted since the last flush is lost if the process is killed; nothing
// else is. While the Tracker fails, the tallies grow in count and not in size:
// the Recorder holds at most two per connection that was used.
type Recorder struct {
	Tracker  Tracker
	Interval time.Duration  // between two flushes; default 1 s
	Log      zerolog.Logger // is told when the Tracker begins to fail and when it works again

	shards [recorderShards]recorderShard
	seed   maphash.Seed

	// gate is held in full by who changes the Tracker's view, in part by who
	// reads it: a reader must see a tally on one side of a flush, not on both
	// and not on neither. A lock would do, if one could stop waiting for it.
	gate   *semaphore.Weighted
	batch  Batch                  // what is being sent, or is to be sent again as it is
	unsent map[recorderKey]Health // the same by connection, after a failure
	flush  recorderFlushes
}

// RecorderStats counts what a Recorder did.
type RecorderStats struct {
	Noted   int64 // observations taken
	Merged  int64 // of which joined a tally that was already waiting
	Waiting int   // connections with observations that the Tracker does not have
	Batches int64 // handed to the Tracker
	Failed  int64 // times that the Tracker did not take a batch
}

const (
	recorderShards  = 32
	recorderBatch   = 1024             // tallies that go at once
	recorderForgets = 300              // flushes, between one and two, after which an unused connection is let go
	recorderTimeout = 5 * time.Second  // of one flush
	recorderBackoff = 10 * time.Second // longest wait after a failure
	gateReaders     = 1 << 20
)

type recorderKey struct{ tenant, connection string }

type recorderShard struct {
	mu      sync.Mutex
	entries map[recorderKey]*recorderEntry
	waiting []*recorderEntry
	noted   int64
	merged  int64
}

// A recorderEntry outlives its flush, so that noting a connection in use
// allocates nothing.
type recorderEntry struct {
	key     recorderKey
	health  Health // since the last flush
	waiting bool
	used    bool // since the last sweep
}

type recorderFlushes struct {
	mu      sync.Mutex
	rounds  int
	batches int64
	failed  int64
	unsent  int
}

// NewRecorder returns a Recorder that hands what it is told to t. Its fields may
// be set until it is first used.
func NewRecorder(t Tracker) *Recorder {
	r := &Recorder{
		Tracker:  t,
		Interval: time.Second,
		seed:     maphash.MakeSeed(),
		gate:     semaphore.NewWeighted(gateReaders),
		batch:    Batch{Recorder: rand.Text()},
	}
	for i := range r.shards {
		r.shards[i].entries = map[recorderKey]*recorderEntry{}
	}
	return r
}

// Note takes an observation. It never waits for the Tracker, and allocates only
// for a connection that was not noted in the last minutes.
func (r *Recorder) Note(o Observation) {
	key := recorderKey{o.Tenant, o.Connection}
	s := r.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[key]
	if e == nil {
		e = &recorderEntry{key: key}
		s.entries[key] = e
	}
	s.noted++
	e.used = true
	if e.waiting {
		s.merged++
		e.health = e.health.Merge(o.Health())
		return
	}
	e.health, e.waiting = o.Health(), true
	s.waiting = append(s.waiting, e)
}

func (r *Recorder) shard(key recorderKey) *recorderShard {
	return &r.shards[maphash.String(r.seed, key.connection)%recorderShards]
}

// Health returns what is tracked of each connection, as [Tracker.Health] does,
// together with what was noted here and not yet flushed. If the Tracker cannot
// be asked, the map holds the latter alone, beside the error. While it is not
// known whether the Tracker took a batch, the batch may be counted twice here;
// the Tracker will have counted it once.
func (r *Recorder) Health(ctx context.Context, tenant string, connections []string) (map[string]Health, error) {
	if err := r.enter(ctx, 1); err != nil {
		return nil, err
	}
	defer r.gate.Release(1)
	tracked, err := r.Tracker.Health(ctx, tenant, connections)
	all := make(map[string]Health, len(connections))
	for _, connection := range connections {
		key := recorderKey{tenant, connection}
		h := tracked[connection]
		if u, ok := r.unsent[key]; ok {
			h = h.Merge(u)
		}
		all[connection] = h.Merge(r.waitingFor(key))
	}
	return all, err
}

// enter passes the gate, in part or in full, unless ctx ends first.
func (r *Recorder) enter(ctx context.Context, weight int64) error {
	if err := r.gate.Acquire(ctx, weight); err != nil {
		return fault.Wrap(fault.StoreUnavailable, err, "connection health was not written in time")
	}
	return nil
}

func (r *Recorder) waitingFor(key recorderKey) Health {
	s := r.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[key]; e != nil && e.waiting {
		return e.health
	}
	return Health{}
}

// Forget removes all that is tracked of a connection, and what waits to be.
func (r *Recorder) Forget(ctx context.Context, tenant, connection string) error {
	if err := r.enter(ctx, gateReaders); err != nil {
		return err
	}
	defer r.gate.Release(gateReaders)
	key := recorderKey{tenant, connection}
	s := r.shard(key)
	s.mu.Lock()
	if e := s.entries[key]; e != nil {
		// Its place in line is kept; an empty tally is skipped there.
		e.health = Health{}
	}
	s.mu.Unlock()
	return r.Tracker.Forget(ctx, tenant, connection)
}

// Stats returns what the Recorder did so far.
func (r *Recorder) Stats() RecorderStats {
	var st RecorderStats
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		st.Noted += s.noted
		st.Merged += s.merged
		st.Waiting += len(s.waiting)
		s.mu.Unlock()
	}
	r.flush.mu.Lock()
	defer r.flush.mu.Unlock()
	st.Batches, st.Failed = r.flush.batches, r.flush.failed
	st.Waiting += r.flush.unsent
	return st
}
