package storetest

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/feed"
	"github.com/wayleave/wayleave/internal/ids"
	"github.com/wayleave/wayleave/toolkits"
)

// Records are everything that is kept.
type Records interface {
	access.Tenants
	access.Actors
	access.Keys
	credentials.AuthConfigs
	connections.Store
	connections.Attempts
	toolkits.Store
	feed.Source
	PruneChanges(ctx context.Context, before time.Time) (int, error)
	AnySealed(ctx context.Context) (credentials.WrappedKey, bool, error)
}

// A Harness is records to test.
type Harness struct {
	Records
	Idempotency toolkits.Idempotency
	Clock       *Clock // what the records take the time from
}

// A Clock is a time that tests set.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// NewClock returns a Clock that stands at noon.
func NewClock() *Clock { return &Clock{at: noon} }

// Now returns the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Add puts the clock forward.
func (c *Clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// noon is when everything is made, in a world of tests.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 987654000, time.UTC)

// Test runs the suite. open returns records that are empty.
func Test(t *testing.T, open func(t *testing.T) Harness) {
	for name, test := range map[string]func(*testing.T, *world){
		"tenants":                                  tenants,
		"actors keep every field":                  actorsKeepEveryField,
		"actors":                                   actors,
		"deleting an actor revokes its keys":       deletingActor,
		"no key is left of a deleted actor":        noKeyIsLeft,
		"keys keep every field":                    keysKeepEveryField,
		"keys":                                     keys,
		"keys in lists":                            keysInLists,
		"auth configs keep every field":            authConfigsKeepEveryField,
		"auth configs":                             authConfigs,
		"auth configs in use":                      authConfigsInUse,
		"any sealed":                               anySealed,
		"toolkits keep every field":                toolkitsKeepEveryField,
		"toolkits":                                 toolkitsTest,
		"toolkits bind what is theirs":             toolkitBindings,
		"toolkits in use of connections":           connectionsInUse,
		"toolkits are never half updated":          toolkitsAreWhole,
		"idempotency":                              idempotency,
		"idempotency keys are claimed once":        claimedOnce,
		"every change is told":                     changesAreTold,
		"failures tell nothing":                    failuresTellNothing,
		"changes appear in order":                  changesInOrder,
		"changes are pruned":                       changesPruned,
		"a feed of records that were put back":     feedOfOlderRecords,
		"every method keeps tenants apart":         everyMethodKeepsTenantsApart,
		"every method honours its context":         everyMethodHonoursItsContext,
		"every method withstands any text":         everyMethodWithstandsAnyText,
		"names of hostile texts":                   hostileNames,
		"names are unique where they must be":      uniqueNames,
		"concurrent use of everything by 8 people": concurrentUse,
	} {
		t.Run(name, func(t *testing.T) { test(t, newWorld(t, open(t))) })
	}
}

// A world is records with a tenant in them.
type world struct {
	Harness
	tenant string
}

func newWorld(t *testing.T, h Harness) *world {
	w := &world{Harness: h}
	w.tenant = w.newTenant(t)
	return w
}

func (w *world) newTenant(t tb) string {
	t.Helper()
	id := ids.New(ids.Tenant)
	must(t, w.CreateTenant(context.Background(), access.Tenant{ID: id, Name: id, CreatedAt: noon}))
	return id
}

func (w *world) newActor() access.Actor {
	id := ids.New(ids.Agent)
	return access.Actor{ID: id, Tenant: w.tenant, Kind: access.KindAgent, Name: id, CreatedAt: noon, UpdatedAt: noon}
}

// actor returns a stored agent.
func (w *world) actor(t tb) access.Actor {
	t.Helper()
	a := w.newActor()
	must(t, w.CreateActor(context.Background(), a))
	a.Version = 1
	return a
}

// newKey returns a key for an actor, or for an administrator.
func (w *world) newKey(actor string) access.Key {
	id := ids.New(ids.Key)
	k := access.Key{ID: id, Tenant: w.tenant, Kind: access.KindAdmin, Name: id, Role: access.Admin, Hash: []byte("hash of " + id), CreatedAt: noon}
	if actor != "" {
		k.Kind, k.Actor, k.Role = access.KindAgent, actor, access.Caller
		k.Grant = access.Grant{Environments: []environments.Name{"dev"}}
	}
	return k
}

// key returns a stored key.
func (w *world) key(t tb, actor string) access.Key {
	t.Helper()
	k := w.newKey(actor)
	must(t, w.CreateKey(context.Background(), k))
	return k
}

func (w *world) newConfig() credentials.AuthConfig {
	id := ids.New(ids.AuthConfig)
	return credentials.AuthConfig{ID: id, Tenant: w.tenant, App: "notes", Environment: "dev", Scheme: "key", Name: id, CreatedAt: noon}
}

// config returns a stored auth config.
func (w *world) config(t tb) credentials.AuthConfig {
	t.Helper()
	c := w.newConfig()
	must(t, w.CreateAuthConfig(context.Background(), c))
	c.Version = 1
	return c
}

func (w *world) newAttempt() connections.Attempt {
	return connections.Attempt{ID: ids.New(ids.Attempt), Tenant: w.tenant, App: "notes", Environment: "dev",
		Status: connections.AttemptPending, CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)}
}

// connection returns a stored connection that uses a config.
func (w *world) connection(t tb, cfg credentials.AuthConfig) connections.Connection {
	t.Helper()
	a := w.newAttempt()
	must(t, w.CreateAttempt(context.Background(), a))
	a.Version = 1
	id := ids.New(ids.Connection)
	c := connections.Connection{ID: id, Tenant: w.tenant, App: cfg.App, Environment: cfg.Environment, Name: id,
		AuthConfig: cfg.ID, Status: connections.Active, CreatedAt: noon}
	must(t, w.Promote(context.Background(), a, nil, c))
	c.Version = 1
	return c
}

// newToolkit returns a toolkit bound to the connections.
func (w *world) newToolkit(bound ...connections.Connection) toolkits.Toolkit {
	id := ids.New(ids.Toolkit)
	k := toolkits.Toolkit{ID: id, Tenant: w.tenant, Slug: "slug-" + id, Title: "Notes", App: "notes", CreatedAt: noon}
	for _, c := range bound {
		k.Bindings = append(k.Bindings, toolkits.Binding{Environment: c.Environment, Label: c.ID, Connection: c.ID})
	}
	return k
}

// toolkit returns a stored toolkit.
func (w *world) toolkit(t tb, bound ...connections.Connection) toolkits.Toolkit {
	t.Helper()
	k := w.newToolkit(bound...)
	must(t, w.CreateToolkit(context.Background(), k))
	k.Version = 1
	return k
}

// A tb is a *testing.T or a *rapid.T.
type tb interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
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

func together(n int, do func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { do(i) })
	}
	all.Wait()
}
