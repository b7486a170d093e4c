package store

import (
	"context"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/feed"
	"github.com/wayleave/wayleave/internal/page"
)

const connectionColumns = `id, tenant, app, environment, name, auth_config, params, identity_id, identity_label,
	status, reason, status_since, version, created_at, updated_at`

// Connection returns the connection with the id, revoked ones included.
func (s *Store) Connection(ctx context.Context, tenant, id string) (connections.Connection, error) {
	var c connections.Connection
	err := s.read(ctx, "store.Connection", func(ctx context.Context, q queryer) (err error) {
		c, err = get(ctx, q, scanConnection,
			`SELECT `+connectionColumns+` FROM connections WHERE tenant = $1 AND id = $2`, tenant, id)
		if isMissing(err) {
			return notFound("connection", id)
		}
		return err
	})
	return c, err
}

// ListConnections returns a page of the tenant's connections, revoked ones
// included.
func (s *Store) ListConnections(ctx context.Context, tenant string, f credentials.Filter, p page.Request) (page.Page[connections.Connection], error) {
	var rows []connections.Connection
	err := s.read(ctx, "store.ListConnections", func(ctx context.Context, q queryer) (err error) {
		of := where("tenant", tenant).andIf("app", f.App).andIf("environment", string(f.Environment)).page(p)
		rows, err = list(ctx, q, scanConnection, `SELECT `+connectionColumns+` FROM connections`+of.text, of.args...)
		return err
	})
	return page.Cut(rows, p, func(c connections.Connection) string { return c.ID }), err
}

// createConnection stores a new connection, as version 1. Connections come into
// being by Promote alone.
func (t *tx) createConnection(ctx context.Context, c connections.Connection) error {
	if err := indexed(c.ID, c.App, string(c.Environment), c.Name); err != nil {
		return err
	}
	values := []any{c.ID, c.Tenant, c.App, c.Environment, c.Name, c.AuthConfig,
		asJSON{c.Params}, c.Identity.ID, c.Identity.Label, c.Status, c.Reason, asTime(c.StatusSince), 1,
		asTime(c.CreatedAt), asTime(c.UpdatedAt)}
	_, err := t.exec(ctx, `INSERT INTO connections (`+connectionColumns+`) VALUES (`+marks(len(values))+`)`, values...)
	t.changed(feed.Connection, c.Tenant, c.ID)
	return refused(err, connectionNameTaken(c), noAuthConfig(c))
}

// UpdateConnection stores what of a connection may change: all but its app, its
// environment and when it was made.
func (s *Store) UpdateConnection(ctx context.Context, c connections.Connection) error {
	return s.write(ctx, "store.UpdateConnection", func(ctx context.Context, t *tx) error {
		return t.updateConnection(ctx, c)
	})
}

func (t *tx) updateConnection(ctx context.Context, c connections.Connection) error {
	if err := indexed(c.Name); err != nil {
		return err
	}
	n, err := t.exec(ctx, `
		UPDATE connections SET version = version + 1, name = $4, auth_config = $5, params = $6,
			identity_id = $7, identity_label = $8, status = $9, reason = $10, status_since = $11, updated_at = $12
		WHERE tenant = $1 AND id = $2 AND version = $3`,
		c.Tenant, c.ID, c.Version, c.Name, c.AuthConfig, asJSON{c.Params},
		c.Identity.ID, c.Identity.Label, c.Status, c.Reason, asTime(c.StatusSince), asTime(c.UpdatedAt))
	if err != nil {
		return refused(err, connectionNameTaken(c), noAuthConfig(c))
	}
	if n == 0 {
		return t.unmet(ctx, "connection", c.ID,
			`SELECT 1 FROM connections WHERE tenant = $1 AND id = $2`, c.Tenant, c.ID)
	}
	t.changed(feed.Connection, c.Tenant, c.ID)
	return nil
}

// DeleteConnection removes a connection that no toolkit binds.
func (s *Store) DeleteConnection(ctx context.Context, tenant, id string) error {
	const op = "store.DeleteConnection"
	err := s.write(ctx, op, func(ctx context.Context, t *tx) error {
		n, err := t.exec(ctx, `DELETE FROM connections WHERE tenant = $1 AND id = $2`, tenant, id)
		if err != nil {
			return refused(err, nil, stillUsed("connection", id))
		}
		if n == 0 {
			return notFound("connection", id)
		}
		t.changed(feed.Connection, tenant, id)
		return nil
	})
	return s.withUsers(ctx, op, err, `
		SELECT DISTINCT 'toolkit', k.id, k.slug, b.environment
		FROM toolkit_bindings b JOIN toolkits k ON k.tenant = b.tenant AND k.id = b.toolkit
		WHERE b.tenant = $1 AND b.connection = $2 ORDER BY 2 LIMIT $3`, tenant, id)
}

func scanConnection(r row) (c connections.Connection, err error) {
	err = r.Scan(&c.ID, &c.Tenant, &c.App, &c.Environment, &c.Name, &c.AuthConfig,
		jsonColumn{&c.Params}, &c.Identity.ID, &c.Identity.Label, &c.Status, &c.Reason, timeColumn{&c.StatusSince},
		&c.Version, timeColumn{&c.CreatedAt}, timeColumn{&c.UpdatedAt})
	return c, err
}

func connectionNameTaken(c connections.Connection) *fault.Error {
	return taken("a connection", c.Name, " to "+c.App+" in "+string(c.Environment))
}

func noAuthConfig(c connections.Connection) *fault.Error {
	return fault.New(fault.NotFound, "there is no auth config %s for %s in %s", quote(c.AuthConfig), c.App, c.Environment)
}
