package connections

import (
	"context"
	"net/http"

	"github.com/wayleave/wayleave/toolkits/apps"
)

// An Upstream is a connection opened for use.
type Upstream struct {
	app        *apps.App
	site       *apps.Site
	connection Connection
}

// App returns the definition that the connection is to.
func (u *Upstream) App() *apps.App { return u.app }

// Site returns where the connection's requests go.
func (u *Upstream) Site() *apps.Site { return u.site }

// Connection returns the record that was opened.
func (u *Upstream) Connection() Connection { return u.connection }

// An Effect says whether a request may be sent again.
type Effect bool

// A Write is sent at most once; a Read may be repeated.
const (
	Write Effect = false
	Read  Effect = true
)

// Do sends a request of the connection's app with its credential and returns
// the app's answer, capped and scrubbed of the connection's own secrets.
//
// An answer that the app's definition calls a failure comes back as that fault;
// a Read is retried within the deadline of ctx where the failure allows it. A
// Write whose answer was lost is fault.OutcomeUnknown.
func (u *Upstream) Do(ctx context.Context, req *http.Request, effect Effect) (*apps.Answer, error) {
	panic("not yet")
}
