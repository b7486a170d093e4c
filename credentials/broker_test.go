package credentials_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/credentials/localkey"
	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/toolkits/apps"
)

// A switched Sealer is a real one that can be made to fail, and counts.
type switched struct {
	credentials.Sealer
	unwraps atomic.Int64
	mu      sync.Mutex
	fail    error
	wait    chan struct{} // Unwrap waits for it when it is set
}

func (s *switched) set(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

func (s *switched) Unwrap(ctx context.Context, b credentials.Binding, w credentials.WrappedKey) (credentials.DataKey, error) {
	s.unwraps.Add(1)
	s.mu.Lock()
	fail, wait := s.fail, s.wait
	s.mu.Unlock()
	if wait != nil {
		<-wait
	}
	if fail != nil {
		return credentials.DataKey{}, fail
	}
	return s.Sealer.Unwrap(ctx, b, w)
}

func newSealer(t interface {
	Fatal(...any)
	TempDir() string
}) *switched {
	ring, err := localkey.Create(t.TempDir() + "/keys.json")
	if err != nil {
		t.Fatal(err)
	}
	return &switched{Sealer: ring}
}

func schemes() []credentials.Scheme {
	return []credentials.Scheme{credentials.None{}, credentials.APIKey{}, credentials.Bearer{}, credentials.Basic{}, credentials.Custom{}}
}

func place(record string) credentials.Binding {
	return credentials.Binding{Tenant: "ten_1", Environment: "dev", Record: record}
}

func content(token string) credentials.Content {
	return credentials.Content{App: "notes", Scheme: "pat", Hosts: []string{"api.example.com"}, Secrets: credentials.Secrets{"token": credentials.NewSecret(token)}}
}

func grant(bind credentials.Binding, s credentials.Sealed) credentials.Grant {
	return credentials.Grant{Auth: &apps.Auth{ID: "pat", Type: "bearer"}, App: "notes", Binding: bind, Sealed: s}
}

// sent returns the Authorization header that a grant puts on a request.
func sent(b *credentials.Broker, g credentials.Grant, address string) (string, error) {
	a, err := b.Authorizer(context.Background(), g)
	if err != nil {
		return "", err
	}
	base, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	err = a.Apply(req, base)
	return req.Header.Get("Authorization"), err
}

const good = "https://api.example.com/v1"

func mustSeal(t *testing.T, b *credentials.Broker, bind credentials.Binding, c credentials.Content) credentials.Sealed {
	t.Helper()
	s, err := b.Seal(t.Context(), bind, 1, c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSealedOpensWhereItBelongs(t *testing.T) {
	b := &credentials.Broker{Sealer: newSealer(t), Schemes: schemes(), Hard: time.Hour}
	s := mustSeal(t, b, place("auth_1"), content(canary))
	if got, err := sent(b, grant(place("auth_1"), s), good); got != "Bearer "+canary || err != nil {
		t.Fatalf("Authorization: %q, %v", got, err)
	}
	for _, form := range []string{canary, "token"} {
		if strings.Contains(string(s.Box), form) {
			t.Errorf("the box holds %q in the clear", form)
		}
	}
	other := mustSeal(t, b, place("auth_2"), content("other"))
	for name, change := range map[string]func(*credentials.Grant){
		"another record":      func(g *credentials.Grant) { g.Binding.Record = "auth_2" },
		"another tenant":      func(g *credentials.Grant) { g.Binding.Tenant = "ten_2" },
		"another environment": func(g *credentials.Grant) { g.Binding.Environment = "prod" },
		"another serial":      func(g *credentials.Grant) { g.Sealed.Serial++ },
		"another app":         func(g *credentials.Grant) { g.App = "mail" },
		"another scheme":      func(g *credentials.Grant) { g.Auth = &apps.Auth{ID: "other", Type: "bearer"} },
		"another box":         func(g *credentials.Grant) { g.Sealed.Box = other.Box },
		"another key":         func(g *credentials.Grant) { g.Sealed.Key = other.Key },
		"a whole other":       func(g *credentials.Grant) { g.Sealed = other },
		"nothing sealed":      func(g *credentials.Grant) { g.Sealed = credentials.Sealed{} },
		"cut box":             func(g *credentials.Grant) { g.Sealed.Box = g.Sealed.Box[:len(g.Sealed.Box)-1] },
		"app edited in the box": func(g *credentials.Grant) {
			g.App, g.Sealed.Box = "nodes", []byte(strings.Replace(string(g.Sealed.Box), "notes", "nodes", 1))
		},
	} {
		g := grant(place("auth_1"), s)
		change(&g)
		_, err := b.Authorizer(t.Context(), g)
		if !errors.Is(err, credentials.ErrNotOurs) || fault.From(err).Kind.Meaning().Retry {
			t.Errorf("%s: %v; want ErrNotOurs", name, err)
		}
	}
	// The record itself is not harmed by any of that.
	if got, err := sent(b, grant(place("auth_1"), s), good); got != "Bearer "+canary || err != nil {
		t.Errorf("afterwards: %q, %v", got, err)
	}
}

// TestAnyDamageIsNoticed changes sealed credentials at random.
func TestAnyDamageIsNoticed(t *testing.T) {
	b := &credentials.Broker{Sealer: newSealer(t), Schemes: schemes(), Hard: time.Hour}
	s := mustSeal(t, b, place("auth_1"), content(canary))
	rapid.Check(t, func(t *rapid.T) {
		bad := s
		bad.Box = append([]byte{}, s.Box...)
		at := rapid.IntRange(0, len(bad.Box)-1).Draw(t, "at")
		bad.Box[at] ^= rapid.ByteRange(1, 255).Draw(t, "flip")
		if _, err := b.Authorizer(context.Background(), grant(place("auth_1"), bad)); !errors.Is(err, credentials.ErrNotOurs) {
			t.Fatalf("byte %d was changed: %v; want ErrNotOurs", at, err)
		}
	})
}

// TestBindingsDiffer shows that no two places share a context, however their
// parts are cut.
func TestBindingsDiffer(t *testing.T) {
	part := rapid.StringMatching(`[a-c\x00\x01]{0,4}`)
	draw := func(t *rapid.T, name string) credentials.Binding {
		return credentials.Binding{Tenant: part.Draw(t, name+" tenant"), Environment: environments.Name(part.Draw(t, name+" env")), Record: part.Draw(t, name+" record")}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t, "a"), draw(t, "b")
		if (a == b) != (string(a.Context()) == string(b.Context())) {
			t.Fatalf("%+v and %+v: contexts %x and %x", a, b, a.Context(), b.Context())
		}
	})
}

func FuzzBox(f *testing.F) {
	dir := f.TempDir()
	ring, err := localkey.Create(dir + "/keys.json")
	if err != nil {
		f.Fatal(err)
	}
	b := &credentials.Broker{Sealer: ring, Schemes: schemes(), Hard: time.Hour}
	s, err := b.Seal(context.Background(), place("auth_1"), 1, content(canary))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(s.Box)
	f.Add([]byte{})
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, box []byte) {
		bad := s
		bad.Box = box
		_, err := b.Authorizer(context.Background(), grant(place("auth_1"), bad))
		if string(box) != string(s.Box) && !errors.Is(err, credentials.ErrNotOurs) {
			t.Fatalf("a box that was not sealed: %v", err)
		}
	})
}

