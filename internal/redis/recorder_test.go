package redis_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/internal/redis"
	"github.com/wayleave/wayleave/internal/testenv"
)

// A trips hook counts round trips, and loses answers when it is told to: the
// server has then done what it was asked, and we do not know.
type trips struct {
	count atomic.Int64
	lose  atomic.Bool
}

var errLost = errors.New("the answer was lost on purpose")

func (h *trips) DialHook(next goredis.DialHook) goredis.DialHook { return next }

func (h *trips) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		h.count.Add(1)
		return next(ctx, cmd)
	}
}

func (h *trips) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error {
		h.count.Add(1)
		err := next(ctx, cmds)
		if h.lose.Load() {
			for _, cmd := range cmds {
				cmd.SetErr(errLost)
			}
			return errLost
		}
		return err
	}
}

// TestRoundTripsPerCall counts the round trips to each server. It holds the cost of tracking to one round trip in twenty
// calls, at a load of 100 calls per flush, on as many connections. It does
// not grow with the calls.
func TestRoundTripsPerCall(t *testing.T) {
	for name, find := range topologies {
		t.Run(name, func(t *testing.T) {
			tr := openAt(t, redis.Config{URL: find(t), Prefix: prefix()})
			var hook trips
			tr.Hook(&hook)
			r := connections.NewRecorder(tr)
			const flushes, calls = 20, 100
			for f := range flushes {
				for c := range calls {
					at := noon.Add(time.Duration(f*calls+c) * time.Millisecond)
					r.Note(connections.Observation{Tenant: "ten_1", Connection: fmt.Sprintf("conn_%d", c), At: at})
				}
				if err := r.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			perCall := float64(hook.count.Load()) / (flushes * calls)
			t.Logf("%.4f round trips per call", perCall)
			if perCall > 0.05 {
				t.Errorf("%.4f round trips per call; want at most 0.05", perCall)
			}
		})
	}
}

// TestLostAnswers has every other answer to a batch lost. Nothing is counted
// twice, and nothing is left out.
func TestLostAnswers(t *testing.T) {
	for name, find := range topologies {
		t.Run(name, func(t *testing.T) {
			tr := openAt(t, redis.Config{URL: find(t), Prefix: prefix()})
			var hook trips
			tr.Hook(&hook)
			r := connections.NewRecorder(tr)
			const flushes, ids = 12, 100
			for f := range flushes {
				for c := range ids {
					r.Note(connections.Observation{Tenant: "ten_1", Connection: fmt.Sprintf("conn_%d", c), At: noon.Add(time.Duration(f) * time.Second)})
				}
				hook.lose.Store(f%2 == 0)
				if err := r.Flush(t.Context()); (err != nil) != (f%2 == 0) {
					t.Fatalf("flush %d: %v", f, err)
				}
			}
			for c := range ids {
				id := fmt.Sprintf("conn_%d", c)
				all, err := r.Health(t.Context(), "ten_1", []string{id})
				if err != nil || all[id].Calls != flushes {
					t.Fatalf("%s: %d calls are counted, %v; want %d", id, all[id].Calls, err, flushes)
				}
			}
		})
	}
}

// TestScriptsForgotten empties the server's memory of scripts, as a restart or
// a failover does.
func TestScriptsForgotten(t *testing.T) {
	server := testenv.OwnRedis(t)
	tr := openAt(t, redis.Config{URL: server.URL})
	for i := range 3 {
		observeUntilTaken(t, tr)
		all, err := tr.Health(t.Context(), "ten_1", []string{"conn_1"})
		if err != nil || all["conn_1"].Calls != int64(i+1) {
			t.Errorf("Health = %+v, %v; want %d calls", all["conn_1"], err, i+1)
		}
		must(t, raw(t, server.HostPort()).ScriptFlush(t.Context()))
	}
}

func BenchmarkObserve(b *testing.B) {
	tr, err := redis.Open(b.Context(), redis.Config{URL: testenv.Redis(b), Prefix: prefix(), Log: zerolog.Nop()})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = tr.Close() }()
	for _, size := range []int{1, 100, 1024} {
		batch := connections.Batch{Recorder: "bench-" + fmt.Sprint(size)}
		for i := range size {
			o := connections.Observation{At: noon}
			batch.Tallies = append(batch.Tallies, connections.Tally{Tenant: "ten_1", Connection: fmt.Sprintf("conn_%d", i), Health: o.Health()})
		}
		b.Run(fmt.Sprintf("%d connections", size), func(b *testing.B) {
			for b.Loop() {
				batch.Seq++
				if err := tr.Observe(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*size), "µs/connection")
		})
	}
}
