package connectionstest

import (
	"context"
	"testing"
	"time"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/internal/fault"
)

// A tb is a *testing.T or a *rapid.T.
type tb interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

func observe(t tb, tr connections.Tracker, batch connections.Batch) {
	t.Helper()
	if err := tr.Observe(context.Background(), batch); err != nil {
		t.Fatalf("Observe: %v", err)
	}
}

func health(t tb, tr connections.Tracker, tenant, connection string) connections.Health {
	t.Helper()
	all, err := tr.Health(context.Background(), tenant, []string{connection})
	if err != nil {
		t.Fatalf("Health: %v", err)
	}
	h, ok := all[connection]
	if !ok || len(all) != 1 {
		t.Fatalf("Health of %q = %v; want it and nothing else", connection, all)
	}
	return h
}

func wantHealth(t tb, tr connections.Tracker, tenant, connection string, want connections.Health) {
	t.Helper()
	if got := health(t, tr, tenant, connection); got != want {
		t.Errorf("%s of %s: Health =\n%+v; want\n%+v", connection, tenant, got, want)
	}
}

func expiring(t tb, tr connections.Tracker, before time.Time, limit int) []connections.Expiry {
	t.Helper()
	due, err := tr.Expiring(context.Background(), before, limit)
	if err != nil {
		t.Fatalf("Expiring: %v", err)
	}
	return due
}

// wantUnavailable expects every method to return, and to say why it failed. A
// method that waits for ever meets the watchdog of patience.
func wantUnavailable(t *testing.T, tr connections.Tracker, batch connections.Batch) {
	t.Helper()
	ctx := t.Context()
	for name, call := range map[string]func() error{
		"Observe":   func() error { return tr.Observe(ctx, batch) },
		"Health":    func() error { _, err := tr.Health(ctx, "ten_1", []string{"conn_1"}); return err },
		"Expiring":  func() error { _, err := tr.Expiring(ctx, after(time.Hour), 10); return err },
		"SetExpiry": func() error { return tr.SetExpiry(ctx, "ten_1", "conn_1", noon) },
		"Check":     func() error { return tr.Check(ctx) },
	} {
		answer := make(chan error, 1)
		go func() { answer <- call() }()
		select {
		case err := <-answer:
			if !fault.Is(err, fault.StoreUnavailable) {
				t.Errorf("%s without a server: %v; want StoreUnavailable", name, err)
			}
		case <-time.After(patience):
			t.Fatalf("%s without a server did not return", name)
		}
	}
}

// healed waits until the tracker works, as its server does by now.
func healed(t *testing.T, tr connections.Tracker) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := tr.Check(t.Context())
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the tracker did not heal: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
