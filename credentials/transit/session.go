package transit

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/vault/api"
	"golang.org/x/sync/singleflight"

	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/internal/fault"
)

// A session keeps the client's token alive. Vault's LifetimeWatcher renews it
// while it can be renewed; when that ends, or Vault refuses the token, the
// session logs in anew, once for everybody who waits.
type session struct {
	sealer *Sealer
	ctx    context.Context // ends with the session
	cancel context.CancelFunc
	tasks  sync.WaitGroup
	flight singleflight.Group

	mu      sync.Mutex
	logins  uint64               // how many there were
	watcher *api.LifetimeWatcher // of the current token; nil when it does not end
	refused map[string]time.Time // paths that a fresh token was refused, and until when that is believed
}

func newSession(s *Sealer) *session {
	ctx, cancel := context.WithCancel(context.Background())
	return &session{sealer: s, ctx: ctx, cancel: cancel, refused: map[string]time.Time{}}
}

func (n *session) close() {
	n.cancel()
	n.mu.Lock()
	if n.watcher != nil {
		n.watcher.Stop()
	}
	n.mu.Unlock()
	n.tasks.Wait()
}

// current returns the number of the login that requests use now.
func (n *session) current() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.logins
}

// worthAnother reports whether a 403 for a path may be the token's doing, rather
// than that of the policy.
func (n *session) worthAnother(path string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return time.Now().After(n.refused[path])
}

// note keeps whether a fresh token was refused a path.
func (n *session) note(path string, refused bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if refused {
		n.refused[path] = time.Now().Add(refusedPause)
		return
	}
	delete(n.refused, path)
}

// renew logs in anew unless that was done since the given login. A caller that
// gives up leaves the login on its way for the others.
func (n *session) renew(ctx context.Context, since uint64) error {
	done := n.flight.DoChan("login", func() (any, error) {
		if n.current() != since {
			return nil, nil
		}
		return nil, n.login(context.WithoutCancel(ctx))
	})
	select {
	case r := <-done:
		return r.Err
	case <-ctx.Done():
		return n.sealer.ended(ctx.Err())
	}
}

// login gets a token and has it watched.
func (n *session) login(ctx context.Context) error {
	auth, err := n.authenticate(ctx)
	if err != nil {
		return err
	}
	n.sealer.client.SetToken(auth.ClientToken)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.logins++
	if n.watcher != nil {
		n.watcher.Stop()
		n.watcher = nil
	}
	if auth.LeaseDuration <= 0 || n.ctx.Err() != nil {
		return nil // a token that does not end, or a session that did
	}
	n.watcher, err = n.sealer.client.NewLifetimeWatcher(&api.LifetimeWatcherInput{Secret: &api.Secret{Auth: auth}})
	if err != nil {
		return fault.Wrap(fault.Internal, err, "the Vault token cannot be watched")
	}
	n.tasks.Add(1)
	go n.watch(n.watcher, n.logins)
	return nil
}

// authenticate returns a token by the configured method.
func (n *session) authenticate(ctx context.Context) (*api.SecretAuth, error) {
	if n.sealer.config.Auth.Method == AppRole {
		return n.appRole(ctx)
	}
	return n.token(ctx)
}

func (n *session) appRole(ctx context.Context) (*api.SecretAuth, error) {
	a := n.sealer.config.Auth
	secretID, err := given(a.SecretID, a.SecretIDFile, "vault.secret_id_file")
	if err != nil {
		return nil, err
	}
	answer, err := guarded(n.sealer, func() (*api.Secret, error) {
		return n.sealer.client.Logical().WriteWithContext(ctx, "auth/"+a.Mount+"/login", map[string]any{"role_id": a.RoleID, "secret_id": secretID})
	})
	switch code := status(err); {
	case code == 400 || code == 403 || code == 404 || says(err, "invalid secret id"): // which some versions answer with 500
		return nil, denied(err, "Vault refuses the AppRole login").
			WithFix("Compare vault.role_id with `vault read auth/%s/role/wayleave/role-id`, and get a new secret id: `vault write -f auth/%s/role/wayleave/secret-id`.", a.Mount, a.Mount)
	case err != nil:
		return nil, n.sealer.unavailable(err)
	case answer == nil || answer.Auth == nil:
		return nil, n.sealer.away(errAnswer, "Vault did not answer the login with a token")
	}
	return answer.Auth, nil
}

// token looks the configured token up, to know whether and when it ends.
func (n *session) token(ctx context.Context) (*api.SecretAuth, error) {
	a := n.sealer.config.Auth
	token, err := given(a.Token, a.TokenFile, "vault.token_file")
	if err != nil {
		return nil, err
	}
	n.sealer.client.SetToken(token)
	answer, err := guarded(n.sealer, func() (*api.Secret, error) {
		return n.sealer.client.Auth().Token().LookupSelfWithContext(ctx)
	})
	switch {
	case status(err) == 403:
		return nil, denied(err, "Vault refuses the token").
			WithFix("Make a new one: `vault token create -policy=wayleave -period=24h`.")
	case err != nil:
		return nil, n.sealer.unavailable(err)
	}
	ttl, err1 := answer.TokenTTL()
	renewable, err2 := answer.TokenIsRenewable()
	if err := errors.Join(err1, err2); err != nil {
		return nil, n.sealer.away(err, "Vault did not answer with what it knows of the token")
	}
	return &api.SecretAuth{ClientToken: token, Renewable: renewable, LeaseDuration: int(ttl / time.Second)}, nil
}

// given returns a value or the content of its file.
func given(value, file, key string) (string, error) {
	if file == "" {
		return value, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", denied(err, "%s cannot be read", key)
	}
	text := strings.TrimSpace(string(b))
	if text == "" {
		return "", denied(nil, "%s is empty", key)
	}
	return text, nil
}

// watch renews a token until it ends, then logs in anew.
func (n *session) watch(w *api.LifetimeWatcher, login uint64) {
	defer n.tasks.Done()
	go w.Start()
	defer w.Stop()
	began := time.Now()
	for {
		select {
		case <-n.ctx.Done():
			return
		case <-w.RenewCh():
			n.sealer.config.Log.Debug().Msg("renewed the Vault token")
		case err := <-w.DoneCh():
			// A token close to its end is done with at once, also the one that a
			// file goes on to give.
			if n.pause(minWatch-time.Since(began)) && n.current() == login {
				n.sealer.config.Log.Info().Err(err).Msg("the Vault token ends; logging in again")
				n.relogin(login)
			}
			return
		}
	}
}

// minWatch is the shortest time between two logins that no request asked for.
const minWatch = time.Second

// pause waits, and reports whether the session is still wanted then.
func (n *session) pause(d time.Duration) bool {
	select {
	case <-n.ctx.Done():
		return false
	case <-time.After(d):
		return n.ctx.Err() == nil
	}
}

// relogin logs in anew, patiently. Requests that meet the ended token log in on
// their own account meanwhile.
func (n *session) relogin(login uint64) {
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		err := n.renew(n.ctx, login)
		if err == nil {
			return
		}
		if errors.Is(err, credentials.ErrDenied) {
			n.sealer.config.Log.Error().Err(err).Msg("Vault refuses to log in")
		}
		if !n.pause(wait) {
			return
		}
	}
}
