package connections_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/internal/fault"
)

// A brokenTracker is a tracker in memory that fails when it is told to. It is
// not there to stand in for Redis or SQL, which have the suite, but for what
// cannot be asked of them: to lose an answer, or to hang, at a chosen moment.
type brokenTracker struct {
	connections.Tracker // nil: a Recorder uses nothing else

	mu      sync.Mutex
	tracked map[string]connections.Health
	last    map[string]int64 // batch by recorder
	refuse  bool             // to take a batch
	lose    bool             // the answer to a batch that was taken
	hang    chan struct{}    // until closed, if not nil
	batches []int            // the size of each that came
}

var errBroken = fault.New(fault.StoreUnavailable, "broken on purpose")

func newBroken() *brokenTracker {
	return &brokenTracker{tracked: map[string]connections.Health{}, last: map[string]int64{}}
}

func (b *brokenTracker) Observe(ctx context.Context, batch connections.Batch) error {
	if b.hang != nil {
		select {
		case <-b.hang:
		case <-ctx.Done():
			return fault.Wrap(fault.StoreUnavailable, ctx.Err(), "hung on purpose")
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.batches = append(b.batches, len(batch.Tallies))
	if b.refuse {
		return errBroken
	}
	if batch.Seq <= b.last[batch.Recorder] {
		return nil
	}
	b.last[batch.Recorder] = batch.Seq
	for _, t := range batch.Tallies {
		b.tracked[t.Connection] = b.tracked[t.Connection].Merge(t.Health)
	}
	if b.lose {
		return errBroken
	}
	return nil
}

func (b *brokenTracker) Health(_ context.Context, _ string, ids []string) (map[string]connections.Health, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refuse {
		return nil, errBroken
	}
	all := map[string]connections.Health{}
	for _, id := range ids {
		all[id] = b.tracked[id]
	}
	return all, nil
}

func (b *brokenTracker) Forget(_ context.Context, _, id string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.tracked, id)
	return nil
}

func (b *brokenTracker) set(refuse, lose bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refuse, b.lose = refuse, lose
}

func call(id string, at time.Time) connections.Observation {
	return connections.Observation{Tenant: "ten_1", Connection: id, At: at, Latency: time.Millisecond}
}

// TestRecorderLosesNothing: whatever is noted, and whatever becomes of the
// flushes, in the end the tracker has what the observations amount to. In
// between, a reader of the same process has it already.
func TestRecorderLosesNothing(t *testing.T) {
	ids := []string{"conn_a", "conn_b", "conn_c"}
	rapid.Check(t, func(t *rapid.T) {
		tracker := newBroken()
		r := connections.NewRecorder(tracker)
		noted := map[string][]connections.Observation{}
		now := noon
		var doubt, refused bool
		flush := func(refuse, lose bool) {
			tracker.set(refuse, lose)
			before := r.Stats().Waiting
			err := r.Flush(context.Background())
			if failed := before > 0 && (refuse || lose); failed && err == nil && !lose {
				t.Fatal("a flush that the tracker refused succeeded")
			} else if !refuse && !lose && err != nil {
				t.Fatalf("Flush: %v", err)
			}
			doubt, refused = err != nil && lose || doubt && err != nil, err != nil && !lose
		}
		t.Repeat(map[string]func(*rapid.T){
			"note": func(t *rapid.T) {
				o := anyObservation(t)
				// In the order of time, as one process notes them; then all is exact.
				now = now.Add(time.Microsecond)
				o.At = now
				r.Note(o)
				noted[o.Connection] = append(noted[o.Connection], o)
			},
			"flush":              func(*rapid.T) { flush(false, false) },
			"flush, refused":     func(*rapid.T) { flush(true, false) },
			"flush, answer lost": func(*rapid.T) { flush(false, true) },
			"": func(t *rapid.T) {
				tracker.set(false, false)
				all, err := r.Health(context.Background(), "ten_1", ids)
				if err != nil {
					t.Fatalf("Health: %v", err)
				}
				for _, id := range ids {
					got, want := all[id], truth(noted[id])
					if doubt { // counts may be told twice until the batch is sent again
						got.Calls, got.Failures, got.Streak = want.Calls, want.Failures, want.Streak
					}
					if got != want {
						t.Fatalf("%s (refused: %v): Health =\n%+v; want\n%+v", id, refused, got, want)
					}
				}
			},
		})
		flush(false, false)
		for _, id := range ids {
			if got, want := tracker.tracked[id], truth(noted[id]); got != want {
				t.Fatalf("%s: the tracker has\n%+v; want\n%+v", id, got, want)
			}
		}
		if st := r.Stats(); st.Waiting != 0 {
			t.Fatalf("after the last flush %d connections wait", st.Waiting)
		}
	})
}

func TestRecorderUnderLoad(t *testing.T) {
	const goroutines, notes, ids = 64, 500, 40
	tracker := newBroken()
	r := connections.NewRecorder(tracker)
	done := make(chan struct{})
	var others sync.WaitGroup
	for i := range 3 {
		others.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
				}
				switch i {
				case 0:
					tracker.set(n%3 == 1, n%3 == 2)
					_ = r.Flush(context.Background())
				case 1:
					_, _ = r.Health(context.Background(), "ten_1", []string{"conn_1"})
				case 2:
					r.Stats()
				}
			}
		})
	}
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for n := range notes {
				o := call(fmt.Sprintf("conn_%d", (g+n)%ids), noon.Add(time.Duration(n)*time.Microsecond))
				if n%2 == 0 {
					o.Failure = fault.AppUnavailable
				}
				r.Note(o)
			}
		})
	}
	wg.Wait()
	close(done)
	others.Wait()
	tracker.set(false, false)
	if err := r.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	var calls, failures int64
	for _, h := range tracker.tracked {
		calls, failures = calls+h.Calls, failures+h.Failures
	}
	if calls != goroutines*notes || failures != calls/2 {
		t.Errorf("the tracker counted %d calls, %d failures; want %d, %d", calls, failures, goroutines*notes, goroutines*notes/2)
	}
	if st := r.Stats(); st.Noted != calls || st.Waiting != 0 || st.Merged <= 0 || st.Merged >= st.Noted {
		t.Errorf("Stats = %+v", st)
	}
}

