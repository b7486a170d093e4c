package feed

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// A Change says that a record of a noun changed or went away.
type Change struct {
	Seq    int64 // grows by one with each change of any tenant
	Tenant string
	Noun   string // such as "connection"
	ID     string
}

// Nouns whose changes are told.
const (
	AuthConfig = "auth_config"
	Connection = "connection"
	Toolkit    = "toolkit"
	Actor      = "actor"
	Key        = "key"
)

// A Source keeps the changes. Sequence numbers become visible in their order:
// once n was read, no lower one appears later.
type Source interface {
	// LastChange returns the highest sequence number; 0 if there is none.
	LastChange(ctx context.Context) (int64, error)
	// ChangesSince returns at most limit changes after seq, in order.
	ChangesSince(ctx context.Context, seq int64, limit int) ([]Change, error)
}

// How often the source is polled, and how long after the last time it was
// caught up the caches may answer. Their sum, and the time of one poll, is
// under the second within which a revocation must hold everywhere.
const (
	Interval = 200 * time.Millisecond
	maxAge   = 700 * time.Millisecond
	batch    = 500
)

// A Feed follows a Source. Construct with New, then call Run.
type Feed struct {
	source Source
	wake   chan struct{}
	caught atomic.Int64 // when the last poll that caught up began: nanoseconds after start, plus one; 0: never
	start  time.Time

	mu          sync.Mutex
	subscribers []func(Change)
	seq         int64
	known       bool
}

// New returns a Feed of source. Until it runs it is not fresh.
func New(source Source) *Feed {
	return &Feed{source: source, wake: make(chan struct{}, 1), start: time.Now()}
}

// Subscribe has fn called for each change. A Change without a Noun means that
// any record may have changed. fn must not block.
func (f *Feed) Subscribe(fn func(Change)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.subscribers = append(f.subscribers, fn)
}

// Wake has the source polled now.
func (f *Feed) Wake() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Fresh reports whether the feed was caught up recently enough for caches to
// answer.
func (f *Feed) Fresh() bool {
	at := f.caught.Load()
	return at != 0 && time.Since(f.start)-time.Duration(at) < maxAge
}

// Tell delivers a change that this process made itself, without waiting for the
// poll.
func (f *Feed) Tell(c Change) {
	f.mu.Lock()
	subscribers := f.subscribers
	f.mu.Unlock()
	for _, fn := range subscribers {
		fn(c)
	}
}

// Run follows the source until ctx ends. A source that fails makes the feed
// stale; it is asked again at every interval.
func (f *Feed) Run(ctx context.Context) {
	tick := time.NewTicker(Interval)
	defer tick.Stop()
	for {
		began := time.Since(f.start)
		if f.catchUp(ctx) == nil {
			f.caught.Store(int64(began) + 1)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-f.wake:
		}
	}
}

// catchUp tells every change since the last one told.
func (f *Feed) catchUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if !f.known {
		seq, err := f.source.LastChange(ctx)
		if err != nil {
			return err
		}
		f.seq, f.known = seq, true
		f.Tell(Change{})
		return nil
	}
	for {
		changes, err := f.source.ChangesSince(ctx, f.seq, batch)
		if err != nil {
			return err
		}
		for _, c := range changes {
			if c.Seq != f.seq+1 { // changes were pruned while we were away
				f.Tell(Change{})
			}
			f.Tell(c)
			f.seq = c.Seq
		}
		if len(changes) < batch {
			return nil
		}
	}
}
