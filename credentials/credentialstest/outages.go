package credentialstest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/internal/fault"
)

func testRotation(t *testing.T, h *Harness) {
	if !h.has(t, Rotation, h.Rotate != nil) {
		return
	}
	key, old := newKey(t, h.Sealer, h.place("auth_1"))
	s := h.Rotate(t)
	opens(t, s, h.place("auth_1"), old, key)
	fresh, w := newKey(t, s, h.place("auth_1"))
	if w.Version <= old.Version {
		t.Errorf("after a rotation keys are wrapped by version %d, before it by %d", w.Version, old.Version)
	}
	opens(t, s, h.place("auth_1"), w, fresh)
	again, err := s.Rewrap(t.Context(), h.place("auth_1"), old)
	if err != nil || again.Version != w.Version {
		t.Fatalf("Rewrap of an old key: version %d, %v; want %d", again.Version, err, w.Version)
	}
	opens(t, s, h.place("auth_1"), again, key)
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("Check after a rotation: %v", err)
	}
}

// testMinimum shows that a version which is no longer opened takes only its own
// records along, says what to do, and heals.
func testMinimum(t *testing.T, h *Harness) {
	if !h.has(t, Minimum, h.SetMinimum != nil) {
		return
	}
	key, old := newKey(t, h.Sealer, h.place("auth_1"))
	s := h.Rotate(t)
	fresh, w := newKey(t, s, h.place("auth_2"))
	h.SetMinimum(t, w.Version)
	refuses(t, "a version too old", s, h.place("auth_1"), old, credentials.ErrNotOurs)
	if _, err := s.Rewrap(t.Context(), h.place("auth_1"), old); !errors.Is(err, credentials.ErrNotOurs) {
		t.Errorf("Rewrap of a version too old: %v; want ErrNotOurs", err)
	}
	opens(t, s, h.place("auth_2"), w, fresh)
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("Check after raising the minimum: %v", err)
	}
	h.SetMinimum(t, old.Version)
	opens(t, s, h.place("auth_1"), old, key)
}

func testOutage(t *testing.T, h *Harness) {
	if h.has(t, Outage, h.Stop != nil && h.Start != nil) {
		goesAndComes(t, h, h.Stop, h.Start)
	}
}

func testSealed(t *testing.T, h *Harness) {
	if h.has(t, Sealing, h.Seal != nil && h.Unseal != nil) {
		goesAndComes(t, h, h.Seal, h.Unseal)
	}
}

// goesAndComes shows that a Sealer which is away fails quickly and retryably,
// and heals by itself.
func goesAndComes(t *testing.T, h *Harness, away, back func(*testing.T)) {
	key, w := newKey(t, h.Sealer, h.place("auth_1"))
	away(t)
	for range 8 { // a breaker, if there is one, opens on the way
		refuses(t, "away", h.Sealer, h.place("auth_1"), w, fault.SealerUnavailable)
	}
	if _, _, err := h.Sealer.NewKey(t.Context(), h.place("auth_1")); !errors.Is(err, fault.SealerUnavailable) {
		t.Errorf("NewKey while away: %v", err)
	}
	if err := h.Sealer.Check(t.Context()); !errors.Is(err, fault.SealerUnavailable) || errors.Is(err, credentials.ErrDenied) {
		t.Errorf("Check while away: %v", err)
	}
	back(t)
	heals(t, h, w, key)
}

// heals waits until w unwraps to key again, and Check succeeds.
func heals(t *testing.T, h *Harness, w credentials.WrappedKey, key credentials.DataKey) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), h.Patience)
	defer cancel()
	for {
		got, err := h.Sealer.Unwrap(ctx, h.place("auth_1"), w)
		if err == nil && got == key {
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("it did not heal: %v", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err := h.Sealer.Check(t.Context()); err != nil {
		t.Errorf("Check after healing: %v", err)
	}
}

func testSlow(t *testing.T, h *Harness) {
	if !h.has(t, Slowness, h.Delay != nil) {
		return
	}
	key, w := newKey(t, h.Sealer, h.place("auth_1"))
	h.Delay(time.Hour)
	for range 5 { // more often than a breaker would bear
		hurried, cancel := context.WithCancel(t.Context())
		stop := time.AfterFunc(20*time.Millisecond, cancel)
		if _, err := h.Sealer.Unwrap(hurried, h.place("auth_1"), w); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller gives up: %v; want context.Canceled", err)
		}
		stop.Stop()
		cancel()
	}
	h.Delay(0)
	opens(t, h.Sealer, h.place("auth_1"), w, key) // nobody held that against it
	h.Delay(time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := h.Sealer.Unwrap(ctx, h.place("auth_1"), w); !errors.Is(err, fault.SealerUnavailable) {
		t.Errorf("a caller's deadline passes: %v; want %s", err, fault.SealerUnavailable)
	}
	// Without a deadline of the caller's the Sealer has one of its own.
	patient, cancel := context.WithTimeout(t.Context(), h.Patience)
	defer cancel()
	for range 5 {
		if _, err := h.Sealer.Unwrap(patient, h.place("auth_1"), w); !errors.Is(err, fault.SealerUnavailable) {
			t.Errorf("no answer at all: %v; want %s", err, fault.SealerUnavailable)
		}
	}
	if patient.Err() != nil {
		t.Error("only the caller's context ended the wait")
	}
	h.Delay(0)
	heals(t, h, w, key)
}

func testRevoked(t *testing.T, h *Harness) {
	if !h.has(t, Tokens, h.Revoke != nil) {
		return
	}
	key, w := newKey(t, h.Sealer, h.place("auth_1"))
	for range 2 {
		h.Revoke(t)
		// The very next call logs in anew.
		opens(t, h.Sealer, h.place("auth_1"), w, key)
	}
	h.Revoke(t)
	if err := h.Sealer.Check(t.Context()); err != nil {
		t.Errorf("Check with a revoked token: %v", err)
	}
}

func testDenied(t *testing.T, h *Harness) {
	if !h.has(t, Policies, h.Deny != nil && h.Allow != nil) {
		return
	}
	key, w := newKey(t, h.Sealer, h.place("auth_1"))
	h.Deny(t)
	for range 8 {
		_, err := h.Sealer.Unwrap(t.Context(), h.place("auth_1"), w)
		if !errors.Is(err, fault.SealerUnavailable) || !errors.Is(err, credentials.ErrDenied) {
			t.Errorf("denied by policy: %v; want ErrDenied below %s", err, fault.SealerUnavailable)
		}
	}
	if err := h.Sealer.Check(t.Context()); !errors.Is(err, credentials.ErrDenied) {
		t.Errorf("Check while denied: %v", err)
	}
	h.Allow(t)
	heals(t, h, w, key)
}
