package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/feed"
	"github.com/wayleave/wayleave/internal/page"
	"github.com/wayleave/wayleave/toolkits"
)

const toolkitColumns = "id, tenant, slug, title, app, tools, version, created_at, updated_at"

// CreateToolkit stores a new toolkit and its bindings, as version 1.
func (s *Store) CreateToolkit(ctx context.Context, k toolkits.Toolkit) error {
	return s.write(ctx, "store.CreateToolkit", func(ctx context.Context, t *tx) error {
		if err := indexed(k.ID, k.Slug, k.App); err != nil {
			return err
		}
		values := []any{k.ID, k.Tenant, k.Slug, k.Title, k.App, asJSON{k.Tools}, 1, asTime(k.CreatedAt), asTime(k.UpdatedAt)}
		_, err := t.exec(ctx, `INSERT INTO toolkits (`+toolkitColumns+`) VALUES (`+marks(len(values))+`)`, values...)
		if err != nil {
			return refused(err, taken("a toolkit", k.Slug, ""), notFound("tenant", k.Tenant))
		}
		t.changed(feed.Toolkit, k.Tenant, k.ID)
		return t.bind(ctx, k)
	})
}

// Toolkit returns the toolkit with the id, or with the slug.
func (s *Store) Toolkit(ctx context.Context, tenant, idOrSlug string) (toolkits.Toolkit, error) {
	all, err := s.toolkits(ctx, "store.Toolkit", `
		WHERE tenant = $1 AND (id = $2 OR slug = $2)
		ORDER BY CASE WHEN id = $2 THEN 0 ELSE 1 END LIMIT 1`, tenant, idOrSlug)
	if err == nil && len(all) == 0 {
		err = s.fail(ctx, "store.Toolkit", notFound("toolkit", idOrSlug))
	}
	if err != nil {
		return toolkits.Toolkit{}, err
	}
	return all[0], nil
}

// ListToolkits returns a page of the tenant's toolkits.
func (s *Store) ListToolkits(ctx context.Context, tenant string, p page.Request) (page.Page[toolkits.Toolkit], error) {
	of := where("tenant", tenant).page(p)
	rows, err := s.toolkits(ctx, "store.ListToolkits", of.text, of.args...)
	return page.Cut(rows, p, func(k toolkits.Toolkit) string { return k.ID }), err
}

// toolkits returns the selected toolkits in the order of their ids. A toolkit
// and its bindings come from one query, so that they are of one version.
func (s *Store) toolkits(ctx context.Context, op, of string, args ...any) ([]toolkits.Toolkit, error) {
	var all []toolkits.Toolkit
	err := s.read(ctx, op, func(ctx context.Context, q queryer) error {
		all = nil
		return q.each(ctx, func(r row) error {
			k, binding, err := scanToolkit(r)
			if err != nil {
				return err
			}
			if len(all) == 0 || all[len(all)-1].ID != k.ID {
				all = append(all, k)
			}
			if binding != nil {
				last := &all[len(all)-1]
				last.Bindings = append(last.Bindings, *binding)
			}
			return nil
		}, `SELECT k.*, b.environment, b.label, b.connection
			FROM (SELECT `+toolkitColumns+` FROM toolkits `+of+`) k
			LEFT JOIN toolkit_bindings b ON b.tenant = k.tenant AND b.toolkit = k.id
			ORDER BY k.id, b.position`, args...)
	})
	return all, err
}

// UpdateToolkit stores what of a toolkit may change: its slug, title, tools and
// bindings.
func (s *Store) UpdateToolkit(ctx context.Context, k toolkits.Toolkit) error {
	return s.write(ctx, "store.UpdateToolkit", func(ctx context.Context, t *tx) error {
		if err := indexed(k.Slug); err != nil {
			return err
		}
		app, err := get(ctx, t.queryer, scalar[string], `
			UPDATE toolkits SET version = version + 1, slug = $4, title = $5, tools = $6, updated_at = $7
			WHERE tenant = $1 AND id = $2 AND version = $3 RETURNING app`,
			k.Tenant, k.ID, k.Version, k.Slug, k.Title, asJSON{k.Tools}, asTime(k.UpdatedAt))
		if isMissing(err) {
			return t.unmet(ctx, "toolkit", k.ID, `SELECT 1 FROM toolkits WHERE tenant = $1 AND id = $2`, k.Tenant, k.ID)
		}
		if err != nil {
			return refused(err, taken("a toolkit", k.Slug, ""), nil)
		}
		k.App = app
		t.changed(feed.Toolkit, k.Tenant, k.ID)
		if _, err := t.exec(ctx, `DELETE FROM toolkit_bindings WHERE tenant = $1 AND toolkit = $2`, k.Tenant, k.ID); err != nil {
			return err
		}
		return t.bind(ctx, k)
	})
}

// bind stores the bindings of a toolkit that has none stored.
func (t *tx) bind(ctx context.Context, k toolkits.Toolkit) error {
	for i, b := range k.Bindings {
		if err := indexed(string(b.Environment), b.Label); err != nil {
			return err
		}
		_, err := t.exec(ctx, `
			INSERT INTO toolkit_bindings (tenant, toolkit, environment, label, app, connection, position)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`, k.Tenant, k.ID, b.Environment, b.Label, k.App, b.Connection, i)
		switch violationOf(err) {
		case keyViolation, uniqueViolation:
			return fault.New(fault.Conflict, "two connections in %s have the label %s", b.Environment, quote(b.Label)).
				WithFix("Give each connection of an environment a label of its own.")
		case referenceViolation:
			return fault.New(fault.NotFound, "there is no connection %s to %s in %s", quote(b.Connection), k.App, b.Environment)
		}
		if err != nil {
			return fmt.Errorf("storing a binding: %w", err)
		}
	}
	return nil
}

// DeleteToolkit removes a toolkit and its bindings.
func (s *Store) DeleteToolkit(ctx context.Context, tenant, id string) error {
	return s.write(ctx, "store.DeleteToolkit", func(ctx context.Context, t *tx) error {
		n, err := t.exec(ctx, `DELETE FROM toolkits WHERE tenant = $1 AND id = $2`, tenant, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return notFound("toolkit", id)
		}
		t.changed(feed.Toolkit, tenant, id)
		return nil
	})
}

func scanToolkit(r row) (k toolkits.Toolkit, b *toolkits.Binding, err error) {
	var environment, label, connection sql.NullString
	err = r.Scan(&k.ID, &k.Tenant, &k.Slug, &k.Title, &k.App, jsonColumn{&k.Tools}, &k.Version,
		timeColumn{&k.CreatedAt}, timeColumn{&k.UpdatedAt}, &environment, &label, &connection)
	if connection.Valid {
		b = &toolkits.Binding{
			Environment: environments.Name(environment.String),
			Label:       label.String,
			Connection:  connection.String,
		}
	}
	return k, b, err
}
