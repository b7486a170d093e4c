package apps

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
)

var errPending = errors.New("apps: not written yet")

func Parse(file string, src []byte) (*App, error)                       { return nil, errPending }
func (a *App) AuthByID(id string) *Auth                                 { return nil }
func (a *App) Tool(name string) *Tool                                   { return nil }
func (a *App) CheckParams(given map[string]any) (map[string]any, error) { return nil, errPending }
func (a *App) Site(params map[string]any) (*Site, error)                { return nil, errPending }
func (s *Site) Allows(u *url.URL) bool                                  { return false }
func (h Host) String() string                                           { return h.Name }
func (h Host) Matches(host string, port int) bool                       { return false }
func ParseHost(s string) (Host, error)                                  { return Host{}, errPending }
func (x *Auth) Check(field, value string) error                         { return errPending }
func (r *Request) Build(ctx context.Context, s *Site, v Values) (*http.Request, error) {
	return nil, errPending
}
func NewAnswer(status int, header http.Header, body []byte, host string) *Answer  { return nil }
func (a *Answer) JSON() (any, bool)                                               { return nil, false }
func (a *App) Failure(ans *Answer) *Failure                                       { return nil }
func (t *Test) Succeeded(ans *Answer) bool                                        { return false }
func (t *Test) Identity(ans *Answer) Identity                                     { return Identity{} }
func (t *Tool) Check(raw json.RawMessage) (map[string]any, error)                 { return nil, errPending }
func (p *Path) Find(doc any) (any, bool)                                          { return nil, false }
func (p *Paginate) First(v Values) Values                                         { return v }
func (p *Paginate) Follow(v Values, sent *http.Request, ans *Answer) (Values, bool) { return v, false }
