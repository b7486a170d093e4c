package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/internal/fault"
)

// rowsAtOnce are the numbers of rows that one statement handles. A batch is cut
// into these and no others, so that there are few statements to prepare.
var rowsAtOnce = []int{256, 32, 4, 1}

// keepBatches is how long the last batch of a recorder is remembered after it;
// far longer than a recorder waits before it sends one again.
const keepBatches = 7 * 24 * time.Hour

// Observe adds a batch in one transaction.
func (t *Tracker) Observe(ctx context.Context, batch connections.Batch) error {
	if len(batch.Tallies) == 0 {
		return nil
	}
	// Sorted, so that two replicas lock rows in the same order.
	tallies := batch.Folded()
	return t.store.write(ctx, "tracker.Observe", func(ctx context.Context, tx *tx) error {
		if fresh, err := number(ctx, tx, batch, t.store.now()); err != nil || !fresh {
			return err
		}
		for rest := tallies; len(rest) > 0; {
			n := fitting(len(rest))
			if err := upsert(ctx, tx, rest[:n]); err != nil {
				return err
			}
			rest = rest[n:]
		}
		return nil
	})
}

// number notes the batch's number and reports whether the batch is yet to be
// added.
func number(ctx context.Context, tx *tx, batch connections.Batch, now time.Time) (bool, error) {
	if batch.Seq == 0 {
		return true, nil
	}
	if batch.Seq == 1 { // a new recorder: likely in the place of one that ended
		_, err := tx.exec(ctx, `DELETE FROM tracked_batches WHERE added_at < $1`, micros(now.Add(-keepBatches)))
		if err != nil {
			return false, err
		}
	}
	n, err := tx.exec(ctx, `
		INSERT INTO tracked_batches (recorder, seq, added_at) VALUES ($1, $2, $3)
		ON CONFLICT (recorder) DO UPDATE SET seq = excluded.seq, added_at = excluded.added_at
		WHERE tracked_batches.seq < excluded.seq`, batch.Recorder, batch.Seq, micros(now))
	return n > 0, err
}

// fitting returns how many of n rows the next statement handles.
func fitting(n int) int {
	for _, size := range rowsAtOnce {
		if size <= n {
			return size
		}
	}
	return n
}

const healthColumns = `last_used, latency, last_checked, last_ok, last_failure, failure, streak, failing_since, calls, failures`

// The update is connections.Health.Merge in SQL. Of two streaks, one ends where
// the other's last success is after its failures; where the success is among
// them, only the last failure is known to come after it.
const (
	oldStreak = `CASE
		WHEN tracked.streak = 0 OR tracked.last_failure <= excluded.last_ok THEN 0
		WHEN tracked.failing_since > excluded.last_ok THEN tracked.streak
		ELSE 1 END`
	newStreak = `CASE
		WHEN excluded.streak = 0 OR excluded.last_failure <= tracked.last_ok THEN 0
		WHEN excluded.failing_since > tracked.last_ok THEN excluded.streak
		ELSE 1 END`
	oldSince = `CASE WHEN tracked.failing_since > excluded.last_ok THEN tracked.failing_since ELSE tracked.last_failure END`
	newSince = `CASE WHEN excluded.failing_since > tracked.last_ok THEN excluded.failing_since ELSE excluded.last_failure END`

	mergeHealth = ` ON CONFLICT (tenant, connection) DO UPDATE SET
	last_used = CASE WHEN excluded.last_used >= tracked.last_used THEN excluded.last_used ELSE tracked.last_used END,
	latency = CASE WHEN excluded.last_used >= tracked.last_used AND excluded.last_used <> 0 THEN excluded.latency ELSE tracked.latency END,
	last_checked = CASE WHEN excluded.last_checked > tracked.last_checked THEN excluded.last_checked ELSE tracked.last_checked END,
	last_ok = CASE WHEN excluded.last_ok > tracked.last_ok THEN excluded.last_ok ELSE tracked.last_ok END,
	last_failure = CASE WHEN excluded.last_failure > tracked.last_failure THEN excluded.last_failure ELSE tracked.last_failure END,
	failure = CASE WHEN excluded.last_failure >= tracked.last_failure AND excluded.failure <> '' THEN excluded.failure ELSE tracked.failure END,
	streak = ` + oldStreak + ` + ` + newStreak + `,
	failing_since = CASE
		WHEN ` + oldStreak + ` = 0 AND ` + newStreak + ` = 0 THEN 0
		WHEN ` + oldStreak + ` = 0 THEN ` + newSince + `
		WHEN ` + newStreak + ` = 0 OR ` + oldSince + ` < ` + newSince + ` THEN ` + oldSince + `
		ELSE ` + newSince + ` END,
	calls = tracked.calls + excluded.calls,
	failures = tracked.failures + excluded.failures`
)

