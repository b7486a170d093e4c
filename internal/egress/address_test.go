package egress_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/internal/egress"
)

// hostile are addresses that nobody outside this machine and its networks should
// be able to make it call, in every form that an IP library accepts.
var hostile = []string{
	"127.0.0.1", "127.0.0.53", "127.255.255.255", "::1", // loopback
	"0.0.0.0", "0.1.2.3", "::", // this machine, on Linux
	"10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255", // RFC 1918
	"fc00::1", "fd12:3456:789a::1", // RFC 4193
	"100.64.0.1", "100.127.255.255", // RFC 6598
	"169.254.0.1", "fe80::1", "febf::1", // link-local
	"169.254.169.254", "169.254.170.2", "fd00:ec2::254", "fd20:ce::254", // metadata
	"100.100.100.200", "168.63.129.16", "192.0.0.192", // metadata elsewhere
	"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", // mapped
	"::127.0.0.1", "::10.0.0.1", // compatible
	"64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::10.0.0.1", // NAT64
	"2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:808:808::1", // 6to4
	"2001::1", "2001:0:4136:e378:8000:63bf:80ff:fffe", // Teredo
	"240.0.0.1", "255.255.255.255", // reserved, broadcast
	"198.18.0.1", "198.19.255.255", // benchmarking
	"192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1", // documentation
	"192.0.0.8", "192.88.99.1", // protocol assignments, 6to4 relays
	"224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1", // multicast
	"fec0::1", "100::1", "5f00::1", // site-local, discard, segment routing
}

func TestHostileAddresses(t *testing.T) {
	g := newGuard(t, egress.Policy{})
	for _, text := range hostile {
		ip := netip.MustParseAddr(text)
		for _, private := range []bool{false, true} {
			if err := g.Permit("app.example", netip.AddrPortFrom(ip, 443), private); err == nil {
				t.Errorf("%s is permitted (private %t)", text, private)
			} else if !strings.Contains(err.Error(), "app.example") || !strings.Contains(err.Error(), ip.Unmap().String()) {
				t.Errorf("%s: %v; want the name and the address", text, err)
			}
		}
	}
	for _, text := range []string{"8.8.8.8", "93.184.216.34", "::ffff:8.8.8.8", "2606:4700:4700::1111", "172.32.0.1", "100.128.0.1", "169.253.0.1"} {
		if err := g.Permit("app.example", netip.MustParseAddrPort(netip.AddrPortFrom(netip.MustParseAddr(text), 443).String()), false); err != nil {
			t.Errorf("%s is refused: %v", text, err)
		}
	}
}

