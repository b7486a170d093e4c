package connectionstest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/ids"
	"github.com/wayleave/wayleave/internal/page"
)

// Records are what keeps connections and attempts, and with them what they
// belong to.
type Records interface {
	access.Tenants
	credentials.AuthConfigs
	connections.Store
	connections.Attempts
}

// TestStore runs what every connections.Store and connections.Attempts must do.
// open returns records that are empty.
func TestStore(t *testing.T, open func(t *testing.T) Records) {
	for name, test := range map[string]func(*testing.T, *world){
		"connections keep every field":       connectionsKeepEveryField,
		"attempts keep every field":          attemptsKeepEveryField,
		"long values":                        longValues,
		"names are taken once":               connectionNames,
		"updates are of the stored version":  connectionVersions,
		"one writer wins":                    oneWriterWins,
		"no update is lost":                  noUpdateIsLost,
		"other tenants see nothing":          otherTenants,
		"deleting":                           deleting,
		"revoked ones stay":                  revokedStay,
		"lists":                              lists,
		"pages do not skip or repeat":        pagesUnderInsert,
		"attempts are forgotten":             attemptsForgotten,
		"promoting makes a connection":       promoteNew,
		"promoting with an existing config":  promoteExisting,
		"promoting anew":                     promoteAnew,
		"promoting is all or nothing":        promoteAtomic,
		"promoting happens once":             promoteOnce,
		"config of another place is refused": configOfAnotherPlace,
	} {
		t.Run(name, func(t *testing.T) { test(t, newWorld(t, open(t))) })
	}
}

// A world is records with a tenant in them.
type world struct {
	Records
	tenant string
}

// began is when everything in a world was made.
var began = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

func newWorld(t *testing.T, r Records) *world {
	w := &world{Records: r}
	w.tenant = w.newTenant(t)
	return w
}

func (w *world) newTenant(t tb) string {
	id := ids.New(ids.Tenant)
	must(t, w.CreateTenant(context.Background(), access.Tenant{ID: id, Name: id, CreatedAt: began}))
	return id
}

// draft returns an attempt at a connection to notes in dev, not stored.
func (w *world) draft() connections.Attempt {
	return connections.Attempt{
		ID: ids.New(ids.Attempt), Tenant: w.tenant, App: "notes", Environment: "dev", Scheme: "key",
		Status: connections.AttemptPending, CreatedAt: began, UpdatedAt: began, ExpiresAt: began.Add(time.Hour),
		Sealed: credentials.Sealed{Key: credentials.WrappedKey{Provider: "local", Name: "k1", Version: 1, Text: "w"}, Serial: 1, Box: []byte("box")},
	}
}

// attempt returns a stored attempt.
func (w *world) attempt(t tb) connections.Attempt {
	a := w.draft()
	must(t, w.CreateAttempt(context.Background(), a))
	a.Version = 1
	return a
}

// config returns an auth config for an attempt, not stored.
func config(a connections.Attempt) *credentials.AuthConfig {
	id := ids.New(ids.AuthConfig)
	return &credentials.AuthConfig{
		ID: id, Tenant: a.Tenant, App: a.App, Environment: a.Environment, Scheme: a.Scheme, Name: "config " + id,
		Fields: []string{"key"}, Hosts: []string{"notes.example"}, CreatedAt: began, UpdatedAt: began, RotatedAt: began,
	}
}

// linked returns a connection for an attempt, not stored.
func linked(a connections.Attempt, authConfig string) connections.Connection {
	id := ids.New(ids.Connection)
	return connections.Connection{
		ID: id, Tenant: a.Tenant, App: a.App, Environment: a.Environment, Name: "connection " + id, AuthConfig: authConfig,
		Status: connections.Active, StatusSince: began, CreatedAt: began, UpdatedAt: began,
	}
}

// connect returns a stored connection. change may alter its attempt and itself
// before they are stored.
func (w *world) connect(t tb, change func(*connections.Attempt, *connections.Connection)) connections.Connection {
	t.Helper()
	a := w.draft()
	c := linked(a, "")
	if change != nil {
		change(&a, &c)
	}
	must(t, w.CreateAttempt(context.Background(), a))
	a.Version = 1
	cfg := config(a)
	c.AuthConfig = cfg.ID
	must(t, w.Promote(context.Background(), a, cfg, c))
	c.Version = 1
	return c
}

func (w *world) get(t tb, id string) connections.Connection {
	c, err := w.Connection(context.Background(), w.tenant, id)
	must(t, err)
	return c
}

