package credentialstest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/internal/fault"
)

// place returns a Binding in the harness's environment.
func (h *Harness) place(record string) credentials.Binding {
	return credentials.Binding{Tenant: "ten_1", Environment: h.Env, Record: record}
}

// newKey makes a data key or ends the test.
func newKey(t *testing.T, s credentials.Sealer, b credentials.Binding) (credentials.DataKey, credentials.WrappedKey) {
	t.Helper()
	key, w, err := s.NewKey(t.Context(), b)
	if err != nil {
		t.Fatalf("NewKey: %v", err)
	}
	return key, w
}

// opens fails the test unless w unwraps to key.
func opens(t *testing.T, s credentials.Sealer, b credentials.Binding, w credentials.WrappedKey, key credentials.DataKey) {
	t.Helper()
	got, err := s.Unwrap(t.Context(), b, w)
	if err != nil {
		t.Fatalf("Unwrap: %v", err)
	}
	if got != key {
		t.Fatal("Unwrap returned another key")
	}
}

// refuses fails the test unless unwrapping fails with kind.
func refuses(t *testing.T, what string, s credentials.Sealer, b credentials.Binding, w credentials.WrappedKey, kind fault.Kind) {
	t.Helper()
	key, err := s.Unwrap(t.Context(), b, w)
	if !errors.Is(err, kind) {
		t.Errorf("%s: Unwrap: %v; want %s", what, err, kind)
	}
	if key != (credentials.DataKey{}) {
		t.Errorf("%s: Unwrap returned a key beside its error", what)
	}
}

func testRoundTrip(t *testing.T, h *Harness) {
	key, w := newKey(t, h.Sealer, h.place("auth_1"))
	if key == (credentials.DataKey{}) {
		t.Fatal("the data key is all zeros")
	}
	if w.Provider == "" || w.Name == "" || w.Version < 1 || w.Text == "" {
		t.Fatalf("the wrapped key is incomplete: %+v", w)
	}
	opens(t, h.Sealer, h.place("auth_1"), w, key)
	opens(t, h.Sealer, h.place("auth_1"), w, key)
}

func testTwoKeys(t *testing.T, h *Harness) {
	a, wa := newKey(t, h.Sealer, h.place("auth_1"))
	b, wb := newKey(t, h.Sealer, h.place("auth_1"))
	if a == b || wa.Text == wb.Text {
		t.Error("two data keys of one record are the same")
	}
}

func testSecond(t *testing.T, h *Harness) {
	key, w := newKey(t, h.Sealer, h.place("auth_1"))
	opens(t, h.Second(t), h.place("auth_1"), w, key)
}

func testTampering(t *testing.T, h *Harness) {
	_, w := newKey(t, h.Sealer, h.place("auth_1"))
	at := len(w.Text) / 2
	flipped := []byte(w.Text)
	flipped[at] = 'A' + (flipped[at]-'A'+1)%26
	if string(flipped) == w.Text {
		t.Fatal("nothing was changed")
	}
	for name, text := range map[string]string{
		"one character":   string(flipped),
		"cut off":         w.Text[:at],
		"empty":           "",
		"no base64":       w.Text + "%",
		"another version": w.Provider + ":v9" + w.Text[len(w.Provider)+3:],
		"no prefix":       w.Text[bytes.LastIndexByte([]byte(w.Text), ':')+1:],
	} {
		bad := w
		bad.Text = text
		refuses(t, name, h.Sealer, h.place("auth_1"), bad, credentials.ErrNotOurs)
	}
	bad := w
	bad.Version++
	refuses(t, "version of the record", h.Sealer, h.place("auth_1"), bad, credentials.ErrNotOurs)
}

func testMoved(t *testing.T, h *Harness) {
	_, w := newKey(t, h.Sealer, h.place("auth_1"))
	for name, b := range map[string]credentials.Binding{
		"to another record":      {Tenant: "ten_1", Environment: h.Env, Record: "auth_2"},
		"to another tenant":      {Tenant: "ten_2", Environment: h.Env, Record: "auth_1"},
		"to another environment": {Tenant: "ten_1", Environment: h.Other, Record: "auth_1"},
		"across a boundary":      {Tenant: "ten_", Environment: h.Env, Record: "1auth_1"},
		"to nowhere":             {Environment: h.Env},
	} {
		refuses(t, name, h.Sealer, b, w, credentials.ErrNotOurs)
		if _, err := h.Sealer.Rewrap(t.Context(), b, w); !errors.Is(err, credentials.ErrNotOurs) {
			t.Errorf("%s: Rewrap: %v; want ErrNotOurs", name, err)
		}
	}
}

