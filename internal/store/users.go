package store

import (
	"context"
	"fmt"

	"github.com/wayleave/wayleave/internal/fault"
)

// maxUsers is how many users of a record are named when it cannot be deleted.
const maxUsers = 20

// stillUsed says that a record cannot be deleted.
func stillUsed(what, id string) *fault.Error {
	return fault.New(fault.InUse, "the %s %s is still in use", what, quote(id))
}

// withUsers adds to an InUse fault who the users are. That a record is in use is
// for the database alone to decide, so they are looked up afterwards; query
// answers kind, id, name and environment of at most $3 of them.
func (s *Store) withUsers(ctx context.Context, op string, err error, query, tenant, id string) error {
	if !fault.Is(err, fault.InUse) {
		return err
	}
	told := *fault.From(err)
	var users []fault.Problem
	failed := s.read(ctx, op, func(ctx context.Context, q queryer) (err error) {
		users, err = list(ctx, q, scanUser, query, tenant, id, maxUsers+1)
		return err
	})
	if failed != nil {
		return err // still true, and better than nothing
	}
	if len(users) > maxUsers {
		users = users[:maxUsers]
		told.Msg += fmt.Sprintf("; the first %d of its users are named", maxUsers)
	}
	told.Problems = users
	return &told
}

func scanUser(r row) (fault.Problem, error) {
	var kind, id, name, environment string
	err := r.Scan(&kind, &id, &name, &environment)
	return fault.Problem{
		Path:    fmt.Sprintf("/%ss/%s", kind, id),
		Message: fmt.Sprintf("%s %s uses it in %s", kind, quote(name), environment),
	}, err
}
