package egress_test

import (
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/wayleave/wayleave/internal/egress"
)

func TestParseRule(t *testing.T) {
	for in, want := range map[string]string{
		"10.20.0.0/16:443":    "10.20.0.0/16:443",
		"10.20.0.0/16":        "10.20.0.0/16",
		"127.0.0.1:8080":      "127.0.0.1:8080",
		"127.0.0.1":           "127.0.0.1",
		"127.0.0.1/32:80":     "127.0.0.1:80",
		"db.internal:5432":    "db.internal:5432",
		"DB.Internal:5432":    "db.internal:5432",
		"redis:6379":          "redis:6379",
		"[::1]:80":            "[::1]:80",
		"[::1]":               "::1",
		"::1":                 "::1",
		"fd00::/8":            "fd00::/8",
		"[fd00::/8]:443":      "[fd00::/8]:443",
		"fd00::/8:443":        "[fd00::/8]:443",
		"[FD00:0:0::1]:65535": "[fd00::1]:65535",
	} {
		r, err := egress.ParseRule(in)
		if err != nil || r.String() != want {
			t.Errorf("ParseRule(%q) = %q, %v; want %q", in, r, err, want)
		}
	}
}

func TestParseRuleRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"":                        "missing",
		":80":                     "missing",
		"https://db.internal:443": "without a scheme",
		"db.internal":             "needs a port",
		"db.internal:":            "port is missing",
		"db.internal:0":           "1 to 65535",
		"db.internal:65536":       "1 to 65535",
		"db.internal:+80":         "1 to 65535",
		"db.internal:080":         "1 to 65535",
		"db.internal:http":        "1 to 65535",
		"*.internal:443":          "plain name",
		"db.internal.:443":        "plain name",
		"dß.internal:443":         "plain name",
		"db internal:443":         "plain name",
		"db.internal/x:443":       "not a network",
		"10.20.1.0/16":            "10.20.0.0/16",
		"10.20.0.0/33":            "not a network",
		"10.20.0.0/16:":           "port is missing",
		"10.20.0/16":              "not a network",
		"::ffff:10.0.0.0/104":     "IPv4",
		"::ffff:127.0.0.1":        "IPv6",
		"[::1":                    "bracket",
		"[::1]80":                 "port must follow",
		"[::1]:":                  "port must follow",
		"[127.0.0.1]:80":          "brackets",
		"[fe80::1%eth0]:80":       "zone",
		"2130706433:80":           "looks like an address",
		"0x7f000001:80":           "looks like an address",
		"127.1:80":                "looks like an address",
		"0177.0.0.1:80":           "looks like an address",
	} {
		_, err := egress.ParseRule(in)
		if err == nil {
			t.Errorf("ParseRule(%q) was accepted", in)
			continue
		}
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `"`+in+`"`) {
			t.Errorf("ParseRule(%q): %v; want the entry named and %q said", in, err, want)
		}
	}
}

// A rule means the same when it is written out and read again, and matches an
// address if and only if the address is in its network.
func TestRuleRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ip netip.Addr
		if rapid.Bool().Draw(t, "v6") {
			ip = netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "ip")))
		} else {
			ip = netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "ip")))
		}
		if ip.Is4In6() {
			t.Skip("written as IPv4")
		}
		p := netip.PrefixFrom(ip, rapid.IntRange(0, ip.BitLen()).Draw(t, "bits")).Masked()
		r, err := egress.ParseRule(p.String())
		if err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		again, err := egress.ParseRule(r.String())
		if err != nil || again != r {
			t.Fatalf("%s read again is %s, %v", r, again, err)
		}
	})
}

func FuzzParseRule(f *testing.F) {
	for _, s := range []string{"10.0.0.0/8:443", "[::1]:80", "db.internal:5432", "fd00::/8:1", "[", "/", ":"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := egress.ParseRule(s)
		if err != nil {
			return
		}
		again, err := egress.ParseRule(r.String())
		if err != nil || again != r {
			t.Errorf("ParseRule(%q) = %q, which reads as %q, %v", s, r, again, err)
		}
	})
}

func TestRuleWarning(t *testing.T) {
	for in, want := range map[string]string{
		"0.0.0.0/0":             "every address",
		"0.0.0.0/0:443":         "every address",
		"::/0":                  "every address",
		"127.0.0.0/8":           "this machine",
		"127.0.0.1":             "this machine",
		"::1":                   "this machine",
		"127.0.0.0/8:80":        "this machine",
		"64.0.0.0/2":            "this machine",
		"169.254.0.0/16":        "credentials",
		"169.254.169.254:80":    "credentials",
		"[fd00:ec2::254]:80":    "credentials",
		"fe80::/10":             "credentials",
		"168.63.129.16:80":      "credentials",
		"8.0.0.0/6":             "unusually large",
		"f000::/4:443":          "credentials",
		"2000::/3":              "unusually large",
		"10.0.0.0/8":            "",
		"10.20.0.0/16:443":      "",
		"127.0.0.1:8080":        "",
		"[::1]:80":              "",
		"db.internal:5432":      "",
		"192.168.1.0/24":        "",
		"[fd12:3456::/32]:5432": "",
	} {
		got := rules(t, in)[0].Warning()
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("Warning of %s: %q, want %q", in, got, want)
		}
		if got != "" && !strings.Contains(got, rules(t, in)[0].String()) {
			t.Errorf("Warning of %s does not name it: %q", in, got)
		}
	}
}
