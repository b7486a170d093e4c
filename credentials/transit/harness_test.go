package transit_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/credentials/credentialstest"
	"github.com/wayleave/wayleave/credentials/transit"
	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/testenv"
)

var environmentsHere = environments.Set{"dev", "prod"}

// A site is a Transit engine with a role of its own, and a proxy before it.
type site struct {
	vault  *testenv.VaultServer
	proxy  *proxy
	config transit.Config
	policy string // name of the role's policy
}

var mounts atomic.Int64

// newSite prepares an engine on v, which is at hostPort.
func newSite(t *testing.T, v *testenv.VaultServer, hostPort string) *site {
	t.Helper()
	mount := fmt.Sprintf("t%d-%d", time.Now().UnixNano(), mounts.Add(1))
	v.Write("sys/mounts/"+mount, map[string]any{"type": "transit"})
	t.Cleanup(func() { v.Delete("sys/mounts/" + mount) })
	for _, env := range environmentsHere {
		v.Write(mount+"/keys/wl-"+string(env), map[string]any{"derived": true})
	}
	s := &site{vault: v, proxy: newProxy(t, hostPort)}
	s.policy = v.Policy(rules(mount))
	role, secret := v.AppRole(s.policy)
	s.config = transit.Config{
		Address:      "http://" + s.proxy.addr,
		Mount:        mount,
		Environments: environmentsHere,
		Auth:         transit.Auth{Method: transit.AppRole, RoleID: role, SecretID: secret},
	}
	return s
}

// rules returns both policies for another mount.
func rules(mount string) string {
	return strings.ReplaceAll(transit.Policy+transit.RewrapPolicy, `"transit/`, `"`+mount+`/`)
}

func (s *site) open(t *testing.T) *transit.Sealer {
	t.Helper()
	sealer, err := transit.Open(t.Context(), s.config)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(sealer.Close)
	return sealer
}

func (s *site) key(env environments.Name) string {
	return s.config.Mount + "/keys/wl-" + string(env)
}

func (s *site) allow(rules string) {
	s.vault.Write("sys/policies/acl/"+s.policy, map[string]any{"policy": rules})
}

// revoke revokes every token that AppRole has given out.
func (s *site) revoke() {
	s.vault.Write("sys/leases/revoke-prefix/auth/approle/login", nil)
}

// TestSealer runs the suite on a Vault that it may stop and seal.
func TestSealer(t *testing.T) {
	v := testenv.OwnVault(t)
	credentialstest.TestSealer(t, func(t *testing.T) credentialstest.Harness {
		s := newSite(t, &v.VaultServer, v.HostPort())
		sealer := s.open(t)
		return credentialstest.Harness{
			Sealer: sealer,
			Second: func(t *testing.T) credentials.Sealer { return s.open(t) },
			Env:    "dev",
			Other:  "prod",
			Rotate: func(t *testing.T) credentials.Sealer {
				s.vault.Write(s.key("dev")+"/rotate", nil)
				return sealer
			},
			SetMinimum: func(t *testing.T, version int) {
				s.vault.Write(s.key("dev")+"/config", map[string]any{"min_decryption_version": version})
			},
			Stop:     func(*testing.T) { v.Stop() },
			Start:    func(*testing.T) { v.Start(); v.Unseal() },
			Seal:     func(*testing.T) { v.Seal() },
			Unseal:   func(*testing.T) { v.Unseal() },
			Delay:    s.proxy.delay,
			Revoke:   func(*testing.T) { s.revoke() },
			Deny:     func(*testing.T) { s.allow(`path "sys/none" { capabilities = ["read"] }`) },
			Allow:    func(*testing.T) { s.allow(rules(s.config.Mount)) },
			Patience: time.Minute,
		}
	})
}

// A proxy passes TCP connections on to a server, late or not at all when asked.
type proxy struct {
	addr string
	to   string

	mu    sync.Mutex
	hold  chan struct{} // open while answers are delayed; nil when they are not
	down  bool
	conns map[net.Conn]bool
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{addr: l.Addr().String(), to: to, conns: map[net.Conn]bool{}}
	var tasks sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		p.delay(0)
		p.cut()
		tasks.Wait()
	})
	tasks.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			tasks.Go(func() { p.serve(c) })
		}
	})
	return p
}

func (p *proxy) serve(c net.Conn) {
	defer c.Close()
	up, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer up.Close()
	p.mu.Lock()
	refuse := p.down
	p.conns[c], p.conns[up] = true, true
	p.mu.Unlock()
	if refuse {
		return
	}
	go func() { _, _ = io.Copy(up, c); _ = up.Close() }()
	buf := make([]byte, 32<<10)
	for {
		n, err := up.Read(buf)
		if err != nil {
			return
		}
		p.mu.Lock()
		hold := p.hold
		p.mu.Unlock()
		if hold != nil {
			<-hold
		}
		if _, err := c.Write(buf[:n]); err != nil {
			return
		}
	}
}

// delay holds answers back until it is called with 0. How long it is asked for
// does not matter: no test waits for it.
func (p *proxy) delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hold != nil {
		close(p.hold)
		p.hold = nil
	}
	if d > 0 {
		p.hold = make(chan struct{})
	}
}

// refuse ends every connection, and new ones at once, until it is called with
// false.
func (p *proxy) refuse(down bool) {
	p.mu.Lock()
	p.down = down
	p.mu.Unlock()
	if down {
		p.cut()
	}
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
	clear(p.conns)
}
