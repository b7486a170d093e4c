package e2e_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	goredis "github.com/redis/go-redis/v9"

	"github.com/wayleave/wayleave/internal/server"
	"github.com/wayleave/wayleave/mcp/mcpclient"
)

// TestNoSecretLeaves runs everything once, at trace level, with a secret of its
// own in every scheme and an upstream that sends back all that it is sent, and
// then looks for the secrets wherever something was written or answered.
func TestNoSecretLeaves(t *testing.T) {
	eachBackends(t, func(t *testing.T, b backends) {
		w := newWorld(t, b, func(c *server.Config) { c.Apps = append(c.Apps, parse(t, fxDefinition)) })
		up := newUpstream(t, newUpstream(t, nil))
		said := &answers{}
		schemes := fxSchemes("8d1f0c7a9e")
		var secrets []string
		for _, fields := range schemes {
			for name, v := range fields {
				if name != "username" {
					secrets = append(secrets, v.(string))
				}
			}
		}
		for scheme, fields := range schemes {
			w.exercise(t, said, up, scheme, fields)
		}
		w.misuse(said, schemes["bearer"]["token"].(string))
		w.must(w.rest(w.admin, "GET", "/readyz", nil), 200, "status")

		arrived, _ := up.requests()
		for _, s := range secrets {
			if !sent(arrived, s) {
				t.Errorf("the upstream was never sent %q: the test shows nothing", s)
			}
		}
		places := map[string][]byte{"log": w.log.Bytes(), "answers": said.Bytes()}
		w.stored(t, places)
		for place, content := range places {
			if len(content) == 0 {
				t.Errorf("%s is empty: the test shows nothing", place)
			}
			for _, s := range secrets {
				for form, text := range forms(s) {
					if bytes.Contains(content, []byte(text)) {
						t.Errorf("%s holds the secret %q as %s", place, s, form)
					}
				}
			}
		}
	})
}

// answers collects what callers were answered.
type answers struct{ bytes.Buffer }

func (a *answers) add(r reply) reply {
	fmt.Fprintf(a, "%d %v %s\n", r.status, r.header, r.raw)
	return r
}

// exercise does everything that can be done with one connection.
func (w *world) exercise(t *testing.T, said *answers, up *upstream, scheme string, fields map[string]any) {
	conn := w.connectFx("dev", scheme, fields, up.URL)
	slug := "fx-" + scheme
	said.add(w.rest(w.admin, "POST", "/v1/toolkits", map[string]any{"slug": slug, "app": "fx", "bindings": []any{bind("dev", conn)}}))
	key := w.agent(slug, environmentsOf("dev"))
	for _, path := range []string{"", "?app=fx", "/" + conn} {
		said.add(w.rest(w.admin, "GET", "/v1/connections"+path, nil))
	}
	said.add(w.rest(w.admin, "GET", "/v1/auth-configs", nil))
	said.add(w.rest(w.admin, "POST", "/v1/connections/"+conn+"/check", nil))
	said.add(w.rest(w.admin, "POST", "/v1/connections/"+conn+"/refresh", nil))
	said.add(w.rest(w.admin, "GET", "/openapi.json", nil))
	for tool, argument := range map[string]map[string]any{
		"get_item":  {"id": "{{secret.key}} {{secret.token}}"},
		"create":    {"name": "${secret.key}", "count": 1},
		"misbehave": {"how": "status-500"},
	} {
		said.add(w.rest(key, "POST", "/v1/toolkits/"+slug+"/tools/"+tool, map[string]any{"arguments": argument}))
		said.add(w.rest(key, "POST", "/v1/toolkits/"+slug+"/tools/"+tool+"/explain", map[string]any{"arguments": argument}))
	}
	for _, how := range []string{"status-401", "status-403", "status-404", "status-418", "status-429", "status-500", "redirect-302", "redirect-file", "drop"} {
		said.add(w.rest(key, "POST", "/v1/toolkits/"+slug+"/tools/behave", map[string]any{"arguments": map[string]any{"how": how}}))
	}
	for _, era := range []string{"2026-07-28", "2025-11-25"} {
		c, err := mcpclient.Dial(t.Context(), w.url+"/mcp", key, era)
		if err != nil {
			t.Fatal(err)
		}
		for _, how := range []string{"ok", "status-418", "status-500"} {
			r, err := c.Call(t.Context(), strings.ReplaceAll(slug, "-", "_")+"_behave", map[string]any{"how": how})
			fmt.Fprintf(said, "%+v %v\n", r, err)
		}
		_ = c.Close()
	}
}

