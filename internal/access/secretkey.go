package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"hash/crc32"
	"strings"
)

// A key reads wl_<kind>_<secret><check>: 256 random bits and a checksum of 32,
// in base32. The checksum lets a mistyped key, and a scanner that finds one in
// a repository, be told without asking the store.
const keyPrefix = "wl_"

var (
	keyEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
	kindLetters = map[Kind]string{KindAdmin: "adm", KindAgent: "agt", KindWorkflow: "wfl"}
)

const (
	secretBytes   = 32
	secretLetters = 52 // secretBytes in base32
	checkLetters  = 7  // four bytes in base32
	hintLetters   = 4  // of the secret, shown to recognise a key by
)

// newSecretKey returns a new key for a kind of caller, its hash and its hint.
func newSecretKey(kind Kind) (key string, hash []byte, hint string) {
	random := make([]byte, secretBytes)
	_, _ = rand.Read(random) // never fails, see crypto/rand
	head := keyPrefix + kindLetters[kind] + "_"
	body := head + keyEncoding.EncodeToString(random)
	key = body + checksum(body)
	return key, hashKey(key), body[:len(head)+hintLetters] + "…"
}

func checksum(body string) string {
	sum := crc32.ChecksumIEEE([]byte(body))
	return keyEncoding.EncodeToString([]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
}

// wellFormed reports whether key has the form of a key and a right checksum.
func wellFormed(key string) bool {
	rest, ok := strings.CutPrefix(key, keyPrefix)
	_, rest, found := strings.Cut(rest, "_")
	if !ok || !found || len(rest) != secretLetters+checkLetters {
		return false
	}
	at := len(key) - checkLetters
	return checksum(key[:at]) == key[at:]
}

// hashKey returns what is stored of a key. A key holds 256 random bits, so a
// fast hash is enough: there is nothing to guess.
func hashKey(key string) []byte {
	sum := sha256.Sum256([]byte(key))
	return sum[:]
}
