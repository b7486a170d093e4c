package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/server"
	"github.com/wayleave/wayleave/toolkits"
)

// A place is a connection of the property test: whose, where, and the upstream
// that only it leads to.
type place struct {
	tenant      string
	environment environments.Name
	id          string
	up          *upstream
}

// TestNoCallLeavesItsEnvironmentOrTenant draws grants, bindings and calls at
// random and holds every one against the rule: it runs on a connection bound in
// an environment that its key grants, of its own tenant, or not at all.
func TestNoCallLeavesItsEnvironmentOrTenant(t *testing.T) {
	w := newWorld(t, embedded, func(c *server.Config) { c.Apps = append(c.Apps, parse(t, fxDefinition)) })
	tenants := []string{w.newTenant("alpha"), w.newTenant("beta")}
	var places []place
	for _, tenant := range tenants {
		for _, env := range environments.Default() {
			for n := range 2 {
				places = append(places, w.place(tenant, env, n))
			}
		}
	}
	calls, runs := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		m := w.drawModel(rt, tenants, places)
		defer m.clear()
		for range 40 {
			calls++
			if m.drawCall(rt) {
				runs++
			}
		}
	})
	if calls < 2000 || runs < calls/20 {
		t.Errorf("only %d calls, of which %d ran: the test shows little", calls, runs)
	}
	t.Logf("%d calls, %d ran", calls, runs)
}

