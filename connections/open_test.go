package connections_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/feed"
	"github.com/wayleave/wayleave/toolkits"
	"github.com/wayleave/wayleave/toolkits/catalog"
)

// counted counts how often records are read.
type counted struct {
	records
	reads  *atomic.Int64
	status *atomic.Value
}

func (c counted) Connection(ctx context.Context, tenant, id string) (connections.Connection, error) {
	c.reads.Add(1)
	got, err := c.records.Connection(ctx, tenant, id)
	got.Status = c.status.Load().(connections.Status)
	return got, err
}

func (c counted) AuthConfig(ctx context.Context, tenant, id string) (credentials.AuthConfig, error) {
	c.reads.Add(1)
	return c.records.AuthConfig(ctx, tenant, id)
}

// TestOpeningAKnownConnectionReadsNothing runs on a synthetic clock, so that the
// feed is as fresh as it is meant to be, however busy the machine.
func TestOpeningAKnownConnectionReadsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gallery, err := catalog.Apps()
		if err != nil {
			t.Fatal(err)
		}
		c := counted{reads: &atomic.Int64{}, status: &atomic.Value{}}
		c.status.Store(connections.Active)
		f := feed.New(c)
		ctx, stop := context.WithCancel(t.Context())
		go f.Run(ctx)
		synctest.Wait()
		r := connections.NewRegistry(connections.Config{Apps: toolkits.NewCatalog(gallery...), Store: c, AuthConfigs: c, Feed: f})
		open := func() error { _, err := r.Open(t.Context(), "ten_1", "conn_1"); return err }
		for range 1000 {
			if err := open(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		if n := c.reads.Load(); n != 2 {
			t.Errorf("1000 opens read %d records, want the connection and its auth config once", n)
		}
		for status, want := range map[connections.Status]fault.Kind{connections.Revoked: fault.ConnectionRevoked, connections.Expired: fault.ConnectionExpired} {
			c.status.Store(status)
			f.Tell(feed.Change{Tenant: "ten_1", Noun: feed.Connection, ID: "conn_1"})
			if err := open(); !errors.Is(err, want) {
				t.Errorf("opening one that is %s = %v", status, err)
			}
		}
		c.status.Store(connections.Error) // a failed check; calls are still tried
		f.Tell(feed.Change{Tenant: "ten_1", Noun: feed.AuthConfig, ID: "auth_conn_1"})
		if err := open(); err != nil {
			t.Errorf("opening one whose check failed = %v", err)
		}
		stop()
		synctest.Wait()
	})
}
