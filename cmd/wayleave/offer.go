package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/wayleave/wayleave/cmd/wayleave/internal/client"
)

// offerToolkit binds a new connection to a toolkit: the one that was named, or
// the one that a person says yes to.
func (n *connecting) offerToolkit(ctx context.Context, connection json.RawMessage) error {
	if n.toolkit == "" && !n.noToolkit && n.cli.interactive() && n.cli.output != "json" {
		answer, err := n.cli.ask("Offer its tools as a toolkit? Slug, or - for none", n.app.Slug)
		if err != nil {
			return err
		}
		if answer != "-" {
			n.toolkit = answer
		}
	}
	if n.toolkit == "" {
		n.cli.say("\nNext: wayleave toolkits create %s --app %s --bind %s=%s", n.app.Slug, n.app.Slug, n.environment, cell(find(decode(connection), "id")))
		return nil
	}
	id, _ := find(decode(connection), "id").(string)
	raw, err := bindConnection(ctx, n.client, n.toolkit, n.app.Slug, binding{Environment: n.environment, Connection: id})
	if err != nil {
		return err
	}
	if n.cli.output == "json" {
		return n.cli.printJSON(map[string]json.RawMessage{"connection": connection, "toolkit": raw})
	}
	n.cli.say("\nToolkit:")
	return n.cli.printOne(raw, toolkitColumns...)
}

// bindConnection adds a binding to a toolkit, which is made if it is not there
// and app is given.
func bindConnection(ctx context.Context, cl *client.Client, slug, app string, b binding) (json.RawMessage, error) {
	var t toolkit
	_, err := cl.Get(ctx, path("toolkits", slug), &t)
	var p *client.Problem
	if errors.As(err, &p) && p.Code == "not_found" && app != "" {
		return cl.Send(ctx, http.MethodPost, "/v1/toolkits", map[string]any{"slug": slug, "app": app, "bindings": []binding{b}}, nil)
	}
	if err != nil {
		return nil, err
	}
	return setBindings(ctx, cl, t, append(t.without(b.Environment, b.Label), b))
}

// setBindings replaces the bindings of a toolkit as it was read: a change that
// someone else made in the meantime is not overwritten.
func setBindings(ctx context.Context, cl *client.Client, t toolkit, all []binding) (json.RawMessage, error) {
	return cl.Do(ctx, client.Request{Method: http.MethodPatch, Path: path("toolkits", t.ID),
		Header: map[string]string{"If-Match": `"` + t.Version.String() + `"`}, Body: map[string]any{"bindings": all}})
}
