package apps

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/template"
)

// siteRules are what [App.Site] fills params into.
type siteRules struct {
	base   *address
	hosts  []hostPattern
	header []namedTemplate
	query  []namedTemplate
}

// A namedTemplate is one header or query parameter.
type namedTemplate struct {
	name string
	text *template.Template
}

// AuthByID returns the way to authenticate with this id, nil if there is none.
func (a *App) AuthByID(id string) *Auth {
	for _, x := range a.Auth {
		if x.ID == id {
			return x
		}
	}
	return nil
}

// Tool returns the tool with this name, nil if there is none.
func (a *App) Tool(name string) *Tool {
	return a.byName[name]
}

// Site returns where the requests of a connection with these params go. The
// params are checked again, so that a record that was edited leads nowhere else.
// What they make of the base URL must be http or https, without user, query and
// fragment, at a host that the app declares; http and private addresses only
// where the app allows them. The error is an InvalidInput fault.
func (a *App) Site(params map[string]any) (*Site, error) {
	checked, err := a.CheckParams(params)
	if err != nil {
		return nil, err
	}
	s := a.site // a copy
	s.params = checked
	if err := a.fillHosts(&s); err != nil {
		return nil, fault.Wrap(fault.InvalidInput, err, "the params lead to no valid host: %s", err)
	}
	if s.Base, err = a.rules.base.render(checked, paramLookup(checked), template.PathPrefix); err != nil {
		return nil, fault.Wrap(fault.InvalidInput, err, "the params make no valid address: %s", reason(err))
	}
	if err := s.admits(s.Base); err != nil {
		return nil, fault.Wrap(fault.InvalidInput, err, "the params make an address that cannot be used: %s", err)
	}
	return &s, a.fillDefaults(&s)
}

func (a *App) fillHosts(s *Site) error {
	s.Hosts = make([]Host, 0, len(a.rules.hosts))
	for i := range a.rules.hosts {
		h, ok, err := a.rules.hosts[i].render(s.params)
		if err == nil && ok {
			err = checkReach(strings.TrimPrefix(h.Name, "*."), s.AskPrivate)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", a.rules.hosts[i].src, err)
		}
		if ok {
			s.Hosts = append(s.Hosts, h)
		}
	}
	return nil
}

// fillDefaults sets the headers and query parameters of every request. One whose
// param was left empty is left out.
func (a *App) fillDefaults(s *Site) error {
	s.Header, s.Query = http.Header{}, url.Values{}
	look := paramLookup(s.params)
	for _, h := range a.rules.header {
		v, err := h.text.Render(template.HeaderValue, look)
		if err == nil {
			s.Header.Set(h.name, v)
		} else if !errors.Is(err, template.ErrAbsent) {
			return err
		}
	}
	for _, q := range a.rules.query {
		v, err := q.text.Render(template.Text, look)
		if err == nil {
			s.Query.Set(q.name, v)
		} else if !errors.Is(err, template.ErrAbsent) {
			return err
		}
	}
	return nil
}

// admits says why a request of this site may not go to u, nil if it may.
func (s *Site) admits(u *url.URL) error {
	switch {
	case u.Scheme != "https" && u.Scheme != "http" || u.Opaque != "":
		return errors.New("only http and https are spoken")
	case u.Scheme == "http" && !s.PlainHTTP:
		return errors.New("http would send the credential in the clear; the address must begin with https://")
	case u.User != nil:
		return errors.New("it holds a user name")
	}
	name, err := canonicalName(u.Hostname())
	if err != nil {
		return err
	}
	if err := checkReach(name, s.AskPrivate); err != nil {
		return err
	}
	port := portOf(u)
	for _, h := range s.Hosts {
		if h.Matches(name, port) && (h.Port != 0 || port == portOf(&url.URL{Scheme: u.Scheme})) {
			return nil
		}
	}
	return fmt.Errorf("%s is not among the app's hosts", joinHost(name, port))
}

// Allows reports whether a request of this site may go to u: by http or https as
// the app allows, without user name, to a declared host and port.
func (s *Site) Allows(u *url.URL) bool { return u != nil && s.admits(u) == nil }

// reason returns what a fault says to its caller, or the error's own text.
func reason(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Msg
	}
	return err.Error()
}
