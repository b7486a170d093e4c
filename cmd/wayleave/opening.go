package main

import (
	"context"
	"errors"
	stdlog "log"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/server"
	"github.com/wayleave/wayleave/internal/store"
)

// How the store is waited for.
const (
	openTime  = 15 * time.Second // longest time of one try to open everything
	openAgain = time.Second      // pause before the next try
)

// open puts the server together, trying again while the store cannot be reached. What
// waiting does not heal is returned.
func (s *serving) open(ctx context.Context, waiting *server.WaitingRoom) (*server.Server, error) {
	for tries := 0; ; tries++ {
		try, cancel := context.WithTimeout(ctx, openTime)
		srv, err := wire(try, s.cfg, s.log, selfAddresses(s.listener))
		cancel()
		if err == nil {
			if tries > 0 {
				s.log.Info().Msg("the store can be reached; opening the doors")
			}
			return srv, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if !heals(err, s.cfg.Store.URL.Reveal()) {
			return nil, err
		}
		waiting.Set(err)
		if tries == 0 {
			s.log.Warn().Err(err).Msg("the store cannot be reached; answering so until it can")
		}
		pause(ctx, openAgain)
	}
}

// heals reports whether waiting may heal a failure to open: a database server
// that is away or starting. A file does not come back by itself, and wrong
// settings, a refused password and newer or damaged records need a person.
func heals(err error, url string) bool {
	if !errors.Is(err, fault.StoreUnavailable) || errors.Is(err, store.ErrNewerSchema) || errors.Is(err, store.ErrDamaged) {
		return false
	}
	if strings.HasPrefix(url, "sqlite:") {
		return false
	}
	var answered interface{ SQLState() string } // the server itself said no
	if errors.As(err, &answered) {
		return strings.HasPrefix(answered.SQLState(), "57P") || strings.HasPrefix(answered.SQLState(), "53") || strings.HasPrefix(answered.SQLState(), "08")
	}
	return true
}

// quietLog carries what net/http has to say about broken clients to the debug
// log, where it does no harm.
func quietLog(log zerolog.Logger) *stdlog.Logger {
	return stdlog.New(logWriter{log}, "", 0)
}

type logWriter struct{ log zerolog.Logger }

func (w logWriter) Write(p []byte) (int, error) {
	w.log.Debug().Msg(strings.TrimSpace(string(p)))
	return len(p), nil
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
