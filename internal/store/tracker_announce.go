package store

import (
	"context"
	"sync"
)

// listeners are those of one process who wait for an announcement.
type listeners struct {
	mu  sync.Mutex
	all map[chan struct{}]struct{}
}

// Announce tells every listener of this Tracker that something changed.
func (t *Tracker) Announce(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return t.store.fail(ctx, "tracker.Announce", err)
	}
	t.listeners.mu.Lock()
	defer t.listeners.mu.Unlock()
	for l := range t.listeners.all {
		select {
		case l <- struct{}{}:
		default: // it has one waiting that it did not hear yet
		}
	}
	return nil
}

// Announcements calls heard once at the beginning and after each announcement
// until ctx ends.
func (t *Tracker) Announcements(ctx context.Context, heard func()) error {
	announced := make(chan struct{}, 1)
	announced <- struct{}{}
	t.listeners.add(announced)
	defer t.listeners.remove(announced)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-announced:
			heard()
		}
	}
}

func (ls *listeners) add(l chan struct{}) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.all == nil {
		ls.all = map[chan struct{}]struct{}{}
	}
	ls.all[l] = struct{}{}
}

func (ls *listeners) remove(l chan struct{}) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	delete(ls.all, l)
}
