package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/feed"
	"github.com/wayleave/wayleave/internal/ids"
)

// told returns what do adds to the feed, without numbers.
func (w *world) told(t tb, do func()) (changes []feed.Change) {
	t.Helper()
	ctx := context.Background()
	before, err := w.LastChange(ctx)
	must(t, err)
	do()
	found, err := w.ChangesSince(ctx, before, 1000)
	must(t, err)
	for i, c := range found {
		if c.Seq != before+int64(i)+1 {
			t.Errorf("change %d after %d has number %d", i, before, c.Seq)
		}
		c.Seq = 0
		changes = append(changes, c)
	}
	last, err := w.LastChange(ctx)
	must(t, err)
	if last != before+int64(len(found)) {
		t.Errorf("the last change is %d; want %d", last, before+int64(len(found)))
	}
	return changes
}

func changesAreTold(t *testing.T, w *world) {
	ctx := context.Background()
	change := func(noun, id string) feed.Change { return feed.Change{Tenant: w.tenant, Noun: noun, ID: id} }
	actor, cfg, attempt := w.newActor(), w.newConfig(), w.newAttempt()
	admin, own := w.newKey(""), w.newKey(actor.ID)
	made := w.newConfig()
	conn := connections.Connection{ID: ids.New(ids.Connection), Tenant: w.tenant, App: "notes", Environment: "dev",
		Name: "c", AuthConfig: made.ID, Status: connections.Active}
	kit := w.newToolkit()
	for _, step := range []struct {
		name string
		do   func() error
		want []feed.Change
	}{
		{"CreateActor", func() error { return w.CreateActor(ctx, actor) }, []feed.Change{change(feed.Actor, actor.ID)}},
		{"UpdateActor", func() error { actor.Version = 1; return w.UpdateActor(ctx, actor) }, []feed.Change{change(feed.Actor, actor.ID)}},
		{"CreateKey", func() error { return w.CreateKey(ctx, admin) }, []feed.Change{change(feed.Key, admin.ID)}},
		{"CreateKey of an agent", func() error { return w.CreateKey(ctx, own) }, []feed.Change{change(feed.Key, own.ID)}},
		{"RevokeKey", func() error { return w.RevokeKey(ctx, w.tenant, admin.ID) }, []feed.Change{change(feed.Key, admin.ID)}},
		{"RevokeKey again", func() error { return w.RevokeKey(ctx, w.tenant, admin.ID) }, nil},
		{"DeleteActor", func() error { return w.DeleteActor(ctx, w.tenant, access.KindAgent, actor.ID) },
			[]feed.Change{change(feed.Actor, actor.ID), change(feed.Key, own.ID)}},
		{"CreateAuthConfig", func() error { return w.CreateAuthConfig(ctx, cfg) }, []feed.Change{change(feed.AuthConfig, cfg.ID)}},
		{"UpdateAuthConfig", func() error { cfg.Version = 1; return w.UpdateAuthConfig(ctx, cfg) }, []feed.Change{change(feed.AuthConfig, cfg.ID)}},
		{"DeleteAuthConfig", func() error { return w.DeleteAuthConfig(ctx, w.tenant, cfg.ID) }, []feed.Change{change(feed.AuthConfig, cfg.ID)}},
		{"CreateAttempt", func() error { return w.CreateAttempt(ctx, attempt) }, nil},
		{"Promote", func() error { attempt.Version = 1; return w.Promote(ctx, attempt, &made, conn) },
			[]feed.Change{change(feed.AuthConfig, made.ID), change(feed.Connection, conn.ID)}},
		{"UpdateConnection", func() error { conn.Version = 1; return w.UpdateConnection(ctx, conn) }, []feed.Change{change(feed.Connection, conn.ID)}},
		{"CreateToolkit", func() error { return w.CreateToolkit(ctx, kit) }, []feed.Change{change(feed.Toolkit, kit.ID)}},
		{"UpdateToolkit", func() error { kit.Version = 1; return w.UpdateToolkit(ctx, kit) }, []feed.Change{change(feed.Toolkit, kit.ID)}},
		{"DeleteToolkit", func() error { return w.DeleteToolkit(ctx, w.tenant, kit.ID) }, []feed.Change{change(feed.Toolkit, kit.ID)}},
		{"DeleteConnection", func() error { return w.DeleteConnection(ctx, w.tenant, conn.ID) }, []feed.Change{change(feed.Connection, conn.ID)}},
	} {
		t.Run(step.name, func(t *testing.T) { same(t, w.told(t, func() { must(t, step.do()) }), step.want) })
	}
}

