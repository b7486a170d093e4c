package credentials

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

const redacted = "[redacted]"

// A Secret is unsealed material in memory. It prints as [redacted] under every
// verb and refuses to be marshalled; only this package can read it.
type Secret struct{ text string }

// NewSecret returns text as a Secret.
func NewSecret(text string) Secret { return Secret{text} }

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s.text == "" }

// String returns "[redacted]".
func (s Secret) String() string { return redacted }

// Format writes "[redacted]" for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

var errNotMarshalled = errors.New("credentials: a secret is never marshalled")

// MarshalJSON always fails.
func (s Secret) MarshalJSON() ([]byte, error) { return nil, errNotMarshalled }

// MarshalText always fails.
func (s Secret) MarshalText() ([]byte, error) { return nil, errNotMarshalled }

// UnmarshalJSON reads a JSON string, which is how secrets come in.
func (s *Secret) UnmarshalJSON(b []byte) error {
	if err := json.Unmarshal(b, &s.text); err != nil {
		return errors.New("a secret must be a JSON string")
	}
	return nil
}

// Secrets are the named secrets of one credential, such as "token" or
// "password".
type Secrets map[string]Secret

// Names returns the names that have a value, sorted.
func (s Secrets) Names() []string {
	names := slices.Sorted(maps.Keys(s))
	return slices.DeleteFunc(names, func(n string) bool { return s[n].IsZero() })
}
