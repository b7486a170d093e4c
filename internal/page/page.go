package page

import (
	"encoding/base64"
	"strings"

	"github.com/wayleave/wayleave/internal/fault"
)

// DefaultLimit and MaxLimit bound how many records a page holds.
const (
	DefaultLimit = 50
	MaxLimit     = 200
)

// A Request asks for the page of at most Limit records whose ids come after
// After ("" = from the beginning).
type Request struct {
	Limit int
	After string
}

// A Page is part of a list. Next is the id to ask on from; empty at the end.
type Page[T any] struct {
	Items []T
	Next  string
}

// Cut makes a page of rows read with one more than r.Limit, as id tells.
func Cut[T any](rows []T, r Request, id func(T) string) Page[T] {
	limit := r.Bound()
	if len(rows) <= limit {
		return Page[T]{Items: rows}
	}
	return Page[T]{Items: rows[:limit], Next: id(rows[limit-1])}
}

// Bound returns the limit to use: DefaultLimit if none was asked for, never
// more than MaxLimit.
func (r Request) Bound() int {
	if r.Limit <= 0 {
		return DefaultLimit
	}
	return min(r.Limit, MaxLimit)
}

const cursorPrefix = "c1:"

// Cursor returns next as callers see it: opaque, and empty when next is.
func Cursor(next string) string {
	if next == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(cursorPrefix + next))
}

// ParseCursor reads a cursor made by [Cursor]; any other text is InvalidInput.
func ParseCursor(cursor string) (after string, err error) {
	if cursor == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	after, ok := strings.CutPrefix(string(raw), cursorPrefix)
	if err != nil || !ok || after == "" {
		return "", fault.New(fault.InvalidInput, "the cursor is not one that this server gave out").
			WithFix("Leave the cursor out to begin again.")
	}
	return after, nil
}
