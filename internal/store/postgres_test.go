package store_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/store"
	"github.com/wayleave/wayleave/internal/testenv"
)

// eventually tries until it succeeds, for as long as a slow machine may need.
func eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func together(n int, do func()) {
	var all sync.WaitGroup
	for range n {
		all.Go(do)
	}
	all.Wait()
}

// unavailable fails the test unless reading and writing are refused as they
// should be, without showing where the database is.
func unavailable(t *testing.T, s *store.Store, server *testenv.PostgresServer) {
	t.Helper()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal("the server's URL is none")
	}
	password, _ := u.User.Password()
	for name, err := range map[string]error{"reading": s.Check(context.Background()), "writing": newTenant(s)} {
		if !errors.Is(err, fault.StoreUnavailable) {
			t.Errorf("%s without a server = %v; want store_unavailable", name, err)
			continue
		}
		hidden(t, name, err, server.URL, password)
		if msg := fault.From(err).Msg; strings.Contains(msg, u.Host) {
			t.Errorf("%s: the caller is told where the database is: %s", name, msg)
		}
	}
}

// TestServerGoesAway stops, kills and silences PostgreSQL under a store: it says
// that it is unavailable, loses nothing that it acknowledged, and works again by
// itself.
func TestServerGoesAway(t *testing.T) {
	server := testenv.OwnPostgres(t)
	s := openWith(t, store.Config{URL: server.URL, Timeout: 2 * time.Second})
	stored := 0
	add := func() {
		t.Helper()
		eventually(t, "writing", func() error { return newTenant(s) })
		stored++
	}
	add()
	for _, outage := range []struct {
		name       string
		away, back func()
	}{
		{"stopped", server.Stop, server.Start},
		{"killed", server.Kill, server.Start},
	} {
		t.Run(outage.name, func(t *testing.T) {
			outage.away()
			eventually(t, "noticing", func() error { // a server's children outlive it by a moment
				if s.Check(context.Background()) == nil {
					return errors.New("it still answers")
				}
				return nil
			})
			unavailable(t, s, server)
			unavailable(t, s, server)
			outage.back()
			eventually(t, "reading", func() error { return s.Check(context.Background()) })
			if got := count(t, s); got < stored { // more, if an answer was lost on its way
				t.Errorf("%d tenants are there of %d", got, stored)
			}
			add()
		})
	}
	t.Run("restarted between two calls", func(t *testing.T) {
		for range 3 { // every connection of the pool was closed, whenever it was last used
			together(4, func() {
				if err := newTenant(s); err != nil {
					t.Errorf("writing = %v", err)
				}
			})
			server.Stop()
			server.Start()
			together(4, func() {
				if err := s.Check(context.Background()); err != nil {
					t.Errorf("reading after a restart = %v", err)
				}
			})
			server.Stop()
			server.Start()
		}
		add()
	})
	t.Run("silent", func(t *testing.T) {
		between := newProxy(t, server.URL)
		quick := openWith(t, store.Config{URL: between.url, Timeout: 300 * time.Millisecond})
		between.held.Lock()
		unavailable(t, quick, server)
		between.held.Unlock()
		eventually(t, "reading", func() error { return quick.Check(context.Background()) })
		eventually(t, "writing", func() error { return newTenant(quick) })
	})
	t.Run("away at the start", func(t *testing.T) {
		server.Stop()
		_, err := store.Open(context.Background(), store.Config{URL: server.URL})
		if !errors.Is(err, fault.StoreUnavailable) {
			t.Errorf("Open = %v; want store_unavailable", err)
		}
		hidden(t, "Open", err, server.URL)
		server.Start()
	})
}

