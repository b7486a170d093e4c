package servers

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
)

// Databases is how many logical databases a standalone server has, so that
// every test can have one to itself.
const Databases = 1024

// StartRedis starts a standalone Redis with the program bin. It keeps what it
// holds over Stop and Start, and loses it on Kill.
func StartRedis(bin string, o Options) (*Server, error) {
	return onFreePort(func(port int) (*Server, error) {
		return startRedis(bin, o, port, "--databases", strconv.Itoa(Databases), "--save", "3600 1")
	})
}

// startRedis starts redis-server on a port with further arguments.
func startRedis(bin string, o Options, port int, args ...string) (*Server, error) {
	dir, err := o.folder("redis")
	if err != nil {
		return nil, err
	}
	base := []string{"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir, "--appendonly", "no", "--daemonize", "no"}
	s := redisServer(o, port, command{name: "redis-server", path: bin, args: append(base, args...), dir: dir})
	return s, s.Start()
}

// redisServer describes a process that speaks Redis's protocol on port.
func redisServer(o Options, port int, c command) *Server {
	c.quit = syscall.SIGTERM
	s := &Server{Addr: loopback(port), options: o, cmd: c}
	s.ready = func() error { return answersPing(s.Addr) }
	return s
}

func answersPing(addr string) error {
	reply, err := AskRedis(addr, "PING")
	if err == nil && reply != "PONG" {
		err = fmt.Errorf("it answers PING with %q", reply)
	}
	return err
}

// field returns the value of "name:value" in a reply made of such lines.
func field(reply, name string) string {
	for line := range strings.Lines(reply) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+":"); ok {
			return value
		}
	}
	return ""
}

// RedisVersion returns the version of the server at a redis:// URL or host:port.
func RedisVersion(address string) (string, error) {
	info, err := AskRedis(address, "INFO", "server")
	if err != nil {
		return "", err
	}
	return field(info, "redis_version"), nil
}
