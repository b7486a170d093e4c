package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/wayleave/wayleave/connections/connectionstest"
	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/ids"
	"github.com/wayleave/wayleave/internal/page"
	"github.com/wayleave/wayleave/toolkits"
)

// drawConfig changes everything of an auth config that may change.
func drawConfig(t *rapid.T, c credentials.AuthConfig) credentials.AuthConfig {
	c.Name = connectionstest.Text().Draw(t, "name") + ids.New("n")
	c.Fields = connectionstest.Texts().Draw(t, "fields")
	c.Hosts = connectionstest.Texts().Draw(t, "hosts")
	c.Sealed = connectionstest.Sealed().Draw(t, "sealed")
	c.UpdatedAt = connectionstest.Time().Draw(t, "updated")
	c.RotatedAt = connectionstest.Time().Draw(t, "rotated")
	return c
}

func authConfigsKeepEveryField(t *testing.T, w *world) {
	ctx := context.Background()
	rapid.Check(t, func(t *rapid.T) {
		c := drawConfig(t, credentials.AuthConfig{
			ID: ids.New(ids.AuthConfig), Tenant: w.tenant,
			App:         connectionstest.Text().Draw(t, "app"),
			Environment: environments.Name(connectionstest.Text().Draw(t, "environment")),
			Scheme:      connectionstest.Text().Draw(t, "scheme"),
			CreatedAt:   connectionstest.Time().Draw(t, "created"),
		})
		must(t, w.CreateAuthConfig(ctx, c))
		c.Version = 1
		for range 2 {
			got, err := w.AuthConfig(ctx, w.tenant, c.ID)
			must(t, err)
			same(t, got, c)
			c = drawConfig(t, c)
			must(t, w.UpdateAuthConfig(ctx, c))
			wants(t, "the version gone by", w.UpdateAuthConfig(ctx, c), fault.PreconditionFailed)
			c.Version++
		}
	})
}

func authConfigs(t *testing.T, w *world) {
	ctx := context.Background()
	c := w.config(t)
	for _, version := range []int64{0, 2, -1} {
		stale := c
		stale.Version = version
		wants(t, "another version", w.UpdateAuthConfig(ctx, stale), fault.PreconditionFailed)
	}
	c.App, c.Environment, c.Scheme, c.CreatedAt = "other", "prod", "other", noon.AddDate(1, 0, 0) // never change
	must(t, w.UpdateAuthConfig(ctx, c))
	c.App, c.Environment, c.Scheme, c.CreatedAt, c.Version = "notes", "dev", "key", noon, 2
	got, err := w.AuthConfig(ctx, w.tenant, c.ID)
	must(t, err)
	same(t, got, c)

	made := map[credentials.Filter][]string{{App: "unknown"}: nil, {}: {c.ID}}
	for i := range 8 {
		one := w.newConfig()
		one.App, one.Environment = []string{"a", "b"}[i%2], []environments.Name{"staging", "prod"}[i/2%2]
		must(t, w.CreateAuthConfig(ctx, one))
		for _, f := range []credentials.Filter{{}, {App: one.App}, {Environment: one.Environment}, {App: one.App, Environment: one.Environment}} {
			made[f] = append(made[f], one.ID)
		}
	}
	for f, want := range made {
		same(t, all(t, func(c credentials.AuthConfig) string { return c.ID }, func(r page.Request) (page.Page[credentials.AuthConfig], error) {
			return w.ListAuthConfigs(ctx, w.tenant, f, r)
		}), want)
	}
	must(t, w.DeleteAuthConfig(ctx, w.tenant, c.ID))
	wants(t, "deleting it again", w.DeleteAuthConfig(ctx, w.tenant, c.ID), fault.NotFound)
	wants(t, "updating it", w.UpdateAuthConfig(ctx, c), fault.NotFound)
}

