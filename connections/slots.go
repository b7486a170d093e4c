package connections

import (
	"context"
	"sync"

	"github.com/wayleave/wayleave/internal/fault"
)

// slots bound how many requests are under way: in all, and per connection, so
// that one slow app starves no other.
type slots struct {
	all chan struct{}

	mu  sync.Mutex
	per map[string]*slot
}

// A slot is the bound of one connection. It exists while someone holds or waits
// for it.
type slot struct {
	held  chan struct{}
	users int
}

func newSlots(all int) *slots {
	return &slots{all: make(chan struct{}, all), per: map[string]*slot{}}
}

// acquire waits until the connection, which may have limit requests under way,
// may send one more. release must be called once. When ctx ends first the fault
// is RateLimited.
func (s *slots) acquire(ctx context.Context, connection string, limit int) (release func(), err error) {
	one := s.enter(connection, limit)
	if err := take(ctx, one.held); err != nil {
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

func (s *slots) enter(connection string, limit int) *slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.per[connection]
	if one == nil {
		one = &slot{held: make(chan struct{}, limit)}
		s.per[connection] = one
	}
	one.users++
	return one
}

func (s *slots) leave(connection string, one *slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one.users--; one.users == 0 {
		delete(s.per, connection)
	}
}