func failuresTellNothing(t *testing.T, w *world) {
	ctx := context.Background()
	cfg := w.config(t)
	conn := w.connection(t, cfg)
	stale, taken := cfg, w.newConfig()
	stale.Version, taken.Name = 9, cfg.Name
	for name, do := range map[string]func() error{
		"stale":    func() error { return w.UpdateAuthConfig(ctx, stale) },
		"taken":    func() error { return w.CreateAuthConfig(ctx, taken) },
		"unknown":  func() error { return w.DeleteConnection(ctx, w.tenant, "conn_unknown") },
		"in use":   func() error { return w.DeleteAuthConfig(ctx, w.tenant, cfg.ID) },
		"bindings": func() error { k := w.newToolkit(conn, conn); return w.CreateToolkit(ctx, k) },
	} {
		same(t, w.told(t, func() {
			if do() == nil {
				t.Errorf("%s: no failure", name)
			}
		}), nil)
	}
}

// changesInOrder follows the feed while 8 writers write: what was read is never
// followed by something older, and nothing is left out.
func changesInOrder(t *testing.T, w *world) {
	ctx := context.Background()
	const writers, each = 8, 12
	start, err := w.LastChange(ctx)
	must(t, err)
	written := make(chan struct{})
	var seen []feed.Change
	together(2, func(i int) {
		if i == 0 {
			defer close(written)
			together(writers, func(int) {
				for range each {
					w.config(t)
				}
			})
			return
		}
		seen = w.follow(t, start, written)
	})
	if len(seen) != writers*each {
		t.Errorf("%d changes were seen of %d", len(seen), writers*each)
	}
}

// follow reads the feed until it reached its end after written was closed.
func (w *world) follow(t tb, seq int64, written chan struct{}) (seen []feed.Change) {
	for end := false; ; {
		select {
		case <-written:
			end = true
		default:
		}
		changes, err := w.ChangesSince(context.Background(), seq, 3)
		if err != nil {
			t.Errorf("ChangesSince: %v", err)
			return seen
		}
		for _, c := range changes {
			if c.Seq != seq+1 {
				t.Errorf("number %d follows %d", c.Seq, seq)
				return seen
			}
			seq = c.Seq
			seen = append(seen, c)
		}
		if end && len(changes) == 0 {
			return seen
		}
	}
}

func changesPruned(t *testing.T, w *world) {
	ctx := context.Background()
	for range 4 {
		w.config(t)
		w.Clock.Add(time.Hour)
	}
	n, err := w.PruneChanges(ctx, noon.Add(2*time.Hour))
	if n != 2 || err != nil {
		t.Errorf("PruneChanges = %d, %v; want the 2 from before", n, err)
	}
	changes, err := w.ChangesSince(ctx, 0, 10)
	must(t, err)
	if len(changes) != 2 || changes[0].Seq != 3 {
		t.Errorf("after pruning the changes are %v", changes)
	}
	// The last stays, or a reader who was away would see nothing amiss.
	if n, err := w.PruneChanges(ctx, noon.Add(100*time.Hour)); n != 1 || err != nil {
		t.Errorf("PruneChanges of all = %d, %v; want 1", n, err)
	}
	if last, err := w.LastChange(ctx); last != 4 || err != nil {
		t.Errorf("LastChange = %d, %v; want 4", last, err)
	}
	same(t, w.told(t, func() { w.newTenant(t) }), nil)
	if got := w.told(t, func() { w.config(t) }); len(got) != 1 {
		t.Errorf("after pruning a change told %v", got)
	}
}

// feedOfOlderRecords asks from a number that the records do not know, as a
// replica does when they were put back to an older state.
func feedOfOlderRecords(t *testing.T, w *world) {
	w.config(t)
	last, err := w.LastChange(context.Background())
	must(t, err)
	changes, err := w.ChangesSince(context.Background(), last+100, 10)
	must(t, err)
	same(t, changes, []feed.Change{{Seq: last}})
	changes, err = w.ChangesSince(context.Background(), last, 10)
	if len(changes) != 0 || err != nil {
		t.Errorf("ChangesSince the last = %v, %v; want none", changes, err)
	}
}

// concurrentUse has everybody do a bit of everything at once: nothing may fail
// that does not fail alone.
func concurrentUse(t *testing.T, w *world) {
	ctx := context.Background()
	together(8, func(int) {
		for range 3 {
			a := w.actor(t)
			k := w.key(t, a.ID)
			cfg := w.config(t)
			c := w.connection(t, cfg)
			kit := w.toolkit(t, c)
			cfg.Name += " renamed"
			must(t, w.UpdateAuthConfig(ctx, cfg))
			c.Name += " renamed"
			must(t, w.UpdateConnection(ctx, c))
			wants(t, "in use", w.DeleteConnection(ctx, w.tenant, c.ID), fault.InUse)
			must(t, w.RevokeKey(ctx, w.tenant, k.ID))
			must(t, w.DeleteToolkit(ctx, w.tenant, kit.ID))
			must(t, w.DeleteConnection(ctx, w.tenant, c.ID))
			must(t, w.DeleteAuthConfig(ctx, w.tenant, cfg.ID))
			must(t, w.DeleteActor(ctx, w.tenant, a.Kind, a.ID))
		}
	})
}
