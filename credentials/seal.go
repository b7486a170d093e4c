package credentials

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/wayleave/wayleave/internal/fault"
)

// Content is what one sealed credential says.
type Content struct {
	App     string   // slug of the app it was made for
	Scheme  string   // id of the auth scheme in the app's definition
	Hosts   []string // the hosts it may be sent to, as apps.Host prints them
	Secrets Secrets
}

// boxFormat is the first byte of a Box.
const boxFormat = 1

// maxContent bounds what is sealed, as JSON. Real credentials, certificates
// included, stay far below; Vault and the store are spared what is no
// credential.
const maxContent = 64 << 10

// sealedContent is Content as it is sealed: the one place where secrets are
// marshalled.
type sealedContent struct {
	V       int               `json:"v"`
	App     string            `json:"app"`
	Scheme  string            `json:"scheme"`
	Hosts   []string          `json:"hosts"`
	Secrets map[string]string `json:"secrets"`
}

// seal encrypts c with a data key. A fresh random nonce is drawn each time, so
// one data key serves every sealing of its record.
func seal(key *DataKey, bind Binding, serial int64, c Content) ([]byte, error) {
	wire := sealedContent{V: boxFormat, App: c.App, Scheme: c.Scheme, Hosts: c.Hosts, Secrets: map[string]string{}}
	for _, name := range c.Secrets.Names() {
		wire.Secrets[name] = c.Secrets[name].reveal()
	}
	plain, err := json.Marshal(wire)
	if err != nil {
		return nil, fault.New(fault.Internal, "the credential cannot be written down")
	}
	defer clear(plain)
	if len(plain) > maxContent {
		return nil, fault.New(fault.InvalidInput, "the credential is larger than %d KiB", maxContent>>10)
	}
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	box := appendPart(appendPart([]byte{boxFormat}, c.App), c.Scheme)
	return aead.Seal(box, nil, plain, additional(bind, serial, c.App, c.Scheme)), nil
}

// open decrypts a Box. Its error is ErrNotOurs and tells no more than that.
func open(key *DataKey, bind Binding, s Sealed) (Content, error) {
	app, scheme, rest, err := splitBox(s.Box)
	if err != nil {
		return Content{}, notOurs(err)
	}
	aead, err := newAEAD(key)
	if err != nil {
		return Content{}, err
	}
	plain, err := aead.Open(nil, nil, rest, additional(bind, s.Serial, app, scheme))
	if err != nil {
		return Content{}, notOurs(err)
	}
	defer clear(plain)
	var wire sealedContent
	if err := json.Unmarshal(plain, &wire); err != nil {
		// The JSON error could quote what it read.
		return Content{}, notOurs(errors.New("the content is not what this version seals"))
	}
	if wire.V != boxFormat || wire.App != string(app) || wire.Scheme != string(scheme) {
		return Content{}, notOurs(errors.New("the content does not agree with its envelope"))
	}
	c := Content{App: wire.App, Scheme: wire.Scheme, Hosts: wire.Hosts, Secrets: make(Secrets, len(wire.Secrets))}
	for name, text := range wire.Secrets {
		c.Secrets[name] = NewSecret(text)
	}
	return c, nil
}

// additional returns what a Box is bound to: its place, its serial, its app and
// its scheme, each of a fixed length or preceded by it.
func additional[T string | []byte](bind Binding, serial int64, app, scheme T) []byte {
	out := bind.Context()
	out = binary.BigEndian.AppendUint64(out, uint64(serial))
	return appendPart(appendPart(out, app), scheme)
}

func newAEAD(key *DataKey) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, fmt.Errorf("preparing the data key: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

var errBox = errors.New("the envelope is damaged")

// splitBox returns the app and scheme that a Box names, and what is encrypted.
func splitBox(box []byte) (app, scheme, rest []byte, err error) {
	if len(box) == 0 || box[0] != boxFormat {
		return nil, nil, nil, errBox
	}
	app, rest, err = cutPart(box[1:])
	if err != nil {
		return nil, nil, nil, err
	}
	scheme, rest, err = cutPart(rest)
	return app, scheme, rest, err
}

// cutPart undoes appendPart.
func cutPart(b []byte) (part, rest []byte, err error) {
	n, used := binary.Uvarint(b)
	if used <= 0 || n > uint64(len(b)-used) {
		return nil, nil, errBox
	}
	end := used + int(n)
	return b[used:end], b[end:], nil
}

// notOurs returns ErrNotOurs with what a caller can be told.
func notOurs(cause error) error {
	return fault.Wrap(ErrNotOurs, cause, "this credential cannot be opened with the current key")
}

// widens reports whether hosts names one that is not among known.
func widens(known, hosts []string) bool {
	return slices.ContainsFunc(hosts, func(h string) bool { return !slices.Contains(known, h) })
}
