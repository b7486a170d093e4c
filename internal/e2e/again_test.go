package e2e_test

import "testing"

// TestAConnectionIsMadeAgainUnderItsName: what is left of a deleted connection
// does not stand in the way of the next one.
func TestAConnectionIsMadeAgainUnderItsName(t *testing.T) {
	w := newWorld(t, embedded)
	first := w.connect("dev", "Notes", w.dev.URL, devKey)
	w.must(w.rest(w.admin, "DELETE", "/v1/connections/"+first, nil), 204, "")
	second := w.connect("dev", "Notes", w.dev.URL, devKey)
	r := w.rest(w.admin, "GET", "/v1/connections/"+second, nil)
	config := w.must(r, 200, "auth_config")
	if name := w.must(w.rest(w.admin, "GET", "/v1/auth-configs/"+config, nil), 200, "name"); name != "Notes 2" {
		t.Errorf("the new auth config is named %q", name)
	}
}