func TestWrongPassword(t *testing.T) {
	good := testenv.Postgres(t)
	for name, tc := range map[string]struct {
		change func(*url.URL)
		want   string
	}{
		"wrong password": {func(u *url.URL) { u.User = url.UserPassword(u.User.Username(), "wr0ng-canary") }, "refused the user name or password"},
		"wrong user":     {func(u *url.URL) { u.User = url.UserPassword("nobody", "wr0ng-canary") }, "refused the user name or password"},
		"no database":    {func(u *url.URL) { u.Path = "/wl_nothing_here" }, "does not exist"},
	} {
		u, err := url.Parse(good)
		if err != nil {
			t.Fatal("the test's URL is none")
		}
		secret, _ := u.User.Password()
		tc.change(u)
		_, err = store.Open(context.Background(), store.Config{URL: u.String()})
		if !errors.Is(err, fault.StoreUnavailable) || !strings.Contains(fault.From(err).Msg, tc.want) {
			t.Errorf("%s: Open = %v; want store_unavailable, %s", name, err, tc.want)
			continue
		}
		hidden(t, name, err, "wr0ng-canary", u.String())
		if len(secret) > 4 {
			hidden(t, name, err, secret)
		}
	}
}

// A standby refuses writes, and so does a primary that was told to.
func TestReadOnlyServer(t *testing.T) {
	url := testenv.Postgres(t)
	open(t, url)
	db := raw(t, url)
	var name string
	if err := db.QueryRow(`SELECT current_database()`).Scan(&name); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`ALTER DATABASE ` + name + ` SET default_transaction_read_only = on`); err != nil {
		t.Fatal(err)
	}
	s := open(t, url)
	if err := newTenant(s); !errors.Is(err, fault.StoreUnavailable) || !strings.Contains(fault.From(err).Msg, "read-only") {
		t.Errorf("writing = %v; want store_unavailable that says read-only", err)
	}
	if err := s.Check(context.Background()); err != nil {
		t.Errorf("reading = %v", err)
	}
}

// A transaction that hangs with the counter in its hands stops writers for as
// long as it hangs, and no longer; readers do not mind.
func TestCounterHeld(t *testing.T) {
	url := testenv.Postgres(t)
	s := openWith(t, store.Config{URL: url, Timeout: 300 * time.Millisecond})
	eventually(t, "writing", func() error { return newTenant(s) })
	tenants, err := s.ListTenants(context.Background(), pageOfOne)
	if err != nil {
		t.Fatal(err)
	}
	holder, err := raw(t, url).Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := holder.Exec(`UPDATE change_counter SET seq = seq + 1`); err != nil {
		t.Fatal(err)
	}
	if err := newConfig(s, tenants.Items[0].ID); !errors.Is(err, fault.StoreUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("writing = %v; want store_unavailable, in time", err)
	}
	eventually(t, "reading", func() error { return s.Check(context.Background()) })
	if err := holder.Rollback(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "writing", func() error { return newConfig(s, tenants.Items[0].ID) })
	if last, err := s.LastChange(context.Background()); last != 1 || err != nil {
		t.Errorf("LastChange = %d, %v; want 1: what was given up told nothing", last, err)
	}
}

// Whatever the server's defaults are, a session is as the store needs it.
func TestSessions(t *testing.T) {
	url := testenv.Postgres(t)
	db := raw(t, url)
	var name string
	if err := db.QueryRow(`SELECT current_database()`).Scan(&name); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`ALTER DATABASE ` + name + ` SET default_transaction_isolation = 'serializable'`); err != nil {
		t.Fatal(err)
	}
	s := open(t, url)
	for setting, want := range map[string]string{
		"transaction_isolation":               "read committed",
		"idle_in_transaction_session_timeout": "10s",
		"application_name":                    "wayleave",
	} {
		if got, err := store.Setting(s, setting); got != want || err != nil {
			t.Errorf("%s = %s, %v; want %s", setting, got, err, want)
		}
	}
}

// The keys of the records compare by bytes: an upgrade of the system's language
// rules cannot break their indexes.
func TestKeysCompareByBytes(t *testing.T) {
	url := testenv.Postgres(t)
	open(t, url)
	rows, err := raw(t, url).Query(`
		SELECT c.relname, a.attname FROM pg_index i
		JOIN pg_class c ON c.oid = i.indrelid
		JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
		JOIN pg_collation l ON l.oid = a.attcollation
		WHERE i.indisunique AND l.collname <> 'C' AND c.relname NOT LIKE 'tracked%'`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		t.Errorf("%s.%s is part of a unique key and compares by the rules of a language", table, column)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
