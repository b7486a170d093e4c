package storetest

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/ids"
	"github.com/wayleave/wayleave/internal/page"
	"github.com/wayleave/wayleave/toolkits"
)

// A call calls one method about the records of a target. It returns how many
// records it answered.
type call func(ctx context.Context, to target) (int, error)

// A target is the records that calls are about: ids, and whose they are said to
// be.
type target struct {
	tenant                                          string
	actor, key, config, attempt, connection, kit    string
	hash                                            []byte
	text                                            string // what new records are called
	attemptVersion, configVersion, connectedVersion int64
}

// methods are all methods of Records and of Idempotency but those that have no
// tenant, by name.
func (w *world) methods() map[string]call {
	one := func(err error) (int, error) { return 1, err }
	first := page.Request{Limit: 1}
	return map[string]call{
		"CreateActor": func(ctx context.Context, to target) (int, error) {
			return one(w.CreateActor(ctx, access.Actor{ID: ids.New(ids.Agent), Tenant: to.tenant, Kind: access.KindAgent, Name: to.text}))
		},
		"Actor": func(ctx context.Context, to target) (int, error) {
			_, err := w.Actor(ctx, to.tenant, access.KindAgent, to.actor)
			return one(err)
		},
		"ListActors": func(ctx context.Context, to target) (int, error) {
			p, err := w.ListActors(ctx, to.tenant, access.KindAgent, first)
			return len(p.Items), err
		},
		"UpdateActor": func(ctx context.Context, to target) (int, error) {
			return one(w.UpdateActor(ctx, access.Actor{ID: to.actor, Tenant: to.tenant, Kind: access.KindAgent, Name: to.text, Version: 1}))
		},
		"DeleteActor": func(ctx context.Context, to target) (int, error) {
			return one(w.DeleteActor(ctx, to.tenant, access.KindAgent, to.actor))
		},
		"CreateKey": func(ctx context.Context, to target) (int, error) {
			return one(w.CreateKey(ctx, access.Key{ID: ids.New(ids.Key), Tenant: to.tenant, Kind: access.KindAgent,
				Actor: to.actor, Name: to.text, Hash: []byte(ids.New("h"))}))
		},
		"ListKeys": func(ctx context.Context, to target) (int, error) {
			p, err := w.ListKeys(ctx, to.tenant, access.KindAgent, to.actor, first)
			return len(p.Items), err
		},
		"RevokeKey": func(ctx context.Context, to target) (int, error) { return one(w.RevokeKey(ctx, to.tenant, to.key)) },
		"CreateAuthConfig": func(ctx context.Context, to target) (int, error) {
			return one(w.CreateAuthConfig(ctx, credentials.AuthConfig{ID: ids.New(ids.AuthConfig), Tenant: to.tenant, Name: to.text}))
		},
		"AuthConfig": func(ctx context.Context, to target) (int, error) {
			_, err := w.AuthConfig(ctx, to.tenant, to.config)
			return one(err)
		},
		"ListAuthConfigs": func(ctx context.Context, to target) (int, error) {
			p, err := w.ListAuthConfigs(ctx, to.tenant, credentials.Filter{App: "notes"}, first)
			return len(p.Items), err
		},
		"UpdateAuthConfig": func(ctx context.Context, to target) (int, error) {
			return one(w.UpdateAuthConfig(ctx, credentials.AuthConfig{ID: to.config, Tenant: to.tenant, Name: to.text, Version: to.configVersion}))
		},
		"DeleteAuthConfig": func(ctx context.Context, to target) (int, error) {
			return one(w.DeleteAuthConfig(ctx, to.tenant, to.config))
		},
		"Connection": func(ctx context.Context, to target) (int, error) {
			_, err := w.Connection(ctx, to.tenant, to.connection)
			return one(err)
		},
		"ListConnections": func(ctx context.Context, to target) (int, error) {
			p, err := w.ListConnections(ctx, to.tenant, credentials.Filter{Environment: "dev"}, first)
			return len(p.Items), err
		},
		"UpdateConnection": func(ctx context.Context, to target) (int, error) {
			return one(w.UpdateConnection(ctx, connections.Connection{ID: to.connection, Tenant: to.tenant, Name: to.text,
				AuthConfig: to.config, Version: to.connectedVersion}))
		},
		"DeleteConnection": func(ctx context.Context, to target) (int, error) {
			return one(w.DeleteConnection(ctx, to.tenant, to.connection))
		},
		"CreateAttempt": func(ctx context.Context, to target) (int, error) {
			return one(w.CreateAttempt(ctx, connections.Attempt{ID: ids.New(ids.Attempt), Tenant: to.tenant, Name: to.text}))
		},
		"Attempt": func(ctx context.Context, to target) (int, error) {
			_, err := w.Attempt(ctx, to.tenant, to.attempt)
			return one(err)
		},
		"UpdateAttempt": func(ctx context.Context, to target) (int, error) {
			return one(w.UpdateAttempt(ctx, connections.Attempt{ID: to.attempt, Tenant: to.tenant, Name: to.text, Version: to.attemptVersion}))
		},
		"Promote": func(ctx context.Context, to target) (int, error) {
			return one(w.Promote(ctx, connections.Attempt{ID: to.attempt, Tenant: to.tenant, Version: to.attemptVersion}, nil,
				connections.Connection{ID: ids.New(ids.Connection), Tenant: to.tenant, App: "notes", Environment: "dev",
					Name: to.text, AuthConfig: to.config}))
		},
		"CreateToolkit": func(ctx context.Context, to target) (int, error) {
			return one(w.CreateToolkit(ctx, toolkits.Toolkit{ID: ids.New(ids.Toolkit), Tenant: to.tenant, Slug: to.text, App: "notes",
				Bindings: []toolkits.Binding{{Environment: "dev", Connection: to.connection}}}))
		},
		"Toolkit": func(ctx context.Context, to target) (int, error) {
			_, err := w.Toolkit(ctx, to.tenant, to.kit)
			return one(err)
		},
		"ListToolkits": func(ctx context.Context, to target) (int, error) {
			p, err := w.ListToolkits(ctx, to.tenant, first)
			return len(p.Items), err
		},
		"UpdateToolkit": func(ctx context.Context, to target) (int, error) {
			return one(w.UpdateToolkit(ctx, toolkits.Toolkit{ID: to.kit, Tenant: to.tenant, Slug: to.text, Version: 1}))
		},
		"DeleteToolkit": func(ctx context.Context, to target) (int, error) {
			return one(w.DeleteToolkit(ctx, to.tenant, to.kit))
		},
		"Claim": func(ctx context.Context, to target) (int, error) {
			_, err := w.Idempotency.Claim(ctx, to.tenant, to.text, nil, noon)
			return one(err)
		},
		"Finish": func(ctx context.Context, to target) (int, error) {
			return one(w.Idempotency.Finish(ctx, to.tenant, to.key, nil))
		},
		"Abandon": func(ctx context.Context, to target) (int, error) {
			return 0, w.Idempotency.Abandon(ctx, to.tenant, to.key)
		},
	}
}

