package credentials

import (
	"container/list"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/wayleave/wayleave/internal/fault"
)

const (
	defaultMaxKeys = 10_000
	// unwrapTimeout bounds one unwrapping that several requests may wait for. It
	// is longer than any Sealer's own and only there so that none waits forever.
	unwrapTimeout = 10 * time.Second
)

// keyID is what a data key is kept under. All that a record says of its key is
// part of it, so that a record that was edited finds nothing.
type keyID struct {
	bind    Binding
	wrapped WrappedKey
}

// keyCache keeps data keys for a bounded time. The zero value is ready.
type keyCache struct {
	flights singleflight.Group

	mu      sync.Mutex
	entries map[keyID]*list.Element // of *keptKey
	recent  list.List               // most recently used first
	sweep   *time.Timer             // nil when nothing is kept
	epoch   uint64                  // grows with every forget
}

type keptKey struct {
	id       keyID
	key      DataKey
	soft     time.Time // unwrap again from here on
	hard     time.Time // do not use from here on
	renewing bool
}

// key returns the data key of a record, from the cache or the Sealer.
func (b *Broker) key(ctx context.Context, bind Binding, w WrappedKey) (DataKey, error) {
	if b.Hard <= 0 {
		return b.Sealer.Unwrap(ctx, bind, w)
	}
	id := keyID{bind, w}
	key, found, due := b.keys.get(id, b.now())
	if due {
		go b.renew(context.WithoutCancel(ctx), id)
	}
	if found {
		return key, nil
	}
	return b.unwrap(ctx, id)
}

// unwrap asks the Sealer, once for all who wait for the same key. A caller that
// gives up leaves the others waiting and the key on its way.
func (b *Broker) unwrap(ctx context.Context, id keyID) (DataKey, error) {
	flight := string(id.bind.Context()) + id.wrapped.Text
	done := b.keys.flights.DoChan(flight, func() (any, error) {
		return b.fetch(context.WithoutCancel(ctx), id)
	})
	select {
	case r := <-done:
		key, _ := r.Val.(DataKey)
		return key, r.Err
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return DataKey{}, fault.Wrap(fault.SealerUnavailable, ctx.Err(), "the credential could not be opened in time")
		}
		return DataKey{}, ctx.Err()
	}
}

// renew unwraps a kept key again before it is due. A Sealer that is away leaves
// the key to its hard age; one that refuses ends it.
func (b *Broker) renew(ctx context.Context, id keyID) {
	_, err := b.fetch(ctx, id)
	switch {
	case err == nil:
	case errors.Is(err, ErrNotOurs) || errors.Is(err, ErrDenied):
		b.keys.forget(id.bind.Record)
	default:
		b.keys.postpone(id, b.now().Add(spread(b.soft()/10)))
	}
}

// fetch unwraps a key and keeps it, unless its record was forgotten meanwhile.
func (b *Broker) fetch(ctx context.Context, id keyID) (DataKey, error) {
	ctx, cancel := context.WithTimeout(ctx, unwrapTimeout)
	defer cancel()
	epoch := b.keys.since()
	key, err := b.Sealer.Unwrap(ctx, id.bind, id.wrapped)
	if err != nil {
		return DataKey{}, err
	}
	b.keys.put(b.entry(id, key), b.maxKeys(), &epoch, b.sweep)
	return key, nil
}

// keep adds a key that was just made.
func (b *Broker) keep(bind Binding, w WrappedKey, key DataKey) {
	if b.Hard > 0 {
		b.keys.put(b.entry(keyID{bind, w}, key), b.maxKeys(), nil, b.sweep)
	}
}

func (b *Broker) entry(id keyID, key DataKey) *keptKey {
	now := b.now()
	return &keptKey{id: id, key: key, soft: now.Add(spread(b.soft())), hard: now.Add(b.Hard)}
}

func (b *Broker) soft() time.Duration {
	if b.Soft > 0 {
		return min(b.Soft, b.Hard)
	}
	return b.Hard / 3
}

func (b *Broker) maxKeys() int {
	if b.MaxKeys > 0 {
		return b.MaxKeys
	}
	return defaultMaxKeys
}

// sweep arranges that keys which nobody uses leave memory too, soon after their
// hard age. The returned timer runs until nothing is kept.
func (b *Broker) sweep() *time.Timer {
	return time.AfterFunc(b.Hard, func() { b.keys.dropExpired(b.now(), b.Hard) })
}

// spread returns d, give or take a tenth, so that keys fetched together are not
// renewed together.
func spread(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1)
}

// get returns a key that may be used at now. due asks the caller, and no other,
// to renew it.
func (c *keyCache) get(id keyID, now time.Time) (key DataKey, found, due bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[id]
	if !ok {
		return DataKey{}, false, false
	}
	k := e.Value.(*keptKey)
	if !now.Before(k.hard) {
		c.remove(e)
		return DataKey{}, false, false
	}
	c.recent.MoveToFront(e)
	due = !k.renewing && !now.Before(k.soft)
	k.renewing = k.renewing || due
	return k.key, true, due
}

// since returns the epoch that put compares with.
func (c *keyCache) since() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.epoch
}

// put keeps a key, in place of an older copy. With since, it does not when
// something was forgotten after since: a key that was on its way while its
// record was revoked must not come back.
func (c *keyCache) put(k *keptKey, limit int, since *uint64, sweep func() *time.Timer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if since != nil && *since != c.epoch {
		c.drop(k.id)
		return
	}
	if c.entries == nil {
		c.entries = map[keyID]*list.Element{}
	}
	c.drop(k.id)
	for len(c.entries) >= limit {
		c.remove(c.recent.Back())
	}
	c.entries[k.id] = c.recent.PushFront(k)
	if c.sweep == nil {
		c.sweep = sweep()
	}
}

// postpone puts off the next renewal of a key.
func (c *keyCache) postpone(id keyID, soft time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.entries[id]; ok {
		k := e.Value.(*keptKey)
		k.soft, k.renewing = soft, false
	}
}

// forget drops the keys of a record.
func (c *keyCache) forget(record string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	for id, e := range c.entries {
		if id.bind.Record == record {
			c.remove(e)
		}
	}
}

// dropExpired drops the keys that have reached their hard age, and looks again
// after the given time if any are left.
func (c *keyCache) dropExpired(now time.Time, again time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.entries {
		if !now.Before(e.Value.(*keptKey).hard) {
			c.remove(e)
		}
	}
	if len(c.entries) == 0 {
		c.sweep = nil
		return
	}
	c.sweep.Reset(again)
}

func (c *keyCache) drop(id keyID) {
	if e, ok := c.entries[id]; ok {
		c.remove(e)
	}
}

// remove drops an entry and wipes its key. The caller holds the lock.
func (c *keyCache) remove(e *list.Element) {
	k := c.recent.Remove(e).(*keptKey)
	delete(c.entries, k.id)
	wipe(&k.key)
}
