package egress

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"

	"code.dny.dev/ssrf"

	"github.com/wayleave/wayleave/internal/fault"
)

// Policy is what the operator allows beyond public addresses. It comes from the
// operator's configuration only; nothing a tenant can edit ends up in it.
type Policy struct {
	// Allow opens addresses and names that are refused otherwise, for apps that
	// ask for private addresses.
	Allow []Rule
	// Self are this server's own listeners. They are refused, whatever Allow
	// opens, unless a rule names exactly that address and port. An unspecified
	// address (0.0.0.0, ::) means that port on every address of this machine.
	Self []netip.AddrPort
	// Resolver looks names up; nil means Go's own resolver, which, unlike some C
	// libraries, takes "0x7f000001" and "127.1" for names.
	Resolver *net.Resolver
	// RootCAs are trusted to sign the certificates of apps; nil means the
	// system's.
	RootCAs *x509.CertPool
}

// A wall decides about addresses.
type wall struct {
	allow    []Rule
	self     []netip.AddrPort
	guardian *ssrf.Guardian
}

func newWall(p Policy) *wall {
	return &wall{
		allow: p.Allow,
		self:  p.Self,
		guardian: ssrf.New(ssrf.WithAnyPort(), ssrf.WithDeniedV4Prefixes(
			// Azure's wire server answers inside every Azure machine, from what
			// looks like a public address.
			netip.MustParsePrefix("168.63.129.16/32"),
		)),
	}
}

// A refusal is a decision of the policy not to connect or send. It says why and
// what an operator could do, if anything.
type refusal struct {
	kind fault.Kind // empty means fault.UpstreamFailed
	why  string
	fix  string
}

func (r *refusal) Error() string { return r.why }

const fixAllow = "An operator can allow it with egress.allow."

// permit decides whether a connection to the address may be opened for host, the
// name or literal that was asked for. Allow rules count only when private.
func (w *wall) permit(host string, to netip.AddrPort, private bool) error {
	to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
	if to.Port() == 0 || to.Addr().Zone() != "" {
		return &refusal{why: fmt.Sprintf("%s is not an address that can be called", to)}
	}
	named, exact := w.match(host, to, private)
	where := describe(host, to)
	for _, ip := range reaches(to.Addr()) {
		switch {
		case w.isSelf(netip.AddrPortFrom(ip, to.Port())) && !exact:
			return &refusal{why: where + " is this server itself"}
		case isNowhere(ip):
			return &refusal{why: where + " is not an address of any one machine"}
		case isMetadata(ip) && !exact:
			return &refusal{why: where + " is a cloud's metadata service", fix: fixAllow + " Only a rule for that one address does."}
		}
	}
	if named {
		return nil
	}
	if err := w.guardian.SafeAddr(to.Addr()); err != nil {
		fix := fixAllow
		if !private && len(w.allow) > 0 {
			fix = "Only an app that asks for private addresses can call it; then an operator can allow it with egress.allow."
		}
		return &refusal{why: where + " is " + classify(to.Addr()), fix: fix}
	}
	return nil
}

// match reports whether a rule opens the address, and whether one of them names
// the very address, rather than a network or a name.
func (w *wall) match(host string, to netip.AddrPort, private bool) (named, exact bool) {
	if !private {
		return false, false
	}
	for _, r := range w.allow {
		if r.matches(host, to) {
			named = true
			exact = exact || r.single()
		}
	}
	return named, exact
}

// names reports whether a rule names the destination as it is written, before
// any lookup: a name and its port, or a literal address.
func (w *wall) names(host string, port uint16, private bool) bool {
	ip, _ := netip.ParseAddr(host)
	named, _ := w.match(host, netip.AddrPortFrom(ip, port), private)
	return named
}

func (w *wall) isSelf(to netip.AddrPort) bool {
	for _, s := range w.self {
		if s.Port() != to.Port() {
			continue
		}
		if s.Addr().Unmap() == to.Addr() || s.Addr().IsUnspecified() && isLocal(to.Addr()) {
			return true
		}
	}
	return false
}

// isLocal reports whether ip belongs to this machine. Interfaces come and go, so
// they are asked each time; if they cannot be, the answer is yes.
func isLocal(ip netip.Addr) bool {
	if ip.IsLoopback() {
		return true
	}
	all, err := net.InterfaceAddrs()
	if err != nil {
		return true
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok {
			if own, ok := netip.AddrFromSlice(n.IP); ok && own.Unmap() == ip {
				return true
			}
		}
	}
	return false
}

func describe(host string, to netip.AddrPort) string {
	if ip, err := netip.ParseAddr(host); err == nil && ip == to.Addr() {
		return host
	}
	return host + " resolves to " + to.Addr().String() + ", which"
}
