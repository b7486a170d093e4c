package servers

import (
	"fmt"
	"net"
	"strconv"
	"time"
)

// slots is how many hash slots a Redis cluster has.
const slots = 16384

// StartCluster starts a Redis cluster of three masters and returns them once
// every one of them finds the cluster in order.
func StartCluster(bin string, o Options) (nodes []*Server, err error) {
	defer func() {
		if err != nil {
			StopAll(nodes)
		}
	}()
	for range 3 {
		node, err := startClusterNode(bin, o)
		if err != nil {
			return nodes, err
		}
		nodes = append(nodes, node)
	}
	return nodes, formCluster(nodes)
}

// startClusterNode starts a node. Its bus listens on the next port: Redis's own
// choice, 10000 above, could fall among the ports of outgoing connections.
func startClusterNode(bin string, o Options) (*Server, error) {
	return onFreePort(func(port int) (*Server, error) {
		return startRedis(bin, o, port, "--save", "", "--cluster-enabled", "yes",
			"--cluster-port", strconv.Itoa(port+1), "--cluster-node-timeout", "2000")
	})
}

// formCluster shares the slots out and introduces the nodes to the first.
func formCluster(nodes []*Server) error {
	for i, node := range nodes {
		first, last := i*slots/len(nodes), (i+1)*slots/len(nodes)-1
		if _, err := AskRedis(node.Addr, "CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(first), strconv.Itoa(last)); err != nil {
			return fmt.Errorf("giving a cluster node its slots: %w", err)
		}
		// Different epochs from the start spare the nodes an election over them.
		if _, err := AskRedis(node.Addr, "CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1)); err != nil {
			return fmt.Errorf("numbering a cluster node: %w", err)
		}
		if i == 0 {
			continue
		}
		host, port, bus := nodes[0].busAddress()
		if _, err := AskRedis(node.Addr, "CLUSTER", "MEET", host, port, bus); err != nil {
			return fmt.Errorf("introducing a cluster node: %w", err)
		}
	}
	return eventually("the cluster", func() error {
		for _, node := range nodes {
			if err := clusterInOrder(node.Addr, len(nodes)); err != nil {
				return err
			}
		}
		return nil
	})
}

// clusterInOrder reports whether a node knows all others and every slot.
func clusterInOrder(addr string, nodes int) error {
	info, err := AskRedis(addr, "CLUSTER", "INFO")
	if err != nil {
		return err
	}
	if state, known := field(info, "cluster_state"), field(info, "cluster_size"); state != "ok" || known != strconv.Itoa(nodes) {
		return fmt.Errorf("%s is in state %q with %s masters", addr, state, known)
	}
	return nil
}

// busAddress returns host, port and bus port, as CLUSTER MEET takes them.
func (s *Server) busAddress() (host, port, bus string) {
	host, port, _ = net.SplitHostPort(s.Addr)
	n, _ := strconv.Atoi(port)
	return host, port, strconv.Itoa(n + 1)
}

// Addrs returns the addresses of servers.
func Addrs(list []*Server) []string {
	addrs := make([]string, len(list))
	for i, s := range list {
		addrs[i] = s.Addr
	}
	return addrs
}

// StopAll stops servers.
func StopAll(list []*Server) {
	for _, s := range list {
		s.Stop()
	}
}

// eventually calls check until it finds nothing wrong.
func eventually(what string, check func() error) error {
	deadline := time.Now().Add(startTimeout)
	for {
		err := check()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s did not come up: %w", what, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
