package apps

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/template"
)

// encodeBody returns the body and its content type; nil when there is none.
func (r *Request) encodeBody(look template.Lookup) (body []byte, contentType string, err error) {
	doc, ok, err := r.resolveBody(look)
	if err != nil || !ok {
		return nil, "", err
	}
	switch r.format {
	case formatJSON, formatGraphQL:
		return appendJSON(nil, doc), "application/json", nil
	case formatForm:
		var pairs []pair
		for _, e := range entries(doc) {
			pairs = appendPairs(pairs, template.Escape(e.name), e.value, r.style)
		}
		return []byte(joinPairs(pairs)), "application/x-www-form-urlencoded", nil
	case formatMultipart:
		return encodeMultipart(entries(doc), r.style)
	case formatText:
		return []byte(plain(doc)), "text/plain; charset=utf-8", nil
	}
	return nil, "", nil
}

// resolveBody returns the body as a JSON value.
func (r *Request) resolveBody(look template.Lookup) (doc any, ok bool, err error) {
	if r.body != nil {
		if doc, ok, err = r.body.resolve(look); err != nil {
			return nil, false, err
		}
		ok = ok || isObject(doc) // the body itself is sent, if empty
	}
	for _, e := range entries(doc) {
		if r.reserved.body[strings.ToLower(e.name)] {
			return nil, false, fault.New(fault.InvalidInput, "the body member %q carries the credential and cannot be given", cut(e.name))
		}
	}
	if (r.format == formatForm || r.format == formatMultipart) && ok && !isObject(doc) {
		return nil, false, fault.New(fault.InvalidInput, "the body must be an object of fields")
	}
	return doc, ok, nil
}

// encodeMultipart writes fields as multipart/form-data (RFC 7578). The boundary
// is made of the content, so that equal fields make equal bytes; a hash of what
// it separates cannot occur in it by design or by accident.
func encodeMultipart(fields ordered, style arrayStyle) ([]byte, string, error) {
	var pairs []pair
	for _, e := range fields {
		pairs = appendPairs(pairs, template.Escape(e.name), e.value, style)
	}
	sum := sha256.Sum256([]byte(joinPairs(pairs)))
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	_ = w.SetBoundary(hex.EncodeToString(sum[:])) // 64 hex digits are always a boundary
	for _, p := range pairs {
		name, err1 := url.PathUnescape(p.name)
		text, err2 := url.PathUnescape(p.value)
		if err1 != nil || err2 != nil {
			return nil, "", fault.New(fault.InvalidInput, "a form field cannot be encoded")
		}
		if strings.ContainsAny(name, "\r\n") {
			return nil, "", fault.New(fault.InvalidInput, "the name of a form field holds a line break")
		}
		if err := w.WriteField(name, text); err != nil {
			return nil, "", err
		}
	}
	if err := w.Close(); err != nil {
		return nil, "", err
	}
	return b.Bytes(), w.FormDataContentType(), nil
}

// newRequest returns a request to u that can be sent again. A URL is not parsed
// from text once more, so what was encoded stays as it is.
func newRequest(ctx context.Context, method string, u *url.URL, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, "https://placeholder.invalid/", nil)
	if err != nil {
		return nil, err
	}
	req.URL, req.Host = u, u.Host
	if body != nil {
		req.ContentLength = int64(len(body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		req.Body, _ = req.GetBody()
		if len(body) == 0 {
			req.Body, req.GetBody = http.NoBody, func() (io.ReadCloser, error) { return http.NoBody, nil }
		}
	}
	return req, nil
}
