package credentials

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/fault"
)

// A Binding is the place a data key belongs to. A key wrapped for one Binding
// does not unwrap for another.
type Binding struct {
	Tenant      string
	Environment environments.Name
	Record      string // id of the auth config, attempt or connection
}

// Context returns the binding as bytes, each part preceded by its length, so
// that no two bindings share a context.
func (b Binding) Context() []byte {
	out := make([]byte, 0, 128) // with room for what seal adds
	out = append(out, "wl1"...)
	for _, part := range []string{b.Tenant, string(b.Environment), b.Record} {
		out = appendPart(out, part)
	}
	return out
}

// appendPart appends a part preceded by its length, as a uvarint.
func appendPart[T string | []byte](out []byte, part T) []byte {
	out = binary.AppendUvarint(out, uint64(len(part)))
	return append(out, part...)
}

// A DataKey is a 256-bit key that seals one credential. It prints as
// [redacted], but not in an unexported field of another type, where fmt calls no
// methods: a type that keeps one keeps it out of print.
type DataKey [32]byte

// NewDataKey returns a random data key, for Sealers that make their own.
func NewDataKey() DataKey {
	var k DataKey
	_, _ = rand.Read(k[:]) // never fails: crypto/rand ends the process instead
	return k
}

// String returns "[redacted]".
func (DataKey) String() string { return redacted }

// Format writes "[redacted]" for every verb.
func (DataKey) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(redacted)) }

// MarshalJSON always fails.
func (DataKey) MarshalJSON() ([]byte, error) { return nil, errNotMarshalled }

// MarshalText always fails.
func (DataKey) MarshalText() ([]byte, error) { return nil, errNotMarshalled }

// A WrappedKey is a DataKey as it is stored: readable only through the Sealer
// that wrapped it.
type WrappedKey struct {
	Provider string // the Sealer: "local" or "transit"
	Name     string // the wrapping key
	Version  int    // version of the wrapping key, from 1
	Text     string // the wrapped key itself
}

// ErrNotOurs is the failure to open what was tampered with, moved here from
// another record, copied back from an earlier version, or sealed with a key that
// we do not have. Waiting does not heal it.
const ErrNotOurs = fault.CredentialUnreadable

// ErrDenied is the cause, below fault.SealerUnavailable, when a Sealer was
// reached and its policy refuses us. Cached data keys are given up then, where
// they outlast a Sealer that is merely away.
var ErrDenied = errors.New("the sealer denies access")

// A Sealer makes and unwraps data keys; the wrapping key never leaves it.
//
// Every method honours its context and is safe for concurrent use. A Sealer
// that cannot be reached, is sealed, or refuses us ([ErrDenied]) is
// fault.SealerUnavailable; a context that was cancelled is context.Canceled.
// A wrapped key that was tampered with, belongs to another Binding or was
// wrapped by an unknown key is [ErrNotOurs], which waiting does not heal. No
// error holds key material.
type Sealer interface {
	// NewKey makes a data key and wraps it for b.
	NewKey(ctx context.Context, b Binding) (DataKey, WrappedKey, error)
	// Unwrap returns the data key that was wrapped for b.
	Unwrap(ctx context.Context, b Binding, w WrappedKey) (DataKey, error)
	// Rewrap wraps the same data key under the newest wrapping key. The data key
	// itself is not returned and, with Vault, never leaves it.
	Rewrap(ctx context.Context, b Binding, w WrappedKey) (WrappedKey, error)
	// Check proves that keys can be wrapped and unwrapped now, in every
	// environment, by doing it.
	Check(ctx context.Context) error
}