// misuse sends secrets where they do not belong: errors must not repeat them.
func (w *world) misuse(said *answers, secret string) {
	begin := func(body map[string]any) reply { return said.add(w.rest(w.admin, "POST", "/v1/connections", body)) }
	begin(map[string]any{"app": "fx", "environment": "dev", "name": "x", "token": secret})
	begin(map[string]any{"app": "fx", "environment": "dev", "name": "x", "auth": map[string]any{"scheme": "bearer", "fields": secret}})
	begin(map[string]any{"app": "fx", "environment": "dev", "name": "x", "auth": map[string]any{"scheme": "bearer", "fields": map[string]any{"token": []any{secret}}}})
	begin(map[string]any{"app": "fx", "environment": "dev", "name": "x", "auth": map[string]any{"scheme": "bearer", "fields": map[string]any{"token": map[string]any{secret: 1}}}})
	begin(map[string]any{"app": "github", "environment": "dev", "name": "x", "auth": map[string]any{"scheme": "pat", "fields": map[string]any{"token": secret + " "}}})
	begin(map[string]any{"app": "fx", "environment": "dev", "name": "unreachable", "params": map[string]any{"base_url": "http://127.0.0.1:1"},
		"auth": map[string]any{"scheme": "bearer", "fields": map[string]any{"token": secret}}})
	if attempt := begin(map[string]any{"app": "fx", "environment": "dev", "name": "unreachable", "params": map[string]any{"base_url": "http://127.0.0.1:1"},
		"auth": map[string]any{"scheme": "query", "fields": map[string]any{"key": secret}}}).get("id"); attempt != "" {
		said.add(w.rest(w.admin, "GET", "/v1/connections/"+attempt+"/test", nil))
		said.add(w.rest(w.admin, "GET", "/v1/attempts/"+attempt, nil))
		said.add(w.rest(w.admin, "PATCH", "/v1/attempts/"+attempt, map[string]any{"fields": map[string]any{"nope": secret}}))
	}
	said.add(w.rest(secret, "GET", "/v1/connections", nil))
}

// stored adds what the backends hold.
func (w *world) stored(t *testing.T, places map[string][]byte) {
	if path, ok := strings.CutPrefix(w.config.StoreURL, "sqlite:"); ok {
		files, _ := filepath.Glob(path + "*")
		for _, f := range files {
			content, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if len(content) > 0 {
				places[filepath.Base(f)] = content
			}
		}
		return
	}
	places["postgres"] = dumpPostgres(t, w.config.StoreURL)
	places["redis"] = dumpRedis(t, w.config.RedisURL)
}

// dumpPostgres returns every row of every table as text.
func dumpPostgres(t *testing.T, url string) []byte {
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var out bytes.Buffer
	for _, table := range column(t, db, `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'`) {
		for _, row := range column(t, db, `SELECT t::text FROM "`+table+`" t`) {
			out.WriteString(row + "\n")
		}
	}
	return out.Bytes()
}

func column(t *testing.T, db *sql.DB, query string) (values []string) {
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			t.Fatal(err)
		}
		values = append(values, v)
	}
	return values
}

// dumpRedis returns every key and, as its serialisation, every value.
func dumpRedis(t *testing.T, url string) []byte {
	o, err := goredis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := goredis.NewClient(o)
	defer c.Close()
	ctx := context.Background()
	var out bytes.Buffer
	for it := c.Scan(ctx, 0, "*", 1000).Iterator(); it.Next(ctx); {
		dump, err := c.Dump(ctx, it.Val()).Result()
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString(it.Val() + dump)
	}
	return out.Bytes()
}

// forms are the ways in which a secret could stand somewhere.
func forms(s string) map[string]string {
	escaped := strings.Trim(fmt.Sprintf("%q", s), `"`)
	return map[string]string{
		"itself": s, "base64": base64.StdEncoding.EncodeToString([]byte(s)), "base64url": base64.RawURLEncoding.EncodeToString([]byte(s)),
		"query": url.QueryEscape(s), "query with %20": strings.ReplaceAll(url.QueryEscape(s), "+", "%20"), "path": url.PathEscape(s), "JSON": escaped, "hex": fmt.Sprintf("%x", s),
		"basic": base64.StdEncoding.EncodeToString([]byte("fx-user:" + s)),
	}
}

func sent(all, secret string) bool {
	for _, text := range forms(secret) {
		if strings.Contains(all, text) {
			return true
		}
	}
	return false
}
