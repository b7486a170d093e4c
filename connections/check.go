package connections

import (
	"context"
	"time"

	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/internal/page"
	"github.com/wayleave/wayleave/toolkits/apps"
)

// A Verdict is what checking a connection showed.
type Verdict struct {
	Connection Connection // as it stands after the check
	Identity   Identity   // whom the app says we are, when the check succeeded
	Failure    *fault.Error
	Latency    time.Duration
}

// String returns the label, or the id where there is none.
func (i Identity) String() string {
	if i.Label != "" {
		return i.Label
	}
	if i.ID != "" {
		return i.ID
	}
	return "an account without a name"
}

// Check sends the app's test request over a connection and keeps the status
// that it shows. A failed check is a Verdict, not an error; that one of our own
// backends is down is an error, and changes no status.
func (r *Registry) Check(ctx context.Context, tenant, id string) (Verdict, error) {
	o, err := r.load(ctx, tenant, id)
	if err != nil {
		return Verdict{}, err
	}
	if o.connection.Status == Revoked {
		return Verdict{}, fault.New(fault.ConnectionRevoked, "the connection %q was revoked", o.connection.Name)
	}
	began := r.Now()
	identity, err := r.probe(ctx, o, true)
	v := Verdict{Connection: o.connection, Identity: identity, Latency: r.Now().Sub(began)}
	if err != nil {
		v.Failure = fault.From(err)
		if ours(v.Failure.Kind) {
			return Verdict{}, err
		}
	}
	if status, known := statusAfter(v.Failure); known && (status != o.connection.Status || reason(v.Failure) != o.connection.Reason) {
		v.Connection, err = r.change(ctx, tenant, id, 0, func(c *Connection) {
			if c.Status != Revoked {
				r.setStatus(c, status, reason(v.Failure))
			}
		})
	} else {
		err = nil
	}
	return v, err
}

// ours reports whether a failure is of Wayleave's own backends.
func ours(k fault.Kind) bool {
	return k == fault.SealerUnavailable || k == fault.StoreUnavailable || k == fault.Internal
}

// statusAfter returns the status that a check shows. An app that is down, or
// asks to slow down, shows nothing about the connection.
func statusAfter(failure *fault.Error) (s Status, known bool) {
	switch {
	case failure == nil:
		return Active, true
	case failure.Kind == fault.ConnectionExpired:
		return Expired, true
	case failure.Kind == fault.AppUnavailable, failure.Kind == fault.RateLimited:
		return "", false
	}
	return Error, true
}

func reason(failure *fault.Error) fault.Kind {
	if failure == nil {
		return ""
	}
	return failure.Kind
}

// probe sends the app's test request and returns whom the app says we are. It is
// observed if the connection exists as it is tested.
func (r *Registry) probe(ctx context.Context, o *opened, observed bool) (Identity, error) {
	test := o.app.Test
	if test == nil {
		return Identity{}, nil
	}
	req, err := test.Request.Build(ctx, o.site, apps.Values{})
	if err != nil {
		return Identity{}, err
	}
	u := &Upstream{registry: r, opened: o, test: test, untold: !observed}
	ans, err := u.Do(ctx, req, Read)
	if err != nil {
		return Identity{}, err
	}
	who := test.Identity(ans)
	return Identity{ID: who.ID, Label: who.Label}, nil
}

// ownConfig returns the AuthConfig of a connection and whether it is used by
// that connection alone.
func (r *Registry) ownConfig(ctx context.Context, c Connection) (cfg credentials.AuthConfig, own bool, err error) {
	if cfg, err = r.AuthConfigs.AuthConfig(ctx, c.Tenant, c.AuthConfig); err != nil {
		return cfg, false, err
	}
	users, err := r.Store.ListConnections(ctx, c.Tenant, credentials.Filter{AuthConfig: cfg.ID}, page.Request{Limit: 2})
	return cfg, err == nil && len(users.Items) == 1, err
}
