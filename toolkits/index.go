package toolkits

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/feed"
	"github.com/wayleave/wayleave/internal/page"
	"github.com/wayleave/wayleave/toolkits/apps"
)

// An index is every tool of a tenant, by name. It is immutable.
type index struct {
	byName map[string]*indexed
	sorted []*indexed // by name
}

// indexed is a tool of a toolkit.
type indexed struct {
	name    string
	tool    *apps.Tool
	toolkit *Toolkit
	app     *apps.App
}

// How many tenants' indexes, and callers' toolsets, are remembered.
const (
	maxIndexes  = 2_000
	maxToolsets = 20_000
)

func indexCache(f *feed.Feed) *feed.Cache[*index] {
	return feed.NewCache(f, maxIndexes, func(c feed.Change) (string, func(string, *index) bool) {
		if c.Noun == feed.Toolkit {
			return c.Tenant, nil
		}
		return "", nil
	})
}

func toolsetCache(f *feed.Feed) *feed.Cache[*Toolset] {
	return feed.NewCache(f, maxToolsets, func(c feed.Change) (string, func(string, *Toolset) bool) {
		if c.Noun == feed.Toolkit {
			return "", func(key string, _ *Toolset) bool { return strings.HasPrefix(key, c.Tenant+" ") }
		}
		return "", nil // a key's grant never changes
	})
}

// index returns the tools of a tenant.
func (r *Runner) index(ctx context.Context, tenant string) (*index, error) {
	return r.indexes.Get(ctx, tenant, func(ctx context.Context) (*index, error) {
		ix := &index{byName: map[string]*indexed{}}
		for p := (page.Request{Limit: page.MaxLimit}); ; {
			got, err := r.Toolkits.ListToolkits(ctx, tenant, p)
			if err != nil {
				return nil, err
			}
			for _, t := range got.Items {
				r.addTools(ctx, ix, t)
			}
			if p.After = got.Next; p.After == "" {
				break
			}
		}
		slices.SortFunc(ix.sorted, func(a, b *indexed) int { return cmp.Compare(a.name, b.name) })
		return ix, nil
	})
}

// addTools adds the tools of a toolkit. One whose app is gone has none: other
// toolkits go on working.
func (r *Runner) addTools(ctx context.Context, ix *index, t Toolkit) {
	app, err := r.Catalog.App(ctx, t.Tenant, t.App)
	if err != nil {
		return
	}
	for _, tool := range app.Tools {
		if len(t.Tools) > 0 && !slices.Contains(t.Tools, tool.Name) {
			continue
		}
		it := &indexed{name: ToolName(t.Slug, tool.Name), tool: tool, toolkit: &t, app: app}
		if ix.byName[it.name] == nil { // "a-b" and "a_b" cannot both be: the first keeps the name
			ix.byName[it.name] = it
			ix.sorted = append(ix.sorted, it)
		}
	}
}

// find returns the tool with the name if the grant reaches it. A tool of a
// toolkit that is not granted does not exist for the caller.
func (ix *index) find(name string, g access.Grant) (*indexed, error) {
	it := ix.byName[name]
	if it == nil || !g.AllowsToolkit(it.toolkit.Slug) {
		return nil, fault.New(fault.NotFound, "there is no tool %q", name).WithFix("List the tools to see their names.")
	}
	if !g.AllowsTool(it.name, it.tool.Annotations.ReadOnly) {
		return nil, fault.New(fault.ToolDenied, "this key does not grant the tool %s", name)
	}
	return it, nil
}

// bindings returns the connections of the tool in an environment.
func (it *indexed) bindings(env environments.Name) []Binding {
	var bound []Binding
	for _, b := range it.toolkit.Bindings {
		if b.Environment == env {
			bound = append(bound, b)
		}
	}
	return bound
}

// Toolset returns the tools that a caller may use in the environment asked for,
// or the only one granted. Tools that have no connection there are left out;
// those whose connection is broken are not, for a tool that disappears tells
// nobody why.
func (r *Runner) Toolset(ctx context.Context, p *access.Principal, asked environments.Name) (*Toolset, error) {
	env, err := environments.Resolve(p.Grant.Environments, asked)
	if err != nil {
		return nil, err
	}
	key := p.Tenant + " " + p.KeyID + " " + string(env)
	return r.toolsets.Get(ctx, key, func(ctx context.Context) (*Toolset, error) {
		ix, err := r.index(ctx, p.Tenant)
		if err != nil {
			return nil, err
		}
		return ix.toolset(p.Grant, env)
	})
}

func (ix *index) toolset(g access.Grant, env environments.Name) (*Toolset, error) {
	set := &Toolset{Environment: env, Tools: []ToolEntry{}}
	digest := sha256.New()
	for _, it := range ix.sorted {
		bound := it.bindings(env)
		if len(bound) == 0 || !g.AllowsToolkit(it.toolkit.Slug) || !g.AllowsTool(it.name, it.tool.Annotations.ReadOnly) {
			continue
		}
		entry := ToolEntry{Name: it.name, Toolkit: it.toolkit.Slug, Title: it.tool.Title, Description: it.tool.Description,
			InputSchema: it.schema(bound), Annotations: it.tool.Annotations}
		set.Tools = append(set.Tools, entry)
		if err := json.NewEncoder(digest).Encode(entry); err != nil {
			return nil, fault.Wrap(fault.Internal, err, "the tool %s cannot be described", it.name)
		}
	}
	set.Digest = hex.EncodeToString(digest.Sum(nil)[:16])
	return set, nil
}
