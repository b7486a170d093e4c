package access

import (
	"context"
	"errors"
	"time"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/feed"
)

// maxCachedKeys bounds how many keys an Authenticator remembers.
const maxCachedKeys = 20_000

// An Authenticator turns a key into the Principal that presents it.
type Authenticator struct {
	keys  KeyFinder
	cache *feed.Cache[found]
	now   func() time.Time
}

// A KeyFinder looks up a key's record and whose it is.
type KeyFinder interface {
	KeyByHash(ctx context.Context, hash []byte) (Key, error)
	Actor(ctx context.Context, tenant string, kind Kind, id string) (Actor, error)
}

// found is a valid key's principal and until when it is valid.
type found struct {
	principal *Principal
	expires   time.Time
}

// NewAuthenticator returns an Authenticator over keys, which remembers a valid
// key for as long as the feed is fresh and the key was not changed. now may be
// nil.
func NewAuthenticator(keys KeyFinder, f *feed.Feed, now func() time.Time) *Authenticator {
	if now == nil {
		now = time.Now
	}
	stale := func(c feed.Change) (string, func(string, found) bool) {
		switch c.Noun {
		case feed.Key:
			return "", func(_ string, v found) bool { return v.principal.KeyID == c.ID }
		case feed.Actor:
			return "", func(_ string, v found) bool { return v.principal.Actor == c.ID }
		}
		return "", nil
	}
	return &Authenticator{keys: keys, cache: feed.NewCache(f, maxCachedKeys, stale), now: now}
}

// Authenticate returns the Principal of a key. A key that is malformed, unknown,
// expired or revoked is fault.Unauthenticated, without telling which. The
// Principal is shared and must not be changed.
func (a *Authenticator) Authenticate(ctx context.Context, key string) (*Principal, error) {
	if !wellFormed(key) {
		return nil, errUnauthenticated()
	}
	hash := hashKey(key)
	v, err := a.cache.Get(ctx, string(hash), func(ctx context.Context) (found, error) {
		return a.look(ctx, hash)
	})
	if err != nil {
		return nil, err
	}
	if !v.expires.IsZero() && !a.now().Before(v.expires) {
		return nil, errUnauthenticated()
	}
	return v.principal, nil
}

func (a *Authenticator) look(ctx context.Context, hash []byte) (found, error) {
	k, err := a.keys.KeyByHash(ctx, hash)
	switch {
	case errors.Is(err, fault.NotFound):
		return found{}, errUnauthenticated()
	case err != nil:
		return found{}, err
	case !k.RevokedAt.IsZero():
		return found{}, errUnauthenticated()
	}
	p := &Principal{Tenant: k.Tenant, Kind: k.Kind, Actor: k.Actor, Name: k.Name, KeyID: k.ID, Role: k.Role, Grant: k.Grant}
	if k.Actor != "" {
		actor, err := a.keys.Actor(ctx, k.Tenant, k.Kind, k.Actor)
		if errors.Is(err, fault.NotFound) {
			return found{}, errUnauthenticated()
		}
		if err != nil {
			return found{}, err
		}
		p.Name = actor.Name
	}
	return found{p, k.ExpiresAt}, nil
}

func errUnauthenticated() error {
	return fault.New(fault.Unauthenticated, "the key is missing or not valid")
}
