package feed_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/wayleave/wayleave/internal/feed"
)

// source is a Source in memory.
type source struct {
	mu      sync.Mutex
	changes []feed.Change
	pruned  int64
	err     error
}

func (s *source) add(noun, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes = append(s.changes, feed.Change{Seq: int64(len(s.changes) + 1), Tenant: "t", Noun: noun, ID: id})
}

func (s *source) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *source) LastChange(context.Context) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(len(s.changes)), s.err
}

func (s *source) ChangesSince(_ context.Context, seq int64, limit int) ([]feed.Change, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	from := min(max(seq, s.pruned), int64(len(s.changes)))
	out := s.changes[from:]
	return append([]feed.Change(nil), out[:min(limit, len(out))]...), nil
}

// run follows src for the time of a test, in a bubble of synthetic time.
func run(t *testing.T, src *source, test func(t *testing.T, f *feed.Feed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		f := feed.New(src)
		go f.Run(ctx)
		synctest.Wait()
		test(t, f)
		stop()
		synctest.Wait()
	})
}

func TestRevocationIsHeardWithinASecondWhateverHappens(t *testing.T) {
	src := &source{}
	run(t, src, func(t *testing.T, f *feed.Feed) {
		c := connections(f)
		load := func(v string) func(context.Context) (string, error) {
			return func(context.Context) (string, error) { return v, nil }
		}
		get := func(v string) string {
			got, err := c.Get(t.Context(), "a", load(v))
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		if got := get("active"); got != "active" {
			t.Fatalf("first read = %q", got)
		}
		if got := get("not read again"); got != "active" {
			t.Fatalf("warm read = %q, want what was cached", got)
		}
		src.add(feed.Connection, "a")
		time.Sleep(time.Second)
		if got := get("revoked"); got != "revoked" {
			t.Errorf("a second after the change = %q", got)
		}

		src.fail(errors.New("store is down"))
		time.Sleep(time.Second)
		if f.Fresh() {
			t.Error("the feed calls itself fresh a second after the store went away")
		}
		if got := get("read from the store"); got != "read from the store" {
			t.Errorf("without a fresh feed = %q, want what the store says", got)
		}
		src.fail(nil)
		time.Sleep(time.Second)
		if !f.Fresh() {
			t.Error("the feed did not recover")
		}
	})
}

func TestChangesThatWerePrunedClearEverything(t *testing.T) {
	src := &source{}
	run(t, src, func(t *testing.T, f *feed.Feed) {
		var cleared atomic.Int32
		f.Subscribe(func(c feed.Change) {
			if c.Noun == "" {
				cleared.Add(1)
			}
		})
		for range 10 {
			src.add(feed.Connection, "x")
		}
		src.mu.Lock()
		src.pruned = 5
		src.mu.Unlock()
		time.Sleep(time.Second)
		if cleared.Load() != 1 {
			t.Errorf("told to forget everything %d times, want once", cleared.Load())
		}
	})
}

func connections(f *feed.Feed) *feed.Cache[string] {
	return feed.NewCache(f, 100, func(c feed.Change) (string, func(string, string) bool) { return c.ID, nil })
}

// TestReadersNeverSeeWhatWasReadBeforeAChange is the race that caches lose: a
// slow read begins, the record changes, the read ends and is kept.
func TestReadersNeverSeeWhatWasReadBeforeAChange(t *testing.T) {
	src := &source{}
	run(t, src, func(t *testing.T, f *feed.Feed) {
		c := connections(f)
		release := make(chan struct{})
		old := make(chan string, 1)
		go func() {
			v, _ := c.Get(t.Context(), "a", func(context.Context) (string, error) { <-release; return "old", nil })
			old <- v
		}()
		synctest.Wait()
		f.Tell(feed.Change{Noun: feed.Connection, ID: "a"})
		if got, _ := c.Get(t.Context(), "a", func(context.Context) (string, error) { return "new", nil }); got != "new" {
			t.Errorf("a reader after the change joined the read before it: %q", got)
		}
		close(release)
		if got := <-old; got != "old" {
			t.Errorf("the slow reader got %q", got)
		}
		if got, _ := c.Get(t.Context(), "a", func(context.Context) (string, error) { return "x", nil }); got == "old" {
			t.Error("what was read before the change was kept after it")
		}
	})
}

func TestOneReaderWhoLeavesFailsNoOther(t *testing.T) {
	src := &source{}
	run(t, src, func(t *testing.T, f *feed.Feed) {
		c := connections(f)
		release := make(chan struct{})
		load := func(ctx context.Context) (string, error) { <-release; return "v", ctx.Err() }
		impatient, leave := context.WithCancel(t.Context())
		first, second := make(chan error, 1), make(chan error, 1)
		go func() { _, err := c.Get(impatient, "a", load); first <- err }()
		synctest.Wait()
		go func() { _, err := c.Get(t.Context(), "a", load); second <- err }()
		synctest.Wait()
		leave()
		if err := <-first; !errors.Is(err, context.Canceled) {
			t.Errorf("the reader who left got %v", err)
		}
		close(release)
		if err := <-second; err != nil {
			t.Errorf("the other reader got %v", err)
		}
	})
}

// TestCacheAgreesWithRecords is a model check: whatever is written and told in
// whatever order, a read after a change was told gives what was written.
func TestCacheAgreesWithRecords(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		src := &source{}
		f := feed.New(src)
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		go f.Run(ctx)
		c := feed.NewCache(f, 3, func(ch feed.Change) (string, func(string, int) bool) { return ch.ID, nil })
		records := map[string]int{}
		keys := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"})
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			key := keys.Draw(rt, "key")
			if rapid.Bool().Draw(rt, "write") {
				records[key]++
				f.Tell(feed.Change{Noun: feed.Connection, ID: key})
				continue
			}
			got, err := c.Get(ctx, key, func(context.Context) (int, error) { return records[key], nil })
			if err != nil || got != records[key] {
				rt.Fatalf("Get(%q) = %d, %v; want %d", key, got, err, records[key])
			}
		}
	})
}