func (w *world) newTenant(name string) string {
	tenant, _, err := w.server.Directory.CreateTenant(w.t.Context(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	return tenant.ID
}

// place makes a connection to an upstream of its own.
func (w *world) place(tenant string, env environments.Name, n int) place {
	up := newUpstream(w.t, nil)
	a, err := w.server.Connections.Begin(w.t.Context(), tenant, connections.Request{App: "fx", Environment: env,
		Name: fmt.Sprint("fx ", n), Params: map[string]any{"base_url": up.URL}, Scheme: "header",
		Secrets: credentials.Secrets{"key": credentials.NewSecret("k")}})
	if err != nil {
		w.t.Fatal(err)
	}
	_, c, err := w.server.Connections.Test(w.t.Context(), tenant, a.ID, false)
	if err != nil {
		w.t.Fatal(err)
	}
	return place{tenant, env, c.ID, up}
}

// A model is what was set up for one run of the property.
type model struct {
	w        *world
	places   []place
	toolkits []toolkits.Toolkit
	keys     []*access.Principal
}

var slugs = []string{"one", "two", "three"}

func (w *world) drawModel(rt *rapid.T, tenants []string, places []place) *model {
	m := &model{w: w, places: places}
	ctx := context.Background()
	for _, tenant := range tenants {
		for _, slug := range slugs {
			if rapid.IntRange(0, 5).Draw(rt, "toolkit") == 0 {
				continue
			}
			made, err := w.server.Toolkits.Create(ctx, toolkits.Toolkit{Tenant: tenant, Slug: slug, App: "fx", Bindings: m.drawBindings(rt, tenant)})
			if err != nil {
				rt.Fatal(err)
			}
			m.toolkits = append(m.toolkits, made)
		}
		for n := range rapid.IntRange(1, 3).Draw(rt, "keys") {
			grant := drawGrant(rt)
			name := fmt.Sprint("bot ", n, " ", time.Now().UnixNano())
			_, key, err := w.server.Directory.CreateActor(ctx, tenant, access.KindAgent, name, grant, time.Time{})
			if len(grant.Environments) == 0 {
				if !errors.Is(err, fault.InvalidInput) {
					rt.Fatalf("a grant without environments = %v", err)
				}
				continue
			}
			if err != nil {
				rt.Fatal(err)
			}
			p, err := w.server.Authenticator.Authenticate(ctx, key.Secret)
			if err != nil {
				rt.Fatal(err)
			}
			m.keys = append(m.keys, p)
		}
	}
	return m
}

func (m *model) clear() {
	for _, t := range m.toolkits {
		if err := m.w.server.Toolkits.Delete(context.Background(), t.Tenant, t.ID); err != nil {
			m.w.t.Error(err)
		}
	}
}

// drawBindings binds none, one or two connections per environment.
func (m *model) drawBindings(rt *rapid.T, tenant string) []toolkits.Binding {
	var bindings []toolkits.Binding
	for _, env := range environments.Default() {
		n := rapid.IntRange(0, 2).Draw(rt, "bound in "+string(env))
		for i, p := range m.of(tenant, env)[:n] {
			b := toolkits.Binding{Environment: env, Connection: p.id}
			if n > 1 {
				b.Label = fmt.Sprint("label-", i)
			}
			bindings = append(bindings, b)
		}
	}
	return bindings
}

func (m *model) of(tenant string, env environments.Name) (out []place) {
	for _, p := range m.places {
		if p.tenant == tenant && p.environment == env {
			out = append(out, p)
		}
	}
	return out
}

func drawGrant(rt *rapid.T) access.Grant {
	subset := func(of []string, label string) []string {
		return slices.DeleteFunc(slices.Clone(of), func(string) bool { return rapid.IntRange(0, 2).Draw(rt, label) == 0 })
	}
	g := access.Grant{ReadOnly: rapid.IntRange(0, 3).Draw(rt, "read only") == 0}
	for _, env := range subset([]string{"dev", "staging", "prod"}, "without environment") {
		g.Environments = append(g.Environments, environments.Name(env))
	}
	if rapid.Bool().Draw(rt, "some toolkits") {
		g.Toolkits = subset(slugs, "without toolkit")
	}
	if rapid.Bool().Draw(rt, "some tools") {
		g.Tools = subset([]string{"one_get_item", "one_create", "two_get_item", "two_create", "three_get_item", "three_create"}, "without tool")
	}
	return g
}

// drawCall makes a call and holds what came of it against the rule. ran tells
// that it reached an app.
func (m *model) drawCall(rt *rapid.T) (ran bool) {
	if len(m.keys) == 0 {
		return false
	}
	p := rapid.SampledFrom(m.keys).Draw(rt, "key")
	// What may work is drawn more often than what cannot.
	slug := rapid.SampledFrom([]string{"one", "two", "three", "one", "two", "three", "nowhere"}).Draw(rt, "toolkit")
	tool := rapid.SampledFrom([]string{"get_item", "get_item", "create", "create", "unknown"}).Draw(rt, "tool")
	asked := environments.Name(rapid.SampledFrom([]string{"", "dev", "staging", "prod", "qa"}).Draw(rt, "asked"))
	if rapid.Bool().Draw(rt, "ask for a granted one") {
		asked = rapid.SampledFrom(p.Grant.Environments).Draw(rt, "granted")
	}
	label := rapid.SampledFrom([]string{"", "", "label-0", "label-1"}).Draw(rt, "label")
	args := map[string]string{"get_item": `{"id":"x"}`, "create": `{"name":"x","count":1}`, "unknown": `{}`}[tool]

	want, kind := m.rule(p, slug, tool, asked, label)
	before := m.hits()
	res, err := m.w.server.Runner.Run(context.Background(), toolkits.Call{Principal: p, Environment: asked,
		Tool: slug + "_" + tool, Arguments: json.RawMessage(args), Connection: label})
	hit := m.hitSince(before)
	switch {
	case kind != "":
		if !errors.Is(err, kind) || len(hit) > 0 {
			rt.Fatalf("key %+v, %s_%s in %q (label %q) = %v, %v hitting %v; want %s and no hit", p.Grant, slug, tool, asked, label, res, err, hit, kind)
		}
		return false
	case err != nil:
		rt.Fatalf("key %+v, %s_%s in %q (label %q) = %v; want it to run on %s", p.Grant, slug, tool, asked, label, err, want.id)
	case res.Source.Connection != want.id || res.Environment != want.environment || len(hit) != 1 || hit[0] != want.id:
		rt.Fatalf("ran on %s in %s hitting %v; want %s in %s", res.Source.Connection, res.Environment, hit, want.id, want.environment)
	}
	return true
}

// rule says, apart from the code, where a call must run or how it must fail.
func (m *model) rule(p *access.Principal, slug, tool string, asked environments.Name, label string) (place, fault.Kind) {
	i := slices.IndexFunc(m.toolkits, func(t toolkits.Toolkit) bool { return t.Tenant == p.Tenant && t.Slug == slug })
	if i < 0 || tool == "unknown" || len(p.Grant.Toolkits) > 0 && !slices.Contains(p.Grant.Toolkits, slug) {
		return place{}, fault.NotFound
	}
	if len(p.Grant.Tools) > 0 && !slices.Contains(p.Grant.Tools, slug+"_"+tool) || p.Grant.ReadOnly && tool == "create" {
		return place{}, fault.ToolDenied
	}
	env := asked
	if env == "" {
		if len(p.Grant.Environments) != 1 {
			return place{}, fault.InvalidInput
		}
		env = p.Grant.Environments[0]
	}
	if !slices.Contains(p.Grant.Environments, env) {
		return place{}, fault.EnvironmentDenied
	}
	var bound []toolkits.Binding
	for _, b := range m.toolkits[i].Bindings {
		if b.Environment == env {
			bound = append(bound, b)
		}
	}
	if len(bound) == 0 {
		return place{}, fault.EnvironmentNotBound
	}
	if label == "" && len(bound) > 1 {
		return place{}, fault.AmbiguousConnection
	}
	for _, b := range bound {
		if b.Label == label || label == "" {
			j := slices.IndexFunc(m.places, func(p place) bool { return p.id == b.Connection })
			return m.places[j], ""
		}
	}
	return place{}, fault.InvalidInput
}

func (m *model) hits() map[string]int {
	out := map[string]int{}
	for _, p := range m.places {
		_, out[p.id] = p.up.requests()
	}
	return out
}

func (m *model) hitSince(before map[string]int) (ids []string) {
	for id, n := range m.hits() {
		for range n - before[id] {
			ids = append(ids, id)
		}
	}
	return ids
}
