package server

import (
	"context"
	"sync"
	"time"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/httpapi"
)

const (
	readyFor  = time.Second     // how long an answer of Ready is repeated
	checkTime = 3 * time.Second // longest time of one check
)

// readiness remembers the last answer of Ready. Anybody may ask it, so it asks
// what lies behind at most once per second, however often it is asked itself.
type readiness struct {
	mu   sync.Mutex
	at   time.Time
	last []httpapi.Check
}

// Ready says of each backend whether it works now.
func (s *Server) Ready(ctx context.Context) []httpapi.Check {
	r := &s.readiness
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := s.config.Now(); r.last == nil || now.Sub(r.at) >= readyFor {
		// The answer is shared, so a caller who leaves must not spoil it.
		r.last, r.at = s.checks(context.WithoutCancel(ctx)), now
	}
	return r.last
}

func (s *Server) checks(ctx context.Context) []httpapi.Check {
	needs := []struct {
		name string
		do   func(context.Context) error
	}{{"store", s.store.Check}, {"sealer", s.broker.Check}, {"tracker", s.tracker.Check}}
	out := make([]httpapi.Check, len(needs))
	var wg sync.WaitGroup
	for i, need := range needs {
		wg.Go(func() { out[i] = check(ctx, need.name, need.do) })
	}
	wg.Wait()
	return out
}

func check(ctx context.Context, name string, do func(context.Context) error) httpapi.Check {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	err := do(ctx)
	if err == nil {
		return httpapi.Check{Name: name, OK: true}
	}
	f := fault.From(err)
	return httpapi.Check{Name: name, Msg: f.Msg, Fix: f.Remedy()}
}
