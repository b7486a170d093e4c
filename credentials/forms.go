package credentials

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// minFragment is the shortest piece of base64 that is looked for. Shorter ones
// stand in text that has nothing to do with them.
const minFragment = 6

// appendForms appends the forms in which an answer might repeat a secret: as it
// is, percent-encoded, escaped for JSON or HTML, in hex, and in base64 at any
// place of a longer text. Forms that do not differ are added once.
func appendForms(forms []string, v string) []string {
	add := func(form string) {
		if len(form) >= minScrubbed && !slices.Contains(forms, form) {
			forms = append(forms, form)
		}
	}
	add(v)
	if strings.ContainsFunc(v, func(r rune) bool { return !unreserved(r) }) {
		for _, form := range percentForms(v) {
			add(form)
		}
		for _, form := range jsonForms(v) {
			add(form)
		}
		add(html.EscapeString(v))
	}
	digits := hex.EncodeToString([]byte(v))
	add(digits)
	add(strings.ToUpper(digits))
	for _, alphabet := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		add(alphabet.EncodeToString([]byte(v)))
		for offset := range 3 {
			if form := fragment(alphabet, v, offset); len(form) >= minFragment {
				add(form)
			}
		}
	}
	return forms
}

// unreserved reports whether r stays as it is in every encoding here but base64
// and hex (RFC 3986, section 2.3).
func unreserved(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return true
	}
	return strings.ContainsRune("-._~", r)
}

// percentForms returns v as the common encoders write it, with hex digits of
// either case.
func percentForms(v string) []string {
	var strict strings.Builder
	for i := range len(v) {
		if c := v[i]; unreserved(rune(c)) && c < utf8.RuneSelf {
			strict.WriteByte(c)
		} else {
			fmt.Fprintf(&strict, "%%%02X", c)
		}
	}
	forms := []string{url.QueryEscape(v), url.PathEscape(v), strict.String()}
	for _, form := range forms[:3] {
		forms = append(forms, lowerPercents(form))
	}
	return forms
}

// lowerPercents returns s with %2F written %2f.
func lowerPercents(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], strings.ToLower(string(b[i+1:i+3])))
			i += 2
		}
	}
	return string(b)
}

// jsonForms returns v as it stands inside a JSON string, as the writers of
// several languages escape it.
func jsonForms(v string) []string {
	plain, err := encodeJSON(v)
	if err != nil {
		return nil
	}
	careful, err := json.Marshal(v) // with <, > and & escaped
	if err != nil {
		return nil
	}
	forms := []string{unquote(plain), unquote(careful)}
	forms = append(forms, strings.ReplaceAll(forms[0], "/", `\/`))
	for _, form := range forms[:3] {
		forms = append(forms, asciiOnly(form))
	}
	return forms
}

func unquote(b []byte) string { return string(b[1 : len(b)-1]) }

// asciiOnly returns s with every rune beyond ASCII as \uXXXX, in UTF-16.
func asciiOnly(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r < utf8.RuneSelf:
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// fragment returns the characters of base64 that depend on v alone when offset
// bytes (modulo 3) stand before it and anything after it.
func fragment(alphabet *base64.Encoding, v string, offset int) string {
	padded := make([]byte, offset+len(v))
	copy(padded[offset:], v)
	first := (8*offset + 5) / 6
	last := 8 * len(padded) / 6
	return alphabet.EncodeToString(padded)[first:last]
}
