package store

import (
	"context"

	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/page"
)

// CreateTenant stores a new tenant.
func (s *Store) CreateTenant(ctx context.Context, n access.Tenant) error {
	return s.write(ctx, "store.CreateTenant", func(ctx context.Context, t *tx) error {
		if err := indexed(n.ID, n.Name); err != nil {
			return err
		}
		_, err := t.exec(ctx, `INSERT INTO tenants (id, name, created_at) VALUES ($1, $2, $3)`,
			n.ID, n.Name, asTime(n.CreatedAt))
		return refused(err, taken("a tenant", n.Name, ""), nil)
	})
}

// Tenant returns the tenant with the id.
func (s *Store) Tenant(ctx context.Context, id string) (access.Tenant, error) {
	var n access.Tenant
	err := s.read(ctx, "store.Tenant", func(ctx context.Context, q queryer) (err error) {
		n, err = get(ctx, q, scanTenant, `SELECT id, name, created_at FROM tenants WHERE id = $1`, id)
		if isMissing(err) {
			return notFound("tenant", id)
		}
		return err
	})
	return n, err
}

// ListTenants returns a page of all tenants.
func (s *Store) ListTenants(ctx context.Context, p page.Request) (page.Page[access.Tenant], error) {
	var rows []access.Tenant
	err := s.read(ctx, "store.ListTenants", func(ctx context.Context, q queryer) (err error) {
		rows, err = list(ctx, q, scanTenant,
			`SELECT id, name, created_at FROM tenants WHERE id > $1 ORDER BY id LIMIT $2`, p.After, p.Bound()+1)
		return err
	})
	return page.Cut(rows, p, func(n access.Tenant) string { return n.ID }), err
}

func scanTenant(r row) (n access.Tenant, err error) {
	err = r.Scan(&n.ID, &n.Name, timeColumn{&n.CreatedAt})
	return n, err
}
