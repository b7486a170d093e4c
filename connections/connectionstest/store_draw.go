package connectionstest

import (
	"encoding/json"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/internal/fault"
)

// Hostile are texts that careless storage breaks on, or lets break out.
var Hostile = []string{
	`'; DROP TABLE connections; --`,
	`" OR "1"="1`,
	`%`, `_`, `\`, `\'`, `$1`, `?`, `:name`, "`", `/*`, `--`,
	`null`, `{}`, `[]`, `0`, `1e999`,
	"two\nlines\ttab\rreturn",
	"Ünïcode ß İ ﬁ", "e\u0301 and \u00e9", "日本語 العربية עברית", "👩‍👩‍👧 \U0010ffff", "\u202eright to left", "\ufeffmark", "\u2028",
	" leading and trailing ",
}

// Text draws a text that any record may hold.
func Text() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom(Hostile),
		rapid.StringN(0, 20, 60).Filter(func(s string) bool { return !strings.ContainsRune(s, 0) }),
	)
}

// Texts draws a list of texts, which may be nil, and empty without being nil.
func Texts() *rapid.Generator[[]string] {
	return rapid.OneOf(rapid.Just[[]string](nil), rapid.SliceOfN(Text(), 0, 4))
}

// Time draws a time as records keep it: UTC, to the microsecond, or zero.
func Time() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.IntRange(0, 9).Draw(t, "no time") == 0 {
			return time.Time{}
		}
		first := time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
		last := time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
		return time.UnixMicro(rapid.Int64Range(first, last).Draw(t, "time")).UTC()
	})
}

// Bytes draws bytes of every value, at least one.
func Bytes() *rapid.Generator[[]byte] { return rapid.SliceOfN(rapid.Byte(), 1, 200) }

// Sealed draws a sealed credential, which may be none.
func Sealed() *rapid.Generator[credentials.Sealed] {
	return rapid.OneOf(rapid.Just(credentials.Sealed{}), rapid.Custom(func(t *rapid.T) credentials.Sealed {
		return credentials.Sealed{
			Key: credentials.WrappedKey{
				Provider: Text().Draw(t, "provider"),
				Name:     Text().Draw(t, "key"),
				Version:  rapid.IntRange(0, 1<<31-1).Draw(t, "key version"),
				Text:     Text().Draw(t, "wrapped"),
			},
			Serial: rapid.Int64Min(0).Draw(t, "serial"),
			Box:    Bytes().Draw(t, "box"),
		}
	}))
}

// Params draws the params of a connection: strings, numbers and booleans.
func Params() *rapid.Generator[map[string]any] {
	number := rapid.SampledFrom([]json.Number{"0", "-1", "9007199254740993", "18446744073709551616", "0.1", "1e400"})
	value := rapid.OneOf(Text().AsAny(), rapid.Bool().AsAny(), number.AsAny())
	return rapid.OneOf(rapid.Just[map[string]any](nil), rapid.MapOfN(Text(), value, 0, 5))
}

var (
	statuses = rapid.SampledFrom([]connections.Status{connections.Active, connections.Expired, connections.Error, connections.Revoked})
	kinds    = rapid.SampledFrom(append(fault.Kinds(), ""))
	attempts = rapid.SampledFrom([]connections.AttemptStatus{connections.AttemptPending, connections.AttemptSucceeded, connections.AttemptFailed})
)

// drawConnection changes everything of a connection that may change, but for
// its auth config.
func drawConnection(t *rapid.T, c connections.Connection, name string) connections.Connection {
	c.Name = Text().Draw(t, "name") + name
	c.Params = Params().Draw(t, "params")
	c.Identity = connections.Identity{ID: Text().Draw(t, "identity"), Label: Text().Draw(t, "label")}
	c.Status = statuses.Draw(t, "status")
	c.Reason = kinds.Draw(t, "reason")
	c.StatusSince = Time().Draw(t, "since")
	c.UpdatedAt = Time().Draw(t, "updated")
	return c
}

// drawAttempt changes everything of an attempt that may change.
func drawAttempt(t *rapid.T, a connections.Attempt) connections.Attempt {
	a.Name = Text().Draw(t, "name")
	a.Params = Params().Draw(t, "params")
	a.AuthConfig = Text().Draw(t, "auth config")
	a.ConfigName = Text().Draw(t, "config name")
	a.Fields = Texts().Draw(t, "fields")
	a.Hosts = Texts().Draw(t, "hosts")
	a.Sealed = Sealed().Draw(t, "sealed")
	a.Reauthorize = Text().Draw(t, "reauthorize")
	a.Status = attempts.Draw(t, "status")
	a.Failure = kinds.Draw(t, "failure")
	a.Message = Text().Draw(t, "message")
	a.Connection = Text().Draw(t, "connection")
	a.UpdatedAt = Time().Draw(t, "updated")
	a.ExpiresAt = Time().Draw(t, "expires")
	return a
}
