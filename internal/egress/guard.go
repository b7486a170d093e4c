package egress

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Limits of every request; a caller's deadline may be shorter.
const (
	dialTimeout      = 5 * time.Second  // lookup included
	handshakeTimeout = 5 * time.Second  // of TLS
	defaultDeadline  = 60 * time.Second // for a context without one
	defaultMaxBytes  = 16 << 20         // of an answer, decompressed
	maxHeaderBytes   = 64 << 10         // of an answer
	maxRedirects     = 3
)

// A Guard sends requests and opens connections under one Policy. It is safe for
// concurrent use and owns connections until Close.
type Guard struct {
	wall     *wall
	resolver *net.Resolver
	pools    *pools
	gzips    sync.Pool // of *gzip.Reader, which are large
}

// New returns a Guard that keeps to p.
func New(p Policy) *Guard {
	g := &Guard{wall: newWall(p), resolver: p.Resolver}
	if g.resolver == nil {
		g.resolver = &net.Resolver{PreferGo: true}
	}
	g.pools = newPools(func(private bool) *http.Transport { return g.transport(p, private) })
	return g
}

// Close closes the idle connections. Requests under way finish.
func (g *Guard) Close() { g.pools.closeIdle() }

// transport returns a pool of connections of its own, which allow rules count
// for or do not.
func (g *Guard) transport(p Policy, private bool) *http.Transport {
	return &http.Transport{
		// A proxy would be the one to dial, out of reach of the check.
		Proxy: nil,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return g.dial(ctx, network, addr, private)
		},
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: p.RootCAs},
		TLSHandshakeTimeout:    handshakeTimeout,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
		MaxIdleConns:           1024,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: maxHeaderBytes,
		DisableCompression:     true, // so that the cap is on what comes out
	}
}

// DialContext opens a connection to addr, "host:port", for something that is not
// HTTP, such as a database driver. The operator's allow rules count. Which host
// a connection may name is for the caller to have checked.
func (g *Guard) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	what := hop{place: addr}
	switch network {
	case "tcp", "tcp4", "tcp6":
	default:
		return nil, what.refused(&refusal{why: "only TCP can be used"})
	}
	host, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, _, err = parseHost(strings.ToLower(host))
	}
	if err == nil {
		_, err = parsePort(port)
	}
	if err != nil {
		return nil, (&hop{place: "the address"}).refused(&refusal{why: "it is not a host and a port that can be called"})
	}
	conn, err := g.dial(ctx, network, net.JoinHostPort(strings.ToLower(host), port), true)
	if err != nil {
		return nil, what.failed(ctx, err)
	}
	return conn, nil
}

// dial connects to addr and checks every address that its host resolves to at
// the moment it is connected to.
func (g *Guard) dial(ctx context.Context, network, addr string, private bool) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{
		Timeout:  dialTimeout,
		Resolver: g.resolver,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil {
				return &refusal{why: "it resolves to something that is not an address"}
			}
			return g.wall.permit(host, to, private)
		},
	}
	return d.DialContext(ctx, network, addr)
}
