package server

import (
	"context"
	"sync"
	"time"
)

// How often what is out of date is removed, and how long changes are kept for
// replicas that were away.
const (
	pruneEvery  = 10 * time.Minute
	keepChanges = time.Hour
)

// announceTime bounds how long telling the other replicas may take: they poll
// anyway.
const announceTime = 2 * time.Second

// Start runs what goes on beside requests until ctx ends: it follows the change
// feed, records health and removes what is out of date. stopped waits for its
// end, the last flush of the recorder included.
func (s *Server) Start(ctx context.Context) (stopped func()) {
	var wg sync.WaitGroup
	wg.Go(func() { s.feed.Run(ctx) })
	wg.Go(func() { s.listen(ctx) })
	wg.Go(func() { s.prune(ctx) })
	wg.Go(func() {
		if err := s.recorder.Run(ctx); err != nil {
			s.config.Log.Warn().Err(err).Msg("the last of the connections' health could not be recorded")
		}
	})
	return wg.Wait
}

// announce tells the other replicas that something changed.
func (s *Server) announce() {
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), announceTime)
		defer cancel()
		if err := s.tracker.Announce(ctx); err != nil {
			s.config.Log.Debug().Err(err).Msg("other replicas were not told at once; they poll")
		}
	}()
}

// listen wakes the feed at each announcement. A tracker that fails costs
// nothing but the wait for the next poll.
func (s *Server) listen(ctx context.Context) {
	for ctx.Err() == nil {
		if err := s.tracker.Announcements(ctx, s.feed.Wake); err != nil {
			s.config.Log.Debug().Err(err).Msg("not listening for announcements")
		}
		pause(ctx, time.Second)
	}
}

// prune removes what is out of date: attempts, changes that every replica has
// seen, and idempotency keys.
func (s *Server) prune(ctx context.Context) {
	for pause(ctx, pruneEvery); ctx.Err() == nil; pause(ctx, pruneEvery) {
		now := s.config.Now().UTC()
		for what, do := range map[string]func() (int, error){
			"attempts":         func() (int, error) { return s.Connections.Prune(ctx) },
			"changes":          func() (int, error) { return s.store.PruneChanges(ctx, now.Add(-keepChanges)) },
			"idempotency keys": func() (int, error) { return s.store.Idempotency().DeleteClaimsBefore(ctx, now) },
		} {
			if n, err := do(); err != nil {
				s.config.Log.Warn().Err(err).Str("what", what).Msg("removing what is out of date failed; it is tried again")
			} else if n > 0 {
				s.config.Log.Debug().Int("removed", n).Str("what", what).Msg("removed what is out of date")
			}
		}
	}
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