func TestRecorderIsBounded(t *testing.T) {
	tracker := newBroken()
	tracker.set(true, false)
	r := connections.NewRecorder(tracker)
	const ids, notes = 10, 10_000
	for i := range notes {
		r.Note(call(fmt.Sprintf("conn_%d", i%ids), noon.Add(time.Duration(i)*time.Microsecond)))
		if i%1000 == 0 {
			if err := r.Flush(t.Context()); !errors.Is(err, fault.StoreUnavailable) {
				t.Fatalf("Flush = %v; want the tracker's error", err)
			}
		}
	}
	if st := r.Stats(); st.Waiting > 2*ids || st.Failed != notes/1000 || st.Batches != 0 {
		t.Errorf("Stats = %+v; want at most %d waiting", st, 2*ids)
	}
	tracker.set(false, false)
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for id, h := range tracker.tracked {
		if h.Calls != notes/ids {
			t.Errorf("%s: %d calls; want %d", id, h.Calls, notes/ids)
		}
	}
	for _, size := range tracker.batches {
		if size > ids {
			t.Errorf("a batch has %d tallies of %d connections", size, ids)
		}
	}
}

func TestRecorderSendsInParts(t *testing.T) {
	tracker := newBroken()
	r := connections.NewRecorder(tracker)
	const ids = 20_000
	for i := range ids {
		r.Note(call(fmt.Sprintf("conn_%d", i), noon))
	}
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	sum := 0
	for _, size := range tracker.batches {
		sum += size
		if size > 1024 {
			t.Errorf("a batch has %d tallies", size)
		}
	}
	if sum != ids || len(tracker.tracked) != ids {
		t.Errorf("%d tallies of %d connections were sent; want %d", sum, len(tracker.tracked), ids)
	}
}