func connectionsKeepEveryField(t *testing.T, w *world) {
	c := w.connect(t, nil)
	cfg := config(connections.Attempt{Tenant: w.tenant, App: c.App, Environment: c.Environment, Scheme: "key"})
	must(t, w.CreateAuthConfig(context.Background(), *cfg))
	rapid.Check(t, func(rt *rapid.T) {
		c.AuthConfig = rapid.SampledFrom([]string{c.AuthConfig, cfg.ID}).Draw(rt, "auth config")
		c = drawConnection(rt, c, ids.New("n"))
		must(rt, w.UpdateConnection(context.Background(), c))
		c.Version++
		got, err := w.Connection(context.Background(), w.tenant, c.ID)
		must(rt, err)
		same(rt, got, c)

		fresh := drawConnection(rt, linked(connections.Attempt{Tenant: w.tenant, App: c.App, Environment: c.Environment}, cfg.ID), ids.New("n"))
		fresh.CreatedAt = Time().Draw(rt, "created")
		must(rt, w.Promote(context.Background(), w.attempt(t), nil, fresh))
		fresh.Version = 1
		got, err = w.Connection(context.Background(), w.tenant, fresh.ID)
		must(rt, err)
		same(rt, got, fresh)
	})
}

func attemptsKeepEveryField(t *testing.T, w *world) {
	rapid.Check(t, func(rt *rapid.T) {
		a := drawAttempt(rt, connections.Attempt{
			ID: ids.New(ids.Attempt), Tenant: w.tenant, App: Text().Draw(rt, "app"), Environment: "dev",
			Scheme: Text().Draw(rt, "scheme"), CreatedAt: Time().Draw(rt, "created"),
		})
		must(rt, w.CreateAttempt(context.Background(), a))
		a.Version = 1
		for range 2 {
			got, err := w.Attempt(context.Background(), w.tenant, a.ID)
			must(rt, err)
			same(rt, got, a)
			a = drawAttempt(rt, a)
			must(rt, w.UpdateAttempt(context.Background(), a))
			if err := w.UpdateAttempt(context.Background(), a); !errors.Is(err, fault.PreconditionFailed) {
				rt.Fatalf("UpdateAttempt of a version gone by = %v; want precondition_failed", err)
			}
			a.Version++
		}
	})
}

func longValues(t *testing.T, w *world) {
	long := strings.Repeat("64 KiB of text é", 4096)
	c := w.connect(t, nil)
	c.Params = map[string]any{"long": long}
	c.Identity.Label = long
	must(t, w.UpdateConnection(context.Background(), c))
	c.Version++
	same(t, w.get(t, c.ID), c)

	a := w.attempt(t)
	a.Message, a.Sealed.Box, a.Sealed.Key.Text = long, []byte(long), long
	must(t, w.UpdateAttempt(context.Background(), a))
	a.Version++
	got, err := w.Attempt(context.Background(), w.tenant, a.ID)
	must(t, err)
	same(t, got, a)

	c.Name = long // is part of a key
	wants(t, "a name of 64 KiB", w.UpdateConnection(context.Background(), c), fault.InvalidInput)
}

func connectionNames(t *testing.T, w *world) {
	for _, name := range append(Hostile, "Sales") {
		c := w.connect(t, func(_ *connections.Attempt, c *connections.Connection) { c.Name = name })
		other := w.connect(t, nil)
		other.Name = name
		err := w.UpdateConnection(context.Background(), other)
		wants(t, "a name that is taken", err, fault.Conflict)
		if msg := fault.From(err).Msg; !strings.Contains(msg, fmt.Sprintf("%q", name)) {
			t.Errorf("the fault does not say which name is taken: %s", msg)
		}
		a := w.attempt(t)
		cfg := config(a)
		again := linked(a, cfg.ID)
		again.Name = name
		wants(t, "promoting under a name that is taken", w.Promote(context.Background(), a, cfg, again), fault.Conflict)
		same(t, w.get(t, c.ID), c)
		// The same name elsewhere is another name.
		w.connect(t, func(a *connections.Attempt, c *connections.Connection) {
			a.Environment, c.Environment, c.Name = "prod", "prod", name
		})
		w.connect(t, func(a *connections.Attempt, c *connections.Connection) {
			a.App, c.App, c.Name = "slack", "slack", name
		})
	}
	elsewhere := &world{Records: w.Records, tenant: w.newTenant(t)}
	elsewhere.connect(t, func(_ *connections.Attempt, c *connections.Connection) { c.Name = "Sales" })
}

