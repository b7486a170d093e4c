package transit_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/credentials/transit"
	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/testenv"
)

// TestDocs runs the commands of docs/vault.md, in order, on an empty Vault, and
// then uses it as the page says. The vault command itself is not needed: its
// verbs are sent as the requests that it would send.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/vault.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, policy := range map[string]string{"Policy": transit.Policy, "RewrapPolicy": transit.RewrapPolicy} {
		if !strings.Contains(string(page), "<<'EOF'\n"+policy+"EOF\n") {
			t.Errorf("docs/vault.md does not hold transit.%s as it is", name)
		}
	}
	v := testenv.OwnVault(t)
	v.Delete("sys/mounts/transit")
	v.Delete("sys/auth/approle")
	cli := &vaultCLI{t: t, v: &v.VaultServer, printed: map[string]string{}}

	setup, later, found := strings.Cut(string(page), "\n## Rotating\n")
	if !found {
		t.Fatal("docs/vault.md has no section on rotating")
	}
	if n := cli.runAll(setup); n < 9 {
		t.Fatalf("%d commands were run; the page has more", n)
	}
	config := transit.Config{
		Address:      v.Addr,
		Environments: environments.Default(),
		Auth:         transit.Auth{Method: transit.AppRole, RoleID: cli.printed["role_id"], SecretID: cli.printed["secret_id"]},
	}
	sealer, err := transit.Open(t.Context(), config)
	if err != nil {
		t.Fatalf("Wayleave does not start with what the page says: %v", err)
	}
	defer sealer.Close()
	bind := credentials.Binding{Tenant: "ten_1", Environment: "prod", Record: "auth_1"}
	key, w, err := sealer.NewKey(t.Context(), bind)
	if err != nil {
		t.Fatal(err)
	}
	if n := cli.runAll(later); n < 3 {
		t.Fatalf("%d commands on rotating were run; the page has more", n)
	}
	if _, err := sealer.Unwrap(t.Context(), bind, w); err == nil {
		t.Error("version 1 is still opened after the minimum was raised")
	}
	v.Write("transit/keys/wl-prod/config", map[string]any{"min_decryption_version": 1})
	if got, err := sealer.Unwrap(t.Context(), bind, w); err != nil || got != key {
		t.Errorf("lowering the minimum does not heal: %v", err)
	}
	testPolicyIsLeast(t, &v.VaultServer, cli.printed)
	testRewrapPolicy(t, config, &v.VaultServer, bind, w)
}

// testPolicyIsLeast shows what the policy does not allow.
func testPolicyIsLeast(t *testing.T, v *testenv.VaultServer, login map[string]string) {
	token := tokenOf(t, v, login)
	for path, body := range map[string]map[string]any{
		"transit/keys/wl-prod/rotate":            {},
		"transit/keys/wl-prod/config":            {"min_decryption_version": 1},
		"transit/keys/wl-new":                    {"derived": true},
		"transit/datakey/plaintext/wl-typo":      {"context": "YQ=="},
		"transit/encrypt/wl-prod":                {"context": "YQ==", "plaintext": "YQ=="},
		"transit/rewrap/wl-prod":                 {"context": "YQ==", "ciphertext": "vault:v1:x"},
		"transit/export/encryption-key/wl-prod":  nil,
		"transit/backup/wl-prod":                 nil,
		"sys/policies/acl/wayleave":              {"policy": ""},
		"auth/approle/role/wayleave/secret-id":   {},
		"auth/token/create":                      {},
		"transit/keys/wl-prod/nothing-like-that": {},
	} {
		if status := statusOf(t, v, token, path, body); status != 403 {
			t.Errorf("a server's token gets HTTP %d for %s; want 403", status, path)
		}
	}
}

// testRewrapPolicy shows that the second policy is what Rewrap lacks.
func testRewrapPolicy(t *testing.T, c transit.Config, v *testenv.VaultServer, bind credentials.Binding, w credentials.WrappedKey) {
	c.Auth = transit.Auth{Method: transit.Token, Token: v.Token("wayleave", "wayleave-rewrap")}
	sealer, err := transit.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer sealer.Close()
	again, err := sealer.Rewrap(t.Context(), bind, w)
	if err != nil || again.Version != 2 {
		t.Errorf("Rewrap with both policies: version %d, %v; want 2", again.Version, err)
	}
}

// A vaultCLI carries out commands of the vault command line.
type vaultCLI struct {
	t       *testing.T
	v       *testenv.VaultServer
	printed map[string]string // by -field
}

var shell = regexp.MustCompile("(?s)```sh\n(.*?)```")
var heredoc = regexp.MustCompile(`(?s)^vault policy write (\S+) - <<'EOF'\n(.*?)EOF\n`)

// runAll runs the commands in the sh blocks of a page and returns how many.
func (c *vaultCLI) runAll(page string) int {
	c.t.Helper()
	n := 0
	for _, block := range shell.FindAllStringSubmatch(page, -1) {
		for rest := block[1]; rest != ""; n++ {
			if m := heredoc.FindStringSubmatch(rest); m != nil {
				c.v.Write("sys/policies/acl/"+m[1], map[string]any{"policy": m[2]})
				rest = rest[len(m[0]):]
				continue
			}
			line, after, _ := strings.Cut(rest, "\n")
			c.run(strings.Fields(line))
			rest = after
		}
	}
	return n
}

func (c *vaultCLI) run(words []string) {
	c.t.Helper()
	field, args, pairs := "", []string{}, map[string]any{}
	for _, w := range words[1:] {
		name, value, pair := strings.Cut(w, "=")
		switch {
		case w == "-f":
		case name == "-field":
			field = value
		case strings.HasPrefix(w, "-"):
			c.t.Fatalf("the test does not know %s of %q", w, words)
		case pair:
			pairs[name] = value
		default:
			args = append(args, w)
		}
	}
	var answer map[string]any
	switch verb := strings.Join(args[:len(args)-1], " "); verb {
	case "secrets enable":
		c.v.Write("sys/mounts/"+args[2], map[string]any{"type": args[2]})
	case "auth enable":
		c.v.Write("sys/auth/"+args[2], map[string]any{"type": args[2]})
	case "write":
		answer = c.v.Write(args[1], pairs)
	case "read":
		answer = c.v.Read(args[1])
	default:
		c.t.Fatalf("the test does not know %q", words)
	}
	if field != "" {
		c.printed[field] = fmt.Sprint(answer[field])
	}
}
