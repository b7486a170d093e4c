package servers

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// A Postgres is a PostgreSQL server with a superuser.
type Postgres struct {
	*Server
	URL string // of the database postgres, with the superuser's password
}

// StartPostgres makes a database cluster and starts it with the programs in the
// folder bin. It does not wait for the disk: what is committed survives Kill, as
// the system keeps it, but would not survive a loss of power.
func StartPostgres(bin string, o Options) (*Postgres, error) {
	who, err := postgresAccount()
	if err != nil {
		return nil, err
	}
	dir, err := o.folder("postgres")
	if err != nil {
		return nil, err
	}
	password := rand.Text()
	if err := initdb(bin, dir, password, who); err != nil {
		return nil, err
	}
	return onFreePort(func(port int) (*Postgres, error) {
		u := url.URL{Scheme: "postgres", User: url.UserPassword("postgres", password), Host: loopback(port), Path: "/postgres", RawQuery: "sslmode=disable"}
		args := []string{"-D", dir, "-h", "127.0.0.1", "-p", strconv.Itoa(port)}
		for _, setting := range []string{
			"unix_socket_directories=", // its path may be too long for a socket
			"fsync=off", "full_page_writes=off", "max_connections=300", "shared_buffers=32MB",
		} {
			args = append(args, "-c", setting)
		}
		s := &Server{Addr: loopback(port), options: o}
		s.cmd = command{name: "postgres", path: filepath.Join(bin, "postgres"), args: args, dir: dir, user: who, quit: syscall.SIGINT}
		s.ready = func() error { _, err := PostgresVersion(u.String()); return err }
		err := s.Start()
		s.cmd.patient = true
		return &Postgres{Server: s, URL: u.String()}, err
	})
}

// initdb makes a database cluster in the empty folder dir.
func initdb(bin, dir, password string, who *account) error {
	if err := who.own(dir); err != nil {
		return err
	}
	// The password goes by a pipe: a file would have to be readable by who.
	cmd := exec.Command(filepath.Join(bin, "initdb"), "-D", dir, "-U", "postgres", "--pwfile=/dev/stdin",
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync")
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	if _, err := fmt.Fprintln(write, password); err != nil {
		return err
	}
	if err := write.Close(); err != nil {
		return err
	}
	cmd.Stdin, cmd.Dir = read, dir
	if who != nil {
		if err := read.Chown(int(who.uid), int(who.gid)); err != nil {
			return err
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who.credential()}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return nil
}

// PostgresVersion returns the version of the server at a postgres:// URL. Its
// error does not show the URL.
func PostgresVersion(address string) (string, error) {
	var version string
	err := withPostgres(address, func(ctx context.Context, c *pgx.Conn) error {
		return c.QueryRow(ctx, "SHOW server_version").Scan(&version)
	})
	return version, err
}

// ExecPostgres runs one statement.
func ExecPostgres(address, statement string) error {
	return withPostgres(address, func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, statement)
		return err
	})
}

func withPostgres(address string, do func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	return do(ctx, c)
}
