package transit

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/hashicorp/vault/api"

	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/internal/fault"
)

// Provider is the WrappedKey.Provider of what a Sealer wraps.
const Provider = "transit"

// NewKey has Vault make a data key and wrap it for b.
func (s *Sealer) NewKey(ctx context.Context, b credentials.Binding) (credentials.DataKey, credentials.WrappedKey, error) {
	if err := s.ready(ctx); err != nil {
		return credentials.DataKey{}, credentials.WrappedKey{}, err
	}
	return s.newKey(ctx, b)
}

func (s *Sealer) newKey(ctx context.Context, b credentials.Binding) (credentials.DataKey, credentials.WrappedKey, error) {
	name := s.config.keyName(b.Environment)
	answer, err := s.write(ctx, "datakey/plaintext/"+name, map[string]any{"context": contextOf(b), "bits": 256})
	if err != nil {
		return credentials.DataKey{}, credentials.WrappedKey{}, s.unmade(err, name)
	}
	key, err := dataKey(answer)
	if err != nil {
		return credentials.DataKey{}, credentials.WrappedKey{}, err
	}
	w, err := wrappedKey(name, answer)
	return key, w, err
}

// Unwrap has Vault unwrap a data key that was wrapped for b.
func (s *Sealer) Unwrap(ctx context.Context, b credentials.Binding, w credentials.WrappedKey) (credentials.DataKey, error) {
	if err := s.ours(b, w); err != nil {
		return credentials.DataKey{}, err
	}
	if err := s.ready(ctx); err != nil {
		return credentials.DataKey{}, err
	}
	return s.unwrap(ctx, b, w)
}

func (s *Sealer) unwrap(ctx context.Context, b credentials.Binding, w credentials.WrappedKey) (credentials.DataKey, error) {
	answer, err := s.write(ctx, "decrypt/"+w.Name, map[string]any{"context": contextOf(b), "ciphertext": w.Text})
	if status(err) == http.StatusBadRequest {
		return credentials.DataKey{}, s.unreadable(err, w)
	}
	if err != nil {
		return credentials.DataKey{}, s.unavailable(err)
	}
	return dataKey(answer)
}

// Rewrap has Vault wrap the same data key under the newest version of its key.
// The data key does not leave Vault. The policy of a server does not grant it;
// see [RewrapPolicy].
func (s *Sealer) Rewrap(ctx context.Context, b credentials.Binding, w credentials.WrappedKey) (credentials.WrappedKey, error) {
	if err := s.ours(b, w); err != nil {
		return credentials.WrappedKey{}, err
	}
	if err := s.ready(ctx); err != nil {
		return credentials.WrappedKey{}, err
	}
	answer, err := s.write(ctx, "rewrap/"+w.Name, map[string]any{"context": contextOf(b), "ciphertext": w.Text})
	if status(err) == http.StatusBadRequest {
		return credentials.WrappedKey{}, s.unreadable(err, w)
	}
	if err != nil {
		return credentials.WrappedKey{}, s.unavailable(err)
	}
	return wrappedKey(w.Name, answer)
}

// ours refuses what this Sealer cannot have wrapped for b. The name goes into a
// path of Vault's API, so it is compared, never trusted.
func (s *Sealer) ours(b credentials.Binding, w credentials.WrappedKey) error {
	switch {
	case w.Provider != Provider:
		return fault.New(credentials.ErrNotOurs, "this credential was sealed with %q, and this server uses Vault", w.Provider).
			WithFix("An operator can configure the sealer that it was sealed with.")
	case !s.config.Environments.Contains(b.Environment):
		return fault.New(credentials.ErrNotOurs, "this credential was sealed for the environment %q, which is not configured", string(b.Environment))
	case w.Name != s.config.keyName(b.Environment):
		return fault.New(credentials.ErrNotOurs, "this credential was sealed with the Transit key %q, not with the one of its environment", w.Name).
			WithFix("An operator can compare vault.key_prefix with what it was.")
	case !strings.HasPrefix(w.Text, "vault:v"+strconv.Itoa(w.Version)+":"):
		return fault.New(credentials.ErrNotOurs, "this credential cannot be opened with the current key")
	}
	return nil
}

// unmade returns the fault for a data key that Vault did not make.
func (s *Sealer) unmade(err error, name string) error {
	if status(err) == http.StatusBadRequest || status(err) == http.StatusNotFound {
		return denied(err, "Vault makes no data key with %s", name).WithFix("Run `%s`.", s.createCommand(name))
	}
	return s.unavailable(err)
}

func contextOf(b credentials.Binding) string {
	return base64.StdEncoding.EncodeToString(b.Context())
}

var errAnswer = errors.New("the answer is not that of a Transit engine")

// dataKey reads a data key from the "plaintext" of an answer.
func dataKey(answer *api.Secret) (credentials.DataKey, error) {
	var key credentials.DataKey
	text, _ := field(answer, "plaintext").(string)
	plain, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(plain) != len(key) {
		return key, fault.Wrap(fault.SealerUnavailable, errAnswer, "Vault did not answer with a data key")
	}
	copy(key[:], plain)
	clear(plain)
	return key, nil
}

// wrappedKey reads a wrapped key, "vault:v<version>:…", from an answer.
func wrappedKey(name string, answer *api.Secret) (credentials.WrappedKey, error) {
	text, _ := field(answer, "ciphertext").(string)
	rest, _ := strings.CutPrefix(text, "vault:v")
	digits, _, ok := strings.Cut(rest, ":")
	version, err := strconv.Atoi(digits)
	if !ok || err != nil || version < 1 {
		return credentials.WrappedKey{}, fault.Wrap(fault.SealerUnavailable, errAnswer, "Vault did not answer with a wrapped key")
	}
	return credentials.WrappedKey{Provider: Provider, Name: name, Version: version, Text: text}, nil
}

func field(answer *api.Secret, name string) any {
	if answer == nil {
		return nil
	}
	return answer.Data[name]
}
