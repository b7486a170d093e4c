package apps

import (
	"fmt"
	"strings"

	"github.com/ohler55/ojg/jp"
)

// A Path selects a part of an answer: the part of JSONPath (RFC 9535) that reads
// as an address, "$.user.name", "$['a b']", "$.items[0]", "$.items[-1].id" and
// "$.labels[*].name". There are no filters, slices, unions or descents.
type Path struct {
	src  string
	expr jp.Expr
	many bool // has a wildcard
}

// ParsePath parses src, which begins with "$".
func ParsePath(src string) (*Path, error) {
	if !strings.HasPrefix(src, "$") || len(src) > 500 {
		return nil, fmt.Errorf("a path begins with \"$\", such as $.user.name, and is at most 500 characters long")
	}
	expr, err := jp.ParseString(src)
	if err != nil {
		return nil, fmt.Errorf("%q is not a path such as $.user.name or $.items[0].id", src)
	}
	p := &Path{src: src, expr: expr}
	for _, f := range expr {
		switch f.(type) {
		case jp.Root, jp.Child, jp.Nth, jp.Bracket:
		case jp.Wildcard:
			p.many = true
		default:
			return nil, fmt.Errorf("%q uses more than members, positions and [*]", src)
		}
	}
	return p, nil
}

// String returns the path as written.
func (p *Path) String() string { return p.src }

// Find returns the part of doc that p selects. With [*] that is a list of all
// that was found, and ok is false when that is nothing.
func (p *Path) Find(doc any) (v any, ok bool) {
	if p.many {
		all := p.expr.Get(doc)
		return all, len(all) > 0
	}
	return p.expr.FirstFound(doc)
}
