package testenv_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"testing"

	"github.com/wayleave/wayleave/internal/testenv"
	"github.com/wayleave/wayleave/internal/testenv/servers"
)

var (
	plaintext = base64.StdEncoding.EncodeToString([]byte("a secret"))
	bound     = base64.StdEncoding.EncodeToString([]byte("ten_1|prod"))
)

// encrypt encrypts plaintext with the test's key k.
func encrypt(v *testenv.VaultServer) (ciphertext string) {
	ciphertext, _ = v.Write(v.Mount+"/encrypt/k", map[string]any{"plaintext": plaintext, "context": bound})["ciphertext"].(string)
	return ciphertext
}

// status returns the HTTP status that an error of Vault carries, 200 for none.
func status(t *testing.T, err error) int {
	t.Helper()
	refused := new(servers.VaultError)
	switch {
	case err == nil:
		return http.StatusOK
	case errors.As(err, &refused):
		return refused.Status
	}
	t.Fatalf("no answer of Vault: %v", err)
	return 0
}

func TestVaultHasATransitEngineOfTheTest(t *testing.T) {
	v, other := testenv.Vault(t), testenv.Vault(t)
	v.Key("k")
	ciphertext := encrypt(v)
	got := v.Write(v.Mount+"/decrypt/k", map[string]any{"ciphertext": ciphertext, "context": bound})
	if got["plaintext"] != plaintext {
		t.Errorf("decrypted %v, want %s", got["plaintext"], plaintext)
	}
	_, err := servers.VaultAPI{Addr: other.Addr, Token: other.RootToken}.Do(http.MethodGet, other.Mount+"/keys/k", nil)
	if got := status(t, err); got != http.StatusNotFound {
		t.Errorf("another test's engine answers %d for the key, want 404", got)
	}
}

func TestVaultAppRoleIsHeldToItsPolicy(t *testing.T) {
	v := testenv.Vault(t)
	v.Key("k")
	policy := v.Policy(`path "` + v.Mount + `/encrypt/k" { capabilities = ["update"] }`)
	roleID, secretID := v.AppRole(policy, map[string]any{"token_max_ttl": "2h"})
	if v.Write("auth/approle/login", map[string]any{"role_id": roleID, "secret_id": secretID}) != nil {
		t.Error("a login answers data, want a token only")
	}

	api := servers.VaultAPI{Addr: v.Addr, Token: v.Token(policy)}
	_, err := api.Do(http.MethodPost, v.Mount+"/encrypt/k", map[string]any{"plaintext": plaintext, "context": bound})
	if got := status(t, err); got != http.StatusOK {
		t.Errorf("what the policy grants answers %d", got)
	}
	_, err = api.Do(http.MethodPost, v.Mount+"/keys/k/rotate", nil)
	if got := status(t, err); got != http.StatusForbidden {
		t.Errorf("what the policy does not grant answers %d, want 403", got)
	}
}

func TestOwnVaultIsSealedAndRestarted(t *testing.T) {
	v := testenv.OwnVault(t)
	v.Key("k")
	ciphertext := encrypt(&v.VaultServer)
	api := servers.VaultAPI{Addr: v.Addr, Token: v.RootToken}
	decrypt := func() int {
		_, err := api.Do(http.MethodPost, v.Mount+"/decrypt/k", map[string]any{"ciphertext": ciphertext, "context": bound})
		return status(t, err)
	}
	for _, step := range []struct {
		what string
		do   func()
		want int
	}{
		{"seal", v.Seal, http.StatusServiceUnavailable},
		{"unseal", v.Unseal, http.StatusOK},
		{"stop and start", func() { v.Stop(); v.Start() }, http.StatusServiceUnavailable},
		{"unseal after stop", v.Unseal, http.StatusOK},
		{"kill and start", func() { v.Kill(); v.Start() }, http.StatusServiceUnavailable},
		{"unseal after kill", v.Unseal, http.StatusOK},
	} {
		step.do()
		if got := decrypt(); got != step.want {
			t.Errorf("after %s decrypting answers %d, want %d", step.what, got, step.want)
		}
	}
}
