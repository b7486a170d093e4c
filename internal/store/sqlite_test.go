package store_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/ids"
	"github.com/wayleave/wayleave/internal/page"
	"github.com/wayleave/wayleave/internal/store"
)

// newTenant stores a tenant and returns the error of it.
func newTenant(s *store.Store) error {
	id := ids.New(ids.Tenant)
	return s.CreateTenant(context.Background(), access.Tenant{ID: id, Name: id})
}

// newConfig stores an auth config and returns the error of it.
func newConfig(s *store.Store, tenant string) error {
	id := ids.New(ids.AuthConfig)
	return s.CreateAuthConfig(context.Background(), credentials.AuthConfig{ID: id, Tenant: tenant, Name: id})
}

var pageOfOne = page.Request{Limit: 1}

func TestFileModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "for it")
	path := filepath.Join(dir, "records.db")
	s := open(t, "sqlite:"+path)
	if err := newTenant(s); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{
		dir:            0o700 | os.ModeDir,
		path:           0o600,
		path + "-wal":  0o600,
		path + "-shm":  0o600,
		path + ".lock": 0o600,
	} {
		info, err := os.Stat(name)
		if err != nil {
			t.Error(err)
		} else if info.Mode() != want {
			t.Errorf("%s has mode %v; want %v", filepath.Base(name), info.Mode(), want)
		}
	}
}

func TestFileNames(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"plain.db", "with space", "?mode=memory", "#fragment", "100%", "%00", "ünïcode", "a&b=c", "'quote'", ":memory:"} {
		path := filepath.Join(dir, name)
		if err := newTenant(open(t, "sqlite:"+path)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%s: the file is not where it was asked for: %v", name, err)
		}
	}
	t.Chdir(dir)
	open(t, "sqlite:relative.db")
	if _, err := os.Stat(filepath.Join(dir, "relative.db")); err != nil {
		t.Error(err)
	}
}

// What the file promises is what SQLite was told.
func TestPragmas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "records.db")
	open(t, "sqlite:"+path)
	var mode string
	if err := raw(t, "sqlite:"+path).QueryRow(`PRAGMA journal_mode`).Scan(&mode); err != nil || mode != "wal" {
		t.Errorf("journal_mode = %s, %v; want wal", mode, err)
	}
	for pragma, want := range map[string]string{"foreign_keys": "1", "synchronous": "2" /* FULL */} {
		if got := store.WriterPragma(t, "sqlite:"+path, pragma); got != want {
			t.Errorf("%s = %s; want %s", pragma, got, want)
		}
	}
}

func TestDamagedFile(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "whole.db")
	s, err := store.Open(context.Background(), store.Config{URL: "sqlite:" + whole})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(newTenant(s), s.Close()); err != nil { // closing moves all of it into the file
		t.Fatal(err)
	}
	content, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"text":           []byte(strings.Repeat("This is not a database. ", 1000)),
		"cut short":      content[:len(content)/2],
		"first page":     append(bytes.Repeat([]byte{0xff}, 4096), content[4096:]...),
		"behind header":  append(append(bytes.Clone(content[:100]), bytes.Repeat([]byte{0xaa}, 3996)...), content[4096:]...),
		"all but header": append(bytes.Clone(content[:4096]), bytes.Repeat([]byte{0xaa}, len(content)-4096)...),
	} {
		path := filepath.Join(t.TempDir(), "damaged.db")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := store.Open(context.Background(), store.Config{URL: "sqlite:" + path})
		if !errors.Is(err, store.ErrDamaged) || !errors.Is(err, fault.StoreUnavailable) {
			t.Errorf("%s: Open = %v; want ErrDamaged", name, err)
			continue
		}
		if f := fault.From(err); !strings.Contains(f.Fix, "backup") {
			t.Errorf("%s: the fault does not say what to do: %q", name, f.Fix)
		}
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, content) {
			t.Errorf("%s: the damaged file was changed: %v", name, err)
		}
	}
}

func TestNotAFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"a directory":                 dir,
		"a file as a directory":       filepath.Join(file, "records.db"),
		"a directory with a slash":    dir + "/",
		"a name that is far too long": filepath.Join(dir, strings.Repeat("x", 300)),
	} {
		_, err := store.Open(context.Background(), store.Config{URL: "sqlite:" + path})
		if !errors.Is(err, fault.StoreUnavailable) || fault.From(err).Fix == "" {
			t.Errorf("%s: Open = %v; want store_unavailable and what to do", name, err)
		}
	}
}

// Another program that holds the file is waited for, and named when it does not
// let go.
func TestLockedFile(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "records.db")
	s := openWith(t, store.Config{URL: url, Timeout: 200 * time.Millisecond})
	other, err := raw(t, url).Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.ExecContext(context.Background(), `BEGIN EXCLUSIVE`); err != nil {
		t.Fatal(err)
	}
	if err := newTenant(s); !errors.Is(err, fault.StoreUnavailable) {
		t.Errorf("writing a locked file = %v; want store_unavailable", err)
	}
	if err := s.Check(context.Background()); err != nil {
		t.Errorf("reading a locked file = %v; readers need no lock", err)
	}
	if _, err := other.ExecContext(context.Background(), `ROLLBACK`); err != nil {
		t.Fatal(err)
	}
	if err := newTenant(s); err != nil {
		t.Errorf("writing afterwards = %v", err)
	}
}

func TestInspect(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dir", "records.db")
	inspect := func() (*store.Store, error) {
		return store.Open(context.Background(), store.Config{URL: "sqlite:" + path, Inspect: true})
	}
	if _, err := inspect(); !errors.Is(err, fault.StoreUnavailable) {
		t.Errorf("inspecting nothing = %v; want store_unavailable", err)
	}
	if _, err := os.Stat(filepath.Dir(path)); err == nil {
		t.Error("inspecting nothing made a directory")
	}
	s := open(t, "sqlite:"+path)
	beside, err := inspect()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(newTenant(s), beside.Check(context.Background()), beside.Close(), newTenant(s)); err != nil {
		t.Error(err)
	}
	if _, err := raw(t, "sqlite:"+path).Exec(`UPDATE goose_db_version SET is_applied = FALSE WHERE version_id = 1`); err != nil {
		t.Fatal(err)
	}
	if _, err := raw(t, "sqlite:"+path).Exec(`DELETE FROM goose_db_version WHERE version_id > 1`); err != nil {
		t.Fatal(err)
	}
	if _, err := inspect(); !errors.Is(err, fault.StoreUnavailable) || !strings.Contains(fault.From(err).Msg, "schema version 0") {
		t.Errorf("inspecting an older schema = %v; want store_unavailable", err)
	}
}
