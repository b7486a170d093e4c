package credentials_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/rs/zerolog"

	"github.com/wayleave/wayleave/credentials"
)

const canary = "canary-4f1c9b7e2a"

// holder keeps secrets where fmt cannot call their methods.
type holder struct {
	Public credentials.Secret
	secret credentials.Secret
	many   credentials.Secrets
}

// TestSecretsDoNotPrint prints secrets in every way that code might, by mistake.
func TestSecretsDoNotPrint(t *testing.T) {
	secret := credentials.NewSecret(canary)
	key := credentials.DataKey([]byte(canary + canary)[:32])
	many := credentials.Secrets{"token": secret}
	h := holder{Public: secret, secret: secret, many: many}
	var out bytes.Buffer
	for _, v := range []any{secret, &secret, many, key, &key, h, &h, []credentials.Secret{secret}, map[string]any{"a": secret}} {
		for _, verb := range "vTtbcdoOqxXUeEfFgGsp" {
			if _, isKey := v.(credentials.DataKey); isKey && verb == 'p' {
				continue // fmt asks nobody there; go vet refuses it
			}
			for _, flags := range []string{"", "+", "#", " ", "0", "-20", ".3"} {
				fmt.Fprintf(&out, "%"+flags+string(verb)+"\n", v)
			}
		}
		fmt.Fprintln(&out, v)
		for _, marshal := range []func(any) ([]byte, error){json.Marshal, yaml.Marshal} {
			b, err := marshal(v)
			out.Write(b)
			fmt.Fprintln(&out, err)
		}
		logger := zerolog.New(&out)
		logger.Info().Interface("v", v).Any("w", v).Str("x", fmt.Sprint(v)).Msg("")
		slog.New(slog.NewJSONHandler(&out, nil)).Info("", "v", v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("", "v", v)
	}
	for name, form := range map[string]string{
		"text": canary, "hex": hex.EncodeToString([]byte(canary)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(canary))),
		"base64": base64.StdEncoding.EncodeToString([]byte(canary))[:20], "numbers": "99 97 110 97 114 121", "list": "99,97,110,97,114,121",
		"hex bytes": "0x63, 0x61, 0x6e",
	} {
		if strings.Contains(out.String(), form) {
			t.Errorf("the secret is printed as %s", name)
		}
	}
	if !strings.Contains(out.String(), "[redacted]") {
		t.Error("nothing says that something was left out")
	}
}

func TestSecretsAreNotMarshalled(t *testing.T) {
	for _, v := range []any{credentials.NewSecret(canary), credentials.DataKey{}, credentials.Secrets{"a": credentials.NewSecret(canary)}} {
		if b, err := json.Marshal(v); err == nil {
			t.Errorf("%T was marshalled: %s", v, b)
		}
	}
}

func TestSecretReads(t *testing.T) {
	for in, ok := range map[string]bool{`"text"`: true, `""`: true, `null`: false, `5`: false, `{"a":"canary"}`: false} {
		var got struct{ S credentials.Secret }
		err := json.Unmarshal([]byte(`{"S":`+in+`}`), &got)
		if (err == nil) != ok {
			t.Errorf("%s: %v", in, err)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the error quotes what was sent: %v", in, err)
		}
		if ok && !got.S.Equal(credentials.NewSecret(strings.Trim(in, `"`))) {
			t.Errorf("%s: another text was read", in)
		}
	}
}

func TestSecretsNames(t *testing.T) {
	s := credentials.Secrets{"b": credentials.NewSecret("x"), "a": credentials.NewSecret("y"), "empty": {}, "blank": credentials.NewSecret("")}
	if got := fmt.Sprint(s.Names()); got != "[a b]" {
		t.Errorf("Names() = %s; want [a b]", got)
	}
}
