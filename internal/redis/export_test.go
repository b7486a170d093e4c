package redis

import (
	"context"
	goredis "github.com/redis/go-redis/v9"

	"github.com/rs/zerolog"
)

// LogTo sets the log of the client library, which is the process's.
func LogTo(log zerolog.Logger) { logTo(log) }

// Hook has h see every command and pipeline that goes to a server.
func (t *Tracker) Hook(h goredis.Hook) {
	cluster, ok := t.client.(*goredis.ClusterClient)
	if !ok {
		t.client.AddHook(h)
		return
	}
	cluster.OnNewNode(func(node *goredis.Client) { node.AddHook(h) })
	_ = cluster.ForEachShard(context.Background(), func(_ context.Context, node *goredis.Client) error {
		node.AddHook(h)
		return nil
	})
}

// Bucket returns the bucket of a connection.
func Bucket(connection string) int { return bucketOf(connection) }

// Member and SplitMember turn a connection's name into a member and back.
var (
	Member      = member
	SplitMember = splitMember
)
