package servers

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// MasterName is the name under which the sentinels watch their master.
const MasterName = "mymaster"

// A Sentinel is a master, its replica and the three sentinels that watch them.
type Sentinel struct {
	Master    *Server // as it was at the start; a failover makes the replica the master
	Replica   *Server
	Sentinels []*Server
}

// Addrs returns the addresses of the sentinels.
func (s *Sentinel) Addrs() []string { return Addrs(s.Sentinels) }

// Servers returns every process, those first that must not be missed by others.
func (s *Sentinel) Servers() []*Server {
	list := append([]*Server{}, s.Sentinels...)
	for _, server := range []*Server{s.Replica, s.Master} {
		if server != nil {
			list = append(list, server)
		}
	}
	return list
}

// StartSentinel starts a master, a replica and three sentinels that agree on
// them. A master that is gone for a second is replaced.
func StartSentinel(bin string, o Options) (s *Sentinel, err error) {
	s = &Sentinel{}
	defer func() {
		if err != nil {
			StopAll(s.Servers())
		}
	}()
	start := func(args ...string) (*Server, error) {
		return onFreePort(func(port int) (*Server, error) { return startRedis(bin, o, port, args...) })
	}
	if s.Master, err = start("--save", "", "--repl-diskless-sync-delay", "0"); err != nil {
		return s, err
	}
	host, port, _ := net.SplitHostPort(s.Master.Addr)
	if s.Replica, err = start("--save", "", "--repl-diskless-sync-delay", "0", "--replicaof", host+" "+port); err != nil {
		return s, err
	}
	err = eventually("the replica", func() error { return replicaInSync(s.Replica.Addr) })
	if err != nil {
		return s, err
	}
	for range 3 {
		sentinel, err := startSentinelNode(bin, o, s.Master.Addr)
		if err != nil {
			return s, err
		}
		s.Sentinels = append(s.Sentinels, sentinel)
	}
	return s, eventually("the sentinels", s.agree)
}

// startSentinelNode starts one sentinel, which needs a file it can rewrite.
func startSentinelNode(bin string, o Options, master string) (*Server, error) {
	return onFreePort(func(port int) (*Server, error) {
		dir, err := o.folder("sentinel")
		if err != nil {
			return nil, err
		}
		host, masterPort, _ := net.SplitHostPort(master)
		conf := filepath.Join(dir, "sentinel.conf")
		text := fmt.Sprintf("port %d\nbind 127.0.0.1\ndir %q\nsentinel monitor %[3]s %s %s 2\n"+
			"sentinel down-after-milliseconds %[3]s 1000\nsentinel failover-timeout %[3]s 5000\n",
			port, dir, MasterName, host, masterPort)
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			return nil, err
		}
		s := redisServer(o, port, command{name: "sentinel", path: bin, args: []string{conf, "--sentinel"}, dir: dir})
		return s, s.Start()
	})
}

func replicaInSync(addr string) error {
	info, err := AskRedis(addr, "INFO", "replication")
	if err == nil && field(info, "master_link_status") != "up" {
		err = fmt.Errorf("the link to its master is %q", field(info, "master_link_status"))
	}
	return err
}

// agree reports whether every sentinel knows the two others and the replica, so
// that a failover can begin at once.
func (s *Sentinel) agree() error {
	for _, sentinel := range s.Sentinels {
		info, err := AskRedis(sentinel.Addr, "INFO", "sentinel")
		if err != nil {
			return err
		}
		for _, want := range []string{"status=ok", "slaves=1", "sentinels=" + strconv.Itoa(len(s.Sentinels))} {
			if !strings.Contains(info, want) {
				return fmt.Errorf("%s does not report %s", sentinel.Addr, want)
			}
		}
	}
	return nil
}

// CurrentMaster asks a sentinel for the address of the master.
func CurrentMaster(sentinel, name string) (string, error) {
	reply, err := AskRedis(sentinel, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)
	if err != nil {
		return "", err
	}
	host, port, ok := strings.Cut(reply, "\n")
	if !ok {
		return "", fmt.Errorf("the sentinel knows no master named %q", name)
	}
	return net.JoinHostPort(host, port), nil
}
