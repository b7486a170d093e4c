package servers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// places are where packages put programs without putting them on PATH.
var places = []string{
	"/usr/sbin", "/usr/local/sbin", "/usr/local/bin",
	"/opt/homebrew/bin", "/opt/homebrew/opt/*/bin", "/usr/local/opt/*/bin",
}

// postgresPlaces are where Debian, Red Hat and Homebrew keep the server's
// programs, which they leave off PATH.
var postgresPlaces = []string{
	"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin",
	"/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin",
}

// FindRedis returns the path of a Redis server's program, empty if there is none.
func FindRedis() string { return find("redis-server", "valkey-server") }

// FindVault returns the path of a Vault or OpenBao program, empty if there is
// none.
func FindVault() string { return find("vault", "bao") }

// FindPostgres returns the folder that holds initdb and postgres, of the newest
// version found; empty if there is none.
func FindPostgres() string {
	var dirs []string
	for _, pattern := range postgresPlaces {
		found, _ := filepath.Glob(pattern)
		newestFirst(found)
		dirs = append(dirs, found...)
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		// A link on PATH leads to the folder that also holds what initdb calls.
		if real, err := filepath.EvalSymlinks(path); err == nil {
			dirs = append([]string{filepath.Dir(real)}, dirs...)
		}
	}
	for _, dir := range dirs {
		if runnable(filepath.Join(dir, "initdb")) && runnable(filepath.Join(dir, "postgres")) {
			return dir
		}
	}
	return ""
}

// newestFirst sorts paths that differ in a version by the first number in them.
func newestFirst(paths []string) {
	number := func(path string) int {
		digits := strings.TrimLeftFunc(path, func(r rune) bool { return !unicode.IsDigit(r) })
		end := strings.IndexFunc(digits, func(r rune) bool { return !unicode.IsDigit(r) })
		n, _ := strconv.Atoi(digits[:max(end, 0)])
		return n
	}
	slices.SortStableFunc(paths, func(a, b string) int { return number(b) - number(a) })
}

// find returns the first of the named programs on PATH or in a known place.
func find(names ...string) string {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
		for _, place := range places {
			found, _ := filepath.Glob(filepath.Join(place, name))
			if len(found) > 0 && runnable(found[0]) {
				return found[0]
			}
		}
	}
	return ""
}

func runnable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// ProgramVersion returns the first line that a program prints when asked for its
// version.
func ProgramVersion(path string, args ...string) (string, error) {
	out, err := exec.Command(path, args...).Output()
	if err != nil {
		return "", fmt.Errorf("asking %s for its version: %w", filepath.Base(path), err)
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line), nil
}
