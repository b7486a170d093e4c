package httpapi

import (
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// also says of a route what its summary leaves open.
var also = map[string]string{
	"POST /v1/connections":                             " Nothing is created until the attempt's test succeeds: POST /v1/connections/{id}/test with the attempt's id.",
	"POST /v1/connections/{id}/reauthorize":            " The connection serves with what it has until the attempt's test succeeds; id, name and bindings stay.",
	"GET /v1/connections/{id}/test":                    " The id is the attempt's. An attempt that makes a new connection needs the role admin. Testing again what succeeded answers the same.",
	"POST /v1/connections/{id}/test":                   " The id is the attempt's. An attempt that makes a new connection needs the role admin. Testing again what succeeded answers the same.",
	"GET /v1/attempts/{id}":                            " An attempt that makes a new connection needs the role admin.",
	"PATCH /v1/attempts/{id}":                          " An attempt that makes a new connection needs the role admin. Params and secrets that are left out stay, secrets only for the hosts that they were given for.",
	"PATCH /v1/auth-configs/{id}":                      " New secrets are tested over one of the connections before they are stored; a failed test changes nothing.",
	"POST /v1/connections/{id}/check":                  " A check that fails is an answer with ok false, not a problem.",
	"GET /v1/connections/{id}/check":                   " A check that fails is an answer with ok false, not a problem.",
	"DELETE /v1/keys/{id}":                             " A key cannot revoke itself, nor one with a higher role.",
	"POST /v1/toolkits/{toolkit}/tools/{tool}":         " What the app refuses is a problem whose code says why. A write whose answer was lost is outcome_unknown and is not sent again.",
	"POST /v1/toolkits/{toolkit}/tools/{tool}/explain": " Nothing is sent. A call that would be refused for what the key or the connection lacks is an answer with allowed false.",
	"GET /v1/toolkits/{toolkit}/tools":                 " The environment may be left out by a key that grants one only.",
}

// document adds the problems that a route may answer with to its description.
func (r *router) document(op *huma.Operation, status int) {
	schema := r.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[problem](), true, "Problem")
	op.Responses = map[string]*huma.Response{strconv.Itoa(status): {Description: described[status]}}
	for _, code := range problemsOf(op) {
		op.Responses[strconv.Itoa(code)] = &huma.Response{
			Description: http.StatusText(code),
			Content:     map[string]*huma.MediaType{problemType: {Schema: schema}},
		}
	}
}

var described = map[int]string{
	http.StatusOK:        "Done",
	http.StatusCreated:   "Made",
	http.StatusAccepted:  "Begun",
	http.StatusNoContent: "Done; there is nothing to tell",
}

// problemsOf returns the statuses of the problems that a route may answer with.
func problemsOf(op *huma.Operation) []int {
	codes := []int{400, 401, 403, 500, 503}
	if strings.Contains(op.Path, "{") {
		codes = append(codes, 404)
	}
	if op.Method != http.MethodGet {
		codes = append(codes, 404, 409)
	}
	if op.Method == http.MethodPatch || op.Method == http.MethodDelete {
		codes = append(codes, 412)
	}
	if op.Method == http.MethodPatch || op.Method == http.MethodPost {
		codes = append(codes, 413, 415)
	}
	if reachesApp(op.Path) {
		codes = append(codes, 409, 422, 429, 502)
	}
	return codes
}

// reachesApp reports whether a route sends requests to the app.
func reachesApp(path string) bool {
	return strings.HasSuffix(path, "/test") || strings.HasSuffix(path, "/check") ||
		strings.HasSuffix(path, "/tools/{tool}") || path == "/v1/auth-configs/{id}"
}
