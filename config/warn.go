package config

import (
	"net"
	"net/netip"
	"strings"
)

// warn notes what is allowed but probably not meant.
func (l *loader) warn(c *Config) {
	if !loopback(c.Listen) && !strings.HasPrefix(c.PublicURL, "https://") {
		l.warning("listen is %s, beyond this machine, and public_url is not https: keys would cross the network readable; put a TLS proxy before it and set public_url", c.Listen)
	}
	if strings.HasPrefix(c.Vault.Address, "http://") && !loopback(strings.TrimPrefix(c.Vault.Address, "http://")) {
		l.warning("vault.address is http: tokens and data keys would cross the network readable")
	}
	c.warnings = l.warnings
}

// loopback reports whether an address with or without port is of this machine
// alone.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && ip.IsLoopback())
}

// protectFile refuses a configuration file that holds a secret and that every
// user may read, and warns of one that the group may.
func (l *loader) protectFile() {
	for _, k := range Keys() {
		g, ok := l.given[k.Path]
		if !ok || !k.Secret || g.origin.Layer != "file" || l.given[k.Path+"_file"].text != "" || (k.url && !holdsPassword(g.text)) {
			continue
		}
		switch {
		case l.fileMode.Perm()&0o007 != 0:
			l.at(k.Path, "every user of this machine can read this secret: chmod 600 %s", l.filePath)
		case l.fileMode.Perm()&0o070 != 0:
			l.warning("%s holds %s and can be read by its group: chmod 600 %s", l.filePath, k.Path, l.filePath)
		}
	}
}
