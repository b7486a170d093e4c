package arch_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
)

// outbound is what opens connections to the outside. A client, transport or
// dialer built anywhere but in internal/egress would pass by its policy.
var outbound = map[string][]string{
	"net/http":          {"Get", "Head", "Post", "PostForm", "DefaultClient", "DefaultTransport", "Client", "Transport"},
	"net/http/httputil": {"ReverseProxy", "NewSingleHostReverseProxy"},
	"net":               {"Dial", "DialTimeout", "DialTCP", "DialUDP", "DialIP", "DialUnix", "Dialer"},
	"crypto/tls":        {"Dial", "DialWithDialer", "Dialer", "Client"},
}

// allowedOutbound are the packages that may, each with the reason why what a
// tenant can influence is never the address.
var allowedOutbound = map[string]string{
	"internal/egress":              "it is the policy",
	"credentials/transit":          "talks to Vault, whose address the operator sets",
	"cmd/wayleave/internal/client": "the command line calls the server that its user names",
	"internal/testenv/servers":     "prepares test servers on the loopback interface",
}

// dials returns the names of outbound that a file uses. A pointer type such as
// *http.Client only passes on what somebody else built.
func dials(tree *ast.File) []string {
	names := map[string]string{} // as the file calls it → import path
	for _, spec := range tree.Imports {
		importPath := strings.Trim(spec.Path.Value, `"`)
		name := path.Base(importPath)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = importPath
	}
	var found []string
	ast.Inspect(tree, func(n ast.Node) bool {
		if star, ok := n.(*ast.StarExpr); ok {
			if _, ok := star.X.(*ast.SelectorExpr); ok {
				return false
			}
		}
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if base, ok := selector.X.(*ast.Ident); ok && slices.Contains(outbound[names[base.Name]], selector.Sel.Name) {
			found = append(found, base.Name+"."+selector.Sel.Name)
		}
		return true
	})
	return found
}

func TestOnlyEgressOpensConnections(t *testing.T) {
	used := map[string]bool{}
	for _, f := range productFiles(t) {
		names := dials(f.tree)
		if len(names) == 0 {
			continue
		}
		if _, allowed := allowedOutbound[f.dir()]; !allowed {
			t.Errorf("%s uses %s; internal/egress is the way out", f.path, strings.Join(names, ", "))
		}
		used[f.dir()] = true
	}
	for dir := range allowedOutbound {
		if !used[dir] {
			t.Errorf("%s may open connections and does not: take it out of the table", dir)
		}
	}
}

// A dot import would hide the names that are looked for.
func TestNothingIsImportedWithADot(t *testing.T) {
	for _, f := range allFiles(t) {
		for _, spec := range f.tree.Imports {
			if spec.Name != nil && spec.Name.Name == "." {
				t.Errorf("%s imports %s with a dot", f.path, spec.Path.Value)
			}
		}
	}
}

func TestDialsSeesThroughDisguises(t *testing.T) {
	for name, tc := range map[string]struct{ source, want string }{
		"a literal":            {`import "net/http"; var c = &http.Client{}`, "http.Client"},
		"a function":           {`import "net/http"; func f() { http.Get("x") }`, "http.Get"},
		"a renamed import":     {`import web "net/http"; var c = web.DefaultClient`, "web.DefaultClient"},
		"new":                  {`import "net/http"; var c = new(http.Transport)`, "http.Transport"},
		"a value in a struct":  {`import "net/http"; type t struct { c http.Client }`, "http.Client"},
		"a method value":       {`import "net"; var d = (&net.Dialer{}).DialContext`, "net.Dialer"},
		"a type of its own":    {`import "net/http"; type client http.Client`, "http.Client"},
		"tls":                  {`import "crypto/tls"; var d = tls.Dial`, "tls.Dial"},
		"a proxy":              {`import "net/http/httputil"; var p = httputil.ReverseProxy{}`, "httputil.ReverseProxy"},
		"only passed on":       {`import "net/http"; func f(c *http.Client) {}`, ""},
		"a header":             {`import "net/http"; var h = http.Header{}`, ""},
		"a listener":           {`import "net"; func f() { net.Listen("tcp", "") }`, ""},
		"a namesake elsewhere": {`import "example.com/http"; var c = http.Client{}`, ""},
	} {
		tree, err := parser.ParseFile(token.NewFileSet(), name, "package p; "+tc.source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(dials(tree), " "); got != tc.want {
			t.Errorf("%s: found %q, want %q", name, got, tc.want)
		}
	}
}
