package connections

import (
	"context"
	"slices"
	"strings"

	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/toolkits/apps"
)

// fill checks the attempt's parts against the app and completes them.
func (r *Registry) fill(ctx context.Context, a *Attempt, secrets credentials.Secrets) error {
	app, err := r.locate(ctx, a)
	if err != nil {
		return err
	}
	if a.AuthConfig != "" {
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

// locate finds the attempt's app, checks its params and sets the hosts that they
// lead to.
func (r *Registry) locate(ctx context.Context, a *Attempt) (*apps.App, error) {
	app, err := r.Apps.App(ctx, a.Tenant, a.App)
	if err != nil {
		return nil, err
	}
	if a.Params, err = app.CheckParams(a.Params); err != nil {
		return nil, err
	}
	site, err := app.Site(a.Params)
	if err != nil {
		return nil, err
	}
	a.Hosts = make([]string, len(site.Hosts))
	for i, h := range site.Hosts {
		a.Hosts[i] = h.String()
	}
	return app, nil
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

// keepSecrets checks changed params of an attempt whose secrets stay. They stay
// for the hosts they were given for.
func (r *Registry) keepSecrets(ctx context.Context, a *Attempt) error {
	hosts := a.Hosts
	if _, err := r.locate(ctx, a); err != nil {
		return err
	}
	if a.AuthConfig != "" {
		return r.useConfig(ctx, a, nil)
	}
	return checkHosts(credentials.AuthConfig{Name: a.ConfigName, Fields: a.Fields, Hosts: hosts}, a.Hosts)
}
