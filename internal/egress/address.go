package egress

import "net/netip"

// metadata are the addresses at which clouds hand out a machine's credentials.
// No network wide rule and no name opens them.
func isMetadata(ip netip.Addr) bool {
	switch ip.String() {
	case "169.254.169.254", // AWS, Azure, Google Cloud, OpenStack, Oracle, DigitalOcean
		"169.254.170.2", "169.254.170.23", // AWS container credentials
		"fd00:ec2::254", "fd00:ec2::23", // AWS
		"fd20:ce::254",    // Google Cloud
		"100.100.100.200", // Alibaba Cloud
		"168.63.129.16",   // Azure wire server
		"192.0.0.192":     // Oracle Cloud, classic
		return true
	}
	return false
}

// isNowhere reports whether ip is not one machine's address. On Linux 0.0.0.0
// reaches this machine, so it is never opened by any rule.
func isNowhere(ip netip.Addr) bool {
	return ip.IsUnspecified() || ip.IsMulticast() ||
		ip.Is4() && (ip.As4()[0] == 0 || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}))
}

// reaches returns ip and, where ip is an IPv6 form that a gateway turns into an
// IPv4 address, that address too: a rule that opens a whole IPv6 network must
// not open this machine's metadata service through the back door.
func reaches(ip netip.Addr) []netip.Addr {
	if !ip.Is6() {
		return []netip.Addr{ip}
	}
	b := ip.As16()
	v4 := func(at int) netip.Addr { return netip.AddrFrom4([4]byte(b[at : at+4])) }
	switch {
	case ip.IsLoopback() || ip.IsUnspecified():
		return []netip.Addr{ip}
	case nat64.Contains(ip), nat64Local.Contains(ip), compatible.Contains(ip):
		return []netip.Addr{ip, v4(12)}
	case sixToFour.Contains(ip):
		return []netip.Addr{ip, v4(2)}
	case teredo.Contains(ip): // the client's address is stored inverted, RFC 4380 section 4
		for i := 12; i < 16; i++ {
			b[i] ^= 0xff
		}
		return []netip.Addr{ip, v4(4), v4(12)}
	}
	return []netip.Addr{ip}
}

// Networks that messages and embeddings are told apart by. Whether an address is
// refused is not decided by them.
var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96")   // RFC 6052
	nat64Local = netip.MustParsePrefix("64:ff9b:1::/48") // RFC 8215
	sixToFour  = netip.MustParsePrefix("2002::/16")      // RFC 3056
	teredo     = netip.MustParsePrefix("2001::/32")      // RFC 4380
	compatible = netip.MustParsePrefix("::/96")          // RFC 4291 section 2.5.5.1
	sharedNAT  = netip.MustParsePrefix("100.64.0.0/10")  // RFC 6598
)

// classify says in words why a refused address is special.
func classify(ip netip.Addr) string {
	switch {
	case ip.IsLoopback():
		return "a loopback address, that is this machine"
	case ip.IsPrivate():
		return "a private address"
	case ip.IsLinkLocalUnicast():
		return "a link-local address"
	case sharedNAT.Contains(ip):
		return "an address of a provider's shared network"
	case len(reaches(ip)) > 1:
		return "an IPv6 form of another address"
	}
	return "an address reserved for special use"
}
