package ids

import (
	"encoding/base32"

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
