package credentials

import "unsafe"

// maxSkip bounds how far the search looks ahead, so that a step fits a byte.
const maxSkip = 255

// A scrubber finds any of several texts in one pass. It is the search of Wu and
// Manber (A Fast Algorithm for Multi-Pattern Searching, 1994) with blocks of two
// bytes: where the two bytes under it end no text, it skips almost as far as the
// shortest text is long, so that an honest answer is hardly read.
type scrubber struct {
	texts []string
	short int // length of the shortest text, at most maxSkip
	// last[h] is the last place, within the first short bytes of any text, at
	// which a block with hash h ends; 0 when there is none.
	last [1 << 12]uint8
}

// newScrubber returns what finds every form of the given values, nil if there is
// nothing to find.
func newScrubber(values []string) *scrubber {
	texts := formsOf(values)
	if len(texts) == 0 {
		return nil
	}
	s := &scrubber{texts: texts, short: maxSkip}
	for _, t := range texts {
		s.short = min(s.short, len(t))
	}
	for _, t := range texts {
		for end := 1; end < s.short; end++ {
			h := block(t[end-1], t[end])
			s.last[h] = max(s.last[h], uint8(end))
		}
	}
	return s
}

func block(a, b byte) uint16 { return (uint16(a)<<4 ^ uint16(b)) & (1<<12 - 1) }

// next returns the first match that begins at or after from, the longest where
// several begin; start is -1 when there is none.
func (s *scrubber) next(text string, from int) (start, end int) {
	for i := from + s.short - 1; i < len(text); {
		skip := s.short - 1 - int(s.last[block(text[i-1], text[i])])
		if skip > 0 {
			i += skip
			continue
		}
		start = i - s.short + 1
		if n := s.matchAt(text[start:]); n > 0 {
			return start, start + n
		}
		i++
	}
	return -1, -1
}

// matchAt returns the length of the longest of the texts that text begins with,
// 0 for none.
func (s *scrubber) matchAt(text string) int {
	longest := 0
	for _, t := range s.texts {
		if len(t) > longest && len(t) <= len(text) && text[:len(t)] == t {
			longest = len(t)
		}
	}
	return longest
}

// bytes returns b with every match replaced, or b itself when there is none.
func (s *scrubber) bytes(b []byte) []byte {
	// The search reads the bytes in place; the string does not outlive the call.
	text := unsafe.String(unsafe.SliceData(b), len(b))
	start, end := s.next(text, 0)
	if start < 0 {
		return b
	}
	return s.replace(text, start, end)
}

// string is bytes for a string.
func (s *scrubber) string(text string) string {
	start, end := s.next(text, 0)
	if start < 0 {
		return text
	}
	return string(s.replace(text, start, end))
}

// replace returns text with the match [start, end) and all further ones
// replaced. Matches that overlap are replaced together, so that no rest of the
// second stays behind.
func (s *scrubber) replace(text string, start, end int) []byte {
	out := make([]byte, 0, len(text))
	done := 0
	for start >= 0 {
		from, to := start, end
		for {
			start, end = s.next(text, start+1)
			if start < 0 || start >= to {
				break
			}
			to = max(to, end)
		}
		out = append(out, text[done:from]...)
		out = append(out, redacted...)
		done = to
	}
	return append(out, text[done:]...)
}
