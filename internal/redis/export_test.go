package redis

import (
	goredis "github.com/redis/go-redis/v9"

	"github.com/rs/zerolog"
)

// LogTo sets the log of the client library, which is the process's.
func LogTo(log zerolog.Logger) { logTo(log) }

// Hook has h see every command and pipeline of the tracker.
func (t *Tracker) Hook(h goredis.Hook) { t.client.AddHook(h) }

// Bucket returns the bucket of a connection.
func Bucket(connection string) int { return bucketOf(connection) }
