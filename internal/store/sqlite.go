package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/wayleave/wayleave/internal/fault"
)

// sqliteReaders read beside the one writer: write-ahead logging lets them.
const sqliteReaders = 4

// openSQLite opens the file at path. Write-ahead logging and a flush at every
// commit make an acknowledged write survive a crash of the machine.
func (s *Store) openSQLite(ctx context.Context, path string) error {
	path, err := sqlitePath(path)
	if err != nil {
		return err
	}
	if s.inspect {
		if _, err := os.Stat(path); err != nil {
			return fault.Wrap(fault.StoreUnavailable, err, "there is no database file yet").
				WithFix("Start the server; it makes one.")
		}
	} else {
		if err := makeFile(path); err != nil {
			return err
		}
		unlock, err := lockFile(ctx, path+".lock")
		if err != nil {
			return err
		}
		defer unlock()
	}

	wait := fmt.Sprintf("busy_timeout(%d)", s.timeout.Milliseconds())
	s.dialect = sqliteDialect
	if s.db, err = sqlitePool(path, 1, wait, "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"); err != nil {
		return err
	}
	if s.readers, err = sqlitePool(path, sqliteReaders, wait, "query_only(1)"); err != nil {
		return errors.Join(err, s.db.Close())
	}
	if err := s.migrate(ctx); err != nil {
		_ = s.Close()
		return err
	}
	return nil
}

// sqlitePath checks the part of the URL that comes after "sqlite:".
func sqlitePath(path string) (string, error) {
	wrong := func(why string) error {
		return fault.New(fault.InvalidInput, "the SQLite URL %s", why).
			WithFix(`Use "sqlite:" and the path of a file, such as "sqlite:/var/lib/wayleave/wayleave.db".`)
	}
	switch {
	case path == "":
		return "", wrong("names no file")
	case strings.HasPrefix(path, ":memory:"), strings.HasPrefix(path, "file:"):
		return "", wrong("must name a file and nothing else")
	case strings.HasPrefix(path, "//") && !strings.HasPrefix(path, "///"):
		return "", wrong("names a host")
	case strings.ContainsRune(path, 0):
		return "", wrong("holds a NUL character")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", wrong("names a file that cannot be found")
	}
	return abs, nil
}

// makeFile makes the file that only its owner can read, and its directory, if
// they are not there. SQLite gives the files it adds the same mode.
func makeFile(path string) error {
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		var f *os.File
		if f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err == nil {
			err = f.Close()
		}
	}
	if err != nil {
		return fault.Wrap(fault.StoreUnavailable, err, "the database file cannot be made or written").
			WithFix("Give the user that runs Wayleave a directory it can write to.")
	}
	return nil
}

// sqlitePool opens a pool of at most size connections, each set up by the
// pragmas.
func sqlitePool(path string, size int, pragmas ...string) (*sql.DB, error) {
	// As a URI with escapes, a path may hold any character.
	dsn := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()}
	dsn.RawQuery = url.Values{"_pragma": pragmas, "_txlock": {"immediate"}, "_dqs": {"0"}}.Encode()
	connector, err := sqlite.NewConnector(dsn.String())
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db, nil
}

// lockFile waits until no other process opens the same records, and keeps them
// from it until unlock is called or this process dies. The lock is SQLite's own,
// on a database that stays empty: that is the same on every system.
func lockFile(ctx context.Context, path string) (unlock func(), err error) {
	if err := makeFile(path); err != nil {
		return nil, err
	}
	db, err := sqlitePool(path, 1, "busy_timeout(50)")
	if err != nil {
		return nil, err
	}
	for {
		_, err = db.ExecContext(ctx, "BEGIN EXCLUSIVE")
		if err == nil {
			return func() { _ = db.Close() }, nil
		}
		if ctx.Err() != nil || !busy(err) {
			_ = db.Close()
			return nil, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// busy reports whether err says that another process is at the file.
func busy(err error) bool {
	code := sqliteCode(err) & 0xff
	return code == sqlite3.SQLITE_BUSY || code == sqlite3.SQLITE_LOCKED
}