func TestMove(t *testing.T) {
	b := &credentials.Broker{Sealer: newSealer(t), Schemes: schemes(), Hard: time.Hour}
	s := mustSeal(t, b, place("att_1"), content(canary))
	moved, err := b.Move(t.Context(), place("att_1"), s, place("auth_1"), 7)
	if err != nil {
		t.Fatal(err)
	}
	if moved.Serial != 7 || moved.Key.Text == s.Key.Text {
		t.Errorf("serial %d, the same data key: %v", moved.Serial, moved.Key.Text == s.Key.Text)
	}
	if got, err := sent(b, grant(place("auth_1"), moved), good); got != "Bearer "+canary || err != nil {
		t.Errorf("after the move: %q, %v", got, err)
	}
	if _, err := b.Move(t.Context(), place("att_1"), credentials.Sealed{}, place("auth_1"), 1); !errors.Is(err, credentials.ErrNotOurs) {
		t.Errorf("moving nothing: %v", err)
	}
}

func TestMerge(t *testing.T) {
	b := &credentials.Broker{Sealer: newSealer(t), Schemes: schemes(), Hard: time.Hour}
	c := content("old")
	c.Secrets["extra"] = credentials.NewSecret("kept")
	s := mustSeal(t, b, place("auth_1"), c)
	secret := credentials.NewSecret
	for name, tc := range map[string]struct {
		given credentials.Secrets
		hosts []string
		names string
		err   error
	}{
		"nothing":                  {names: "extra token"},
		"one replaced":             {given: credentials.Secrets{"token": secret("new")}, names: "extra token"},
		"one cleared":              {given: credentials.Secrets{"extra": secret("")}, names: "token"},
		"one added":                {given: credentials.Secrets{"more": secret("x")}, names: "extra more token"},
		"the same host":            {hosts: []string{"api.example.com"}, names: "extra token"},
		"no host left":             {hosts: []string{}, names: "extra token"},
		"another host, secrets":    {hosts: []string{"b.example.com"}, given: credentials.Secrets{"token": secret("n"), "extra": secret("n")}, names: "extra token"},
		"another host, one secret": {hosts: []string{"b.example.com"}, given: credentials.Secrets{"token": secret("n")}, err: fault.InvalidInput},
		"another host, none":       {hosts: []string{"api.example.com", "b.example.com"}, err: fault.InvalidInput},
	} {
		t.Run(name, func(t *testing.T) {
			merged, names, err := b.Merge(t.Context(), place("auth_1"), s, 2, tc.given, tc.hosts)
			if !errors.Is(err, tc.err) {
				t.Fatalf("Merge: %v; want %v", err, tc.err)
			}
			if err != nil {
				return
			}
			if got := strings.Join(names, " "); got != tc.names {
				t.Errorf("names %q; want %q", got, tc.names)
			}
			if _, err := b.Authorizer(t.Context(), grant(place("auth_1"), merged)); err != nil {
				t.Errorf("what was merged does not open: %v", err)
			}
			old := s
			old.Serial = merged.Serial
			if _, err := b.Authorizer(t.Context(), grant(place("auth_1"), old)); !errors.Is(err, credentials.ErrNotOurs) {
				t.Errorf("the old copy under the new serial: %v", err)
			}
		})
	}
}

