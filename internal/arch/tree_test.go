package arch_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/wayleave/wayleave"

// A file is one Go source of the module, parsed with its comments.
type file struct {
	path string // relative to the module, with slashes
	text []byte
	tree *ast.File
}

// dir is the package's path below the module.
func (f file) dir() string { return path.Dir(f.path) }

func (f file) isTest() bool { return strings.HasSuffix(f.path, "_test.go") }

func (f file) isGenerated() bool { return ast.IsGenerated(f.tree) }

// imports returns the import paths of the file.
func (f file) imports() []string {
	var list []string
	for _, spec := range f.tree.Imports {
		list = append(list, strings.Trim(spec.Path.Value, `"`))
	}
	return list
}

var fileSet = token.NewFileSet()

// sources reads every Go file of the module. They are read in this process and
// not by the go command, so that a cached result of these tests is forgotten
// when a file changes.
var sources = sync.OnceValues(func() ([]file, error) {
	var list []file
	root := os.DirFS(filepath.Join("..", ".."))
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return skipFolder(root, name)
		case path.Ext(name) != ".go":
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		tree, err := parser.ParseFile(fileSet, name, text, parser.ParseComments|parser.SkipObjectResolution)
		list = append(list, file{path: name, text: text, tree: tree})
		return err
	})
	return list, err
})

// skipFolder leaves out what is no part of the module: hidden folders, test data
// and modules of their own.
func skipFolder(root fs.FS, name string) error {
	base := path.Base(name)
	if name == "." {
		return nil
	}
	if _, err := fs.Stat(root, path.Join(name, "go.mod")); err == nil || base == "testdata" || base == "bin" || strings.HasPrefix(base, ".") {
		return fs.SkipDir
	}
	return nil
}

func allFiles(t *testing.T) []file {
	t.Helper()
	list, err := sources()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 50 {
		t.Fatalf("only %d Go files were found", len(list))
	}
	return list
}

// productFiles returns the files that are no tests.
func productFiles(t *testing.T) []file {
	t.Helper()
	return slices.DeleteFunc(slices.Clone(allFiles(t)), file.isTest)
}
