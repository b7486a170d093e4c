package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/wayleave/wayleave/internal/feed"
)

// writeChanges numbers and stores what a transaction changed, as the last thing
// it does.
//
// The number comes from one row, which the transaction then holds until it is
// committed. So whoever gets a higher number commits later, and a reader who saw
// a number never sees a lower one appear, on PostgreSQL as on SQLite; a
// transaction that fails gives its numbers back, so that there are no gaps. The
// price is that transactions which change records commit one after the other,
// which is why this comes last: the row is held for the commit alone.
func (s *Store) writeChanges(ctx context.Context, t *tx) error {
	if len(t.changes) == 0 {
		return nil
	}
	last, err := get(ctx, t.queryer, scalar[int64],
		`UPDATE change_counter SET seq = seq + $1 RETURNING seq`, len(t.changes))
	if err != nil {
		return err
	}
	first := last - int64(len(t.changes)) + 1
	const columns = 5
	var rows []string
	var args []any
	for i, c := range t.changes {
		n := i * columns
		rows = append(rows, fmt.Sprintf("($%d, $%d, $%d, $%d, $%d)", n+1, n+2, n+3, n+4, n+5))
		args = append(args, first+int64(i), c.Tenant, c.Noun, c.ID, s.now().UnixMicro())
	}
	_, err = t.exec(ctx, `INSERT INTO changes (seq, tenant, noun, id, at) VALUES `+strings.Join(rows, ", "), args...)
	return err
}

// LastChange returns the highest sequence number; 0 if there is none.
func (s *Store) LastChange(ctx context.Context) (int64, error) {
	var last int64
	err := s.read(ctx, "store.LastChange", func(ctx context.Context, q queryer) (err error) {
		last, err = get(ctx, q, scalar[int64], `SELECT seq FROM change_counter`)
		return err
	})
	return last, err
}

// ChangesSince returns at most limit changes after seq, in order.
//
// A seq that was never given out means that the records were put back to an
// older state, by a restored backup or by a failover that lost its tail. Then
// anything may have changed, which one Change without a Noun says; its Seq is
// the one to go on from.
func (s *Store) ChangesSince(ctx context.Context, seq int64, limit int) ([]feed.Change, error) {
	var changes []feed.Change
	err := s.read(ctx, "store.ChangesSince", func(ctx context.Context, q queryer) (err error) {
		changes, err = list(ctx, q, scanChange, `
			SELECT seq, tenant, noun, id FROM changes WHERE seq > $1
			UNION ALL
			SELECT seq, '', '', '' FROM change_counter WHERE seq < $1
			ORDER BY 1 LIMIT $2`, seq, limit)
		return err
	})
	return changes, err
}

func scanChange(r row) (c feed.Change, err error) {
	err = r.Scan(&c.Seq, &c.Tenant, &c.Noun, &c.ID)
	return c, err
}

// PruneChanges forgets the changes from before a time and returns how many. It
// keeps the last one whatever its age, so that a reader who was away for longer
// finds a gap before it rather than nothing.
func (s *Store) PruneChanges(ctx context.Context, before time.Time) (int, error) {
	var pruned int64
	err := s.write(ctx, "store.PruneChanges", func(ctx context.Context, t *tx) (err error) {
		pruned, err = t.exec(ctx, `
			DELETE FROM changes WHERE at < $1 AND seq < (SELECT seq FROM change_counter)`, before.UnixMicro())
		return err
	})
	return int(pruned), err
}
