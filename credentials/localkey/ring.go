package localkey

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/internal/fault"
)

// Provider is the WrappedKey.Provider of what a Ring wraps.
const Provider = "local"

// What HKDF (RFC 5869) derives from a key of the ring: its id, and a key that
// wraps for one Binding.
const (
	infoID   = "wayleave/localkey/id"
	infoWrap = "wayleave/localkey/wrap/"
)

// A Ring is a Sealer whose wrapping keys are in memory. It is immutable and safe
// for concurrent use.
type Ring struct {
	keys []*key // versions 1, 2, …
}

// A key is one wrapping key. It is kept behind a pointer so that printing a Ring
// prints an address.
type key struct {
	material [32]byte
	id       string // 16 hex digits that follow from the material
	version  int
}

func newKey(material [32]byte, version int) *key {
	id, err := hkdf.Key(sha256.New, material[:], nil, infoID, 8)
	if err != nil {
		panic("localkey: " + err.Error()) // only for lengths that SHA-256 cannot give
	}
	return &key{material: material, id: hex.EncodeToString(id), version: version}
}

// newest returns the key that wraps.
func (r *Ring) newest() *key { return r.keys[len(r.keys)-1] }

// Version returns the version of the newest key, from 1.
func (r *Ring) Version() int { return r.newest().version }

// Has reports whether the ring holds the key with an id, which is
// WrappedKey.Name of what it wrapped.
func (r *Ring) Has(id string) bool { return r.find(id) != nil }

func (r *Ring) find(id string) *key {
	for _, k := range r.keys {
		if subtle.ConstantTimeCompare([]byte(k.id), []byte(id)) == 1 {
			return k
		}
	}
	return nil
}

// NewKey makes a data key and wraps it with the newest key.
func (r *Ring) NewKey(ctx context.Context, b credentials.Binding) (credentials.DataKey, credentials.WrappedKey, error) {
	if err := ctx.Err(); err != nil {
		return credentials.DataKey{}, credentials.WrappedKey{}, err
	}
	data := credentials.NewDataKey()
	w, err := r.newest().wrap(b, data)
	return data, w, err
}

// Unwrap returns the data key that was wrapped for b.
func (r *Ring) Unwrap(ctx context.Context, b credentials.Binding, w credentials.WrappedKey) (credentials.DataKey, error) {
	if err := ctx.Err(); err != nil {
		return credentials.DataKey{}, err
	}
	if w.Provider != Provider {
		return credentials.DataKey{}, fault.New(credentials.ErrNotOurs, "this credential was sealed with %q, and this server uses a local key", w.Provider).
			WithFix("An operator can configure the sealer that it was sealed with.")
	}
	k := r.find(w.Name)
	if k == nil {
		return credentials.DataKey{}, fault.New(credentials.ErrNotOurs, "this credential was sealed with the local key %s, which this server does not have", w.Name).
			WithFix("An operator can bring back the key ring that holds it.")
	}
	return k.unwrap(b, w)
}

// Rewrap wraps the same data key with the newest key.
func (r *Ring) Rewrap(ctx context.Context, b credentials.Binding, w credentials.WrappedKey) (credentials.WrappedKey, error) {
	data, err := r.Unwrap(ctx, b, w)
	if err != nil {
		return credentials.WrappedKey{}, err
	}
	defer clear(data[:])
	return r.newest().wrap(b, data)
}

// Check wraps and unwraps a key. Nothing outside the process is involved, so it
// fails only when something is badly wrong.
func (r *Ring) Check(ctx context.Context) error {
	b := credentials.Binding{Record: "check"}
	data, w, err := r.NewKey(ctx, b)
	if err != nil {
		return err
	}
	again, err := r.Unwrap(ctx, b, w)
	if err != nil {
		return err
	}
	if again != data {
		return fault.New(fault.SealerUnavailable, "the local key ring does not return what it wrapped")
	}
	return nil
}

// Format writes how many keys there are, for every verb.
func (r Ring) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "local key ring of %d", len(r.keys)) }

// wrap returns the data key as "local:v<version>:<base64 of nonce and
// ciphertext>".
func (k *key) wrap(b credentials.Binding, data credentials.DataKey) (credentials.WrappedKey, error) {
	aead, err := k.aead(b)
	if err != nil {
		return credentials.WrappedKey{}, err
	}
	box := aead.Seal(nil, nil, data[:], b.Context())
	text := fmt.Sprintf("%s:v%d:%s", Provider, k.version, base64.StdEncoding.EncodeToString(box))
	return credentials.WrappedKey{Provider: Provider, Name: k.id, Version: k.version, Text: text}, nil
}

func (k *key) unwrap(b credentials.Binding, w credentials.WrappedKey) (credentials.DataKey, error) {
	var data credentials.DataKey
	box, err := parseText(w)
	if err != nil {
		return data, notOurs(err)
	}
	aead, err := k.aead(b)
	if err != nil {
		return data, err
	}
	plain, err := aead.Open(nil, nil, box, b.Context())
	if err != nil {
		return data, notOurs(err)
	}
	defer clear(plain)
	if copy(data[:], plain) != len(plain) || len(plain) != len(data) {
		return credentials.DataKey{}, notOurs(errors.New("it is no data key"))
	}
	return data, nil
}

// aead returns the cipher that wraps for one Binding. Deriving a key for each
// keeps the number of random nonces under any one key small, and makes a key
// wrapped elsewhere undecipherable rather than merely refused.
func (k *key) aead(b credentials.Binding) (cipher.AEAD, error) {
	derived, err := hkdf.Key(sha256.New, k.material[:], nil, infoWrap+string(b.Context()), 32)
	if err != nil {
		return nil, fmt.Errorf("deriving a wrapping key: %w", err)
	}
	defer clear(derived)
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, fmt.Errorf("preparing a wrapping key: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// parseText returns the box inside "local:v<version>:<base64>".
func parseText(w credentials.WrappedKey) ([]byte, error) {
	prefix := Provider + ":v" + strconv.Itoa(w.Version) + ":"
	text, ok := strings.CutPrefix(w.Text, prefix)
	if !ok {
		return nil, errors.New("the wrapped key does not have the form of its version")
	}
	return base64.StdEncoding.Strict().DecodeString(text)
}

func notOurs(cause error) error {
	return fault.Wrap(credentials.ErrNotOurs, cause, "this credential cannot be opened with the current key")
}
