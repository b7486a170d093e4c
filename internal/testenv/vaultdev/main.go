package main

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/vault"
	"github.com/hashicorp/vault/version"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "vaultdev:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 1 && args[0] == "version" {
		fmt.Println("vaultdev, Vault", version.GetVersion().VersionNumber())
		return nil
	}
	flags := flag.NewFlagSet("vaultdev server", flag.ContinueOnError)
	file := flags.String("config", "", "configuration file, JSON")
	if len(args) == 0 || args[0] != "server" {
		return fmt.Errorf("usage: vaultdev server -config=FILE.json")
	}
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	conf, err := readConfig(*file)
	if err != nil {
		return err
	}
	return serve(conf)
}

// serve runs the server until it is told to end.
func serve(conf config) error {
	logger := hclog.New(&hclog.LoggerOptions{Level: hclog.Warn})
	core, err := newCore(conf, logger)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", conf.Listener.TCP.Address)
	if err != nil {
		return err
	}
	handler := vaulthttp.Handler.Handler(&vault.HandlerProperties{
		Core:           core,
		ListenerConfig: &configutil.Listener{Address: ln.Addr().String()},
	})
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(ln) }()

	told := make(chan os.Signal, 1)
	signal.Notify(told, os.Interrupt, syscall.SIGTERM)
	select {
	case err := <-failed:
		return err
	case <-told:
	}
	_ = server.Close()
	return core.Shutdown()
}
