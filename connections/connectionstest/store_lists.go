package connectionstest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/page"
)

func deleting(t *testing.T, w *world) {
	ctx := context.Background()
	c := w.connect(t, nil)
	wants(t, "deleting a config in use", w.DeleteAuthConfig(ctx, w.tenant, c.AuthConfig), fault.InUse)
	must(t, w.DeleteConnection(ctx, w.tenant, c.ID))
	_, err := w.Connection(ctx, w.tenant, c.ID)
	wants(t, "reading it", err, fault.NotFound)
	wants(t, "deleting it again", w.DeleteConnection(ctx, w.tenant, c.ID), fault.NotFound)
	wants(t, "updating it", w.UpdateConnection(ctx, c), fault.NotFound)
	must(t, w.DeleteAuthConfig(ctx, w.tenant, c.AuthConfig))
	again := c.Name
	w.connect(t, func(_ *connections.Attempt, c *connections.Connection) { c.Name = again })
}

func revokedStay(t *testing.T, w *world) {
	c := w.connect(t, nil)
	c.Status, c.Reason = connections.Revoked, fault.ConnectionRevoked
	must(t, w.UpdateConnection(context.Background(), c))
	c.Version++
	same(t, w.get(t, c.ID), c)
	if got := w.list(t, credentials.Filter{}, 10); !slices.Equal(got, []string{c.ID}) {
		t.Errorf("the list is %v; want the revoked connection", got)
	}
	wants(t, "deleting its config", w.DeleteAuthConfig(context.Background(), w.tenant, c.AuthConfig), fault.InUse)
}

// list reads the ids of every page.
func (w *world) list(t tb, f credentials.Filter, limit int) (all []string) {
	t.Helper()
	r := page.Request{Limit: limit}
	for {
		p, err := w.ListConnections(context.Background(), w.tenant, f, r)
		must(t, err)
		if len(p.Items) > r.Bound() {
			t.Fatalf("a page of %d records, %d were asked for", len(p.Items), limit)
		}
		for _, c := range p.Items {
			all = append(all, c.ID)
		}
		if r.After = p.Next; p.Next == "" {
			return all
		}
	}
}

func lists(t *testing.T, w *world) {
	made := map[credentials.Filter][]string{}
	for i := range 12 {
		app, environment := []string{"notes", "slack"}[i%2], []environments.Name{"dev", "staging", "prod"}[i%3]
		c := w.connect(t, func(a *connections.Attempt, c *connections.Connection) {
			a.App, c.App, a.Environment, c.Environment = app, app, environment, environment
		})
		for _, f := range []credentials.Filter{{}, {App: app}, {Environment: environment}, {App: app, Environment: environment}} {
			made[f] = append(made[f], c.ID)
		}
	}
	stranger := &world{Records: w.Records, tenant: w.newTenant(t)}
	stranger.connect(t, nil)
	for f, want := range made {
		for _, limit := range []int{0, 1, 5, len(want), len(want) + 1, page.MaxLimit + 1} {
			if got := w.list(t, f, limit); !slices.Equal(got, want) {
				t.Errorf("list of %+v by %d = %v; want %v", f, limit, got, want)
			}
		}
	}
	for _, f := range []credentials.Filter{{App: "unknown"}, {Environment: "unknown"}, {App: "%"}, {App: "' OR 1=1 --"}} {
		if got := w.list(t, f, 5); got != nil {
			t.Errorf("list of %+v = %v; want none", f, got)
		}
	}
	first, err := w.ListConnections(context.Background(), w.tenant, credentials.Filter{}, page.Request{Limit: 12})
	if err != nil || first.Next != "" {
		t.Errorf("a page of exactly all = next %q, %v; want the end", first.Next, err)
	}
}

func pagesUnderInsert(t *testing.T, w *world) {
	var before []string
	for range 10 {
		before = append(before, w.connect(t, nil).ID)
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				w.connect(t, nil)
			}
		}
	}()
	for range 10 {
		got := w.list(t, credentials.Filter{}, 3)
		if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Errorf("pages repeat or are out of order: %v", got)
		}
		if len(got) < len(before) || !slices.Equal(got[:len(before)], before) {
			t.Errorf("pages skip: %v; want them to begin with %v", got, before)
		}
	}
	close(stop)
	<-done
}

func attemptsForgotten(t *testing.T, w *world) {
	ctx := context.Background()
	kept, gone := map[string]bool{}, 0
	for i := range 6 {
		a := w.attempt(t)
		a.ExpiresAt = began.Add(time.Duration(i-3) * time.Hour)
		a.Status = []connections.AttemptStatus{connections.AttemptPending, connections.AttemptFailed, connections.AttemptSucceeded}[i%3]
		if i == 0 {
			a.ExpiresAt = time.Time{} // never
		}
		must(t, w.UpdateAttempt(ctx, a))
		kept[a.ID] = a.ExpiresAt.IsZero() || !a.ExpiresAt.Before(began)
		if !kept[a.ID] {
			gone++
		}
	}
	n, err := w.DeleteAttemptsBefore(ctx, began)
	if n != gone || err != nil {
		t.Errorf("DeleteAttemptsBefore = %d, %v; want %d", n, err, gone)
	}
	for id, kept := range kept {
		if _, err := w.Attempt(ctx, w.tenant, id); (err == nil) != kept {
			t.Errorf("Attempt = %v; kept: %v", err, kept)
		}
	}
	if n, err := w.DeleteAttemptsBefore(ctx, began); n != 0 || err != nil {
		t.Errorf("DeleteAttemptsBefore again = %d, %v", n, err)
	}
}

func configOfAnotherPlace(t *testing.T, w *world) {
	for name, place := range map[string]connections.Attempt{
		"another environment": {Tenant: w.tenant, App: "notes", Environment: "prod", Scheme: "key"},
		"another app":         {Tenant: w.tenant, App: "slack", Environment: "dev", Scheme: "key"},
	} {
		cfg := config(place)
		must(t, w.CreateAuthConfig(context.Background(), *cfg))
		a := w.attempt(t)
		wants(t, name, w.Promote(context.Background(), a, nil, linked(a, cfg.ID)), fault.NotFound)
		c := w.connect(t, nil)
		c.AuthConfig = cfg.ID
		wants(t, fmt.Sprintf("update to %s", name), w.UpdateConnection(context.Background(), c), fault.NotFound)
	}
}
