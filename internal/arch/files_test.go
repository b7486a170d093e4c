package arch_test

import (
	"bytes"
	"go/ast"
	"path"
	"strings"
	"testing"
)

// maxLines is the length that no hand-written file exceeds; a typical one is
// less than half as long.
const maxLines = 500

func TestEveryPackageIntroducesItself(t *testing.T) {
	introduced := map[string]bool{}
	for _, f := range allFiles(t) {
		introduced[f.dir()] = introduced[f.dir()] || introduces(f.path, f.tree)
	}
	for dir, ok := range introduced {
		if !ok {
			t.Errorf("%s has no doc.go with a package comment", dir)
		}
	}
}

// introduces reports whether a file is a doc.go that says what its package is.
func introduces(name string, tree *ast.File) bool {
	if path.Base(name) != "doc.go" || tree.Doc == nil {
		return false
	}
	text := tree.Doc.Text()
	return strings.HasPrefix(text, "Package "+tree.Name.Name+" ") || tree.Name.Name == "main" && strings.HasPrefix(text, "Command ")
}

// Only doc.go introduces a package: two introductions drift apart.
func TestAPackageIsIntroducedOnce(t *testing.T) {
	for _, f := range allFiles(t) {
		if f.tree.Doc != nil && path.Base(f.path) != "doc.go" && !f.isTest() && !f.isGenerated() {
			t.Errorf("%s has a package comment; it belongs into doc.go", f.path)
		}
	}
}

func TestFilesFitInOneSitting(t *testing.T) {
	for _, f := range productFiles(t) {
		if lines := bytes.Count(f.text, []byte("\n")); lines > maxLines && !f.isGenerated() {
			t.Errorf("%s has %d lines, more than %d", f.path, lines, maxLines)
		}
	}
}
