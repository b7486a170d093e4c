package connections

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wayleave/wayleave/internal/fault"
)

func TestOneSlowConnectionStarvesNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(4)
		slow := bound{underWay: 2}
		var releases []func()
		for range 2 {
			release, err := s.acquire(t.Context(), "slow", slow)
			if err != nil {
				t.Fatal(err)
			}
			releases = append(releases, release)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		var waiting sync.WaitGroup
		for range 100 { // they wait for the slow one, and take up none of the common room
			waiting.Go(func() {
				if _, err := s.acquire(ctx, "slow", slow); !errors.Is(err, fault.RateLimited) {
					t.Errorf("a call that never had its turn = %v", err)
				}
			})
		}
		synctest.Wait()
		release, err := s.acquire(t.Context(), "other", bound{underWay: 2})
		if err != nil {
			t.Fatalf("another connection = %v", err)
		}
		release()
		waiting.Wait()
		for _, release := range releases {
			release()
		}
		if len(s.per) != 0 || len(s.all) != 0 {
			t.Errorf("%d slots and %d of the common room are still held", len(s.per), len(s.all))
		}
	})
}

func TestConnectionsKeepTheAppsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(100)
		b := bound{underWay: 100, requests: 10, per: time.Second}
		began := time.Now()
		for range 50 {
			release, err := s.acquire(t.Context(), "c", b)
			if err != nil {
				t.Fatal(err)
			}
			release()
		}
		if took := time.Since(began); took < 4*time.Second || took > 5*time.Second {
			t.Errorf("50 requests at 10 per second took %s of the synthetic clock", took)
		}
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer stop()
		if _, err := s.acquire(ctx, "c", b); !errors.Is(err, fault.RateLimited) || fault.From(err).RetryAfter <= 0 {
			t.Errorf("a call whose turn comes too late = %v", err)
		}
		time.Sleep(time.Minute)
		for i := range 10 * minSweep { // one after the other, each at rest long before the next thousand
			release, err := s.acquire(t.Context(), fmt.Sprint(i), b)
			if err != nil {
				t.Fatal(err)
			}
			release()
			time.Sleep(time.Millisecond)
		}
		if len(s.per) > 2*minSweep {
			t.Errorf("%d slots are remembered", len(s.per))
		}
	})
}