func authConfigsInUse(t *testing.T, w *world) {
	c := w.config(t)
	var users []string
	for range 3 {
		users = append(users, w.connection(t, c).ID)
	}
	err := w.DeleteAuthConfig(context.Background(), w.tenant, c.ID)
	wants(t, "deleting it", err, fault.InUse)
	var named []string
	for _, p := range fault.From(err).Problems {
		named = append(named, strings.TrimPrefix(p.Path, "/connections/"))
		if !strings.Contains(p.Message, "dev") {
			t.Errorf("the problem does not say where: %s", p.Message)
		}
	}
	same(t, named, users)
	for range 20 {
		w.connection(t, c)
	}
	err = w.DeleteAuthConfig(context.Background(), w.tenant, c.ID)
	wants(t, "deleting it with many users", err, fault.InUse)
	if n := len(fault.From(err).Problems); n != 20 {
		t.Errorf("%d users are named; want 20", n)
	}
	got, err := w.AuthConfig(context.Background(), w.tenant, c.ID)
	must(t, err)
	same(t, got, c)
}

func anySealed(t *testing.T, w *world) {
	ctx := context.Background()
	w.config(t) // without secrets
	if key, ok, err := w.AnySealed(ctx); ok || err != nil {
		t.Errorf("AnySealed = %v, %v, %v; want none", key, ok, err)
	}
	sealed := credentials.Sealed{Key: credentials.WrappedKey{Provider: "local", Name: "k", Version: 3, Text: "local:v1:…"}, Serial: 1, Box: []byte{1}}
	a := w.newAttempt()
	a.Sealed = sealed
	must(t, w.CreateAttempt(ctx, a))
	check := func() {
		t.Helper()
		if key, ok, err := w.AnySealed(ctx); key != sealed.Key || !ok || err != nil {
			t.Errorf("AnySealed = %v, %v, %v; want %v", key, ok, err, sealed.Key)
		}
	}
	check()
	other := &world{Harness: w.Harness, tenant: w.newTenant(t)}
	c := other.newConfig()
	sealed.Key.Name = "another"
	c.Sealed = sealed
	must(t, w.CreateAuthConfig(ctx, c))
	check()
}

func toolkitsKeepEveryField(t *testing.T, w *world) {
	ctx := context.Background()
	bound := []string{w.connection(t, w.config(t)).ID, w.connection(t, w.config(t)).ID}
	draw := func(t *rapid.T, k toolkits.Toolkit) toolkits.Toolkit {
		k.Slug = connectionstest.Text().Draw(t, "slug") + ids.New("s")
		k.Title = connectionstest.Text().Draw(t, "title")
		k.Tools = connectionstest.Texts().Draw(t, "tools")
		k.UpdatedAt = connectionstest.Time().Draw(t, "updated")
		k.Bindings = nil
		for i := range rapid.IntRange(0, 4).Draw(t, "bindings") {
			k.Bindings = append(k.Bindings, toolkits.Binding{
				Environment: "dev",
				Label:       connectionstest.Text().Draw(t, "label") + fmt.Sprint(9-i), // not in order
				Connection:  rapid.SampledFrom(bound).Draw(t, "connection"),
			})
		}
		return k
	}
	rapid.Check(t, func(t *rapid.T) {
		k := draw(t, toolkits.Toolkit{
			ID: ids.New(ids.Toolkit), Tenant: w.tenant, App: "notes", CreatedAt: connectionstest.Time().Draw(t, "created"),
		})
		must(t, w.CreateToolkit(ctx, k))
		k.Version = 1
		for range 2 {
			for _, name := range []string{k.ID, k.Slug} {
				got, err := w.Toolkit(ctx, w.tenant, name)
				must(t, err)
				same(t, got, k)
			}
			k = draw(t, k)
			must(t, w.UpdateToolkit(ctx, k))
			wants(t, "the version gone by", w.UpdateToolkit(ctx, k), fault.PreconditionFailed)
			k.Version++
		}
	})
}

