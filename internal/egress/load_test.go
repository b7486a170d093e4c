package egress_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
)

// Many at once, each gets the answer to its own request and each request its own
// credential; TestMain finds what is left running.
func TestConcurrentUse(t *testing.T) {
	app := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(zip([]byte(r.URL.Query().Get("n") + " " + string(body) + " " + r.Header.Get("Authorization"))))
	})
	g := loopback(t)
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r := request(t, ctx, "POST", fmt.Sprintf("http://%s/?n=%d", app, i), fmt.Sprint(i))
			if i%10 == 0 {
				cancel()
			}
			res, err := g.Do(r, open(app), func(r *http.Request) error {
				r.Header.Set("Authorization", fmt.Sprint("of ", i))
				return nil
			})
			if i%10 == 0 {
				return
			}
			if want := fmt.Sprintf("%d %d of %d", i, i, i); err != nil || string(res.Body) != want {
				t.Errorf("%d: %v, %v", i, res, err)
			}
		})
	}
	wg.Wait()
}
