package egress

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// A Rule opens one destination that is refused otherwise: a network or address
// with or without a port, or one name with a port. The zero Rule opens nothing.
type Rule struct {
	prefix netip.Prefix // not valid when the rule is for a name
	name   string       // lower case; empty when the rule is for addresses
	port   uint16       // 0 means any
}

// ParseRule reads a rule such as "10.20.0.0/16:443", "10.20.0.0/16" (any port),
// "127.0.0.1:8080", "[::1]:80", "[fd00::/8]:443" or "db.internal:5432". A name
// needs a port and means that name only, wherever it resolves to.
func ParseRule(s string) (Rule, error) {
	bad := func(format string, args ...any) (Rule, error) {
		return Rule{}, fmt.Errorf("egress rule %q: %s", s, fmt.Sprintf(format, args...))
	}
	if strings.Contains(s, "://") {
		return bad("write host:port or network:port, without a scheme")
	}
	host, portText, err := splitRule(s)
	if err != nil {
		return bad("%v", err)
	}
	r := Rule{}
	if portText != "" {
		if r.port, err = parsePort(portText); err != nil {
			return bad("%v", err)
		}
	}
	if strings.Contains(host, "/") {
		r.prefix, err = parsePrefix(host)
		if err != nil {
			return bad("%v", err)
		}
		return r, nil
	}
	ip, literal, err := parseHost(strings.ToLower(host))
	switch {
	case err != nil:
		return bad("%v", err)
	case literal:
		r.prefix = netip.PrefixFrom(ip, ip.BitLen())
	case r.port == 0:
		return bad("a name needs a port, such as %s:443", host)
	default:
		r.name = strings.ToLower(host)
	}
	return r, nil
}

// splitRule separates what is opened from the port, which may be missing.
func splitRule(s string) (host, port string, err error) {
	if rest, ok := strings.CutPrefix(s, "["); ok {
		host, after, ok := strings.Cut(rest, "]")
		port, colon := strings.CutPrefix(after, ":")
		switch {
		case !ok:
			return "", "", fmt.Errorf("the bracket is not closed")
		case !strings.Contains(host, ":"):
			return "", "", fmt.Errorf("only an IPv6 address or network stands in brackets")
		case after != "" && (!colon || port == ""):
			return "", "", fmt.Errorf("a port must follow the bracket, as in [::1]:80")
		}
		return host, port, nil
	}
	// In a network the port can only follow the length: 10.0.0.0/8:443.
	if network, tail, ok := strings.Cut(s, "/"); ok {
		bits, port, colon := strings.Cut(tail, ":")
		if colon && port == "" {
			return "", "", fmt.Errorf("the port is missing after the colon")
		}
		return network + "/" + bits, port, nil
	}
	if strings.Count(s, ":") > 1 { // a bare IPv6 address
		return s, "", nil
	}
	host, port, colon := strings.Cut(s, ":")
	if colon && port == "" {
		return "", "", fmt.Errorf("the port is missing after the colon")
	}
	return host, port, nil
}

func parsePrefix(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return p, fmt.Errorf("not a network such as 10.20.0.0/16")
	case p.Addr().Is4In6():
		return p, fmt.Errorf("write it as an IPv4 network")
	case p != p.Masked():
		return p, fmt.Errorf("the network of that length is %s", p.Masked())
	}
	return p, nil
}

// parsePort reads a port the one way it is written: 1 to 65535, no sign, no
// leading zero.
func parsePort(s string) (uint16, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 || s[0] == '0' || s[0] == '+' {
		return 0, fmt.Errorf("the port must be a number from 1 to 65535")
	}
	return uint16(n), nil
}

// String returns the rule as ParseRule reads it.
func (r Rule) String() string {
	what := r.name
	switch {
	case what != "":
	case !r.prefix.IsValid():
		return ""
	case r.prefix.IsSingleIP():
		what = r.prefix.Addr().String()
	default:
		what = r.prefix.String()
	}
	if r.port == 0 {
		return what
	}
	if strings.Contains(what, ":") {
		what = "[" + what + "]"
	}
	return what + ":" + strconv.Itoa(int(r.port))
}

// single reports whether the rule names exactly one address and port.
func (r Rule) single() bool { return r.prefix.IsValid() && r.prefix.IsSingleIP() && r.port != 0 }

// matches reports whether the rule opens the address for the host that was asked
// for. A rule for a name ignores the address; Policy refuses some all the same.
func (r Rule) matches(host string, to netip.AddrPort) bool {
	if r.port != 0 && r.port != to.Port() {
		return false
	}
	if r.name != "" {
		return r.name == host
	}
	return r.prefix.Contains(to.Addr())
}

// Warning returns what an operator should be told loudly about a rule that opens
// more than a careful one would, or "".
func (r Rule) Warning() string {
	if !r.prefix.IsValid() {
		return ""
	}
	bits, loopback, local := 8, netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("169.254.0.0/16")
	if r.prefix.Addr().Is6() {
		bits, loopback, local = 16, netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("fe80::/10")
	}
	open := "egress.allow " + r.String() + " "
	switch {
	case r.prefix.Bits() == 0:
		return open + "opens every address there is, this machine and every private network included, to anyone who can define a connection"
	case r.prefix.Overlaps(loopback) && !r.single():
		return open + "opens services of this machine that trust whoever can reach them; name one address and port instead"
	case r.prefix.Overlaps(local), r.prefix.IsSingleIP() && isMetadata(r.prefix.Addr()):
		return open + "opens link-local or metadata addresses, where clouds hand out this machine's own credentials"
	case r.prefix.Bits() < bits:
		return open + "opens an unusually large network; name the networks that are meant"
	}
	return ""
}
