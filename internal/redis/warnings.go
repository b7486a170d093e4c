package redis

import (
	"context"
	"fmt"
	"strings"
	"sync"

	goredis "github.com/redis/go-redis/v9"
)

// Warnings says what about the servers' configuration puts at risk what is kept
// there. A server that does not let us look gives none, for managed ones often
// do not, and neither does one that cannot be reached: that is for Check to say.
func (t *Tracker) Warnings(ctx context.Context) []string {
	var mu sync.Mutex
	policies := map[string]bool{}
	look := func(ctx context.Context, c *goredis.Client) error {
		// INFO tells the same as CONFIG GET and is allowed in more places.
		info, err := c.Info(ctx, "memory").Result()
		if err == nil {
			mu.Lock()
			defer mu.Unlock()
			policies[infoField(info, "maxmemory_policy")] = true
		}
		return nil
	}
	_ = t.call(ctx, "reading its configuration", func(ctx context.Context) error {
		switch c := t.client.(type) {
		case *goredis.ClusterClient:
			return c.ForEachMaster(ctx, look)
		case *goredis.Client:
			return look(ctx, c)
		}
		return nil
	})
	var warnings []string
	for policy := range policies {
		if strings.HasPrefix(policy, "allkeys-") {
			warnings = append(warnings, fmt.Sprintf(
				"Redis may drop connection health and token expiries when its memory is full (maxmemory-policy is %s); set it to noeviction or to a volatile policy", policy))
		}
	}
	return warnings
}

// infoField returns the value of a field in an answer to INFO.
func infoField(info, name string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
