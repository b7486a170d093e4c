package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxAnswer bounds what is read of one answer, in bytes.
const maxAnswer = 64 << 20

// A Client talks to the server at Base, such as "http://127.0.0.1:8417", with
// a key. Construct with New.
type Client struct {
	base string
	key  string
	http *http.Client
}

// New returns a Client of the server at base. Redirects are not followed: the
// key belongs to the server that was named.
func New(base, key string) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("the address of the server must be a URL such as http://127.0.0.1:8417")
	}
	return &Client{base: strings.TrimSuffix(base, "/"), key: key, http: &http.Client{
		Timeout:       3 * time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// A Request is one request of the API. Body is sent as JSON unless nil.
type Request struct {
	Method string
	Path   string // such as "/v1/apps", each variable part through url.PathEscape
	Query  url.Values
	Header map[string]string
	Body   any
}

// Do sends a request and returns the body of the answer; empty after 204. An
// answer of 400 and above is a *Problem; a server that cannot be reached is a
// *Unreachable.
func (c *Client) Do(ctx context.Context, r Request) (json.RawMessage, error) {
	req, err := c.request(ctx, r)
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, unreachable(c.base, err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, unreachable(c.base, err)
	}
	if res.StatusCode >= http.StatusMultipleChoices {
		return nil, problemOf(res, body)
	}
	if len(body) > 0 && !json.Valid(body) {
		return nil, fmt.Errorf("%s does not answer as a Wayleave server does: check the address", c.base)
	}
	return body, nil
}

func (c *Client) request(ctx context.Context, r Request) (*http.Request, error) {
	var body io.Reader
	if r.Body != nil {
		text, err := json.Marshal(r.Body)
		if err != nil {
			return nil, fmt.Errorf("writing the request: %w", err)
		}
		body = bytes.NewReader(text)
	}
	target := c.base + r.Path
	if len(r.Query) > 0 {
		target += "?" + r.Query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, target, body)
	if err != nil {
		return nil, fmt.Errorf("writing the request: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json, application/problem+json")
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	for name, value := range r.Header {
		req.Header.Set(name, value)
	}
	return req, nil
}

// Get reads one resource into out, and returns it as it came.
func (c *Client) Get(ctx context.Context, path string, out any) (json.RawMessage, error) {
	return c.Send(ctx, http.MethodGet, path, nil, out)
}

// Send sends body, an empty object if it is nil and the method takes one, and
// reads the answer into out, unless nil.
func (c *Client) Send(ctx context.Context, method, path string, body, out any) (json.RawMessage, error) {
	if body == nil && method != http.MethodGet && method != http.MethodDelete {
		body = struct{}{}
	}
	raw, err := c.Do(ctx, Request{Method: method, Path: path, Body: body})
	if err != nil || out == nil || len(raw) == 0 {
		return raw, err
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return nil, fmt.Errorf("%s does not answer as this version of wayleave expects: %w", c.base, err)
	}
	return raw, nil
}

// List reads every page of a list.
func (c *Client) List(ctx context.Context, path string, query url.Values) ([]json.RawMessage, error) {
	all := []json.RawMessage{}
	q := url.Values{}
	for name, values := range query {
		if len(values) > 0 && values[0] != "" {
			q[name] = values
		}
	}
	for {
		raw, err := c.Do(ctx, Request{Method: http.MethodGet, Path: path, Query: q})
		if err != nil {
			return nil, err
		}
		var page struct {
			Items []json.RawMessage `json:"items"`
			Next  string            `json:"next_cursor"`
		}
		if err := json.Unmarshal(raw, &page); err != nil {
			return nil, fmt.Errorf("%s does not answer as this version of wayleave expects: %w", c.base, err)
		}
		all = append(all, page.Items...)
		if page.Next == "" || page.Next == q.Get("cursor") {
			return all, nil
		}
		q.Set("cursor", page.Next)
	}
}

// An Unreachable says that no answer came from the server.
type Unreachable struct {
	Base   string
	Reason string
}

// Error returns what happened.
func (u *Unreachable) Error() string {
	return fmt.Sprintf("no answer from the server at %s: %s", u.Base, u.Reason)
}

// unreachable shortens the layers of net/http's errors to their cause.
func unreachable(base string, err error) error {
	if errors.Is(err, context.Canceled) {
		return context.Canceled
	}
	reason := "the connection broke"
	var op *net.OpError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &op):
		reason = op.Err.Error()
	case errors.As(err, &timeout) && timeout.Timeout():
		reason = "it took too long"
	}
	return &Unreachable{base, reason}
}
