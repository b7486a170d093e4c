package server

import (
	"context"
	"errors"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/credentials/localkey"
	"github.com/wayleave/wayleave/credentials/transit"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/redis"
	"github.com/wayleave/wayleave/internal/store"
)

// openBackends opens the records, the tracker and the sealer that the
// configuration names.
func (s *Server) openBackends(ctx context.Context) (err error) {
	if s.store, err = store.Open(ctx, store.Config{URL: s.config.StoreURL, Now: s.config.Now}); err != nil {
		return err
	}
	s.onClose(s.store.Close)
	if s.tracker, err = s.openTracker(ctx); err != nil {
		return err
	}
	s.sealer, err = s.openSealer(ctx)
	return err
}

// openTracker opens Redis if it is configured, and otherwise keeps what is
// tracked in the store.
func (s *Server) openTracker(ctx context.Context) (connections.Tracker, error) {
	if s.config.RedisURL == "" {
		return s.store.Tracker(), nil
	}
	t, err := redis.Open(ctx, redis.Config{URL: s.config.RedisURL, Log: s.config.Log})
	if err != nil {
		return nil, err
	}
	s.onClose(t.Close)
	for _, warning := range t.Warnings(ctx) {
		s.config.Log.Warn().Msg(warning)
	}
	return t, nil
}

// openSealer opens Vault if it is configured, and otherwise the local key ring,
// which the first start makes. Credentials that another Sealer sealed refuse to
// start: with the wrong one they would all fail, one by one.
func (s *Server) openSealer(ctx context.Context) (credentials.Sealer, error) {
	sealed, any, err := s.store.AnySealed(ctx)
	if err != nil {
		return nil, err
	}
	provider := "local"
	if s.config.Vault != nil {
		provider = "transit"
	}
	if any && sealed.Provider != provider {
		return nil, fault.New(fault.SealerUnavailable, "stored credentials were sealed by %q, and the configuration asks for %q", sealed.Provider, provider).
			WithFix("Set or leave out vault.address as it was when they were sealed.")
	}
	if s.config.Vault != nil {
		return s.openVault(ctx)
	}
	ring, err := localkey.Open(ctx, s.config.LocalKey, func(context.Context) ([]string, error) {
		if any {
			return []string{sealed.Name}, nil
		}
		return nil, nil
	})
	if errors.Is(err, localkey.ErrNoRing) {
		s.config.Log.Info().Str("file", s.config.LocalKey).Msg("making the local key ring; keep a copy of it apart from the records")
		return localkey.Create(s.config.LocalKey)
	}
	return ring, err
}

func (s *Server) openVault(ctx context.Context) (credentials.Sealer, error) {
	c := *s.config.Vault
	c.Environments, c.Log = s.config.Environments, s.config.Log
	sealer, err := transit.Open(ctx, c)
	if err != nil {
		return nil, err
	}
	s.onClose(func() error { sealer.Close(); return nil })
	return sealer, nil
}
