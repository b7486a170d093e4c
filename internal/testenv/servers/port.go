package servers

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// Ports are taken below the range from which systems choose the port of an
// outgoing connection (32768 on Linux, 49152 elsewhere), so that no client's
// socket sits on the port of a server that is stopped and about to return.
const (
	firstPort = 15000
	lastPort  = 32000
)

// attempts is how often a start is tried when another process was faster to
// take the port.
const attempts = 4

// freePort returns a loopback port on which nothing listens.
func freePort() (int, error) {
	for range 200 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		ln, err := net.Listen("tcp", loopback(port))
		if err != nil {
			continue
		}
		return port, ln.Close()
	}
	return 0, errors.New("no free loopback port was found")
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// folder makes a new folder below o.Dir for a server named name.
func (o Options) folder(name string) (string, error) {
	dir, err := os.MkdirTemp(o.Dir, name+"-")
	if err != nil {
		return "", fmt.Errorf("making a folder for %s: %w", name, err)
	}
	return filepath.Abs(dir)
}

// onFreePort calls start with free ports until it succeeds, a few times.
func onFreePort[T any](start func(port int) (T, error)) (T, error) {
	var last error
	for range attempts {
		port, err := freePort()
		if err != nil {
			last = err
			break
		}
		server, err := start(port)
		if err == nil {
			return server, nil
		}
		last = err
	}
	var none T
	return none, last
}
