package redis

import (
	"context"
	"slices"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/internal/fault"
)

// readsAtOnce bounds a pipeline of reads, so that one long list neither fills
// the server's output buffer nor holds up others for long.
const readsAtOnce = 1000

var healthFields = []string{"used", "latency", "checked", "ok", "failed", "failure", "streak", "since", "calls", "failures"}

// Health returns what is tracked of each connection.
func (t *Tracker) Health(ctx context.Context, tenant string, ids []string) (map[string]connections.Health, error) {
	all := make(map[string]connections.Health, len(ids))
	for chunk := range slices.Chunk(ids, readsAtOnce) {
		err := t.call(ctx, "reading health", func(ctx context.Context) error {
			return t.readHealth(ctx, tenant, chunk, all)
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (t *Tracker) readHealth(ctx context.Context, tenant string, ids []string, into map[string]connections.Health) error {
	pipe := t.client.Pipeline()
	cmds := make([]*goredis.SliceCmd, len(ids))
	for i, id := range ids {
		cmds[i] = pipe.HMGet(ctx, t.keys.health(tenant, id), healthFields...)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return err
	}
	for i, id := range ids {
		into[id] = parseHealth(cmds[i].Val())
	}
	return nil
}

// parseHealth reads the values of healthFields. A field that is missing, or is
// no number, is zero: what is tracked is worth less than an answer.
func parseHealth(values []any) connections.Health {
	text := func(i int) string {
		s, _ := values[i].(string)
		return s
	}
	number := func(i int) int64 {
		n, _ := strconv.ParseInt(text(i), 10, 64)
		return n
	}
	if len(values) != len(healthFields) {
		return connections.Health{}
	}
	return connections.Health{
		LastUsed:     fromMicros(number(0)),
		Latency:      time.Duration(number(1)),
		LastChecked:  fromMicros(number(2)),
		LastOK:       fromMicros(number(3)),
		LastFailure:  fromMicros(number(4)),
		Failure:      fault.Kind(text(5)),
		Streak:       int(number(6)),
		FailingSince: fromMicros(number(7)),
		Calls:        number(8),
		Failures:     number(9),
	}
}

// Forget removes all that is tracked of a connection, in one transaction.
func (t *Tracker) Forget(ctx context.Context, tenant, connection string) error {
	return t.call(ctx, "forgetting a connection", func(ctx context.Context) error {
		_, err := t.client.TxPipelined(ctx, func(tx goredis.Pipeliner) error {
			tx.Del(ctx, t.keys.health(tenant, connection))
			tx.ZRem(ctx, t.keys.expiry(bucketOf(connection)), member(tenant, connection))
			return nil
		})
		return err
	})
}
