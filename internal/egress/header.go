package egress

import (
	"net/http"
	"net/textproto"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/wayleave/wayleave/internal/fault"
)

// checkHeader refuses a request whose headers reach below it, to the connection
// or to where it ends, or that cannot be sent at all.
func checkHeader(r *http.Request) error {
	if len(r.TransferEncoding) > 0 || len(r.Trailer) > 0 || r.Close {
		return &refusal{kind: fault.InvalidInput, why: "the request must not choose its transfer encoding, trailers or connection"}
	}
	if r.Host != "" && !strings.EqualFold(r.Host, r.URL.Host) {
		return &refusal{kind: fault.InvalidInput, why: "the Host header must be the host of the URL"}
	}
	switch {
	case !httpguts.ValidHeaderFieldName(r.Method) && r.Method != "":
		return &refusal{kind: fault.InvalidInput, why: "the method is not one"}
	case r.Method == http.MethodConnect, r.Method == http.MethodTrace:
		return &refusal{kind: fault.InvalidInput, why: "this method cannot be used"}
	}
	for name, values := range r.Header {
		if !httpguts.ValidHeaderFieldName(name) {
			return &refusal{kind: fault.InvalidInput, why: "a header has a name that cannot be sent"}
		}
		if isReserved(textproto.CanonicalMIMEHeaderKey(name)) {
			return &refusal{kind: fault.InvalidInput, why: "the header " + name + " is set by the connection and cannot be given"}
		}
		for _, v := range values {
			if !httpguts.ValidHeaderFieldValue(v) {
				return &refusal{kind: fault.InvalidInput, why: "the header " + name + " has a value that cannot be sent"}
			}
		}
	}
	return nil
}

// isReserved reports whether a header belongs to the connection (RFC 9110
// section 7.6.1), frames the message, or names its host.
func isReserved(name string) bool {
	switch name {
	case "Connection", "Proxy-Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
		"Http2-Settings", "Proxy-Authenticate", "Proxy-Authorization", "Host", "Content-Length", "Expect":
		return true
	}
	return false
}
