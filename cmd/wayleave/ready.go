package main

import (
	"context"
	"sync"
	"time"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/httpapi"
)

const (
	readyFor  = time.Second     // how long an answer of /readyz is repeated
	checkTime = 3 * time.Second // longest time of one check
)

// readiness answers /readyz. Anybody may ask it, so it asks what lies behind
// it at most once per second, however often it is asked itself.
type readiness struct {
	checks func(ctx context.Context) []httpapi.Check
	now    func() time.Time

	mu   sync.Mutex
	at   time.Time
	last []httpapi.Check
}

func (r *readiness) get(ctx context.Context) []httpapi.Check {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil || r.now().Sub(r.at) >= readyFor {
		// The answer is shared, so a caller who leaves must not spoil it.
		r.last, r.at = r.checks(context.WithoutCancel(ctx)), r.now()
	}
	return r.last
}

// checks asks what the server needs whether it works.
func (s *system) checks(ctx context.Context) []httpapi.Check {
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
