package egress

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
)

// Options say what an app may do. The zero value allows nothing.
type Options struct {
	Hosts     Hosts  // the hosts that the app declares; nil declares none
	PlainHTTP bool   // http is allowed, not only https
	Redirects string // "none" (also ""), "same_origin" or "hosts"; for GET and HEAD only
	MaxBytes  int64  // largest answer after decompression; 0 means 16 MiB
	Private   bool   // the app asks for private addresses: allow rules count
	// Pool keeps connections apart: requests of different pools never use the
	// same one. Name the tenant here. An app that sends more than it announced
	// can have the rest taken for the answer to the next request on that
	// connection, and one that breaks the rules of HTTP/2 ends every request on
	// it; neither may reach another tenant.
	Pool string
	// Once says that the request must not be sent again by itself, whatever its
	// method: some apps change things on a GET.
	Once bool
}

// A Response is an answer, read to its end.
type Response struct {
	Status int
	Header http.Header // without Content-Encoding and Content-Length where Body was decompressed
	Body   []byte      // decompressed
	Host   string      // the host that answered, with its port if not the scheme's own
	// Truncated says that Body was cut at MaxBytes. Only an answer that is a
	// failure anyway (status 400 or above) is cut: its status says more than its
	// size. A success that is too large is an Error.
	Truncated bool
}

// Do sends the request and reads the answer, whatever its status.
//
// On every hop the host is checked, then authorize (nil: nothing to add) puts
// the credential on that hop's request, then it is sent. The request passed in
// is not changed. An error of authorize is returned as it is; every other one is
// an *Error. The deadline is the context's, or a minute.
//
// "same_origin" follows redirects to the same scheme, host and port. "hosts"
// also follows to other hosts that the app declares, but from there on without
// authorize and with no header of the original but Accept and User-Agent. A
// redirect that is not followed is the answer.
func (g *Guard) Do(req *http.Request, o Options, authorize func(*http.Request) error) (*Response, error) {
	ctx, cancel := withDeadline(req.Context())
	defer cancel()
	j := &journey{guard: g, o: o, authorize: authorize}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { j.sent.Store(true) },
	})
	return j.run(ctx, req)
}

func withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, defaultDeadline)
}

// A journey is one request on its way over at most maxRedirects redirects.
type journey struct {
	guard     *Guard
	o         Options
	authorize func(*http.Request) error
	// sent is set as soon as a connection is in hand, before the first byte:
	// from then on nobody but the app can say what it has received.
	sent atomic.Bool
}

func (j *journey) run(ctx context.Context, req *http.Request) (*Response, error) {
	plain, err := j.prepare(ctx, req)
	if err != nil {
		closeBody(req)
		return nil, err
	}
	for n := 0; ; n++ {
		sealed, answer, err := j.send(plain)
		if err != nil {
			return nil, err
		}
		next, authorize := j.follow(plain, sealed, answer, n)
		if next == nil {
			return j.read(sealed, answer)
		}
		discard(answer)
		plain, j.authorize = next, authorize
	}
}

// prepare returns a checked copy of the request, without its credential.
func (j *journey) prepare(ctx context.Context, req *http.Request) (*http.Request, error) {
	h := hop{journey: j, method: methodOf(req), place: "the URL"}
	if req.URL == nil {
		return nil, h.refused(&refusal{why: "there is no URL"})
	}
	r := req.Clone(ctx)
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	if r.Header == nil {
		r.Header = http.Header{}
	}
	if err := j.guard.wall.checkTarget(r.URL, j.o); err != nil {
		h.place = place(r.URL)
		return nil, h.refused(err)
	}
	h.place = place(r.URL)
	if err := checkHeader(r); err != nil {
		return nil, h.refused(err)
	}
	r.Host = ""
	return r, nil
}

// send authorises the request and sends it. It returns the request as sent, a
// copy if it may be needed once more without its credential, and the answer with
// its body still to be read.
func (j *journey) send(plain *http.Request) (*http.Request, *http.Response, error) {
	h := hop{journey: j, method: methodOf(plain), place: place(plain.URL)}
	r, checked := plain, *plain.URL
	if j.mayFollow(plain) {
		r = plain.Clone(plain.Context())
	}
	if j.authorize != nil {
		if err := j.authorize(r); err != nil {
			closeBody(r)
			return nil, nil, err
		}
	}
	err := checkOrigin(r, checked)
	if err == nil {
		err = checkHeader(r)
	}
	if err != nil {
		closeBody(r)
		return nil, nil, h.refused(err)
	}
	finish(r)
	if j.o.Once && r.Body == nil {
		r.Body = unrepeatable{}
	}
	answer, err := j.guard.pools.get(j.o.Pool, j.o.Private).RoundTrip(r)
	if err != nil {
		return nil, nil, h.failed(r.Context(), err)
	}
	if answer.StatusCode == http.StatusSwitchingProtocols {
		// Nobody asked for it, and what follows would not be bound by the deadline.
		answer.Body.Close()
		return nil, nil, h.failed(r.Context(), errSwitched)
	}
	return r, answer, nil
}

// finish sets the headers that are ours to set.
func finish(r *http.Request) {
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", "Wayleave")
	}
	r.Header.Set("Accept-Encoding", "gzip")
	if r.Header.Get("Range") != "" { // a range of the compressed form would be of no use
		r.Header.Set("Accept-Encoding", "identity")
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return
	}
	// net/http sends a write a second time, on its own, if it carries one of these
	// under its canonical name and the connection breaks. Whether to send again is
	// not decided here. Names are the same to the receiver in any case.
	for canonical, plain := range map[string]string{"Idempotency-Key": "idempotency-key", "X-Idempotency-Key": "x-idempotency-key"} {
		if v, ok := r.Header[canonical]; ok {
			delete(r.Header, canonical)
			r.Header[plain] = v
		}
	}
}

// An unrepeatable body is empty, and keeps net/http from sending a GET once more
// when a connection that it kept breaks: it does so only while it knows that
// there is no body, or can get it again. Nothing of it is sent.
type unrepeatable struct{}

func (unrepeatable) Read([]byte) (int, error) { return 0, io.EOF }
func (unrepeatable) Close() error             { return nil }

// place names where a request goes, without path or query. A host that is none
// could hold anything and is not repeated.
func place(u *url.URL) string {
	if u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Host, "abcdefghijklmnopqrstuvwxyz0123456789-_.:[]") != "" {
		return "the URL"
	}
	return u.Scheme + "://" + u.Host
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		r.Body.Close()
	}
}

// discard reads the little that is left of an answer nobody needs, so that its
// connection can be used again, and closes it.
func discard(answer *http.Response) {
	io.CopyN(io.Discard, answer.Body, 4<<10)
	answer.Body.Close()
}

// methodOf names the method for an error; one that is none is not repeated.
func methodOf(r *http.Request) string {
	if r.Method == "" {
		return http.MethodGet
	}
	if strings.Trim(r.Method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" || len(r.Method) > 16 {
		return ""
	}
	return r.Method
}
