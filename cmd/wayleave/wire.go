package main

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/rs/zerolog"

	"github.com/wayleave/wayleave/config"
	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/credentials/localkey"
	"github.com/wayleave/wayleave/credentials/transit"
	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/egress"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/feed"
	"github.com/wayleave/wayleave/internal/httpapi"
	"github.com/wayleave/wayleave/internal/redis"
	"github.com/wayleave/wayleave/internal/store"
	"github.com/wayleave/wayleave/mcp"
	"github.com/wayleave/wayleave/toolkits"
	"github.com/wayleave/wayleave/toolkits/rest"
)

// system is the whole product, wired: what every part is given, in the order
// in which a call passes through. Close it when done.
type system struct {
	cfg *config.Config
	log zerolog.Logger

	store     *store.Store
	tracker   connections.Tracker
	broker    *credentials.Broker
	guard     *egress.Guard
	feed      *feed.Feed
	recorder  *connections.Recorder
	auth      *access.Authenticator
	directory *access.Directory
	registry  *connections.Registry
	toolkits  *toolkits.Registry
	catalog   *toolkits.Catalog
	runner    *toolkits.Runner
	door      *mcp.Door

	closers []func() // run last to first
}

// schemes are the ways to authenticate that connections may use.
func schemes() []credentials.Scheme {
	return []credentials.Scheme{credentials.None{}, credentials.APIKey{}, credentials.Bearer{}, credentials.Basic{}, credentials.Custom{}}
}

// wire opens the store and puts everything together. self are the addresses
// that this process serves on, which no app may reach.
//
// It fails if the store cannot be opened or something is set up wrongly. It
// does not fail because Vault or Redis cannot be reached: they are used once
// they can, and /readyz tells until then.
func wire(ctx context.Context, cfg *config.Config, log zerolog.Logger, self []netip.AddrPort) (_ *system, err error) {
	s := &system{cfg: cfg, log: log}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.store, err = store.Open(ctx, store.Config{URL: cfg.Store.URL.Reveal()}); err != nil {
		return nil, err
	}
	s.onClose(func() { _ = s.store.Close() })
	if s.catalog, err = loadCatalog(cfg.AppsDir); err != nil {
		return nil, err
	}
	if s.tracker, err = s.openTracker(ctx); err != nil {
		return nil, err
	}
	sealer, err := s.openSealer(ctx)
	if err != nil {
		return nil, err
	}
	s.broker = &credentials.Broker{Sealer: sealer, Schemes: schemes(), Soft: cfg.Keys.Soft, Hard: cfg.Keys.Hard}
	rules, _, err := egressRules(cfg)
	if err != nil {
		return nil, err
	}
	s.guard = egress.New(egress.Policy{Allow: rules, Self: self})
	s.onClose(s.guard.Close)
	s.wireServices()
	return s, nil
}

// wireServices builds the services and the agents' door on what was opened.
func (s *system) wireServices() {
	envs := environmentSet(s.cfg)
	s.feed = feed.New(s.store)
	s.recorder = connections.NewRecorder(s.tracker)
	s.recorder.Log = s.log
	s.auth = access.NewAuthenticator(s.store, s.feed, nil)
	s.directory = &access.Directory{Tenants: s.store, Actors: s.store, Keys: s.store, Environments: envs, Changed: s.announce}
	s.registry = connections.NewRegistry(connections.Config{
		Apps: s.catalog, Store: s.store, Attempts: s.store, AuthConfigs: s.store,
		Broker: s.broker, Guard: s.guard, Recorder: s.recorder, Tracker: s.tracker, Feed: s.feed, Environments: envs,
		AttemptTTL: s.cfg.Attempts.TTL, CallTimeout: s.cfg.Limits.CallTimeout,
		MaxBytes: int64(s.cfg.Limits.MaxResponseBytes), Concurrency: s.cfg.Limits.GlobalConcurrency,
	})
	s.toolkits = &toolkits.Registry{Catalog: s.catalog, Store: s.store, Connections: s.registry, Environments: envs, Feed: s.feed, Changed: s.announce}
	s.runner = toolkits.NewRunner(s.catalog, s.store, s.registry, rest.Executor{}, s.feed, nil)
	s.door = mcp.New(mcp.Config{
		Tools: s.runner, Auth: s.auth, Hosts: doorHosts(s.cfg), Origins: s.cfg.MCP.Origins, Version: version(), Log: s.log,
	})
}

