package server

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/credentials/transit"
	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/egress"
	"github.com/wayleave/wayleave/internal/feed"
	"github.com/wayleave/wayleave/internal/httpapi"
	"github.com/wayleave/wayleave/internal/store"
	"github.com/wayleave/wayleave/mcp"
	"github.com/wayleave/wayleave/toolkits"
	"github.com/wayleave/wayleave/toolkits/apps"
	"github.com/wayleave/wayleave/toolkits/rest"
)

// Config says what to put together.
type Config struct {
	StoreURL     string           // sqlite:… or postgres:…; required
	RedisURL     string           // empty: what is tracked is kept in the store
	Vault        *transit.Config  // nil: data keys are wrapped by the local key ring
	LocalKey     string           // file of the local key ring; required without Vault
	KeySoft      time.Duration    // see credentials.Broker
	KeyHard      time.Duration    // 0 keeps no data key in memory
	Environments environments.Set // default dev, staging, prod
	Egress       egress.Policy    // what apps may reach beyond public addresses
	Apps         []*apps.App      // the catalog; a later one replaces one of the same slug
	CallTimeout  time.Duration    // longest request to an app; see connections.Config
	MaxBytes     int64            // largest answer of an app
	Concurrency  int              // requests to apps under way at once
	AttemptTTL   time.Duration    // how long an attempt can be tested
	MCPHosts     []string         // see mcp.Config
	MCPOrigins   []string         // see mcp.Config
	Version      string
	Log          zerolog.Logger
	Now          func() time.Time // default time.Now
}

// A Server is a Wayleave put together. Open one, Start what goes on
// beside requests, then Close it.
type Server struct {
	Directory     *access.Directory
	Authenticator *access.Authenticator
	Connections   *connections.Registry
	Toolkits      *toolkits.Registry
	Runner        *toolkits.Once
	Catalog       *toolkits.Catalog
	Door          *mcp.Door

	config    Config
	readiness readiness
	store     *store.Store
	sealer    credentials.Sealer
	tracker   connections.Tracker
	recorder  *connections.Recorder
	feed      *feed.Feed
	guard     *egress.Guard
	broker    *credentials.Broker
	closers   []func() error // last one first
}

// Open puts a Server together. A backend that is away is no error: what needs it
// answers so until it is back. One that must not be used as it is, such as
// records of a newer version or a wrong local key, is.
func Open(ctx context.Context, c Config) (_ *Server, err error) {
	if c.Environments == nil {
		c.Environments = environments.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &Server{config: c}
	defer func() {
		if err != nil {
			_ = s.closeBackends()
		}
	}()
	if err := s.openBackends(ctx); err != nil {
		return nil, err
	}
	s.assemble()
	return s, nil
}

// assemble makes the registries and the doors over the backends.
func (s *Server) assemble() {
	c := s.config
	s.guard = egress.New(c.Egress)
	s.feed = feed.New(s.store)
	s.recorder = connections.NewRecorder(s.tracker)
	s.recorder.Log = c.Log
	s.broker = &credentials.Broker{Sealer: s.sealer, Schemes: schemes(), Soft: c.KeySoft, Hard: c.KeyHard, Now: c.Now}
	s.Catalog = toolkits.NewCatalog(c.Apps...)
	s.Authenticator = access.NewAuthenticator(s.store, s.feed, c.Now)
	s.Directory = &access.Directory{Tenants: s.store, Actors: s.store, Keys: s.store, Environments: c.Environments,
		Changed: s.announce, Now: c.Now}
	s.Connections = connections.NewRegistry(connections.Config{
		Apps: s.Catalog, Store: s.store, Attempts: s.store, AuthConfigs: s.store, Broker: s.broker, Guard: s.guard,
		Recorder: s.recorder, Tracker: s.tracker, Feed: s.feed, Environments: c.Environments, AttemptTTL: c.AttemptTTL,
		CallTimeout: c.CallTimeout, MaxBytes: c.MaxBytes, Concurrency: c.Concurrency, Now: c.Now,
	})
	s.Toolkits = &toolkits.Registry{Catalog: s.Catalog, Store: s.store, Connections: s.Connections,
		Environments: c.Environments, Feed: s.feed, Changed: s.announce, Now: c.Now}
	s.Runner = &toolkits.Once{
		Runner: toolkits.NewRunner(s.Catalog, s.store, s.Connections, rest.Executor{}, s.feed, c.Now),
		Claims: s.store.Idempotency(),
	}
	s.Door = mcp.New(mcp.Config{Tools: s.Runner, Auth: s.Authenticator, Hosts: c.MCPHosts, Origins: c.MCPOrigins,
		Version: c.Version, Log: c.Log})
}

// schemes lists the ways to authenticate; a new one is added here.
func schemes() []credentials.Scheme {
	return []credentials.Scheme{credentials.None{}, credentials.APIKey{}, credentials.Bearer{}, credentials.Basic{}, credentials.Custom{}}
}

// Handler returns both doors: MCP under /mcp, REST everywhere else.
func (s *Server) Handler() http.Handler {
	api := &httpapi.API{Auth: s.Authenticator, Directory: s.Directory, Connections: s.Connections, Toolkits: s.Toolkits,
		Catalog: s.Catalog, Runner: s.Runner, Environments: s.config.Environments, Ready: s.Ready,
		Version: s.config.Version, Log: s.config.Log}
	rest := api.Handler()
	// No ServeMux here: it redirects a path that is not clean, where the doors
	// answer that there is no such thing.
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/mcp" || strings.HasPrefix(r.URL.Path, "/mcp/") {
			s.Door.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	})
}

// Close ends the Server: MCP calls under way are given until ctx ends. Stop what
// Start began first.
func (s *Server) Close(ctx context.Context) error {
	err := s.Door.Close(ctx)
	s.guard.Close()
	return errors.Join(err, s.closeBackends())
}

func (s *Server) onClose(fn func() error) { s.closers = append(s.closers, fn) }

// closeBackends closes what was opened, last opened first.
func (s *Server) closeBackends() (err error) {
	for _, fn := range slices.Backward(s.closers) {
		err = errors.Join(err, fn())
	}
	s.closers = nil
	return err
}
