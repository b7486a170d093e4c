package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/connections/connectionstest"
	"github.com/wayleave/wayleave/internal/store"
	"github.com/wayleave/wayleave/internal/testenv"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestTracker(t *testing.T) {
	for name, make := range backends {
		t.Run(name, func(t *testing.T) {
			connectionstest.TestTracker(t, func(t *testing.T) connections.Tracker {
				return open(t, make(t)).Tracker()
			})
		})
	}
}

// TestTrackerOutage breaks PostgreSQL. What SQLite needs is there as long as the
// process is.
func TestTrackerOutage(t *testing.T) {
	server := &lockable{PostgresServer: testenv.OwnPostgres(t), t: t}
	tr := openWith(t, store.Config{URL: server.URL, Timeout: 300 * time.Millisecond}).Tracker()
	connectionstest.TestOutage(t, server, tr, false)
}

// A lockable PostgreSQL hangs when paused. Stopping its first process would not
// do: those that serve the connections are others.
type lockable struct {
	*testenv.PostgresServer
	t  *testing.T
	tx *sql.Tx
}

func (l *lockable) Pause() {
	tx, err := raw(l.t, l.URL).Begin()
	if err != nil {
		l.t.Fatal(err)
	}
	if _, err := tx.Exec(`LOCK TABLE tracked, tracked_expiry, tracked_batches`); err != nil {
		l.t.Fatal(err)
	}
	l.tx = tx
}

func (l *lockable) Continue() {
	if err := l.tx.Rollback(); err != nil {
		l.t.Fatal(err)
	}
}

// TestTrackerSurvives opens the records again: what was tracked is there.
func TestTrackerSurvives(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		o := connections.Observation{Tenant: "ten_1", Connection: "conn_1", At: noon}
		batch := connections.Observed(o)
		batch.Recorder, batch.Seq = "recorder", 1
		for range 2 {
			s := openWith(t, store.Config{URL: url, Timeout: time.Minute})
			if err := s.Tracker().Observe(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
			if err := s.Tracker().SetExpiry(t.Context(), "ten_1", "conn_1", noon); err != nil {
				t.Fatal(err)
			}
		}
		tr := open(t, url).Tracker()
		all, err := tr.Health(t.Context(), "ten_1", []string{"conn_1"})
		if err != nil || all["conn_1"] != o.Health() {
			t.Errorf("Health = %+v, %v; want %+v", all["conn_1"], err, o.Health())
		}
		due, err := tr.Expiring(t.Context(), noon.Add(time.Second), 10)
		if want := (connections.Expiry{Tenant: "ten_1", Connection: "conn_1", At: noon}); err != nil || len(due) != 1 || due[0] != want {
			t.Errorf("Expiring = %v, %v; want %v", due, err, want)
		}
	})
}

// TestTrackerForgetsRecorders: one row per recorder is kept, and not for ever.
func TestTrackerForgetsRecorders(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		now := noon
		tr := openWith(t, store.Config{URL: url, Timeout: time.Minute, Now: func() time.Time { return now }}).Tracker()
		batch := connections.Observed(connections.Observation{Tenant: "ten_1", Connection: "conn_1", At: noon})
		for day := range 30 {
			now = noon.Add(time.Duration(day) * 24 * time.Hour)
			batch.Recorder = fmt.Sprintf("recorder of day %d", day)
			for seq := range 3 {
				batch.Seq = int64(seq + 1)
				if err := tr.Observe(t.Context(), batch); err != nil {
					t.Fatal(err)
				}
			}
		}
		var kept int
		if err := raw(t, url).QueryRow(`SELECT COUNT(*) FROM tracked_batches`).Scan(&kept); err != nil || kept > 8 {
			t.Errorf("%d recorders are kept, %v; want those of a week", kept, err)
		}
	})
}

// TestExpiringReadsAnIndex looks at what SQLite means to do: a token that does
// not expire soon is not read.
func TestExpiringReadsAnIndex(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "records.db")
	open(t, url)
	var id, parent, unused int
	var plan string
	rows, err := raw(t, url).QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+store.ExpiringQuery, 1, 10)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	steps := 0
	for rows.Next() {
		if err := rows.Scan(&id, &parent, &unused, &plan); err != nil {
			t.Fatal(err)
		}
		if steps++; plan != "SEARCH tracked_expiry USING COVERING INDEX tracked_expiry_soonest (expires_at<?)" {
			t.Errorf("SQLite means to %s", plan)
		}
	}
	if err := rows.Err(); err != nil || steps != 1 {
		t.Errorf("the plan has %d steps, %v; want 1", steps, err)
	}
}

// TestTrackerInTheDatabaseOfRecords: health is told off the caller's path, so it
// must get by with records being written at the same time.
func TestTrackerInTheDatabaseOfRecords(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		db := raw(t, url)
		s := open(t, url)
		tr := s.Tracker()
		ctx, cancel := context.WithCancel(t.Context())
		busy := make(chan error, 1)
		go func() { busy <- keepBusy(ctx, db) }()
		const batches = 50
		for i := range batches {
			o := connections.Observation{Tenant: "ten_1", Connection: "conn_1", At: noon.Add(time.Duration(i) * time.Second)}
			if err := tr.Observe(t.Context(), connections.Observed(o)); err != nil {
				t.Fatal(err)
			}
		}
		cancel()
		if err := <-busy; err != nil {
			t.Errorf("the other writer: %v", err)
		}
		all, err := tr.Health(t.Context(), "ten_1", []string{"conn_1"})
		if err != nil || all["conn_1"].Calls != batches {
			t.Errorf("Health = %+v, %v; want %d calls", all["conn_1"], err, batches)
		}
	})
}

func keepBusy(ctx context.Context, db *sql.DB) error {
	for i := 0; ctx.Err() == nil; i++ {
		_, err := db.Exec(`INSERT INTO tenants (id, name, created_at) VALUES ($1, $1, 0)`, fmt.Sprintf("ten_busy_%d", i))
		if err != nil {
			return err
		}
	}
	return nil
}
