package store

import (
	"context"

	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/feed"
	"github.com/wayleave/wayleave/internal/page"
)

const authConfigColumns = `id, tenant, app, environment, scheme, name, fields, hosts, version,
	created_at, updated_at, rotated_at, ` + sealedColumns

// CreateAuthConfig stores a new auth config, as version 1.
func (s *Store) CreateAuthConfig(ctx context.Context, c credentials.AuthConfig) error {
	return s.write(ctx, "store.CreateAuthConfig", func(ctx context.Context, t *tx) error {
		return t.createAuthConfig(ctx, c)
	})
}

func (t *tx) createAuthConfig(ctx context.Context, c credentials.AuthConfig) error {
	if err := indexed(c.ID, c.App, string(c.Environment), c.Name); err != nil {
		return err
	}
	values := append([]any{c.ID, c.Tenant, c.App, c.Environment, c.Scheme, c.Name,
		asJSON{c.Fields}, asJSON{c.Hosts}, 1,
		asTime(c.CreatedAt), asTime(c.UpdatedAt), asTime(c.RotatedAt)}, sealedValues(c.Sealed)...)
	_, err := t.exec(ctx, `INSERT INTO auth_configs (`+authConfigColumns+`) VALUES (`+marks(len(values))+`)`, values...)
	t.changed(feed.AuthConfig, c.Tenant, c.ID)
	return refused(err, authConfigNameTaken(c), notFound("tenant", c.Tenant))
}

// AuthConfig returns the auth config with the id.
func (s *Store) AuthConfig(ctx context.Context, tenant, id string) (credentials.AuthConfig, error) {
	var c credentials.AuthConfig
	err := s.read(ctx, "store.AuthConfig", func(ctx context.Context, q queryer) (err error) {
		c, err = get(ctx, q, scanAuthConfig,
			`SELECT `+authConfigColumns+` FROM auth_configs WHERE tenant = $1 AND id = $2`, tenant, id)
		if isMissing(err) {
			return notFound("auth config", id)
		}
		return err
	})
	return c, err
}

// ListAuthConfigs returns a page of the tenant's auth configs.
func (s *Store) ListAuthConfigs(ctx context.Context, tenant string, f credentials.Filter, p page.Request) (page.Page[credentials.AuthConfig], error) {
	var rows []credentials.AuthConfig
	err := s.read(ctx, "store.ListAuthConfigs", func(ctx context.Context, q queryer) (err error) {
		of := where("tenant", tenant).andIf("app", f.App).andIf("environment", string(f.Environment)).page(p)
		rows, err = list(ctx, q, scanAuthConfig, `SELECT `+authConfigColumns+` FROM auth_configs`+of.text, of.args...)
		return err
	})
	return page.Cut(rows, p, func(c credentials.AuthConfig) string { return c.ID }), err
}

// UpdateAuthConfig stores what of an auth config may change: its name, its
// secrets and what describes them.
func (s *Store) UpdateAuthConfig(ctx context.Context, c credentials.AuthConfig) error {
	return s.write(ctx, "store.UpdateAuthConfig", func(ctx context.Context, t *tx) error {
		return t.updateAuthConfig(ctx, c)
	})
}

func (t *tx) updateAuthConfig(ctx context.Context, c credentials.AuthConfig) error {
	if err := indexed(c.Name); err != nil {
		return err
	}
	values := append([]any{c.Tenant, c.ID, c.Version, c.Name, asJSON{c.Fields}, asJSON{c.Hosts},
		asTime(c.UpdatedAt), asTime(c.RotatedAt)}, sealedValues(c.Sealed)...)
	n, err := t.exec(ctx, `
		UPDATE auth_configs SET version = version + 1, name = $4, fields = $5, hosts = $6,
			updated_at = $7, rotated_at = $8, sealed_provider = $9, sealed_key = $10,
			sealed_key_version = $11, sealed_text = $12, sealed_serial = $13, sealed_box = $14
		WHERE tenant = $1 AND id = $2 AND version = $3`, values...)
	if err != nil {
		return refused(err, authConfigNameTaken(c), nil)
	}
	if n == 0 {
		return t.unmet(ctx, "auth config", c.ID,
			`SELECT 1 FROM auth_configs WHERE tenant = $1 AND id = $2`, c.Tenant, c.ID)
	}
	t.changed(feed.AuthConfig, c.Tenant, c.ID)
	return nil
}

// DeleteAuthConfig removes an auth config that no connection uses.
func (s *Store) DeleteAuthConfig(ctx context.Context, tenant, id string) error {
	const op = "store.DeleteAuthConfig"
	err := s.write(ctx, op, func(ctx context.Context, t *tx) error {
		n, err := t.exec(ctx, `DELETE FROM auth_configs WHERE tenant = $1 AND id = $2`, tenant, id)
		if err != nil {
			return refused(err, nil, stillUsed("auth config", id))
		}
		if n == 0 {
			return notFound("auth config", id)
		}
		t.changed(feed.AuthConfig, tenant, id)
		return nil
	})
	return s.withUsers(ctx, op, err, `
		SELECT 'connection', id, name, environment FROM connections
		WHERE tenant = $1 AND auth_config = $2 ORDER BY id LIMIT $3`, tenant, id)
}

func scanAuthConfig(r row) (c credentials.AuthConfig, err error) {
	var sealed sealedRow
	err = r.Scan(append([]any{&c.ID, &c.Tenant, &c.App, &c.Environment, &c.Scheme, &c.Name,
		jsonColumn{&c.Fields}, jsonColumn{&c.Hosts}, &c.Version,
		timeColumn{&c.CreatedAt}, timeColumn{&c.UpdatedAt}, timeColumn{&c.RotatedAt}}, sealed.dest()...)...)
	c.Sealed = sealed.sealed()
	return c, err
}

func authConfigNameTaken(c credentials.AuthConfig) *fault.Error {
	return taken("an auth config", c.Name, " for "+c.App+" in "+string(c.Environment))
}
