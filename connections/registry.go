package connections

import (
	"context"
	"time"

	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/egress"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/feed"
	"github.com/wayleave/wayleave/internal/page"
	"github.com/wayleave/wayleave/toolkits/apps"
)

// Apps finds app definitions. An app that the tenant does not have is
// fault.NotFound.
type Apps interface {
	App(ctx context.Context, tenant, slug string) (*apps.App, error)
}

// Config is what a Registry works with. Every field is needed unless it says
// otherwise.
type Config struct {
	Apps         Apps
	Store        Store
	Attempts     Attempts
	AuthConfigs  credentials.AuthConfigs
	Broker       *credentials.Broker
	Guard        *egress.Guard
	Recorder     *Recorder
	Tracker      Tracker
	Feed         *feed.Feed
	Environments environments.Set

	AttemptTTL  time.Duration    // how long an attempt can be tested; default 24 h
	CallTimeout time.Duration    // longest that one request of an app may take; default 30 s
	MaxBytes    int64            // largest answer of an app, decompressed; default 8 MiB
	Concurrency int              // requests to apps under way at once; default 512
	Now         func() time.Time // default time.Now
}

// A Registry keeps connections and opens them.
type Registry struct {
	Config
	cache *feed.Cache[*opened]
	slots *slots
}

// maxOpened bounds how many opened connections are remembered.
const maxOpened = 200_000

// defaultPerConnection is how many requests one connection may have under way
// when its app does not say.
const defaultPerConnection = 64

