package storetest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wayleave/wayleave/connections/connectionstest"
	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/ids"
	"github.com/wayleave/wayleave/internal/page"
)

// all reads every page of a list, by pages of two.
func all[T any](t tb, id func(T) string, list func(page.Request) (page.Page[T], error)) (found []string) {
	t.Helper()
	r := page.Request{Limit: 2}
	for {
		p, err := list(r)
		must(t, err)
		for _, one := range p.Items {
			found = append(found, id(one))
		}
		if r.After = p.Next; p.Next == "" {
			return found
		}
	}
}

func tenants(t *testing.T, w *world) {
	ctx := context.Background()
	made := []string{w.tenant}
	for range 4 {
		made = append(made, w.newTenant(t))
	}
	got := all(t, func(n access.Tenant) string { return n.ID }, func(r page.Request) (page.Page[access.Tenant], error) {
		return w.ListTenants(ctx, r)
	})
	same(t, got, made)
	rapid.Check(t, func(t *rapid.T) {
		n := access.Tenant{
			ID:        ids.New(ids.Tenant),
			Name:      connectionstest.Text().Draw(t, "name") + ids.New("n"),
			CreatedAt: connectionstest.Time().Draw(t, "created"),
		}
		must(t, w.CreateTenant(ctx, n))
		got, err := w.Tenant(ctx, n.ID)
		must(t, err)
		same(t, got, n)
		wants(t, "the same name", w.CreateTenant(ctx, access.Tenant{ID: ids.New(ids.Tenant), Name: n.Name}), fault.Conflict)
		wants(t, "the same id", w.CreateTenant(ctx, access.Tenant{ID: n.ID, Name: ids.New("n")}), fault.Conflict)
	})
	_, err := w.Tenant(ctx, "ten_unknown")
	wants(t, "an unknown tenant", err, fault.NotFound)
}

func actorsKeepEveryField(t *testing.T, w *world) {
	ctx := context.Background()
	rapid.Check(t, func(t *rapid.T) {
		a := access.Actor{
			ID: ids.New(ids.Agent), Tenant: w.tenant,
			Kind:      rapid.SampledFrom([]access.Kind{access.KindAgent, access.KindWorkflow}).Draw(t, "kind"),
			Name:      connectionstest.Text().Draw(t, "name") + ids.New("n"),
			CreatedAt: connectionstest.Time().Draw(t, "created"),
			UpdatedAt: connectionstest.Time().Draw(t, "updated"),
		}
		must(t, w.CreateActor(ctx, a))
		a.Version = 1
		got, err := w.Actor(ctx, w.tenant, a.Kind, a.ID)
		must(t, err)
		same(t, got, a)
		a.Name = connectionstest.Text().Draw(t, "new name") + ids.New("n")
		a.UpdatedAt = connectionstest.Time().Draw(t, "updated again")
		must(t, w.UpdateActor(ctx, a))
		wants(t, "the version gone by", w.UpdateActor(ctx, a), fault.PreconditionFailed)
		a.Version = 2
		got, err = w.Actor(ctx, w.tenant, a.Kind, a.ID)
		must(t, err)
		same(t, got, a)
	})
}

func actors(t *testing.T, w *world) {
	ctx := context.Background()
	made := map[access.Kind][]string{}
	for i := range 6 {
		a := w.newActor()
		a.Kind = []access.Kind{access.KindAgent, access.KindWorkflow}[i%2]
		a.Name = []string{"one", "one", "two", "two", "three", "three"}[i] // unique per kind
		must(t, w.CreateActor(ctx, a))
		made[a.Kind] = append(made[a.Kind], a.ID)
		a.ID = ids.New(ids.Agent)
		wants(t, "a name that is taken", w.CreateActor(ctx, a), fault.Conflict)
	}
	for _, kind := range []access.Kind{access.KindAgent, access.KindWorkflow, "other"} {
		got := all(t, func(a access.Actor) string { return a.ID }, func(r page.Request) (page.Page[access.Actor], error) {
			return w.ListActors(ctx, w.tenant, kind, r)
		})
		same(t, got, made[kind])
	}
	agent := made[access.KindAgent][0]
	_, err := w.Actor(ctx, w.tenant, access.KindWorkflow, agent)
	wants(t, "an agent as a workflow", err, fault.NotFound)
	wants(t, "deleting an agent as a workflow", w.DeleteActor(ctx, w.tenant, access.KindWorkflow, agent), fault.NotFound)
	wants(t, "updating an agent as a workflow",
		w.UpdateActor(ctx, access.Actor{ID: agent, Tenant: w.tenant, Kind: access.KindWorkflow, Name: "x", Version: 1}), fault.NotFound)
	wants(t, "updating to a name that is taken",
		w.UpdateActor(ctx, access.Actor{ID: agent, Tenant: w.tenant, Kind: access.KindAgent, Name: "two", Version: 1}), fault.Conflict)
	must(t, w.DeleteActor(ctx, w.tenant, access.KindAgent, agent))
	wants(t, "deleting it again", w.DeleteActor(ctx, w.tenant, access.KindAgent, agent), fault.NotFound)
}

func deletingActor(t *testing.T, w *world) {
	ctx := context.Background()
	a, other := w.actor(t), w.actor(t)
	first, second := w.key(t, a.ID), w.key(t, a.ID)
	spared, admin := w.key(t, other.ID), w.key(t, "")
	must(t, w.RevokeKey(ctx, w.tenant, first.ID))
	earlier := w.Clock.Now()
	w.Clock.Add(time.Hour)
	must(t, w.DeleteActor(ctx, w.tenant, access.KindAgent, a.ID))
	for _, tc := range []struct {
		key  access.Key
		want time.Time
	}{{first, earlier}, {second, w.Clock.Now()}, {spared, time.Time{}}, {admin, time.Time{}}} {
		got, err := w.KeyByHash(ctx, tc.key.Hash)
		must(t, err)
		if !got.RevokedAt.Equal(tc.want) {
			t.Errorf("revoked at %v; want %v", got.RevokedAt, tc.want)
		}
	}
	wants(t, "a key for a deleted agent", w.CreateKey(ctx, w.newKey(a.ID)), fault.NotFound)
}

