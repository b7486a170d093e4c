package transit_test

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/wayleave/wayleave/internal/testenv"
)

// lookup returns what Vault knows of a token. A token may end while the test
// looks, which is no failure here.
func (s *site) lookup(accessor string) (map[string]any, error) {
	status, answer, err := ask(s.vault, s.vault.RootToken, "auth/token/lookup-accessor", map[string]any{"accessor": accessor})
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("HTTP %d", status)
	}
	return answer.Data, err
}

// tokenOf logs in with what the page's commands printed.
func tokenOf(t *testing.T, v *testenv.VaultServer, login map[string]string) string {
	t.Helper()
	_, answer, err := ask(v, "", "auth/approle/login", map[string]any{"role_id": login["role_id"], "secret_id": login["secret_id"]})
	if err != nil || answer.Auth.Token == "" {
		t.Fatalf("logging in: %v", err)
	}
	return answer.Auth.Token
}

// statusOf returns the HTTP status of a request; without a body it reads.
func statusOf(t *testing.T, v *testenv.VaultServer, token, path string, body map[string]any) int {
	t.Helper()
	status, _, err := ask(v, token, path, body)
	if err != nil {
		t.Fatal(err)
	}
	return status
}

type answer struct {
	Data map[string]any `json:"data"`
	Auth struct {
		Token string `json:"client_token"`
	} `json:"auth"`
}

func ask(v *testenv.VaultServer, token, path string, body map[string]any) (int, answer, error) {
	var got answer
	method := http.MethodPost
	if body == nil {
		method = http.MethodGet
	}
	b, err := json.Marshal(body)
	if err != nil {
		return 0, got, err
	}
	req, err := http.NewRequest(method, v.Addr+"/v1/"+path, bytes.NewReader(b))
	if err != nil {
		return 0, got, err
	}
	req.Header.Set("X-Vault-Token", token)
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, got, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNoContent {
		return resp.StatusCode, got, nil
	}
	err = json.NewDecoder(resp.Body).Decode(&got)
	return resp.StatusCode, got, err
}

func certificate(server *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}
