package arch_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// arrows is the picture of the project: each package and all that it imports of
// the others, tests aside. Words flow downstream and never back:
//
//	mcp, internal/httpapi → toolkits → connections → credentials → environments
//
// Definitions of apps (toolkits/apps) are a leaf that all of these read.
// Adapters (internal/store, internal/redis, credentials/transit …) point inward,
// and only internal/server and cmd know them.
var arrows = map[string]string{
	// Leaves.
	"internal/fault":    "",
	"internal/feed":     "",
	"internal/ids":      "",
	"config":            "",
	"internal/template": "internal/fault",
	"internal/page":     "internal/fault",
	"environments":      "internal/fault",
	"toolkits/apps":     "internal/fault internal/template",
	"internal/access":   "environments internal/fault internal/feed internal/ids internal/page",
	"internal/egress":   "internal/fault",

	// The stream.
	"credentials": "environments internal/fault internal/page internal/template toolkits/apps",
	"connections": "credentials environments internal/access internal/egress internal/fault internal/feed internal/ids internal/page toolkits/apps",
	"toolkits":    "connections environments internal/access internal/fault internal/feed internal/ids internal/page toolkits/apps",

	// Below the stream: what carries it out.
	"credentials/localkey": "credentials internal/fault",
	"credentials/transit":  "credentials environments internal/fault",
	"toolkits/catalog":     "toolkits/apps",
	"toolkits/rest":        "connections internal/fault toolkits/apps",
	"internal/store":       "connections credentials environments internal/access internal/fault internal/feed internal/page toolkits",
	"internal/redis":       "connections internal/fault",

	// What the implementations of a contract must do.
	"credentials/credentialstest": "credentials environments internal/fault",
	"connections/connectionstest": "connections credentials environments internal/access internal/fault internal/ids internal/page",

	"internal/store/storetest": "connections connections/connectionstest credentials environments internal/access internal/fault internal/feed" +
		" internal/ids internal/page toolkits",

	// The doors, and what knows them all.
	"mcp":              "environments internal/access internal/fault internal/ids internal/page toolkits",
	"internal/httpapi": "connections credentials environments internal/access internal/fault internal/page toolkits toolkits/apps",
	"internal/server": "connections credentials credentials/localkey credentials/transit environments" +
		" internal/access internal/egress internal/fault internal/feed internal/httpapi internal/redis internal/store" +
		" mcp toolkits toolkits/apps toolkits/rest",
	"cmd/wayleave": "cmd/wayleave/internal/client config credentials/localkey credentials/transit environments" +
		" internal/egress internal/fault internal/notes internal/redis internal/server internal/store" +
		" mcp/mcpclient toolkits/apps toolkits/catalog",
	"cmd/wayleave/internal/client": "",

	// Beside the product.
	"internal/arch":            "",
	"internal/e2e":             "",
	"internal/notes":           "",
	"mcp/mcpclient":            "",
	"internal/testenv":         "internal/testenv/servers",
	"internal/testenv/cmd":     "internal/testenv internal/testenv/servers",
	"internal/testenv/servers": "",
}

// libraries names the packages that may import a library and those below it;
// any other use goes through them.
var libraries = map[string]string{
	"github.com/mark3labs/mcp-go":    "mcp mcp/mcpclient",
	"github.com/redis/go-redis":      "internal/redis",
	"github.com/hashicorp/vault/api": "credentials/transit",
	"github.com/jackc/pgx":           "internal/store internal/testenv/servers",
	"modernc.org/sqlite":             "internal/store",
	"github.com/pressly/goose":       "internal/store",
	"github.com/danielgtaylor/huma":  "internal/httpapi",
	"github.com/spf13/cobra":         "cmd/wayleave",
	"github.com/goccy/go-yaml":       "config toolkits/apps",
	"github.com/santhosh-tekuri":     "toolkits/apps",
	"github.com/ohler55/ojg":         "toolkits/apps",
	"code.dny.dev/ssrf":              "internal/egress",
	"github.com/sony/gobreaker":      "credentials/transit internal/redis",
}

// A graph is which package uses which, each pair with a file that does.
type graph map[string]map[string]string

func (g graph) add(from, to, because string) {
	if g[from] == nil {
		g[from] = map[string]string{}
	}
	if to != "" {
		g[from][to] = because
	}
}

// compare returns what the table forbids and what it allows in vain. A package
// that is not in the table may import nothing, and be nothing.
func compare(got graph, table map[string]string) (extra, unused []string) {
	for from, uses := range got {
		allowed, known := table[from]
		if !known {
			extra = append(extra, from+" is not in the table")
		}
		for to, because := range uses {
			if !slices.Contains(strings.Fields(allowed), to) {
				extra = append(extra, from+" → "+to+" in "+because)
			}
		}
	}
	for from, allowed := range table {
		if got[from] == nil {
			unused = append(unused, from+" is in the table and does not exist")
		}
		for _, to := range strings.Fields(allowed) {
			if _, used := got[from][to]; !used {
				unused = append(unused, from+" → "+to)
			}
		}
	}
	slices.Sort(extra)
	slices.Sort(unused)
	return extra, unused
}

func TestPackagesImportOnlyWhatTheTableAllows(t *testing.T) {
	got := graph{}
	for _, f := range productFiles(t) {
		got.add(f.dir(), "", "")
		for _, path := range f.imports() {
			if to, ours := strings.CutPrefix(path, module+"/"); ours {
				got.add(f.dir(), to, f.path)
			}
		}
	}
	report(t, got, arrows)
}

func TestLibrariesAreUsedOnlyWhereTheTableAllows(t *testing.T) {
	got := graph{}
	for library := range libraries {
		got.add(library, "", "")
	}
	for _, f := range productFiles(t) {
		for _, path := range f.imports() {
			for library := range libraries {
				if path == library || strings.HasPrefix(path, library+"/") {
					got.add(library, f.dir(), f.path)
				}
			}
		}
	}
	report(t, got, libraries)
}

func report(t *testing.T, got graph, table map[string]string) {
	t.Helper()
	extra, unused := compare(got, table)
	for _, arrow := range extra {
		t.Errorf("not allowed: %s", arrow)
	}
	for _, arrow := range unused {
		t.Errorf("allowed and unused, take it out of the table: %s", arrow)
	}
}

func TestCompareFindsBothKindsOfDrift(t *testing.T) {
	got := graph{}
	got.add("a", "b", "a/a.go")
	got.add("a", "c", "a/a.go")
	got.add("new", "", "")
	extra, unused := compare(got, map[string]string{"a": "b d", "gone": ""})
	if want := []string{"a → c in a/a.go", "new is not in the table"}; !slices.Equal(extra, want) {
		t.Errorf("extra = %q, want %q", extra, want)
	}
	if want := []string{"a → d", "gone is in the table and does not exist"}; !slices.Equal(unused, want) {
		t.Errorf("unused = %q, want %q", unused, want)
	}
}

// The table itself must not hold a cycle: what Go would refuse later is refused
// where it is decided.
func TestTheTableHasNoCycle(t *testing.T) {
	done := map[string]bool{}
	var visit func(name string, trail []string)
	visit = func(name string, trail []string) {
		if slices.Contains(trail, name) {
			t.Errorf("a cycle: %s", strings.Join(append(trail, name), " → "))
			return
		}
		if done[name] {
			return
		}
		for _, to := range strings.Fields(arrows[name]) {
			visit(to, append(slices.Clone(trail), name))
		}
		done[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(arrows)) {
		visit(name, nil)
	}
}
