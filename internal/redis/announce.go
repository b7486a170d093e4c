package redis

import (
	"context"
	"errors"
	"net"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

const (
	// quiet is how long a subscription may say nothing before it is asked
	// whether it still stands, and how long it may then take to answer. A
	// connection that was cut on the way says nothing, ever.
	quiet = 3 * time.Second
	// Between two attempts to subscribe.
	minPause = 50 * time.Millisecond
	maxPause = 2 * time.Second
)

// Announce tells every replica that listens that something changed.
func (t *Tracker) Announce(ctx context.Context) error {
	return t.call(ctx, "announcing a change", func(ctx context.Context) error {
		return t.client.Publish(ctx, t.keys.channel, "").Err()
	})
}

// Announcements calls heard after each announcement, and once whenever it has
// subscribed, at first or again, until ctx ends. While Redis cannot be reached
// it keeps trying.
func (t *Tracker) Announcements(ctx context.Context, heard func()) error {
	pause := minPause
	for ctx.Err() == nil {
		if t.listen(ctx, heard) {
			pause = minPause
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, maxPause)
	}
	return nil
}

// listen follows one subscription until it breaks, and reports whether it ever
// stood.
func (t *Tracker) listen(ctx context.Context, heard func()) (stood bool) {
	subscription := t.client.Subscribe(ctx, t.keys.channel)
	closing := func() { _ = subscription.Close() }
	defer closing()
	// Nothing else interrupts a read that waits.
	defer context.AfterFunc(ctx, closing)()

	asked := false
	for ctx.Err() == nil {
		message, err := subscription.ReceiveTimeout(ctx, quiet)
		if err != nil {
			if !isTimeout(err) || asked || subscription.Ping(ctx) != nil {
				return stood
			}
			asked = true
			continue
		}
		asked = false
		switch message.(type) {
		case *goredis.Subscription, *goredis.Message:
			stood = true
			if ctx.Err() == nil {
				heard()
			}
		}
	}
	return stood
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
