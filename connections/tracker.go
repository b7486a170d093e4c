package connections

import (
	"context"
	"time"

	"github.com/wayleave/wayleave/internal/fault"
)

// An Observation is what one use or check of a connection showed.
type Observation struct {
	Tenant     string
	Connection string
	At         time.Time
	Check      bool       // a test request rather than a call
	Failure    fault.Kind // empty when it succeeded
	Latency    time.Duration
}

// Health is what is tracked of one connection. Zero times mean never; others
// are in UTC, to the microsecond.
type Health struct {
	LastUsed     time.Time // of a call, successful or not
	LastChecked  time.Time // of a test request
	LastOK       time.Time
	LastFailure  time.Time
	Failure      fault.Kind    // of the last failure
	Streak       int           // failures since the last success
	FailingSince time.Time     // of the first failure of the streak
	Calls        int64         // calls counted so far
	Failures     int64         // of which failed
	Latency      time.Duration // of the last use
}

// A Tracker keeps what changes with every call and would wear out the records:
// health, last use and expiry, and carries word of changes between replicas.
// What it keeps can be rebuilt; losing it loses no connection.
//
// Every method honours its context and is safe for concurrent use. A Tracker
// that cannot be reached is fault.StoreUnavailable.
type Tracker interface {
	// Observe adds a batch, as [Health.Merge] says: an older observation never
	// overwrites what a newer one said, but is counted. A numbered batch is added
	// once, however often it is sent, so that one whose answer was lost can be
	// sent again.
	Observe(ctx context.Context, batch Batch) error
	// Health returns what is tracked of each connection; one never observed has
	// the zero Health.
	Health(ctx context.Context, tenant string, connections []string) (map[string]Health, error)
	// SetExpiry notes when the connection's token expires; a zero time forgets it.
	SetExpiry(ctx context.Context, tenant, connection string, at time.Time) error
	// Expiring returns at most limit connections whose token expires before t,
	// soonest first, without scanning the others.
	Expiring(ctx context.Context, t time.Time, limit int) ([]Expiry, error)
	// Forget removes all that is tracked of a connection.
	Forget(ctx context.Context, tenant, connection string) error
	// Announce tells every replica, this one included, that something changed.
	// It is a hint that shortens the wait: word may be lost, so replicas also
	// poll the store.
	Announce(ctx context.Context) error
	// Announcements calls heard after each announcement until ctx ends, which is
	// no error; and whenever it begins to listen, at first or again, for what it
	// may have missed. Announcements in quick succession may be heard as one.
	Announcements(ctx context.Context, heard func()) error
	// Check proves that the tracker can be reached.
	Check(ctx context.Context) error
}

// An Expiry says when the token of a connection expires.
type Expiry struct {
	Tenant     string
	Connection string
	At         time.Time
}
