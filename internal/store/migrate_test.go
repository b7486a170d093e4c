package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/store"
)

// newest returns the schema version that this program knows.
func newest(t *testing.T) int64 {
	t.Helper()
	files, err := filepath.Glob("migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no migrations: %v", err)
	}
	return int64(len(files)) // they are numbered from 1 without gaps
}

func TestMigrations(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		ctx := context.Background()
		first := open(t, url)
		version, err := first.SchemaVersion(ctx)
		if version != newest(t) || err != nil {
			t.Errorf("SchemaVersion = %d, %v; want %d", version, err, newest(t))
		}
		if err := first.CreateTenant(ctx, access.Tenant{ID: "ten_1", Name: "kept"}); err != nil {
			t.Fatal(err)
		}
		again := open(t, url) // beside the first
		if n, err := again.Tenant(ctx, "ten_1"); n.Name != "kept" || err != nil {
			t.Errorf("opened again: Tenant = %v, %v", n, err)
		}
		if version, err := again.SchemaVersion(ctx); version != newest(t) || err != nil {
			t.Errorf("opened again: SchemaVersion = %d, %v", version, err)
		}
	})
}

func TestOpenTogether(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				s, err := store.Open(context.Background(), store.Config{URL: url, Timeout: time.Minute})
				if err != nil {
					t.Errorf("Open = %v", err)
					return
				}
				if err := s.Check(context.Background()); err != nil {
					t.Errorf("Check = %v", err)
				}
				if err := s.Close(); err != nil {
					t.Errorf("Close = %v", err)
				}
			})
		}
		all.Wait()
		var applied int
		if err := raw(t, url).QueryRow(`SELECT COUNT(*) FROM goose_db_version`).Scan(&applied); err != nil {
			t.Fatal(err)
		}
		if want := int(newest(t)) + 1; applied != want { // goose notes a version 0
			t.Errorf("%d migrations were applied; want %d", applied, want)
		}
	})
}

func TestNewerSchema(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		if err := open(t, url).CreateTenant(context.Background(), access.Tenant{ID: "ten_1", Name: "kept"}); err != nil {
			t.Fatal(err)
		}
		db := raw(t, url)
		if _, err := db.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, TRUE)`); err != nil {
			t.Fatal(err)
		}
		_, err := store.Open(context.Background(), store.Config{URL: url})
		if !errors.Is(err, store.ErrNewerSchema) || !errors.Is(err, fault.StoreUnavailable) {
			t.Fatalf("Open = %v; want ErrNewerSchema", err)
		}
		if f := fault.From(err); !strings.Contains(f.Msg, "9999") || f.Fix == "" {
			t.Errorf("the fault does not say which version, or what to do: %q, %q", f.Msg, f.Fix)
		}
		if _, err := db.Exec(`DELETE FROM goose_db_version WHERE version_id = 9999`); err != nil {
			t.Fatal(err)
		}
		if n, err := open(t, url).Tenant(context.Background(), "ten_1"); n.Name != "kept" || err != nil {
			t.Errorf("after the refusal: Tenant = %v, %v", n, err)
		}
	})
}

// A migration that fails leaves the version before it, and says which it was.
func TestFailedMigration(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		db := raw(t, url)
		if _, err := db.Exec(`CREATE TABLE changes (in_the_way TEXT)`); err != nil {
			t.Fatal(err)
		}
		_, err := store.Open(context.Background(), store.Config{URL: url})
		if !errors.Is(err, fault.StoreUnavailable) || !strings.Contains(fault.From(err).Msg, "version 1") {
			t.Fatalf("Open = %v; want store_unavailable that names version 1", err)
		}
		var n int
		if err := db.QueryRow(`SELECT COUNT(*) FROM tenants`).Scan(&n); err == nil {
			t.Error("the migration that failed left a table")
		}
		if _, err := db.Exec(`DROP TABLE changes`); err != nil {
			t.Fatal(err)
		}
		open(t, url)
	})
}

// Migrations are numbered without gaps, and each is one transaction: one that is
// interrupted leaves nothing behind.
func TestMigrationFiles(t *testing.T) {
	for i := range newest(t) {
		files, err := filepath.Glob("migrations/0000" + string(rune('1'+i)) + "_*.sql")
		if err != nil || len(files) != 1 {
			t.Fatalf("migration %d: %v, %v; want one", i+1, files, err)
		}
		text, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "-- +goose Up") || strings.Contains(string(text), "NO TRANSACTION") {
			t.Errorf("%s is not run in one transaction", files[0])
		}
	}
}