// TestMergeWhileAway shows that a secret can be replaced while the Sealer is
// away, as long as its data key is known.
func TestMergeWhileAway(t *testing.T) {
	sealer := newSealer(t)
	b := &credentials.Broker{Sealer: sealer, Schemes: schemes(), Hard: time.Hour}
	s := mustSeal(t, b, place("auth_1"), content("old"))
	sealer.set(fault.New(fault.SealerUnavailable, "away"))
	merged, _, err := b.Merge(t.Context(), place("auth_1"), s, 2, credentials.Secrets{"token": credentials.NewSecret("new")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := sent(b, grant(place("auth_1"), merged), good); got != "Bearer new" || err != nil {
		t.Errorf("after the merge: %q, %v", got, err)
	}
}

// TestKeyAges follows one data key through its ages while the Sealer goes away.
func TestKeyAges(t *testing.T) {
	away := fault.New(fault.SealerUnavailable, "away")
	denied := fault.Wrap(fault.SealerUnavailable, credentials.ErrDenied, "denied")
	for name, tc := range map[string]struct {
		fail error
		// after these times since the key was unwrapped, does the credential open?
		opens map[time.Duration]bool
	}{
		"well":           {nil, map[time.Duration]bool{time.Minute: true, 7 * time.Minute: true, time.Hour: true}},
		"away":           {away, map[time.Duration]bool{time.Minute: true, 7 * time.Minute: true, 14 * time.Minute: true, 15 * time.Minute: false}},
		"denied":         {denied, map[time.Duration]bool{time.Minute: true, 7 * time.Minute: false}},
		"no longer ours": {fault.New(credentials.ErrNotOurs, "gone"), map[time.Duration]bool{time.Minute: true, 7 * time.Minute: false}},
	} {
		for age, want := range tc.opens {
			t.Run(name+" "+age.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					sealer := newSealer(t)
					b := &credentials.Broker{Sealer: sealer, Schemes: schemes(), Soft: 5 * time.Minute, Hard: 15 * time.Minute}
					g := grant(place("auth_1"), mustSeal(t, b, place("auth_1"), content(canary)))
					sealer.set(tc.fail)
					time.Sleep(age)
					// The first use in the background's time starts the renewal, the
					// second sees what came of it.
					_, _ = b.Authorizer(t.Context(), g)
					synctest.Wait()
					_, err := b.Authorizer(t.Context(), g)
					if (err == nil) != want {
						t.Errorf("after %s: %v; want it to open: %v", age, err, want)
					}
					synctest.Wait()
					b.Forget("auth_1")
					time.Sleep(time.Hour) // the sweep ends
				})
			})
		}
	}
}

