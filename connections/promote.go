package connections

import (
	"context"
	"fmt"
	"time"

	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/feed"
	"github.com/wayleave/wayleave/internal/ids"
	"github.com/wayleave/wayleave/internal/page"
)

// Test tests an attempt. When its test succeeds the connection is made, or made
// anew, and returned; when it fails the attempt keeps the error and can be
// corrected and tested again. A connection that turns out to belong to another
// account than before is fault.Conflict unless confirmed.
func (r *Registry) Test(ctx context.Context, tenant, id string, confirmed bool) (Attempt, Connection, error) {
	a, err := r.Attempt(ctx, tenant, id)
	if err != nil {
		return Attempt{}, Connection{}, err
	}
	if a.Status == AttemptSucceeded { // asked twice: the answer is the same
		c, err := r.Store.Connection(ctx, tenant, a.Connection)
		return a, c, err
	}
	identity, err := r.try(ctx, a)
	var c Connection
	if err == nil {
		c, err = r.promote(ctx, &a, identity, confirmed)
	}
	if err != nil {
		return r.failed(ctx, a, err), Connection{}, err
	}
	return a, c, nil
}

// try sends the app's test request with what the attempt holds.
func (r *Registry) try(ctx context.Context, a Attempt) (Identity, error) {
	app, err := r.Apps.App(ctx, a.Tenant, a.App)
	if err != nil {
		return Identity{}, err
	}
	binding, sealed := a.Binding(), a.Sealed
	if a.AuthConfig != "" {
		cfg, err := r.AuthConfigs.AuthConfig(ctx, a.Tenant, a.AuthConfig)
		if err != nil {
			return Identity{}, err
		}
		binding, sealed = cfg.Binding(), cfg.Sealed
	}
	c := Connection{ID: a.ID, Tenant: a.Tenant, App: a.App, Environment: a.Environment, Name: a.Name, Params: a.Params}
	o, err := assemble(app, c, a.Scheme, binding, sealed)
	if err != nil {
		return Identity{}, err
	}
	return r.probe(ctx, o, false)
}

// failed keeps what went wrong with the attempt. That one of our own backends
// is down says nothing about the credential, and is not kept.
func (r *Registry) failed(ctx context.Context, a Attempt, err error) Attempt {
	e := fault.From(err)
	switch e.Kind {
	case fault.SealerUnavailable, fault.StoreUnavailable, fault.PreconditionFailed, fault.Internal:
		return a
	}
	a.Status, a.Failure, a.Message, a.UpdatedAt = AttemptFailed, e.Kind, e.Msg, r.now()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if r.Attempts.UpdateAttempt(ctx, a) == nil {
		a.Version++
	}
	return a
}

// promote turns an attempt whose test succeeded into a connection.
func (r *Registry) promote(ctx context.Context, a *Attempt, identity Identity, confirmed bool) (Connection, error) {
	now := r.now()
	c := Connection{
		ID: ids.New(ids.Connection), Tenant: a.Tenant, App: a.App, Environment: a.Environment, Name: a.Name,
		StatusSince: now, CreatedAt: now,
	}
	if a.Reauthorize != "" {
		var err error
		if c, err = r.Store.Connection(ctx, a.Tenant, a.Reauthorize); err != nil {
			return Connection{}, err
		}
		if c.Status == Revoked {
			return Connection{}, fault.New(fault.ConnectionRevoked, "the connection %q was revoked meanwhile", c.Name)
		}
		if c.Identity.ID != "" && c.Identity.ID != identity.ID && !confirmed {
			return Connection{}, fault.New(fault.Conflict, "this credential belongs to %s, the connection so far to %s", identity, c.Identity).
				WithFix("Confirm the other identity, or authorise as the former one.")
		}
	}
	cfg, err := r.promoteConfig(ctx, *a, &c)
	if err != nil {
		return Connection{}, err
	}
	c.Params, c.Identity, c.UpdatedAt = a.Params, identity, now
	r.setStatus(&c, Active, "")
	done := *a // an attempt that cannot be promoted keeps its secrets, to be tested again
	done.Status, done.Connection, done.Failure, done.Message, done.UpdatedAt = AttemptSucceeded, c.ID, "", "", now
	done.Sealed = credentials.Sealed{}
	if err := r.Attempts.Promote(ctx, done, cfg, c); err != nil {
		return Connection{}, err
	}
	*a = done
	a.Version++
	c.Version++
	if cfg != nil {
		r.Broker.Forget(cfg.ID)
		r.changed(ctx, feed.AuthConfig, a.Tenant, cfg.ID)
	}
	r.changed(ctx, feed.Connection, a.Tenant, c.ID)
	return c, nil
}

// promoteConfig decides which AuthConfig the connection will use, and returns
// the one to store with it, if any: a new one, or the connection's own with the
// attempt's secrets. One that other connections share is left as it is, for
// re-authorising one connection must not change others.
func (r *Registry) promoteConfig(ctx context.Context, a Attempt, c *Connection) (*credentials.AuthConfig, error) {
	if a.AuthConfig != "" {
		c.AuthConfig = a.AuthConfig
		return nil, nil
	}
	now := r.now()
	cfg := credentials.AuthConfig{
		ID: ids.New(ids.AuthConfig), Tenant: a.Tenant, App: a.App, Environment: a.Environment, Scheme: a.Scheme,
		Name: a.ConfigName, CreatedAt: now,
	}
	if c.AuthConfig != "" {
		old, own, err := r.ownConfig(ctx, *c)
		if err != nil {
			return nil, err
		}
		if own && old.Scheme == a.Scheme {
			cfg = old
		}
	}
	// A name that nobody chose must not stand in the way: a config may be left of
	// an earlier connection of this name, or shared with others.
	if cfg.Version == 0 && (a.ConfigName == a.Name || c.AuthConfig != "") {
		var err error
		if cfg.Name, err = r.freeName(ctx, cfg); err != nil {
			return nil, err
		}
	}
	cfg.Fields, cfg.Hosts, cfg.UpdatedAt, cfg.RotatedAt = a.Fields, a.Hosts, now, now
	if len(a.Fields) > 0 {
		sealed, err := r.Broker.Move(ctx, a.Binding(), a.Sealed, cfg.Binding(), cfg.Sealed.Serial+1)
		if err != nil {
			return nil, err
		}
		cfg.Sealed = sealed
	}
	c.AuthConfig = cfg.ID
	return &cfg, nil
}

// freeName returns the config's name, or the first of "name 2", "name 3" … that
// no other config of its app and environment has.
func (r *Registry) freeName(ctx context.Context, cfg credentials.AuthConfig) (string, error) {
	taken := map[string]bool{}
	for p := (page.Request{Limit: page.MaxLimit}); ; {
		got, err := r.AuthConfigs.ListAuthConfigs(ctx, cfg.Tenant, credentials.Filter{App: cfg.App, Environment: cfg.Environment}, p)
		if err != nil {
			return "", err
		}
		for _, other := range got.Items {
			taken[other.Name] = true
		}
		if p.After = got.Next; p.After == "" {
			break
		}
	}
	name := cfg.Name
	for n := 2; taken[name]; n++ {
		name = fmt.Sprintf("%s %d", cfg.Name, n)
	}
	return name, nil
}
