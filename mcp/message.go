package mcp

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Bounds of what a message holds, in bytes or members. They are far above what
// clients send; beyond them a message is refused, not cut.
const (
	maxID      = 256
	maxMethod  = 128
	maxName    = 128
	maxCursor  = 512
	maxKey     = 255 // idempotency key
	maxMembers = 64  // of params and of _meta
)

// Keys of _meta. The io.modelcontextprotocol ones are the protocol's, of
// 2026-07-28.
const (
	metaVersion      = "io.modelcontextprotocol/protocolVersion"
	metaCapabilities = "io.modelcontextprotocol/clientCapabilities"
	metaServerInfo   = "io.modelcontextprotocol/serverInfo"
	metaIdempotency  = "wayleave/idempotency_key"
)

// A message is one JSON-RPC request or notification, read once. Its raw parts
// share memory with the body.
type message struct {
	body   json.RawMessage
	id     json.RawMessage // a string or an integer, exactly as sent; nil for a notification
	method string
	params params
}

// params are what the door needs to know of a message's params.
type params struct {
	name           json.RawMessage // of a tool or prompt
	uri            json.RawMessage // of a resource
	cursor         json.RawMessage
	requestID      json.RawMessage // of notifications/cancelled
	arguments      json.RawMessage // valid JSON of any type; nil when absent
	unfit          string          // what in arguments is not fit to be passed on
	version        json.RawMessage // _meta: protocol version
	capabilities   json.RawMessage // _meta: client capabilities
	idempotencyKey json.RawMessage // _meta
}

// A gate reads a message. Faults of shape do not stop it, so that the answer
// can name the id; the first one found is kept.
type gate struct {
	scanner
	msg     message
	version json.RawMessage
	id      json.RawMessage
	method  json.RawMessage
	reply   bool // has a result or an error
	fault   *rpcError

	seen       [8][]byte // room for the keys of a usual message
	keys, meta [][]byte  // of params and _meta, to find equal ones
	envelope   uint8     // members of the message itself, a bit each
}

// envelopeKeys are the members that a message may have.
var envelopeKeys = []string{"jsonrpc", "id", "method", "params", "result", "error"}

// parse reads body as one message. A refusal carries the message's id as far
// as it is known.
func parse(body []byte) (*message, *rpcError) {
	g := gate{scanner: scanner{b: body}}
	g.msg.body = body
	switch g.space() {
	case '[':
		return nil, refuse(codeInvalidRequest, "a message must be one JSON object: batches are not supported, send the messages one by one")
	case '{':
	default:
		return nil, refuse(codeParse, "a message must be one JSON object")
	}
	if err := g.members(0, g.envelopeMember); err != nil {
		return nil, refuse(codeParse, "%s", err.Error())
	}
	if g.space(); g.i != len(body) {
		return nil, refuse(codeParse, "there is more after the JSON object: send one message at a time")
	}
	if err := g.finish(); err != nil {
		err.id = g.msg.id
		return nil, err
	}
	return &g.msg, nil
}

// envelopeMember reads a member of the message itself. Unknown ones are
// refused: another parser on the way might take "Method" for "method".
func (g *gate) envelopeMember(key []byte) error {
	at := slices.Index(envelopeKeys, string(key))
	switch {
	case at < 0:
		g.found(codeInvalidRequest, "the message has an unknown member; it may have jsonrpc, id, method and params, spelled exactly so")
	case g.envelope&(1<<at) != 0:
		g.found(codeInvalidRequest, "the message has the member %q twice", envelopeKeys[at])
	default:
		g.envelope |= 1 << at
	}
	if string(key) == "params" {
		return g.readParams()
	}
	g.unfit = ""
	value, err := g.value(1)
	switch string(key) {
	case "jsonrpc":
		g.version = value
	case "id":
		g.id = value
	case "method":
		g.method = value
	case "result", "error":
		g.reply = true
	}
	if g.unfit != "" {
		g.found(codeInvalidRequest, "the message holds %s", g.unfit)
	}
	return err
}

// paramsKeys are the members of params and _meta that the door reads.
var paramsKeys = []string{"name", "uri", "cursor", "requestId", "arguments", "_meta", metaVersion, metaCapabilities, metaIdempotency}

func (g *gate) readParams() error {
	switch c := g.space(); c {
	case '{':
		g.keys = g.seen[:0:4]
		g.meta = g.seen[4:4]
		return g.members(1, g.paramsMember)
	case 'n': // null means none
	default:
		g.found(codeInvalidParams, "params must be an object")
	}
	_, err := g.value(1)
	return err
}

