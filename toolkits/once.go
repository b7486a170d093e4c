package toolkits

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
)

// Once is a Runner whose writes may be repeated: calls of one caller with the
// same IdempotencyKey are sent to the app once, and every repetition is answered
// as the first was. Calls without a key, and those that only read, run as they
// are.
type Once struct {
	*Runner
	Claims Idempotency
	TTL    time.Duration // how long a key is remembered; default 24 h
}

// outcome is what is remembered of a call: its result, or that nobody knows.
type outcome struct {
	Result      json.RawMessage   `json:"result,omitempty"`
	Truncated   bool              `json:"truncated,omitempty"`
	Source      Source            `json:"source"`
	Environment environments.Name `json:"environment"`
	Unknown     string            `json:"unknown,omitempty"`
}

// Run runs a tool as [Runner.Run] does, once per IdempotencyKey. A key that was
// used for another call is fault.InvalidInput; one whose call is still under
// way, or was cut off, is fault.Conflict.
func (o *Once) Run(ctx context.Context, c Call) (*Result, error) {
	if c.IdempotencyKey == "" {
		return o.Runner.Run(ctx, c)
	}
	plan, err := o.plan(ctx, c) // what is refused must not use up the key
	if err != nil {
		return nil, err
	}
	if plan.tool.Annotations.ReadOnly {
		return o.Runner.Run(ctx, c)
	}
	ttl := o.TTL
	if ttl <= 0 {
		ttl = 24 * time.Hour
	}
	tenant, key := c.Principal.Tenant, claimKey(c.Principal, c.IdempotencyKey)
	claim, err := o.Claims.Claim(ctx, tenant, key, plan.digest(c), o.Now().UTC().Add(ttl))
	if err != nil {
		return nil, err
	}
	switch claim.State {
	case ClaimDone:
		return replay(claim.Result)
	case ClaimRunning:
		return nil, fault.New(fault.Conflict, "a call with this Idempotency-Key is under way, or was cut off").
			WithFix("Wait and repeat the call with the same key. If it stays so, check in the app whether the change was made.")
	case ClaimDifferent:
		return nil, fault.New(fault.InvalidInput, "this Idempotency-Key was used for another call").
			WithFix("Use a new key for each call that differs.")
	}
	res, err := o.Runner.Run(ctx, c)
	o.settle(ctx, tenant, key, res, err)
	return res, err
}

// settle notes what became of a call that was claimed. Nothing is done for one
// whose note cannot be written: its claim stays, and the write is not repeated.
func (o *Once) settle(ctx context.Context, tenant, key string, res *Result, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	var out outcome
	switch {
	case err == nil:
		out = outcome{Result: res.Text, Truncated: res.Truncated, Source: res.Source, Environment: res.Environment}
	case fault.Is(err, fault.OutcomeUnknown):
		out.Unknown = fault.From(err).Msg
	default: // the app said no, or never heard of it: it may be tried again
		_ = o.Claims.Abandon(ctx, tenant, key)
		return
	}
	if text, err := json.Marshal(out); err == nil {
		_ = o.Claims.Finish(ctx, tenant, key, text)
	}
}

// replay answers as the first call with the key was answered.
func replay(text []byte) (*Result, error) {
	var out outcome
	if err := decode(text, &out); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the answer of the earlier call cannot be read")
	}
	if out.Unknown != "" {
		return nil, fault.New(fault.OutcomeUnknown, "%s", out.Unknown)
	}
	return &Result{Text: out.Result, Truncated: out.Truncated, Source: out.Source, Environment: out.Environment, Replayed: true}, nil
}

// claimKey returns the key as it is kept: apart for every caller, and of one
// length.
func claimKey(p *access.Principal, key string) string {
	caller := p.Actor
	if caller == "" {
		caller = p.KeyID
	}
	return hex.EncodeToString(digest(caller, key))
}

// digest returns what tells this call from others.
func (p plan) digest(c Call) []byte {
	return digest(p.name, string(p.environment), p.binding.Connection, string(c.Arguments))
}

// digest returns the SHA-256 of parts, each preceded by its length.
func digest(parts ...string) []byte {
	h := sha256.New()
	for _, part := range parts {
		_ = binary.Write(h, binary.BigEndian, uint64(len(part))) // a hash takes all
		h.Write([]byte(part))
	}
	return h.Sum(nil)
}
