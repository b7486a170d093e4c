package toolkits

import (
	"context"
	"time"
)

// A ClaimState says what became of an idempotency key.
type ClaimState string

// The states of a claim.
const (
	ClaimNew       ClaimState = "new"       // the caller holds it now and must finish or abandon it
	ClaimRunning   ClaimState = "running"   // someone else holds it, or died holding it
	ClaimDone      ClaimState = "done"      // the call was made; here is its result
	ClaimDifferent ClaimState = "different" // the key was used for another call
)

// A Claim is the answer to claiming an idempotency key.
type Claim struct {
	State  ClaimState
	Result []byte // as it was given to Finish, when State is ClaimDone
}

// Idempotency remembers which calls were made under which idempotency key, so
// that a write which is repeated is sent once.
//
// A claim whose holder died stays ClaimRunning until it expires: whether its
// write was sent is not known, and sending it again is what a key is there to
// prevent. Keys are apart per tenant; whoever needs them apart per caller makes
// the caller part of the key. A store that cannot be reached is
// fault.StoreUnavailable, and then nothing was claimed that the caller may act
// on.
type Idempotency interface {
	// Claim claims key for the call that digest stands for, until expires. Of
	// any number who claim a key at once, one is answered ClaimNew.
	Claim(ctx context.Context, tenant, key string, digest []byte, expires time.Time) (Claim, error)
	// Finish stores the result of the call under a key that is running; any
	// other is fault.NotFound.
	Finish(ctx context.Context, tenant, key string, result []byte) error
	// Abandon gives up a key that is running, because nothing was sent: the next
	// to claim it is answered ClaimNew. Abandoning any other changes nothing.
	Abandon(ctx context.Context, tenant, key string) error
	// DeleteClaimsBefore forgets the claims that expired before t and returns how
	// many. An expired one counts as forgotten in any case.
	DeleteClaimsBefore(ctx context.Context, t time.Time) (int, error)
}
