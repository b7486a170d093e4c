package redis

import (
	"context"
	"errors"

	goredis "github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"
	"github.com/sony/gobreaker/v2"

	"github.com/wayleave/wayleave/internal/fault"
)

// call does something with Redis, within callTimeout and unless Redis is at
// rest.
func (t *Tracker) call(ctx context.Context, doing string, do func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return unavailable(err, doing)
	}
	_, err := t.breaker.Execute(func() (struct{}, error) {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		return struct{}{}, do(ctx)
	})
	return unavailable(err, doing)
}

// unavailable says what could not be done; nil stays nil. What the library and
// the server say goes to the log: neither repeats a password.
func unavailable(err error, doing string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return fault.Wrap(fault.StoreUnavailable, err, "the request was cancelled: %s was not finished", doing)
	}
	return fault.Wrap(fault.StoreUnavailable, err, "Redis is unavailable: %s failed", doing)
}

// newBreaker returns what lets Redis rest after it did not answer several times
// in a row. One call then finds out whether it is back.
func newBreaker(log zerolog.Logger) *gobreaker.CircuitBreaker[struct{}] {
	return gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		Name:        "redis",
		Timeout:     restTime,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= failures },
		// An answer is an answer, also one that says no.
		IsSuccessful: func(err error) bool { return err == nil || isReply(err) },
		IsExcluded:   func(err error) bool { return errors.Is(err, context.Canceled) },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			switch {
			case to == gobreaker.StateClosed:
				log.Info().Msg("Redis answers again")
			case from == gobreaker.StateClosed:
				log.Warn().Msg("Redis does not answer; letting it rest between tries")
			}
		},
	})
}

// isReply reports whether err is what Redis answered.
func isReply(err error) bool {
	var reply goredis.Error
	return errors.As(err, &reply)
}

// Check proves that Redis can be reached.
func (t *Tracker) Check(ctx context.Context) error {
	return t.call(ctx, "reaching it", func(ctx context.Context) error {
		return t.client.Ping(ctx).Err()
	})
}
