package redis

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/wayleave/wayleave/connections"
)

// SetExpiry notes when the connection's token expires; a zero time forgets it.
func (t *Tracker) SetExpiry(ctx context.Context, tenant, connection string, at time.Time) error {
	key, name := t.keys.expiry(bucketOf(connection)), member(tenant, connection)
	return t.call(ctx, "noting when a token expires", func(ctx context.Context) error {
		if at.IsZero() {
			return t.client.ZRem(ctx, key, name).Err()
		}
		return t.client.ZAdd(ctx, key, goredis.Z{Score: float64(micros(at)), Member: name}).Err()
	})
}

// Expiring returns at most limit connections whose token expires before at,
// soonest first. It asks for the first of every bucket in one pipeline, for
// Redis tells of an expiry only those who listen at that moment, if at all.
func (t *Tracker) Expiring(ctx context.Context, at time.Time, limit int) ([]connections.Expiry, error) {
	if limit <= 0 {
		return nil, nil
	}
	var due []connections.Expiry
	err := t.call(ctx, "reading which tokens expire", func(ctx context.Context) error {
		pipe := t.client.Pipeline()
		cmds := make([]*goredis.ZSliceCmd, buckets)
		for i := range cmds {
			cmds[i] = pipe.ZRangeByScoreWithScores(ctx, t.keys.expiry(i), &goredis.ZRangeBy{
				Min: "-inf", Max: "(" + strconv.FormatInt(micros(at), 10), Count: int64(limit),
			})
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
		for _, cmd := range cmds {
			due = appendExpiries(due, cmd.Val())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(due, func(a, b connections.Expiry) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Connection, b.Connection))
	})
	return due[:min(limit, len(due))], nil
}

func appendExpiries(due []connections.Expiry, members []goredis.Z) []connections.Expiry {
	for _, z := range members {
		name, _ := z.Member.(string)
		tenant, connection := splitMember(name)
		due = append(due, connections.Expiry{Tenant: tenant, Connection: connection, At: fromMicros(int64(z.Score))})
	}
	return due
}
