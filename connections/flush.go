package connections

import (
	"context"
	"slices"
	"time"
)

// Run flushes once per Interval until ctx ends, and then once more. It returns
// the error of the last flush. While the Tracker fails it is tried less and less
// often.
func (r *Recorder) Run(ctx context.Context) error {
	interval := r.Interval
	if interval <= 0 {
		interval = time.Second
	}
	wait, failing := interval, false
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return r.flushFor(context.WithoutCancel(ctx))
		case <-timer.C:
		}
		err := r.flushFor(ctx)
		switch {
		case ctx.Err() != nil: // the last flush tells what became of it
		case err == nil && failing:
			r.Log.Info().Msg("connection health is recorded again; nothing was lost")
		case err != nil && !failing:
			r.Log.Warn().Err(err).Msg("connection health cannot be recorded; keeping it in memory")
		}
		failing = err != nil
		wait = nextWait(wait, interval, failing)
		timer.Reset(wait)
	}
}

func nextWait(wait, interval time.Duration, failing bool) time.Duration {
	if !failing {
		return interval
	}
	return max(interval, min(2*wait, recorderBackoff))
}

func (r *Recorder) flushFor(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, recorderTimeout)
	defer cancel()
	return r.Flush(ctx)
}

// Flush hands all that was noted to the Tracker. What the Tracker does not take
// is kept and handed over by a later Flush; what it took without saying so is
// not counted twice, because the batch is sent again under the same number.
func (r *Recorder) Flush(ctx context.Context) error {
	if err := r.enter(ctx, gateReaders); err != nil {
		return err
	}
	defer r.gate.Release(gateReaders)
	if err := r.send(ctx); err != nil { // of an earlier flush
		return err
	}
	sweep := r.nextRound()
	for i := range r.shards {
		s := &r.shards[i]
		for left := s.length(); left > 0; {
			left -= r.take(s, min(left, recorderBatch-len(r.batch.Tallies)))
			if len(r.batch.Tallies) < recorderBatch {
				continue
			}
			if err := r.send(ctx); err != nil {
				return err
			}
		}
		if sweep {
			s.sweep()
		}
	}
	return r.send(ctx)
}

// nextRound reports whether it is time to let go of what is no longer used.
func (r *Recorder) nextRound() bool {
	r.flush.mu.Lock()
	defer r.flush.mu.Unlock()
	r.flush.rounds++
	return r.flush.rounds%recorderForgets == 0
}

func (s *recorderShard) length() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting)
}

// take moves the first n that wait in a shard into the batch, and returns n. The
// empty tallies of what was forgotten are left out.
func (r *Recorder) take(s *recorderShard, n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.waiting[:n] {
		if e.health != (Health{}) {
			r.batch.Tallies = append(r.batch.Tallies, Tally{e.key.tenant, e.key.connection, e.health})
		}
		e.health, e.waiting = Health{}, false
	}
	s.waiting = slices.Delete(s.waiting, 0, n)
	return n
}

// sweep lets go of the connections that were not used since the last sweep.
func (s *recorderShard) sweep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, e := range s.entries {
		if !e.used && !e.waiting {
			delete(s.entries, key)
		}
		e.used = false
	}
}

// send hands the batch over, if there is one. After a failure it stays as it is
// and keeps its number.
func (r *Recorder) send(ctx context.Context) error {
	if len(r.batch.Tallies) == 0 {
		return nil
	}
	if r.unsent == nil {
		r.batch.Seq++
	}
	err := r.Tracker.Observe(ctx, r.batch)
	r.flush.mu.Lock()
	defer r.flush.mu.Unlock()
	if err != nil {
		r.keepUnsent()
		r.flush.failed++
		return err
	}
	r.flush.batches++
	r.flush.unsent = 0
	r.unsent = nil
	clear(r.batch.Tallies)
	r.batch.Tallies = r.batch.Tallies[:0]
	return nil
}

// keepUnsent indexes the batch for readers until it is accepted.
func (r *Recorder) keepUnsent() {
	if r.unsent != nil {
		return
	}
	r.unsent = make(map[recorderKey]Health, len(r.batch.Tallies))
	for _, t := range r.batch.Tallies {
		r.unsent[recorderKey{t.Tenant, t.Connection}] = t.Health
	}
	r.flush.unsent = len(r.unsent)
}
