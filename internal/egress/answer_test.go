package egress_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/wayleave/wayleave/internal/fault"
)

func zip(parts ...[]byte) []byte {
	var b bytes.Buffer
	for _, p := range parts {
		z := gzip.NewWriter(&b)
		z.Write(p)
		z.Close()
	}
	return b.Bytes()
}

func TestAnswers(t *testing.T) {
	hello := zip([]byte("hello"))
	big := bytes.Repeat([]byte("x"), 2000)
	for name, tc := range map[string]struct {
		method   string
		status   int
		encoding string
		length   int // Content-Length to claim; 0 leaves it to net/http
		body     []byte
		want     string
		cut      bool
		err      fault.Kind
		tooLarge bool
	}{
		"plain":                    {body: []byte("hello"), want: "hello"},
		"empty":                    {},
		"204":                      {status: 204},
		"304 that names gzip":      {status: 304, encoding: "gzip"},
		"gzip":                     {encoding: "gzip", body: hello, want: "hello"},
		"x-gzip":                   {encoding: "X-GZip", body: hello, want: "hello"},
		"identity":                 {encoding: "identity", body: []byte("hello"), want: "hello"},
		"gzip of two members":      {encoding: "gzip", body: zip([]byte("hel"), []byte("lo")), want: "hello"},
		"gzip of nothing":          {encoding: "gzip", body: zip(nil)},
		"named gzip, empty":        {encoding: "gzip"},
		"HEAD that names gzip":     {method: "HEAD", encoding: "gzip", body: hello},
		"HEAD of a large one":      {method: "HEAD", length: 1 << 40},
		"not gzip":                 {encoding: "gzip", body: []byte("hello, this is not gzip"), err: fault.UpstreamFailed},
		"gzip with a wrong sum":    {encoding: "gzip", body: append(hello[:len(hello)-8:len(hello)-8], 0, 0, 0, 0, 5, 0, 0, 0), err: fault.UpstreamFailed},
		"gzip broken in the midst": {encoding: "gzip", body: append(append([]byte{}, zip(big)[:12]...), 0xff, 0xff, 0xff), err: fault.UpstreamFailed},
		"gzip cut off":             {encoding: "gzip", body: hello[:len(hello)-9], err: fault.AppUnavailable},
		"gzip and rubbish":         {encoding: "gzip", body: append(append([]byte{}, hello...), "rubbish-rubbish"...), err: fault.UpstreamFailed},
		"br":                       {encoding: "br", body: []byte("hello"), err: fault.UpstreamFailed},
		"deflate":                  {encoding: "deflate", body: []byte("hello"), err: fault.UpstreamFailed},
		"gzip twice":               {encoding: "gzip, gzip", body: zip(hello), err: fault.UpstreamFailed},
		"the limit":                {body: big[:1000], want: string(big[:1000])},
		"over the limit":           {body: big[:1001], err: fault.UpstreamFailed, tooLarge: true},
		"gzip, the limit":          {encoding: "gzip", body: zip(big[:1000]), want: string(big[:1000])},
		"gzip, over the limit":     {encoding: "gzip", body: zip(big[:1001]), err: fault.UpstreamFailed, tooLarge: true},
		"a claim over the limit":   {length: 1 << 40, body: big[:10], err: fault.UpstreamFailed, tooLarge: true},
		"a failure, over":          {status: 500, body: big, want: string(big[:1000]), cut: true},
		"a failure, gzip, over":    {status: 404, encoding: "gzip", body: zip(big), want: string(big[:1000]), cut: true},
		"less than claimed":        {length: 900, body: big[:100], err: fault.AppUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			app := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if tc.encoding != "" {
					w.Header().Set("Content-Encoding", tc.encoding)
				}
				if tc.length != 0 {
					w.Header().Set("Content-Length", strconv.Itoa(tc.length))
				}
				w.WriteHeader(max(tc.status, 200))
				w.Write(tc.body)
			})
			o := open(app)
			o.MaxBytes = 1000
			method := tc.method
			if method == "" {
				method = "GET"
			}
			res, err := loopback(t).Do(request(t, t.Context(), method, "http://"+app+"/", ""), o, nil)
			if tc.err != "" {
				e := failure(t, err, tc.err)
				if e.TooLarge != tc.tooLarge || !e.Sent || e.Status != max(tc.status, 200) || e.Refused {
					t.Errorf("%v: %+v", err, e)
				}
				return
			}
			if err != nil || string(res.Body) != tc.want || res.Truncated != tc.cut || res.Status != max(tc.status, 200) {
				t.Fatalf("%+v, %v", res, err)
			}
			if len(res.Body) > 0 && res.Header.Get("Content-Encoding") != "" && tc.encoding != "identity" {
				t.Errorf("the headers still say %v", res.Header)
			}
		})
	}
}