func TestRecorderLetsGo(t *testing.T) {
	r := connections.NewRecorder(newBroken())
	for i := range 100 {
		r.Note(call(fmt.Sprintf("conn_%d", i), noon))
	}
	for range 2 * connections.RecorderForgets {
		r.Note(call("conn_1", noon))
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.Known(); got != 1 {
		t.Errorf("%d connections are held after one alone was used; want 1", got)
	}
}

func TestRecorderForget(t *testing.T) {
	tracker := newBroken()
	r := connections.NewRecorder(tracker)
	r.Note(call("conn_1", noon))
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.Note(call("conn_1", noon))
	if err := r.Forget(t.Context(), "ten_1", "conn_1"); err != nil {
		t.Fatal(err)
	}
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h, ok := tracker.tracked["conn_1"]; ok {
		t.Errorf("a flush brought back what was forgotten: %+v", h)
	}
	r.Note(call("conn_1", noon))
	if all, err := r.Health(t.Context(), "ten_1", []string{"conn_1"}); err != nil || all["conn_1"].Calls != 1 {
		t.Errorf("used again after it was forgotten: %+v, %v; want 1 call", all["conn_1"], err)
	}
}

// TestRecorderWithoutTracker: what this process knows is told beside the error.
func TestRecorderWithoutTracker(t *testing.T) {
	tracker := newBroken()
	tracker.set(true, false)
	r := connections.NewRecorder(tracker)
	r.Note(call("conn_1", noon))
	_ = r.Flush(t.Context())
	r.Note(call("conn_1", noon.Add(time.Second)))
	all, err := r.Health(t.Context(), "ten_1", []string{"conn_1", "conn_2"})
	if !errors.Is(err, fault.StoreUnavailable) {
		t.Errorf("Health without a tracker: %v; want StoreUnavailable", err)
	}
	want := connections.Health{LastUsed: noon.Add(time.Second), LastOK: noon.Add(time.Second), Calls: 2, Latency: time.Millisecond}
	if all["conn_1"] != want || all["conn_2"] != (connections.Health{}) {
		t.Errorf("Health = %+v; want %+v", all, want)
	}
}

func TestRecorderRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := newBroken()
		r := connections.NewRecorder(tracker)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx) }()
		batches := func() int {
			synctest.Wait()
			tracker.mu.Lock()
			defer tracker.mu.Unlock()
			return len(tracker.batches)
		}
		want := func(n int, when string) {
			t.Helper()
			if got := batches(); got != n {
				t.Fatalf("%s: %d batches were sent; want %d", when, got, n)
			}
		}
		r.Note(call("conn_1", time.Now()))
		time.Sleep(999 * time.Millisecond)
		want(0, "before the interval is over")
		time.Sleep(time.Millisecond)
		want(1, "after one interval")
		time.Sleep(time.Hour)
		want(1, "with nothing to tell")

		tracker.set(true, false)
		r.Note(call("conn_1", time.Now()))
		time.Sleep(time.Second)
		want(2, "first try") // then after 2, 4, 8, 10, 10 … seconds
		time.Sleep(14 * time.Second)
		want(5, "tried less and less often")
		time.Sleep(time.Hour)
		want(5+360, "tried every ten seconds")
		tracker.set(false, false)
		time.Sleep(10 * time.Second)
		want(5+361, "the tracker is back")
		r.Note(call("conn_1", time.Now()))
		time.Sleep(time.Second)
		want(5+362, "and is told at every interval again")

		r.Note(call("conn_1", time.Now()))
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v; want nil", err)
		}
		want(5+363, "at the end")
		if got := tracker.tracked["conn_1"].Calls; got != 4 {
			t.Errorf("the tracker counted %d calls; want 4", got)
		}
	})
}

func TestRecorderRunTellsOfWhatItCouldNotFlush(t *testing.T) {
	tracker := newBroken()
	tracker.set(true, false)
	r := connections.NewRecorder(tracker)
	r.Note(call("conn_1", noon))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Run(ctx); !errors.Is(err, fault.StoreUnavailable) {
		t.Errorf("Run = %v; want the error of the last flush", err)
	}
}

// TestRecorderNeverWaits has the tracker hang. Noting goes on, and who reads may
// stop waiting.
func TestRecorderNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := newBroken()
		tracker.hang = make(chan struct{})
		r := connections.NewRecorder(tracker)
		r.Note(call("conn_1", noon))
		flushed := make(chan error, 1)
		go func() { flushed <- r.Flush(t.Context()) }()
		synctest.Wait()
		began := time.Now()
		for i := range 1000 {
			r.Note(call(fmt.Sprintf("conn_%d", i%10), noon))
		}
		r.Stats()
		if took := time.Since(began); took != 0 {
			t.Errorf("noting waited %v for the tracker", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := r.Health(ctx, "ten_1", []string{"conn_1"}); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, fault.StoreUnavailable) {
			t.Errorf("Health during a flush that hangs: %v; want its deadline", err)
		}
		close(tracker.hang)
		if err := <-flushed; err != nil {
			t.Errorf("Flush = %v", err)
		}
		// A flush that Run makes ends by itself.
		tracker.hang = make(chan struct{})
		ended := make(chan error, 1)
		stop, cancelRun := context.WithCancel(t.Context())
		cancelRun()
		go func() { ended <- r.Run(stop) }()
		if err := <-ended; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Run with a tracker that hangs = %v; want a deadline", err)
		}
	})
}

func TestNoteAllocatesNothing(t *testing.T) {
	r := connections.NewRecorder(newBroken())
	o := call("conn_1", noon)
	r.Note(o)
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(1000, func() { r.Note(o) }); n != 0 {
		t.Errorf("noting a known connection allocates %v times; want 0", n)
	}
}

func BenchmarkNote(b *testing.B) {
	r := connections.NewRecorder(newBroken())
	observations := make([]connections.Observation, 1000)
	for i := range observations {
		observations[i] = call(fmt.Sprintf("conn_%04d", i), noon.Add(time.Duration(i)))
		r.Note(observations[i])
	}
	b.Run("one goroutine", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			r.Note(observations[i%len(observations)])
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				r.Note(observations[i%len(observations)])
			}
		})
	})
}
