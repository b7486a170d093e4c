package store

import (
	"bytes"
	"context"
	"time"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/toolkits"
)

// Idempotency keeps the claims of idempotency keys.
type Idempotency struct{ s *Store }

// Idempotency returns the claims of idempotency keys.
func (s *Store) Idempotency() *Idempotency { return &Idempotency{s} }

// Claim claims a key, or tells what became of it.
func (i *Idempotency) Claim(ctx context.Context, tenant, key string, digest []byte, expires time.Time) (toolkits.Claim, error) {
	var claim toolkits.Claim
	err := i.s.write(ctx, "store.Claim", func(ctx context.Context, t *tx) error {
		if err := indexed(key); err != nil {
			return err
		}
		_, err := t.exec(ctx, `DELETE FROM idempotency_claims WHERE tenant = $1 AND claim = $2 AND expires_at <= $3`,
			tenant, key, i.s.now().UnixMicro())
		if err != nil {
			return err
		}
		// Where another transaction is inserting the key, this waits for it.
		n, err := t.exec(ctx, `
			INSERT INTO idempotency_claims (tenant, claim, digest, state, expires_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (tenant, claim) DO NOTHING`,
			tenant, key, notNil(digest), toolkits.ClaimRunning, expires.UnixMicro())
		if err != nil {
			return refused(err, nil, notFound("tenant", tenant))
		}
		if n == 1 {
			claim = toolkits.Claim{State: toolkits.ClaimNew}
			return nil
		}
		claim, err = claimed(ctx, t.queryer, tenant, key, digest)
		return err
	})
	return claim, err
}

// claimed reads a claim that is there. One that was abandoned a moment ago was
// still being held when it was asked for.
func claimed(ctx context.Context, q queryer, tenant, key string, digest []byte) (toolkits.Claim, error) {
	var stored []byte
	claim, err := get(ctx, q, func(r row) (c toolkits.Claim, err error) {
		err = r.Scan(&c.State, &c.Result, &stored)
		return c, err
	}, `SELECT state, result, digest FROM idempotency_claims WHERE tenant = $1 AND claim = $2`, tenant, key)
	switch {
	case isMissing(err):
		return toolkits.Claim{State: toolkits.ClaimRunning}, nil
	case err != nil:
		return toolkits.Claim{}, err
	case !bytes.Equal(stored, digest):
		return toolkits.Claim{State: toolkits.ClaimDifferent}, nil
	}
	return claim, nil
}

// Finish stores the result of the call under a key.
func (i *Idempotency) Finish(ctx context.Context, tenant, key string, result []byte) error {
	return i.s.write(ctx, "store.Finish", func(ctx context.Context, t *tx) error {
		n, err := t.exec(ctx, `
			UPDATE idempotency_claims SET state = $1, result = $2 WHERE tenant = $3 AND claim = $4 AND state = $5`,
			toolkits.ClaimDone, notNil(result), tenant, key, toolkits.ClaimRunning)
		if err == nil && n == 0 {
			return fault.New(fault.NotFound, "no call is running under this idempotency key")
		}
		return err
	})
}

// Abandon gives up a key that is running.
func (i *Idempotency) Abandon(ctx context.Context, tenant, key string) error {
	return i.s.write(ctx, "store.Abandon", func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `DELETE FROM idempotency_claims WHERE tenant = $1 AND claim = $2 AND state = $3`,
			tenant, key, toolkits.ClaimRunning)
		return err
	})
}

// DeleteClaimsBefore forgets the claims that expired before a time.
func (i *Idempotency) DeleteClaimsBefore(ctx context.Context, before time.Time) (int, error) {
	var n int64
	err := i.s.write(ctx, "store.DeleteClaimsBefore", func(ctx context.Context, t *tx) (err error) {
		n, err = t.exec(ctx, `DELETE FROM idempotency_claims WHERE expires_at < $1`, before.UnixMicro())
		return err
	})
	return int(n), err
}

// notNil returns b as a value that a column which must not be NULL takes.
func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
