package apps

import (
	"strings"
	"unicode"
)

// invisible reports whether a person cannot see r where it stands: control
// characters, zero-width and other format characters, among them those that
// turn the direction of writing. They hide instructions from whoever reviews a
// definition, and forge lines in a log.
func invisible(r rune) bool {
	switch {
	case r == '\u115f', r == '\u1160', r == '\u3164', r == '\uffa0', r == '\u2028', r == '\u2029':
		return true // fillers and separators that are letters or spaces to Unicode
	case 0xe0000 <= r && r <= 0xe0fff: // tags and variation selectors supplement
		return true
	}
	return unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Co, r)
}

// hidden returns the first invisible character of s. A line break is none.
func hidden(s string) (rune, bool) {
	for _, r := range s {
		if r != '\n' && invisible(r) {
			return r, true
		}
	}
	return 0, false
}

// oneLine returns s on one line, without invisible characters and cut to at most
// limit characters.
func oneLine(s string, limit int) string {
	if len(s) > 8*limit {
		s = strings.ToValidUTF8(s[:8*limit], "")
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t' || unicode.IsSpace(r):
			return ' '
		case invisible(r):
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > limit {
		return strings.TrimSpace(string(r[:limit-1])) + "…"
	}
	return s
}