func toolkitsTest(t *testing.T, w *world) {
	ctx := context.Background()
	cfg := w.config(t)
	var made []string
	for range 5 {
		made = append(made, w.toolkit(t, w.connection(t, cfg), w.connection(t, cfg)).ID)
	}
	same(t, all(t, func(k toolkits.Toolkit) string { return k.ID }, func(r page.Request) (page.Page[toolkits.Toolkit], error) {
		return w.ListToolkits(ctx, w.tenant, r)
	}), made)
	p, err := w.ListToolkits(ctx, w.tenant, page.Request{})
	must(t, err)
	for _, listed := range p.Items {
		got, err := w.Toolkit(ctx, w.tenant, listed.Slug)
		must(t, err)
		same(t, listed, got)
	}

	// An id is never taken for another's slug.
	trap := w.newToolkit()
	trap.Slug = made[0]
	must(t, w.CreateToolkit(ctx, trap))
	got, err := w.Toolkit(ctx, w.tenant, made[0])
	if err != nil || got.ID != made[0] {
		t.Errorf("Toolkit by id = %s, %v; want %s", got.ID, err, made[0])
	}
	taken := w.newToolkit()
	taken.Slug = trap.Slug
	wants(t, "a slug that is taken", w.CreateToolkit(ctx, taken), fault.Conflict)
	other := w.toolkit(t)
	other.Slug = trap.Slug
	wants(t, "updating to a slug that is taken", w.UpdateToolkit(ctx, other), fault.Conflict)
	must(t, w.DeleteToolkit(ctx, w.tenant, trap.ID))
	wants(t, "deleting it again", w.DeleteToolkit(ctx, w.tenant, trap.ID), fault.NotFound)
	wants(t, "deleting by slug", w.DeleteToolkit(ctx, w.tenant, got.Slug), fault.NotFound)
}

func toolkitBindings(t *testing.T, w *world) {
	ctx := context.Background()
	own := w.connection(t, w.config(t))
	prod := w.newConfig()
	prod.Environment = "prod"
	must(t, w.CreateAuthConfig(ctx, prod))
	slack := w.newConfig()
	slack.App = "slack"
	must(t, w.CreateAuthConfig(ctx, slack))
	other := &world{Harness: w.Harness, tenant: w.newTenant(t)}
	stored := w.toolkit(t, own)
	for name, tc := range map[string]struct {
		bindings []toolkits.Binding
		want     fault.Kind
	}{
		"another tenant's":      {[]toolkits.Binding{{Environment: "dev", Connection: other.connection(t, other.config(t)).ID}}, fault.NotFound},
		"an unknown one":        {[]toolkits.Binding{{Environment: "dev", Connection: "conn_unknown"}}, fault.NotFound},
		"another environment's": {[]toolkits.Binding{{Environment: "dev", Connection: w.connection(t, prod).ID}}, fault.NotFound},
		"another app's":         {[]toolkits.Binding{{Environment: "dev", Connection: w.connection(t, slack).ID}}, fault.NotFound},
		"a label twice": {[]toolkits.Binding{{Environment: "dev", Label: "x", Connection: own.ID},
			{Environment: "dev", Label: "x", Connection: own.ID}}, fault.Conflict},
	} {
		k := w.newToolkit()
		k.Bindings = tc.bindings
		wants(t, "creating with "+name, w.CreateToolkit(ctx, k), tc.want)
		_, err := w.Toolkit(ctx, w.tenant, k.ID)
		wants(t, "what is left of "+name, err, fault.NotFound)
		update := stored
		update.Bindings, update.Title = tc.bindings, "changed"
		wants(t, "updating to "+name, w.UpdateToolkit(ctx, update), tc.want)
		got, err := w.Toolkit(ctx, w.tenant, stored.ID)
		must(t, err)
		same(t, got, stored)
	}
}

func connectionsInUse(t *testing.T, w *world) {
	ctx := context.Background()
	c := w.connection(t, w.config(t))
	first, second := w.toolkit(t, c), w.toolkit(t, c)
	second.Bindings = append(second.Bindings, toolkits.Binding{Environment: "dev", Label: "again", Connection: c.ID})
	must(t, w.UpdateToolkit(ctx, second))
	err := w.DeleteConnection(ctx, w.tenant, c.ID)
	wants(t, "deleting a bound connection", err, fault.InUse)
	var named []string
	for _, p := range fault.From(err).Problems {
		named = append(named, strings.TrimPrefix(p.Path, "/toolkits/"))
	}
	same(t, named, []string{first.ID, second.ID})
	for range 21 {
		w.toolkit(t, c)
	}
	err = w.DeleteConnection(ctx, w.tenant, c.ID)
	if n := len(fault.From(err).Problems); n != 20 {
		t.Errorf("%d users are named; want 20", n)
	}
	p, err := w.ListToolkits(ctx, w.tenant, page.Request{})
	must(t, err)
	for _, k := range p.Items[1:] {
		must(t, w.DeleteToolkit(ctx, w.tenant, k.ID))
	}
	wants(t, "with one toolkit left", w.DeleteConnection(ctx, w.tenant, c.ID), fault.InUse)
	first.Bindings = nil
	must(t, w.UpdateToolkit(ctx, first))
	must(t, w.DeleteConnection(ctx, w.tenant, c.ID))
}

