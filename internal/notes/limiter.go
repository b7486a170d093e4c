package notes

import (
	"sync"
	"time"
)

// limiter counts the requests of each key in the current second.
type limiter struct {
	rate int
	now  func() time.Time

	mu     sync.Mutex
	second time.Time
	count  map[string]int
}

// take counts a request and returns how long to wait if it is one too many.
func (l *limiter) take(key string) time.Duration {
	if l.rate == 0 {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if second := now.Truncate(time.Second); !second.Equal(l.second) {
		l.second, l.count = second, map[string]int{}
	}
	if l.count[key]++; l.count[key] > l.rate {
		return l.second.Add(time.Second).Sub(now)
	}
	return 0
}