// NewRegistry returns a Registry that works with c.
func NewRegistry(c Config) *Registry {
	setDefault(&c.AttemptTTL, 24*time.Hour)
	setDefault(&c.CallTimeout, 30*time.Second)
	setDefault(&c.MaxBytes, 8<<20)
	setDefault(&c.Concurrency, 512)
	if c.Now == nil {
		c.Now = time.Now
	}
	stale := func(ch feed.Change) (string, func(string, *opened) bool) {
		switch ch.Noun {
		case feed.Connection:
			return cacheKey(ch.Tenant, ch.ID), nil
		case feed.AuthConfig:
			return "", func(_ string, o *opened) bool { return o.connection.AuthConfig == ch.ID }
		}
		return "", nil
	}
	return &Registry{Config: c, cache: feed.NewCache(c.Feed, maxOpened, stale), slots: newSlots(c.Concurrency)}
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func cacheKey(tenant, id string) string { return tenant + "/" + id }

// Open opens a connection for use. A connection that was revoked or has expired
// is that fault.
//
// Opening one that is known already touches neither the store nor the Sealer.
func (r *Registry) Open(ctx context.Context, tenant, id string) (*Upstream, error) {
	o, err := r.cache.Get(ctx, cacheKey(tenant, id), func(ctx context.Context) (*opened, error) {
		return r.load(ctx, tenant, id)
	})
	if err != nil {
		return nil, err
	}
	switch o.connection.Status {
	case Revoked:
		return nil, fault.New(fault.ConnectionRevoked, "the connection %q was revoked", o.connection.Name)
	case Expired:
		return nil, fault.New(fault.ConnectionExpired, "the connection %q has expired", o.connection.Name)
	}
	return &Upstream{registry: r, opened: o}, nil
}

// opened is all that a request over a connection needs to know. It holds no
// secret and is shared by every use of the connection.
type opened struct {
	app        *apps.App
	site       *apps.Site
	connection Connection
	grant      credentials.Grant
}

// load reads a connection with what it depends on.
func (r *Registry) load(ctx context.Context, tenant, id string) (*opened, error) {
	c, err := r.Store.Connection(ctx, tenant, id)
	if err != nil {
		return nil, err
	}
	cfg, err := r.AuthConfigs.AuthConfig(ctx, tenant, c.AuthConfig)
	if err != nil {
		return nil, err
	}
	app, err := r.Apps.App(ctx, tenant, c.App)
	if err != nil {
		return nil, err
	}
	return assemble(app, c, cfg.Scheme, cfg.Binding(), cfg.Sealed)
}

// assemble puts together what a request over a connection needs.
func assemble(app *apps.App, c Connection, scheme string, binding credentials.Binding, sealed credentials.Sealed) (*opened, error) {
	auth := app.AuthByID(scheme)
	if auth == nil {
		return nil, fault.New(fault.AuthorizationRejected, "the app %s no longer has the authentication scheme %q", app.Slug, scheme)
	}
	site, err := app.Site(c.Params)
	if err != nil {
		return nil, err
	}
	grant := credentials.Grant{Auth: auth, App: app.Slug, Binding: binding, Sealed: sealed, Params: c.Params}
	return &opened{app: app, site: site, connection: c, grant: grant}, nil
}

// Get returns a connection's record.
func (r *Registry) Get(ctx context.Context, tenant, id string) (Connection, error) {
	return r.Store.Connection(ctx, tenant, id)
}

// List lists a tenant's connections.
func (r *Registry) List(ctx context.Context, tenant string, f credentials.Filter, p page.Request) (page.Page[Connection], error) {
	return r.Store.ListConnections(ctx, tenant, f, p)
}

// Health returns what is tracked of connections, last calls included. When the
// tracker cannot be reached it returns what this process knows.
func (r *Registry) Health(ctx context.Context, tenant string, ids []string) (map[string]Health, error) {
	return r.Recorder.Health(ctx, tenant, ids)
}

// Rename changes the name of a connection. A version other than 0 must be the
// stored one.
func (r *Registry) Rename(ctx context.Context, tenant, id, name string, version int64) (Connection, error) {
	if err := access.CheckName(name); err != nil {
		return Connection{}, err
	}
	return r.change(ctx, tenant, id, version, func(c *Connection) { c.Name = name })
}

// Revoke takes a connection back. Every replica refuses it within a second, and
// nothing makes it work again.
func (r *Registry) Revoke(ctx context.Context, tenant, id string) (Connection, error) {
	c, err := r.change(ctx, tenant, id, 0, func(c *Connection) { r.setStatus(c, Revoked, fault.ConnectionRevoked) })
	if err == nil {
		r.Broker.Forget(c.AuthConfig)
	}
	return c, err
}

// Refresh renews what a connection was granted. One whose scheme is granted
// nothing that expires is fault.InvalidInput.
func (r *Registry) Refresh(ctx context.Context, tenant, id string) (Connection, error) {
	c, err := r.Store.Connection(ctx, tenant, id)
	if err != nil {
		return Connection{}, err
	}
	return Connection{}, fault.New(fault.InvalidInput, "the connection %q has nothing to refresh: its credential does not expire", c.Name).
		WithFix("Re-authorise it to give a new credential.")
}

// Delete removes a connection and what is tracked of it. One that a toolkit
// binds is fault.InUse.
func (r *Registry) Delete(ctx context.Context, tenant, id string) error {
	if err := r.Store.DeleteConnection(ctx, tenant, id); err != nil {
		return err
	}
	r.changed(ctx, feed.Connection, tenant, id)
	// What is left in the tracker of a connection that is gone does no harm.
	_ = r.Recorder.Forget(ctx, tenant, id)
	return nil
}

// change edits a connection. With version 0 the edit is made on whatever is
// stored, again if someone else was faster.
func (r *Registry) change(ctx context.Context, tenant, id string, version int64, edit func(*Connection)) (Connection, error) {
	for try := 0; ; try++ {
		c, err := r.Store.Connection(ctx, tenant, id)
		if err != nil {
			return Connection{}, err
		}
		if version != 0 {
			c.Version = version
		}
		edit(&c)
		c.UpdatedAt = r.now()
		err = r.Store.UpdateConnection(ctx, c)
		if fault.Is(err, fault.PreconditionFailed) && version == 0 && try < 3 {
			continue
		}
		if err != nil {
			return Connection{}, err
		}
		c.Version++
		r.changed(ctx, feed.Connection, tenant, id)
		return c, nil
	}
}

func (r *Registry) setStatus(c *Connection, s Status, reason fault.Kind) {
	if c.Status != s {
		c.StatusSince = r.now()
	}
	c.Status, c.Reason = s, reason
}

// changed makes a change known: to this process at once, to others soon.
func (r *Registry) changed(ctx context.Context, noun, tenant, id string) {
	r.Feed.Tell(feed.Change{Tenant: tenant, Noun: noun, ID: id})
	go func() {
		// Others poll as well, so word that is lost only comes later.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = r.Tracker.Announce(ctx)
	}()
}

func (r *Registry) now() time.Time { return r.Now().UTC().Truncate(time.Microsecond) }
