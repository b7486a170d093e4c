package credentials

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/wayleave/wayleave/environments"
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
	out := []byte("wl1")
	for _, part := range []string{b.Tenant, string(b.Environment), b.Record} {
		out = binary.BigEndian.AppendUint16(out, uint16(len(part)))
		out = append(out, part...)
	}
	return out
}

// A DataKey is a 256-bit key that seals one credential. It prints as
// [redacted].
type DataKey [32]byte

// String returns "[redacted]".
func (DataKey) String() string { return redacted }

// Format writes "[redacted]" for every verb.
func (DataKey) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(redacted)) }

// A WrappedKey is a DataKey as it is stored: readable only through the Sealer
// that wrapped it.
type WrappedKey struct {
	Provider string // the Sealer: "local" or "transit"
	Name     string // the wrapping key
	Version  int    // version of the wrapping key
	Text     string // the wrapped key itself
}

// A Sealer makes and unwraps data keys; the wrapping key never leaves it.
//
// Every method honours its context and is safe for concurrent use. A Sealer
// that cannot be reached, is sealed, or refuses us is fault.SealerUnavailable.
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
