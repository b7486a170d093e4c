package store

import (
	"context"

	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/feed"
	"github.com/wayleave/wayleave/internal/page"
)

const actorColumns = "id, tenant, kind, name, created_at, updated_at, version"

// CreateActor stores a new agent or workflow, as version 1.
func (s *Store) CreateActor(ctx context.Context, a access.Actor) error {
	return s.write(ctx, "store.CreateActor", func(ctx context.Context, t *tx) error {
		if err := indexed(a.ID, a.Name); err != nil {
			return err
		}
		_, err := t.exec(ctx, `INSERT INTO actors (`+actorColumns+`) VALUES ($1, $2, $3, $4, $5, $6, 1)`,
			a.ID, a.Tenant, a.Kind, a.Name, asTime(a.CreatedAt), asTime(a.UpdatedAt))
		t.changed(feed.Actor, a.Tenant, a.ID)
		return refused(err, actorNameTaken(a), notFound("tenant", a.Tenant))
	})
}

// Actor returns the agent or workflow with the id.
func (s *Store) Actor(ctx context.Context, tenant string, kind access.Kind, id string) (access.Actor, error) {
	var a access.Actor
	err := s.read(ctx, "store.Actor", func(ctx context.Context, q queryer) (err error) {
		a, err = get(ctx, q, scanActor,
			`SELECT `+actorColumns+` FROM actors WHERE tenant = $1 AND id = $2 AND kind = $3`, tenant, id, kind)
		if isMissing(err) {
			return notFound(string(kind), id)
		}
		return err
	})
	return a, err
}

// ListActors returns a page of the tenant's agents or workflows.
func (s *Store) ListActors(ctx context.Context, tenant string, kind access.Kind, p page.Request) (page.Page[access.Actor], error) {
	var rows []access.Actor
	err := s.read(ctx, "store.ListActors", func(ctx context.Context, q queryer) (err error) {
		rows, err = list(ctx, q, scanActor,
			`SELECT `+actorColumns+` FROM actors WHERE tenant = $1 AND kind = $2 AND id > $3 ORDER BY id LIMIT $4`,
			tenant, kind, p.After, p.Bound()+1)
		return err
	})
	return page.Cut(rows, p, func(a access.Actor) string { return a.ID }), err
}

// UpdateActor stores a new name.
func (s *Store) UpdateActor(ctx context.Context, a access.Actor) error {
	return s.write(ctx, "store.UpdateActor", func(ctx context.Context, t *tx) error {
		if err := indexed(a.Name); err != nil {
			return err
		}
		n, err := t.exec(ctx, `
			UPDATE actors SET name = $1, updated_at = $2, version = version + 1
			WHERE tenant = $3 AND id = $4 AND kind = $5 AND version = $6`,
			a.Name, asTime(a.UpdatedAt), a.Tenant, a.ID, a.Kind, a.Version)
		if err != nil {
			return refused(err, actorNameTaken(a), nil)
		}
		if n == 0 {
			return t.unmet(ctx, string(a.Kind), a.ID,
				`SELECT 1 FROM actors WHERE tenant = $1 AND id = $2 AND kind = $3`, a.Tenant, a.ID, a.Kind)
		}
		t.changed(feed.Actor, a.Tenant, a.ID)
		return nil
	})
}

// DeleteActor removes an agent or workflow and revokes its keys.
func (s *Store) DeleteActor(ctx context.Context, tenant string, kind access.Kind, id string) error {
	return s.write(ctx, "store.DeleteActor", func(ctx context.Context, t *tx) error {
		n, err := t.exec(ctx, `DELETE FROM actors WHERE tenant = $1 AND id = $2 AND kind = $3`, tenant, id, kind)
		if err != nil {
			return err
		}
		if n == 0 {
			return notFound(string(kind), id)
		}
		t.changed(feed.Actor, tenant, id)
		// After the deletion: a key that was being made for the actor is there by
		// now, see CreateKey.
		keys, err := list(ctx, t.queryer, scalar[string], `
			UPDATE access_keys SET revoked_at = $1
			WHERE tenant = $2 AND kind = $3 AND actor = $4 AND revoked_at IS NULL RETURNING id`,
			asTime(s.now()), tenant, kind, id)
		for _, key := range keys {
			t.changed(feed.Key, tenant, key)
		}
		return err
	})
}

func scanActor(r row) (a access.Actor, err error) {
	err = r.Scan(&a.ID, &a.Tenant, &a.Kind, &a.Name, timeColumn{&a.CreatedAt}, timeColumn{&a.UpdatedAt}, &a.Version)
	return a, err
}

func actorNameTaken(a access.Actor) *fault.Error {
	return taken(map[bool]string{true: "an agent", false: "a workflow"}[a.Kind == access.KindAgent], a.Name, "")
}
