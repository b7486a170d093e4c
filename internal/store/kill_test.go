package store_test

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/internal/store"
)

// TestKill kills a process that writes, again and again on the same file. What
// it was told to be stored is there, whole, and the file opens as if nothing had
// been.
func TestKill(t *testing.T) {
	rounds := 50
	if testing.Short() {
		rounds = 5
	}
	url := "sqlite:" + filepath.Join(t.TempDir(), "records.db")
	db := raw(t, url)
	var all []ack
	for round := range rounds {
		acks := writeUntilKilled(t, url, 1+rand.IntN(8))
		if len(acks) == 0 {
			t.Fatalf("round %d: the child acknowledged nothing", round)
		}
		all = append(all, acks...)
		s, err := store.Open(context.Background(), store.Config{URL: url, Timeout: time.Minute})
		if err != nil {
			t.Fatalf("round %d: Open = %v", round, err)
		}
		for _, a := range acks {
			whole(t, s, a)
		}
		var verdict string
		if err := db.QueryRow(`PRAGMA integrity_check`).Scan(&verdict); verdict != "ok" {
			t.Fatalf("round %d: integrity_check = %s, %v", round, verdict, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, url)
	for _, a := range all {
		whole(t, s, a)
	}
	consistent(t, s)
	t.Logf("%d writes acknowledged in %d rounds", len(all), rounds)
}

// whole checks that everything of an acknowledged write is there.
func whole(t *testing.T, s *store.Store, a ack) {
	t.Helper()
	ctx := context.Background()
	c, err := s.Connection(ctx, a.tenant, "conn"+a.id)
	if err != nil || c.AuthConfig != "auth"+a.id {
		t.Fatalf("an acknowledged connection is lost: %+v, %v", c, err)
	}
	if _, err := s.AuthConfig(ctx, a.tenant, c.AuthConfig); err != nil {
		t.Fatalf("its config is lost: %v", err)
	}
	attempt, err := s.Attempt(ctx, a.tenant, "att"+a.id)
	if err != nil || attempt.Status != connections.AttemptSucceeded {
		t.Fatalf("its attempt is lost: %+v, %v", attempt, err)
	}
	last, err := s.LastChange(ctx)
	if err != nil || last < a.last {
		t.Fatalf("the feed is at %d, %v; it was at %d", last, err, a.last)
	}
}

// consistent checks that the feed has no gap and tells of nothing that is not
// there: a write that was cut short happened wholly or not at all.
func consistent(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := context.Background()
	var seq int64
	for {
		changes, err := s.ChangesSince(ctx, seq, 500)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changes {
			if c.Seq != seq+1 {
				t.Fatalf("change %d follows %d", c.Seq, seq)
			}
			seq = c.Seq
			if c.Noun == "connection" {
				if _, err := s.Connection(ctx, c.Tenant, c.ID); err != nil {
					t.Fatalf("the feed tells of a connection that is not there: %v", err)
				}
			}
		}
		if len(changes) == 0 {
			return
		}
	}
}

// Processes that start at the same moment on a new file: one makes it, all open
// it.
func TestOpenProcessesTogether(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "records.db")
	failed := make(chan string)
	const processes = 6
	for range processes {
		go func() {
			out, err := child("open", url).CombinedOutput()
			if err != nil {
				failed <- err.Error() + ": " + string(out)
				return
			}
			failed <- ""
		}()
	}
	for range processes {
		if why := <-failed; why != "" {
			t.Error(why)
		}
	}
	open(t, url)
}
