package connections

import (
	"context"

	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/feed"
	"github.com/wayleave/wayleave/internal/ids"
	"github.com/wayleave/wayleave/internal/page"
)

// A ConfigRequest asks for an AuthConfig that no connection uses yet.
type ConfigRequest struct {
	App         string
	Environment environments.Name
	Scheme      string
	Name        string
	Params      map[string]any // decide the hosts that the credential may be sent to
	Secrets     credentials.Secrets
}

// CreateAuthConfig makes an AuthConfig. It is tested with each connection that
// is made with it, not before.
func (r *Registry) CreateAuthConfig(ctx context.Context, tenant string, q ConfigRequest) (credentials.AuthConfig, error) {
	if err := r.Environments.Check(q.Environment); err != nil {
		return credentials.AuthConfig{}, err
	}
	// An attempt is checked and filled the same way; here it is not stored.
	a := Attempt{ID: ids.New(ids.AuthConfig), Tenant: tenant, App: q.App, Environment: q.Environment,
		Scheme: q.Scheme, ConfigName: q.Name, Name: q.Name, Params: q.Params}
	if err := access.CheckName(q.Name); err != nil {
		return credentials.AuthConfig{}, err
	}
	if err := r.fill(ctx, &a, q.Secrets); err != nil {
		return credentials.AuthConfig{}, err
	}
	now := r.now()
	cfg := credentials.AuthConfig{ID: a.ID, Tenant: tenant, App: a.App, Environment: a.Environment, Scheme: a.Scheme,
		Name: q.Name, Fields: a.Fields, Hosts: a.Hosts, Sealed: a.Sealed, Version: 1,
		CreatedAt: now, UpdatedAt: now, RotatedAt: now}
	return cfg, r.AuthConfigs.CreateAuthConfig(ctx, cfg)
}

// A ConfigEdit changes an AuthConfig. Empty fields keep what there is.
type ConfigEdit struct {
	Name     string
	Secrets  credentials.Secrets // those given are replaced, the others kept
	SkipTest bool                // store new secrets without testing them first
	Version  int64               // if not 0 it must be the stored one
}

// EditAuthConfig changes an AuthConfig. New secrets are tested over one of its
// connections before they are stored, and from then on all of its connections
// use them; a test that fails changes nothing.
func (r *Registry) EditAuthConfig(ctx context.Context, tenant, id string, e ConfigEdit) (credentials.AuthConfig, error) {
	cfg, err := r.AuthConfigs.AuthConfig(ctx, tenant, id)
	if err != nil {
		return credentials.AuthConfig{}, err
	}
	if e.Version != 0 {
		cfg.Version = e.Version
	}
	if e.Name != "" {
		if err := access.CheckName(e.Name); err != nil {
			return credentials.AuthConfig{}, err
		}
		cfg.Name = e.Name
	}
	if len(e.Secrets) > 0 {
		if err := r.rotate(ctx, &cfg, e); err != nil {
			return credentials.AuthConfig{}, err
		}
	}
	cfg.UpdatedAt = r.now()
	if err := r.AuthConfigs.UpdateAuthConfig(ctx, cfg); err != nil {
		return credentials.AuthConfig{}, err
	}
	cfg.Version++
	r.Broker.Forget(cfg.ID)
	r.changed(ctx, feed.AuthConfig, tenant, id)
	return cfg, nil
}

// rotate replaces secrets of cfg and tests the outcome.
func (r *Registry) rotate(ctx context.Context, cfg *credentials.AuthConfig, e ConfigEdit) error {
	app, err := r.Apps.App(ctx, cfg.Tenant, cfg.App)
	if err != nil {
		return err
	}
	auth, err := pickAuth(app, cfg.Scheme)
	if err != nil {
		return err
	}
	if err := r.Broker.CheckChanged(auth, e.Secrets); err != nil {
		return err
	}
	sealed, fields, err := r.Broker.Merge(ctx, cfg.Binding(), cfg.Sealed, cfg.Sealed.Serial+1, e.Secrets, cfg.Hosts)
	if err != nil {
		return err
	}
	cfg.Sealed, cfg.Fields, cfg.RotatedAt = sealed, fields, r.now()
	if e.SkipTest {
		return nil
	}
	return r.testConfig(ctx, *cfg)
}

// testConfig tests a config that is not stored yet over one of its connections.
// One that no connection uses cannot be tested, and passes.
func (r *Registry) testConfig(ctx context.Context, cfg credentials.AuthConfig) error {
	users, err := r.Store.ListConnections(ctx, cfg.Tenant, credentials.Filter{AuthConfig: cfg.ID}, page.Request{})
	if err != nil {
		return err
	}
	for _, c := range users.Items {
		if c.Status == Revoked {
			continue
		}
		app, err := r.Apps.App(ctx, cfg.Tenant, cfg.App)
		if err != nil {
			return err
		}
		o, err := assemble(app, c, cfg.Scheme, cfg.Binding(), cfg.Sealed)
		if err != nil {
			return err
		}
		if _, err = r.probe(ctx, o, false); err == nil || ours(fault.From(err).Kind) {
			return err
		}
		return fault.Wrap(fault.TestFailed, err, "the new secrets failed the test over the connection %q: %s", c.Name, fault.From(err).Msg).
			WithFix("Nothing was changed. Correct the secrets and try again.")
	}
	return nil
}

// AuthConfig returns an AuthConfig.
func (r *Registry) AuthConfig(ctx context.Context, tenant, id string) (credentials.AuthConfig, error) {
	return r.AuthConfigs.AuthConfig(ctx, tenant, id)
}

// ListAuthConfigs lists a tenant's AuthConfigs.
func (r *Registry) ListAuthConfigs(ctx context.Context, tenant string, f credentials.Filter, p page.Request) (page.Page[credentials.AuthConfig], error) {
	return r.AuthConfigs.ListAuthConfigs(ctx, tenant, f, p)
}

// DeleteAuthConfig removes an AuthConfig; one that connections use is
// fault.InUse.
func (r *Registry) DeleteAuthConfig(ctx context.Context, tenant, id string) error {
	if err := r.AuthConfigs.DeleteAuthConfig(ctx, tenant, id); err != nil {
		return err
	}
	r.Broker.Forget(id)
	r.changed(ctx, feed.AuthConfig, tenant, id)
	return nil
}
