package redis

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/internal/fault"
)

func TestParseAddress(t *testing.T) {
	for raw, want := range map[string]address{
		"redis://localhost":                       {hosts: []string{"localhost:6379"}},
		"redis://localhost/":                      {hosts: []string{"localhost:6379"}},
		"rediss://r.example.com:6380/2":           {tls: true, hosts: []string{"r.example.com:6380"}, db: 2},
		"redis://:secret@10.0.0.1":                {password: "secret", hosts: []string{"10.0.0.1:6379"}},
		"redis://u:p@ss%2F@[::1]:7000/0":          {username: "u", password: "p@ss/", hosts: []string{"[::1]:7000"}},
		"redis://u@[fe80::1]":                     {username: "u", hosts: []string{"[fe80::1]:6379"}},
		"redis+sentinel://a,b:1,c/main":           {topology: sentinel, hosts: []string{"a:26379", "b:1", "c:26379"}, master: "main"},
		"rediss+sentinel://u:p@a/main/3":          {topology: sentinel, tls: true, username: "u", password: "p", hosts: []string{"a:26379"}, master: "main", db: 3},
		"redis+cluster://a:7000,b:7001":           {topology: cluster, hosts: []string{"a:7000", "b:7001"}},
		"rediss+cluster://u:p@config.example.com": {topology: cluster, tls: true, username: "u", password: "p", hosts: []string{"config.example.com:6379"}},
	} {
		got, err := parseAddress(raw)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %+v, %v; want %+v", raw, got, err, want)
		}
	}
}

func TestParseAddressRefuses(t *testing.T) {
	for _, raw := range []string{
		"", "localhost:6379", "http://a", "redis+other://a", "redis+://a", "unix:///tmp/redis.sock",
		"redis://", "redis://:hunter2@", "redis://a,b", "redis://a:0", "redis://a:65536", "redis://a:hunter2", "redis://a:",
		"redis://a/x", "redis://a/-1", "redis://a?password=hunter2", "redis://u:hunter2%zz@a", "redis://a b", "redis://a:1:2",
		"redis+sentinel://a", "redis+sentinel://a/", "redis+sentinel://a,,b/m", "redis+sentinel://a/m/x", "redis+cluster://a/0",
		"redis://u:hunter2#x@a",
	} {
		_, err := parseAddress(raw)
		if !fault.Is(err, fault.InvalidInput) {
			t.Errorf("%q: %v; want InvalidInput", raw, err)
		} else if fault.From(err).Remedy() != howToAddress {
			t.Errorf("%q: the remedy does not say how to write an address", raw)
		}
		if strings.Contains(fmt.Sprintf("%v %#v", err, err), "hunter2") {
			t.Errorf("%q: the password is told: %v", raw, err)
		}
	}
}

// FuzzParseAddress looks for an address that is taken though nothing could be
// dialled at it, and for one that makes the parser panic.
func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{"redis://u:p@h:1/2", "redis+sentinel://a,b/m/0", "rediss+cluster://[::1]:1,b", "redis://[::1", "redis://@:@/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		a, err := parseAddress(raw)
		if err != nil {
			if !fault.Is(err, fault.InvalidInput) {
				t.Fatalf("%q: %v", raw, err)
			}
			return
		}
		if len(a.hosts) == 0 || a.topology == sentinel && a.master == "" || a.db < 0 {
			t.Fatalf("%q = %+v", raw, a)
		}
		for _, host := range a.hosts {
			if !strings.Contains(host, ":") || strings.HasPrefix(host, ":") || strings.HasPrefix(host, "[]") {
				t.Fatalf("%q has the host %q", raw, host)
			}
		}
	})
}
