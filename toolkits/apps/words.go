package apps

import (
	"fmt"
	"strings"
)

// maxEcho is how much of a caller's own value a message repeats.
const maxEcho = 60

// cut returns s for a message: on one line and short.
func cut(s string) string { return oneLine(s, maxEcho) }

// listOf lists values for a message.
func listOf(values []any) string {
	words := make([]string, 0, len(values))
	for i, v := range values {
		if i == 20 {
			words = append(words, "…")
			break
		}
		words = append(words, cut(fmt.Sprint(v)))
	}
	return strings.Join(words, ", ")
}

// pointerToken escapes a step of a JSON pointer (RFC 6901).
func pointerToken(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "~", "~0"), "/", "~1")
}

// didYouMean returns a suggestion when name is close to one of known.
func didYouMean(name string, known []string) string {
	best, distance := "", 3
	for _, k := range known {
		if d := editDistance(name, k); d > 0 && d < distance && d < max(len(k), 3) {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// editDistance counts insertions, deletions, substitutions and swaps of
// neighbours, and gives up on long words.
func editDistance(a, b string) int {
	if len(a) > 40 || len(b) > 40 {
		return 99
	}
	prev2, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}
