package store

import (
	"context"
	"time"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/credentials"
)

const attemptColumns = `id, tenant, app, environment, name, params, scheme, auth_config, config_name,
	fields, hosts, reauthorize, status, failure, message, connection,
	created_at, updated_at, expires_at, version, ` + sealedColumns

// CreateAttempt stores a new attempt, as version 1.
func (s *Store) CreateAttempt(ctx context.Context, a connections.Attempt) error {
	return s.write(ctx, "store.CreateAttempt", func(ctx context.Context, t *tx) error {
		if err := indexed(a.ID); err != nil {
			return err
		}
		values := append([]any{a.ID, a.Tenant, a.App, a.Environment, a.Name, asJSON{a.Params}, a.Scheme,
			a.AuthConfig, a.ConfigName, asJSON{a.Fields}, asJSON{a.Hosts}, a.Reauthorize, a.Status, a.Failure,
			a.Message, a.Connection, asTime(a.CreatedAt), asTime(a.UpdatedAt), asTime(a.ExpiresAt), 1},
			sealedValues(a.Sealed)...)
		_, err := t.exec(ctx, `INSERT INTO attempts (`+attemptColumns+`) VALUES (`+marks(len(values))+`)`, values...)
		return refused(err, nil, notFound("tenant", a.Tenant))
	})
}

// Attempt returns the attempt with the id.
func (s *Store) Attempt(ctx context.Context, tenant, id string) (connections.Attempt, error) {
	var a connections.Attempt
	err := s.read(ctx, "store.Attempt", func(ctx context.Context, q queryer) (err error) {
		a, err = get(ctx, q, scanAttempt,
			`SELECT `+attemptColumns+` FROM attempts WHERE tenant = $1 AND id = $2`, tenant, id)
		if isMissing(err) {
			return notFound("attempt", id)
		}
		return err
	})
	return a, err
}

// UpdateAttempt stores what of an attempt may change: all but its tenant, id,
// app, environment, scheme and when it was made.
func (s *Store) UpdateAttempt(ctx context.Context, a connections.Attempt) error {
	return s.write(ctx, "store.UpdateAttempt", func(ctx context.Context, t *tx) error {
		return t.updateAttempt(ctx, a)
	})
}

func (t *tx) updateAttempt(ctx context.Context, a connections.Attempt) error {
	values := append([]any{a.Tenant, a.ID, a.Version, a.Name, asJSON{a.Params}, a.AuthConfig, a.ConfigName,
		asJSON{a.Fields}, asJSON{a.Hosts}, a.Reauthorize, a.Status, a.Failure, a.Message, a.Connection,
		asTime(a.UpdatedAt), asTime(a.ExpiresAt)}, sealedValues(a.Sealed)...)
	n, err := t.exec(ctx, `
		UPDATE attempts SET version = version + 1, name = $4, params = $5, auth_config = $6, config_name = $7,
			fields = $8, hosts = $9, reauthorize = $10, status = $11, failure = $12, message = $13, connection = $14,
			updated_at = $15, expires_at = $16, sealed_provider = $17, sealed_key = $18,
			sealed_key_version = $19, sealed_text = $20, sealed_serial = $21, sealed_box = $22
		WHERE tenant = $1 AND id = $2 AND version = $3`, values...)
	if err != nil {
		return err
	}
	if n == 0 {
		return t.unmet(ctx, "attempt", a.ID,
			`SELECT 1 FROM attempts WHERE tenant = $1 AND id = $2`, a.Tenant, a.ID)
	}
	return nil
}

// Promote stores what an attempt became, all of it or nothing.
func (s *Store) Promote(ctx context.Context, a connections.Attempt, cfg *credentials.AuthConfig, c connections.Connection) error {
	return s.write(ctx, "store.Promote", func(ctx context.Context, t *tx) error {
		if c.Tenant != a.Tenant {
			return notFound("connection", c.ID)
		}
		if cfg != nil && cfg.Tenant != a.Tenant {
			return notFound("auth config", cfg.ID)
		}
		// The attempt comes first: of two who promote it, one waits here and then
		// finds that its version has gone by.
		done := a
		done.Status, done.Failure, done.Message = connections.AttemptSucceeded, "", ""
		done.Sealed, done.Connection = credentials.Sealed{}, c.ID
		if err := t.updateAttempt(ctx, done); err != nil {
			return err
		}
		if err := t.putAuthConfig(ctx, cfg); err != nil {
			return err
		}
		if c.Version == 0 {
			return t.createConnection(ctx, c)
		}
		return t.updateConnection(ctx, c)
	})
}

// putAuthConfig stores a new or changed auth config; nil is neither.
func (t *tx) putAuthConfig(ctx context.Context, c *credentials.AuthConfig) error {
	switch {
	case c == nil:
		return nil
	case c.Version == 0:
		return t.createAuthConfig(ctx, *c)
	}
	return t.updateAuthConfig(ctx, *c)
}

// DeleteAttemptsBefore forgets the attempts, however they ended, that expired
// before a time.
func (s *Store) DeleteAttemptsBefore(ctx context.Context, before time.Time) (int, error) {
	var n int64
	err := s.write(ctx, "store.DeleteAttemptsBefore", func(ctx context.Context, t *tx) (err error) {
		n, err = t.exec(ctx, `DELETE FROM attempts WHERE expires_at < $1`, before.UnixMicro())
		return err
	})
	return int(n), err
}

func scanAttempt(r row) (a connections.Attempt, err error) {
	var sealed sealedRow
	err = r.Scan(append([]any{&a.ID, &a.Tenant, &a.App, &a.Environment, &a.Name, jsonColumn{&a.Params}, &a.Scheme,
		&a.AuthConfig, &a.ConfigName, jsonColumn{&a.Fields}, jsonColumn{&a.Hosts}, &a.Reauthorize, &a.Status,
		&a.Failure, &a.Message, &a.Connection, timeColumn{&a.CreatedAt}, timeColumn{&a.UpdatedAt},
		timeColumn{&a.ExpiresAt}, &a.Version}, sealed.dest()...)...)
	a.Sealed = sealed.sealed()
	return a, err
}
