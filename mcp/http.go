package mcp

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/wayleave/wayleave/environments"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/fault"
)

// maxAuthorization bounds the Authorization header, in bytes. Keys are far
// shorter; tokens of an issuer may be long.
const maxAuthorization = 8 << 10

// ServeHTTP serves Streamable HTTP at /mcp and /mcp/{environment}, wherever
// those are mounted. Its checks go from what costs least to what costs most,
// and nothing of a body is read before its sender is known.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			d.tell(w, http.StatusInternalServerError, d.panicked(p), nil)
		}
	}()
	if !d.inflight.begin() {
		w.Header().Set("Connection", "close")
		w.Header().Set("Retry-After", "1")
		d.tell(w, http.StatusServiceUnavailable, &rpcError{code: codeInternal, message: "the server is shutting down"}, nil)
		return
	}
	defer d.inflight.end()

	c, ok := d.admit(w, r)
	if !ok {
		return
	}
	body, refused := d.readBody(w, r)
	if refused != nil {
		d.tell(w, refused.status, refused, nil)
		return
	}
	d.serve(w, r, c, body)
}

// serve answers the one message that body holds.
func (d *Door) serve(w http.ResponseWriter, r *http.Request, c caller, body []byte) {
	m, refused := parse(body)
	if refused != nil {
		d.tell(w, refused.status, refused, nil)
		return
	}
	e, refused := eraOf(m, r.Header)
	if refused != nil {
		d.tell(w, refused.status, refused, m.id)
		return
	}
	if m.notification() {
		// None of them asks for anything here. In particular a cancellation
		// names a request by a number that other callers use as well: over
		// HTTP, who wants to cancel closes the connection of the request.
		w.WriteHeader(http.StatusAccepted)
		return
	}
	buffer := d.buffers.Get().(*[]byte)
	answer := d.answer(r.Context(), c, m, e, (*buffer)[:0])
	status := http.StatusOK
	if answer.error != nil {
		status = answer.error.httpStatus(e.modern)
	}
	write(w, status, answer.body)
	if cap(answer.body) <= 256<<10 { // larger ones are rare and would stay for good
		*buffer = answer.body
		d.buffers.Put(buffer)
	}
}

// admit decides whether a request may send a message at all, and for whom.
func (d *Door) admit(w http.ResponseWriter, r *http.Request) (caller, bool) {
	if refused := d.checkSource(r); refused != nil {
		d.config.Log.Info().Str("host", clip(r.Host)).Str("origin", clip(r.Header.Get("Origin"))).Msg("mcp: " + refused.Msg)
		d.deny(w, refused)
		return caller{}, false
	}
	principal, refused := d.authenticate(r)
	if refused != nil {
		if refused.Kind == fault.Unauthenticated {
			w.Header().Set("WWW-Authenticate", d.challenge(r))
		}
		d.deny(w, refused)
		return caller{}, false
	}
	environment, ok := environmentOf(r)
	switch {
	case !ok:
		d.tell(w, http.StatusNotFound, &rpcError{code: codeInvalidRequest, message: "the path must be /mcp or /mcp/{environment}"}, nil)
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		d.tell(w, http.StatusMethodNotAllowed, &rpcError{code: codeInvalidRequest, message: "this endpoint takes POST only: no session is kept and nothing is pushed"}, nil)
	default:
		return caller{principal, environment}, true
	}
	return caller{}, false
}

// authenticate finds out who sends r, by the Authorization header alone.
func (d *Door) authenticate(r *http.Request) (*access.Principal, *fault.Error) {
	key, ok := bearer(r.Header)
	if !ok {
		return nil, fault.New(fault.Unauthenticated, "no key was sent")
	}
	principal, err := d.config.Auth.Authenticate(r.Context(), key)
	if err == nil && principal == nil {
		err = errors.New("authentication gave no principal")
	}
	if err == nil {
		return principal, nil
	}
	failure := fault.From(err)
	if failure.Kind != fault.Unauthenticated {
		d.config.Log.Error().Err(err).Msg("mcp: a key could not be checked")
	}
	return nil, failure
}

