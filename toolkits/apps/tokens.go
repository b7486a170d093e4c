package apps

import (
	"github.com/goccy/go-yaml/token"
)

// Bounds of a definition's source. They are far above any honest file. The
// parser's time grows with the square of some of them, so they are checked on
// the tokens, before it sees any.
const (
	maxSource  = 1 << 20 // bytes
	maxTokens  = 400_000
	maxDepth   = 64      // objects and lists within one another
	maxMembers = 400     // entries of one block mapping
	maxItems   = 2500    // entries of one block list
	maxEmpty   = 100     // entries without a value
	maxNodes   = 200_000 // values, after aliases are followed
)

// A tokenCheck counts what the bounds are about.
type tokenCheck struct {
	flow    int // flow mappings and lists that are open
	line    int
	dashes  int         // list entries begun in this line
	members map[int]int // entries of the block mappings that are open, by column
	items   map[int]int // the same of block lists
	empty   int
}

// checkTokens refuses what a definition may not hold and what would make the
// parser slow.
func checkTokens(all token.Tokens) *sourceError {
	tokens := make(token.Tokens, 0, len(all))
	for _, t := range all {
		if t.Type != token.CommentType {
			tokens = append(tokens, t)
		}
	}
	if len(tokens) > maxTokens {
		return faultAt(tokens[maxTokens].Position, "a definition is shorter than this")
	}
	c := &tokenCheck{members: map[int]int{}, items: map[int]int{}}
	for i, t := range tokens {
		var next, prev *token.Token
		if i+1 < len(tokens) {
			next = tokens[i+1]
		}
		if i > 0 {
			prev = tokens[i-1]
		}
		if bad := c.check(t, prev, next); bad != nil {
			return bad
		}
	}
	return nil
}

func (c *tokenCheck) check(t, prev, next *token.Token) *sourceError {
	switch t.Type {
	case token.TagType:
		return faultAt(t.Position, "tags such as %.20q are not allowed", t.Value)
	case token.DirectiveType:
		return faultAt(t.Position, "directives are not allowed; definitions are YAML 1.2")
	case token.MergeKeyType:
		return faultAt(t.Position, `merge keys ("<<") are not part of YAML 1.2; repeat the members`)
	case token.MappingKeyType:
		return faultAt(t.Position, `complex keys ("?") are not allowed`)
	case token.SequenceStartType, token.MappingStartType:
		if c.flow++; c.flow > maxDepth {
			return faultAt(t.Position, "nested more than %d deep", maxDepth)
		}
	case token.SequenceEndType, token.MappingEndType:
		c.flow--
	case token.SequenceEntryType:
		return c.item(t, next)
	case token.MappingValueType:
		return c.member(t, prev, next)
	}
	return nil
}

func (c *tokenCheck) item(t, next *token.Token) *sourceError {
	if t.Position.Line != c.line {
		c.dashes, c.line = 0, t.Position.Line
	}
	if c.dashes++; c.dashes > maxDepth {
		return faultAt(t.Position, "nested more than %d deep", maxDepth)
	}
	col := t.Position.Column
	c.close(col)
	if c.items[col]++; c.items[col] > maxItems {
		return faultAt(t.Position, "a list has at most %d items", maxItems)
	}
	return c.value(t, next, col)
}

func (c *tokenCheck) member(t, prev, next *token.Token) *sourceError {
	if c.flow > 0 || prev == nil {
		return c.value(t, next, 0)
	}
	col := prev.Position.Column
	c.close(col)
	if c.members[col]++; c.members[col] > maxMembers {
		return faultAt(t.Position, "a mapping has at most %d members", maxMembers)
	}
	return c.value(t, next, col)
}

// value counts an entry of a block at col, or of a flow, that has no value.
func (c *tokenCheck) value(t, next *token.Token, col int) *sourceError {
	switch {
	case next == nil:
	case c.flow > 0 && (next.Type == token.CollectEntryType || next.Type == token.MappingEndType || next.Type == token.SequenceEndType):
	case c.flow == 0 && next.Position.Line != t.Position.Line && next.Position.Column <= col &&
		(next.Type != token.SequenceEntryType || t.Type == token.SequenceEntryType):
	default:
		return nil
	}
	if c.empty++; c.empty > maxEmpty {
		return faultAt(t.Position, "more than %d entries have no value", maxEmpty)
	}
	return nil
}

// close forgets the blocks that end where something stands at col.
func (c *tokenCheck) close(col int) {
	for _, open := range []map[int]int{c.members, c.items} {
		for at := range open {
			if at > col {
				delete(open, at)
			}
		}
	}
}