func TestAllowRules(t *testing.T) {
	for name, tc := range map[string]struct {
		allow   string
		host    string
		to      string
		public  bool // the app does not ask for private addresses
		refused bool
	}{
		"a network":                                  {allow: "10.20.0.0/16:443", to: "10.20.3.4:443"},
		"a network, another port":                    {allow: "10.20.0.0/16:443", to: "10.20.3.4:80", refused: true},
		"a network, any port":                        {allow: "10.20.0.0/16", to: "10.20.3.4:80"},
		"a neighbour network":                        {allow: "10.20.0.0/16", to: "10.21.0.1:80", refused: true},
		"the app does not ask":                       {allow: "10.20.0.0/16", to: "10.20.3.4:443", public: true, refused: true},
		"an address":                                 {allow: "127.0.0.1:8080", to: "127.0.0.1:8080"},
		"an address, mapped":                         {allow: "127.0.0.1:8080", to: "[::ffff:127.0.0.1]:8080"},
		"an address, another":                        {allow: "127.0.0.1:8080", to: "127.0.0.2:8080", refused: true},
		"IPv6":                                       {allow: "[::1]:80", to: "[::1]:80"},
		"IPv6, another port":                         {allow: "[::1]:80", to: "[::1]:81", refused: true},
		"a name":                                     {allow: "db.internal:5432", host: "db.internal", to: "10.0.0.7:5432"},
		"a name, another port":                       {allow: "db.internal:5432", host: "db.internal", to: "10.0.0.7:5433", refused: true},
		"another name, same address":                 {allow: "db.internal:5432", host: "evil.example", to: "10.0.0.7:5432", refused: true},
		"a name below":                               {allow: "db.internal:5432", host: "x.db.internal", to: "10.0.0.7:5432", refused: true},
		"a name opens no metadata":                   {allow: "db.internal:80", host: "db.internal", to: "169.254.169.254:80", refused: true},
		"everything opens no metadata":               {allow: "0.0.0.0/0", to: "169.254.169.254:80", refused: true},
		"everything opens no Azure wire server":      {allow: "0.0.0.0/0", to: "168.63.129.16:80", refused: true},
		"link-local opens no metadata":               {allow: "169.254.0.0/16:80", to: "169.254.169.254:80", refused: true},
		"metadata by its own address":                {allow: "169.254.169.254:80", to: "169.254.169.254:80"},
		"everything opens no 0.0.0.0":                {allow: "0.0.0.0/0", to: "0.0.0.0:80", refused: true},
		"0.0.0.0 by its own address":                 {allow: "0.0.0.0:80", to: "0.0.0.0:80", refused: true},
		"everything opens no broadcast":              {allow: "0.0.0.0/0", to: "255.255.255.255:80", refused: true},
		"everything opens no multicast":              {allow: "::/0", to: "[ff02::1]:80", refused: true},
		"everything opens private":                   {allow: "0.0.0.0/0", to: "10.0.0.1:80"},
		"everything in IPv6, not NAT64 of metadata":  {allow: "::/0", to: "[64:ff9b::a9fe:a9fe]:80", refused: true},
		"everything in IPv6, not 6to4 of metadata":   {allow: "::/0", to: "[2002:a9fe:a9fe::1]:80", refused: true},
		"everything in IPv6, not Teredo of metadata": {allow: "::/0", to: "[2001:0:a9fe:a9fe::1]:80", refused: true},
		"everything in IPv6, NAT64 of a public one":  {allow: "::/0", to: "[64:ff9b::808:808]:80"},
		"IPv4 rules are not IPv6 rules":              {allow: "0.0.0.0/0", to: "[::1]:80", refused: true},
		"port 0":                                     {allow: "0.0.0.0/0", to: "10.0.0.1:0", refused: true},
		"a zone":                                     {allow: "fe80::/10", to: "[fe80::1%lo]:80", refused: true},
	} {
		g := newGuard(t, egress.Policy{Allow: rules(t, tc.allow)})
		to := netip.MustParseAddrPort(tc.to)
		host := tc.host
		if host == "" {
			host = to.Addr().String()
		}
		err := g.Permit(host, to, !tc.public)
		if (err != nil) != tc.refused {
			t.Errorf("%s: %s allowed, %s asked: %v", name, tc.allow, tc.to, err)
		}
	}
	if err := newGuard(t, egress.Policy{Allow: []egress.Rule{{}}}).Permit("", netip.MustParseAddrPort("10.0.0.1:80"), true); err == nil {
		t.Error("the zero Rule opens something")
	}
}

// The server never calls itself, whatever is allowed, unless exactly that was
// written down.
func TestSelf(t *testing.T) {
	for name, tc := range map[string]struct {
		self, allow, host, to string
		refused               bool
	}{
		"everything":               {self: "127.0.0.1:8417", allow: "0.0.0.0/0", to: "127.0.0.1:8417", refused: true},
		"any port":                 {self: "127.0.0.1:8417", allow: "127.0.0.1", to: "127.0.0.1:8417", refused: true},
		"by name":                  {self: "127.0.0.1:8417", allow: "me.internal:8417", host: "me.internal", to: "127.0.0.1:8417", refused: true},
		"exactly":                  {self: "127.0.0.1:8417", allow: "127.0.0.1:8417", to: "127.0.0.1:8417"},
		"another port":             {self: "127.0.0.1:8417", allow: "127.0.0.1", to: "127.0.0.1:8418"},
		"every address, loopback":  {self: "0.0.0.0:8417", allow: "127.0.0.0/8", to: "127.0.0.9:8417", refused: true},
		"every address, IPv6":      {self: "[::]:8417", allow: "::1", to: "[::1]:8417", refused: true},
		"every address, elsewhere": {self: "0.0.0.0:8417", allow: "10.0.0.0/8", to: "10.254.253.252:8417"},
		"a mapped listener":        {self: "[::ffff:127.0.0.1]:8417", allow: "0.0.0.0/0", to: "127.0.0.1:8417", refused: true},
		"NAT64 of itself":          {self: "127.0.0.1:8417", allow: "::/0", to: "[64:ff9b::7f00:1]:8417", refused: true},
		"a public listener":        {self: "8.8.8.8:443", allow: "10.0.0.0/8", to: "8.8.8.8:443", refused: true},
	} {
		g := newGuard(t, egress.Policy{Self: []netip.AddrPort{netip.MustParseAddrPort(tc.self)}, Allow: rules(t, tc.allow)})
		if err := g.Permit(tc.host, netip.MustParseAddrPort(tc.to), true); (err != nil) != tc.refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}
