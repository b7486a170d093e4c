package httpapi

import (
	"strconv"
	"strings"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/page"
)

// A ListInput asks for a page of a list.
type ListInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"how many at most"`
	Cursor string `query:"cursor" maxLength:"200" doc:"next_cursor of the page before"`
}

func (in ListInput) page() (page.Request, error) {
	after, err := page.ParseCursor(in.Cursor)
	return page.Request{Limit: in.Limit, After: after}, err
}

// A list is a page of a list.
type list[T any] struct {
	Items      []T    `json:"items" nullable:"false"`
	NextCursor string `json:"next_cursor" doc:"to ask for the next page with; empty at the end"`
}

// A body is an answer with a JSON body.
type body[T any] struct{ Body T }

// A versioned body also carries its version as ETag.
type versioned[T any] struct {
	ETag string `header:"ETag"`
	Body T
}

func answer[T any](v T) *body[T] { return &body[T]{v} }

func tagged[T any](v T, version int64) *versioned[T] {
	return &versioned[T]{ETag: strconv.Quote(strconv.FormatInt(version, 10)), Body: v}
}

// listed turns a page of records into an answer.
func listed[R, T any](p page.Page[R], err error, as func(R) T) (*body[list[T]], error) {
	if err != nil {
		return nil, err
	}
	out := list[T]{Items: make([]T, 0, len(p.Items)), NextCursor: page.Cursor(p.Next)}
	for _, r := range p.Items {
		out.Items = append(out.Items, as(r))
	}
	return answer(out), nil
}

// An IfMatchInput is the version that an edit is made on.
type IfMatchInput struct {
	IfMatch string `header:"If-Match" maxLength:"40" doc:"the ETag that was read; the edit fails if it is no longer current"`
}

// matches returns a PreconditionFailed fault if If-Match names another version
// than the current one, which read tells. It reads nothing without If-Match.
func (in IfMatchInput) matches(read func() (int64, error)) error {
	if in.IfMatch == "" {
		return nil
	}
	version, err := read()
	if err != nil {
		return err
	}
	return in.current(version)
}

// current returns a PreconditionFailed fault unless If-Match fits the version.
func (in IfMatchInput) current(version int64) error {
	want, err := in.version()
	if err == nil && want != 0 && want != version {
		return fault.New(fault.PreconditionFailed, "it was changed since it was read")
	}
	return err
}

// version returns 0 when any version will do.
func (in IfMatchInput) version() (int64, error) {
	if in.IfMatch == "" || in.IfMatch == "*" {
		return 0, nil
	}
	text, err := strconv.Unquote(strings.TrimPrefix(in.IfMatch, "W/"))
	if err != nil {
		text = in.IfMatch
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil || v <= 0 {
		return 0, fault.New(fault.InvalidInput, "If-Match is not an ETag of this server")
	}
	return v, nil
}
