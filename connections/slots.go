package connections

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/wayleave/wayleave/internal/fault"
)

// slots bound how many requests are under way: in all, and per connection, so
// that one slow app starves no other.
type slots struct {
	all chan struct{}

	mu    sync.Mutex
	per   map[string]*slot
	sweep int // how many slots are kept before those without use are removed
}

// A slot is the bound of one connection. It exists while someone holds or waits
// for it, and for as long as its pace remembers the last requests.
type slot struct {
	held  chan struct{}
	pace  *rate.Limiter // nil: as fast as may be
	users int
}

// A bound is what one connection may send.
type bound struct {
	underWay int // requests at once
	requests int // requests in any per, by this process; 0: any number
	per      time.Duration
}

const minSweep = 1024

func newSlots(all int) *slots {
	return &slots{all: make(chan struct{}, all), per: map[string]*slot{}, sweep: minSweep}
}

// acquire waits until the connection may send one more request. release must be
// called once. When ctx ends first, or would, the fault is RateLimited.
func (s *slots) acquire(ctx context.Context, connection string, b bound) (release func(), err error) {
	one := s.enter(connection, b)
	if err := take(ctx, one.held); err != nil {
		s.leave(connection, one)
		return nil, err
	}
	if err := one.keepPace(ctx); err != nil {
		<-one.held
		s.leave(connection, one)
		return nil, err
	}
	// The connection's own slot is taken first: requests that wait behind a slow
	// app must not hold the room that all share.
	if err := take(ctx, s.all); err != nil {
		<-one.held
		s.leave(connection, one)
		return nil, err
	}
	return func() {
		<-s.all
		<-one.held
		s.leave(connection, one)
	}, nil
}

func take(ctx context.Context, room chan struct{}) error {
	select {
	case room <- struct{}{}:
		return nil
	default:
	}
	select {
	case room <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fault.Wrap(fault.RateLimited, ctx.Err(), "too many calls are under way on this connection").
			WithFix("Try again when earlier calls have finished.")
	}
}

// keepPace waits for the connection's turn under the app's own limit, which is
// better kept here than refused there.
func (one *slot) keepPace(ctx context.Context) error {
	if one.pace == nil || one.pace.Allow() {
		return nil
	}
	turn := one.pace.Reserve()
	wait := turn.Delay()
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
		turn.Cancel()
		e := fault.New(fault.RateLimited, "the app allows no more requests on this connection now")
		e.RetryAfter = wait
		return e
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		turn.Cancel()
		return fault.Wrap(fault.RateLimited, ctx.Err(), "the call ended while it waited for its turn")
	}
}

func (s *slots) enter(connection string, b bound) *slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.per[connection]
	if one == nil {
		s.sweepIdle()
		one = &slot{held: make(chan struct{}, b.underWay)}
		if b.requests > 0 {
			one.pace = rate.NewLimiter(rate.Limit(float64(b.requests)/b.per.Seconds()), b.requests)
		}
		s.per[connection] = one
	}
	one.users++
	return one
}

// sweepIdle removes the slots that remember nothing, once there are many.
func (s *slots) sweepIdle() {
	if len(s.per) < s.sweep {
		return
	}
	for connection, one := range s.per {
		if one.users == 0 && one.rested() {
			delete(s.per, connection)
		}
	}
	s.sweep = max(minSweep, 2*len(s.per))
}

// rested reports whether the slot remembers no recent request.
func (one *slot) rested() bool {
	return one.pace == nil || one.pace.Tokens() >= float64(one.pace.Burst())
}

func (s *slots) leave(connection string, one *slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one.users--; one.users == 0 && one.rested() {
		delete(s.per, connection)
	}
}
