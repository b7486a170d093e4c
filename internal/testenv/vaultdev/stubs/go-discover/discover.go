// Package discover stands in for hashicorp/go-discover (cloud auto-join), which
// the test server never uses: it keeps a dozen cloud SDKs out of the build.
package discover

import (
	"errors"
	"log"
)

type Provider interface {
	Addrs(args map[string]string, l *log.Logger) ([]string, error)
	Help() string
}
type Discover struct{}
type Option func(*Discover) error

var Providers = map[string]Provider{}

func New(opts ...Option) (*Discover, error)    { return &Discover{}, nil }
func WithProviders(map[string]Provider) Option { return func(*Discover) error { return nil } }
func (*Discover) Addrs(string, *log.Logger) ([]string, error) {
	return nil, errors.New("auto-join is not built into this test server")
}
