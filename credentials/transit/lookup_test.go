package transit_test

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
)

// lookup returns what Vault knows of a token. A token may end while the test
// looks, which is no failure here.
func (s *site) lookup(accessor string) (map[string]any, error) {
	body, err := json.Marshal(map[string]string{"accessor": accessor})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest(http.MethodPost, s.vault.Addr+"/v1/auth/token/lookup-accessor", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Vault-Token", s.vault.RootToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP %d", resp.StatusCode)
	}
	var answer struct {
		Data map[string]any `json:"data"`
	}
	err = json.NewDecoder(resp.Body).Decode(&answer)
	return answer.Data, err
}

func certificate(server *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}
