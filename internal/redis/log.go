package redis

import (
	"context"

	goredis "github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"
)

// libraryLog passes on what the client library would print to stderr.
type libraryLog struct{ log zerolog.Logger }

// Printf logs a line of the library. It says what it tried and could not do, so
// it is for who looks into that: what matters is told by the methods' errors.
func (l libraryLog) Printf(_ context.Context, format string, args ...any) {
	l.log.Debug().Str("library", "go-redis").Msgf(format, args...)
}

func logTo(log zerolog.Logger) { goredis.SetLogger(libraryLog{log}) }
