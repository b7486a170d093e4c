package access_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/feed"
	"github.com/wayleave/wayleave/internal/store"
)

// house is a Directory and an Authenticator over real records.
type house struct {
	*access.Directory
	*access.Authenticator
	store *store.Store
	now   time.Time
}

func newHouse(t *testing.T) *house {
	s, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "records.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	h := &house{store: s, now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	f := feed.New(s)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); f.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	clock := func() time.Time { return h.now }
	h.Directory = &access.Directory{Tenants: s, Actors: s, Keys: s, Environments: environments.Default(), Now: clock}
	h.Authenticator = access.NewAuthenticator(s, f, clock)
	return h
}

func (h *house) agent(t *testing.T, name string, g access.Grant, expires time.Time) (access.Actor, access.IssuedKey) {
	t.Helper()
	first, _, err := h.FirstKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tenant := first.Tenant
	if tenant == "" {
		t.Fatal("no tenant")
	}
	a, k, err := h.CreateActor(t.Context(), tenant, access.KindAgent, name, g, expires)
	if err != nil {
		t.Fatal(err)
	}
	return a, k
}

func TestAKeyIsRecognisedUntilItEnds(t *testing.T) {
	h := newHouse(t)
	grant := access.Grant{Environments: []environments.Name{"dev"}, Toolkits: []string{"notes"}, ReadOnly: true}
	a, key := h.agent(t, "bot", grant, h.now.Add(time.Hour))
	p, err := h.Authenticate(t.Context(), key.Secret)
	if err != nil || p.Actor != a.ID || p.Name != "bot" || p.Role != access.Caller || !p.Grant.ReadOnly {
		t.Fatalf("Authenticate = %+v, %v", p, err)
	}
	h.now = h.now.Add(2 * time.Hour)
	if _, err := h.Authenticate(t.Context(), key.Secret); !errors.Is(err, fault.Unauthenticated) {
		t.Errorf("an expired key = %v", err)
	}
}

func TestARevokedKeyIsRefusedWithinASecond(t *testing.T) {
	h := newHouse(t)
	grant := access.Grant{Environments: []environments.Name{"dev"}}
	a, one := h.agent(t, "bot", grant, time.Time{})
	two, err := h.IssueActorKey(t.Context(), a.Tenant, access.KindAgent, a.ID, grant, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{one.Secret, two.Secret} {
		if _, err := h.Authenticate(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.RevokeKey(t.Context(), a.Tenant, one.ID); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second) // the promise
	if _, err := h.Authenticate(t.Context(), one.Secret); !errors.Is(err, fault.Unauthenticated) {
		t.Errorf("the revoked key = %v", err)
	}
	if _, err := h.Authenticate(t.Context(), two.Secret); err != nil {
		t.Errorf("the agent's other key = %v", err)
	}
	if err := h.DeleteActor(t.Context(), a.Tenant, access.KindAgent, a.ID); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	if _, err := h.Authenticate(t.Context(), two.Secret); !errors.Is(err, fault.Unauthenticated) {
		t.Errorf("a key of the deleted agent = %v", err)
	}
}

func TestWhatIsNoKeyIsRefusedAlike(t *testing.T) {
	h := newHouse(t)
	_, key := h.agent(t, "bot", access.Grant{Environments: []environments.Name{"dev"}}, time.Time{})
	swapped := key.Secret[:len(key.Secret)-9] + "aa" + key.Secret[len(key.Secret)-7:]
	var told string
	for _, wrong := range []string{"", "nope", "Bearer x", strings.Repeat("A", 20_000), key.Secret + "a", key.Secret[1:], swapped,
		strings.ToUpper(key.Secret), key.Hint, "wl_agt_" + strings.Repeat("a", 59)} {
		_, err := h.Authenticate(t.Context(), wrong)
		if !errors.Is(err, fault.Unauthenticated) {
			t.Fatalf("Authenticate(%.20q) = %v", wrong, err)
		}
		if told == "" {
			told = fault.From(err).Msg
		}
		if got := fault.From(err).Msg; got != told {
			t.Errorf("Authenticate(%.20q) tells %q, others are told %q", wrong, got, told)
		}
	}
	if strings.Contains(key.Hint, key.Secret) || len(key.Hint) > 16 {
		t.Errorf("the hint %q shows too much", key.Hint)
	}
}

func TestAStartThatWasCutOffIsMadeGood(t *testing.T) {
	h := newHouse(t)
	if err := h.store.CreateTenant(t.Context(), access.Tenant{ID: "ten_cut", Name: "default", CreatedAt: h.now}); err != nil {
		t.Fatal(err)
	}
	key, made, err := h.FirstKey(t.Context())
	if err != nil || !made || key.Tenant != "ten_cut" {
		t.Fatalf("FirstKey = %+v, %v, %v", key.Key, made, err)
	}
	if _, made, err = h.FirstKey(t.Context()); made || err != nil {
		t.Errorf("FirstKey again = %v, %v", made, err)
	}
}

func TestGrantsAndNames(t *testing.T) {
	h := newHouse(t)
	a, _ := h.agent(t, "bot", access.Grant{Environments: []environments.Name{"dev"}}, time.Time{})
	create := func(name string, g access.Grant, expires time.Time) error {
		_, _, err := h.CreateActor(t.Context(), a.Tenant, access.KindAgent, name, g, expires)
		return err
	}
	dev := access.Grant{Environments: []environments.Name{"dev"}}
	for name, tc := range map[string]struct {
		err  error
		want fault.Kind
	}{
		"no environment":      {create("x", access.Grant{}, time.Time{}), fault.InvalidInput},
		"unknown environment": {create("x", access.Grant{Environments: []environments.Name{"qa"}}, time.Time{}), fault.InvalidInput},
		"no name":             {create("", dev, time.Time{}), fault.InvalidInput},
		"a line break":        {create("a\nb", dev, time.Time{}), fault.InvalidInput},
		"too long":            {create(strings.Repeat("ü", 121), dev, time.Time{}), fault.InvalidInput},
		"already expired":     {create("x", dev, h.now), fault.InvalidInput},
		"taken":               {create("bot", dev, time.Time{}), fault.Conflict},
	} {
		if !errors.Is(tc.err, tc.want) {
			t.Errorf("%s = %v, want %s", name, tc.err, tc.want)
		}
	}
}

func TestRolesIncludeThoseBelow(t *testing.T) {
	order := []access.Role{access.Caller, access.Viewer, access.Operator, access.Admin, access.System}
	rapid.Check(t, func(t *rapid.T) {
		i, j := rapid.IntRange(0, 4).Draw(t, "i"), rapid.IntRange(0, 4).Draw(t, "j")
		if order[i].Includes(order[j]) != (i >= j) {
			t.Fatalf("%s includes %s: %v", order[i], order[j], i < j)
		}
	})
	if access.Role("root").Includes(access.Caller) || access.System.Includes("root") {
		t.Error("a role that does not exist includes something")
	}
}
