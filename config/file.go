package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

const maxFile = 1 << 20 // bytes of a configuration file

// readFile reads the configuration file. A file that was named must be there; one
// at the default place may be missing.
func (l *loader) readFile() {
	path, named := l.sources.File, true
	if path == "" {
		path = l.env[fileVar]
	}
	if path == "" {
		path, named = DefaultFile(l.sources.Env), false
	}
	if path == "" {
		return
	}
	src, mode, err := readRegular(path, maxFile)
	if errors.Is(err, os.ErrNotExist) && !named {
		return
	}
	if err != nil {
		l.problem(path, "", "the configuration file cannot be read: %v", plain(err))
		return
	}
	l.filePath, l.fileMode = path, mode
	l.readYAML(path, src)
}

// readRegular reads a regular file of at most max bytes.
func readRegular(path string, max int64) ([]byte, os.FileMode, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	if info.IsDir() {
		return nil, 0, errors.New("is a directory")
	}
	src, err := io.ReadAll(io.LimitReader(f, max+1))
	if err == nil && int64(len(src)) > max {
		err = fmt.Errorf("is larger than %d bytes", max)
	}
	return src, info.Mode(), err
}

// plain returns the cause of a file error without the operation and the path,
// which the message names already.
func plain(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// readYAML takes the values of a file. It walks the syntax tree rather than
// decoding into the struct: that way a problem has its line, and no message can
// show a neighbouring line, which may hold a token.
func (l *loader) readYAML(path string, src []byte) {
	src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	tree, err := parser.ParseBytes(src, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		l.syntax(path, err)
		return
	}
	docs := 0
	for _, doc := range tree.Docs {
		if doc.Body == nil {
			continue
		}
		if docs++; docs > 1 {
			l.problem(where(path, doc.Body), "", "a second YAML document; a configuration file has one")
			return
		}
		l.readMapping(path, "", doc.Body)
	}
}

func (l *loader) syntax(path string, err error) {
	message := "is not valid YAML; look at indentation and quotes"
	var y yaml.Error
	if errors.As(err, &y) {
		if m := y.GetMessage(); m != "" && !strings.ContainsAny(m, "\"`") { // a quoted part is the file's own text
			message = "is not valid YAML: " + m
		}
		if t := y.GetToken(); t != nil && t.Position != nil {
			path = fmt.Sprintf("%s:%d", path, t.Position.Line)
		}
	}
	l.problem(path, "", "%s", message)
}

func where(path string, n ast.Node) string {
	if t := n.GetToken(); t != nil && t.Position != nil {
		return fmt.Sprintf("%s:%d", path, t.Position.Line)
	}
	return path
}

// readMapping takes the settings below a prefix, "" at the top.
func (l *loader) readMapping(path, prefix string, n ast.Node) {
	values, ok := mappingOf(n)
	if !ok {
		l.problem(where(path, n), strings.TrimSuffix(prefix, "."), "must be a mapping of keys to values")
		return
	}
	seen := map[string]string{}
	for _, v := range values {
		key, at := prefix+v.Key.GetToken().Value, where(path, v.Key)
		if first, twice := seen[key]; twice {
			l.problem(at, shownKey(key), "is there twice, first at %s", first)
			continue
		}
		seen[key] = at
		switch {
		case l.keys[key].Path != "":
			l.readValue(path, l.keys[key], v.Value)
		case l.isSection(key):
			if v.Value.Type() != ast.NullType { // a section whose lines are all commented out
				l.readMapping(path, key+".", v.Value)
			}
		default:
			l.problem(at, "", "unknown key %s%s", shownKey(key), l.meant(key))
		}
	}
}

func mappingOf(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	case *ast.NullNode, *ast.CommentGroupNode:
		return nil, true
	}
	return nil, false
}

func (l *loader) isSection(key string) bool {
	for path := range l.keys {
		if strings.HasPrefix(path, key+".") {
			return true
		}
	}
	return false
}

// meant suggests the key that was probably meant.
func (l *loader) meant(key string) string {
	var paths []string
	for _, k := range Keys() {
		paths = append(paths, k.Path)
	}
	if near := nearest(key, paths); near != "" {
		return "; did you mean " + near + "?"
	}
	return "; `wayleave config keys` lists all"
}

var keyForm = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,60}$`)

// shownKey returns a key of the file for a message. What does not look like a
// key may be a value that lost its key, so it is not shown.
func shownKey(key string) string {
	if keyForm.MatchString(key) {
		return key
	}
	return "(not shown)"
}

// readValue takes one setting's value.
func (l *loader) readValue(path string, k Key, n ast.Node) {
	g := given{origin: Origin{"file", where(path, n)}}
	if seq, ok := n.(*ast.SequenceNode); ok && k.Kind == "list" {
		g.isList, g.list = true, []string{}
		for _, entry := range seq.Values {
			text, ok := scalar(entry)
			if !ok {
				l.problem(where(path, entry), k.Path, "each entry must be a plain value")
				return
			}
			g.list = append(g.list, text)
		}
		l.set(k.Path, g)
		return
	}
	if n.Type() == ast.NullType {
		return
	}
	text, ok := scalar(n)
	switch {
	case k.Kind == "list":
		l.problem(g.origin.Where, k.Path, "must be a list, such as [a, b]")
	case !ok:
		l.problem(g.origin.Where, k.Path, "must be a plain value, without anchor, alias or tag")
	default:
		g.text = text
		l.set(k.Path, g)
	}
}

// scalar returns the text of a plain value as it was written.
func scalar(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}
