package toolkits

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/feed"
	"github.com/wayleave/wayleave/internal/ids"
	"github.com/wayleave/wayleave/internal/page"
	"github.com/wayleave/wayleave/toolkits/apps"
)

// A Finder finds connections; *connections.Registry is one.
type Finder interface {
	Get(ctx context.Context, tenant, id string) (connections.Connection, error)
}

// A Registry administers toolkits.
type Registry struct {
	Catalog      *Catalog
	Store        Store
	Connections  Finder
	Environments environments.Set
	Feed         *feed.Feed
	Changed      func()           // called after a change, so that replicas hear of it soon; may be nil
	Now          func() time.Time // defaults to time.Now
}

// Create makes a toolkit. Its ID, Version and times are set here; a title that
// is left out is the app's.
func (r *Registry) Create(ctx context.Context, t Toolkit) (Toolkit, error) {
	if err := checkSlug(t.Slug); err != nil {
		return Toolkit{}, err
	}
	app, err := r.Catalog.App(ctx, t.Tenant, t.App)
	if err != nil {
		return Toolkit{}, err
	}
	if t.Title == "" {
		t.Title = app.Title
	}
	if err := r.check(ctx, &t, app); err != nil {
		return Toolkit{}, err
	}
	now := r.now()
	t.ID, t.Version, t.CreatedAt, t.UpdatedAt = ids.New(ids.Toolkit), 1, now, now
	if err := r.Store.CreateToolkit(ctx, t); err != nil {
		return Toolkit{}, err
	}
	r.changed(t)
	return t, nil
}

// An Edit changes a toolkit. Nil fields keep what there is.
type Edit struct {
	Title    *string
	Tools    *[]string
	Bindings *[]Binding
	Version  int64 // if not 0 it must be the stored one
}

// Update changes a toolkit.
func (r *Registry) Update(ctx context.Context, tenant, idOrSlug string, e Edit) (Toolkit, error) {
	t, err := r.Store.Toolkit(ctx, tenant, idOrSlug)
	if err != nil {
		return Toolkit{}, err
	}
	app, err := r.Catalog.App(ctx, tenant, t.App)
	if err != nil {
		return Toolkit{}, err
	}
	if e.Version != 0 {
		t.Version = e.Version
	}
	if e.Title != nil {
		t.Title = *e.Title
	}
	if e.Tools != nil {
		t.Tools = *e.Tools
	}
	if e.Bindings != nil {
		t.Bindings = *e.Bindings
	}
	if err := r.check(ctx, &t, app); err != nil {
		return Toolkit{}, err
	}
	t.UpdatedAt = r.now()
	if err := r.Store.UpdateToolkit(ctx, t); err != nil {
		return Toolkit{}, err
	}
	t.Version++
	r.changed(t)
	return t, nil
}

// Get finds a toolkit by id or slug.
func (r *Registry) Get(ctx context.Context, tenant, idOrSlug string) (Toolkit, error) {
	return r.Store.Toolkit(ctx, tenant, idOrSlug)
}

// List lists a tenant's toolkits.
func (r *Registry) List(ctx context.Context, tenant string, p page.Request) (page.Page[Toolkit], error) {
	return r.Store.ListToolkits(ctx, tenant, p)
}

// Delete removes a toolkit; its connections stay.
func (r *Registry) Delete(ctx context.Context, tenant, idOrSlug string) error {
	t, err := r.Store.Toolkit(ctx, tenant, idOrSlug)
	if err != nil {
		return err
	}
	if err := r.Store.DeleteToolkit(ctx, tenant, t.ID); err != nil {
		return err
	}
	r.changed(t)
	return nil
}

// Missing returns the environments in which a toolkit has no connection.
func (r *Registry) Missing(t Toolkit) []environments.Name {
	missing := []environments.Name{}
	for _, env := range r.Environments {
		if !slices.ContainsFunc(t.Bindings, func(b Binding) bool { return b.Environment == env }) {
			missing = append(missing, env)
		}
	}
	return missing
}

// check refuses tools that the app does not have and bindings that do not fit,
// and puts the bindings in order.
func (r *Registry) check(ctx context.Context, t *Toolkit, app *apps.App) error {
	if err := access.CheckName(t.Title); err != nil {
		return err
	}
	for _, name := range t.Tools {
		if app.Tool(name) == nil {
			return fault.New(fault.InvalidInput, "the app %s has no tool %q", app.Slug, name)
		}
	}
	for _, b := range t.Bindings {
		if err := r.checkBinding(ctx, *t, b); err != nil {
			return err
		}
	}
	slices.SortFunc(t.Bindings, func(a, b Binding) int {
		return cmp.Or(cmp.Compare(slices.Index(r.Environments, a.Environment), slices.Index(r.Environments, b.Environment)), cmp.Compare(a.Label, b.Label))
	})
	return checkLabels(t.Bindings)
}

// checkBinding refuses a connection of another app or environment. One of
// another tenant is not found.
func (r *Registry) checkBinding(ctx context.Context, t Toolkit, b Binding) error {
	if err := r.Environments.Check(b.Environment); err != nil {
		return err
	}
	c, err := r.Connections.Get(ctx, t.Tenant, b.Connection)
	if err != nil {
		return err
	}
	switch {
	case c.App != t.App:
		return fault.New(fault.InvalidInput, "the connection %q is to the app %s, the toolkit is for %s", c.Name, c.App, t.App)
	case c.Environment != b.Environment:
		return fault.New(fault.InvalidInput, "the connection %q belongs to the environment %s and cannot serve %s", c.Name, c.Environment, b.Environment)
	case c.Status == connections.Revoked:
		return fault.New(fault.ConnectionRevoked, "the connection %q was revoked", c.Name)
	}
	return nil
}

// checkLabels refuses bindings, in order, that a call could not tell apart.
func checkLabels(sorted []Binding) error {
	for i, b := range sorted {
		if b.Label != "" {
			if err := checkSlug(b.Label); err != nil {
				return fault.New(fault.InvalidInput, "%q cannot label a connection", b.Label).
					WithFix("Use at most 32 lower-case letters, digits and single dashes, beginning with a letter.")
			}
		}
		if i == 0 || sorted[i-1].Environment != b.Environment {
			continue
		}
		if sorted[i-1].Label == b.Label || sorted[i-1].Label == "" {
			return fault.New(fault.InvalidInput, "several connections are bound in %s, so each needs a label of its own", b.Environment)
		}
	}
	return nil
}

func (r *Registry) changed(t Toolkit) {
	r.Feed.Tell(feed.Change{Tenant: t.Tenant, Noun: feed.Toolkit, ID: t.ID})
	if r.Changed != nil {
		r.Changed()
	}
}

func (r *Registry) now() time.Time {
	now := time.Now
	if r.Now != nil {
		now = r.Now
	}
	return now().UTC().Truncate(time.Microsecond)
}
