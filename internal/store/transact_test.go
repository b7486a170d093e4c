package store

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/testenv"
)

func openTest(t *testing.T, url string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{URL: url, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func insert(ctx context.Context, t *tx, id string) error {
	t.changed("tenant", id, id)
	_, err := t.exec(ctx, `INSERT INTO tenants (id, name) VALUES ($1, $1)`, id)
	return err
}

// stored returns how many tenants and how many changes are stored.
func stored(t *testing.T, s *Store) (tenants, changes int) {
	t.Helper()
	err := s.db.QueryRow(`SELECT (SELECT COUNT(*) FROM tenants), (SELECT COUNT(*) FROM changes)`).Scan(&tenants, &changes)
	if err != nil {
		t.Fatal(err)
	}
	return tenants, changes
}

func TestTransactions(t *testing.T) {
	s := openTest(t, "sqlite:"+filepath.Join(t.TempDir(), "records.db"))
	boom := errors.New("boom")

	t.Run("an error undoes it", func(t *testing.T) {
		err := s.write(t.Context(), "test", func(ctx context.Context, t *tx) error {
			return errors.Join(insert(ctx, t, "a"), boom)
		})
		if !errors.Is(err, boom) || !errors.Is(err, fault.StoreUnavailable) {
			t.Errorf("write = %v", err)
		}
	})
	t.Run("leaving before the commit undoes it", func(t *testing.T) {
		for range 30 { // not only when the rollback wins a race
			ctx, leave := context.WithCancel(t.Context())
			err := s.write(ctx, "test", func(ctx context.Context, t *tx) error {
				defer leave()
				_, err := t.exec(ctx, `INSERT INTO tenants (id, name) VALUES ('a', 'a')`)
				return err
			})
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("write = %v; want context.Canceled", err)
			}
		}
	})
	t.Run("a panic undoes it", func(t *testing.T) {
		defer func() { _ = recover() }()
		_ = s.write(t.Context(), "test", func(ctx context.Context, t *tx) error {
			_ = insert(ctx, t, "a")
			panic("boom")
		})
	})
	if tenants, changes := stored(t, s); tenants != 0 || changes != 0 {
		t.Errorf("%d tenants and %d changes are stored; want none", tenants, changes)
	}
	t.Run("one that gave way is begun again", func(t *testing.T) {
		runs := 0
		err := s.write(t.Context(), "test", func(ctx context.Context, t *tx) error {
			runs++
			if err := insert(ctx, t, "a"); err != nil || runs == tries {
				return err
			}
			return &pgconn.PgError{Code: "40P01"}
		})
		if err != nil || runs != tries {
			t.Errorf("write = %v after %d runs; want success after %d", err, runs, tries)
		}
		err = s.write(t.Context(), "test", func(context.Context, *tx) error { return &pgconn.PgError{Code: "40001"} })
		if !errors.Is(err, fault.StoreUnavailable) {
			t.Errorf("write = %v; want store_unavailable in the end", err)
		}
	})
	if tenants, changes := stored(t, s); tenants != 1 || changes != 1 {
		t.Errorf("%d tenants and %d changes are stored; want one of each", tenants, changes)
	}
}

// A connection that ends under a transaction ends the transaction, which is then
// done on another; but a commit is asked for once.
func TestLostConnection(t *testing.T) {
	s := openTest(t, testenv.Postgres(t))
	end := func(ctx context.Context, q queryer) {
		t.Helper()
		pid, err := get(ctx, q, scalar[int], `SELECT pg_backend_pid()`)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.db.Exec(`SELECT pg_terminate_backend($1, 10000)`, pid); err != nil {
			t.Fatal(err)
		}
	}
	runs := 0
	err := s.write(t.Context(), "test", func(ctx context.Context, t *tx) error {
		if runs++; runs < tries {
			end(ctx, t.queryer)
		}
		return insert(ctx, t, "a")
	})
	if err != nil || runs != tries {
		t.Errorf("write = %v after %d runs; want success after %d", err, runs, tries)
	}
	runs = 0
	err = s.write(t.Context(), "test", func(ctx context.Context, t *tx) error {
		runs++
		if _, err := t.exec(ctx, `UPDATE tenants SET name = 'b'`); err != nil {
			return err
		}
		end(ctx, t.queryer)
		return nil // nothing is left to do but to commit
	})
	if !errors.Is(err, fault.StoreUnavailable) || runs != 1 {
		t.Errorf("write = %v after %d runs; want store_unavailable after one", err, runs)
	}
	if tenants, changes := stored(t, s); tenants != 1 || changes != 1 {
		t.Errorf("%d tenants and %d changes are stored; want one of each", tenants, changes)
	}
}

// Two transactions that wait for each other: PostgreSQL ends one, and both
// happen.
func TestDeadlock(t *testing.T) {
	s := openTest(t, testenv.Postgres(t))
	for _, id := range []string{"a", "b"} {
		if err := s.write(t.Context(), "test", func(ctx context.Context, t *tx) error { return insert(ctx, t, id) }); err != nil {
			t.Fatal(err)
		}
	}
	var met, all sync.WaitGroup // each has its first row before it asks for the other
	met.Add(2)
	first := [2]sync.Once{}
	for i, order := range [][]string{{"a", "b"}, {"b", "a"}} {
		all.Go(func() {
			err := s.write(t.Context(), "test", func(ctx context.Context, t *tx) error {
				for n, id := range order {
					if _, err := t.exec(ctx, `UPDATE tenants SET name = name || 'x' WHERE id = $1`, id); err != nil {
						return err
					}
					if n == 0 {
						first[i].Do(met.Done)
						met.Wait()
					}
				}
				return nil
			})
			if err != nil {
				t.Errorf("write = %v", err)
			}
		})
	}
	all.Wait()
	var names string
	if err := s.db.QueryRow(`SELECT string_agg(name, ' ' ORDER BY id) FROM tenants`).Scan(&names); err != nil || names != "axx bxx" {
		t.Errorf("the names are %s, %v; want axx bxx", names, err)
	}
}

// A caller's error passes the store unchanged, but for what it was doing.
func TestFaultsAreNotShared(t *testing.T) {
	s := &Store{}
	before := *errText
	one := fault.From(s.fail(t.Context(), "one", errText))
	two := fault.From(s.fail(t.Context(), "two", errText))
	if one.Op != "one" || two.Op != "two" || errText.Op != before.Op {
		t.Errorf("operations %q, %q, %q", one.Op, two.Op, errText.Op)
	}
	if err := s.fail(t.Context(), "none", nil); err != nil {
		t.Errorf("fail(nil) = %v", err)
	}
}
