package transit

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/hashicorp/vault/api"

	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/fault"
)

// A canary is a data key that shows whether an environment's key works.
type canary struct {
	bind    credentials.Binding
	wrapped credentials.WrappedKey
	key     *credentials.DataKey
}

// prepare checks that Vault is as Wayleave needs it, and makes the canaries.
func (s *Sealer) prepare(ctx context.Context) (map[environments.Name]canary, error) {
	if err := s.checkServer(ctx); err != nil {
		return nil, err
	}
	if err := s.session.renew(ctx, s.session.current()); err != nil {
		return nil, err
	}
	canaries := make(map[environments.Name]canary, len(s.config.Environments))
	for _, env := range s.config.Environments {
		if err := s.checkKey(ctx, s.config.keyName(env)); err != nil {
			return nil, err
		}
		c, err := s.newCanary(ctx, env)
		if err != nil {
			return nil, err
		}
		canaries[env] = c
	}
	return canaries, nil
}

// checkServer asks sys/health, which needs no token and proves none.
func (s *Sealer) checkServer(ctx context.Context) error {
	health, err := guarded(s, func() (*api.HealthResponse, error) {
		return s.client.Sys().HealthWithContext(ctx)
	})
	switch {
	case err != nil:
		return s.unavailable(err)
	case !health.Initialized:
		return s.away(nil, "Vault is not initialised").WithFix("Run `vault operator init`.")
	case health.Sealed:
		return s.away(nil, "Vault is sealed").WithFix("An operator can unseal it: `vault operator unseal`.")
	case s.config.Namespace != "" && !health.Enterprise:
		// It would answer from its root namespace without a word.
		return denied(nil, "this Vault has no namespaces and would silently ignore %q", s.config.Namespace).
			WithFix("Remove vault.namespace, or use Vault Enterprise.")
	}
	return nil
}

// checkKey refuses a key that would seal less well than promised.
func (s *Sealer) checkKey(ctx context.Context, name string) error {
	answer, err := s.read(ctx, "keys/"+name)
	switch {
	case status(err) == http.StatusForbidden:
		return denied(err, "Vault denies reading the Transit key %s", name).
			WithFix("An operator can write the policy of Wayleave: `vault policy write wayleave …`, see docs/vault.md.")
	case err != nil:
		return s.unavailable(err)
	case answer == nil:
		return denied(nil, "there is no Transit key %s in Vault", name).
			WithFix("Run `%s`; if there is no secrets engine at %s yet, run `vault secrets enable -path=%s transit` first.", s.createCommand(name), s.config.Mount, s.config.Mount)
	}
	for _, rule := range []struct {
		broken bool
		text   string
	}{
		{field(answer, "type") != "aes256-gcm96", "is not of the type aes256-gcm96"},
		{field(answer, "derived") != true, "is not derived, so it would not bind credentials to their records"},
		{field(answer, "convergent_encryption") == true, "encrypts convergently, which shows which credentials are equal"},
		{field(answer, "exportable") == true, "is exportable, so it could leave Vault"},
		{field(answer, "allow_plaintext_backup") == true, "allows plaintext backups, so it could leave Vault"},
	} {
		if rule.broken {
			return denied(nil, "the Transit key %s %s", name, rule.text).
				WithFix("This cannot be changed in a key. Set vault.key_prefix to another prefix and create its keys, such as `%s`.", s.createCommand("other-"+name))
		}
	}
	return nil
}

// createCommand returns the command that creates a key as Wayleave needs it.
func (s *Sealer) createCommand(name string) string {
	return fmt.Sprintf("vault write %s/keys/%s type=aes256-gcm96 derived=true", s.config.Mount, name)
}

func (s *Sealer) newCanary(ctx context.Context, env environments.Name) (canary, error) {
	c := canary{bind: credentials.Binding{Environment: env, Record: "canary"}}
	key, wrapped, err := s.newKey(ctx, c.bind)
	c.key, c.wrapped = &key, wrapped
	return c, err
}

// Check unwraps a data key of each environment that was wrapped when the Sealer
// was opened: it proves server, token, policy and key at once, where sys/health
// proves neither token nor policy.
func (s *Sealer) Check(ctx context.Context) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	for _, env := range s.config.Environments {
		if err := s.checkCanary(ctx, env); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sealer) checkCanary(ctx context.Context, env environments.Name) error {
	s.mu.Lock()
	c := s.canaries[env]
	s.mu.Unlock()
	key, err := s.unwrap(ctx, c.bind, c.wrapped)
	switch {
	case errors.Is(err, errTooOld):
		// Rotated and raised since: that is as it should be.
		return s.replaceCanary(ctx, env)
	case errors.Is(err, credentials.ErrNotOurs):
		return denied(err, "the Transit key %s no longer opens what it wrapped", c.wrapped.Name).
			WithFix("Restore the key from a backup of Vault. A new one cannot open what the old one sealed.")
	case err != nil:
		return err
	case key != *c.key:
		return fault.New(fault.SealerUnavailable, "Vault does not return what it wrapped with %s", c.wrapped.Name)
	}
	return nil
}

func (s *Sealer) replaceCanary(ctx context.Context, env environments.Name) error {
	c, err := s.newCanary(ctx, env)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.canaries[env] = c
	s.mu.Unlock()
	return nil
}
