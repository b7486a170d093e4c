package storetest

import (
	"bytes"
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wayleave/wayleave/connections/connectionstest"
	"github.com/wayleave/wayleave/internal/fault"
	"github.com/wayleave/wayleave/toolkits"
)

func (w *world) claim(t tb, key, digest string) toolkits.Claim {
	t.Helper()
	c, err := w.Idempotency.Claim(context.Background(), w.tenant, key, []byte(digest), w.Clock.Now().Add(time.Hour))
	must(t, err)
	return c
}

func (w *world) wantClaim(t tb, key, digest string, want toolkits.ClaimState) toolkits.Claim {
	t.Helper()
	c := w.claim(t, key, digest)
	if c.State != want {
		t.Errorf("claiming %q for %q: %s; want %s", key, digest, c.State, want)
	}
	return c
}

func idempotency(t *testing.T, w *world) {
	ctx := context.Background()
	for _, key := range append(connectionstest.Hostile, "key", "") {
		w.wantClaim(t, key, "a", toolkits.ClaimNew)
		w.wantClaim(t, key, "a", toolkits.ClaimRunning)
		w.wantClaim(t, key, "b", toolkits.ClaimDifferent)
		must(t, w.Idempotency.Abandon(ctx, w.tenant, key))
		must(t, w.Idempotency.Abandon(ctx, w.tenant, key))
		wants(t, "finishing what nobody runs", w.Idempotency.Finish(ctx, w.tenant, key, nil), fault.NotFound)

		w.wantClaim(t, key, "b", toolkits.ClaimNew) // abandoned: even for another call
		must(t, w.Idempotency.Finish(ctx, w.tenant, key, []byte("result of "+key)))
		wants(t, "finishing again", w.Idempotency.Finish(ctx, w.tenant, key, nil), fault.NotFound)
		must(t, w.Idempotency.Abandon(ctx, w.tenant, key)) // too late to change anything
		if c := w.wantClaim(t, key, "b", toolkits.ClaimDone); string(c.Result) != "result of "+key {
			t.Errorf("the result of %q is %q", key, c.Result)
		}
		if c := w.wantClaim(t, key, "a", toolkits.ClaimDifferent); len(c.Result) != 0 {
			t.Errorf("another call was given the result %q", c.Result)
		}
	}
	large := bytes.Repeat([]byte{0, 0xff, 'x'}, 64<<10)
	for key, result := range map[string][]byte{"large": large, "empty": {}, "nil": nil} {
		w.wantClaim(t, key, "", toolkits.ClaimNew)
		must(t, w.Idempotency.Finish(ctx, w.tenant, key, result))
		if c := w.wantClaim(t, key, "", toolkits.ClaimDone); !bytes.Equal(c.Result, result) {
			t.Errorf("the %s result is not what was stored", key)
		}
	}
	_, err := w.Idempotency.Claim(ctx, w.tenant, strings.Repeat("k", 64<<10), nil, noon)
	wants(t, "a key of 64 KiB", err, fault.InvalidInput)

	other := &world{Harness: w.Harness, tenant: w.newTenant(t)}
	other.wantClaim(t, "key", "a", toolkits.ClaimNew)
	_, err = w.Idempotency.Claim(ctx, "ten_unknown", "key", nil, noon)
	wants(t, "a tenant that does not exist", err, fault.NotFound)

	expiry(t, other)
}

// expiry checks when a claim is forgotten.
func expiry(t *testing.T, w *world) {
	ctx := context.Background()
	w.wantClaim(t, "done", "a", toolkits.ClaimNew)
	must(t, w.Idempotency.Finish(ctx, w.tenant, "done", []byte("old")))
	w.Clock.Add(time.Hour - time.Microsecond)
	w.wantClaim(t, "done", "a", toolkits.ClaimDone)
	w.wantClaim(t, "key", "a", toolkits.ClaimRunning)
	w.Clock.Add(time.Microsecond)
	w.wantClaim(t, "done", "other", toolkits.ClaimNew)
	w.wantClaim(t, "key", "a", toolkits.ClaimNew)

	w.Clock.Add(2 * time.Hour)
	n, err := w.Idempotency.DeleteClaimsBefore(ctx, w.Clock.Now())
	if n < 2 || err != nil {
		t.Errorf("DeleteClaimsBefore = %d, %v; want all that expired", n, err)
	}
	if n, err := w.Idempotency.DeleteClaimsBefore(ctx, w.Clock.Now()); n != 0 || err != nil {
		t.Errorf("DeleteClaimsBefore again = %d, %v", n, err)
	}
	w.wantClaim(t, "fresh", "a", toolkits.ClaimNew)
	if n, err := w.Idempotency.DeleteClaimsBefore(ctx, w.Clock.Now()); n != 0 || err != nil {
		t.Errorf("DeleteClaimsBefore took %d that had not expired, %v", n, err)
	}
}

func claimedOnce(t *testing.T, w *world) {
	for _, key := range []string{"a", "b", "c", "d", "e"} {
		var won atomic.Int32
		together(8, func(int) {
			if w.claim(t, key, "same").State == toolkits.ClaimNew {
				won.Add(1)
			}
		})
		if won.Load() != 1 {
			t.Errorf("%d callers were told to make the call under %q", won.Load(), key)
		}
	}
}