func connectionVersions(t *testing.T, w *world) {
	c := w.connect(t, nil)
	for _, version := range []int64{0, 2, -1} {
		stale := c
		stale.Version = version
		wants(t, fmt.Sprintf("version %d", version), w.UpdateConnection(context.Background(), stale), fault.PreconditionFailed)
	}
	c.App, c.Environment, c.CreatedAt = "other", "prod", began.Add(time.Hour) // never change
	must(t, w.UpdateConnection(context.Background(), c))
	c.App, c.Environment, c.CreatedAt, c.Version = "notes", "dev", began, 2
	same(t, w.get(t, c.ID), c)
}

func oneWriterWins(t *testing.T, w *world) {
	c := w.connect(t, nil)
	for range 5 {
		var won sync.Map
		together(8, func(i int) {
			mine := c
			mine.Identity.Label = fmt.Sprint(i)
			err := w.UpdateConnection(context.Background(), mine)
			if err == nil {
				won.Store(mine.Identity.Label, true)
			} else if !errors.Is(err, fault.PreconditionFailed) {
				t.Errorf("UpdateConnection = %v; want precondition_failed", err)
			}
		})
		c = w.get(t, c.ID)
		n := 0
		won.Range(func(label, _ any) bool { n++; return label == c.Identity.Label })
		if n != 1 {
			t.Fatalf("%d writers were told that they won, or another than the one stored", n)
		}
	}
}

func noUpdateIsLost(t *testing.T, w *world) {
	c := w.connect(t, nil)
	const writers, each = 8, 5
	together(writers, func(int) {
		for done := 0; done < each; {
			c, err := w.Connection(context.Background(), w.tenant, c.ID)
			if err == nil {
				c.Identity.Label += "x"
				err = w.UpdateConnection(context.Background(), c)
			}
			switch {
			case err == nil:
				done++
			case !errors.Is(err, fault.PreconditionFailed):
				t.Error(err)
				return
			}
		}
	})
	if got := w.get(t, c.ID); len(got.Identity.Label) != writers*each || got.Version != writers*each+1 {
		t.Errorf("%d of %d updates are there, version %d", len(got.Identity.Label), writers*each, got.Version)
	}
}

func otherTenants(t *testing.T, w *world) {
	ctx := context.Background()
	c, a := w.connect(t, nil), w.attempt(t)
	foreign := w.newTenant(t)
	fc, fa := c, a
	fc.Tenant, fa.Tenant = foreign, foreign
	for _, tenant := range []string{foreign, "ten_unknown", ""} {
		_, err := w.Connection(ctx, tenant, c.ID)
		wants(t, "Connection", err, fault.NotFound)
		_, err = w.Attempt(ctx, tenant, a.ID)
		wants(t, "Attempt", err, fault.NotFound)
		wants(t, "DeleteConnection", w.DeleteConnection(ctx, tenant, c.ID), fault.NotFound)
		got, err := w.ListConnections(ctx, tenant, credentials.Filter{}, page.Request{})
		if err != nil || len(got.Items) != 0 {
			t.Errorf("ListConnections of %q = %v, %v; want none", tenant, got, err)
		}
	}
	wants(t, "UpdateConnection", w.UpdateConnection(ctx, fc), fault.NotFound)
	wants(t, "UpdateAttempt", w.UpdateAttempt(ctx, fa), fault.NotFound)
	wants(t, "Promote another's attempt", w.Promote(ctx, fa, nil, linked(fa, c.AuthConfig)), fault.NotFound)
	wants(t, "Promote to another tenant", w.Promote(ctx, a, nil, linked(fa, c.AuthConfig)), fault.NotFound)
	wants(t, "Promote with another's config", w.Promote(ctx, a, config(fa), linked(a, c.AuthConfig)), fault.NotFound)
	own := &world{Records: w.Records, tenant: foreign}
	fa = own.attempt(t)
	wants(t, "a config of another tenant", w.Promote(ctx, fa, nil, linked(fa, c.AuthConfig)), fault.NotFound)
	same(t, w.get(t, c.ID), c)

	// What is said of a foreign id is what is said of one that never was.
	_, err := w.Connection(ctx, foreign, c.ID)
	_, unknown := w.Connection(ctx, foreign, "conn_unknown")
	if strings.ReplaceAll(err.Error(), c.ID, "conn_unknown") != unknown.Error() {
		t.Errorf("a foreign id answers %q, an unknown one %q", err, unknown)
	}
}

func together(n int, do func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { do(i) })
	}
	all.Wait()
}

func must(t tb, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v", err)
	}
}

func wants(t tb, what string, err error, kind fault.Kind) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("%s: %v; want %s", what, err, kind)
	}
}

func same[T any](t tb, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
}
