package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/wayleave/wayleave/internal/fault"
)

// Config says where the records are.
type Config struct {
	// URL is "sqlite:/path/to/file.db" or "postgres://user:password@host/db".
	// Required. The path of SQLite is taken as it is written, without escapes.
	URL string
	// Timeout bounds one operation, its wait for a connection included. Default
	// 2s.
	Timeout time.Duration
	// MaxConns bounds the connections to PostgreSQL. Default 10.
	MaxConns int
	// Now tells the time of revocations and of the feed. Default time.Now.
	Now func() time.Time
	// Inspect leaves the schema as it is, for looking at records that another
	// process may be using: one that is not up to date is an error then.
	Inspect bool
}

// A Store keeps records. It is safe for concurrent use.
type Store struct {
	db      *sql.DB // writes; one connection on SQLite, whose writers take turns anyway
	readers *sql.DB // reads; the same pool as db on PostgreSQL
	dialect dialect
	timeout time.Duration
	now     func() time.Time
	inspect bool
}

// Open opens the records, makes them if there are none yet, and brings their
// schema up to date; replicas that start together do so one after the other.
//
// A schema newer than this program is [ErrNewerSchema], a file that is no
// database or a broken one is [ErrDamaged]. No error shows the URL.
func Open(ctx context.Context, c Config) (*Store, error) {
	if c.Timeout <= 0 {
		c.Timeout = 2 * time.Second
	}
	if c.MaxConns <= 0 {
		c.MaxConns = 10
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &Store{timeout: c.Timeout, now: c.Now, inspect: c.Inspect}
	if err := s.open(ctx, c); err != nil {
		return nil, s.fail(ctx, "store.Open", err)
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, c Config) error {
	scheme, rest, _ := strings.Cut(c.URL, ":")
	switch scheme {
	case "sqlite":
		return s.openSQLite(ctx, rest)
	case "postgres", "postgresql":
		return s.openPostgres(ctx, c)
	}
	return fault.New(fault.InvalidInput, "the database URL names neither sqlite nor postgres").
		WithFix(`Use "sqlite:/path/to/wayleave.db" or "postgres://user:password@host/database".`)
}

// Close closes the records. What was acknowledged is on disk already.
func (s *Store) Close() error {
	err := s.db.Close()
	if s.readers != s.db {
		err = errors.Join(s.readers.Close(), err)
	}
	return err
}

// Check proves that the records can be read now.
func (s *Store) Check(ctx context.Context) error {
	_, err := s.LastChange(ctx)
	return err
}
