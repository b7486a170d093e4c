package apps

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// String returns the host as it is written in a definition and kept with a
// sealed credential: "api.github.com", "*.slack.com", "127.0.0.1:8080",
// "[::1]:8080".
func (h Host) String() string {
	name := h.Name
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	if h.Port == 0 {
		return name
	}
	return name + ":" + strconv.Itoa(h.Port)
}

// Matches reports whether a request to host, a name or address without brackets
// in any case, and to port is covered. A Host without a port covers 443 and 80,
// the schemes' own.
func (h Host) Matches(host string, port int) bool {
	if h.Port != port && !(h.Port == 0 && (port == 443 || port == 80)) {
		return false
	}
	host = strings.ToLower(host)
	if suffix, ok := strings.CutPrefix(h.Name, "*"); ok {
		return len(host) > len(suffix) && strings.HasSuffix(host, suffix) && host[0] != '.'
	}
	return host == h.Name
}

// ParseHost parses what [Host.String] writes.
func ParseHost(s string) (Host, error) {
	wild := strings.HasPrefix(s, "*.")
	name, port, err := splitPort(strings.TrimPrefix(s, "*."))
	if err != nil {
		return Host{}, err
	}
	if name, err = canonicalName(name); err != nil {
		return Host{}, err
	}
	if wild {
		if _, err := netip.ParseAddr(name); err == nil || !strings.Contains(name, ".") {
			return Host{}, fmt.Errorf("a pattern needs a domain of at least two labels after \"*.\"")
		}
		name = "*." + name
	}
	return Host{Name: name, Port: port}, nil
}

// splitPort splits "name:port", "[::1]:port" and either without a port.
func splitPort(s string) (name string, port int, err error) {
	name = s
	if inner, ok := strings.CutPrefix(s, "["); ok {
		end := strings.IndexByte(inner, ']')
		if end < 0 || !strings.Contains(inner[:end], ":") {
			return "", 0, fmt.Errorf("square brackets hold an IPv6 address, such as [2001:db8::1]")
		}
		name, s = inner[:end], inner[end+1:]
		if s == "" {
			return name, 0, nil
		}
		if s[0] != ':' {
			return "", 0, fmt.Errorf("only a port can follow an address in square brackets")
		}
		port, err = parsePort(s[1:])
		return name, port, err
	}
	if i := strings.IndexByte(s, ':'); i >= 0 {
		port, err = parsePort(s[i+1:])
		return s[:i], port, err
	}
	return name, 0, nil
}

func parsePort(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 65535 || strconv.Itoa(n) != s {
		return 0, fmt.Errorf("a port is a number from 1 to 65535")
	}
	return n, nil
}

// canonicalName returns a host name or IP address in lower case. It refuses what
// different readers take for different hosts: names that are not ASCII, that end
// in a dot, or that look like a number in another notation than four decimal
// parts (2130706433, 0177.0.0.1 and 0x7f.1 are all 127.0.0.1 to some).
func canonicalName(s string) (string, error) {
	name := strings.ToLower(s)
	if strings.Contains(name, ":") {
		a, err := netip.ParseAddr(name)
		if err != nil || a.Zone() != "" {
			return "", fmt.Errorf("that is no IPv6 address")
		}
		return a.String(), nil
	}
	if name == "" || len(name) > 253 {
		return "", fmt.Errorf("a host name has 1 to 253 characters")
	}
	for _, r := range name {
		if r > 0x7f {
			return "", fmt.Errorf("a host name is written in ASCII; write an international name as xn--…")
		}
	}
	labels := strings.Split(name, ".")
	for _, l := range labels {
		if !isHostLabel(l) {
			return "", fmt.Errorf("a host name is made of labels of a-z, 0-9 and dashes, with a dot between them and none at the end")
		}
	}
	if last := labels[len(labels)-1]; last[0] >= '0' && last[0] <= '9' {
		if _, err := netip.ParseAddr(name); err != nil {
			return "", fmt.Errorf("an IPv4 address is written as four decimal numbers, such as 192.0.2.1")
		}
	}
	return name, nil
}

// isHostLabel allows underscores within, which names in private networks have.
func isHostLabel(l string) bool {
	if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
		return false
	}
	return strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

// A reach says where a host name or address leads, as far as can be told without
// asking the network. What a name resolves to is checked when it is dialled.
type reach int

const (
	public   reach = iota
	private        // loopback, private networks, names that only they have
	metadata       // services that hand out a cloud machine's own credentials
)

var metadataAddrs = []netip.Prefix{
	netip.MustParsePrefix("169.254.0.0/16"),     // AWS, Google, Azure and others; link-local
	netip.MustParsePrefix("fe80::/10"),          // link-local
	netip.MustParsePrefix("fd00:ec2::254/128"),  // AWS
	netip.MustParsePrefix("168.63.129.16/32"),   // Azure wire server
	netip.MustParsePrefix("100.100.100.200/32"), // Alibaba
	netip.MustParsePrefix("192.0.0.192/32"),     // Oracle
	netip.MustParsePrefix("0.0.0.0/8"),          // this host
	netip.MustParsePrefix("224.0.0.0/3"),        // multicast, reserved
	netip.MustParsePrefix("ff00::/8"),           // multicast
	netip.MustParsePrefix("64:ff9b::/96"),       // NAT64: any IPv4 address in disguise
	netip.MustParsePrefix("2002::/16"),          // 6to4, likewise
	netip.MustParsePrefix("2001::/32"),          // Teredo, likewise
}

var sharedAddrs = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598

func reachOf(name string) reach {
	if a, err := netip.ParseAddr(name); err == nil {
		return reachOfAddr(a.Unmap())
	}
	switch {
	case name == "metadata.google.internal" || name == "metadata":
		return metadata
	case !strings.Contains(name, "."):
		return private
	}
	for _, suffix := range []string{".localhost", ".local", ".internal", ".localdomain", ".lan", ".home.arpa"} {
		if strings.HasSuffix(name, suffix) {
			return private
		}
	}
	return public
}

func reachOfAddr(a netip.Addr) reach {
	for _, p := range metadataAddrs {
		if p.Contains(a) {
			return metadata
		}
	}
	if a.IsUnspecified() {
		return metadata
	}
	if a.IsLoopback() || a.IsPrivate() || sharedAddrs.Contains(a) {
		return private
	}
	return public
}

// checkReach refuses hosts that the app may not lead to.
func checkReach(name string, askPrivate bool) error {
	switch reachOf(name) {
	case metadata:
		return fmt.Errorf("this address is never an app's: it is reserved or hands out a machine's own credentials")
	case private:
		if !askPrivate {
			return fmt.Errorf("this host is in a private network; an app that is meant for one declares network: { private: ask }")
		}
	}
	return nil
}

// portOf returns the port that a request to u goes to, 0 if it has none.
func portOf(u *url.URL) int {
	if p := u.Port(); p != "" {
		n, err := parsePort(p)
		if err != nil {
			return 0
		}
		return n
	}
	switch u.Scheme {
	case "https":
		return 443
	case "http":
		return 80
	}
	return 0
}

// joinHost writes a host and port as a URL does, the port only if it is given.
func joinHost(name string, port int) string {
	if port != 0 {
		return net.JoinHostPort(name, strconv.Itoa(port))
	}
	if strings.Contains(name, ":") {
		return "[" + name + "]"
	}
	return name
}
