package transit

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/sony/gobreaker/v2"

	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/internal/fault"
)

// status returns the HTTP status that Vault refused a request with, 0 when there
// was no answer at all. It is 0 for a failure that was told already, too: that a
// login was answered with 400 says nothing of the request that needed it.
func status(err error) int {
	var re *api.ResponseError
	if !told(err) && errors.As(err, &re) {
		return re.StatusCode
	}
	return 0
}

// told reports whether a failure is a fault already.
func told(err error) bool {
	var f *fault.Error
	return errors.As(err, &f)
}

// says reports whether Vault's answer holds a text. Texts differ between
// versions: they choose between messages, never between outcomes that matter.
func says(err error, text string) bool {
	var re *api.ResponseError
	return errors.As(err, &re) && strings.Contains(strings.Join(re.Errors, "\n"), text)
}

// answered reports whether Vault is up, which is what the breaker asks. A
// refusal is an answer; a sealed Vault (503) is none.
func answered(err error) bool {
	code := status(err)
	return err == nil || code >= 400 && code < 500
}

// gaveUp reports that the caller, not Vault, ended a request.
func gaveUp(err error) bool { return errors.Is(err, context.Canceled) }

// unavailable returns the fault for a request that Vault did not carry out,
// whatever it was.
func (s *Sealer) unavailable(err error) error {
	switch {
	case told(err):
		return err
	case gaveUp(err):
		return context.Canceled
	case errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests):
		return s.away(err, "Vault could not be reached a moment ago")
	}
	switch code := status(err); {
	case code == 0:
		return s.away(err, "Vault does not answer")
	case code == http.StatusServiceUnavailable && says(err, "sealed"):
		return s.away(err, "Vault is sealed").WithFix("An operator can unseal it: `vault operator unseal`.")
	case code == http.StatusTooManyRequests:
		return s.away(err, "Vault asks to slow down")
	case code == http.StatusForbidden:
		return denied(err, "Vault denies access to %s", s.config.Mount).
			WithFix("An operator can write the policy of Wayleave: `vault policy write wayleave …`, see docs/vault.md.")
	case code == http.StatusNotFound:
		return denied(err, "Vault has no secrets engine at %s", s.config.Mount).
			WithFix("Run `vault secrets enable -path=%s transit`.", s.config.Mount)
	case code >= 500:
		return s.away(err, "Vault answers with an error (HTTP %d)", code)
	}
	return denied(err, "Vault refuses the request (HTTP %d)", status(err))
}

// away is a failure that heals when Vault is back.
func (s *Sealer) away(cause error, format string, args ...any) *fault.Error {
	e := fault.Wrap(fault.SealerUnavailable, cause, format, args...)
	e.RetryAfter = breakerPause
	return e
}

// denied is a failure that an operator has to mend.
func denied(cause error, format string, args ...any) *fault.Error {
	return fault.Wrap(fault.SealerUnavailable, errors.Join(credentials.ErrDenied, cause), format, args...)
}

// errTooOld marks, below ErrNotOurs, a key version below min_decryption_version.
var errTooOld = errors.New("the version of the Transit key is too old")

// unreadable returns the fault for a wrapped key that Vault does not open (HTTP
// 400): it is not ours, or the key that wrapped it is missing.
func (s *Sealer) unreadable(err error, w credentials.WrappedKey) error {
	switch {
	case says(err, "not found"):
		return denied(err, "the Transit key %s is missing in Vault", w.Name).WithFix("Restore the key from a backup of Vault. A new one cannot open what the old one sealed.")
	case says(err, "too old"):
		return fault.Wrap(credentials.ErrNotOurs, errors.Join(errTooOld, err), "the key version is too old: Vault no longer decrypts version %d of %s", w.Version, w.Name).
			WithFix("Run `vault write %s/keys/%s/config min_decryption_version=%d`, rewrap the credentials, then raise it again.", s.config.Mount, w.Name, w.Version)
	}
	return fault.Wrap(credentials.ErrNotOurs, err, "this credential cannot be opened with the current key")
}

// breakerPause is how long the breaker stays open before it tries Vault again.
const breakerPause = time.Second

func newBreaker() *gobreaker.CircuitBreaker[any] {
	return gobreaker.NewCircuitBreaker[any](gobreaker.Settings{
		Name:         "vault",
		Timeout:      breakerPause,
		MaxRequests:  1,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 3 },
		IsSuccessful: answered,
		IsExcluded:   gaveUp,
	})
}
