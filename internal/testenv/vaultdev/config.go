package main

import (
	"encoding/json"
	"errors"
	"net"
	"net/netip"
	"os"
)

// A config is the part of Vault's configuration file that is understood here.
type config struct {
	Storage struct {
		File *struct {
			Path string `json:"path"`
		} `json:"file"`
		Inmem *struct{} `json:"inmem"`
	} `json:"storage"`
	Listener struct {
		TCP struct {
			Address    string `json:"address"`
			TLSDisable bool   `json:"tls_disable"`
		} `json:"tcp"`
	} `json:"listener"`
	DisableMlock bool `json:"disable_mlock"`
}

// readConfig reads a configuration and refuses what could not be served, or
// should not be: it is never reachable from another machine.
func readConfig(path string) (config, error) {
	var c config
	raw, err := os.ReadFile(path)
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return c, err
	}
	if (c.Storage.File == nil) == (c.Storage.Inmem == nil) {
		return c, errors.New("storage must be either file or inmem")
	}
	if !c.Listener.TCP.TLSDisable {
		return c, errors.New("this test server has no TLS: set tls_disable")
	}
	host, _, err := net.SplitHostPort(c.Listener.TCP.Address)
	if err != nil {
		return c, err
	}
	if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
		return c, errors.New("this test server listens on the loopback interface only")
	}
	return c, nil
}
