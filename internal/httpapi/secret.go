package httpapi

import (
	"github.com/danielgtaylor/huma/v2"

	"github.com/wayleave/wayleave/credentials"
)

// A secret is a value that comes in and never goes out.
type secret struct{ credentials.Secret }

// Schema describes a secret in the OpenAPI document.
func (secret) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, WriteOnly: true, Format: "password"}
}

// fields are the secrets of a credential by name, as an app's scheme asks for
// them.
type fields map[string]secret

func (f fields) secrets() credentials.Secrets {
	if len(f) == 0 {
		return nil
	}
	out := make(credentials.Secrets, len(f))
	for name, s := range f {
		out[name] = s.Secret
	}
	return out
}
