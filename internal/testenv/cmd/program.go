package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/wayleave/wayleave/internal/testenv"
	"github.com/wayleave/wayleave/internal/testenv/servers"
)

// A program is what a service's servers are started with.
type program struct {
	variable string // tells tests where it is; set in our own environment, tells us
	find     func() string
	obtain   func(ctx context.Context) (path, how string, err error)

	path string // empty until found
	how  string // where it is from, for the table
	err  error  // why it could not be had
}

// get finds the program or obtains it, once.
func (p *program) get(ctx context.Context) {
	if p.path != "" || p.err != nil {
		return
	}
	if p.path = os.Getenv(p.variable); p.path != "" {
		p.how = "started " + p.path
		return
	}
	if p.path = p.find(); p.path != "" {
		p.how = "started " + p.path
		return
	}
	p.path, p.how, p.err = p.obtain(ctx)
}

func redisProgram() *program {
	return packaged(testenv.EnvRedisProgram, servers.FindRedis, "redis-server", "redis")
}

func postgresProgram() *program {
	return packaged(testenv.EnvPostgresProgram, servers.FindPostgres, "postgresql", "postgresql@17")
}

// packaged describes a program that Debian and Homebrew have as a package.
func packaged(variable string, find func() string, debian, brew string) *program {
	return &program{variable: variable, find: find, obtain: func(ctx context.Context) (string, string, error) {
		how, err := install(ctx, debian, brew)
		if err != nil {
			return "", "", err
		}
		path := find()
		if path == "" {
			return "", "", fmt.Errorf("%s was installed, but its program was not found", debian)
		}
		return path, how + ", started " + path, nil
	}}
}

// install installs a package with the system's package manager.
func install(ctx context.Context, debian, brew string) (how string, err error) {
	if path, err := exec.LookPath("apt-get"); err == nil {
		return "installed by apt-get", aptInstall(ctx, path, debian)
	}
	if path, err := exec.LookPath("brew"); err == nil {
		fmt.Printf("installing %s with Homebrew\n", brew)
		return "installed by brew", quietly(exec.CommandContext(ctx, path, "install", "--quiet", brew))
	}
	return "", fmt.Errorf("not installed, and there is neither apt-get nor brew to install it with")
}

// aptInstall installs a package of Debian or Ubuntu. Its lists are fetched
// first: those of a fresh image are empty, old ones name files that are gone.
func aptInstall(ctx context.Context, apt, name string) error {
	var prefix []string
	if os.Geteuid() != 0 {
		if err := exec.CommandContext(ctx, "sudo", "-n", "true").Run(); err != nil {
			return fmt.Errorf("not installed, and installing it needs root or passwordless sudo (apt-get install %s)", name)
		}
		prefix = []string{"sudo", "-n"}
	}
	fmt.Printf("installing %s with apt-get\n", name)
	for _, args := range [][]string{
		{"update", "-qq"},
		{"install", "-y", "-qq", "--no-install-recommends", name},
	} {
		words := append(prefix[:len(prefix):len(prefix)], "env", "DEBIAN_FRONTEND=noninteractive", apt, "-o", "DPkg::Lock::Timeout=300")
		words = append(words, args...)
		if err := quietly(exec.CommandContext(ctx, words[0], words[1:]...)); err != nil {
			return err
		}
	}
	return nil
}

// quietly runs a command and shows what it printed only when it fails.
func quietly(cmd *exec.Cmd) error {
	// A package manager that is killed leaves a mess: ask it to end instead.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return errors.Join(fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err),
		errors.New(strings.Join(lines[max(0, len(lines)-5):], " | ")))
}