func noKeyIsLeft(t *testing.T, w *world) {
	ctx := context.Background()
	for range 15 {
		a := w.actor(t)
		made := make([]access.Key, 4)
		together(len(made)+1, func(i int) {
			if i == len(made) {
				must(t, w.DeleteActor(ctx, w.tenant, access.KindAgent, a.ID))
				return
			}
			k := w.newKey(a.ID)
			if err := w.CreateKey(ctx, k); err == nil {
				made[i] = k
			} else if !errors.Is(err, fault.NotFound) {
				t.Errorf("CreateKey = %v; want not_found", err)
			}
		})
		for _, k := range made {
			if k.ID == "" {
				continue
			}
			got, err := w.KeyByHash(ctx, k.Hash)
			must(t, err)
			if got.RevokedAt.IsZero() {
				t.Fatal("a key of a deleted agent is not revoked")
			}
		}
	}
}

func keysKeepEveryField(t *testing.T, w *world) {
	agent := w.actor(t)
	rapid.Check(t, func(t *rapid.T) {
		k := access.Key{
			ID: ids.New(ids.Key), Tenant: w.tenant, Kind: access.KindAgent, Actor: agent.ID,
			Name:      connectionstest.Text().Draw(t, "name"),
			Role:      rapid.SampledFrom([]access.Role{access.Caller, access.Viewer, access.Operator, access.Admin, access.System}).Draw(t, "role"),
			Hash:      append(connectionstest.Bytes().Draw(t, "hash"), ids.New("h")...),
			Hint:      connectionstest.Text().Draw(t, "hint"),
			CreatedAt: connectionstest.Time().Draw(t, "created"),
			ExpiresAt: connectionstest.Time().Draw(t, "expires"),
			RevokedAt: connectionstest.Time().Draw(t, "revoked"),
		}
		for _, e := range connectionstest.Texts().Draw(t, "environments") {
			k.Grant.Environments = append(k.Grant.Environments, environments.Name(e))
		}
		if some := connectionstest.Texts().Draw(t, "toolkits"); len(some) > 0 { // none and nil mean the same
			k.Grant.Toolkits, k.Grant.Tools = some, slices.Clone(some)
		}
		k.Grant.ReadOnly = rapid.Bool().Draw(t, "read only")
		must(t, w.CreateKey(context.Background(), k))
		got, err := w.KeyByHash(context.Background(), k.Hash)
		must(t, err)
		same(t, got, k)
	})
}

func keys(t *testing.T, w *world) {
	ctx := context.Background()
	if n, err := w.CountAdminKeys(ctx); n != 0 || err != nil {
		t.Errorf("CountAdminKeys = %d, %v at first", n, err)
	}
	k := w.key(t, "")
	agent := w.actor(t)
	w.key(t, agent.ID)
	for _, hash := range [][]byte{nil, {}, []byte("other"), bytes.ToUpper(k.Hash), k.Hash[:len(k.Hash)-1]} {
		_, err := w.KeyByHash(ctx, hash)
		wants(t, "KeyByHash of "+string(hash), err, fault.NotFound)
	}
	again := w.newKey("")
	again.Hash = k.Hash
	wants(t, "a hash that is there", w.CreateKey(ctx, again), fault.Conflict)
	again.Hash = nil
	wants(t, "no hash", w.CreateKey(ctx, again), fault.InvalidInput)
	again = w.newKey(agent.ID)
	again.Kind = access.KindWorkflow
	wants(t, "a workflow's key for an agent", w.CreateKey(ctx, again), fault.NotFound)

	must(t, w.RevokeKey(ctx, w.tenant, k.ID))
	k.RevokedAt = w.Clock.Now()
	w.Clock.Add(time.Minute)
	must(t, w.RevokeKey(ctx, w.tenant, k.ID)) // once is enough
	got, err := w.KeyByHash(ctx, k.Hash)
	must(t, err)
	same(t, got, k)
	wants(t, "revoking an unknown key", w.RevokeKey(ctx, w.tenant, "key_unknown"), fault.NotFound)
	if n, err := w.CountAdminKeys(ctx); n != 1 || err != nil {
		t.Errorf("CountAdminKeys = %d, %v; want 1, revoked as it is", n, err)
	}
}

func keysInLists(t *testing.T, w *world) {
	ctx := context.Background()
	one, two := w.actor(t), w.actor(t)
	made := map[[2]string][]string{}
	for i := range 9 {
		actor := []string{one.ID, two.ID, ""}[i%3]
		k := w.key(t, actor)
		made[[2]string{string(k.Kind), actor}] = append(made[[2]string{string(k.Kind), actor}], k.ID)
		if actor != "" {
			made[[2]string{string(k.Kind), ""}] = append(made[[2]string{string(k.Kind), ""}], k.ID)
		}
	}
	made[[2]string{"workflow", ""}] = nil
	made[[2]string{"agent", "agt_unknown"}] = nil
	for of, want := range made {
		got := all(t, func(k access.Key) string { return k.ID }, func(r page.Request) (page.Page[access.Key], error) {
			return w.ListKeys(ctx, w.tenant, access.Kind(of[0]), of[1], r)
		})
		same(t, got, want)
	}
}
