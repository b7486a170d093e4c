package connections

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/feed"
	"github.com/wayleave/wayleave/internal/ids"
	"github.com/wayleave/wayleave/toolkits/apps"
)

// A Request asks for a connection, with an AuthConfig that exists or with
// secrets of its own.
type Request struct {
	App         string
	Environment environments.Name
	Name        string
	Params      map[string]any
	AuthConfig  string              // id of an existing one; else Scheme and Secrets
	Scheme      string              // id of an auth scheme of the app; may be left out if it has one
	ConfigName  string              // name of the AuthConfig to make; defaults to Name
	Secrets     credentials.Secrets // what the scheme asks for
}

// Begin makes a pending attempt. Nothing is tested and no connection made yet;
// the secrets are sealed with the attempt.
func (r *Registry) Begin(ctx context.Context, tenant string, q Request) (Attempt, error) {
	if err := access.CheckName(q.Name); err != nil {
		return Attempt{}, err
	}
	if err := r.Environments.Check(q.Environment); err != nil {
		return Attempt{}, err
	}
	a := Attempt{
		ID: ids.New(ids.Attempt), Tenant: tenant, App: q.App, Environment: q.Environment, Name: q.Name,
		Params: q.Params, Scheme: q.Scheme, AuthConfig: q.AuthConfig, ConfigName: q.ConfigName,
	}
	return r.begin(ctx, a, q.Secrets)
}

// Reauthorize makes a pending attempt to authorise a connection again. The
// connection serves with what it has until the attempt's test succeeds, and
// keeps its id, name and bindings. Nil params keep those it has.
func (r *Registry) Reauthorize(ctx context.Context, tenant, id string, params map[string]any, scheme string, secrets credentials.Secrets) (Attempt, error) {
	c, err := r.Store.Connection(ctx, tenant, id)
	if err != nil {
		return Attempt{}, err
	}
	if c.Status == Revoked {
		return Attempt{}, fault.New(fault.ConnectionRevoked, "the connection %q was revoked", c.Name)
	}
	cfg, err := r.AuthConfigs.AuthConfig(ctx, tenant, c.AuthConfig)
	if err != nil {
		return Attempt{}, err
	}
	a := Attempt{
		ID: ids.New(ids.Attempt), Tenant: tenant, App: c.App, Environment: c.Environment, Name: c.Name,
		Params: params, Scheme: scheme, ConfigName: cfg.Name, Reauthorize: c.ID,
	}
	if params == nil {
		a.Params = c.Params
	}
	if scheme == "" {
		a.Scheme = cfg.Scheme
	}
	if len(secrets) == 0 && a.Scheme == cfg.Scheme {
		a.AuthConfig = cfg.ID // test what it has, with other params perhaps
	}
	return r.begin(ctx, a, secrets)
}

// begin checks an attempt, seals its secrets and stores it.
func (r *Registry) begin(ctx context.Context, a Attempt, secrets credentials.Secrets) (Attempt, error) {
	if err := r.fill(ctx, &a, secrets); err != nil {
		return Attempt{}, err
	}
	now := r.now()
	a.Status, a.Version, a.CreatedAt, a.UpdatedAt, a.ExpiresAt = AttemptPending, 1, now, now, now.Add(r.AttemptTTL)
	if err := r.Attempts.CreateAttempt(ctx, a); err != nil {
		return Attempt{}, err
	}
	return a, nil
}

// fill checks the attempt's parts against the app and completes them.
func (r *Registry) fill(ctx context.Context, a *Attempt, secrets credentials.Secrets) error {
	app, err := r.Apps.App(ctx, a.Tenant, a.App)
	if err != nil {
		return err
	}
	if a.Params, err = app.CheckParams(a.Params); err != nil {
		return err
	}
	site, err := app.Site(a.Params)
	if err != nil {
		return err
	}
	if a.Hosts, err = hostNames(site), nil; a.AuthConfig != "" {
		return r.useConfig(ctx, a, secrets)
	}
	auth, err := pickAuth(app, a.Scheme)
	if err != nil {
		return err
	}
	if a.ConfigName == "" {
		a.ConfigName = a.Name
	}
	if err := access.CheckName(a.ConfigName); err != nil {
		return err
	}
	a.Scheme = auth.ID
	return r.sealInto(ctx, a, auth, secrets)
}

// sealInto seals the secrets given with an attempt.
func (r *Registry) sealInto(ctx context.Context, a *Attempt, auth *apps.Auth, secrets credentials.Secrets) error {
	if err := r.Broker.CheckSecrets(auth, secrets); err != nil {
		return err
	}
	if a.Fields = secrets.Names(); len(a.Fields) == 0 {
		a.Sealed = credentials.Sealed{}
		return nil
	}
	content := credentials.Content{App: a.App, Scheme: a.Scheme, Hosts: a.Hosts, Secrets: secrets}
	sealed, err := r.Broker.Seal(ctx, a.Binding(), a.Sealed.Serial+1, content)
	a.Sealed = sealed
	return err
}

