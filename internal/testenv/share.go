package testenv

import (
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// A shared server has no parts to give to tests of their own, so one test
// process has it at a time. Within the process, tests that overlap share it:
// a test and its subtests, above all, must not wait for each other.
type shared struct {
	mu    sync.Mutex
	users int
	lock  *os.File
}

// inUse is the process's hold on each shared server. It has to outlive any test,
// as overlapping tests share it.
var inUse = map[Service]*shared{ServiceCluster: {}, ServiceSentinel: {}}

// share waits until no other process uses the service, calls reset if nobody in
// this process does, and holds the service until the test has ended.
func share(t testing.TB, service Service, reset func() error) {
	t.Helper()
	s := inUse[service]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users == 0 {
		lock, err := lockFile(filepath.Join(lockFolder(), "wayleave-test-"+string(service)+".lock"))
		if err != nil {
			t.Fatalf("waiting for %s: %v", service, err)
		}
		if err := reset(); err != nil {
			_ = lock.Close()
			t.Fatal(err)
		}
		s.lock = lock
	}
	s.users++
	t.Cleanup(s.release)
}

func (s *shared) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users--; s.users == 0 {
		_ = s.lock.Close() // gives up the lock, too
	}
}

// lockFolder is common to all test processes of a run.
func lockFolder() string {
	if dir := os.Getenv(EnvDir); dir != "" {
		return dir
	}
	return os.TempDir()
}

// lockFile waits for an exclusive lock, which ends with the process at the
// latest.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