// openTracker opens Redis if it is configured, and otherwise keeps health in
// the store.
func (s *system) openTracker(ctx context.Context) (connections.Tracker, error) {
	if s.cfg.Redis.URL.IsZero() {
		return s.store.Tracker(), nil
	}
	t, err := redis.Open(ctx, redis.Config{URL: s.cfg.Redis.URL.Reveal(), Log: s.log})
	if err != nil {
		return nil, err
	}
	s.onClose(func() { _ = t.Close() })
	for _, warning := range t.Warnings(ctx) {
		s.log.Warn().Msg(warning)
	}
	return t, nil
}

// openSealer opens Vault if it is configured, and otherwise the local key ring,
// which the first start makes. Credentials that another Sealer sealed refuse to
// start: with the wrong one they would all fail, one by one.
func (s *system) openSealer(ctx context.Context) (credentials.Sealer, error) {
	sealed, any, err := s.store.AnySealed(ctx)
	if err != nil {
		return nil, err
	}
	provider := "local"
	if s.cfg.Vault.Address != "" {
		provider = "transit"
	}
	if any && sealed.Provider != provider {
		return nil, fault.New(fault.SealerUnavailable, "stored credentials were sealed by %q, and the configuration asks for %q", sealed.Provider, provider).
			WithFix("Set or leave out vault.address as it was when they were sealed.")
	}
	if provider == "transit" {
		return s.openVault(ctx)
	}
	ring, err := localkey.Open(ctx, s.cfg.LocalKey.File, func(context.Context) ([]string, error) {
		if any {
			return []string{sealed.Name}, nil
		}
		return nil, nil
	})
	if errors.Is(err, localkey.ErrNoRing) {
		s.log.Info().Str("file", s.cfg.LocalKey.File).Msg("making the local key ring; keep a copy of it apart from the records")
		return localkey.Create(s.cfg.LocalKey.File)
	}
	return ring, err
}

func (s *system) openVault(ctx context.Context) (credentials.Sealer, error) {
	v := s.cfg.Vault
	auth := transit.Auth{Method: v.Auth, RoleID: v.RoleID, Mount: v.AppRoleMount,
		TokenFile: s.cfg.SecretFile("vault.token"), SecretIDFile: s.cfg.SecretFile("vault.secret_id")}
	if auth.TokenFile == "" {
		auth.Token = v.Token.Reveal()
	}
	if auth.SecretIDFile == "" {
		auth.SecretID = v.SecretID.Reveal()
	}
	sealer, err := transit.Open(ctx, transit.Config{Address: v.Address, Mount: v.Mount, KeyPrefix: v.KeyPrefix, Namespace: v.Namespace,
		CACert: v.CAFile, Auth: auth, Environments: environmentSet(s.cfg), Log: s.log})
	if err != nil {
		return nil, err
	}
	s.onClose(sealer.Close)
	return sealer, nil
}

// api returns the REST door.
func (s *system) api() http.Handler {
	ready := &readiness{checks: s.checks, now: time.Now}
	api := &httpapi.API{Auth: s.auth, Directory: s.directory, Connections: s.registry, Toolkits: s.toolkits, Catalog: s.catalog,
		Runner: s.runner, Environments: environmentSet(s.cfg), Ready: ready.get, Version: version(), Log: s.log}
	return api.Handler()
}

// handler returns both doors.
func (s *system) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/mcp", s.door)
	mux.Handle("/mcp/{environment}", s.door)
	mux.Handle("/", s.api())
	return mux
}

func (s *system) onClose(fn func()) { s.closers = append(s.closers, fn) }

// close ends everything, last opened first.
func (s *system) close() {
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
	s.closers = nil
}

func environmentSet(cfg *config.Config) environments.Set {
	set := make(environments.Set, len(cfg.Environments))
	for i, name := range cfg.Environments {
		set[i] = environments.Name(name)
	}
	return set
}