// useConfig checks that an existing AuthConfig fits the attempt.
func (r *Registry) useConfig(ctx context.Context, a *Attempt, secrets credentials.Secrets) error {
	if len(secrets) > 0 || a.ConfigName != "" && a.Reauthorize == "" {
		return fault.New(fault.InvalidInput, "auth_config and auth exclude each other").
			WithFix("Name an existing auth_config, or give auth to make a new one.")
	}
	cfg, err := r.AuthConfigs.AuthConfig(ctx, a.Tenant, a.AuthConfig)
	if err != nil {
		return err
	}
	switch {
	case cfg.App != a.App:
		return fault.New(fault.InvalidInput, "the auth config %q is for the app %s, not %s", cfg.Name, cfg.App, a.App)
	case cfg.Environment != a.Environment:
		return fault.New(fault.InvalidInput, "the auth config %q is for the environment %s, not %s", cfg.Name, cfg.Environment, a.Environment)
	case a.Scheme != "" && a.Scheme != cfg.Scheme:
		return fault.New(fault.InvalidInput, "the auth config %q uses the scheme %s, not %s", cfg.Name, cfg.Scheme, a.Scheme)
	}
	a.Scheme = cfg.Scheme
	return checkHosts(cfg, a.Hosts)
}

// checkHosts refuses to send an AuthConfig's credential to hosts it was not
// made for, which new params could otherwise name.
func checkHosts(cfg credentials.AuthConfig, hosts []string) error {
	for _, h := range hosts {
		if len(cfg.Fields) > 0 && !slices.Contains(cfg.Hosts, h) {
			return fault.New(fault.InvalidInput, "the credential of the auth config %q was not given for the host %s", cfg.Name, h).
				WithFix("Give the credential again for this host, as a new auth config.")
		}
	}
	return nil
}

func hostNames(site *apps.Site) []string {
	names := make([]string, len(site.Hosts))
	for i, h := range site.Hosts {
		names[i] = h.String()
	}
	return names
}

// pickAuth finds an auth scheme of an app; one without a name will do if the
// app has a single one.
func pickAuth(app *apps.App, id string) (*apps.Auth, error) {
	if id == "" && len(app.Auth) == 1 {
		return app.Auth[0], nil
	}
	if auth := app.AuthByID(id); auth != nil {
		return auth, nil
	}
	known := make([]string, len(app.Auth))
	for i, a := range app.Auth {
		known[i] = a.ID
	}
	return nil, fault.New(fault.InvalidInput, "the app %s has no authentication scheme %q", app.Slug, id).
		WithFix("Use one of: %s.", strings.Join(known, ", "))
}

// Attempt returns an attempt; one that expired is fault.NotFound.
func (r *Registry) Attempt(ctx context.Context, tenant, id string) (Attempt, error) {
	a, err := r.Attempts.Attempt(ctx, tenant, id)
	if err == nil && !r.Now().Before(a.ExpiresAt) {
		return Attempt{}, fault.New(fault.NotFound, "there is no attempt %q", id)
	}
	return a, err
}

// Correct changes what an attempt that has not succeeded will be tested with.
// Nil params keep those it has; without secrets it keeps its own.
func (r *Registry) Correct(ctx context.Context, tenant, id, name string, params map[string]any, secrets credentials.Secrets) (Attempt, error) {
	a, err := r.Attempt(ctx, tenant, id)
	if err != nil {
		return Attempt{}, err
	}
	if a.Status == AttemptSucceeded {
		return Attempt{}, fault.New(fault.Conflict, "the attempt has succeeded already").
			WithFix("Re-authorise the connection %s to change its credential.", a.Connection)
	}
	hosts := a.Hosts
	if name != "" {
		if a.ConfigName == a.Name { // it was named after the connection
			a.ConfigName = name
		}
		a.Name = name
	}
	if err := access.CheckName(a.Name); err != nil {
		return Attempt{}, err
	}
	if params != nil {
		a.Params = params
	}
	if len(secrets) > 0 {
		err = r.fill(ctx, &a, secrets)
	} else {
		err = r.keepSecrets(ctx, &a, hosts)
	}
	if err != nil {
		return Attempt{}, err
	}
	a.Status, a.Failure, a.Message, a.UpdatedAt = AttemptPending, "", "", r.now()
	if err := r.Attempts.UpdateAttempt(ctx, a); err != nil {
		return Attempt{}, err
	}
	a.Version++
	return a, nil
}

// keepSecrets checks changed params of an attempt whose secrets stay. They stay
// for the hosts they were given for.
func (r *Registry) keepSecrets(ctx context.Context, a *Attempt, hosts []string) error {
	app, err := r.Apps.App(ctx, a.Tenant, a.App)
	if err != nil {
		return err
	}
	if a.Params, err = app.CheckParams(a.Params); err != nil {
		return err
	}
	site, err := app.Site(a.Params)
	if err != nil {
		return err
	}
	a.Hosts = hostNames(site)
	return checkHosts(credentials.AuthConfig{Name: a.ConfigName, Fields: a.Fields, Hosts: hosts}, a.Hosts)
}

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
	return probe(ctx, &Upstream{registry: r, opened: o, check: true, untold: true})
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

// Prune forgets attempts that expired.
func (r *Registry) Prune(ctx context.Context) (int, error) {
	return r.Attempts.DeleteAttemptsBefore(ctx, r.now())
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
		} else {
			cfg.Name += " " + now.Format("2006-01-02 15:04:05")
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
