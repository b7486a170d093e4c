package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/wayleave/wayleave/config"
	"github.com/wayleave/wayleave/internal/server"
)

// The server's own bounds. What a request may cost further in is decided by
// each door.
const (
	readHeaderTime = 10 * time.Second
	readTime       = time.Minute
	idleTime       = 2 * time.Minute
	maxHeader      = 64 << 10
	shutdownTime   = 10 * time.Second // for calls under way; the whole end takes at most 15 s
)

const longServe = `Serves MCP at /mcp and REST at /v1 until it is interrupted.

The first start makes the first administrator key and leaves it in admin.key of
the data directory, readable by this user alone; on a terminal it is shown, too.
The verbs of this machine find it there.

A database, Vault or Redis that cannot be reached does not end the server: it
answers with what is missing, /readyz tells which, and it goes on once they are
back. Wrong settings, a wrong key and records of a newer version do end it.`

func newServe(c *cli) *cobra.Command {
	return c.settingFlags(&cobra.Command{Use: "serve", Short: "Serve MCP and REST", Long: longServe, Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.load(cmd)
			if err != nil {
				return err
			}
			listener, err := listen(cfg.Listen)
			if err != nil {
				return err
			}
			return c.serve(cmd.Context(), cfg, listener, nil)
		}})
}

// serve serves on listener until ctx ends. started is called with the address
// once both doors are open; nil has it printed.
func (c *cli) serve(ctx context.Context, cfg *config.Config, listener net.Listener, started func(base string)) error {
	log := c.newLog(cfg.Log)
	warnings := cfg.Warnings()
	if _, more, err := egressRules(cfg); err == nil {
		warnings = append(warnings, more...)
	}
	for _, w := range warnings {
		log.Warn().Msg(w)
	}
	if err := makeDataDir(cfg.DataDir); err != nil {
		_ = listener.Close()
		return err
	}
	s := &serving{cli: c, cfg: cfg, log: log, listener: listener, started: started}
	return s.run(ctx)
}

// listen opens the port, before anything else: a second server must not touch
// the records of the first.
func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fail("Stop what uses it, or choose another with --listen.", "cannot listen on %s: address already in use", addr)
	}
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			err = op.Err
		}
		return nil, fail("Choose another address with --listen.", "cannot listen on %s: %v", addr, err)
	}
	return l, nil
}

// serving is one run of serve.
type serving struct {
	cli      *cli
	cfg      *config.Config
	log      zerolog.Logger
	listener net.Listener
	started  func(base string)
	doors    atomic.Pointer[http.Handler] // what answers now
}

// run serves, first with doors that say what is missing and then with the real
// ones, until ctx ends or one part fails for good.
func (s *serving) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stopHearing := s.hearHangUp()
	defer stopHearing()
	waiting := &server.WaitingRoom{}
	var first http.Handler = waiting
	s.doors.Store(&first)
	h := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*s.doors.Load()).ServeHTTP(w, r) }),
		ReadHeaderTimeout: readHeaderTime, ReadTimeout: readTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		ErrorLog: quietLog(s.log),
	}
	go func() {
		if err := h.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			cancel(fmt.Errorf("serving: %w", err))
		}
	}()
	srv, err := s.open(ctx, waiting)
	if err != nil {
		_ = h.Close()
		if ctx.Err() != nil {
			return ended(ctx)
		}
		return err
	}
	return s.serveDoors(ctx, h, srv)
}

// hearHangUp keeps SIGHUP, by which many servers are asked to read their
// settings again, from ending this one. The settings in force stay.
func (s *serving) hearHangUp() (stop func()) {
	heard := make(chan os.Signal, 1)
	signal.Notify(heard, syscall.SIGHUP)
	go func() {
		for range heard {
			s.log.Warn().Msg("settings are read at the start only: those in force stay until a restart; `wayleave config check` tells whether new ones are valid")
		}
	}()
	return func() { signal.Stop(heard); close(heard) }
}

// serveDoors opens the doors of a server and closes them in order: no new
// requests, calls under way finish, the background ends with its last flush.
func (s *serving) serveDoors(ctx context.Context, h *http.Server, srv *server.Server) error {
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	stopped := srv.Start(background)
	failed := s.firstKey(ctx, srv)
	if failed == nil {
		doors := srv.Handler()
		s.doors.Store(&doors)
		s.announce()
		<-ctx.Done()
		s.log.Info().Msg("ending: waiting for calls under way")
		failed = ended(ctx)
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	if err := h.Shutdown(end); err != nil {
		s.log.Warn().Msg("calls were still under way; they are cut off")
		_ = h.Close()
	}
	stop()
	stopped()
	if err := srv.Close(end); err != nil {
		s.log.Warn().Err(err).Msg("ending")
	}
	return failed
}

// ended tells an orderly end, asked for by a signal, from a failure.
func ended(ctx context.Context) error {
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// announce says where the doors are.
func (s *serving) announce() {
	base := localBase(s.cfg)
	s.log.Info().Str("rest", s.cfg.PublicURL+"/v1").Str("mcp", s.cfg.PublicURL+"/mcp").Str("version", version()).Msg("ready")
	if s.started != nil {
		s.started(base)
		return
	}
	s.cli.say("Wayleave %s is ready.\n  MCP   %s/mcp\n  REST  %s/v1", version(), s.cfg.PublicURL, s.cfg.PublicURL)
}
