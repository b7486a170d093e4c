package httpapi_test

import (
	"testing"
)

// TestKeysDoNotReachAbove: no key makes or ends one that may more than itself.
func TestKeysDoNotReachAbove(t *testing.T) {
	d := newDoor(t)
	issue := func(by, role string) answer {
		return d.send(by, "POST", "/v1/keys", map[string]any{"name": role, "role": role})
	}
	admin := issue(d.key, "admin")
	operator := issue(d.key, "operator").text("key")
	issue(admin.text("key"), "system").isProblem(t, "an administrator's system key", 403, "permission_denied")
	issue(operator, "viewer").isProblem(t, "an operator's key", 403, "permission_denied")
	issue(d.key, "caller").isProblem(t, "an administrative key of callers", 400, "invalid_input")

	second := issue(d.key, "system")
	d.send(admin.text("key"), "DELETE", "/v1/keys/"+second.text("id"), nil).isProblem(t, "an administrator ends a system key", 403, "permission_denied")
	if a := d.send(second.text("key"), "GET", "/v1/whoami", nil); a.Code != 200 {
		t.Errorf("the system key is gone: %d %s", a.Code, a.Body)
	}
	if a := d.send(d.key, "DELETE", "/v1/keys/"+second.text("id"), nil); a.Code != 204 {
		t.Errorf("a system key ends another: %d %s", a.Code, a.Body)
	}
	d.send(second.text("key"), "GET", "/v1/whoami", nil).isProblem(t, "with the ended key", 401, "unauthenticated")
}

// TestNobodyLocksEverybodyOut: whatever is revoked, whoever revoked it can still
// make another key.
func TestNobodyLocksEverybodyOut(t *testing.T) {
	d := newDoor(t)
	items, _ := d.send(d.key, "GET", "/v1/keys", nil).json["items"].([]any)
	own, _ := items[0].(map[string]any)["id"].(string)
	d.send(d.key, "DELETE", "/v1/keys/"+own, nil).isProblem(t, "the last key ends itself", 409, "conflict")
	tenant := d.made(d.key, "/v1/tenants", map[string]any{"name": "Other"}).text("admin_key")
	items, _ = d.send(tenant, "GET", "/v1/keys", nil).json["items"].([]any)
	theirs, _ := items[0].(map[string]any)["id"].(string)
	d.send(tenant, "DELETE", "/v1/keys/"+theirs, nil).isProblem(t, "a tenant's last key ends itself", 409, "conflict")
	d.send(d.key, "DELETE", "/v1/keys/"+theirs, nil).isProblem(t, "a key of another tenant", 404, "not_found")
	for _, key := range []string{d.key, tenant} {
		if a := d.send(key, "GET", "/v1/whoami", nil); a.Code != 200 {
			t.Errorf("locked out: %d %s", a.Code, a.Body)
		}
	}
}

// TestKeysOfOneActor: the routes of an agent reach its own keys and no others.
func TestKeysOfOneActor(t *testing.T) {
	d := newDoor(t)
	make := func(path, name string) (id, keyID, key string) {
		a := d.made(d.key, path, map[string]any{"name": name, "grant": inDev})
		k, _ := a.json["key"].(map[string]any)
		keyID, _ = k["id"].(string)
		key, _ = k["key"].(string)
		return a.text("id"), keyID, key
	}
	one, oneKey, first := make("/v1/agents", "one")
	_, twoKey, _ := make("/v1/agents", "two")
	flow, flowKey, _ := make("/v1/workflows", "flow")
	admin := d.made(d.key, "/v1/keys", map[string]any{"name": "v", "role": "viewer"})
	further := d.made(d.key, "/v1/agents/"+one+"/keys", map[string]any{"grant": inDev})

	for what, path := range map[string]string{
		"a key of another agent":               "/v1/agents/" + one + "/keys/" + twoKey,
		"a key of a workflow":                  "/v1/agents/" + one + "/keys/" + flowKey,
		"an administrator's key":               "/v1/agents/" + one + "/keys/" + admin.text("id"),
		"an agent as a workflow":               "/v1/workflows/" + one + "/keys/" + oneKey,
		"a workflow as an agent":               "/v1/agents/" + flow + "/keys/" + flowKey,
		"an agent's key as an administrator's": "/v1/keys/" + oneKey,
		"a key that there is not":              "/v1/agents/" + one + "/keys/key_00000000000000000000000000",
	} {
		d.send(d.key, "DELETE", path, nil).isProblem(t, what, 404, "not_found")
	}
	for _, key := range []string{first, further.text("key"), admin.text("key")} {
		if a := d.send(key, "GET", "/v1/whoami", nil); a.Code != 200 {
			t.Fatalf("a key was ended: %d %s", a.Code, a.Body)
		}
	}
	if a := d.send(d.key, "DELETE", "/v1/agents/"+one+"/keys/"+oneKey, nil); a.Code != 204 {
		t.Errorf("its own key: %d %s", a.Code, a.Body)
	}
	d.send(first, "GET", "/v1/whoami", nil).isProblem(t, "the ended key", 401, "unauthenticated")
	if a := d.send(further.text("key"), "GET", "/v1/whoami", nil); a.Code != 200 {
		t.Errorf("the other key ended with it: %d %s", a.Code, a.Body)
	}
}

// TestGrantsLimitWhatTheySay: a list that limits is never silently no limit.
func TestGrantsLimitWhatTheySay(t *testing.T) {
	d := newDoor(t)
	for what, grant := range map[string]any{
		"no grant":              nil,
		"no environments":       map[string]any{},
		"empty environments":    map[string]any{"environments": []any{}},
		"null environments":     map[string]any{"environments": nil},
		"unknown environment":   map[string]any{"environments": []any{"moon"}},
		"empty toolkits":        map[string]any{"environments": []any{"dev"}, "toolkits": []any{}},
		"null toolkits":         map[string]any{"environments": []any{"dev"}, "toolkits": nil},
		"empty tools":           map[string]any{"environments": []any{"dev"}, "tools": []any{}},
		"null tools":            map[string]any{"environments": []any{"dev"}, "tools": nil},
		"toolkits as text":      map[string]any{"environments": []any{"dev"}, "toolkits": "notes"},
		"read_only as text":     map[string]any{"environments": []any{"dev"}, "read_only": "yes"},
		"a slip in a name":      map[string]any{"environments": []any{"dev"}, "readonly": true},
		"a name in other case":  map[string]any{"environments": []any{"dev"}, "Read_Only": true},
		"several, one of none":  map[string]any{"environments": []any{"dev", ""}},
		"environments not text": map[string]any{"environments": []any{1}},
	} {
		d.send(d.key, "POST", "/v1/agents", map[string]any{"name": "x", "grant": grant}).isProblem(t, what, 400, "invalid_input")
	}
	d.send(d.key, "POST", "/v1/agents", map[string]any{"name": "x", "grant": inDev, "expires_at": "2020-01-01T00:00:00Z"}).isProblem(t, "already ended", 400, "invalid_input")
	if a := d.send(d.key, "GET", "/v1/agents", nil); len(a.json["items"].([]any)) != 0 {
		t.Errorf("an agent was made: %s", a.Body)
	}
}
