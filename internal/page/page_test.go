package page_test

import (
	"errors"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/page"
)

func TestCursorsRoundTripAndForgedOnesAreRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.String().Draw(t, "id")
		got, err := page.ParseCursor(page.Cursor(id))
		if err != nil || got != id {
			t.Fatalf("ParseCursor(Cursor(%q)) = %q, %v", id, got, err)
		}
	})
	for _, forged := range []string{"AAAA", "eyJ0Ijoi", "?", "YzE6", "=="} {
		if _, err := page.ParseCursor(forged); !errors.Is(err, fault.InvalidInput) {
			t.Errorf("ParseCursor(%q) = %v, want InvalidInput", forged, err)
		}
	}
}

func TestPagesGoThroughAListOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, limit := rapid.IntRange(0, 500).Draw(t, "n"), rapid.IntRange(-1, 250).Draw(t, "limit")
		var all, seen []string
		for i := range n {
			all = append(all, strconv.Itoa(1000+i))
		}
		for r := (page.Request{Limit: limit}); ; {
			from, _ := slices.BinarySearch(all, r.After)
			if r.After != "" {
				from++
			}
			rows := all[from:min(n, from+r.Bound()+1)]
			p := page.Cut(rows, r, func(s string) string { return s })
			seen = append(seen, p.Items...)
			if r.After = p.Next; r.After == "" {
				break
			}
		}
		if !slices.Equal(all, seen) {
			t.Fatalf("saw %d of %d records", len(seen), len(all))
		}
	})
}