// bearer returns the key of the one Authorization header (RFC 6750, section 2.1).
func bearer(h http.Header) (key string, ok bool) {
	values := h["Authorization"]
	if len(values) != 1 || len(values[0]) > maxAuthorization {
		return "", false
	}
	scheme, key, _ := strings.Cut(values[0], " ")
	key = strings.TrimSpace(key)
	return key, strings.EqualFold(scheme, "Bearer") && key != ""
}

// challenge returns the WWW-Authenticate of a 401 (RFC 6750, section 3).
func (d *Door) challenge(r *http.Request) string {
	challenge := `Bearer realm="wayleave"`
	if _, sent := bearer(r.Header); sent {
		challenge += `, error="invalid_token"`
	}
	if d.config.ResourceMetadata != "" {
		challenge += `, resource_metadata="` + d.config.ResourceMetadata + `"`
	}
	return challenge
}

// environmentOf returns the environment that the path names, empty if none.
func environmentOf(r *http.Request) (environments.Name, bool) {
	_, rest, ok := strings.Cut(r.URL.Path, "/mcp")
	if !ok {
		return "", false
	}
	name := environments.Name(strings.TrimPrefix(rest, "/"))
	return name, rest == "" || rest == "/" || rest[0] == '/' && name.Valid()
}

// readBody reads a JSON body, as far as its limit.
func (d *Door) readBody(w http.ResponseWriter, r *http.Request) ([]byte, *rpcError) {
	if refused := checkContent(r.Header); refused != nil {
		return nil, refused
	}
	limit := d.config.MaxBody
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	// Without a deadline a body could trickle in for ever. It is taken back once
	// the body is there, since it would cancel the call that follows, and stays
	// otherwise: the server reads on what was not read, before it answers.
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(time.Now().Add(d.config.ReadTimeout))

	// What a client announces costs it nothing, so it gets little in advance.
	body := make([]byte, 0, min(max(r.ContentLength+1, 512), 64<<10))
	reader := http.MaxBytesReader(w, r.Body, limit)
	for {
		n, err := reader.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if err == io.EOF {
			_ = connection.SetReadDeadline(time.Time{})
			return body, nil
		}
		if err != nil {
			if exceeded := new(http.MaxBytesError); errors.As(err, &exceeded) {
				return nil, tooLarge(limit)
			}
			return nil, unreadable(err)
		}
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
	}
}

func unreadable(err error) *rpcError {
	e := refuse(codeParse, "the body could not be read to its end")
	if errors.Is(err, os.ErrDeadlineExceeded) {
		e.message, e.status = "the body was not sent in time", http.StatusRequestTimeout
	}
	return e
}

func tooLarge(limit int64) *rpcError {
	e := ofFault(fault.New(fault.RequestTooLarge, "the message is larger than %d bytes", limit), "")
	e.code, e.status = codeInvalidRequest, http.StatusRequestEntityTooLarge
	return e
}

// checkContent demands plain JSON. Compressed bodies are refused rather than
// unpacked, since few bytes of them can be very many.
func checkContent(h http.Header) *rpcError {
	media, options, err := mime.ParseMediaType(h.Get("Content-Type"))
	charset := options["charset"]
	switch {
	case err != nil || media != "application/json":
		return unsupportedMedia("Content-Type must be application/json")
	case charset != "" && !strings.EqualFold(charset, "utf-8"):
		return unsupportedMedia("the charset must be utf-8")
	}
	if encoding := h.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return unsupportedMedia("Content-Encoding is not supported: send the body as it is")
	}
	return nil
}

func unsupportedMedia(message string) *rpcError {
	return &rpcError{code: codeInvalidRequest, message: message, status: http.StatusUnsupportedMediaType}
}

// deny answers a request that may not send messages.
func (d *Door) deny(w http.ResponseWriter, failure *fault.Error) {
	if s := seconds(failure.RetryAfter); s > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt(s, 10))
	}
	e := ofFault(failure, "")
	e.code = codeInvalidRequest
	d.tell(w, failure.Kind.Meaning().Status, e, nil)
}

// tell answers with an error.
func (d *Door) tell(w http.ResponseWriter, status int, e *rpcError, id []byte) {
	if e.id != nil {
		id = e.id
	}
	write(w, status, appendError(nil, id, e))
}

func write(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body) // who is gone cannot be told
}