// upsert merges tallies, each of another connection, into the table.
func upsert(ctx context.Context, tx *tx, tallies []connections.Tally) error {
	args := make([]any, 0, 12*len(tallies))
	for _, t := range tallies {
		h := t.Health
		args = append(args, t.Tenant, t.Connection,
			micros(h.LastUsed), int64(h.Latency), micros(h.LastChecked), micros(h.LastOK), micros(h.LastFailure),
			string(h.Failure), h.Streak, micros(h.FailingSince), h.Calls, h.Failures)
	}
	_, err := tx.exec(ctx,
		`INSERT INTO tracked (tenant, connection, `+healthColumns+`) VALUES `+placeholders(len(tallies), 12)+mergeHealth, args...)
	return err
}

// placeholders returns "($1, $2), ($3, $4)" for two rows of two columns.
func placeholders(rows, columns int) string {
	var b strings.Builder
	for i := range rows * columns {
		switch {
		case i == 0:
			b.WriteString("(")
		case i%columns == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", i+1)
	}
	b.WriteString(")")
	return b.String()
}

// Health returns what is tracked of each connection.
func (t *Tracker) Health(ctx context.Context, tenant string, ids []string) (map[string]connections.Health, error) {
	all := make(map[string]connections.Health, len(ids))
	for _, id := range ids {
		all[id] = connections.Health{}
	}
	err := t.store.read(ctx, "tracker.Health", func(ctx context.Context, q queryer) error {
		for chunk := range slices.Chunk(ids, rowsAtOnce[0]) {
			if err := readHealth(ctx, q, tenant, chunk, all); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

func readHealth(ctx context.Context, q queryer, tenant string, ids []string, into map[string]connections.Health) error {
	// One of the few sizes again: what is left over asks for the last id anew.
	size := rowsAtOnce[0]
	for _, s := range rowsAtOnce {
		if s >= len(ids) {
			size = s
		}
	}
	args := make([]any, 0, size+1)
	for i := range size {
		args = append(args, ids[min(i, len(ids)-1)])
	}
	query := `SELECT connection, ` + healthColumns + ` FROM tracked
		WHERE connection IN ` + placeholders(1, size) + fmt.Sprintf(` AND tenant = $%d`, size+1)
	return q.each(ctx, func(r row) error {
		id, h, err := scanHealth(r)
		into[id] = h
		return err
	}, query, append(args, tenant)...)
}

func scanHealth(r row) (string, connections.Health, error) {
	var (
		id, failure                      string
		used, checked, ok, failed, since int64
		h                                connections.Health
	)
	err := r.Scan(&id, &used, &h.Latency, &checked, &ok, &failed, &failure, &h.Streak, &since, &h.Calls, &h.Failures)
	h.LastUsed, h.LastChecked, h.LastOK = fromMicros(used), fromMicros(checked), fromMicros(ok)
	h.LastFailure, h.Failure, h.FailingSince = fromMicros(failed), fault.Kind(failure), fromMicros(since)
	return id, h, err
}
