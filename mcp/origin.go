package mcp

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/wayleave/wayleave/internal/fault"
)

// checkSource refuses what a web page could make a browser send: a Host that is
// not ours (DNS rebinding) and an Origin that was not allowed (cross-site
// requests). MCP demands it of every server.
func (d *Door) checkSource(r *http.Request) *fault.Error {
	if !d.allowsHost(r.Host) {
		return fault.New(fault.PermissionDenied, "the Host header does not name this server").
			WithFix("An operator can add the host to the allowed hosts.")
	}
	origins := r.Header["Origin"]
	if len(origins) == 0 || len(origins) == 1 && d.allowsOrigin(origins[0], onLoopback(r)) {
		return nil
	}
	return fault.New(fault.PermissionDenied, "the Origin is not allowed").
		WithFix("An operator can add the origin to the allowed origins.")
}

// allowsHost reports whether host, with or without a port, is one to answer for.
// Loopback names always are: no page can have a browser send them to a server
// that is not on its own machine.
func (d *Door) allowsHost(host string) bool {
	host = strings.ToLower(host)
	name := hostname(host)
	return loopbackName(name) || slices.Contains(d.hosts, host) || name != host && slices.Contains(d.hosts, name)
}

// allowsOrigin reports whether a page of origin may call.
func (d *Door) allowsOrigin(origin string, local bool) bool {
	origin = strings.ToLower(origin)
	if slices.Contains(d.origins, origin) {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Scheme+"://"+u.Host != origin {
		return false
	}
	return local && loopbackName(hostname(u.Host))
}

// onLoopback reports whether r came over a loopback interface.
func onLoopback(r *http.Request) bool {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	at, err := netip.ParseAddrPort(addr.String())
	return err == nil && at.Addr().Unmap().IsLoopback()
}

// loopbackName reports whether name, without a port, can only be this machine.
func loopbackName(name string) bool {
	if name == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.IsLoopback()
}

// hostname returns host without its port and without the brackets of an IPv6
// address.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}

func lowered(values []string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(v)), "/")
	}
	return out
}

// clip shortens what a stranger sent, for the log.
func clip(s string) string { return s[:min(len(s), 200)] }
