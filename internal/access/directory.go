package access

import (
	"context"
	"strings"
	"time"
	"unicode"

	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/ids"
	"github.com/wayleave/wayleave/internal/page"
)

// A Directory administers tenants, agents, workflows and keys.
type Directory struct {
	Tenants      Tenants
	Actors       Actors
	Keys         Keys
	Environments environments.Set
	Changed      func()           // called after a change, so that replicas hear of it soon; may be nil
	Now          func() time.Time // defaults to time.Now
}

// An IssuedKey is a new key: its record, and the key itself, which is not
// stored and cannot be shown again.
type IssuedKey struct {
	Key
	Secret string
}

// maxName bounds the names that people give, in characters.
const maxName = 120

// CheckName returns an InvalidInput fault unless name can name a record: 1 to
// 120 printable characters, no spaces at the ends.
func CheckName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return fault.New(fault.InvalidInput, "a name is needed").WithFix("Give a name of 1 to %d characters.", maxName)
	case len([]rune(name)) > maxName:
		return fault.New(fault.InvalidInput, "the name is longer than %d characters", maxName)
	case strings.TrimSpace(name) != name:
		return fault.New(fault.InvalidInput, "the name begins or ends with a space")
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fault.New(fault.InvalidInput, "the name contains a character that does not print")
	}
	return nil
}

// CreateTenant makes a tenant and its first administrator key.
func (d *Directory) CreateTenant(ctx context.Context, name string) (Tenant, IssuedKey, error) {
	if err := CheckName(name); err != nil {
		return Tenant{}, IssuedKey{}, err
	}
	t := Tenant{ID: ids.New(ids.Tenant), Name: name, CreatedAt: d.now()}
	if err := d.Tenants.CreateTenant(ctx, t); err != nil {
		return Tenant{}, IssuedKey{}, err
	}
	key, err := d.IssueAdminKey(ctx, t.ID, "first administrator", Admin, time.Time{})
	return t, key, err
}

// IssueAdminKey makes a key that administers a tenant. A zero expires means
// never.
func (d *Directory) IssueAdminKey(ctx context.Context, tenant, name string, role Role, expires time.Time) (IssuedKey, error) {
	if err := CheckName(name); err != nil {
		return IssuedKey{}, err
	}
	if !role.Includes(Viewer) {
		return IssuedKey{}, fault.New(fault.InvalidInput, "there is no administrative role %q", string(role)).
			WithFix("Use one of: viewer, operator, admin, system.")
	}
	return d.issue(ctx, Key{Tenant: tenant, Kind: KindAdmin, Name: name, Role: role, ExpiresAt: expires,
		Grant: Grant{Environments: d.Environments, ReadOnly: role == Viewer}})
}

// CreateActor makes an agent or workflow and its first key.
func (d *Directory) CreateActor(ctx context.Context, tenant string, kind Kind, name string, g Grant, expires time.Time) (Actor, IssuedKey, error) {
	if err := CheckName(name); err != nil {
		return Actor{}, IssuedKey{}, err
	}
	if err := d.checkGrant(g); err != nil {
		return Actor{}, IssuedKey{}, err
	}
	if err := d.checkEnd(expires); err != nil { // before there is an actor that no key belongs to
		return Actor{}, IssuedKey{}, err
	}
	prefix := ids.Agent
	if kind == KindWorkflow {
		prefix = ids.Workflow
	}
	now := d.now()
	a := Actor{ID: ids.New(prefix), Tenant: tenant, Kind: kind, Name: name, CreatedAt: now, UpdatedAt: now, Version: 1}
	if err := d.Actors.CreateActor(ctx, a); err != nil {
		return Actor{}, IssuedKey{}, err
	}
	key, err := d.issue(ctx, Key{Tenant: tenant, Kind: kind, Actor: a.ID, Name: name, Role: Caller, Grant: g, ExpiresAt: expires})
	return a, key, err
}

