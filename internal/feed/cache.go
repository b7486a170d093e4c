package feed

import (
	"context"
	"strconv"
	"sync"

	"golang.org/x/sync/singleflight"
)

// A Cache keeps what was made of records for as long as the feed says that they
// did not change. It is bounded: when full, some entry makes room.
type Cache[V any] struct {
	feed *Feed
	max  int

	mu      sync.RWMutex
	entries map[string]V
	epoch   uint64 // grows with every change that may concern the cache
	flight  singleflight.Group
}

// NewCache returns a Cache of at most max entries. stale says what a change
// makes stale: the entry of a key, those that match, or, with both zero,
// nothing. A Change without a Noun clears the cache whatever stale says.
func NewCache[V any](f *Feed, max int, stale func(Change) (key string, match func(key string, value V) bool)) *Cache[V] {
	c := &Cache[V]{feed: f, max: max, entries: map[string]V{}}
	f.Subscribe(func(ch Change) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if ch.Noun == "" {
			c.epoch++
			clear(c.entries)
			return
		}
		key, match := stale(ch)
		if key != "" {
			c.epoch++
			delete(c.entries, key)
		}
		if match != nil {
			c.epoch++
			for key, value := range c.entries {
				if match(key, value) {
					delete(c.entries, key)
				}
			}
		}
	})
	return c
}

// Get returns the entry of key, made by load if it is not there or the feed is
// not fresh. One load per key runs at a time; it is detached from the caller's
// cancellation, so that one caller who leaves fails no other, and keeps the
// caller's values.
func (c *Cache[V]) Get(ctx context.Context, key string, load func(context.Context) (V, error)) (V, error) {
	c.mu.RLock()
	value, ok := c.entries[key]
	epoch := c.epoch
	c.mu.RUnlock()
	if ok && c.feed.Fresh() {
		return value, nil
	}
	// The epoch is part of the flight's key, so that nobody who comes after a
	// change is given what was read before it.
	done := c.flight.DoChan(strconv.FormatUint(epoch, 36)+" "+key, func() (any, error) {
		value, err := load(context.WithoutCancel(ctx))
		if err == nil {
			c.keep(key, value, epoch)
		}
		return value, err
	})
	select {
	case r := <-done:
		value, _ := r.Val.(V)
		return value, r.Err
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
}

// keep stores an entry unless something changed since epoch, when it was read.
func (c *Cache[V]) keep(key string, value V, epoch uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch != epoch {
		return
	}
	if _, there := c.entries[key]; !there && len(c.entries) >= c.max {
		for old := range c.entries {
			delete(c.entries, old)
			break
		}
	}
	c.entries[key] = value
}
