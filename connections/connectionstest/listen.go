package connectionstest

import (
	"context"
	"testing"
	"time"

	"github.com/wayleave/wayleave/connections"
)

// patience is how long a test waits for what must happen at some time. It is no
// measure of speed: only a test that fails waits as long.
const patience = 60 * time.Second

// testAnnouncements holds a tracker to hearing itself.
func testAnnouncements(t *testing.T, tr connections.Tracker) { TestAnnouncements(t, tr, tr) }

// TestAnnouncements holds two trackers to hearing each other's announcements.
// Trackers of one Redis must, those of one database need not.
func TestAnnouncements(t *testing.T, from, to connections.Tracker) {
	heard, stop := Listen(t, to)
	heard("the beginning")
	for range 3 {
		if err := from.Announce(t.Context()); err != nil {
			t.Fatalf("Announce: %v", err)
		}
		heard("an announcement")
	}
	stop()
	if err := from.Announce(t.Context()); err != nil {
		t.Errorf("Announce with nobody listening: %v", err)
	}
}

// Listen follows a tracker's announcements until stop is called, or the test
// ends. heard waits for the next one.
func Listen(t *testing.T, tr connections.Tracker) (heard func(what string), stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	announced, ended := make(chan struct{}, 1024), make(chan error, 1)
	go func() { ended <- tr.Announcements(ctx, func() { announced <- struct{}{} }) }()
	stopped := false
	stop = func() {
		t.Helper()
		cancel()
		if stopped {
			return
		}
		stopped = true
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Announcements ended with %v; being told to end is no error", err)
			}
		case <-time.After(patience):
			t.Error("Announcements did not end with its context")
		}
	}
	t.Cleanup(stop)
	return func(what string) {
		t.Helper()
		select {
		case <-announced:
		case <-time.After(patience):
			t.Fatalf("%s was not heard", what)
		}
	}, stop
}

// A Server is what a tracker works with, as a test can break it.
type Server interface {
	Kill()
	Start()
	Pause()
	Continue()
}

// TestOutage holds a tracker to what it promises when its server fails: to say
// StoreUnavailable and return, while the server is gone or hangs, and to work
// again without being opened again. Those who listen then hear that they may
// have missed something, if hears says that they are told.
func TestOutage(t *testing.T, server Server, tr connections.Tracker, hears bool) {
	one := connections.Observed(connections.Observation{Tenant: "ten_1", Connection: "conn_1", At: noon})
	heard, stop := Listen(t, tr)
	defer stop()
	heard("the beginning")
	observe(t, tr, one)
	for _, outage := range []struct {
		name       string
		begin, end func()
	}{
		{"killed", server.Kill, server.Start},
		{"paused", server.Pause, server.Continue},
		{"killed again", server.Kill, server.Start},
	} {
		outage.begin()
		t.Logf("the server is %s", outage.name)
		for range 4 { // also once a breaker has opened
			wantUnavailable(t, tr, one)
		}
		outage.end()
		healed(t, tr)
		observe(t, tr, one)
		if h := health(t, tr, "ten_1", "conn_1"); h.Calls == 0 {
			t.Errorf("%s: nothing is tracked after the outage", outage.name)
		}
		if hears && outage.name != "paused" { // a subscription outlives a pause
			heard("what was missed in the outage")
		}
		if err := tr.Announce(t.Context()); err != nil {
			t.Errorf("%s: Announce after the outage: %v", outage.name, err)
		}
		heard("an announcement after the outage")
	}
}
