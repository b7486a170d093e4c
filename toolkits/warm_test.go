package toolkits_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/feed"
	"github.com/wayleave/wayleave/internal/page"
	"github.com/wayleave/wayleave/toolkits"
	"github.com/wayleave/wayleave/toolkits/catalog"
	"github.com/wayleave/wayleave/toolkits/rest"
)

// oneToolkit is a Store with one toolkit, which counts how often it is read.
type oneToolkit struct {
	toolkits.Store
	reads *atomic.Int64
	kit   *atomic.Pointer[toolkits.Toolkit]
}

func (s oneToolkit) ListToolkits(context.Context, string, page.Request) (page.Page[toolkits.Toolkit], error) {
	s.reads.Add(1)
	return page.Page[toolkits.Toolkit]{Items: []toolkits.Toolkit{*s.kit.Load()}}, nil
}

func (oneToolkit) LastChange(context.Context) (int64, error)                       { return 0, nil }
func (oneToolkit) ChangesSince(context.Context, int64, int) ([]feed.Change, error) { return nil, nil }

// opened notes which connection a call would run on, and opens none.
type opened struct{ ids []string }

var errOpened = errors.New("as far as the test goes")

func (o *opened) Open(_ context.Context, _, id string) (*connections.Upstream, error) {
	o.ids = append(o.ids, id)
	return nil, errOpened
}

func TestDecidingACallReadsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gallery, err := catalog.Apps()
		if err != nil {
			t.Fatal(err)
		}
		kit := &toolkits.Toolkit{ID: "tk_1", Tenant: "ten_1", Slug: "notes", App: "notes",
			Bindings: []toolkits.Binding{{Environment: "dev", Connection: "conn_dev"}, {Environment: "prod", Connection: "conn_prod"}}}
		s := oneToolkit{reads: &atomic.Int64{}, kit: &atomic.Pointer[toolkits.Toolkit]{}}
		s.kit.Store(kit)
		f := feed.New(s)
		ctx, stop := context.WithCancel(t.Context())
		go f.Run(ctx)
		synctest.Wait()
		o := &opened{}
		r := toolkits.NewRunner(toolkits.NewCatalog(gallery...), s, o, rest.Executor{}, f, nil)
		p := &access.Principal{Tenant: "ten_1", KeyID: "key_1", Grant: access.Grant{Environments: []environments.Name{"dev"}}}
		var first *toolkits.Toolset
		for range 1000 {
			_, err := r.Run(t.Context(), toolkits.Call{Principal: p, Tool: "notes_list_notes", Arguments: json.RawMessage(`{}`)})
			if !errors.Is(err, errOpened) {
				t.Fatal(err)
			}
			set, err := r.Toolset(t.Context(), p, "")
			if err != nil || len(set.Tools) == 0 {
				t.Fatalf("Toolset = %v, %v", set, err)
			}
			if first == nil {
				first = set
			}
			if set.Digest != first.Digest {
				t.Fatal("the same tools have another digest")
			}
			time.Sleep(10 * time.Millisecond)
		}
		if n := s.reads.Load(); n != 1 {
			t.Errorf("1000 calls and lists read the toolkits %d times, want once", n)
		}
		for _, id := range o.ids {
			if id != "conn_dev" {
				t.Fatalf("a call in dev opened %s", id)
			}
		}

		fewer := *kit
		fewer.Bindings = kit.Bindings[1:]
		s.kit.Store(&fewer)
		f.Tell(feed.Change{Tenant: "ten_1", Noun: feed.Toolkit, ID: "tk_1"})
		if _, err := r.Run(t.Context(), toolkits.Call{Principal: p, Tool: "notes_list_notes"}); !errors.Is(err, fault.EnvironmentNotBound) {
			t.Errorf("after the binding was removed = %v", err)
		}
		if set, err := r.Toolset(t.Context(), p, ""); err != nil || len(set.Tools) != 0 || set.Digest == first.Digest {
			t.Errorf("after the binding was removed the tools are %v, %v", set, err)
		}
		stop()
		synctest.Wait()
	})
}
