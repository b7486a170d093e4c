package egress_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func repeat(b *testing.B, f func()) {
	b.ReportAllocs()
	for b.Loop() {
		f()
	}
}

// compare runs both in turns, so that a busy machine slows down both, and
// reports how much longer one takes than the other.
func compare(b *testing.B, one, other func()) {
	var took [2]time.Duration
	for b.Loop() {
		for i, f := range []func(){one, other} {
			start := time.Now()
			f()
			took[i] += time.Since(start)
		}
	}
	b.ReportMetric(float64(took[0])/float64(took[1]), "x-bare")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkDo measures a call through the guard against the bare transport that
// reads the same answer; "x-bare" is the ratio of the two, taken in turns.
func BenchmarkDo(b *testing.B) {
	for _, size := range []int{1 << 10, 64 << 10} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			body := strings.Repeat("x", size)
			app := serve(b, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) })
			g := loopback(b)
			bare := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64}
			defer bare.CloseIdleConnections()
			target, o := "http://"+app+"/path?query=1", open(app)
			guarded := func() {
				if _, err := g.Do(request(b, b.Context(), "GET", target, ""), o, bearer); err != nil {
					b.Fatal(err)
				}
			}
			direct := func() {
				r := request(b, b.Context(), "GET", target, "")
				bearer(r)
				res, err := bare.RoundTrip(r)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadAll(res.Body); err != nil {
					b.Fatal(err)
				}
				res.Body.Close()
			}
			b.Run("guard", func(b *testing.B) { repeat(b, guarded) })
			b.Run("bare", func(b *testing.B) { repeat(b, direct) })
			b.Run("ratio", func(b *testing.B) { compare(b, guarded, direct) })
		})
	}
}

func bearer(r *http.Request) error {
	r.Header.Set("Authorization", "Bearer "+canary)
	return nil
}
