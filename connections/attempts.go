package connections

import (
	"context"

	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/ids"
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
		err = r.keepSecrets(ctx, &a)
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

// Prune forgets attempts that expired.
func (r *Registry) Prune(ctx context.Context) (int, error) {
	return r.Attempts.DeleteAttemptsBefore(ctx, r.now())
}
