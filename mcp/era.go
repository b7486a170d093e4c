package mcp

import (
	"net/http"
	"slices"

	protocol "github.com/mark3labs/mcp-go/mcp"
)

// An era is the way a message speaks the protocol: by handshake (up to
// 2025-11-25) or with everything in each message (2026-07-28).
type era struct {
	modern bool
}

// versionData is the data of an unsupported version's error.
type versionData struct {
	Supported []string `json:"supported"`
	Requested string   `json:"requested"`
}

func unsupported(version string) *rpcError {
	e := refuse(codeUnsupportedVersion, "the protocol version is not supported")
	e.data = versionData{Supported: protocol.ValidProtocolVersions, Requested: version}
	return e
}

// eraOf decides the era of a message and checks what the era demands of it.
// header is nil on stdio, where nothing but the message itself counts.
func eraOf(m *message, header http.Header) (era, *rpcError) {
	declared, ok := textOf(m.params.version, maxName)
	if m.params.version != nil && !ok {
		return era{}, refuse(codeInvalidParams, "_meta %s must be a string", metaVersion)
	}
	stated := ""
	if header != nil {
		stated, ok = single(header, protocol.HeaderProtocolVersion)
		if !ok {
			return era{}, refuse(codeHeaderMismatch, "%s is given twice", protocol.HeaderProtocolVersion)
		}
	}
	modern := protocol.IsModernProtocol(declared) || protocol.IsModernProtocol(stated)
	if !modern {
		return era{}, checkLegacy(m, declared, stated)
	}
	if m.notification() { // has no answer in which to complain
		return era{modern: true}, nil
	}
	return era{modern: true}, checkModern(m, header, declared, stated)
}

// checkLegacy refuses versions that nobody speaks. initialize negotiates its
// own, so its header does not matter.
func checkLegacy(m *message, declared, stated string) *rpcError {
	for _, version := range []string{declared, stated} {
		if version == "" || slices.Contains(protocol.ValidProtocolVersions, version) {
			continue
		}
		if m.method == string(protocol.MethodInitialize) && declared == "" {
			continue
		}
		return unsupported(version)
	}
	return nil
}

// checkModern holds a message to what 2026-07-28 demands: it states its version
// and its client's capabilities, and over HTTP headers that agree with it, so
// that what a proxy let pass is what is done.
func checkModern(m *message, header http.Header, declared, stated string) *rpcError {
	if header != nil && stated == "" {
		return refuse(codeHeaderMismatch, "the header %s is missing", protocol.HeaderProtocolVersion)
	}
	if declared == "" {
		return refuse(codeInvalidParams, "_meta %s is missing", metaVersion)
	}
	if header != nil && stated != declared {
		return refuse(codeHeaderMismatch, "the header %s does not match _meta %s", protocol.HeaderProtocolVersion, metaVersion)
	}
	if !slices.Contains(protocol.ValidProtocolVersions, declared) {
		return unsupported(declared)
	}
	if c := m.params.capabilities; len(c) == 0 || c[0] != '{' {
		return refuse(codeInvalidParams, "_meta %s must be an object; {} if there are none", metaCapabilities)
	}
	if header == nil {
		return nil
	}
	return checkHeaders(m, header)
}

// checkHeaders compares Mcp-Method and Mcp-Name with the message.
func checkHeaders(m *message, header http.Header) *rpcError {
	if !matches(header, protocol.HeaderMethod, m.method) {
		return refuse(codeHeaderMismatch, "the header %s must be the message's method", protocol.HeaderMethod)
	}
	raw := m.params.name
	switch protocol.MCPMethod(m.method) {
	case protocol.MethodToolsCall, protocol.MethodPromptsGet:
	case protocol.MethodResourcesRead:
		raw = m.params.uri
	default:
		return nil
	}
	name, ok := textOf(raw, int(DefaultMaxBody))
	if !ok {
		return refuse(codeInvalidParams, "params must name what is asked for")
	}
	if !matches(header, protocol.HeaderName, name) {
		return refuse(codeHeaderMismatch, "the header %s must be the name in the message", protocol.HeaderName)
	}
	return nil
}

// matches reports whether the header is given once and says want, plainly or
// in the protocol's Base64 form.
func matches(header http.Header, key, want string) bool {
	stated, ok := single(header, key)
	if !ok || stated == "" {
		return false
	}
	decoded, ok := protocol.DecodeHeaderValue(stated)
	return ok && decoded == want
}

// single returns a header's value, empty when it is absent; it reports false
// when there are several.
func single(header http.Header, key string) (string, bool) {
	values := header.Values(key)
	if len(values) == 0 {
		return "", true
	}
	return values[0], len(values) == 1
}
