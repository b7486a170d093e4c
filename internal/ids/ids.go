package ids

import (
	"encoding/base32"
	"strings"

	"github.com/google/uuid"
)

// Prefixes of the records that have ids.
const (
	Tenant     = "ten"
	Agent      = "agt"
	Workflow   = "wfl"
	Key        = "key"
	AuthConfig = "auth"
	Attempt    = "att"
	Connection = "conn"
	Toolkit    = "tk"
)

// Lower-case base32hex keeps the order of the bytes, which for a UUIDv7 is the
// order of time.
var encoding = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// New returns a new id with the prefix.
func New(prefix string) string {
	u := uuid.Must(uuid.NewV7())
	return prefix + "_" + encoding.EncodeToString(u[:])
}

// Is reports whether id has the form of an id with the prefix.
func Is(prefix, id string) bool {
	rest, ok := strings.CutPrefix(id, prefix+"_")
	if !ok || len(rest) != 26 {
		return false
	}
	b, err := encoding.DecodeString(rest)
	return err == nil && len(b) == 16
}
