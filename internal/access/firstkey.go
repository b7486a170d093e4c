package access

import (
	"context"
	"time"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/ids"
	"github.com/wayleave/wayleave/internal/page"
)

// firstTenant is the name of the tenant that a first start makes.
const firstTenant = "default"

// otherReplica is how long another replica that is starting, too, is given to
// make the first key.
const otherReplica = 3 * time.Second

// FirstKey makes the first tenant and its system administrator key if there is
// no administrator key yet; made tells whether it did.
//
// Of replicas that start together one makes the tenant, whose name is unique,
// and the key. A start that was cut off between the two is made good by the
// next.
func (d *Directory) FirstKey(ctx context.Context) (key IssuedKey, made bool, err error) {
	n, err := d.Keys.CountAdminKeys(ctx)
	if err != nil || n > 0 {
		return IssuedKey{}, false, err
	}
	t := Tenant{ID: ids.New(ids.Tenant), Name: firstTenant, CreatedAt: d.now()}
	err = d.Tenants.CreateTenant(ctx, t)
	if fault.Is(err, fault.Conflict) {
		if made, err := d.keyAppears(ctx); err != nil || made {
			return IssuedKey{}, false, err
		}
		t, err = d.tenantNamed(ctx, firstTenant)
	}
	if err != nil {
		return IssuedKey{}, false, err
	}
	key, err = d.IssueAdminKey(ctx, t.ID, "system administrator", System, time.Time{})
	return key, err == nil, err
}

// keyAppears waits for the replica that made the first tenant to make its key.
func (d *Directory) keyAppears(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, otherReplica)
	defer cancel()
	tick := time.NewTicker(otherReplica / 10)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return false, nil
		case <-tick.C:
			if n, err := d.Keys.CountAdminKeys(ctx); err == nil && n > 0 {
				return true, nil
			}
		}
	}
}

func (d *Directory) tenantNamed(ctx context.Context, name string) (Tenant, error) {
	for p := (page.Request{Limit: page.MaxLimit}); ; {
		got, err := d.Tenants.ListTenants(ctx, p)
		if err != nil {
			return Tenant{}, err
		}
		for _, t := range got.Items {
			if t.Name == name {
				return t, nil
			}
		}
		if p.After = got.Next; p.After == "" {
			return Tenant{}, fault.New(fault.NotFound, "there is no tenant %q", name)
		}
	}
}
