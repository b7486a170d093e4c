package main

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/wayleave/wayleave/cmd/wayleave/internal/client"
)

// named is what every record shows of itself.
type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// resolve returns the id of the record that a person names by id or by name.
// A name that several records have is refused rather than guessed at.
func resolve(ctx context.Context, cl *client.Client, noun, list, prefix, name string, query url.Values) (string, error) {
	if strings.HasPrefix(name, prefix+"_") {
		return name, nil
	}
	rows, err := cl.List(ctx, list, query)
	if err != nil {
		return "", err
	}
	var found []string
	for _, raw := range rows {
		var n named
		if json.Unmarshal(raw, &n) == nil && n.Name == name {
			found = append(found, n.ID)
		}
	}
	switch len(found) {
	case 0:
		return "", fail("List them with `wayleave "+noun+"s list`.", "there is no %s %q", noun, name)
	case 1:
		return found[0], nil
	}
	return "", fail("Use the id of the one you mean.", "several %ss are called %q: %s", noun, name, strings.Join(found, ", "))
}

func resolveConnection(ctx context.Context, cl *client.Client, name, env string) (string, error) {
	return resolve(ctx, cl, "connection", "/v1/connections", "conn", name, url.Values{"environment": {env}})
}

func resolveAuthConfig(ctx context.Context, cl *client.Client, name string) (string, error) {
	return resolve(ctx, cl, "auth-config", "/v1/auth-configs", "auth", name, nil)
}

// path joins the parts of a path, each escaped.
func path(parts ...string) string {
	var b strings.Builder
	b.WriteString("/v1")
	for _, p := range parts {
		b.WriteString("/" + url.PathEscape(p))
	}
	return b.String()
}
