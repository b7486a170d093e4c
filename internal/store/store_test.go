package store_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/wayleave/wayleave/connections/connectionstest"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/store"
	"github.com/wayleave/wayleave/internal/store/storetest"
	"github.com/wayleave/wayleave/internal/testenv"
)

func TestMain(m *testing.M) {
	if child := os.Getenv(childVariable); child != "" {
		os.Exit(runChild(child))
	}
	os.Exit(m.Run())
}

// backends are what every test of the records runs on: each gives the URL of
// records that are there for the first time.
var backends = map[string]func(t *testing.T) string{
	"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "records.db") },
	"postgres": func(t *testing.T) string { return testenv.Postgres(t) },
}

func onEach(t *testing.T, test func(t *testing.T, url string)) {
	for name, make := range backends {
		t.Run(name, func(t *testing.T) { test(t, make(t)) })
	}
}

// open opens records with a time limit that a slow machine does not meet.
func open(t *testing.T, url string) *store.Store {
	t.Helper()
	return openWith(t, store.Config{URL: url, Timeout: time.Minute})
}

func openWith(t *testing.T, c store.Config) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return s
}

// raw opens the database beside the store, to see or do what the store cannot.
func raw(t *testing.T, url string) *sql.DB {
	t.Helper()
	driver, dsn := "pgx", url
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		driver, dsn = "sqlite", path+"?_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestRecords(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { testRecords(t, backends["sqlite"]) })
	t.Run("postgres", func(t *testing.T) {
		database := testenv.Postgres(t)
		testRecords(t, func(t *testing.T) string { return newSchema(t, database) })
	})
}

func testRecords(t *testing.T, make func(t *testing.T) string) {
	storetest.Test(t, func(t *testing.T) storetest.Harness {
		clock := storetest.NewClock()
		s := openWith(t, store.Config{URL: make(t), Timeout: time.Minute, Now: clock.Now})
		return storetest.Harness{Records: s, Idempotency: s.Idempotency(), Clock: clock}
	})
	connectionstest.TestStore(t, func(t *testing.T) connectionstest.Records { return open(t, make(t)) })
}

// newSchema returns the URL of a new schema in a database, which is made much
// faster than a database and is as empty.
func newSchema(t *testing.T, database string) string {
	t.Helper()
	name := "s" + strings.ToLower(rand.Text())
	if _, err := raw(t, database).Exec("CREATE SCHEMA " + name); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal("the test's URL is none")
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

func TestURLs(t *testing.T) {
	const secret = "s3cr3t-canary"
	for name, url := range map[string]string{
		"empty":                      "",
		"no scheme":                  "/var/lib/wayleave.db",
		"another scheme":             "mysql://root:" + secret + "@localhost/x",
		"SQLite without a file":      "sqlite:",
		"SQLite in memory":           "sqlite::memory:",
		"SQLite on a host":           "sqlite://host/file.db",
		"SQLite with NUL":            "sqlite:/tmp/a\x00b",
		"PostgreSQL, port no number": "postgres://u:" + secret + "@localhost:port/x",
		"PostgreSQL, bad escape":     "postgres://u:" + secret + "%zz@localhost/x",
		"PostgreSQL, bad mode":       "postgres://u:" + secret + "@localhost/x?sslmode=perhaps",
		"PostgreSQL, two at signs":   "postgres://u:" + secret + "/@x@localhost:1:2/x",
	} {
		_, err := store.Open(context.Background(), store.Config{URL: url})
		if !errors.Is(err, fault.InvalidInput) {
			t.Errorf("%s: Open = %v; want invalid_input", name, err)
		}
		hidden(t, name, err, secret)
	}
}

// hidden fails the test if err shows a secret, to the caller or to the log.
func hidden(t *testing.T, name string, err error, secrets ...string) {
	t.Helper()
	f := fault.From(err)
	for _, shown := range []string{err.Error(), f.Msg, f.Remedy(), f.Error()} {
		for _, secret := range secrets {
			if strings.Contains(shown, secret) {
				t.Errorf("%s: %q is shown in %q", name, secret, shown)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		s := open(t, url)
		if err := s.Check(context.Background()); err != nil {
			t.Errorf("Check = %v", err)
		}
		db := raw(t, url)
		if _, err := db.Exec(`DROP TABLE change_counter`); err != nil {
			t.Fatal(err)
		}
		if err := s.Check(context.Background()); !errors.Is(err, fault.StoreUnavailable) {
			t.Errorf("Check without its table = %v; want store_unavailable", err)
		}
	})
}

func count(t *testing.T, s *store.Store) int {
	t.Helper()
	n, err := store.CountTenants(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
