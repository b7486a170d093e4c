package credentials

import (
	"bytes"
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

// minScrubbed is the length in bytes below which a value is not scrubbed: it
// would be found in answers that do not hold it.
const minScrubbed = 4

// minFragment is the shortest piece of base64 that is looked for. Shorter ones
// stand in text that has nothing to do with them.
const minFragment = 6

// formsOf returns the forms in which an answer might repeat values: as they are,
// percent-encoded, escaped for JSON or HTML, in hex, and in base64 at any place
// of a longer text. Forms that do not differ are there once.
func formsOf(values []string) []string {
	var f forms
	for _, v := range values {
		if len(v) >= minScrubbed {
			f.addAll(v)
		}
	}
	return f.texts()
}

// forms collects texts in one piece of memory, for this is done for each answer.
type forms struct {
	all  []byte
	ends []int // where each text ends
}

// add closes the text that was appended to all since the last one, and drops it
// if it is there already or too short.
func (f *forms) add(shortest int) {
	start := 0
	if n := len(f.ends); n > 0 {
		start = f.ends[n-1]
	}
	text, from := f.all[start:], 0
	known := len(text) < shortest
	for _, end := range f.ends {
		known = known || bytes.Equal(f.all[from:end], text)
		from = end
	}
	if known {
		f.all = f.all[:start]
		return
	}
	f.ends = append(f.ends, len(f.all))
}

func (f *forms) addText(text string) {
	f.all = append(f.all, text...)
	f.add(minScrubbed)
}

func (f *forms) texts() []string {
	all, from := string(f.all), 0
	out := make([]string, len(f.ends))
	for i, end := range f.ends {
		out[i] = all[from:end]
		from = end
	}
	return out
}

func (f *forms) addAll(v string) {
	f.all = slices.Grow(f.all, 16*len(v)+64)
	f.ends = slices.Grow(f.ends, 16)
	f.addText(v)
	if strings.ContainsFunc(v, func(r rune) bool { return !unreserved(r) }) {
		f.addEscaped(v)
	}
	f.all = hex.AppendEncode(f.all, []byte(v))
	f.add(minScrubbed)
	for i := range len(v) {
		f.all = append(f.all, upperHex[v[i]>>4], upperHex[v[i]&15])
	}
	f.add(minScrubbed)
	padded := append([]byte{0, 0}, v...)
	f.addBase64(base64.RawStdEncoding, padded)
	f.addBase64(base64.RawURLEncoding, padded)
}

const upperHex = "0123456789ABCDEF"

// addEscaped adds what differs only where a value holds more than letters and
// digits.
func (f *forms) addEscaped(v string) {
	for _, form := range percentForms(v) {
		f.addText(form)
	}
	for _, form := range jsonForms(v) {
		f.addText(form)
	}
	f.addText(html.EscapeString(v))
}

// addBase64 adds a value alone, and the characters that depend on it alone when
// 0, 1 or 2 bytes (modulo 3) stand before it and anything after it. padded is the
// value after two bytes.
func (f *forms) addBase64(alphabet *base64.Encoding, padded []byte) {
	f.all = alphabet.AppendEncode(f.all, padded[2:])
	f.add(minScrubbed)
	for offset := range 3 {
		start := len(f.all)
		text := padded[2-offset:]
		f.all = alphabet.AppendEncode(f.all, text)
		first, last := (8*offset+5)/6, 8*len(text)/6
		n := copy(f.all[start:], f.all[start+first:start+last])
		f.all = f.all[:start+n]
		f.add(minFragment)
	}
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
