package credentials

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/toolkits/apps"
)

// A Broker seals credentials and opens them for requests. It keeps data keys,
// never secrets, between requests: a credential is decrypted for each request
// with its data key, which is local and cheap, while unwrapping the data key may
// mean a call to Vault.
//
// It is safe for concurrent use and must not be copied.
type Broker struct {
	Sealer  Sealer
	Schemes []Scheme

	// Soft is the age at which a data key in use is unwrapped again in the
	// background, so that no request waits for it; 0 means a third of Hard.
	Soft time.Duration
	// Hard is the age at which a data key is no longer used, whatever the reason
	// that it could not be unwrapped again. 0 is the strict mode: data keys are
	// not kept, and every request asks the Sealer.
	Hard time.Duration
	// MaxKeys is how many data keys are kept, the least recently used leaving
	// first; 0 means 10,000.
	MaxKeys int
	Now     func() time.Time // default time.Now

	keys keyCache
}

// Seal seals a credential under a new data key.
func (b *Broker) Seal(ctx context.Context, bind Binding, serial int64, c Content) (Sealed, error) {
	key, wrapped, err := b.Sealer.NewKey(ctx, bind)
	if err != nil {
		return Sealed{}, err
	}
	defer wipe(&key)
	box, err := seal(&key, bind, serial, c)
	if err != nil {
		return Sealed{}, err
	}
	b.keep(bind, wrapped, key)
	return Sealed{Key: wrapped, Serial: serial, Box: box}, nil
}

// Move seals anew, for another record and under a data key of its own, what was
// sealed for from. It is how what an attempt was given becomes an auth config.
func (b *Broker) Move(ctx context.Context, from Binding, s Sealed, to Binding, serial int64) (Sealed, error) {
	c, err := b.content(ctx, from, s)
	if err != nil {
		return Sealed{}, err
	}
	return b.Seal(ctx, to, serial, c)
}

// Merge replaces secrets of a sealed credential: a name that is absent from
// given keeps its value, an empty value clears it, any other replaces it. hosts
// replaces the hosts; nil keeps them. It returns the names that have a value
// then.
//
// A secret is never taken along to a host it was not entered for: hosts that
// add to the sealed ones need every secret again (InvalidInput).
func (b *Broker) Merge(ctx context.Context, bind Binding, s Sealed, serial int64, given Secrets, hosts []string) (Sealed, []string, error) {
	key, err := b.key(ctx, bind, s.Key)
	if err != nil {
		return Sealed{}, nil, err
	}
	defer wipe(&key)
	c, err := b.open(&key, bind, s)
	if err != nil {
		return Sealed{}, nil, err
	}
	if hosts != nil {
		if err := checkMoved(c, given, hosts); err != nil {
			return Sealed{}, nil, err
		}
		c.Hosts = hosts
	}
	maps.Copy(c.Secrets, given)
	// The data key stays: rotating a secret works while the Sealer is away.
	box, err := seal(&key, bind, serial, c)
	if err != nil {
		return Sealed{}, nil, err
	}
	return Sealed{Key: s.Key, Serial: serial, Box: box}, c.Secrets.Names(), nil
}

// checkMoved refuses to keep a secret for hosts that it was not entered for.
func checkMoved(c Content, given Secrets, hosts []string) error {
	if !widens(c.Hosts, hosts) {
		return nil
	}
	for _, name := range c.Secrets.Names() {
		if _, again := given[name]; !again {
			return fault.New(fault.InvalidInput, "the credential was entered for other hosts, so %q must be entered again", name).
				WithFix("Enter every secret again together with the new address.")
		}
	}
	return nil
}

// A Grant is what a request may use: an auth config's credential, for one app.
type Grant struct {
	Auth    *apps.Auth
	App     string // slug
	Binding Binding
	Sealed  Sealed         // zero for a scheme without secrets
	Params  map[string]any // of the connection
}

// Authorizer opens a credential for one request and its answer.
//
// It is [ErrNotOurs] when the credential does not open or was made for another
// app or scheme, and fault.SealerUnavailable when its data key cannot be had
// now.
func (b *Broker) Authorizer(ctx context.Context, g Grant) (*Authorizer, error) {
	s, err := b.scheme(g.Auth)
	if err != nil {
		return nil, err
	}
	if g.Sealed.IsZero() {
		return unsealed(s, g)
	}
	c, err := b.content(ctx, g.Binding, g.Sealed)
	if err != nil {
		return nil, err
	}
	if c.App != g.App || c.Scheme != g.Auth.ID {
		return nil, fault.New(ErrNotOurs, "this credential was made for another app or another authentication scheme")
	}
	return newAuthorizer(s, g, c), nil
}

// unsealed returns the Authorizer of a scheme that needs no secret.
func unsealed(s Scheme, g Grant) (*Authorizer, error) {
	if slices.ContainsFunc(s.Fields(g.Auth), func(f apps.Field) bool { return f.Required }) {
		return nil, fault.New(ErrNotOurs, "the secrets of this connection are not there")
	}
	return newAuthorizer(s, g, Content{}), nil
}

// content opens a sealed credential.
func (b *Broker) content(ctx context.Context, bind Binding, s Sealed) (Content, error) {
	if s.IsZero() {
		return Content{}, fault.New(ErrNotOurs, "nothing is sealed")
	}
	key, err := b.key(ctx, bind, s.Key)
	if err != nil {
		return Content{}, err
	}
	defer wipe(&key)
	return b.open(&key, bind, s)
}

// open is the function open; a data key that opens nothing is not kept.
func (b *Broker) open(key *DataKey, bind Binding, s Sealed) (Content, error) {
	c, err := open(key, bind, s)
	if err != nil {
		b.keys.forget(bind.Record)
	}
	return c, err
}

// Forget gives up the data keys of a record at once, as is due when it is
// revoked or deleted.
func (b *Broker) Forget(record string) { b.keys.forget(record) }

// Check proves that credentials can be sealed and opened now.
func (b *Broker) Check(ctx context.Context) error { return b.Sealer.Check(ctx) }

func (b *Broker) now() time.Time {
	if b.Now != nil {
		return b.Now()
	}
	return time.Now()
}

// wipe overwrites a data key. It cannot reach copies that the runtime made, and
// is worth having all the same.
func wipe(key *DataKey) { clear(key[:]) }
