package egress

import (
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
)

var (
	errTooLarge  = errors.New("the answer is too large")
	errEncoding  = errors.New("the answer has an encoding that was not asked for")
	errDamaged   = errors.New("the answer is damaged: it does not decompress")
	errBrokenOff = errors.New("the answer broke off")
	errSwitched  = errors.New("it switched to another protocol, which was not asked for")
)

// read turns the answer to r into a Response.
func (j *journey) read(r *http.Request, answer *http.Response) (*Response, error) {
	defer answer.Body.Close()
	h := hop{journey: j, method: methodOf(r), place: place(r.URL), status: answer.StatusCode}
	limit, size := j.limit(), answer.ContentLength
	if r.Method == http.MethodHead {
		size = 0 // what it says is about the answer to a GET
	}
	res := &Response{Status: answer.StatusCode, Header: answer.Header, Host: r.URL.Host}
	compressed, err := isCompressed(answer, size)
	switch {
	case err != nil:
	case compressed:
		res.Body, err = j.guard.decompress(answer.Body, limit)
		answer.Header.Del("Content-Encoding")
		answer.Header.Del("Content-Length")
	case size > limit && answer.StatusCode < http.StatusBadRequest:
		err = errTooLarge // as it says itself; not a byte of it is read
	default:
		res.Body, err = readUpTo(answer.Body, limit, size)
	}
	if errors.Is(err, errTooLarge) && answer.StatusCode >= http.StatusBadRequest {
		res.Truncated, err = true, nil
	}
	if err != nil {
		return nil, h.failed(r.Context(), err)
	}
	return res, nil
}

// limit returns how much of an answer is read, at most a gigabyte.
func (j *journey) limit() int64 {
	if j.o.MaxBytes <= 0 {
		return defaultMaxBytes
	}
	return min(j.o.MaxBytes, 1<<30)
}

// isCompressed reports whether the body is compressed with gzip, the one
// encoding that is asked for.
func isCompressed(answer *http.Response, size int64) (bool, error) {
	if answer.Body == http.NoBody || size == 0 {
		return false, nil
	}
	switch strings.ToLower(strings.TrimSpace(strings.Join(answer.Header.Values("Content-Encoding"), ","))) {
	case "", "identity":
		return false, nil
	case "gzip", "x-gzip":
		return true, nil
	}
	return false, errEncoding
}

// decompress reads at most limit bytes out of body. It also reads little more
// than limit bytes in: a stream of empty gzip members never yields anything.
func (g *Guard) decompress(body io.Reader, limit int64) ([]byte, error) {
	in := &io.LimitedReader{R: body, N: limit + 64<<10}
	z, _ := g.gzips.Get().(*gzip.Reader)
	if z == nil {
		z = new(gzip.Reader)
	}
	defer g.gzips.Put(z)
	if err := z.Reset(in); err != nil {
		if err == io.EOF {
			return nil, nil // said to be compressed, and empty
		}
		return nil, asDamage(err)
	}
	out, err := readUpTo(z, limit, -1)
	if err != nil && in.N <= 0 {
		return out, errTooLarge
	}
	return out, asDamage(err)
}

func asDamage(err error) error {
	var corrupt flate.CorruptInputError
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.As(err, &corrupt) {
		return errDamaged
	}
	return err
}

// readUpTo reads body to its end, at most limit bytes of it; more is errTooLarge
// along with the first limit bytes. size is what the body claims to be, -1 if
// nothing. The buffer doubles up to limit, so that at most one and a half times
// limit is ever held.
func readUpTo(body io.Reader, limit, size int64) ([]byte, error) {
	start := int64(4 << 10)
	if size >= 0 {
		start = size + 1 // room to see the end without growing
	}
	// A claim is believed for a megabyte; beyond it, bytes have to arrive first.
	buf := make([]byte, 0, min(start, limit+1, 1<<20))
	for {
		n, err := body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if int64(len(buf)) > limit {
			return buf[:limit], errTooLarge
		}
		switch {
		case err == io.EOF:
			return buf, nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			return nil, errBrokenOff
		case err != nil:
			return nil, err
		}
		if len(buf) == cap(buf) {
			buf = append(make([]byte, 0, min(2*int64(cap(buf)), limit+1)), buf...)
		}
	}
}
