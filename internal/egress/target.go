package egress

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Hosts knows which hosts an app declares. Allows is asked with the URL of every
// hop: scheme, host and port in lower case; it must not keep or change it.
type Hosts interface {
	Allows(u *url.URL) bool
}

// checkTarget decides, before anything is looked up or put on the request,
// whether an app may be called at u, and writes the host in lower case.
func (w *wall) checkTarget(u *url.URL, o Options) error {
	u.Host = strings.ToLower(u.Host)
	port, err := checkURL(u)
	if err != nil {
		return err
	}
	if o.Hosts == nil || !o.Hosts.Allows(u) {
		return &refusal{why: "the app does not declare this host", fix: "Only the hosts that the app's definition declares can be called."}
	}
	host := u.Hostname()
	named := w.names(host, port, o.Private)
	if u.Scheme == "http" && !o.PlainHTTP && !named {
		return &refusal{why: "only https is allowed to this host", fix: "Use https, or " + lower(fixAllow)}
	}
	if isForeignPort(port) && !named {
		return &refusal{why: fmt.Sprintf("port %d belongs to another protocol than HTTP", port), fix: fixAllow}
	}
	if ip, literal, _ := parseHost(host); literal {
		return w.permit(host, netip.AddrPortFrom(ip, port), o.Private)
	}
	return nil
}

// checkURL accepts http and https URLs that can be read one way only and returns
// their port.
func checkURL(u *url.URL) (uint16, error) {
	if u.Scheme != "http" && u.Scheme != "https" {
		return 0, &refusal{why: "only http and https can be called"}
	}
	if u.Opaque != "" || u.User != nil || u.Fragment != "" || u.RawFragment != "" {
		return 0, &refusal{why: "the URL has a user name, a fragment or no host"}
	}
	if _, _, err := parseHost(u.Hostname()); err != nil {
		return 0, &refusal{why: err.Error()}
	}
	if strings.HasSuffix(u.Host, ":") {
		return 0, &refusal{why: "the port is missing after the colon"}
	}
	if p := u.Port(); p != "" {
		n, err := parsePort(p)
		if err != nil {
			return 0, &refusal{why: err.Error()}
		}
		return n, nil
	}
	if u.Scheme == "http" {
		return 80, nil
	}
	return 443, nil
}

// parseHost accepts a plain name or a literal address, in lower case, and
// refuses whatever one reader takes for a name and another for an address:
// numbers ("2130706433", "0x7f.1", "127.1"), zones, trailing dots, IPv4 written
// as IPv6, and letters that are not ASCII.
func parseHost(h string) (ip netip.Addr, literal bool, err error) {
	if ip, err := netip.ParseAddr(h); err == nil {
		switch {
		case ip.Zone() != "":
			return netip.Addr{}, false, errors.New("an address with a zone cannot be called")
		case ip.Is4In6():
			return netip.Addr{}, false, errors.New("an IPv4 address must not be written as IPv6")
		}
		return ip, true, nil
	}
	if h == "" || len(h) > 253 {
		return netip.Addr{}, false, errors.New("the host is missing or too long")
	}
	labels := strings.Split(h, ".")
	for _, l := range labels {
		if !isLabel(l) {
			return netip.Addr{}, false, errors.New("the host is neither a plain name nor an address; write names in ASCII, without a trailing dot")
		}
	}
	if isNumber(labels[len(labels)-1]) {
		return netip.Addr{}, false, errors.New("the host looks like an address but is not written as one")
	}
	return netip.Addr{}, false, nil
}

// isLabel reports whether l can be a part of a name. Underscores are no host
// name by the book, but live in many an internal one.
func isLabel(l string) bool {
	if l == "" || len(l) > 63 || l[0] == '-' {
		return false
	}
	for _, c := range []byte(l) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// isNumber reports whether the last label of a name makes the URL standard, and
// inet_aton, take the whole name for an IPv4 address.
func isNumber(l string) bool {
	hex, isHex := strings.CutPrefix(l, "0x")
	if isHex {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(l, "0123456789") == ""
}

// isForeignPort reports whether a port is known to belong to a protocol that an
// HTTP request can be smuggled into. The first rows are the bad ports of the
// Fetch standard, section 2.9; the last are databases and remote control.
func isForeignPort(port uint16) bool {
	switch port {
	case 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95,
		101, 102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179,
		389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601,
		636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566,
		6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
		445, 1433, 1521, 3306, 3389, 5432, 5900, 6379, 11211, 27017:
		return true
	}
	return false
}

// checkOrigin makes sure that whoever authorised the request left it going where
// it was checked to go.
func checkOrigin(r *http.Request, checked url.URL) error {
	u := r.URL
	if u.Scheme != checked.Scheme || u.Host != checked.Host || u.User != nil || u.Opaque != "" || u.Fragment != "" {
		return &refusal{why: "authorising the request changed where it goes"}
	}
	return nil
}

func lower(s string) string { return strings.ToLower(s[:1]) + s[1:] }