// Whatever the size, the encoding and the way it is chopped up, an answer within
// the limit arrives whole and one beyond it never does.
func TestAnswersOfAllSizes(t *testing.T) {
	full := bytes.Repeat([]byte("0123456789"), 4000)
	app := serve(t, func(w http.ResponseWriter, r *http.Request) {
		size, _ := strconv.Atoi(r.FormValue("size"))
		chunk, _ := strconv.Atoi(r.FormValue("chunk"))
		out := full[:size]
		if r.FormValue("zipped") == "true" {
			w.Header().Set("Content-Encoding", "gzip")
			out = zip(out)
		}
		if r.FormValue("sized") == "true" {
			w.Header().Set("Content-Length", strconv.Itoa(len(out)))
		}
		for len(out) > 0 {
			n, err := w.Write(out[:min(chunk, len(out))])
			if err != nil {
				return
			}
			out = out[n:]
			w.(http.Flusher).Flush()
		}
	})
	g := loopback(t)
	rapid.Check(t, func(rt *rapid.T) {
		limit := rapid.IntRange(1, 20000).Draw(rt, "limit")
		body := full[:rapid.IntRange(0, len(full)).Draw(rt, "size")]
		chunk := rapid.IntRange(500, len(full)).Draw(rt, "chunk")
		zipped, sized := rapid.Bool().Draw(rt, "zipped"), rapid.Bool().Draw(rt, "sized")
		o := open(app)
		o.MaxBytes = int64(limit)
		res, err := get(t, g, o, fmt.Sprintf("http://%s/?size=%d&chunk=%d&zipped=%t&sized=%t", app, len(body), chunk, zipped, sized))
		switch {
		case len(body) > limit && err == nil:
			rt.Fatalf("%d bytes were accepted", len(res.Body))
		case len(body) <= limit && (err != nil || !bytes.Equal(res.Body, body)):
			rt.Fatalf("%v", err)
		}
	})
}

// endless is a body that never ends; it counts what was taken of it.
func endless(w io.Writer, b []byte) (n int) {
	for {
		k, err := w.Write(b)
		n += k
		if err != nil {
			return n
		}
	}
}

// A bomb costs no more memory than the limit allows and, once over the limit,
// stops being sent.
func TestBombs(t *testing.T) {
	const limit = 1 << 20
	zeros := make([]byte, 1<<20)
	var bomb bytes.Buffer
	z, _ := gzip.NewWriterLevel(&bomb, gzip.BestSpeed)
	for range 64 {
		z.Write(zeros)
	}
	z.Close()
	for name, tc := range map[string]struct {
		encoding string
		body     []byte
	}{
		"64 MiB in a little gzip":    {"gzip", bomb.Bytes()},
		"endless zeros":              {"", zeros},
		"endless empty gzip members": {"gzip", bytes.Repeat(zip(nil), 1000)},
	} {
		t.Run(name, func(t *testing.T) {
			stopped := make(chan struct{}, 1)
			app := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", tc.encoding)
				if tc.encoding == "" {
					w.Header().Del("Content-Encoding")
				}
				endless(w, tc.body)
				stopped <- struct{}{}
			})
			o := open(app)
			o.MaxBytes = limit
			g := loopback(t)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := get(t, g, o, "http://"+app+"/")
			runtime.ReadMemStats(&after)
			if e := failure(t, err, fault.UpstreamFailed); !e.TooLarge {
				t.Fatal(err)
			}
			// All that was ever allocated, by the server of the test as well.
			if spent := after.TotalAlloc - before.TotalAlloc; spent > 4*limit {
				t.Errorf("%d KiB were allocated for a limit of %d", spent>>10, limit>>10)
			}
			<-stopped
		})
	}
}

func TestLargeHeaders(t *testing.T) {
	app := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		for i := range 100 {
			w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat(canary, 100))
		}
	})
	_, err := get(t, loopback(t), open(app), "http://"+app+"/")
	if e := failure(t, err, fault.UpstreamFailed); !e.TooLarge || !e.Sent || strings.Contains(err.Error(), canary) {
		t.Error(err)
	}
}

func TestMethodsAndBodiesArrive(t *testing.T) {
	app := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %d %s %v", r.Method, r.ContentLength, b, r.TransferEncoding)
	})
	g := loopback(t)
	for _, method := range []string{"", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"} {
		res, err := g.Do(request(t, t.Context(), method, "http://"+app+"/", "body"), open(app), nil)
		want := method
		if want == "" {
			want = "GET"
		}
		if err != nil || string(res.Body) != want+" 4 body []" {
			t.Errorf("%s: %v, %v", method, res, err)
		}
	}
}
