package store

import (
	"context"
	"time"

	"github.com/wayleave/wayleave/connections"
)

// A Tracker is the [connections.Tracker] of an installation without Redis. It
// keeps what it tracks beside the records, in tables of its own.
//
// Its announcements are heard within the process, by listeners of the same
// Tracker. Other replicas find changes by polling the change feed.
type Tracker struct {
	store     *Store
	listeners listeners
}

var _ connections.Tracker = (*Tracker)(nil)

// Tracker returns a Tracker that keeps what it tracks in s. One per process is
// meant: two do not hear each other's announcements.
func (s *Store) Tracker() *Tracker { return &Tracker{store: s} }

// SetExpiry notes when the connection's token expires; a zero time forgets it.
func (t *Tracker) SetExpiry(ctx context.Context, tenant, connection string, at time.Time) error {
	return t.store.write(ctx, "tracker.SetExpiry", func(ctx context.Context, tx *tx) error {
		if at.IsZero() {
			return forgetExpiry(ctx, tx, tenant, connection)
		}
		_, err := tx.exec(ctx, `
			INSERT INTO tracked_expiry (tenant, connection, expires_at) VALUES ($1, $2, $3)
			ON CONFLICT (tenant, connection) DO UPDATE SET expires_at = excluded.expires_at`,
			tenant, connection, micros(at))
		return err
	})
}

func forgetExpiry(ctx context.Context, tx *tx, tenant, connection string) error {
	_, err := tx.exec(ctx, `DELETE FROM tracked_expiry WHERE tenant = $1 AND connection = $2`, tenant, connection)
	return err
}

const expiringQuery = `
	SELECT tenant, connection, expires_at FROM tracked_expiry
	WHERE expires_at < $1
	ORDER BY expires_at, tenant, connection
	LIMIT $2`

// Expiring returns at most limit connections whose token expires before at,
// soonest first. It reads the front of an index and nothing else.
func (t *Tracker) Expiring(ctx context.Context, at time.Time, limit int) (due []connections.Expiry, err error) {
	if limit <= 0 {
		return nil, nil
	}
	err = t.store.read(ctx, "tracker.Expiring", func(ctx context.Context, q queryer) (err error) {
		due, err = list(ctx, q, scanExpiry, expiringQuery, micros(at), limit)
		return err
	})
	return due, err
}

func scanExpiry(r row) (e connections.Expiry, err error) {
	var us int64
	err = r.Scan(&e.Tenant, &e.Connection, &us)
	e.At = fromMicros(us)
	return e, err
}

// Forget removes all that is tracked of a connection.
func (t *Tracker) Forget(ctx context.Context, tenant, connection string) error {
	return t.store.write(ctx, "tracker.Forget", func(ctx context.Context, tx *tx) error {
		if err := forgetExpiry(ctx, tx, tenant, connection); err != nil {
			return err
		}
		_, err := tx.exec(ctx, `DELETE FROM tracked WHERE tenant = $1 AND connection = $2`, tenant, connection)
		return err
	})
}

// Check proves that the tracker's tables can be read.
func (t *Tracker) Check(ctx context.Context) error {
	return t.store.read(ctx, "tracker.Check", func(ctx context.Context, q queryer) error {
		return q.each(ctx, func(row) error { return nil }, `SELECT 1 FROM tracked_batches LIMIT 1`)
	})
}

// micros is how the tables hold a time: microseconds since 1970, 0 for never.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
