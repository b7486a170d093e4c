package localkey_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/credentials/localkey"
	"github.com/wayleave/wayleave/internal/fault"
)

var bind = credentials.Binding{Tenant: "ten_1", Environment: "dev", Record: "auth_1"}

func create(t *testing.T) (path string, ring *localkey.Ring) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "keys.json")
	ring, err := localkey.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, ring
}

// name returns the id of the key that a ring wraps with.
func name(t *testing.T, ring *localkey.Ring) string {
	t.Helper()
	_, w, err := ring.NewKey(t.Context(), bind)
	if err != nil {
		t.Fatal(err)
	}
	return w.Name
}

func TestCreate(t *testing.T) {
	path, _ := create(t)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := localkey.Create(path); !errors.Is(err, os.ErrExist) {
		t.Errorf("Create over a ring: %v", err)
	}
	after, err := os.ReadFile(path)
	if err != nil || string(after) != string(before) {
		t.Errorf("Create over a ring changed it: %v", err)
	}
}

// TestOpenRule shows when a server starts and when it refuses to, for fear of
// sealing new credentials with a key that opens none of the old.
func TestOpenRule(t *testing.T) {
	path, ring := create(t)
	mine := name(t, ring)
	missing := filepath.Join(t.TempDir(), "none.json")
	for what, tc := range map[string]struct {
		path   string
		needed []string
		err    error
	}{
		"nothing sealed":            {path: path},
		"its key is needed":         {path: path, needed: []string{mine}},
		"another key is needed":     {path: path, needed: []string{mine, "0123456789abcdef"}, err: fault.SealerUnavailable},
		"missing, nothing sealed":   {path: missing, err: localkey.ErrNoRing},
		"missing, and it is needed": {path: missing, needed: []string{mine}, err: fault.SealerUnavailable},
	} {
		_, err := localkey.Open(t.Context(), tc.path, needed(tc.needed...))
		if !errors.Is(err, tc.err) {
			t.Errorf("%s: %v; want %v", what, err, tc.err)
		}
		if tc.err == fault.SealerUnavailable && errors.Is(err, localkey.ErrNoRing) {
			t.Errorf("%s: it invites to create a new ring", what)
		}
	}
	broken := errors.New("the store is away")
	if _, err := localkey.Open(t.Context(), path, func(context.Context) ([]string, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("what is needed is not known: %v", err)
	}
}

func TestLoadRefuses(t *testing.T) {
	path, _ := create(t)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var ring map[string]any
	if err := json.Unmarshal(good, &ring); err != nil {
		t.Fatal(err)
	}
	key := ring["keys"].([]any)[0].(map[string]any)["key"].(string)
	flipped := []byte(key)
	flipped[3] = 'A' + (flipped[3]-'A'+1)%26
	for what, content := range map[string]string{
		"empty":            "",
		"no ring":          "hello",
		"half":             string(good[:len(good)/2]),
		"no keys":          `{"format":1,"keys":[]}`,
		"future format":    strings.Replace(string(good), `"format": 1`, `"format": 2`, 1),
		"unknown member":   strings.Replace(string(good), `"format"`, `"x": 1, "format"`, 1),
		"one bit of a key": strings.Replace(string(good), key, string(flipped), 1),
		"short key":        strings.Replace(string(good), key, base64.StdEncoding.EncodeToString([]byte("short")), 1),
		"version skipped":  strings.Replace(string(good), `"version": 1`, `"version": 2`, 1),
		"short base64":     base64.StdEncoding.EncodeToString(make([]byte, 31)),
	} {
		bad := filepath.Join(t.TempDir(), "bad.json")
		if err := os.WriteFile(bad, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := localkey.Load(bad)
		if !errors.Is(err, fault.SealerUnavailable) {
			t.Errorf("%s: %v; want %s", what, err, fault.SealerUnavailable)
		}
		if text := fmt.Sprintf("%+v", err); strings.Contains(text, key) || strings.Contains(text, string(flipped)) {
			t.Errorf("%s: the error holds the key: %s", what, text)
		}
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o666, 0o610} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := localkey.Load(path); !errors.Is(err, fault.SealerUnavailable) || !strings.Contains(fault.From(err).Remedy(), "chmod 600") {
			t.Errorf("mode %o: %v, fix %q", mode, err, fault.From(err).Remedy())
		}
	}
	if _, err := localkey.Load(t.TempDir()); err == nil {
		t.Error("a folder was read as a ring")
	}
}

func TestRotate(t *testing.T) {
	path, first := create(t)
	data, w, err := first.NewKey(t.Context(), bind)
	if err != nil {
		t.Fatal(err)
	}
	for version := 2; version <= 4; version++ {
		ring, err := localkey.Rotate(path)
		if err != nil || ring.Version() != version {
			t.Fatalf("Rotate: version %d, %v; want %d", ring.Version(), err, version)
		}
	}
	ring := mustOpen(t, path)
	if got, err := ring.Unwrap(t.Context(), bind, w); err != nil || got != data {
		t.Errorf("what the first key wrapped: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("after rotating: mode %v, %v", info.Mode(), err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("rotating left %v behind", entries)
	}
	if _, err := first.Unwrap(t.Context(), bind, mustWrap(t, ring)); !errors.Is(err, credentials.ErrNotOurs) {
		t.Errorf("a ring without the new key: %v; want ErrNotOurs", err)
	}
}

func mustWrap(t *testing.T, ring *localkey.Ring) credentials.WrappedKey {
	t.Helper()
	_, w, err := ring.NewKey(t.Context(), bind)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestFromText shows the credential that is handed to a process: 32 bytes, the
// same key each time, or a whole ring.
func TestFromText(t *testing.T) {
	text := base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	a, err := localkey.FromText(t.Context(), text+"\n", needed())
	if err != nil {
		t.Fatal(err)
	}
	b, err := localkey.FromText(t.Context(), text, needed(name(t, a)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Unwrap(t.Context(), bind, mustWrap(t, a)); err != nil {
		t.Errorf("the same text opens differently: %v", err)
	}
	other := base64.StdEncoding.EncodeToString([]byte("another-key-another-key-another!"))
	if _, err := localkey.FromText(t.Context(), other, needed(name(t, a))); !errors.Is(err, fault.SealerUnavailable) {
		t.Errorf("another key than the one in use: %v", err)
	}
	path, ring := create(t)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := localkey.FromText(t.Context(), string(content), needed(name(t, ring)))
	if err != nil || !whole.Has(name(t, ring)) {
		t.Errorf("a whole ring: %v", err)
	}
	for _, bad := range []string{"", "secret-secret-secret", "{}", text[:20]} {
		if _, err := localkey.FromText(t.Context(), bad, needed()); !errors.Is(err, fault.SealerUnavailable) || bad != "" && bad != "{}" && strings.Contains(err.Error(), bad) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestRingDoesNotPrint prints a ring whose key is known.
func TestRingDoesNotPrint(t *testing.T) {
	raw := "0123456789abcdef0123456789abcdef"
	ring, err := localkey.FromText(t.Context(), base64.StdEncoding.EncodeToString([]byte(raw)), needed())
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		for _, v := range []any{ring, *ring, struct{ r *localkey.Ring }{ring}} {
			got := fmt.Sprintf(verb, v)
			for _, form := range []string{raw, "48 49 50 51", "0x30, 0x31", "30313233"} {
				if strings.Contains(got, form) {
					t.Errorf("%s of %T prints the key", verb, v)
				}
			}
		}
	}
}
