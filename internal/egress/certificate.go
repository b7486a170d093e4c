package egress

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
)

// certificate returns in words why TLS could not be agreed on, or "" if the
// error is not about TLS.
func (h *hop) certificate(err error) string {
	var invalid x509.CertificateInvalidError
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	var verification *tls.CertificateVerificationError
	not := "its certificate is not valid: "
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		if invalid.Cert != nil && strings.Contains(invalid.Detail, "is before") {
			return not + "it is not valid yet"
		}
		return not + "it has expired"
	case errors.As(err, &host):
		return not + "it is for another host"
	case errors.As(err, &authority):
		return not + "it is signed by an authority that is not trusted"
	case errors.As(err, &invalid), errors.As(err, &verification):
		return not + "it does not verify"
	}
	var record tls.RecordHeaderError
	text := err.Error()
	switch {
	case errors.As(err, &record):
		return "it does not speak TLS on this port"
	case strings.Contains(text, "protocol version"):
		return "it does not offer TLS 1.2 or later"
	case strings.Contains(text, "remote error: tls:"), strings.HasPrefix(text, "tls:"), strings.HasPrefix(text, "local error: tls:"):
		return "TLS could not be agreed on with it"
	}
	return ""
}
