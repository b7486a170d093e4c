package apps

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	yaml "github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// A sourceError is a fault of the YAML itself.
type sourceError struct {
	line, col int
	msg       string
}

func (e *sourceError) Error() string { return e.msg }

func faultAt(p *token.Position, format string, args ...any) *sourceError {
	e := &sourceError{line: 1, col: 1, msg: fmt.Sprintf(format, args...)}
	if p != nil {
		e.line, e.col = p.Line, max(p.Column, 1)
	}
	return e
}

// A reader turns YAML into nodes. It takes the part of YAML 1.2 that means the
// same to every reader: no tags, directives, merge keys, complex keys or further
// documents, no octal or hexadecimal numbers. Every fault that does not end the
// reading is kept in problems.
type reader struct {
	anchors  map[string]*node
	nodes    int
	problems []*sourceError
}

func readSource(src []byte) (*node, []*sourceError) {
	if len(src) > maxSource {
		return nil, []*sourceError{faultAt(nil, "a definition is at most %d bytes long", maxSource)}
	}
	if !utf8.Valid(src) {
		return nil, []*sourceError{faultAt(nil, "a definition is written in UTF-8")}
	}
	tokens := lexer.Tokenize(string(src))
	if bad := checkTokens(tokens); bad != nil {
		return nil, []*sourceError{bad}
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey()) // reported here, all of them
	if err != nil {
		return nil, []*sourceError{syntaxError(err)}
	}
	return readFile(file)
}

func readFile(file *ast.File) (*node, []*sourceError) {
	var bodies []ast.Node
	for _, d := range file.Docs {
		if d.Body != nil {
			bodies = append(bodies, d.Body)
		}
	}
	switch {
	case len(bodies) == 0:
		return nil, []*sourceError{faultAt(nil, "the definition is empty")}
	case len(bodies) > 1:
		return nil, []*sourceError{faultAt(bodies[1].GetToken().Position, "a file holds one definition; put this second document in a file of its own")}
	}
	r := &reader{anchors: map[string]*node{}}
	n, fatal := r.read(bodies[0], 0)
	if fatal != nil {
		return nil, append(r.problems, fatal)
	}
	return n, r.problems
}

func syntaxError(err error) *sourceError {
	var e yaml.Error
	if errors.As(err, &e) && e.GetToken() != nil {
		return faultAt(e.GetToken().Position, "not valid YAML: %s%s", e.GetMessage(), hint(e.GetMessage()))
	}
	return faultAt(nil, "not valid YAML: %s", strings.SplitN(yaml.FormatError(err, false, false), "\n", 2)[0])
}

// hint adds what people most often meant.
func hint(msg string) string {
	switch {
	case strings.Contains(msg, "flow map"):
		return `; a value that begins with "{{" must be quoted`
	case strings.Contains(msg, "'\t'"):
		return "; indent with spaces, not tabs"
	}
	return ""
}

// read turns a YAML node into ours. The error it returns ends the reading.
func (r *reader) read(n ast.Node, depth int) (*node, *sourceError) {
	if depth > maxDepth {
		return nil, faultAt(n.GetToken().Position, "nested more than %d deep", maxDepth)
	}
	if r.nodes++; r.nodes > maxNodes {
		return nil, faultAt(n.GetToken().Position, "more than %d values", maxNodes)
	}
	pos := n.GetToken().Position
	out := &node{line: pos.Line, col: max(pos.Column, 1), size: 1}
	switch n := n.(type) {
	case *ast.MappingNode:
		return out, r.readMembers(out, n.Values, depth)
	case *ast.MappingValueNode:
		return out, r.readMembers(out, []*ast.MappingValueNode{n}, depth)
	case *ast.SequenceNode:
		return out, r.readItems(out, n.Values, depth)
	case *ast.AnchorNode:
		return r.readAnchor(n, depth)
	case *ast.AliasNode:
		return r.followAlias(n)
	}
	r.readScalar(out, n)
	return out, nil
}

func (r *reader) readMembers(out *node, values []*ast.MappingValueNode, depth int) *sourceError {
	out.kind = object
	seen := make(map[string]int, len(values))
	for i, v := range values {
		pos := v.Key.GetToken().Position
		if i == 0 {
			out.line, out.col = pos.Line, max(pos.Column, 1) // the mapping's own token is its first colon
		}
		key, ok := v.Key.(*ast.StringNode)
		if !ok {
			r.problems = append(r.problems, faultAt(pos, "the key %.40q is not a text; put it in quotes", v.Key.GetToken().Value))
			continue
		}
		if first, dup := seen[key.Value]; dup {
			r.problems = append(r.problems, faultAt(pos, "the key %.60q is here twice, first in line %d", key.Value, first))
			continue
		}
		seen[key.Value] = pos.Line
		value, err := r.read(v.Value, depth+1)
		if err != nil {
			return err
		}
		out.size += value.size
		out.members = append(out.members, member{key.Value, pos.Line, max(pos.Column, 1), value})
	}
	return nil
}

func (r *reader) readItems(out *node, values []ast.Node, depth int) *sourceError {
	out.kind = array
	for _, v := range values {
		item, err := r.read(v, depth+1)
		if err != nil {
			return err
		}
		out.size += item.size
		out.items = append(out.items, item)
	}
	return nil
}

// readAnchor registers the anchor after its value is read, so that no value can
// hold itself.
func (r *reader) readAnchor(n *ast.AnchorNode, depth int) (*node, *sourceError) {
	out, err := r.read(n.Value, depth+1)
	if err == nil {
		r.anchors[n.Name.GetToken().Value] = out
	}
	return out, err
}

// followAlias counts what an alias stands for, so that aliases of aliases end at
// maxNodes and not in all memory.
func (r *reader) followAlias(n *ast.AliasNode) (*node, *sourceError) {
	name := n.Value.GetToken().Value
	out, ok := r.anchors[name]
	if !ok {
		return nil, faultAt(n.GetToken().Position, "the alias %.40q names no anchor before it", name)
	}
	if r.nodes += out.size; r.nodes > maxNodes {
		return nil, faultAt(n.GetToken().Position, "more than %d values once aliases are followed", maxNodes)
	}
	return out, nil
}

// A plain number is one that JSON writes the same way.
var plainNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

func (r *reader) readScalar(out *node, n ast.Node) {
	value := n.GetToken().Value
	switch n := n.(type) {
	case *ast.NullNode:
		out.kind = null
	case *ast.BoolNode:
		out.kind, out.text = boolean, "false"
		if n.Value {
			out.text = "true"
		}
	case *ast.StringNode:
		out.kind, out.text = text, n.Value
	case *ast.LiteralNode:
		out.kind, out.text = text, n.Value.Value
	case *ast.IntegerNode, *ast.FloatNode:
		if !plainNumber.MatchString(value) || len(value) > maxNumber {
			r.problems = append(r.problems, faultAt(n.GetToken().Position, "%.40q reads as different numbers in different versions of YAML; write it in decimal, or in quotes if it is a text", value))
			value = "0"
		}
		out.kind, out.text = number, value
	default:
		r.problems = append(r.problems, faultAt(n.GetToken().Position, "%.40q is no value a definition can hold", value))
	}
}
