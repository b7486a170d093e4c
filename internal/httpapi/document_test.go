package httpapi_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

// A described is an operation in the OpenAPI document.
type described struct {
	Summary, Description, OperationID string
	Security                          []map[string][]string
	Tags                              []string
	Parameters                        []struct{ Name, In, Description string }
	RequestBody                       *struct {
		Required bool
		Content  map[string]struct{ Schema json.RawMessage }
	}
	Responses map[string]struct {
		Description string
		Content     map[string]struct {
			Schema struct {
				Ref string `json:"$ref"`
			}
		}
	}
}

// TestDocumentIsComplete: a program that knows only the document knows how to
// authenticate, what each route takes and what it may answer.
func TestDocumentIsComplete(t *testing.T) {
	d := newDoor(t)
	a := d.send("", "GET", "/openapi.json", nil)
	var doc struct {
		OpenAPI    string
		Paths      map[string]map[string]described
		Components struct {
			Schemas         map[string]json.RawMessage
			SecuritySchemes map[string]struct{ Type, Scheme string }
		}
	}
	if err := json.Unmarshal(a.Body.Bytes(), &doc); err != nil || !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Fatalf("OpenAPI %q: %v", doc.OpenAPI, err)
	}
	if key := doc.Components.SecuritySchemes["key"]; key.Type != "http" || key.Scheme != "bearer" {
		t.Errorf("the key is described as %+v", key)
	}
	ids, n := map[string]bool{}, 0
	for path, methods := range doc.Paths {
		for method, op := range methods {
			n++
			checkDescribed(t, strings.ToUpper(method)+" "+path, op)
			if ids[op.OperationID] {
				t.Errorf("two operations are called %s", op.OperationID)
			}
			ids[op.OperationID] = true
		}
	}
	if n < 45 {
		t.Errorf("only %d routes are described", n)
	}
	for _, ref := range regexp.MustCompile(`#/components/schemas/([^"]+)`).FindAllStringSubmatch(a.Body.String(), -1) {
		if doc.Components.Schemas[ref[1]] == nil {
			t.Errorf("%s is not there", ref[0])
		}
	}
	for _, wrong := range []string{"ErrorModel", "$schema", "example.com", " an workflow", "contentEncoding"} {
		if strings.Contains(a.Body.String(), wrong) {
			t.Errorf("the document holds %q", wrong)
		}
	}
	// Embedded types are described with the members that they lend.
	for schema, members := range map[string][]string{
		"NewActor": {`"id"`, `"name"`, `"key"`}, "IssuedKey": {`"hint"`, `"key"`, `"role"`}, "AuthBody": {`"title"`, `"fields"`},
		"Problem": {`"code"`, `"fix"`, `"request_id"`, `"retry_after"`}, "NewTenant": {`"admin_key"`, `"created_at"`},
	} {
		for _, member := range members {
			if !strings.Contains(string(doc.Components.Schemas[schema]), member) {
				t.Errorf("%s does not have %s: %s", schema, member, doc.Components.Schemas[schema])
			}
		}
	}
}

func checkDescribed(t *testing.T, route string, op described) {
	t.Helper()
	if op.Summary == "" || !strings.HasPrefix(op.Description, "Least role: ") || len(op.Tags) != 1 {
		t.Errorf("%s: summary %q, description %q, tags %v", route, op.Summary, op.Description, op.Tags)
	}
	if len(op.Security) != 1 || op.Security[0]["key"] == nil {
		t.Errorf("%s does not say that it needs a key", route)
	}
	for _, p := range op.Parameters {
		if p.Description == "" {
			t.Errorf("%s does not describe %s %s", route, p.In, p.Name)
		}
	}
	wants := []string{"400", "401", "403", "500", "503"}
	if strings.Contains(route, "{") {
		wants = append(wants, "404")
	}
	if op.RequestBody != nil {
		wants = append(wants, "413", "415")
	}
	for _, p := range op.Parameters {
		if p.Name == "If-Match" {
			wants = append(wants, "412")
		}
	}
	for _, status := range wants {
		if problem := op.Responses[status]; problem.Content["application/problem+json"].Schema.Ref != "#/components/schemas/Problem" {
			t.Errorf("%s does not say what it answers with %s", route, status)
		}
	}
	good := 0
	for status, answer := range op.Responses {
		if strings.HasPrefix(status, "2") {
			good++
			if (status == "204") != (len(answer.Content) == 0) || answer.Description == "" {
				t.Errorf("%s %s: %+v", route, status, answer)
			}
		}
	}
	if good != 1 || op.Responses["422"].Description != "" && !strings.Contains(route, "/test") && !strings.Contains(route, "auth-configs/{id}") &&
		!strings.Contains(route, "/check") && !strings.Contains(route, "/tools/{tool}") {
		t.Errorf("%s answers %v", route, op.Responses)
	}
}

// TestDocumentDoesNotTellWhoAsked: nothing in it comes from the request.
func TestDocumentDoesNotTellWhoAsked(t *testing.T) {
	d := newDoor(t)
	plain := d.send("", "GET", "/openapi.json", nil).Body.String()
	other := d.send("", "GET", "/openapi.json", nil, "X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "https").Body.String()
	if plain != other {
		t.Error("it differs")
	}
}
