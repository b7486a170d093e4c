package apps_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/internal/fault"
)

const allParams = `params:
  - { name: store, title: Store, type: string, required: true, pattern: "^[a-z]{2,9}$", example: acme }
  - { name: region, title: Region, type: string, enum: [eu, us], default: eu }
  - { name: port, title: Port, type: integer, default: 443 }
  - { name: verbose, title: Verbose, type: boolean }
  - { name: host, title: Host, type: string, format: hostname }
  - { name: id, title: Id, type: string, format: uuid }
  - { name: mail, title: Mail, type: string, format: email }
`

func TestCheckParams(t *testing.T) {
	app := parse(t, "params", allParams)
	for name, tc := range map[string]struct{ given, want map[string]any }{
		"defaults":           {map[string]any{"store": "acme"}, map[string]any{"store": "acme", "region": "eu", "port": json.Number("443")}},
		"typed":              {map[string]any{"store": "acme", "port": json.Number("80"), "verbose": true, "region": "us"}, map[string]any{"store": "acme", "region": "us", "port": json.Number("80"), "verbose": true}},
		"as a form has them": {map[string]any{"store": " acme ", "port": "80", "verbose": "false", "host": ""}, map[string]any{"store": "acme", "region": "eu", "port": json.Number("80"), "verbose": false}},
		"as JSON reads them": {map[string]any{"store": "acme", "port": 80.0}, map[string]any{"store": "acme", "region": "eu", "port": json.Number("80")}},
		"formats":            {map[string]any{"store": "acme", "host": "db.example.com", "id": "0191b2a0-0000-7000-8000-000000000000", "mail": "a@example.com"}, map[string]any{"store": "acme", "region": "eu", "port": json.Number("443"), "host": "db.example.com", "id": "0191b2a0-0000-7000-8000-000000000000", "mail": "a@example.com"}},
	} {
		got, err := app.CheckParams(tc.given)
		if err != nil || !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: %v, %v; want %v", name, got, err, tc.want)
			continue
		}
		if again, err := app.CheckParams(got); err != nil || !reflect.DeepEqual(again, got) {
			t.Errorf("%s: checked again %v, %v", name, again, err)
		}
	}
}

func TestCheckParamsTellsEverything(t *testing.T) {
	_, err := parse(t, "params", allParams).CheckParams(map[string]any{
		"stor": "x", "region": "asia", "port": 1.5, "verbose": "yes", "host": "a b", "id": "7", "mail": "Ada <a@example.com>",
	})
	if !errors.Is(err, fault.InvalidInput) {
		t.Fatal(err)
	}
	got := problems(err)
	for _, want := range []string{`/params/stor Sample has no such param; did you mean "store"?`, "/params/store is required", "/params/region must be one of eu, us", "/params/port must be an integer",
		"/params/verbose must be true or false", "/params/host a host name", "/params/id must be a UUID", "/params/mail must be an e-mail address"} {
		if !strings.Contains(got, want) {
			t.Errorf("the problems do not say %q:\n%s", want, got)
		}
	}
	for _, bad := range []any{"ACME", "acme\n", "ac\u202eme", strings.Repeat("a", 3000), 7, []any{"acme"}, map[string]any{}, "\xff\xfe"} {
		if _, err := parse(t, "params", allParams).CheckParams(map[string]any{"store": bad}); bad != "acme\n" && !errors.Is(err, fault.InvalidInput) {
			t.Errorf("store %q: %v; want invalid_input", bad, err)
		}
	}
}

func TestAuthCheck(t *testing.T) {
	x := parse(t, "auth", `auth:
  - id: a
    type: custom
    title: A
    fields:
      - { name: key, title: Key, pattern: "^k_[a-z]{4}$" }
      - { name: extra, title: Extra, required: false }
      - { name: pem, title: Certificate, multiline: true }
    apply: { header: { X-Key: "{{secret.key}}", X-Extra: "{{secret.extra}}", X-Pem: "{{secret.pem}}" } }`).AuthByID("a")
	for _, ok := range [][2]string{{"key", "k_abcd"}, {"extra", ""}, {"extra", "anything"}, {"pem", "a\nb\n"}} {
		if err := x.Check(ok[0], ok[1]); err != nil {
			t.Errorf("%v: %v", ok, err)
		}
	}
	for _, bad := range [][2]string{{"key", ""}, {"key", "k_hunter2value"}, {"key", "k_abcd\n"}, {"key", " k_abcd"}, {"extra", "hunter2\r\nvalue"}, {"extra", "\xffhunter2"}, {"extra", strings.Repeat("hunter2", 20_000)}, {"other", "hunter2"}, {"pem", ""}} {
		err := x.Check(bad[0], bad[1])
		if !errors.Is(err, fault.InvalidInput) {
			t.Errorf("%.30q: %v; want invalid_input", bad, err)
		} else if strings.Contains(problems(err)+err.Error(), "hunter2") {
			t.Errorf("the value is repeated: %v", err)
		}
	}
}
