package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/wayleave/wayleave/internal/testenv"
	"github.com/wayleave/wayleave/internal/testenv/servers"
)

// vaultdevSource is where the server's module is in the work tree.
const vaultdevSource = "internal/testenv/vaultdev"

func vaultProgram() *program {
	return &program{variable: testenv.EnvVaultProgram, find: servers.FindVault, obtain: buildVault}
}

// buildVault builds vaultdev, or finds it built before from the same sources by
// the same Go.
func buildVault(ctx context.Context) (path, how string, err error) {
	source, err := sourceFolder()
	if err != nil {
		return "", "", err
	}
	sum, err := hashTree(source)
	if err != nil {
		return "", "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", "", err
	}
	cache = filepath.Join(cache, "wayleave-testenv")
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return "", "", err
	}
	// Runs side by side build it once: it takes a gigabyte of memory.
	unlock, err := lock(filepath.Join(cache, "build.lock"))
	if err != nil {
		return "", "", err
	}
	defer unlock()
	path = filepath.Join(cache, "vaultdev-"+sum)
	if _, err := os.Stat(path); err == nil {
		return path, "built earlier from " + vaultdevSource, nil
	}
	return path, "built from " + vaultdevSource, goBuild(ctx, source, path)
}

// goBuild builds the module in the folder source. Without optimisation it
// builds in half the time and is fast enough for tests.
func goBuild(ctx context.Context, source, path string) error {
	fmt.Println("building a Vault server for tests; this takes a minute or two, once")
	cmd := exec.CommandContext(ctx, "go", "build", "-gcflags=all=-N -l", "-ldflags=-s -w", "-o", path+".new", ".")
	cmd.Dir = source
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-mod=readonly")
	if err := quietly(cmd); err != nil {
		return err
	}
	return os.Rename(path+".new", path) // never half a program under the final name
}

// sourceFolder looks for vaultdev from the working folder upwards.
func sourceFolder() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		source := filepath.Join(dir, filepath.FromSlash(vaultdevSource))
		if _, err := os.Stat(filepath.Join(source, "go.mod")); err == nil {
			return source, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no vault or bao on PATH, and " + vaultdevSource + " is not below the working folder to build one from")
		}
		dir = parent
	}
}

// hashTree returns a short digest of every file below dir, of the Go version and
// of the platform.
func hashTree(dir string) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	root := os.DirFS(dir)
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(root, name)
		fmt.Fprintln(h, name, len(raw))
		h.Write(raw)
		return err
	})
	return hex.EncodeToString(h.Sum(nil))[:16], err
}

// lock waits for an exclusive lock on a file.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		_ = f.Close()
		return nil, err
	}
	return func() { _ = f.Close() }, nil
}