// toolkitsAreWhole reads a toolkit while it is being updated: title, tools and
// bindings are always of one version.
func toolkitsAreWhole(t *testing.T, w *world) {
	ctx := context.Background()
	cfg := w.config(t)
	bound := []string{w.connection(t, cfg).ID, w.connection(t, cfg).ID}
	k := w.newToolkit()
	shape := func(k *toolkits.Toolkit, i int) {
		k.Title, k.Bindings = fmt.Sprint(i%3), nil
		for j := range i % 3 {
			k.Bindings = append(k.Bindings, toolkits.Binding{Environment: "dev", Label: fmt.Sprint(j), Connection: bound[j]})
		}
	}
	shape(&k, 0)
	must(t, w.CreateToolkit(ctx, k))
	stop := make(chan struct{})
	together(4, func(reader int) {
		if reader == 0 {
			defer close(stop)
			for i := range 40 {
				k.Version = int64(i + 1)
				shape(&k, i+1)
				must(t, w.UpdateToolkit(ctx, k))
			}
			return
		}
		for {
			select {
			case <-stop:
				return
			default:
			}
			got, err := w.Toolkit(ctx, w.tenant, k.ID)
			if err != nil || fmt.Sprint(len(got.Bindings)) != got.Title {
				t.Errorf("title %s with %d bindings, %v", got.Title, len(got.Bindings), err)
				return
			}
		}
	})
}

func hostileNames(t *testing.T, w *world) {
	ctx := context.Background()
	for _, name := range connectionstest.Hostile {
		c := w.newConfig()
		c.ID, c.App, c.Environment, c.Name = "id "+name, name, environments.Name(name), name
		must(t, w.CreateAuthConfig(ctx, c))
		got, err := w.AuthConfig(ctx, w.tenant, c.ID)
		must(t, err)
		c.Version = 1
		same(t, got, c)
		p, err := w.ListAuthConfigs(ctx, w.tenant, credentials.Filter{App: name, Environment: environments.Name(name)}, page.Request{})
		if err != nil || len(p.Items) != 1 || p.Items[0].ID != c.ID {
			t.Errorf("list of %q = %v, %v; want that one", name, p.Items, err)
		}
		c.ID = ids.New(ids.AuthConfig)
		wants(t, "the same again", w.CreateAuthConfig(ctx, c), fault.Conflict)
	}
	p, err := w.ListAuthConfigs(ctx, w.tenant, credentials.Filter{}, page.Request{})
	if err != nil || len(p.Items) != len(connectionstest.Hostile) {
		t.Errorf("%d configs, %v; want %d", len(p.Items), err, len(connectionstest.Hostile))
	}
	long := w.newConfig()
	long.Hosts = []string{strings.Repeat("64 KiB, long", 5462)}
	long.Sealed = credentials.Sealed{Key: credentials.WrappedKey{Provider: "p", Text: long.Hosts[0]}, Box: []byte(long.Hosts[0])}
	must(t, w.CreateAuthConfig(ctx, long))
	got, err := w.AuthConfig(ctx, w.tenant, long.ID)
	must(t, err)
	long.Version = 1
	same(t, got, long)
	long.Name = long.Hosts[0]
	wants(t, "a name of 64 KiB", w.UpdateAuthConfig(ctx, long), fault.InvalidInput)
}

// uniqueNames stores names that differ in little: each is a name of its own.
func uniqueNames(t *testing.T, w *world) {
	ctx := context.Background()
	names := []string{"sales", "Sales", "SALES", "sales ", " sales", "sales\u00a0", "s\u00e1les", "sa\u0301les", "ſales", "sales\u200b", ""}
	for _, name := range names {
		c := w.newConfig()
		c.Name = name
		must(t, w.CreateAuthConfig(ctx, c))
		again := w.newConfig()
		again.Name = name
		if err := w.CreateAuthConfig(ctx, again); !errors.Is(err, fault.Conflict) {
			t.Errorf("a second %q = %v; want conflict", name, err)
		}
	}
}