// global are the methods without a tenant, which no tenant reaches.
func (w *world) global() map[string]call {
	return map[string]call{
		"CreateTenant": func(ctx context.Context, to target) (int, error) {
			return 1, w.CreateTenant(ctx, access.Tenant{ID: ids.New(ids.Tenant), Name: to.text})
		},
		"Tenant": func(ctx context.Context, to target) (int, error) { _, err := w.Tenant(ctx, to.tenant); return 1, err },
		"ListTenants": func(ctx context.Context, _ target) (int, error) {
			p, err := w.ListTenants(ctx, page.Request{})
			return len(p.Items), err
		},
		"KeyByHash":      func(ctx context.Context, to target) (int, error) { _, err := w.KeyByHash(ctx, to.hash); return 1, err },
		"CountAdminKeys": func(ctx context.Context, _ target) (int, error) { return w.CountAdminKeys(ctx) },
		"DeleteAttemptsBefore": func(ctx context.Context, _ target) (int, error) {
			return w.DeleteAttemptsBefore(ctx, time.Unix(1, 0))
		},
		"LastChange": func(ctx context.Context, _ target) (int, error) { n, err := w.LastChange(ctx); return int(n), err },
		"ChangesSince": func(ctx context.Context, _ target) (int, error) {
			c, err := w.ChangesSince(ctx, 0, 1)
			return len(c), err
		},
		"PruneChanges": func(ctx context.Context, _ target) (int, error) { return w.PruneChanges(ctx, time.Unix(1, 0)) },
		"AnySealed":    func(ctx context.Context, _ target) (int, error) { _, _, err := w.AnySealed(ctx); return 1, err },
		"DeleteClaimsBefore": func(ctx context.Context, _ target) (int, error) {
			return w.Idempotency.DeleteClaimsBefore(ctx, time.Unix(1, 0))
		},
	}
}

// target returns stored records that every method works on.
func (w *world) target(t *testing.T) target {
	t.Helper()
	a := w.actor(t)
	k := w.key(t, a.ID)
	cfg := w.config(t)
	c := w.connection(t, cfg)
	attempt := w.newAttempt()
	must(t, w.CreateAttempt(context.Background(), attempt))
	w.wantClaim(t, k.ID, "", toolkits.ClaimNew)
	return target{
		tenant: w.tenant, actor: a.ID, key: k.ID, hash: k.Hash, config: cfg.ID, attempt: attempt.ID, connection: c.ID,
		kit: w.toolkit(t, c).ID, text: ids.New("text"), attemptVersion: 1, configVersion: 1, connectedVersion: 1,
	}
}

