package redis

import (
	"context"
	"crypto/tls"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/rs/zerolog"
	"github.com/sony/gobreaker/v2"

	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/internal/fault"
)

// Config says which Redis to use.
type Config struct {
	// URL names the servers: redis://host:6379/0,
	// redis+sentinel://host1:26379,host2:26379/master/0 or
	// redis+cluster://host1:6379,host2:6379; rediss for TLS. User and password
	// may stand before the host. Required.
	URL string
	// Username and Password take precedence over those in the URL.
	Username string
	Password string
	// SentinelUsername and SentinelPassword are for the sentinels themselves,
	// which take no password unless they are told to.
	SentinelUsername string
	SentinelPassword string
	// TLS is used with rediss; nil trusts the system's authorities.
	TLS *tls.Config
	// Prefix begins every key and the channel; default "wl". Installations that
	// share a Redis need one each. A database number does not keep them apart:
	// announcements cross it.
	Prefix string
	// Log is told what the client library has to say. The library has one log
	// per process: the Tracker opened last decides.
	Log zerolog.Logger
}

// The time that a Redis which does not answer can cost.
const (
	ioTimeout   = 500 * time.Millisecond // to connect, to send, to receive
	callTimeout = time.Second            // of one method, everything included
	restTime    = time.Second            // without tries, after failures in a row
	failures    = 3                      // in a row, that make it rest
)

// A Tracker tracks connections in Redis. Make one with Open.
type Tracker struct {
	client  goredis.UniversalClient
	breaker *gobreaker.CircuitBreaker[struct{}]
	keys    keys
}

var _ connections.Tracker = (*Tracker)(nil)

// Open returns a Tracker for the Redis that c names.
//
// It fails if c is wrong, which includes a login that Redis refuses. It does not
// fail because Redis cannot be reached: every method says so, until it can.
func Open(ctx context.Context, c Config) (*Tracker, error) {
	a, err := parseAddress(c.URL)
	if err != nil {
		return nil, err
	}
	logTo(c.Log)
	t := &Tracker{
		client:  goredis.NewUniversalClient(options(c, a)),
		breaker: newBreaker(c.Log),
		keys:    newKeys(c.Prefix),
	}
	if err := t.Check(ctx); refused(err) {
		_ = t.Close()
		return nil, fault.Wrap(fault.InvalidInput, err, "Redis refused the login").
			WithFix("Check the user name and the password for Redis.")
	} else if err != nil {
		c.Log.Warn().Err(err).Msg("Redis cannot be reached; going on without it until it can")
	}
	return t, nil
}

// Close ends every connection to Redis.
func (t *Tracker) Close() error { return t.client.Close() }

// options differ from the library's defaults, under which a Redis that stalls
// holds a caller for 5 s whatever its context says, and one that is down costs
// 20 dials per command.
func options(c Config, a address) *goredis.UniversalOptions {
	o := &goredis.UniversalOptions{
		Addrs:                 a.hosts,
		MasterName:            a.master,
		IsClusterMode:         a.topology == cluster,
		DB:                    a.db,
		Username:              a.username,
		Password:              a.password,
		SentinelUsername:      c.SentinelUsername,
		SentinelPassword:      c.SentinelPassword,
		ContextTimeoutEnabled: true,
		DialTimeout:           ioTimeout,
		ReadTimeout:           ioTimeout,
		WriteTimeout:          ioTimeout,
		PoolTimeout:           ioTimeout,
		DialerRetries:         1,
		MaxRetries:            1,
		MaxRetryBackoff:       32 * time.Millisecond,
		// Both are questions that Redis 7.0 does not know.
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if c.Username != "" {
		o.Username = c.Username
	}
	if c.Password != "" {
		o.Password = c.Password
	}
	if a.tls {
		o.TLSConfig = c.TLS
		if o.TLSConfig == nil {
			o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		}
	}
	return o
}

// refused reports whether Redis answered that it does not know us.
func refused(err error) bool { return err != nil && goredis.IsAuthError(err) }
