package credentials

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

const redacted = "[redacted]"

// A Secret is unsealed material in memory. It prints as [redacted] under every
// verb and refuses to be marshalled; only this package can read it.
//
// The text is behind a pointer because fmt cannot call methods on unexported
// fields: a struct that keeps a Secret in one prints an address, not the text.
type Secret struct{ text *string }

// NewSecret returns text as a Secret.
func NewSecret(text string) Secret { return Secret{&text} }

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s.text == nil || *s.text == "" }

// Equal reports whether two secrets are the same, in constant time for secrets
// of one length.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.reveal()), []byte(other.reveal())) == 1
}

// reveal returns the text. What it returns goes onto a request or into an
// envelope and nowhere else.
func (s Secret) reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

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
	var text *string
	if err := json.Unmarshal(b, &text); err != nil || text == nil {
		return errors.New("a secret must be a JSON string")
	}
	s.text = text
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

// sortedNames returns all names, those of empty secrets too.
func sortedNames(s Secrets) []string { return slices.Sorted(maps.Keys(s)) }