// TestHardAgeHolds shows that the clock decides, and not the timer that sweeps:
// on a machine that slept, timers are late.
func TestHardAgeHolds(t *testing.T) {
	sealer := newSealer(t)
	start := time.Now()
	var passed atomic.Int64 // the renewal in the background reads the clock too
	b := &credentials.Broker{Sealer: sealer, Schemes: schemes(), Hard: 15 * time.Minute, Now: func() time.Time { return start.Add(time.Duration(passed.Load())) }}
	g := grant(place("auth_1"), mustSeal(t, b, place("auth_1"), content(canary)))
	sealer.set(fault.New(fault.SealerUnavailable, "away"))
	passed.Store(int64(15*time.Minute - time.Nanosecond))
	if _, err := b.Authorizer(t.Context(), g); err != nil {
		t.Errorf("just before its hard age: %v", err)
	}
	passed.Store(int64(15 * time.Minute))
	if _, err := b.Authorizer(t.Context(), g); !errors.Is(err, fault.SealerUnavailable) {
		t.Errorf("at its hard age: %v; want %s", err, fault.SealerUnavailable)
	}
}

// TestRenewalIsInTheBackground shows that no call waits for a Sealer that hangs,
// and that only one renewal is under way.
func TestRenewalIsInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sealer := newSealer(t)
		b := &credentials.Broker{Sealer: sealer, Schemes: schemes(), Soft: time.Minute, Hard: time.Hour}
		g := grant(place("auth_1"), mustSeal(t, b, place("auth_1"), content(canary)))
		time.Sleep(10 * time.Minute)
		sealer.wait = make(chan struct{})
		for range 100 {
			if _, err := b.Authorizer(t.Context(), g); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if n := sealer.unwraps.Load(); n != 1 {
			t.Errorf("%d renewals are under way; want 1", n)
		}
		close(sealer.wait)
		synctest.Wait()
		b.Forget("auth_1")
		time.Sleep(2 * time.Hour)
	})
}

