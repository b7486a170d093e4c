package fault_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/internal/fault"
)

const pages = "../../docs/errors"

// TestEveryKindHasItsPage: title, status and whether to try again are those of
// the table, on the page and in the index.
func TestEveryKindHasItsPage(t *testing.T) {
	index := read(t, "README")
	for _, k := range fault.Kinds() {
		m, again := k.Meaning(), "no"
		if k.Meaning().Retry {
			again = "yes"
		}
		page := read(t, string(k))
		head := fmt.Sprintf("# %s\n\nCode `%s`, HTTP %d, worth trying again unchanged: %s.\n", m.Title, k, m.Status, again)
		if !strings.HasPrefix(page, head) {
			t.Errorf("the page of %s does not begin with\n%s", k, head)
		}
		for _, section := range []string{"Who sees it", "Usual causes", "What to do", "Trying again"} {
			_, text, found := strings.Cut(page, "\n## "+section+"\n")
			if text, _, _ = strings.Cut(text, "\n## "); !found || len(strings.TrimSpace(text)) < 3 {
				t.Errorf("the page of %s does not say: %s", k, section)
			}
		}
		if row := fmt.Sprintf("| [%s](%s.md) | %d | %s | %s |\n", k, k, m.Status, again, m.Title); strings.Count(index, row) != 1 {
			t.Errorf("the index does not hold\n%s", row)
		}
	}
	if got, want := strings.Count(index, ".md) |"), len(fault.Kinds()); got != want {
		t.Errorf("the index has %d rows, the vocabulary %d codes", got, want)
	}
}

func TestEveryPageHasItsKind(t *testing.T) {
	known := map[string]bool{"README": true}
	for _, k := range fault.Kinds() {
		known[string(k)] = true
	}
	files, err := filepath.Glob(pages + "/*")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no pages", err)
	}
	for _, f := range files {
		if name := strings.TrimSuffix(filepath.Base(f), ".md"); !known[name] {
			t.Errorf("%s explains no code", f)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(pages, name+".md"))
	if err != nil {
		t.Error(err)
	}
	return string(text)
}
