package store

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/pressly/goose/v3"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/wayleave/wayleave/internal/fault"
)

// The migrations are one text for both databases. They go forward only: the way
// back is the backup that was made before.
//
//go:embed migrations/*.sql
var migrations embed.FS

// A dialect is what the databases do not share.
type dialect struct {
	goose   goose.Dialect
	locker  []goose.ProviderOption // keeps replicas from migrating at once
	collate string                 // what stands for COLLATE "C" in the migrations
}

var (
	// SQLite compares text by its bytes anyway, and was locked by its file.
	sqliteDialect = dialect{goose: goose.DialectSQLite3}
	// PostgreSQL would compare text by the rules of a language, which change
	// with the system's libraries and then break its indexes.
	postgresDialect = dialect{
		goose:   goose.DialectPostgres,
		locker:  []goose.ProviderOption{goose.WithSessionLocker(advisoryLock{})},
		collate: collateC,
	}
)

const collateC = `COLLATE "C"`

// SchemaVersion returns the version of the schema of the records.
func (s *Store) SchemaVersion(ctx context.Context) (int64, error) {
	var version int64
	err := s.read(ctx, "store.SchemaVersion", func(ctx context.Context, q queryer) (err error) {
		version, err = schemaVersion(ctx, q)
		return err
	})
	return version, err
}

func schemaVersion(ctx context.Context, q queryer) (int64, error) {
	return get(ctx, q, scalar[int64], `SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version WHERE is_applied`)
}

// migrate brings the schema up to date, or refuses one that is newer. It asks
// before it locks: a schema that is up to date costs one query.
func (s *Store) migrate(ctx context.Context) error {
	provider, err := s.provider()
	if err != nil {
		return err
	}
	sources := provider.ListSources()
	newest := sources[len(sources)-1].Version
	version, err := schemaVersion(ctx, queryer{s.db})
	if noTable(err) {
		version, err = 0, nil
	}
	if err != nil {
		return err
	}
	if version < newest && s.inspect {
		return fault.New(fault.StoreUnavailable, "the records have schema version %d, and this program brings them to %d when it serves", version, newest).
			WithFix("Start the server; it brings them up to date.")
	}
	if version < newest {
		if _, err := provider.Up(ctx); err != nil {
			return migrationFailed(err)
		}
		if version, err = schemaVersion(ctx, queryer{s.db}); err != nil {
			return err
		}
	}
	if version > newest {
		return fault.Wrap(fault.StoreUnavailable, ErrNewerSchema,
			"the records have schema version %d, and this program knows versions up to %d", version, newest).
			WithFix("Run the newer Wayleave again, or restore a backup made with this one.")
	}
	return nil
}

// noTable reports whether err says that a table is not there.
func noTable(err error) bool {
	return postgresCode(err) == "42P01" ||
		sqliteCode(err) == sqlite3.SQLITE_ERROR && strings.Contains(err.Error(), "no such table")
}

// migrationFailed says which migration failed, and leaves what the database
// said about it to the log.
func migrationFailed(err error) error {
	var partial *goose.PartialError
	if !errors.As(err, &partial) || sqliteCode(err)&0xff == sqlite3.SQLITE_FULL {
		return err
	}
	return fault.Wrap(fault.StoreUnavailable, err, "the schema of the records could not be brought to version %d",
		partial.Failed.Source.Version).
		WithFix("Nothing of that version was kept. The log says why; correct it and start again.")
}

func (s *Store) provider() (*goose.Provider, error) {
	files := migrationFiles{collate: s.dialect.collate}
	options := append([]goose.ProviderOption{
		goose.WithLogger(goose.NopLogger()),
		goose.WithDisableGlobalRegistry(true),
	}, s.dialect.locker...)
	return goose.NewProvider(s.dialect.goose, s.db, files, options...)
}

// lockNumber is what replicas agree to lock: "wayleave" in ASCII.
const lockNumber int64 = 0x7761796c65617665

// An advisoryLock has replicas migrate one after the other. It is the session's
// and ends with it, however that ends.
type advisoryLock struct{}

func (advisoryLock) SessionLock(ctx context.Context, c *sql.Conn) error {
	_, err := c.ExecContext(ctx, "SELECT pg_advisory_lock($1)", lockNumber)
	return err
}

func (advisoryLock) SessionUnlock(ctx context.Context, c *sql.Conn) error {
	_, err := c.ExecContext(ctx, "SELECT pg_advisory_unlock($1)", lockNumber)
	return err
}

// migrationFiles are the migrations as one database reads them.
type migrationFiles struct{ collate string }

// Open opens a migration, or the directory of them.
func (m migrationFiles) Open(name string) (fs.File, error) {
	f, err := migrations.Open(path.Join("migrations", name))
	if err != nil || path.Ext(name) != ".sql" {
		return f, err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	text = bytes.ReplaceAll(text, []byte(collateC), []byte(m.collate))
	return migrationFile{f, bytes.NewReader(text)}, nil
}

// A migrationFile is a file with another content.
type migrationFile struct {
	fs.File
	text io.Reader
}

func (f migrationFile) Read(b []byte) (int, error) { return f.text.Read(b) }

func (f migrationFile) Close() error { return nil }