func TestStrictModeKeepsNothing(t *testing.T) {
	sealer := newSealer(t)
	b := &credentials.Broker{Sealer: sealer, Schemes: schemes()}
	g := grant(place("auth_1"), mustSeal(t, b, place("auth_1"), content(canary)))
	for range 3 {
		if _, err := b.Authorizer(t.Context(), g); err != nil {
			t.Fatal(err)
		}
	}
	if n := sealer.unwraps.Load(); n != 3 {
		t.Errorf("the Sealer was asked %d times; want 3", n)
	}
	sealer.set(fault.New(fault.SealerUnavailable, "away"))
	if _, err := b.Authorizer(t.Context(), g); !errors.Is(err, fault.SealerUnavailable) {
		t.Errorf("with the Sealer away: %v", err)
	}
}

// TestOneUnwrapForMany shows that a cold key is unwrapped once for all who wait,
// and that one who gives up does not take the others along.
func TestOneUnwrapForMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sealer := newSealer(t)
		g := grant(place("auth_1"), mustSeal(t, &credentials.Broker{Sealer: sealer}, place("auth_1"), content(canary)))
		b := &credentials.Broker{Sealer: sealer, Schemes: schemes(), Hard: time.Hour}
		sealer.wait = make(chan struct{})
		hurried, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := b.Authorizer(hurried, g); !errors.Is(err, context.Canceled) {
				t.Errorf("who gave up: %v", err)
			}
		})
		synctest.Wait()
		for range 50 {
			wg.Go(func() {
				if _, err := b.Authorizer(t.Context(), g); err != nil {
					t.Errorf("who waited: %v", err)
				}
			})
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(sealer.wait)
		wg.Wait()
		if n := sealer.unwraps.Load(); n != 1 {
			t.Errorf("the Sealer was asked %d times; want 1", n)
		}
		b.Forget("auth_1")
		time.Sleep(2 * time.Hour)
	})
}

// TestForget shows that a key which is on its way while its record is forgotten
// does not stay.
func TestForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sealer := newSealer(t)
		b := &credentials.Broker{Sealer: sealer, Schemes: schemes(), Hard: time.Hour}
		g := grant(place("auth_1"), mustSeal(t, b, place("auth_1"), content(canary)))
		b.Forget("auth_1")
		sealer.wait = make(chan struct{})
		done := make(chan error)
		go func() { _, err := b.Authorizer(t.Context(), g); done <- err }()
		synctest.Wait()
		b.Forget("auth_1")
		close(sealer.wait)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		sealer.set(fault.New(fault.SealerUnavailable, "away"))
		if _, err := b.Authorizer(t.Context(), g); !errors.Is(err, fault.SealerUnavailable) {
			t.Errorf("the key is still there: %v", err)
		}
		time.Sleep(2 * time.Hour)
	})
}

// TestCacheIsBounded shows that the least recently used key leaves first.
func TestCacheIsBounded(t *testing.T) {
	sealer := newSealer(t)
	b := &credentials.Broker{Sealer: sealer, Schemes: schemes(), Hard: time.Hour, MaxKeys: 2}
	open := func(g credentials.Grant) {
		t.Helper()
		if _, err := b.Authorizer(t.Context(), g); err != nil {
			t.Fatal(err)
		}
	}
	first := grant(place("auth_1"), mustSeal(t, b, place("auth_1"), content("1")))
	second := grant(place("auth_2"), mustSeal(t, b, place("auth_2"), content("2")))
	open(first)
	third := grant(place("auth_3"), mustSeal(t, b, place("auth_3"), content("3"))) // the second leaves
	open(first)
	open(third)
	if n := sealer.unwraps.Load(); n != 0 {
		t.Errorf("a kept key was unwrapped %d times", n)
	}
	open(second)
	if n := sealer.unwraps.Load(); n != 1 {
		t.Errorf("the Sealer was asked %d times for the key that left; want 1", n)
	}
}

func TestTooLarge(t *testing.T) {
	b := &credentials.Broker{Sealer: newSealer(t)}
	if _, err := b.Seal(t.Context(), place("auth_1"), 1, content(strings.Repeat("x", 70<<10))); !errors.Is(err, fault.InvalidInput) {
		t.Errorf("Seal of 70 KiB: %v; want %s", err, fault.InvalidInput)
	}
}
