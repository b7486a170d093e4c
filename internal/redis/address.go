package redis

import (
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/wayleave/wayleave/internal/fault"
)

// A topology is how the servers behind an address work together.
type topology string

const (
	standalone topology = ""
	sentinel   topology = "sentinel"
	cluster    topology = "cluster"
)

// An address is a parsed URL.
type address struct {
	topology topology
	tls      bool
	username string
	password string
	hosts    []string // host:port
	master   string   // the name that the sentinels know, for Sentinel
	db       int      // not for Cluster
}

const howToAddress = "Use redis://host:6379/0, redis+sentinel://host1:26379,host2:26379/master or redis+cluster://host1:6379,host2:6379; rediss instead of redis for TLS."

// badAddress never quotes the URL, which may hold a password.
func badAddress(format string, args ...any) error {
	return fault.New(fault.InvalidInput, "the Redis URL "+format, args...).WithFix(howToAddress)
}

// parseAddress reads
//
//	redis[s]://[user[:password]@]host[:port][/db]
//	redis[s]+sentinel://[user[:password]@]host[:port][,host…]/master[/db]
//	redis[s]+cluster://[user[:password]@]host[:port][,host…]
//
// It does so by hand because net/url takes no list of hosts with ports.
func parseAddress(raw string) (address, error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return address{}, badAddress("has no scheme")
	}
	var a address
	if err := a.setScheme(scheme); err != nil {
		return address{}, err
	}
	if strings.ContainsAny(rest, "?#") {
		return address{}, badAddress("takes no options; a ? or # in a password is written %%3F or %%23")
	}
	authority, path, _ := strings.Cut(rest, "/")
	if err := a.setAuthority(authority); err != nil {
		return address{}, err
	}
	return a, a.setPath(path)
}

func (a *address) setScheme(scheme string) error {
	base, kind, _ := strings.Cut(scheme, "+")
	a.topology, a.tls = topology(kind), base == "rediss"
	known := a.topology == standalone || a.topology == sentinel || a.topology == cluster
	if base != "redis" && base != "rediss" || !known || strings.HasSuffix(scheme, "+") {
		return badAddress("has a scheme that is not known")
	}
	return nil
}

func (a *address) setAuthority(authority string) error {
	hosts := authority
	if at := strings.LastIndex(authority, "@"); at >= 0 {
		user, password, _ := strings.Cut(authority[:at], ":")
		hosts = authority[at+1:]
		var errUser, errPassword error
		a.username, errUser = url.PathUnescape(user)
		a.password, errPassword = url.PathUnescape(password)
		if errUser != nil || errPassword != nil {
			return badAddress("has a user or password with a %% that begins no escape; write it %%25")
		}
	}
	port := "6379"
	if a.topology == sentinel {
		port = "26379"
	}
	for host := range strings.SplitSeq(hosts, ",") {
		hostPort, err := withPort(host, port)
		if err != nil {
			return err
		}
		a.hosts = append(a.hosts, hostPort)
	}
	if len(a.hosts) > 1 && a.topology == standalone {
		return badAddress("names several hosts, which only Sentinel and Cluster have")
	}
	return nil
}

// withPort returns host as host:port, with port unless it names one.
func withPort(host, port string) (string, error) {
	name := host
	if h, p, err := net.SplitHostPort(host); err == nil {
		name, port = h, p
	} else if inner, ok := strings.CutPrefix(host, "["); ok {
		name = strings.TrimSuffix(inner, "]")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	switch {
	case name == "":
		return "", badAddress("lacks a host")
	case strings.ContainsAny(name, " []@%") || strings.Contains(name, ":") && net.ParseIP(name) == nil:
		return "", badAddress("has a host that cannot be read")
	case err != nil || n == 0:
		return "", badAddress("has a port that is not between 1 and 65535")
	}
	return net.JoinHostPort(name, port), nil
}

func (a *address) setPath(path string) error {
	db := path
	switch a.topology {
	case cluster:
		if path != "" {
			return badAddress("ends in a path; a Cluster has only database 0")
		}
	case sentinel:
		a.master, db, _ = strings.Cut(path, "/")
		if a.master == "" {
			return badAddress("lacks the name of the master that the sentinels watch")
		}
	}
	if db == "" {
		return nil
	}
	n, err := strconv.ParseUint(db, 10, 16)
	if err != nil {
		return badAddress("ends in a database that is no number")
	}
	a.db = int(n)
	return nil
}
