package store

import (
	"context"
	"fmt"

	"github.com/wayleave/wayleave/internal/page"
)

// A selection is the end of a query, from WHERE on, and its arguments. Columns
// are always literals of this package; values are always arguments.
type selection struct {
	text string
	args []any
}

// where selects the rows whose column has the value.
func where(column string, value any) *selection {
	s := &selection{}
	return s.add(" WHERE "+column+" = $%d", value)
}

// and narrows the selection.
func (s *selection) and(column string, value any) *selection {
	return s.add(" AND "+column+" = $%d", value)
}

// andIf narrows the selection unless value is empty.
func (s *selection) andIf(column, value string) *selection {
	if value == "" {
		return s
	}
	return s.and(column, value)
}

// page selects the rows of a page, and one more if there are more. It comes
// last.
func (s *selection) page(p page.Request) *selection {
	return s.add(" AND id > $%d", p.After).add(" ORDER BY id LIMIT $%d", p.Bound()+1)
}

func (s *selection) add(format string, value any) *selection {
	s.args = append(s.args, value)
	s.text += fmt.Sprintf(format, len(s.args))
	return s
}

// unmet says why an update met no row: there is no such record, as far as exists
// can tell, or it has another version.
func (t *tx) unmet(ctx context.Context, what, id, exists string, args ...any) error {
	_, err := get(ctx, t.queryer, scalar[int], exists, args...)
	switch {
	case isMissing(err):
		return notFound(what, id)
	case err != nil:
		return err
	}
	return changedMeanwhile(what, id)
}
