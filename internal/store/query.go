package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/feed"
)

// A runner runs statements: a pool, or a transaction.
type runner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// A queryer is what a noun's file reads and writes through.
type queryer struct{ run runner }

// A tx is a transaction, and what it changed.
type tx struct {
	queryer
	changes []feed.Change
}

// changed notes a change, for the feed to tell once the transaction is done.
func (t *tx) changed(noun, tenant, id string) {
	t.changes = append(t.changes, feed.Change{Tenant: tenant, Noun: noun, ID: id})
}

// tries is how often an operation is begun again after PostgreSQL gave it up for
// the sake of another, or closed its connection.
const tries = 4

// read runs fn, which only reads, within the store's time limit. fn may run more
// than once.
func (s *Store) read(ctx context.Context, op string, fn func(context.Context, queryer) error) error {
	limited, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var err error
	for range tries {
		if err = fn(limited, queryer{s.readers}); !lost(err) || limited.Err() != nil {
			break
		}
	}
	return s.fail(limited, op, err)
}

// write runs fn in a transaction, within the store's time limit. What fn did is
// on disk when write returns nil. fn may run more than once.
func (s *Store) write(ctx context.Context, op string, fn func(context.Context, *tx) error) error {
	limited, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var err error
	for range tries {
		var known bool
		known, err = s.transact(limited, fn)
		if again := gaveWay(err) || known && lost(err); !again || limited.Err() != nil {
			break
		}
	}
	return s.fail(limited, op, err)
}

// transact runs fn in one transaction. known says that the outcome is what err
// tells: only a commit whose answer is lost leaves it open whether it happened.
//
// The caller's cancellation ends a transaction up to the commit and not after: a
// caller who hangs up at that moment must not be what loses the answer.
func (s *Store) transact(ctx context.Context, fn func(context.Context, *tx) error) (known bool, err error) {
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	release := context.AfterFunc(ctx, end)
	defer release()

	sqlTx, err := s.db.BeginTx(life, nil)
	if err != nil {
		return true, err
	}
	defer func() { _ = sqlTx.Rollback() }() // does nothing once committed
	t := &tx{queryer: queryer{sqlTx}}
	if err := fn(ctx, t); err != nil {
		return true, err
	}
	if err := s.writeChanges(ctx, t); err != nil {
		return true, err
	}
	if !release() {
		return true, ctx.Err()
	}
	limit := time.AfterFunc(s.timeout, end)
	defer limit.Stop()
	err = sqlTx.Commit()
	return err == nil, err
}

// errText is a text that PostgreSQL cannot keep, and that SQLite therefore does
// not keep either.
var errText = fault.New(fault.InvalidInput, "text must be valid UTF-8 without NUL characters")

// exec runs a statement and returns how many rows it touched.
func (q queryer) exec(ctx context.Context, query string, args ...any) (int64, error) {
	args, err := plain(args)
	if err != nil {
		return 0, err
	}
	result, err := q.run.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// A row is one row of an answer.
type row interface{ Scan(dest ...any) error }

// each calls fn with every row of the answer.
func (q queryer) each(ctx context.Context, fn func(row) error, query string, args ...any) error {
	args, err := plain(args)
	if err == errText {
		return nil // no record holds it
	}
	if err != nil {
		return err
	}
	rows, err := q.run.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// list returns every row of the answer, read by scan.
func list[T any](ctx context.Context, q queryer, scan func(row) (T, error), query string, args ...any) ([]T, error) {
	var all []T
	err := q.each(ctx, func(r row) error {
		one, err := scan(r)
		all = append(all, one)
		return err
	}, query, args...)
	return all, err
}

// get returns the first row of the answer, or sql.ErrNoRows.
func get[T any](ctx context.Context, q queryer, scan func(row) (T, error), query string, args ...any) (T, error) {
	all, err := list(ctx, q, scan, query, args...)
	if err == nil && len(all) == 0 {
		err = sql.ErrNoRows
	}
	if err != nil {
		var none T
		return none, err
	}
	return all[0], nil
}

// scalar reads a row of one column.
func scalar[T any](r row) (T, error) {
	var v T
	err := r.Scan(&v)
	return v, err
}

// plain returns args as both drivers take them.
func plain(args []any) ([]any, error) {
	out := make([]any, len(args))
	for i, arg := range args {
		if v, ok := arg.(driver.Valuer); ok {
			value, err := v.Value()
			if err != nil {
				return nil, err
			}
			arg = value
		}
		if v := reflect.ValueOf(arg); v.Kind() == reflect.String { // an environments.Name, too
			text := v.String()
			if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
				return nil, errText
			}
			arg = text
		}
		out[i] = arg
	}
	return out, nil
}

// isMissing reports whether a query that must answer a row answered none.
func isMissing(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// marks returns "$1, $2, … $n", for as many values.
func marks(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = "$" + strconv.Itoa(i+1)
	}
	return strings.Join(all, ", ")
}
