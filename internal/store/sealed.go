package store

import (
	"context"

	"github.com/wayleave/wayleave/credentials"
)

// AnySealed returns the wrapped key of some sealed record, of any tenant, for a
// start to try whether its Sealer is the one that sealed. ok is false if nothing
// is sealed.
func (s *Store) AnySealed(ctx context.Context) (key credentials.WrappedKey, ok bool, err error) {
	const columns = "sealed_provider, sealed_key, sealed_key_version, sealed_text"
	err = s.read(ctx, "store.AnySealed", func(ctx context.Context, q queryer) error {
		for _, table := range []string{"auth_configs", "attempts"} {
			key, err = get(ctx, q, scanWrapped, `SELECT `+columns+` FROM `+table+` WHERE sealed_provider IS NOT NULL LIMIT 1`)
			if !isMissing(err) {
				ok = err == nil
				return err
			}
		}
		return nil
	})
	return key, ok, err
}

func scanWrapped(r row) (k credentials.WrappedKey, err error) {
	err = r.Scan(&k.Provider, &k.Name, &k.Version, &k.Text)
	return k, err
}
