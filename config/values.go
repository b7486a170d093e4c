package config

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A Secret is a setting whose value is not shown.
type Secret struct{ text string }

// Reveal returns the value, for the one place that needs it.
func (s Secret) Reveal() string { return s.text }

// IsZero reports whether there is no value.
func (s Secret) IsZero() bool { return s.text == "" }

const redacted = "[redacted]"

// String returns "[redacted]", or nothing for an empty secret.
func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return redacted
}

// Format writes what String returns, for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalText returns what String returns, so that no encoder shows more.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// shownURL returns an address without what may be secret in it: user
// information, query and fragment.
func shownURL(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" {
		return redacted
	}
	if u.Opaque != "" { // sqlite:relative/path
		return u.Scheme + ":" + u.Opaque
	}
	shown := u.Scheme + ":"
	if u.Host != "" {
		shown += "//" + u.Host
	}
	return shown + u.EscapedPath()
}

// holdsPassword reports whether an address carries a secret.
func holdsPassword(text string) bool {
	u, err := url.Parse(text)
	if err != nil {
		return true // cannot tell, so it may
	}
	_, has := u.User.Password()
	return has || u.Query().Has("password") || u.Query().Has("sslpassword")
}

// Bytes is a number of bytes. As text it takes a unit: 512KiB, 16MiB, 1GiB or
// plain bytes.
type Bytes int64

var byteUnits = []struct {
	suffix string
	size   int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"", 1}}

// String returns b in the largest unit that holds it exactly.
func (b Bytes) String() string {
	for i := len(byteUnits) - 2; i >= 0; i-- {
		if u := byteUnits[i]; b != 0 && int64(b)%u.size == 0 {
			return strconv.FormatInt(int64(b)/u.size, 10) + u.suffix
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

func parseBytes(text string) (Bytes, error) {
	for _, u := range byteUnits {
		digits, ok := strings.CutSuffix(text, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n < 1 || n > (1<<40)/u.size {
			break
		}
		return Bytes(n * u.size), nil
	}
	return 0, errors.New("must be a number of bytes between 1 and 1024GiB, such as 65536, 512KiB or 16MiB")
}

// parseDuration insists on a unit, so that nobody wonders whether 30 means
// seconds, and refuses what runs backwards.
func parseDuration(text string) (time.Duration, error) {
	if _, err := strconv.ParseFloat(text, 64); err == nil && text != "0" {
		return 0, fmt.Errorf("needs a unit: write %ss for seconds or %sm for minutes", text, text)
	}
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return 0, errors.New("must be a duration with a unit, such as 500ms, 30s or 5m")
	case d < 0:
		return 0, errors.New("must not be negative")
	}
	return d, nil
}

// splitList reads a list as a variable or flag gives it: separated by commas,
// spaces around the entries left out.
func splitList(text string) []string {
	list := []string{}
	for entry := range strings.SplitSeq(text, ",") {
		if entry = strings.TrimSpace(entry); entry != "" {
			list = append(list, entry)
		}
	}
	return list
}