func (g *gate) paramsMember(key []byte) error {
	g.keys = g.distinct(g.keys, key, "params")
	if string(key) == "_meta" {
		return g.readMeta()
	}
	g.unfit = ""
	value, err := g.value(2)
	p := &g.msg.params
	switch string(key) {
	case "arguments":
		p.arguments, p.unfit = value, g.unfit
		return err // told to the model, who can do better
	case "name":
		p.name = value
	case "uri":
		p.uri = value
	case "cursor":
		p.cursor = value
	case "requestId":
		p.requestID = value
	}
	if g.unfit != "" {
		g.found(codeInvalidParams, "the params hold %s", g.unfit)
	}
	return err
}

func (g *gate) readMeta() error {
	if g.space() == '{' {
		return g.members(2, g.metaMember)
	}
	g.found(codeInvalidParams, "_meta must be an object")
	_, err := g.value(2)
	return err
}

func (g *gate) metaMember(key []byte) error {
	g.meta = g.distinct(g.meta, key, "_meta")
	g.unfit = ""
	value, err := g.value(3)
	switch string(key) {
	case metaVersion:
		g.msg.params.version = value
	case metaCapabilities:
		g.msg.params.capabilities = value
	case metaIdempotency:
		g.msg.params.idempotencyKey = value
	}
	if g.unfit != "" {
		g.found(codeInvalidParams, "_meta holds %s", g.unfit)
	}
	return err
}

// distinct adds key to keys. Keys that differ in case alone are refused like
// equal ones, because parsers disagree on which of them counts; so is a key
// that differs in case alone from one that means something.
func (g *gate) distinct(keys [][]byte, key []byte, of string) [][]byte {
	if len(keys) >= maxMembers {
		g.found(codeInvalidParams, "%s has more than %d members", of, maxMembers)
		return keys
	}
	if bytes.IndexByte(key, 0) >= 0 {
		g.found(codeInvalidParams, "%s has a member whose name holds a NUL character", of)
	}
	for _, other := range keys {
		if bytes.EqualFold(other, key) {
			g.found(codeInvalidParams, "%s has the same member twice", of)
		}
	}
	for _, known := range paramsKeys {
		if len(known) <= len(key) && known != string(key) && strings.EqualFold(known, string(key)) {
			g.found(codeInvalidParams, "%s has a member that must be spelled %q", of, known)
		}
	}
	return append(keys, key)
}

// found notes a fault of shape, unless there is one already.
func (g *gate) found(code int, format string, args ...any) {
	if g.fault == nil {
		g.fault = refuse(code, format, args...)
	}
}

// finish judges the whole message.
func (g *gate) finish() *rpcError {
	if g.id != nil {
		if !validID(g.id) {
			return refuse(codeInvalidRequest, "id must be a string of at most %d bytes or an integer", maxID)
		}
		g.msg.id = g.id
	}
	switch {
	case string(g.version) != `"2.0"`:
		return refuse(codeInvalidRequest, `jsonrpc must be "2.0"`)
	case g.fault != nil && g.fault.code == codeInvalidRequest:
		return g.fault
	case g.reply:
		return refuse(codeInvalidRequest, "this server sends no requests, so it takes no responses")
	case g.method == nil || g.method[0] != '"':
		return refuse(codeInvalidRequest, "method must be a string")
	}
	method, ok := textOf(g.method, maxMethod)
	if !ok || method == "" {
		return refuse(codeInvalidRequest, "method must be a string of 1 to %d bytes", maxMethod)
	}
	g.msg.method = method
	return g.fault
}

// validID tells whether raw is an id that MCP allows. JSON-RPC would allow
// null and fractions, too.
func validID(raw json.RawMessage) bool {
	if len(raw) > maxID+2 {
		return false
	}
	if raw[0] == '"' {
		return true
	}
	return (raw[0] == '-' || '0' <= raw[0] && raw[0] <= '9') && !bytes.ContainsAny(raw, ".eE")
}

// textOf returns the string that raw is. It reports false when raw is no
// string or longer than limit bytes.
func textOf(raw json.RawMessage, limit int) (string, bool) {
	if len(raw) == 0 || raw[0] != '"' || len(raw) > len(`\u0000`)*limit+2 {
		return "", false
	}
	s := decode(raw)
	return string(s), len(s) <= limit
}

// notification reports whether the message wants no answer.
func (m *message) notification() bool { return m.id == nil }

// idKey returns the id in a form that is equal for equal ids.
func idKey(id json.RawMessage) string {
	if s, ok := textOf(id, maxID); ok {
		return "s" + s
	}
	return "n" + string(id)
}
