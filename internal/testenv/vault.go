package testenv

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"testing"

	"github.com/wayleave/wayleave/internal/testenv/servers"
)

// A VaultServer is a Vault with a transit engine of the test's own. Its methods
// act as root, and a failure of theirs ends the test.
type VaultServer struct {
	Addr      string // http://host:port
	RootToken string
	Mount     string // path of the transit engine, such as "transit-abc"

	t   testing.TB
	own bool // the whole server goes away with the test
}

// Vault returns the shared Vault with a fresh transit engine, which goes away
// with the test.
func Vault(t testing.TB) *VaultServer {
	t.Helper()
	v := &VaultServer{Addr: need(t, ServiceVault, EnvVault), RootToken: os.Getenv(EnvVaultToken), t: t}
	v.prepare("transit-" + unique())
	v.atEnd("sys/mounts/" + v.Mount)
	return v
}

// prepare mounts the transit engine, and AppRole at its usual path.
func (v *VaultServer) prepare(mount string) {
	v.t.Helper()
	v.Mount = mount
	v.Write("sys/mounts/"+mount, map[string]any{"type": "transit"})
	_, err := v.api().Do(http.MethodPost, "sys/auth/approle", map[string]any{"type": "approle"})
	if refused := new(servers.VaultError); err != nil && !(errors.As(err, &refused) && refused.Status == http.StatusBadRequest) {
		v.t.Fatalf("enabling AppRole: %v", err) // 400: another test has enabled it
	}
}

func (v *VaultServer) api() servers.VaultAPI {
	return servers.VaultAPI{Addr: v.Addr, Token: v.RootToken}
}

// Write writes data to a path below /v1/ and returns the data of the answer, nil
// if there is none.
func (v *VaultServer) Write(path string, data map[string]any) map[string]any {
	v.t.Helper()
	return v.call(http.MethodPost, path, data).Data
}

// Read returns the data at a path below /v1/.
func (v *VaultServer) Read(path string) map[string]any {
	v.t.Helper()
	return v.call(http.MethodGet, path, nil).Data
}

// Delete deletes a path below /v1/.
func (v *VaultServer) Delete(path string) {
	v.t.Helper()
	v.call(http.MethodDelete, path, nil)
}

// Key makes a transit key in the test's mount that derives a key per context,
// as Wayleave's are.
func (v *VaultServer) Key(name string) {
	v.t.Helper()
	v.Write(v.Mount+"/keys/"+name, map[string]any{"derived": true})
}

// Policy stores a policy, rules in Vault's language, and returns its name, which
// no other test uses.
func (v *VaultServer) Policy(rules string) (name string) {
	v.t.Helper()
	name = "policy-" + unique()
	v.Write("sys/policies/acl/"+name, map[string]any{"policy": rules})
	v.atEnd("sys/policies/acl/" + name)
	return name
}

// Token returns a token with just these policies, without the default one.
func (v *VaultServer) Token(policies ...string) string {
	v.t.Helper()
	made := v.call(http.MethodPost, "auth/token/create-orphan", map[string]any{"policies": policies, "no_default_policy": true, "ttl": "1h"})
	return made.Auth.ClientToken
}

// AppRole makes a role of the AppRole method at auth/approle whose tokens have
// just this policy, and returns what a client logs in with. Settings of the
// role, such as token_ttl or secret_id_num_uses, may be given.
func (v *VaultServer) AppRole(policy string, settings ...map[string]any) (roleID, secretID string) {
	v.t.Helper()
	path := "auth/approle/role/role-" + unique()
	role := map[string]any{"token_policies": policy, "token_no_default_policy": true, "token_ttl": "1h"}
	for _, more := range settings {
		for name, value := range more {
			role[name] = value
		}
	}
	v.Write(path, role)
	v.atEnd(path)
	roleID, _ = v.Read(path + "/role-id")["role_id"].(string)
	secretID, _ = v.Write(path+"/secret-id", nil)["secret_id"].(string)
	if roleID == "" || secretID == "" {
		v.t.Fatal("Vault made a role without an id or a secret id")
	}
	return roleID, secretID
}

// atEnd deletes a path of the shared Vault after the test.
func (v *VaultServer) atEnd(path string) {
	if v.own {
		return
	}
	v.t.Cleanup(func() { _, _ = v.api().Do(http.MethodDelete, path, nil) })
}

// A vaultAnswer is what tests read of an answer.
type vaultAnswer struct {
	Data map[string]any `json:"data"`
	Auth struct {
		ClientToken string `json:"client_token"`
	} `json:"auth"`
}

func (v *VaultServer) call(method, path string, data map[string]any) vaultAnswer {
	v.t.Helper()
	raw, err := v.api().Do(method, path, data)
	if err != nil {
		v.t.Fatalf("%s %s: %v", method, path, err)
	}
	var answer vaultAnswer
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &answer); err != nil {
			v.t.Fatalf("%s %s: an answer that is no JSON: %v", method, path, err)
		}
	}
	return answer
}
