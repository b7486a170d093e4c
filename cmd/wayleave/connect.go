package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wayleave/wayleave/cmd/wayleave/internal/client"
)

const longConnect = `Connects an app: makes an attempt, tests it and, when the test is green, keeps
the connection. Nothing is kept of an attempt whose test fails but its error.

On a terminal it asks for what is missing. Secrets are asked for without being
shown, or come from files (--secret-file) or standard input (--secrets-stdin);
they are never flags, which every user of the machine could read.`

// connecting is one run of connect: what was given, and what is asked for.
type connecting struct {
	cli    *cli
	client *client.Client
	app    appDetail

	environment, name, scheme, authConfig string
	toolkit                               string
	noToolkit                             bool
	params                                []string
	secrets                               secretInput
}

func newConnect(c *cli) *cobra.Command {
	n := &connecting{cli: c}
	cmd := c.clientVerb(&cobra.Command{Use: "connect APP", Short: "Connect an app: test it, keep it, offer it as a toolkit", Long: longConnect,
		Example: "  wayleave connect github --env dev --name \"GitHub of the team\" --secret-file token=./token\n  wayleave connect notes --env dev --name Notes --param base_url=http://127.0.0.1:9000 --toolkit notes",
		Args:    takes("APP"), ValidArgsFunction: c.names(0, "/v1/apps", "slug"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if n.client, err = c.connectTo(cmd); err != nil {
				return err
			}
			return n.run(cmd.Context(), args[0])
		}})
	f := cmd.Flags()
	f.StringVar(&n.environment, "env", "", "environment of the connection")
	f.StringVar(&n.name, "name", "", "name of the connection, such as \"Salesforce Production - Sales Team\"")
	f.StringArrayVar(&n.params, "param", nil, "a parameter of the app, as name=value; may be repeated")
	f.StringVar(&n.scheme, "scheme", "", "how to authenticate, where the app has several ways")
	f.StringVar(&n.authConfig, "auth-config", "", "use an existing auth config instead of secrets")
	f.StringVar(&n.toolkit, "toolkit", "", "bind the connection to this toolkit, made if it is not there")
	f.BoolVar(&n.noToolkit, "no-toolkit", false, "do not offer a toolkit")
	cmd.MarkFlagsMutuallyExclusive("toolkit", "no-toolkit")
	n.secrets.flags(cmd)
	c.flagNames(cmd, "env", "/v1/environments")
	c.flagNames(cmd, "auth-config", "/v1/auth-configs", "name")
	c.flagNames(cmd, "toolkit", "/v1/toolkits", "slug")
	return cmd
}

func (n *connecting) run(ctx context.Context, slug string) error {
	if _, err := n.client.Get(ctx, path("apps", slug), &n.app); err != nil {
		return err
	}
	body, err := n.request(ctx)
	if err != nil {
		return err
	}
	var attempt struct{ ID string }
	if _, err := n.client.Send(ctx, http.MethodPost, "/v1/connections", body, &attempt); err != nil {
		return err
	}
	n.cli.say("Testing %s in %s …", n.app.Title, n.environment)
	raw, err := test(ctx, n.client, attempt.ID, false)
	if err != nil {
		return err
	}
	connection := member(raw, "connection")
	if n.cli.output == "json" && n.toolkit == "" {
		return n.cli.printRaw(connection)
	}
	n.cli.say("Connected:")
	if n.cli.output != "json" {
		if err := n.cli.printOne(connection, connectionColumns...); err != nil {
			return err
		}
	}
	return n.offerToolkit(ctx, connection)
}

// test tests an attempt and returns what the server answered. A failed test
// names the attempt, which can be corrected and tested again.
func test(ctx context.Context, cl *client.Client, attempt string, confirmed bool) (json.RawMessage, error) {
	var body any
	if confirmed {
		body = map[string]bool{"confirm_identity": true}
	}
	raw, err := cl.Send(ctx, http.MethodPost, path("connections", attempt, "test"), body, nil)
	var p *client.Problem
	if errors.As(err, &p) {
		p.Fix = strings.TrimSpace(p.Fix + " The attempt " + attempt + " keeps the error; nothing was connected.")
	}
	return raw, err
}

