package credentials

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/template"
)

// placeBody sets members of a JSON object or a form. A request without a body
// gets one; any other kind of body cannot carry a credential.
func placeBody(m map[string]*template.Template, look template.Lookup, req *http.Request) error {
	if len(m) == 0 {
		return nil
	}
	body, err := readBody(req)
	if err != nil {
		return err
	}
	defer clear(body)
	kind, _, _ := mime.ParseMediaType(req.Header.Get("Content-Type"))
	switch {
	case kind == "application/x-www-form-urlencoded":
		return placeForm(m, look, req, body)
	case kind == "application/json", kind == "" && len(body) == 0:
		return placeJSON(m, look, req, body)
	}
	return errNoRoom()
}

func errNoRoom() error {
	return fault.New(fault.InvalidInput, "the app wants its credential in the body, which this request has no room for").
		WithFix("The app's definition needs a JSON object or a form as the body of this request.")
}

// readBody returns the body that is about to be sent. A body without GetBody is
// read and so must be replaced, which its caller does.
func readBody(req *http.Request) ([]byte, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return nil, nil
	}
	body := req.Body
	if req.GetBody != nil {
		fresh, err := req.GetBody()
		if err != nil {
			return nil, fault.New(fault.Internal, "the body of the request cannot be read again")
		}
		body = fresh
	}
	b, err := io.ReadAll(body)
	_ = body.Close()
	if err != nil {
		return nil, fault.New(fault.Internal, "the body of the request cannot be read")
	}
	return b, nil
}

func placeJSON(m map[string]*template.Template, look template.Lookup, req *http.Request, body []byte) error {
	object := map[string]json.RawMessage{}
	if len(bytes.TrimSpace(body)) > 0 && (json.Unmarshal(body, &object) != nil || object == nil) {
		return errNoRoom()
	}
	for name, t := range m {
		v, ok, err := t.Value(look)
		if err != nil {
			return fault.New(fault.InvalidInput, "the credential cannot be put in the body")
		}
		if !ok {
			continue
		}
		if object[name], err = encodeJSON(v); err != nil {
			return fault.New(fault.InvalidInput, "the credential cannot be put in the body")
		}
	}
	b, err := encodeJSON(object)
	if err != nil {
		return errNoRoom()
	}
	req.Header.Set("Content-Type", "application/json")
	setBody(req, b)
	return nil
}

// encodeJSON writes v without the HTML escapes that change what an app reads
// back byte by byte.
func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func placeForm(m map[string]*template.Template, look template.Lookup, req *http.Request, body []byte) error {
	// Encoded values are appended as they are, which keeps the order of the rest.
	form := string(body)
	for _, name := range inOrder(m) {
		v, ok, err := render(m[name], template.Text, look, "a form")
		if err != nil {
			return err
		}
		if ok {
			form = setQuery(form, name, url.QueryEscape(v))
		}
	}
	setBody(req, []byte(form))
	return nil
}

func setBody(req *http.Request, b []byte) {
	req.ContentLength = int64(len(b))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
	req.Body, _ = req.GetBody()
}
