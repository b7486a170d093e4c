package servers

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A RedisConn is a connection to a Redis server, enough to prepare one for a
// test. It is not safe for concurrent use.
type RedisConn struct {
	Timeout time.Duration // of one command

	conn net.Conn
	in   *bufio.Reader
}

// DialRedis connects to a redis:// URL, or to host:port, and authenticates with
// the user and password of the URL.
func DialRedis(address string) (*RedisConn, error) {
	u := &url.URL{Host: address}
	if strings.Contains(address, "://") {
		var err error
		if u, err = url.Parse(address); err != nil || u.Scheme != "redis" {
			return nil, errors.New("the address of Redis is not a redis:// URL")
		}
	}
	conn, err := net.DialTimeout("tcp", u.Host, 2*time.Second)
	if err != nil {
		return nil, err
	}
	c := &RedisConn{Timeout: 5 * time.Second, conn: conn, in: bufio.NewReader(conn)}
	if password, set := u.User.Password(); set {
		user := u.User.Username()
		if user == "" {
			user = "default"
		}
		if _, err := c.Do("AUTH", user, password); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// Close closes the connection.
func (c *RedisConn) Close() { _ = c.conn.Close() }

// Do sends a command and returns its reply as text; an array's elements stand
// on lines of their own, and no value is the empty text. An error reply is an
// error.
func (c *RedisConn) Do(args ...string) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, arg := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(arg), arg)
	}
	_ = c.conn.SetDeadline(time.Now().Add(c.Timeout))
	if _, err := io.WriteString(c.conn, b.String()); err != nil {
		return "", err
	}
	return c.reply()
}

// reply reads one reply of the RESP2 protocol.
func (c *RedisConn) reply() (string, error) {
	line, err := c.in.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", errors.New("an empty reply from Redis")
	}
	rest := line[1:]
	switch line[0] {
	case '+', ':':
		return rest, nil
	case '-':
		return "", errors.New(rest)
	}
	n, err := strconv.Atoi(rest)
	if err != nil {
		return "", fmt.Errorf("an unknown reply from Redis: %q", line)
	}
	switch {
	case n < 0:
		return "", nil
	case line[0] == '$':
		body := make([]byte, n+2)
		_, err := io.ReadFull(c.in, body)
		return string(body[:n]), err
	case line[0] == '*':
		return c.array(n)
	}
	return "", fmt.Errorf("an unknown reply from Redis: %q", line)
}

func (c *RedisConn) array(n int) (string, error) {
	items := make([]string, n)
	for i := range items {
		var err error
		if items[i], err = c.reply(); err != nil {
			return "", err
		}
	}
	return strings.Join(items, "\n"), nil
}

// AskRedis sends one command over a connection of its own.
func AskRedis(address string, args ...string) (string, error) {
	c, err := DialRedis(address)
	if err != nil {
		return "", err
	}
	defer c.Close()
	return c.Do(args...)
}
