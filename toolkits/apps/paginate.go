package apps

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// The places that a page's parameters are sent in.
const (
	inQuery = "query"
	inBody  = "body"
)

// A page is which page a request asks for.
type page struct {
	place  string
	send   string // name of the parameter; empty on a first page that needs none
	value  any
	size   string // name of the size parameter; empty when it has none
	count  int
	link   *url.URL
	offset int
}

// sendsIn reports whether the page has parameters in this place.
func (p *page) sendsIn(place string) bool {
	return p != nil && p.place == place && (p.send != "" || p.size != "")
}

// in adds the page's parameters to those of the request. What the request
// already has stays, save for the place of a further page.
func (p *page) in(place string, obj ordered) ordered {
	if !p.sendsIn(place) {
		return obj
	}
	if p.send != "" {
		obj = slices.DeleteFunc(slices.Clone(obj), func(e entry) bool { return e.name == p.send })
		obj = append(obj, entry{p.send, p.value})
	}
	if p.size != "" && !obj.has(p.size) {
		obj = append(obj, entry{p.size, json.Number(strconv.Itoa(p.count))})
	}
	return obj
}

// First returns v with what the first page asks for, its size and start.
func (p *Paginate) First(v Values) Values {
	v.page = &page{place: p.In, size: p.SizeParam, count: p.Size, offset: p.Start}
	if p.Kind == "page" && p.Send != "" && p.Start > 0 {
		v.page.send, v.page.value = p.Send, json.Number(strconv.Itoa(p.Start))
	}
	return v
}

// Follow returns v with what the page after ans asks for; ok is false when ans
// was the last. sent is the request that ans answers: a link is followed only to
// where that one went. A caller counts pages itself, up to MaxPages.
func (p *Paginate) Follow(v Values, sent *http.Request, ans *Answer) (next Values, ok bool) {
	if v.page == nil {
		v = p.First(v)
	}
	if p.More != nil {
		if more, found := ans.find(p.More); found && more != true {
			return v, false
		}
	}
	pg := *v.page
	switch p.Kind {
	case "cursor":
		ok = p.nextCursor(&pg, ans)
	case "offset", "page":
		ok = p.nextNumber(&pg, ans)
	case "link_header":
		pg.link, ok = followLink(sent.URL, linkHeader(ans.Header, p.rel()))
	case "link_body":
		link, _ := ans.find(p.Next)
		pg.link, ok = followLink(sent.URL, plain(link))
	}
	v.page = &pg
	return v, ok
}

// nextCursor ends on an empty cursor, and on one that leads nowhere new.
func (p *Paginate) nextCursor(pg *page, ans *Answer) bool {
	cursor, _ := ans.find(p.Next)
	if s := plain(cursor); s == "" || s == "false" || pg.send != "" && same(cursor, pg.value) {
		return false
	}
	pg.send, pg.value = p.Send, cursor
	return true
}

// nextNumber ends on a page with fewer items than asked for.
func (p *Paginate) nextNumber(pg *page, ans *Answer) bool {
	found, _ := ans.find(p.Items)
	items, _ := found.([]any)
	if len(items) == 0 || p.SizeParam != "" && len(items) < p.Size {
		return false
	}
	if p.Kind == "offset" {
		pg.offset += len(items)
	} else {
		pg.offset = max(pg.offset, 1) + 1
	}
	pg.send, pg.value = p.Send, json.Number(strconv.Itoa(pg.offset))
	return true
}

func (p *Paginate) rel() string {
	if p.Rel == "" {
		return "next"
	}
	return p.Rel
}

// followLink resolves link against the request it came with. A link to another
// scheme, host or port is not followed: the credential would go with it.
func followLink(from *url.URL, link string) (*url.URL, bool) {
	if link == "" || len(link) > maxURL {
		return nil, false
	}
	u, err := from.Parse(link)
	if err != nil || u.User != nil || u.Scheme != from.Scheme || !strings.EqualFold(u.Host, from.Host) {
		return nil, false
	}
	u.Host, u.Fragment, u.RawFragment = from.Host, "", ""
	return u, u.String() != from.String()
}

// linkHeader returns the target of the first link with this relation (RFC 8288).
func linkHeader(h http.Header, rel string) string {
	for _, line := range h.Values("Link") {
		for line != "" {
			open, rest, ok := strings.Cut(line, "<")
			if !ok || strings.Trim(open, ", \t") != "" {
				break
			}
			target, params, ok := strings.Cut(rest, ">")
			if !ok {
				break
			}
			// A comma within a target is behind its "<"; one within a quoted
			// parameter is followed by no "<" before the quote ends.
			own := params
			line = ""
			if i := strings.Index(params, ",<"); i >= 0 {
				own, line = params[:i], params[i:]
			} else if i := strings.Index(params, ", <"); i >= 0 {
				own, line = params[:i], params[i:]
			}
			if hasRel(own, rel) {
				return target
			}
		}
	}
	return ""
}

func hasRel(params, rel string) bool {
	for p := range strings.SplitSeq(params, ";") {
		name, v, _ := strings.Cut(strings.TrimSpace(p), "=")
		if strings.EqualFold(strings.TrimSpace(name), "rel") && slices.Contains(strings.Fields(strings.Trim(v, `" `)), rel) {
			return true
		}
	}
	return false
}
