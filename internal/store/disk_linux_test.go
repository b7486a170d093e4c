package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/store"
)

// disk mounts a file system of its own, of a given size, which only root can.
func disk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size+",mode=0700")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("mounting a small disk: %v", err)
		}
		t.Skipf("mounting a small disk needs root and leave to mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmounting: %v", err)
		}
	})
	return dir
}

// A full disk refuses writes, and says so; reads go on, nothing acknowledged is
// lost, and once there is room again so do writes.
func TestFullDisk(t *testing.T) {
	dir := disk(t, "3m")
	url := "sqlite:" + filepath.Join(dir, "records.db")
	s := open(t, url)
	ballast := filepath.Join(dir, "ballast")
	for round := range 3 {
		acknowledged := count(t, s)
		fill(t, ballast)
		var failed error
		for failed == nil { // what is left of the last page of the disk
			if failed = newTenant(s); failed == nil {
				acknowledged++
			}
		}
		if !errors.Is(failed, fault.StoreUnavailable) || !strings.Contains(fault.From(failed).Msg, "full") {
			t.Errorf("round %d: writing to a full disk = %v; want store_unavailable that says so", round, failed)
		}
		if got := count(t, s); got != acknowledged {
			t.Errorf("round %d: %d tenants are there, %d were acknowledged", round, got, acknowledged)
		}
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if err := newTenant(s); err != nil {
				t.Fatalf("round %d: with room again = %v", round, err)
			}
			acknowledged++
		}
		var verdict string
		if err := raw(t, url).QueryRow(`PRAGMA integrity_check`).Scan(&verdict); verdict != "ok" {
			t.Errorf("round %d: integrity_check = %s, %v", round, verdict, err)
		}
		if got := count(t, open(t, url)); got != acknowledged {
			t.Errorf("round %d: opened again, %d tenants are there of %d", round, got, acknowledged)
		}
	}
}

// There is no room for the database at all.
func TestFullDiskAtStart(t *testing.T) {
	dir := disk(t, "64k")
	fill(t, filepath.Join(dir, "ballast"))
	_, err := store.Open(context.Background(), store.Config{URL: "sqlite:" + filepath.Join(dir, "records.db")})
	if !errors.Is(err, fault.StoreUnavailable) || !strings.Contains(fault.From(err).Msg, "full") {
		t.Errorf("Open = %v; want store_unavailable that says the disk is full", err)
	}
	if err := os.Remove(filepath.Join(dir, "ballast")); err != nil {
		t.Fatal(err)
	}
	_, err = store.Open(context.Background(), store.Config{URL: "sqlite:" + filepath.Join(dir, "records.db")})
	if !errors.Is(err, fault.StoreUnavailable) || !strings.Contains(fault.From(err).Msg, "full") {
		t.Errorf("Open with room for half of it = %v; want store_unavailable that says the disk is full", err)
	}
}

// fill writes a file until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("filling the disk: %v", err)
	}
	_ = f.Close()
}

// A disk that cannot be written says so, and is not taken for a damaged one.
func TestReadOnlyDisk(t *testing.T) {
	dir := disk(t, "3m")
	url := "sqlite:" + filepath.Join(dir, "records.db")
	readOnly := func(flag uintptr) {
		t.Helper()
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|flag, ""); err != nil {
			t.Fatalf("mounting it again: %v", err)
		}
	}
	refused := func(what string) {
		t.Helper()
		_, err := store.Open(context.Background(), store.Config{URL: url})
		if !errors.Is(err, fault.StoreUnavailable) || !strings.Contains(fault.From(err).Msg, "written") || fault.From(err).Fix == "" {
			t.Errorf("%s: Open = %v; want store_unavailable that says it cannot be written", what, err)
		}
	}
	readOnly(syscall.MS_RDONLY)
	refused("no file yet")
	readOnly(0)
	s, err := store.Open(context.Background(), store.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(newTenant(s), s.Close()); err != nil {
		t.Fatal(err)
	}
	readOnly(syscall.MS_RDONLY)
	refused("a file that is there")
	readOnly(0)
	if got := count(t, open(t, url)); got != 1 {
		t.Errorf("%d tenants afterwards; want 1", got)
	}
}
