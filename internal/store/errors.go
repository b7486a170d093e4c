package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/wayleave/wayleave/internal/fault"
)

var (
	// ErrNewerSchema is the cause when the records were last written by a newer
	// Wayleave, whose schema this one does not know.
	ErrNewerSchema = errors.New("the schema of the records is newer than this program")
	// ErrDamaged is the cause when a SQLite file is broken, or is none.
	ErrDamaged = errors.New("the database file is damaged or is no database")
)

// fail turns err into a fault: one that is a fault already stays, everything
// else is the store's own failing. ctx is the context that err came about in.
func (s *Store) fail(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	var f *fault.Error
	if errors.As(err, &f) {
		told := *f // some faults are shared
		told.Op = op
		return &told
	}
	cause := withoutDSN(err)
	if ctx.Err() != nil {
		cause = fmt.Errorf("%w: %w", ctx.Err(), cause)
	}
	told := fault.Wrap(fault.StoreUnavailable, cause, "%s", reason(ctx, err))
	told.Op = op
	if damaged(err) {
		told.Err = fmt.Errorf("%w: %w", ErrDamaged, cause)
		told.Fix = "Stop Wayleave, keep a copy of the file, and restore the latest backup."
	}
	return told
}

// reason says why the store failed, for the caller.
func reason(ctx context.Context, err error) string {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return "the request was cancelled before the records were read or written"
	case ctx.Err() != nil:
		return "the database did not answer in time"
	}
	switch sqliteCode(err) & 0xff {
	case sqlite3.SQLITE_FULL:
		return "the disk that holds the database is full"
	case sqlite3.SQLITE_READONLY:
		return "the database file or its directory cannot be written"
	case sqlite3.SQLITE_CANTOPEN:
		return "the database file cannot be opened; its directory must exist and be writable"
	case sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return "access to the database file is denied"
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return "another program keeps the database file locked"
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return "the database file is damaged or is no database"
	case sqlite3.SQLITE_IOERR:
		return "the disk that holds the database failed"
	}
	switch code := postgresCode(err); {
	case strings.HasPrefix(code, "28"):
		return "the database refused the user name or password"
	case code == "3D000":
		return "the database does not exist on the server"
	case code == "25006":
		return "the database server is read-only, a standby perhaps"
	case strings.HasPrefix(code, "53"):
		return "the database server has run out of connections, disk or memory"
	}
	return "the database cannot be reached"
}

// withoutDSN returns err without the part of pgx's message that repeats where
// and as whom it connects.
func withoutDSN(err error) error {
	var failed *pgconn.ConnectError
	if errors.As(err, &failed) {
		return fmt.Errorf("connecting to PostgreSQL: %w", failed.Unwrap())
	}
	return err
}

// damaged reports whether err says that a SQLite file is broken.
func damaged(err error) bool {
	code := sqliteCode(err) & 0xff
	return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
}

// gaveWay reports whether PostgreSQL ended the transaction so that another
// could go on; the same one may then succeed.
func gaveWay(err error) bool {
	code := postgresCode(err)
	return code == "40001" || code == "40P01" // serialization_failure, deadlock_detected
}

// lost reports whether the connection to PostgreSQL ended under an operation, as
// it does when the server restarts. Another connection may do; failing to get
// one is not the same and is not tried again.
func lost(err error) bool {
	var connecting *pgconn.ConnectError
	if err == nil || errors.As(err, &connecting) {
		return false
	}
	var network *net.OpError
	switch code := postgresCode(err); {
	case code == "57P01", code == "57P02", strings.HasPrefix(code, "08"): // shutdown, crash, connection_exception
		return true
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return true
	}
	return errors.As(err, &network)
}

// refused turns a constraint that err says was violated into what the caller is
// told: taken if a name is, missing if what is referred to is not there. Either may
// be nil where it cannot happen.
func refused(err error, taken, missing *fault.Error) error {
	switch v := violationOf(err); {
	case v == uniqueViolation && taken != nil:
		return taken
	case v == keyViolation:
		return fault.Wrap(fault.Conflict, err, "a record with this id exists already")
	case v == referenceViolation && missing != nil:
		return missing
	}
	return err
}

type violation int

const (
	noViolation violation = iota
	uniqueViolation
	keyViolation // of a primary key
	referenceViolation
)

// violationOf says which sort of constraint err violated, in either database.
func violationOf(err error) violation {
	switch sqliteCode(err) {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE:
		return uniqueViolation
	case sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return keyViolation
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return referenceViolation
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return noViolation
	}
	switch {
	case pg.Code == "23505" && strings.HasSuffix(pg.ConstraintName, "_pkey"):
		return keyViolation
	case pg.Code == "23505":
		return uniqueViolation
	case pg.Code == "23503":
		return referenceViolation
	}
	return noViolation
}

// sqliteCode returns SQLite's extended result code, or 0.
func sqliteCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// postgresCode returns the SQLSTATE, or "".
func postgresCode(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// notFound says that a tenant has no such record. It is the same for an id of
// another tenant as for one that never was.
func notFound(what, id string) *fault.Error {
	return fault.New(fault.NotFound, "there is no %s %s", what, quote(id))
}

// taken says that a name is in use where it must be unique.
func taken(what, name, where string) *fault.Error {
	return fault.New(fault.Conflict, "there is already %s named %s%s", what, quote(name), where).
		WithFix("Choose another name.")
}

// changedMeanwhile says that an update named a version that is no longer the
// stored one.
func changedMeanwhile(what, id string) *fault.Error {
	return fault.New(fault.PreconditionFailed, "the %s %s was changed in the meantime", what, quote(id))
}

// quote quotes what a caller wrote, shortened.
func quote(s string) string {
	if r := []rune(s); len(r) > 80 {
		s = string(r[:80]) + "…"
	}
	return fmt.Sprintf("%q", s)
}

// maxIndexed is how many bytes a text may have that is part of a key: names, ids
// and labels. PostgreSQL cannot index much more, and nobody reads it.
const maxIndexed = 512

// indexed returns a fault if one of the texts is too long for a key.
func indexed[T ~string](texts ...T) error {
	for _, text := range texts {
		if len(text) > maxIndexed {
			return fault.New(fault.InvalidInput, "the name or id %s has %d bytes, %d is the most",
				quote(string(text)), len(text), maxIndexed)
		}
	}
	return nil
}