func testForeign(t *testing.T, h *Harness) {
	_, w := newKey(t, h.Sealer, h.place("auth_1"))
	for name, change := range map[string]func(*credentials.WrappedKey){
		"provider": func(w *credentials.WrappedKey) { w.Provider = "elsewhere" },
		"key":      func(w *credentials.WrappedKey) { w.Name += "-x" },
		"path":     func(w *credentials.WrappedKey) { w.Name = "../" + w.Name },
		"no key":   func(w *credentials.WrappedKey) { w.Name = "" },
		"nothing":  func(w *credentials.WrappedKey) { *w = credentials.WrappedKey{} },
	} {
		bad := w
		change(&bad)
		refuses(t, name, h.Sealer, h.place("auth_1"), bad, credentials.ErrNotOurs)
	}
}

func testRewrap(t *testing.T, h *Harness) {
	key, w := newKey(t, h.Sealer, h.place("auth_1"))
	again, err := h.Sealer.Rewrap(t.Context(), h.place("auth_1"), w)
	if err != nil {
		t.Fatalf("Rewrap: %v", err)
	}
	if again.Text == w.Text {
		t.Error("Rewrap returned the same ciphertext")
	}
	opens(t, h.Sealer, h.place("auth_1"), again, key)
	opens(t, h.Sealer, h.place("auth_1"), w, key)
	refuses(t, "rewrapped and moved", h.Sealer, h.place("auth_2"), again, credentials.ErrNotOurs)
}

func testCheck(t *testing.T, h *Harness) {
	for range 2 {
		if err := h.Sealer.Check(t.Context()); err != nil {
			t.Fatalf("Check: %v", err)
		}
	}
}

func testCancelled(t *testing.T, h *Harness) {
	key, w := newKey(t, h.Sealer, h.place("auth_1"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, do := range map[string]func() error{
		"NewKey": func() error { _, _, err := h.Sealer.NewKey(ctx, h.place("auth_1")); return err },
		"Unwrap": func() error { _, err := h.Sealer.Unwrap(ctx, h.place("auth_1"), w); return err },
		"Rewrap": func() error { _, err := h.Sealer.Rewrap(ctx, h.place("auth_1"), w); return err },
		"Check":  func() error { return h.Sealer.Check(ctx) },
	} {
		for range 10 { // more often than a breaker would bear
			if err := do(); !errors.Is(err, context.Canceled) {
				t.Errorf("%s with a cancelled context: %v; want context.Canceled", name, err)
			}
		}
	}
	opens(t, h.Sealer, h.place("auth_1"), w, key)
}

func testConcurrent(t *testing.T, h *Harness) {
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			b := h.place(fmt.Sprintf("auth_%d", i))
			key, w, err := h.Sealer.NewKey(t.Context(), b)
			if err != nil {
				t.Errorf("NewKey: %v", err)
				return
			}
			if got, err := h.Sealer.Unwrap(t.Context(), b, w); err != nil || got != key {
				t.Errorf("Unwrap among others: %v, the same key: %v", err, got == key)
			}
		})
	}
	wg.Wait()
}

func testErrors(t *testing.T, h *Harness) {
	key, w := newKey(t, h.Sealer, h.place("auth_1"))
	_, err := h.Sealer.Unwrap(t.Context(), h.place("auth_2"), w)
	for verb, text := range map[string]string{"%v": fmt.Sprintf("%v", err), "%+v": fmt.Sprintf("%+v", err), "%#v": fmt.Sprintf("%#v", err)} {
		for _, form := range []string{string(key[:]), hex.EncodeToString(key[:]), base64.StdEncoding.EncodeToString(key[:]), w.Text} {
			if bytes.Contains([]byte(text), []byte(form)) {
				t.Errorf("the error under %s holds the key", verb)
			}
		}
	}
	if e := fault.From(err); e.Msg == "" || e.Remedy() == "" || e.Kind.Meaning().Retry {
		t.Errorf("the error tells its caller %q, fix %q, retry %v", e.Msg, e.Remedy(), e.Kind.Meaning().Retry)
	}
}

// testEnvelope shows that a whole credential survives, and an old copy of it does
// not, with data keys of this Sealer.
func testEnvelope(t *testing.T, h *Harness) {
	broker := &credentials.Broker{Sealer: h.Sealer}
	content := credentials.Content{App: "notes", Scheme: "key", Hosts: []string{"127.0.0.1:80"}, Secrets: credentials.Secrets{"key": credentials.NewSecret("canary-1")}}
	first, err := broker.Seal(t.Context(), h.place("auth_1"), 1, content)
	if err != nil {
		t.Fatalf("Seal: %v", err)
	}
	second, names, err := broker.Merge(t.Context(), h.place("auth_1"), first, 2, credentials.Secrets{"key": credentials.NewSecret("canary-2")}, nil)
	if err != nil || len(names) != 1 {
		t.Fatalf("Merge: %v, %v", names, err)
	}
	old := first
	old.Serial = 2
	if _, err := broker.Move(t.Context(), h.place("auth_1"), old, h.place("auth_2"), 1); !errors.Is(err, credentials.ErrNotOurs) {
		t.Errorf("an old copy under the serial of the new: %v; want ErrNotOurs", err)
	}
	if _, err := broker.Move(t.Context(), h.place("auth_1"), second, h.place("auth_2"), 1); err != nil {
		t.Errorf("Move: %v", err)
	}
}
