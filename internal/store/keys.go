package store

import (
	"context"

	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/feed"
	"github.com/wayleave/wayleave/internal/page"
)

const keyColumns = "id, tenant, kind, actor, name, role, reach, hash, hint, created_at, expires_at, revoked_at"

// CreateKey stores the record of a new key. The agent or workflow it is for must
// be there.
func (s *Store) CreateKey(ctx context.Context, k access.Key) error {
	return s.write(ctx, "store.CreateKey", func(ctx context.Context, t *tx) error {
		if len(k.Hash) == 0 {
			return fault.New(fault.InvalidInput, "a key is stored by its hash, and this one has none")
		}
		if err := indexed(k.ID, k.Actor); err != nil {
			return err
		}
		if k.Actor != "" {
			// The update changes nothing but holds the actor: DeleteActor waits for
			// it and then sees, and revokes, this key.
			n, err := t.exec(ctx, `UPDATE actors SET version = version WHERE tenant = $1 AND id = $2 AND kind = $3`,
				k.Tenant, k.Actor, k.Kind)
			if err != nil {
				return err
			}
			if n == 0 {
				return notFound(string(k.Kind), k.Actor)
			}
		}
		_, err := t.exec(ctx, `
			INSERT INTO access_keys (`+keyColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
			k.ID, k.Tenant, k.Kind, k.Actor, k.Name, k.Role, asJSON{k.Grant}, k.Hash, k.Hint,
			asTime(k.CreatedAt), asTime(k.ExpiresAt), asTime(k.RevokedAt))
		t.changed(feed.Key, k.Tenant, k.ID)
		return refused(err, fault.New(fault.Conflict, "this key exists already"), notFound("tenant", k.Tenant))
	})
}

// KeyByHash returns the key with the hash, of whatever tenant, revoked ones and
// expired ones included.
func (s *Store) KeyByHash(ctx context.Context, hash []byte) (access.Key, error) {
	var k access.Key
	err := s.read(ctx, "store.KeyByHash", func(ctx context.Context, q queryer) (err error) {
		k, err = get(ctx, q, scanKey, `SELECT `+keyColumns+` FROM access_keys WHERE hash = $1`, hash)
		if isMissing(err) {
			return fault.New(fault.NotFound, "there is no such key")
		}
		return err
	})
	return k, err
}

// ListKeys returns a page of the tenant's keys of a kind: those of one agent or
// workflow, or, with no actor, of all of that kind.
func (s *Store) ListKeys(ctx context.Context, tenant string, kind access.Kind, actor string, p page.Request) (page.Page[access.Key], error) {
	var rows []access.Key
	err := s.read(ctx, "store.ListKeys", func(ctx context.Context, q queryer) (err error) {
		of := where("tenant", tenant).and("kind", kind).andIf("actor", actor).page(p)
		rows, err = list(ctx, q, scanKey, `SELECT `+keyColumns+` FROM access_keys`+of.text, of.args...)
		return err
	})
	return page.Cut(rows, p, func(k access.Key) string { return k.ID }), err
}

// RevokeKey revokes a key from now on. Revoking it again changes nothing.
func (s *Store) RevokeKey(ctx context.Context, tenant, id string) error {
	return s.write(ctx, "store.RevokeKey", func(ctx context.Context, t *tx) error {
		n, err := t.exec(ctx,
			`UPDATE access_keys SET revoked_at = $1 WHERE tenant = $2 AND id = $3 AND revoked_at IS NULL`,
			asTime(s.now()), tenant, id)
		if err != nil {
			return err
		}
		if n > 0 {
			t.changed(feed.Key, tenant, id)
			return nil
		}
		_, err = get(ctx, t.queryer, scalar[int], `SELECT 1 FROM access_keys WHERE tenant = $1 AND id = $2`, tenant, id)
		if isMissing(err) {
			return notFound("key", id)
		}
		return err
	})
}

// CountAdminKeys counts the administrators' keys that were ever made.
func (s *Store) CountAdminKeys(ctx context.Context) (int, error) {
	var n int
	err := s.read(ctx, "store.CountAdminKeys", func(ctx context.Context, q queryer) (err error) {
		n, err = get(ctx, q, scalar[int], `SELECT COUNT(*) FROM access_keys WHERE kind = $1`, access.KindAdmin)
		return err
	})
	return n, err
}

func scanKey(r row) (k access.Key, err error) {
	err = r.Scan(&k.ID, &k.Tenant, &k.Kind, &k.Actor, &k.Name, &k.Role, jsonColumn{&k.Grant}, &k.Hash, &k.Hint,
		timeColumn{&k.CreatedAt}, timeColumn{&k.ExpiresAt}, timeColumn{&k.RevokedAt})
	return k, err
}
