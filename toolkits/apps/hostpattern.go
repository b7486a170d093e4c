package apps

import (
	"errors"
	"fmt"
	"strings"

	"github.com/wayleave/wayleave/internal/template"
)

// A hostPattern is a host of a definition, before the params are filled in: one
// of
//
//	api.example.com  *.example.com  api.example.com:8443   literal
//	{{params.store}}.example.com                           params as labels
//	{{params.server}}                                      a param of format hostname or host_port
//	{{params.base_url}}                                    the host of a param of format https_url or http_url
type hostPattern struct {
	src   string
	whole string             // the param that is the whole host
	isURL bool               // whole is a URL
	name  *template.Template // else the name, with "*." if it had one
	port  *template.Template // nil: none
}

// compileHost compiles one host. params says what the params are.
func compileHost(src string, params paramSet) (hostPattern, error) {
	h := hostPattern{src: src}
	t, err := template.Parse(src, params.allow)
	if err != nil {
		return h, err
	}
	if ref, sole := t.Sole(); sole {
		return h, h.setWhole(params[ref.Name])
	}
	name, port := cutPort(src)
	if port != "" {
		if h.port, err = template.Parse(port, params.allow); err != nil {
			return h, err
		}
		if err := checkPort(h.port, params); err != nil {
			return h, err
		}
	}
	if h.name, err = template.Parse(name, params.allow); err != nil {
		return h, err
	}
	return h, checkLabels(h.name, name, params)
}

// setWhole makes p the whole host.
func (h *hostPattern) setWhole(p *Param) error {
	switch p.Format {
	case "https_url", "http_url":
		h.isURL = true
	case "hostname", "host_port":
	default:
		return fmt.Errorf("a param that is a whole host has format hostname, host_port, https_url or http_url; %s has none of them", p.Name)
	}
	h.whole = p.Name
	return nil
}

// cutPort cuts off what follows the last colon that is in no placeholder and in
// no square brackets.
func cutPort(s string) (name, port string) {
	if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, ']') && i > strings.LastIndex(s[:max(i, 0)], "}}") {
		return s[:i], s[i+1:]
	}
	return s, ""
}

func checkPort(t *template.Template, params paramSet) error {
	if s, static := t.Static(); static {
		_, err := parsePort(s)
		return err
	}
	if ref, sole := t.Sole(); !sole || params[ref.Name].Type != "integer" {
		return errors.New("a port is a number, or one param of type integer")
	}
	return nil
}

// checkLabels refuses a name whose domain a param could choose. The last two
// labels are literal, and what a param fills has a pattern or a list of values.
func checkLabels(t *template.Template, src string, params paramSet) error {
	if s, static := t.Static(); static {
		_, err := ParseHost(s)
		return err
	}
	labels := splitLabels(src)
	for _, l := range labels[max(0, len(labels)-2):] {
		if strings.Contains(l, "{{") || len(labels) < 3 {
			return errors.New("the last two labels of a host are literal, so that no param can choose the domain; a whole host is a param of format hostname")
		}
	}
	for _, r := range t.Refs() {
		if p := params[r.Name]; p.Type != "string" || p.Pattern == "" && len(p.Enum) == 0 {
			return fmt.Errorf("the param %s is part of a host, so it needs a pattern such as ^[a-z0-9][a-z0-9-]*$ or an enum", r.Name)
		}
	}
	probe, err := t.Render(template.HostLabel, func(_, _ string) (any, bool) { return "a", true })
	if err == nil {
		_, err = ParseHost(probe)
	}
	return err
}

// splitLabels splits at the dots that are in no placeholder.
func splitLabels(s string) []string {
	var labels []string
	for from := 0; ; {
		i := from
		for i < len(s) && s[i] != '.' {
			if strings.HasPrefix(s[i:], "{{") {
				if end := strings.Index(s[i:], "}}"); end > 0 {
					i += end + 1
				}
			}
			i++
		}
		labels = append(labels, s[from:min(i, len(s))])
		if i >= len(s) {
			return labels
		}
		from = i + 1
	}
}

// render fills in the params. ok is false when the host is a param that was left
// empty.
func (h *hostPattern) render(params map[string]any) (host Host, ok bool, err error) {
	if h.whole != "" {
		s, given := params[h.whole].(string)
		if !given || s == "" {
			return Host{}, false, nil
		}
		if h.isURL {
			u, err := parseBase(s, true)
			if err != nil {
				return Host{}, false, fmt.Errorf("the param %s: %w", h.whole, err)
			}
			s = u.Host
		}
		host, err = ParseHost(s)
		return host, err == nil, err
	}
	look := paramLookup(params)
	s, err := h.name.Render(template.HostLabel, look)
	if err == nil && h.port != nil {
		var port string
		port, err = h.port.Render(template.Text, look)
		s += ":" + port
	}
	if errors.Is(err, template.ErrAbsent) {
		return Host{}, false, nil
	}
	if err == nil {
		host, err = ParseHost(s)
	}
	return host, err == nil, err
}
