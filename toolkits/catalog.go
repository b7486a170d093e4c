package toolkits

import (
	"cmp"
	"context"
	"slices"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/toolkits/apps"
)

// A Catalog is the apps that can be connected: the gallery, and those that the
// operator adds. It does not change once made.
type Catalog struct {
	bySlug map[string]*apps.App
	sorted []*apps.App
}

// NewCatalog returns a Catalog of apps. Where two have one slug the later
// counts, so that an operator's own definition replaces the gallery's.
func NewCatalog(all ...*apps.App) *Catalog {
	c := &Catalog{bySlug: make(map[string]*apps.App, len(all))}
	for _, app := range all {
		c.bySlug[app.Slug] = app
	}
	for _, app := range c.bySlug {
		c.sorted = append(c.sorted, app)
	}
	slices.SortFunc(c.sorted, func(a, b *apps.App) int { return cmp.Compare(a.Slug, b.Slug) })
	return c
}

// App returns the app with the slug, or fault.NotFound. Every tenant has the
// same apps.
func (c *Catalog) App(_ context.Context, _, slug string) (*apps.App, error) {
	if app, ok := c.bySlug[slug]; ok {
		return app, nil
	}
	return nil, fault.New(fault.NotFound, "there is no app %q", slug).WithFix("List the apps to see their names.")
}

// List returns the apps, sorted by slug. The slice is shared.
func (c *Catalog) List() []*apps.App { return c.sorted }
