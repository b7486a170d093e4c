package fault_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/wayleave/wayleave/internal/fault"
)

func TestEveryKindSaysWhatItMeans(t *testing.T) {
	for _, k := range fault.Kinds() {
		m := k.Meaning()
		if m.Title == "" || m.Fix == "" || http.StatusText(m.Status) == "" || m.Status < 400 {
			t.Errorf("%s: %+v", k, m)
		}
		if m.Retry && m.Status != 429 && m.Status != 503 {
			t.Errorf("%s may be retried, but its status %d does not say so", k, m.Status)
		}
	}
	if got := fault.Kind("made up").Meaning(); got != fault.Internal.Meaning() {
		t.Errorf("an unknown kind means %+v", got)
	}
}

func TestAFaultIsFoundThroughWrapping(t *testing.T) {
	cause := errors.New("dial tcp: refused")
	err := fmt.Errorf("opening: %w", fault.Wrap(fault.StoreUnavailable, cause, "the records cannot be read"))
	if !errors.Is(err, fault.StoreUnavailable) || !errors.Is(err, cause) || errors.Is(err, fault.NotFound) {
		t.Errorf("errors.Is does not tell the kind and the cause of %v", err)
	}
	if e := fault.From(err); e.Kind != fault.StoreUnavailable || e.Msg != "the records cannot be read" {
		t.Errorf("From = %+v", e)
	}
}

func TestWhatIsNoFaultTellsTheCallerNothing(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		kind fault.Kind
	}{
		"unknown":  {errors.New("password=hunter2"), fault.Internal},
		"kind":     {fault.NotFound, fault.NotFound},
		"deadline": {fmt.Errorf("reading hunter2: %w", context.DeadlineExceeded), fault.AppUnavailable},
	} {
		e := fault.From(tc.err)
		if e.Kind != tc.kind || e.Msg == "" || e.Remedy() == "" {
			t.Errorf("%s: From = %+v", name, e)
		}
		if strings.Contains(e.Msg+e.Fix, "hunter2") {
			t.Errorf("%s: the caller is told %q", name, e.Msg)
		}
	}
	if fault.From(nil) != nil {
		t.Error("From(nil) is not nil")
	}
}
