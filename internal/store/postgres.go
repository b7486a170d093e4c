package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/wayleave/wayleave/internal/fault"
)

// openPostgres connects to a PostgreSQL server.
func (s *Store) openPostgres(ctx context.Context, c Config) error {
	config, err := pgx.ParseConfig(c.URL)
	if err != nil {
		// pgx's error repeats the URL; it hides the password where it can tell
		// which part that is.
		return fault.New(fault.InvalidInput, "the PostgreSQL URL cannot be read").
			WithFix(`Use "postgres://user:password@host:5432/database", with special characters percent-encoded.`)
	}
	if config.ConnectTimeout <= 0 || config.ConnectTimeout > 5*time.Second {
		config.ConnectTimeout = 5 * time.Second
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "wayleave"
	}
	s.dialect = postgresDialect
	s.db = stdlib.OpenDB(*config,
		stdlib.OptionAfterConnect(prepareSession),
		stdlib.OptionShouldPing(pingIdle))
	s.readers = s.db
	s.db.SetMaxOpenConns(c.MaxConns)
	s.db.SetMaxIdleConns(c.MaxConns)
	s.db.SetConnMaxIdleTime(time.Minute)
	s.db.SetConnMaxLifetime(5 * time.Minute) // follows a failover or a DNS change at the latest then
	if err := s.migrate(ctx); err != nil {
		_ = s.db.Close()
		return err
	}
	return nil
}

// prepareSession sets what the transactions rely on, whatever the server's
// defaults are. A replica that vanishes without closing its connection must not
// hold the counter of changes, and with it every writer, for longer than this.
func prepareSession(ctx context.Context, c *pgx.Conn) error {
	_, err := c.Exec(ctx, `SELECT
		set_config('default_transaction_isolation', 'read committed', false),
		set_config('idle_in_transaction_session_timeout', '10s', false)`)
	return err
}

// pingIdle has a connection that was idle tried before it is used, so that a
// server that was restarted costs no caller a failure.
func pingIdle(_ context.Context, p stdlib.ShouldPingParams) bool {
	return p.IdleDuration > 100*time.Millisecond
}