// request returns the body that makes the attempt, asking for what is missing.
func (n *connecting) request(ctx context.Context) (map[string]any, error) {
	if err := n.fill(ctx); err != nil {
		return nil, err
	}
	params, err := n.readParams()
	if err != nil {
		return nil, err
	}
	body := map[string]any{"app": n.app.Slug, "environment": n.environment, "name": n.name}
	if len(params) > 0 {
		body["params"] = params
	}
	if n.authConfig != "" {
		id, err := resolveAuthConfig(ctx, n.client, n.authConfig)
		if err != nil {
			return nil, err
		}
		body["auth_config"] = id
		return body, nil
	}
	scheme, err := n.pickScheme()
	if err != nil {
		return nil, err
	}
	fields, err := n.readFields(scheme)
	if err != nil {
		return nil, err
	}
	body["auth"] = map[string]any{"scheme": scheme.ID, "fields": fields}
	return body, nil
}

// fill asks for environment and name.
func (n *connecting) fill(ctx context.Context) (err error) {
	var environments struct{ Items []string }
	if n.environment == "" {
		if _, err := n.client.Get(ctx, "/v1/environments", &environments); err != nil {
			return err
		}
		n.environment, err = n.need("--env", "Environment ("+strings.Join(environments.Items, ", ")+")", "")
		if err != nil {
			return err
		}
	}
	if n.name == "" {
		n.name, err = n.need("--name", "Name of the connection", n.app.Title+" "+n.environment)
	}
	return err
}

// need asks a person for what a flag was to give.
func (n *connecting) need(flag, question, fallback string) (string, error) {
	if !n.cli.interactive() {
		return "", fail("See `wayleave connect --help`.", "%s is missing", flag)
	}
	answer, err := n.cli.ask(question, fallback)
	if err == nil && answer == "" {
		return "", fail("", "%s is needed", flag)
	}
	return answer, err
}

// readParams reads --param name=value by the app's types, and asks for those
// that are required and missing.
func (n *connecting) readParams() (map[string]any, error) {
	given := map[string]any{}
	for _, pair := range n.params {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, fail("Write it as --param subdomain=acme.", "--param %q does not have the form name=value", pair)
		}
		given[name] = n.typed(name, value)
	}
	for _, p := range n.app.Params {
		if _, has := given[p.Name]; has || !p.Required || p.Default != nil {
			continue
		}
		value, err := n.need("--param "+p.Name+"=…", p.Title, "")
		if err != nil {
			return nil, err
		}
		given[p.Name] = n.typed(p.Name, value)
	}
	return given, nil
}

// typed gives a value the type of its parameter. What does not fit is left to
// the server to refuse, which says what would fit.
func (n *connecting) typed(name, value string) any {
	i := slices.IndexFunc(n.app.Params, func(p appParam) bool { return p.Name == name })
	if i >= 0 && n.app.Params[i].Type != "string" {
		var v any
		if json.Unmarshal([]byte(value), &v) == nil {
			return json.RawMessage(value)
		}
	}
	return value
}

func (n *connecting) pickScheme() (appScheme, error) {
	switch {
	case len(n.app.Auth) == 0:
		return appScheme{}, fail("", "%s has no way to authenticate", n.app.Title)
	case n.scheme == "" && len(n.app.Auth) == 1:
		return n.app.Auth[0], nil
	}
	var ids []string
	for _, s := range n.app.Auth {
		ids = append(ids, s.ID)
	}
	if n.scheme == "" {
		var err error
		if n.scheme, err = n.need("--scheme", "Authentication ("+strings.Join(ids, ", ")+")", ids[0]); err != nil {
			return appScheme{}, err
		}
	}
	i := slices.Index(ids, n.scheme)
	if i < 0 {
		return appScheme{}, fail("Use one of: "+strings.Join(ids, ", ")+".", "%s has no authentication %q", n.app.Title, n.scheme)
	}
	return n.app.Auth[i], nil
}

// readFields returns the values of a scheme's fields, asking for those that
// are missing.
func (n *connecting) readFields(scheme appScheme) (map[string]string, error) {
	fields, err := n.secrets.read(n.cli)
	if err != nil {
		return nil, err
	}
	for _, f := range scheme.Fields {
		if _, has := fields[f.Name]; has || !f.Required {
			continue
		}
		if !n.cli.interactive() {
			return nil, fail(fmt.Sprintf("Give it with --secret-file %s=PATH or --secrets-stdin.", f.Name), "the secret %s (%s) is missing", f.Name, f.Title)
		}
		ask := n.cli.askSecret
		if !f.Sensitive {
			ask = func(q string) (string, error) { return n.cli.ask(q, "") }
		}
		if fields[f.Name], err = ask(f.Title); err != nil {
			return nil, err
		}
	}
	return fields, nil
}

func member(raw json.RawMessage, name string) json.RawMessage {
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil {
		return nil
	}
	return m[name]
}
