package redis

import (
	"context"
	"crypto/rand"
	_ "embed"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/wayleave/wayleave/connections"
)

//go:embed observe.lua
var observeSource string

var observeScript = goredis.NewScript(observeSource)

// rememberBatch is how long a batch that is sent again is known to have been
// added. A recorder waits a few seconds at most between two tries, but Redis may
// have been out of reach all the while.
const rememberBatch = time.Hour

// Observe adds a batch in one pipeline of a script per bucket, whatever the
// number of observations in it. Each bucket is all or nothing, and none is
// added twice, so a batch that got through in part can be sent again whole.
func (t *Tracker) Observe(ctx context.Context, batch connections.Batch) error {
	if len(batch.Tallies) == 0 {
		return nil
	}
	if batch.Seq == 0 {
		// Numbered all the same: the client sends a command again when its
		// answer was lost.
		batch.Recorder, batch.Seq = rand.Text(), 1
	}
	adds := t.additions(batch)
	return t.call(ctx, "recording health", func(ctx context.Context) error {
		unknown, err := run(ctx, t.client, adds, (*goredis.Script).EvalSha)
		if err != nil || len(unknown) == 0 {
			return err
		}
		// A server that started since does not know the script.
		_, err = run(ctx, t.client, unknown, (*goredis.Script).Eval)
		return err
	})
}

// An addition is what one bucket is to be told.
type addition struct {
	keys []string
	args []any
}

// additions sorts a batch into buckets.
func (t *Tracker) additions(batch connections.Batch) []addition {
	var byBucket [buckets]addition
	for _, tally := range batch.Folded() {
		bucket := bucketOf(tally.Connection)
		add := &byBucket[bucket]
		if add.keys == nil {
			add.keys = []string{t.keys.batch(bucket, batch.Recorder)}
			add.args = []any{batch.Seq, int64(rememberBatch / time.Second)}
		}
		h := tally.Health
		add.keys = append(add.keys, t.keys.health(tally.Tenant, tally.Connection))
		add.args = append(add.args,
			micros(h.LastUsed), int64(h.Latency), micros(h.LastChecked), micros(h.LastOK), micros(h.LastFailure),
			string(h.Failure), h.Streak, micros(h.FailingSince), h.Calls, h.Failures)
	}
	adds := make([]addition, 0, buckets)
	for _, add := range byBucket {
		if add.keys != nil {
			adds = append(adds, add)
		}
	}
	return adds
}

type scriptCall func(*goredis.Script, context.Context, goredis.Scripter, []string, ...any) *goredis.Cmd

// run makes the additions in one pipeline and returns those whose server did not
// know the script.
func run(ctx context.Context, client goredis.UniversalClient, adds []addition, eval scriptCall) ([]addition, error) {
	pipe := client.Pipeline()
	cmds := make([]*goredis.Cmd, len(adds))
	for i, add := range adds {
		cmds[i] = eval(observeScript, ctx, pipe, add.keys, add.args...)
	}
	if _, err := pipe.Exec(ctx); err == nil {
		return nil, nil
	}
	var unknown []addition
	var failed error
	for i, cmd := range cmds {
		switch err := cmd.Err(); {
		case err == nil:
		case goredis.HasErrorPrefix(err, "NOSCRIPT"):
			unknown = append(unknown, adds[i])
		case failed == nil || isReply(failed): // no answer weighs more than one that says no
			failed = err
		}
	}
	return unknown, failed
}
