package apps

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxWaitSaid caps what an app may ask us to wait: more is a mistake, or an
// answer that wants to stop us for good.
const maxWaitSaid = 24 * time.Hour

// A waitHeader says how long to wait.
type waitHeader struct {
	name string
	unit string // seconds, milliseconds, epoch_s, epoch_ms, http_date, iso8601, auto
}

// defaultWaits is read when a definition says nothing or what it says is absent.
var defaultWaits = []waitHeader{{"Retry-After", "auto"}}

// wait returns how long ans asks to wait, 0 when it does not say. What cannot be
// read, is in the past or is no time at all is as if it were not there. Times of
// day count from the answer's own Date, so that our clock does not matter.
func (l Limits) wait(ans *Answer) time.Duration {
	for _, waits := range [][]waitHeader{l.waits, defaultWaits} {
		for _, w := range waits {
			if d := w.read(ans.Header); d > 0 {
				return d
			}
		}
	}
	return 0
}

func (w waitHeader) read(h http.Header) time.Duration {
	s := strings.TrimSpace(h.Get(w.name))
	if s == "" {
		return 0
	}
	switch w.unit {
	case "seconds":
		return seconds(s)
	case "milliseconds":
		return scaled(s, time.Millisecond)
	case "epoch_s":
		return until(h, epoch(s, time.Second))
	case "epoch_ms":
		return until(h, epoch(s, time.Millisecond))
	case "http_date":
		t, _ := http.ParseTime(s)
		return until(h, t)
	case "iso8601":
		t, _ := time.Parse(time.RFC3339, s)
		return until(h, t)
	}
	if d := seconds(s); d > 0 { // auto: RFC 9110 section 10.2.3
		return d
	}
	t, _ := http.ParseTime(s)
	return until(h, t)
}

func seconds(s string) time.Duration { return scaled(s, time.Second) }

// scaled reads a count of units, fractions allowed, capped.
func scaled(s string, unit time.Duration) time.Duration {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) || n <= 0 {
		return 0
	}
	if d := n * float64(unit); d < float64(maxWaitSaid) {
		return time.Duration(d)
	}
	return maxWaitSaid
}

// lastEpoch is the end of the year 9999; a later time is no time.
const lastEpoch = 253402300799

func epoch(s string, unit time.Duration) time.Time {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(n) || n <= 0 {
		return time.Time{}
	}
	n *= unit.Seconds()
	if n > lastEpoch {
		return time.Time{}
	}
	whole, part := math.Modf(n)
	return time.Unix(int64(whole), int64(part*1e9))
}

func until(h http.Header, t time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return min(max(t.Sub(now), 0), maxWaitSaid)
}

// firstWait returns the first wait that is said.
func firstWait(waits ...time.Duration) time.Duration {
	for _, w := range waits {
		if w > 0 {
			return w
		}
	}
	return 0
}
