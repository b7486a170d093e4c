package transit

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/sony/gobreaker/v2"
	"golang.org/x/sync/singleflight"

	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/fault"
)

// A Sealer wraps data keys with a Vault Transit engine. It is safe for
// concurrent use; Close ends what it does in the background.
type Sealer struct {
	config    Config
	client    *api.Client
	transport *http.Transport
	breaker   *gobreaker.CircuitBreaker[any]
	session   *session
	flights   singleflight.Group

	mu       sync.Mutex
	prepared bool
	refused  error     // why preparing failed for good, until retry
	retry    time.Time // when a refused preparation is tried again
	canaries map[environments.Name]canary
}

// refusedPause is how long a refusal is repeated without asking Vault again:
// what an operator has to mend is not mended faster by asking.
const refusedPause = 5 * time.Second

// Open returns a Sealer. A Vault that refuses us, or is not set up as Wayleave
// needs it, is an error that says what to do. One that is away is none: the
// Sealer is unavailable until Vault is back, and finishes opening then.
func Open(ctx context.Context, c Config) (*Sealer, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	client, transport, err := newClient(c)
	if err != nil {
		return nil, err
	}
	s := &Sealer{config: c, client: client, transport: transport, breaker: newBreaker()}
	s.session = newSession(s)
	if err := s.ready(ctx); err != nil {
		if errors.Is(err, credentials.ErrDenied) || !errors.Is(err, fault.SealerUnavailable) {
			s.Close()
			return nil, err
		}
		c.Log.Warn().Err(err).Msg("Vault is not available yet; credentials cannot be opened until it is")
	}
	return s, nil
}

// Close ends what the Sealer does in the background. It must not be used
// afterwards.
func (s *Sealer) Close() {
	s.session.close()
	s.transport.CloseIdleConnections()
}

// ready finishes opening the Sealer if that is still to be done.
func (s *Sealer) ready(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return s.ended(err)
	}
	s.mu.Lock()
	prepared, refused := s.prepared, s.refused
	if time.Now().After(s.retry) {
		refused = nil
	}
	s.mu.Unlock()
	if prepared || refused != nil {
		return refused
	}
	done := s.flights.DoChan("prepare", func() (any, error) {
		return nil, s.prepareOnce(context.WithoutCancel(ctx))
	})
	select {
	case r := <-done:
		return r.Err
	case <-ctx.Done():
		return s.ended(ctx.Err())
	}
}

// ended is the failure of a caller whose context has ended.
func (s *Sealer) ended(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return s.away(err, "Vault did not answer in time")
}

// prepareOnce prepares and keeps what came of it.
func (s *Sealer) prepareOnce(ctx context.Context) error {
	s.mu.Lock()
	prepared := s.prepared
	s.mu.Unlock()
	if prepared {
		return nil
	}
	canaries, err := s.prepare(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.prepared, s.canaries, s.refused = true, canaries, nil
		return nil
	}
	if errors.Is(err, credentials.ErrDenied) {
		s.refused, s.retry = err, time.Now().Add(refusedPause)
	}
	return err
}

// write sends one request to the Transit engine. On a 403 it logs in anew and
// tries once more: a token that ended and a policy that refuses look alike.
func (s *Sealer) write(ctx context.Context, path string, data map[string]any) (*api.Secret, error) {
	path = s.config.Mount + "/" + path
	return s.authorized(ctx, path, func(ctx context.Context) (*api.Secret, error) {
		return s.client.Logical().WriteWithContext(ctx, path, data)
	})
}

// read reads a path of the Transit engine; it is nil where Vault has nothing.
func (s *Sealer) read(ctx context.Context, path string) (*api.Secret, error) {
	path = s.config.Mount + "/" + path
	return s.authorized(ctx, path, func(ctx context.Context) (*api.Secret, error) {
		return s.client.Logical().ReadWithContext(ctx, path)
	})
}

func (s *Sealer) authorized(ctx context.Context, path string, request func(context.Context) (*api.Secret, error)) (*api.Secret, error) {
	login := s.session.current()
	answer, err := guarded(s, func() (*api.Secret, error) { return request(ctx) })
	if status(err) != http.StatusForbidden || !s.session.worthAnother(path) {
		return answer, err
	}
	if err := s.session.renew(ctx, login); err != nil {
		return nil, err
	}
	answer, err = guarded(s, func() (*api.Secret, error) { return request(ctx) })
	s.session.note(path, status(err) == http.StatusForbidden)
	return answer, err
}

// guarded sends a request unless Vault was away a moment ago.
func guarded[T any](s *Sealer, request func() (T, error)) (T, error) {
	var answer T
	_, err := s.breaker.Execute(func() (any, error) {
		var err error
		answer, err = request()
		return nil, err
	})
	return answer, err
}
