package main

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/wayleave/wayleave/cmd/wayleave/internal/client"
	"github.com/wayleave/wayleave/config"
	"github.com/wayleave/wayleave/credentials/localkey"
	"github.com/wayleave/wayleave/credentials/transit"
	"github.com/wayleave/wayleave/internal/redis"
	"github.com/wayleave/wayleave/internal/store"
)

// examination is one run of doctor.
type examination struct {
	cfg *config.Config
	log zerolog.Logger

	ring  string // id of a local key that stored credentials need
	other string // provider that stored credentials need, if it is not the configured one
}

func (e *examination) settings(context.Context) finding {
	if w := e.cfg.Warnings(); len(w) > 0 {
		return warned("", "%s", strings.Join(w, "; "))
	}
	return well("valid")
}

func (e *examination) dataDir(context.Context) finding {
	dir := e.cfg.DataDir
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return unused("%s is made at the first start", dir)
	case err != nil:
		return broken("Correct its permissions, or choose another with data_dir.", "%s: %v", dir, plainError(err))
	case !info.IsDir():
		return broken("Choose a directory with data_dir.", "%s is not a directory", dir)
	case info.Mode().Perm()&0o077 != 0:
		return broken("chmod 700 "+dir, "%s can be entered by other users (mode %04o)", dir, info.Mode().Perm())
	}
	probe, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return broken("Give it to the user that runs Wayleave.", "%s cannot be written: %v", dir, plainError(err))
	}
	_ = probe.Close()
	_ = os.Remove(probe.Name())
	return well("%s", dir)
}

// port tells a free port from one that a Wayleave server, or something else,
// holds.
func (e *examination) port(ctx context.Context) finding {
	l, err := net.Listen("tcp", e.cfg.Listen)
	if err == nil {
		_ = l.Close()
		return well("%s is free; no server runs there", e.cfg.Listen)
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		var op *net.OpError
		if errors.As(err, &op) {
			err = op.Err
		}
		return broken("Choose another address with listen.", "%s: %v", e.cfg.Listen, err)
	}
	cl, err := client.New(localBase(e.cfg), "")
	if err != nil {
		return brokenBy(err)
	}
	raw, err := cl.Do(ctx, client.Request{Method: http.MethodGet, Path: "/readyz"})
	var p *client.Problem
	switch {
	case err == nil && find(decode(raw), "status") == "ok":
		return well("a server answers at %s and is ready", e.cfg.Listen)
	case errors.As(err, &p) && p.Status == http.StatusServiceUnavailable:
		return broken("See the checks below; the server goes on by itself once they are well.", "a server answers at %s and is not ready", e.cfg.Listen)
	}
	return broken("Stop it, or choose another address with listen.", "something that is no Wayleave server uses %s", e.cfg.Listen)
}

// records opens the store if there is one, without changing it.
func (e *examination) records(ctx context.Context) finding {
	url := e.cfg.Store.URL.Reveal()
	file, isFile := strings.CutPrefix(url, "sqlite:")
	if isFile {
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return unused("%s is made at the first start", file)
		}
	}
	s, err := store.Open(ctx, store.Config{URL: url, Inspect: true})
	if err != nil {
		return brokenBy(err)
	}
	defer func() { _ = s.Close() }()
	version, err := s.SchemaVersion(ctx)
	if err != nil {
		return brokenBy(err)
	}
	sealed, any, err := s.AnySealed(ctx)
	if err != nil {
		return brokenBy(err)
	}
	if any && sealed.Provider == "local" {
		e.ring = sealed.Name
	}
	if any && (sealed.Provider == "local") != (e.cfg.Vault.Address == "") {
		e.other = sealed.Provider
	}
	if isFile {
		return well("%s, schema version %d", file, version)
	}
	return well("PostgreSQL answers, schema version %d", version)
}

func (e *examination) keyRing(ctx context.Context) finding {
	if e.other != "" {
		return broken("Set or leave out vault.address as it was when they were sealed.", "stored credentials were sealed by %q, which is not what is configured", e.other)
	}
	if e.cfg.Vault.Address != "" {
		return unused("not used: data keys are wrapped by Vault")
	}
	ring, err := localkey.Open(ctx, e.cfg.LocalKey.File, func(context.Context) ([]string, error) {
		if e.ring == "" {
			return nil, nil
		}
		return []string{e.ring}, nil
	})
	if errors.Is(err, localkey.ErrNoRing) {
		return unused("%s is made at the first start", e.cfg.LocalKey.File)
	}
	if err == nil {
		err = ring.Check(ctx)
	}
	if err != nil {
		return brokenBy(err)
	}
	return well("%s, version %d; keep a copy of it apart from the records", e.cfg.LocalKey.File, ring.Version())
}

func (e *examination) vault(ctx context.Context) finding {
	c := vaultConfig(e.cfg)
	if c == nil {
		return unused("not configured")
	}
	c.Environments, c.Log = environmentSet(e.cfg), e.log
	sealer, err := transit.Open(ctx, *c)
	if err != nil {
		return brokenBy(err)
	}
	defer sealer.Close()
	if err := sealer.Check(ctx); err != nil {
		return brokenBy(err)
	}
	return well("%s wraps and unwraps keys in every environment", e.cfg.Vault.Address)
}

func (e *examination) redis(ctx context.Context) finding {
	if e.cfg.Redis.URL.IsZero() {
		return unused("not configured")
	}
	t, err := redis.Open(ctx, redis.Config{URL: e.cfg.Redis.URL.Reveal(), Log: e.log.Level(zerolog.Disabled)})
	if err != nil {
		return brokenBy(err)
	}
	defer func() { _ = t.Close() }()
	if err := t.Check(ctx); err != nil {
		return brokenBy(err)
	}
	if w := t.Warnings(ctx); len(w) > 0 {
		return warned("", "%s", strings.Join(w, "; "))
	}
	return well("answers")
}

func (e *examination) egress(context.Context) finding {
	rules, warnings, err := egressRules(e.cfg)
	switch {
	case err != nil:
		return brokenBy(err)
	case len(warnings) > 0:
		return warned("", "%s", strings.Join(warnings, "; "))
	case len(rules) == 0:
		return well("public addresses alone")
	}
	return well("public addresses, and %s", strings.Join(e.cfg.Egress.Allow, ", "))
}

func (e *examination) apps(context.Context) finding {
	all, err := loadApps(e.cfg.AppsDir)
	if err != nil {
		var own *failure
		if errors.As(err, &own) {
			return broken(own.fix, "%s", own.message)
		}
		return brokenBy(err)
	}
	return well("%d apps", len(all))
}

// oldest is a time that no clock which is right can be before: this file was
// written then.
var oldest = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// clock compares this machine's clock with what cannot be.
func (e *examination) clock(context.Context) finding {
	now := time.Now()
	if now.Before(oldest) {
		return broken("Set the clock; keys and certificates depend on it.", "this machine's clock says %s", now.UTC().Format(time.RFC3339))
	}
	if info, err := os.Stat(filepath.Join(e.cfg.DataDir, "wayleave.db")); err == nil && info.ModTime().After(now.Add(time.Minute)) {
		return warned("Check the clock.", "the records were written in the future, at %s", info.ModTime().UTC().Format(time.RFC3339))
	}
	return well("%s", now.UTC().Format(time.RFC3339))
}
