package connections_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/internal/feed"
	"github.com/wayleave/wayleave/toolkits"
	"github.com/wayleave/wayleave/toolkits/catalog"
)

// records answer for any number of connections to one app, so that the benchmark
// measures opening and not a database.
type records struct {
	connections.Store
	credentials.AuthConfigs
}

func (records) Connection(_ context.Context, tenant, id string) (connections.Connection, error) {
	return connections.Connection{ID: id, Tenant: tenant, App: "github", Environment: "dev", Name: id, AuthConfig: "auth_" + id,
		Status: connections.Active}, nil
}

func (records) AuthConfig(_ context.Context, tenant, id string) (credentials.AuthConfig, error) {
	return credentials.AuthConfig{ID: id, Tenant: tenant, App: "github", Environment: "dev", Scheme: "pat"}, nil
}

func (records) LastChange(context.Context) (int64, error)                       { return 0, nil }
func (records) ChangesSince(context.Context, int64, int) ([]feed.Change, error) { return nil, nil }

// BenchmarkOpen opens connections in turn, when there are 10 and when there are
// 100,000: what a call pays must not grow with how many connections there are.
func BenchmarkOpen(b *testing.B) {
	gallery, err := catalog.Apps()
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{10, 100_000} {
		b.Run(fmt.Sprint(n, " connections"), func(b *testing.B) {
			f := feed.New(records{})
			go f.Run(b.Context())
			r := connections.NewRegistry(connections.Config{Apps: toolkits.NewCatalog(gallery...), Store: records{}, AuthConfigs: records{}, Feed: f})
			ids := make([]string, n)
			before := live()
			for i := range ids {
				ids[i] = fmt.Sprintf("conn_%08d", i)
				if _, err := r.Open(b.Context(), "ten_1", ids[i]); err != nil {
					b.Fatal(err)
				}
			}
			held := live() - before
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if _, err := r.Open(b.Context(), "ten_1", ids[i*7919%n]); err != nil {
					b.Fatal(err)
				}
				i++
			}
			b.ReportMetric(float64(held)/float64(n), "held-B/connection")
		})
	}
}

func live() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
