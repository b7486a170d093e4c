package access

import (
	"context"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/page"
)

// RevokeAdminKey ends an administrative key of by's tenant. One with a higher
// role than by's is fault.PermissionDenied, and by's own is fault.Conflict: as a
// key ends only those up to its own role and never itself, one that may do as
// much always remains, and nobody locks everybody out.
func (d *Directory) RevokeAdminKey(ctx context.Context, by *Principal, id string) error {
	key, err := d.findKey(ctx, by.Tenant, KindAdmin, "", id)
	switch {
	case err != nil:
		return err
	case !by.Role.Includes(key.Role):
		return fault.New(fault.PermissionDenied, "a key with the role %s cannot revoke one with the role %s", by.Role, key.Role)
	case id == by.KeyID:
		return fault.New(fault.Conflict, "a key cannot revoke itself").
			WithFix("Make another administrative key and revoke this one with it.")
	}
	return d.RevokeKey(ctx, by.Tenant, id)
}

// RevokeActorKey ends a key of an agent or workflow. A key of any other is
// fault.NotFound.
func (d *Directory) RevokeActorKey(ctx context.Context, tenant string, kind Kind, actor, id string) error {
	if _, err := d.Actors.Actor(ctx, tenant, kind, actor); err != nil {
		return err
	}
	if _, err := d.findKey(ctx, tenant, kind, actor, id); err != nil {
		return err
	}
	return d.RevokeKey(ctx, tenant, id)
}

// findKey finds a key among those of an agent or workflow, or with actor empty
// among the administrative ones.
func (d *Directory) findKey(ctx context.Context, tenant string, kind Kind, actor, id string) (Key, error) {
	for p := (page.Request{Limit: page.MaxLimit}); ; {
		got, err := d.Keys.ListKeys(ctx, tenant, kind, actor, p)
		if err != nil {
			return Key{}, err
		}
		for _, k := range got.Items {
			if k.ID == id {
				return k, nil
			}
		}
		if p.After = got.Next; p.After == "" {
			return Key{}, fault.New(fault.NotFound, "there is no key %q", id)
		}
	}
}