// complete fails the test if a method is not among those that are tried.
func (w *world) complete(t *testing.T) {
	t.Helper()
	tried := slices.Concat(slices.Collect(maps.Keys(w.methods())), slices.Collect(maps.Keys(w.global())))
	for _, contract := range []reflect.Type{reflect.TypeFor[Records](), reflect.TypeFor[toolkits.Idempotency]()} {
		for i := range contract.NumMethod() {
			if name := contract.Method(i).Name; !slices.Contains(tried, name) {
				t.Errorf("%s is not tried", name)
			}
		}
	}
}

func everyMethodKeepsTenantsApart(t *testing.T, w *world) {
	w.complete(t)
	to := w.target(t)
	before := w.told(t, func() {
		for _, tenant := range []string{(&world{Harness: w.Harness}).newTenant(t), "ten_unknown", ""} {
			foreign := to
			foreign.tenant = tenant
			known := strings.HasPrefix(tenant, ids.Tenant+"_") && tenant != "ten_unknown"
			methods := w.methods()
			names := slices.Sorted(maps.Keys(methods))
			slices.Reverse(names) // what creates comes after what lists
			for _, name := range names {
				n, err := methods[name](context.Background(), foreign)
				switch {
				case strings.HasPrefix(name, "List"), name == "Abandon":
					if n != 0 || err != nil {
						t.Errorf("%s for tenant %q = %d, %v; want none", name, tenant, n, err)
					}
				case known && slices.Contains([]string{"CreateActor", "CreateAuthConfig", "CreateAttempt", "Claim"}, name):
					must(t, err) // makes a record of its own, without touching another's
				default:
					wants(t, name+" for tenant "+tenant, err, fault.NotFound)
				}
			}
		}
	})
	for _, c := range before {
		if c.Tenant == w.tenant {
			t.Errorf("another tenant changed %v", c)
		}
	}
	// Everything is there still, and works for whom it belongs to.
	for _, name := range []string{"Actor", "ListActors", "ListKeys", "AuthConfig", "ListAuthConfigs", "Connection",
		"ListConnections", "Attempt", "Toolkit", "ListToolkits", "Finish", "UpdateActor", "CreateKey", "RevokeKey",
		"UpdateToolkit", "CreateToolkit", "Promote", "DeleteToolkit", "DeleteActor"} {
		to.text = ids.New("text")
		if n, err := w.methods()[name](context.Background(), to); n != 1 || err != nil {
			t.Errorf("%s for its own tenant = %d, %v", name, n, err)
		}
	}
}

func everyMethodHonoursItsContext(t *testing.T, w *world) {
	to := w.target(t)
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	late, done := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer done()
	changes := w.told(t, func() {
		for name, call := range merged(w.methods(), w.global()) {
			_, err := call(cancelled, to)
			if !errors.Is(err, context.Canceled) || !errors.Is(err, fault.StoreUnavailable) {
				t.Errorf("%s, cancelled = %v; want context.Canceled and store_unavailable", name, err)
			}
			_, err = call(late, to)
			if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, fault.StoreUnavailable) {
				t.Errorf("%s, late = %v; want context.DeadlineExceeded and store_unavailable", name, err)
			}
		}
	})
	same(t, changes, nil)
}

func everyMethodWithstandsAnyText(t *testing.T, w *world) {
	to := w.target(t)
	for _, text := range []string{"\x00", "a\x00b", "\xff", "\xed\xa0\x80", strings.Repeat("x", 64<<10)} {
		odd := target{tenant: w.tenant, actor: text, key: text, config: text, attempt: text, connection: text, kit: text,
			text: text, hash: []byte(text), attemptVersion: 1, configVersion: 1, connectedVersion: 1}
		for name, call := range w.methods() {
			n, err := call(context.Background(), odd)
			refused := errors.Is(err, fault.NotFound) || errors.Is(err, fault.InvalidInput)
			if !refused && (err != nil || n != 0) && !strings.HasPrefix(name, "List") && name != "CreateAttempt" {
				t.Errorf("%s of %.10q = %d, %v; want not_found or invalid_input", name, text, n, err)
			}
			if errors.Is(err, fault.StoreUnavailable) || errors.Is(err, fault.Internal) {
				t.Errorf("%s of %.10q = %v", name, text, err)
			}
		}
	}
	if n, err := w.methods()["Connection"](context.Background(), to); n != 1 || err != nil {
		t.Errorf("Connection = %v afterwards", err)
	}
}

func merged(all ...map[string]call) map[string]call {
	out := map[string]call{}
	for _, some := range all {
		maps.Copy(out, some)
	}
	return out
}
