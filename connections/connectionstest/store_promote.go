package connectionstest

import (
	"context"
	"errors"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/page"
)

// succeeded checks that an attempt was stored as succeeded, without secrets.
func (w *world) succeeded(t *testing.T, a connections.Attempt, c connections.Connection) {
	t.Helper()
	got, err := w.Attempt(context.Background(), w.tenant, a.ID)
	must(t, err)
	want := a
	want.Status, want.Failure, want.Message = connections.AttemptSucceeded, "", ""
	want.Sealed, want.Connection, want.Version = credentials.Sealed{}, c.ID, a.Version+1
	same(t, got, want)
}

func promoteNew(t *testing.T, w *world) {
	ctx := context.Background()
	a := w.attempt(t)
	a.Status, a.Failure, a.Message = connections.AttemptFailed, fault.TestFailed, "it failed at first"
	must(t, w.UpdateAttempt(ctx, a))
	a.Version++
	a.UpdatedAt = began.Add(time.Minute)
	cfg := config(a)
	cfg.Sealed = a.Sealed
	c := linked(a, cfg.ID)
	must(t, w.Promote(ctx, a, cfg, c))
	w.succeeded(t, a, c)
	c.Version = 1
	same(t, w.get(t, c.ID), c)
	stored, err := w.AuthConfig(ctx, w.tenant, cfg.ID)
	must(t, err)
	cfg.Version = 1
	same(t, stored, *cfg)
}

func promoteExisting(t *testing.T, w *world) {
	first := w.connect(t, nil)
	before, err := w.AuthConfig(context.Background(), w.tenant, first.AuthConfig)
	must(t, err)
	a := w.attempt(t)
	c := linked(a, first.AuthConfig)
	must(t, w.Promote(context.Background(), a, nil, c))
	w.succeeded(t, a, c)
	after, err := w.AuthConfig(context.Background(), w.tenant, first.AuthConfig)
	must(t, err)
	same(t, after, before)
}

func promoteAnew(t *testing.T, w *world) {
	ctx := context.Background()
	c := w.connect(t, nil)
	c.Status, c.Reason = connections.Expired, fault.ConnectionExpired
	must(t, w.UpdateConnection(ctx, c))
	c.Version++
	cfg, err := w.AuthConfig(ctx, w.tenant, c.AuthConfig)
	must(t, err)

	a := w.attempt(t)
	c.Status, c.Reason = connections.Active, ""
	c.StatusSince, c.UpdatedAt = began.Add(time.Hour), began.Add(time.Hour)
	cfg.Sealed, cfg.RotatedAt = a.Sealed, began.Add(time.Hour)
	must(t, w.Promote(ctx, a, &cfg, c))
	w.succeeded(t, a, c)
	c.Version++
	same(t, w.get(t, c.ID), c)
	stored, err := w.AuthConfig(ctx, w.tenant, cfg.ID)
	must(t, err)
	cfg.Version++
	same(t, stored, cfg)
}

// A snapshot is all that Promote could change.
type snapshot struct {
	Attempts    []connections.Attempt
	Connections []connections.Connection
	Configs     []credentials.AuthConfig
	Change      int64 // of the feed, where the records have one
}

func (w *world) snapshot(t *testing.T, attempts ...string) (s snapshot) {
	t.Helper()
	ctx := context.Background()
	for _, id := range attempts {
		a, err := w.Attempt(ctx, w.tenant, id)
		must(t, err)
		s.Attempts = append(s.Attempts, a)
	}
	c, err := w.ListConnections(ctx, w.tenant, credentials.Filter{}, page.Request{Limit: page.MaxLimit})
	must(t, err)
	cfg, err := w.ListAuthConfigs(ctx, w.tenant, credentials.Filter{}, page.Request{Limit: page.MaxLimit})
	must(t, err)
	s.Connections, s.Configs = c.Items, cfg.Items
	if feed, ok := w.Records.(interface {
		LastChange(context.Context) (int64, error)
	}); ok {
		s.Change, err = feed.LastChange(ctx)
		must(t, err)
	}
	return s
}

func promoteAtomic(t *testing.T, w *world) {
	ctx := context.Background()
	there := w.connect(t, nil)
	theirs, err := w.AuthConfig(ctx, w.tenant, there.AuthConfig)
	must(t, err)
	type parts struct {
		a   *connections.Attempt
		cfg *credentials.AuthConfig
		c   *connections.Connection
	}
	for name, tc := range map[string]struct {
		spoil func(parts)
		want  fault.Kind
	}{
		"the attempt's version":           {func(p parts) { p.a.Version = 7 }, fault.PreconditionFailed},
		"an attempt that is not there":    {func(p parts) { p.a.ID = "att_unknown" }, fault.NotFound},
		"the config's version":            {func(p parts) { *p.cfg = theirs; p.cfg.Version = 7 }, fault.PreconditionFailed},
		"a config that is not there":      {func(p parts) { p.cfg.Version = 1 }, fault.NotFound},
		"the config's name":               {func(p parts) { p.cfg.Name = theirs.Name }, fault.Conflict},
		"the config's id":                 {func(p parts) { p.cfg.ID = theirs.ID }, fault.Conflict},
		"the connection's version":        {func(p parts) { *p.c = there; p.c.Version = 7 }, fault.PreconditionFailed},
		"a connection that is not there":  {func(p parts) { p.c.Version = 1 }, fault.NotFound},
		"the connection's name":           {func(p parts) { p.c.Name = there.Name }, fault.Conflict},
		"the connection's id":             {func(p parts) { p.c.ID = there.ID }, fault.Conflict},
		"a config that does not exist":    {func(p parts) { p.c.AuthConfig = "auth_unknown" }, fault.NotFound},
		"a config of another environment": {func(p parts) { p.cfg.Environment = "prod" }, fault.NotFound},
		"a text that cannot be stored":    {func(p parts) { p.c.Identity.Label = "\x00" }, fault.InvalidInput},
		"a text that is no UTF-8":         {func(p parts) { p.c.Identity.ID = "\xff" }, fault.InvalidInput},
		"a connection of another tenant":  {func(p parts) { p.c.Tenant = "ten_other" }, fault.NotFound},
	} {
		a := w.attempt(t)
		cfg := config(a)
		c := linked(a, cfg.ID)
		before := w.snapshot(t, a.ID)
		spoiled := a
		tc.spoil(parts{&spoiled, cfg, &c})
		wants(t, name, w.Promote(ctx, spoiled, cfg, c), tc.want)
		if after := w.snapshot(t, a.ID); !reflect.DeepEqual(before, after) {
			t.Errorf("%s: a promotion that failed changed\n%+v to\n%+v", name, before, after)
		}
	}
}

func promoteOnce(t *testing.T, w *world) {
	for range 5 {
		a := w.attempt(t)
		var won atomic.Int32
		together(8, func(int) {
			cfg := config(a)
			err := w.Promote(context.Background(), a, cfg, linked(a, cfg.ID))
			if err == nil {
				won.Add(1)
			} else if !errors.Is(err, fault.PreconditionFailed) {
				t.Errorf("Promote = %v; want precondition_failed", err)
			}
		})
		if won.Load() != 1 {
			t.Errorf("%d promotions of one attempt", won.Load())
		}
	}
	if got := w.list(t, credentials.Filter{}, 0); len(got) != 5 {
		t.Errorf("%d connections came of 5 attempts", len(got))
	}
}
