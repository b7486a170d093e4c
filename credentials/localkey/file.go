package localkey

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wayleave/wayleave/internal/fault"
)

// ErrNoRing is the failure of Open when there is no ring yet and none is missed:
// the moment for Create.
var ErrNoRing = errors.New("there is no local key ring")

// maxRing bounds a key ring file; one with a thousand keys is smaller.
const maxRing = 1 << 20

// A Needed function returns the ids of the local keys that stored credentials
// are wrapped by (WrappedKey.Name where Provider is "local"), each once.
type Needed func(ctx context.Context) ([]string, error)

// ringFile is a Ring as it is written.
type ringFile struct {
	Format int       `json:"format"`
	Keys   []ringKey `json:"keys"` // versions 1, 2, …
}

type ringKey struct {
	Version int    `json:"version"`
	ID      string `json:"id"`  // follows from Key: a damaged key is noticed
	Key     []byte `json:"key"` // 32 bytes, as base64
}

// Create makes a ring with one new key in a new file, readable by its owner
// alone. It never replaces a file: over one with sealed data, that would lose
// them all.
func Create(path string) (*Ring, error) {
	r := &Ring{keys: []*key{randomKey(1)}}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("creating the local key ring: %w", err)
	}
	if err := write(f, r); err != nil {
		_ = os.Remove(path)
		return nil, fmt.Errorf("creating the local key ring: %w", err)
	}
	return r, syncFolder(path)
}

// Open reads a ring from its file. It refuses a file that others can read, a
// damaged one, and one that lacks a key that stored credentials need; without
// one, and with nothing that needs it, it is ErrNoRing.
func Open(ctx context.Context, path string, needed Needed) (*Ring, error) {
	ids, err := needed(ctx)
	if err != nil {
		return nil, fmt.Errorf("looking for the keys that are in use: %w", err)
	}
	r, err := Load(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && len(ids) == 0:
		return nil, ErrNoRing
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.Wrap(fault.SealerUnavailable, err, "the local key ring %s is missing, and stored credentials need its keys %s", path, strings.Join(ids, ", ")).
			WithFix("Restore the file from its backup. A new ring cannot open what was sealed with the old one.")
	case err != nil:
		return nil, err
	}
	return r, r.require(path, ids)
}

// FromText reads a ring from a credential handed to the process: 32 bytes as
// base64, or the content of a key ring file.
func FromText(ctx context.Context, text string, needed Needed) (*Ring, error) {
	ids, err := needed(ctx)
	if err != nil {
		return nil, fmt.Errorf("looking for the keys that are in use: %w", err)
	}
	r, err := parse([]byte(text))
	if err != nil {
		return nil, damaged("the local key", err)
	}
	return r, r.require("the local key", ids)
}

// require refuses a ring that lacks one of the keys.
func (r *Ring) require(where string, ids []string) error {
	missing := slices.DeleteFunc(slices.Clone(ids), r.Has)
	if len(missing) == 0 {
		return nil
	}
	return fault.New(fault.SealerUnavailable, "%s does not hold the keys %s, which stored credentials need", where, strings.Join(missing, ", ")).
		WithFix("Use the key ring that the credentials were sealed with, or restore it from its backup.")
}

// Load reads a ring from its file, without asking what it is needed for.
func Load(path string) (*Ring, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the local key ring: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("opening the local key ring: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fault.New(fault.SealerUnavailable, "the local key ring %s is not a file", path)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fault.New(fault.SealerUnavailable, "the local key ring %s can be read by others (mode %04o)", path, info.Mode().Perm()).
			WithFix("Run `chmod 600 %s`. If someone may have read it, rotate the key and rewrap.", path)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxRing))
	if err != nil {
		return nil, fmt.Errorf("reading the local key ring: %w", err)
	}
	defer clear(b)
	r, err := parse(b)
	if err != nil {
		return nil, damaged("the local key ring "+path, err)
	}
	return r, nil
}

// Rotate adds a new key to the ring in a file and returns the ring with it. From
// then on it wraps; what was wrapped before stays readable, and is carried over
// with Rewrap.
func Rotate(path string) (*Ring, error) {
	r, err := Load(path)
	if err != nil {
		return nil, err
	}
	r = &Ring{keys: append(slices.Clone(r.keys), randomKey(r.Version()+1))}
	if err := replace(path, r); err != nil {
		return nil, fmt.Errorf("rotating the local key: %w", err)
	}
	return r, nil
}

// replace writes the ring beside its file and renames it, so that a crash leaves
// either the old ring or the new one.
func replace(path string, r *Ring) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // 0600
	if err != nil {
		return err
	}
	if err := write(f, r); err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return syncFolder(path)
}

// write writes the ring, makes it durable and closes f.
func write(f *os.File, r *Ring) error {
	out := ringFile{Format: 1}
	for _, k := range r.keys {
		out.Keys = append(out.Keys, ringKey{Version: k.version, ID: k.id, Key: k.material[:]})
	}
	b, err := json.MarshalIndent(out, "", "  ")
	if err == nil {
		_, err = f.Write(append(b, '\n'))
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncFolder makes the name of a new file durable.
func syncFolder(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// parse reads a ring from JSON, or a single key from base64. Its errors quote
// nothing of what it reads.
func parse(b []byte) (*Ring, error) {
	b = bytes.TrimSpace(b)
	if len(b) > 0 && b[0] == '{' {
		return parseRing(b)
	}
	material, err := base64.StdEncoding.DecodeString(string(b))
	if err != nil || len(material) != 32 {
		return nil, errors.New("it must be 32 bytes as base64, or a key ring file")
	}
	return &Ring{keys: []*key{newKey([32]byte(material), 1)}}, nil
}

func parseRing(b []byte) (*Ring, error) {
	var in ringFile
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return nil, errors.New("it is not a key ring")
	}
	if in.Format != 1 {
		return nil, fmt.Errorf("its format %d is not known to this version", in.Format)
	}
	if len(in.Keys) == 0 {
		return nil, errors.New("it holds no key")
	}
	r := &Ring{}
	for i, k := range in.Keys {
		if len(k.Key) != 32 || k.Version != i+1 {
			return nil, fmt.Errorf("its key %d is damaged", i+1)
		}
		parsed := newKey([32]byte(k.Key), k.Version)
		if parsed.id != k.ID {
			return nil, fmt.Errorf("its key %d is damaged: the id does not follow from it", i+1)
		}
		r.keys = append(r.keys, parsed)
	}
	return r, nil
}

func damaged(what string, cause error) error {
	return fault.Wrap(fault.SealerUnavailable, cause, "%s cannot be used: %s", what, cause).
		WithFix("Restore it from its backup.")
}

func randomKey(version int) *key {
	var material [32]byte
	_, _ = rand.Read(material[:]) // never fails: crypto/rand ends the process instead
	return newKey(material, version)
}