// IssueActorKey makes a further key of an agent or workflow.
func (d *Directory) IssueActorKey(ctx context.Context, tenant string, kind Kind, actor string, g Grant, expires time.Time) (IssuedKey, error) {
	if err := d.checkGrant(g); err != nil {
		return IssuedKey{}, err
	}
	a, err := d.Actors.Actor(ctx, tenant, kind, actor)
	if err != nil {
		return IssuedKey{}, err
	}
	return d.issue(ctx, Key{Tenant: tenant, Kind: kind, Actor: a.ID, Name: a.Name, Role: Caller, Grant: g, ExpiresAt: expires})
}

// RenameActor changes the name of an agent or workflow. A version other than 0
// must be the stored one.
func (d *Directory) RenameActor(ctx context.Context, tenant string, kind Kind, id, name string, version int64) (Actor, error) {
	if err := CheckName(name); err != nil {
		return Actor{}, err
	}
	a, err := d.Actors.Actor(ctx, tenant, kind, id)
	if err != nil {
		return Actor{}, err
	}
	if version != 0 {
		a.Version = version
	}
	a.Name, a.UpdatedAt = name, d.now()
	if err := d.Actors.UpdateActor(ctx, a); err != nil {
		return Actor{}, err
	}
	a.Version++
	d.changed()
	return a, nil
}

// DeleteActor removes an agent or workflow; its keys stop working everywhere
// within a second.
func (d *Directory) DeleteActor(ctx context.Context, tenant string, kind Kind, id string) error {
	if err := d.Actors.DeleteActor(ctx, tenant, kind, id); err != nil {
		return err
	}
	d.changed()
	return nil
}

// RevokeKey ends a key; it stops working everywhere within a second.
func (d *Directory) RevokeKey(ctx context.Context, tenant, id string) error {
	if err := d.Keys.RevokeKey(ctx, tenant, id); err != nil {
		return err
	}
	d.changed()
	return nil
}

// ListKeys lists the keys of an agent or workflow, or with actor empty the
// administrative ones.
func (d *Directory) ListKeys(ctx context.Context, tenant string, kind Kind, actor string, p page.Request) (page.Page[Key], error) {
	if actor != "" {
		if _, err := d.Actors.Actor(ctx, tenant, kind, actor); err != nil {
			return page.Page[Key]{}, err
		}
	}
	return d.Keys.ListKeys(ctx, tenant, kind, actor, p)
}

func (d *Directory) issue(ctx context.Context, k Key) (IssuedKey, error) {
	if err := d.checkEnd(k.ExpiresAt); err != nil {
		return IssuedKey{}, err
	}
	secret, hash, hint := newSecretKey(k.Kind)
	k.ID, k.Hash, k.Hint, k.CreatedAt = ids.New(ids.Key), hash, hint, d.now()
	if err := d.Keys.CreateKey(ctx, k); err != nil {
		return IssuedKey{}, err
	}
	return IssuedKey{Key: k, Secret: secret}, nil
}

// checkEnd refuses an end that has passed.
func (d *Directory) checkEnd(expires time.Time) error {
	if !expires.IsZero() && !expires.After(d.now()) {
		return fault.New(fault.InvalidInput, "the key would already have expired").
			WithFix("Give a time in the future, or leave expires_at out.")
	}
	return nil
}

// checkGrant refuses a grant that reaches nothing or names what cannot exist.
func (d *Directory) checkGrant(g Grant) error {
	if len(g.Environments) == 0 {
		return fault.New(fault.InvalidInput, "the grant names no environment").
			WithFix("Give at least one of: %s.", d.Environments)
	}
	for _, env := range g.Environments {
		if err := d.Environments.Check(env); err != nil {
			return err
		}
	}
	return nil
}

func (d *Directory) changed() {
	if d.Changed != nil {
		d.Changed()
	}
}

func (d *Directory) now() time.Time {
	if d.Now != nil {
		return d.Now().UTC()
	}
	return time.Now().UTC()
}
