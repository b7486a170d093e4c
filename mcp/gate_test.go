package mcp_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/wayleave/wayleave/mcp"
)

func TestGate(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		code int
	}{
		"a request":                    {`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, 0},
		"a notification":               {`{"jsonrpc":"2.0","method":"notifications/initialized"}`, 0},
		"white space around":           {"\r\n\t {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"} \n", 0},
		"an escaped key":               {`{"jsonrpc":"2.0","id":1,"meth\u006fd":"ping"}`, 0},
		"an escaped method":            {`{"jsonrpc":"2.0","id":1,"method":"p\u0069ng"}`, 0},
		"params null":                  {`{"jsonrpc":"2.0","id":1,"method":"ping","params":null}`, 0},
		"params before method":         {`{"params":{"name":"x"},"method":"tools/call","id":1,"jsonrpc":"2.0"}`, 0},
		"a big integer id":             {`{"jsonrpc":"2.0","id":123456789012345678901234567890,"method":"ping"}`, 0},
		"a negative id":                {`{"jsonrpc":"2.0","id":-7,"method":"ping"}`, 0},
		"an empty string id":           {`{"jsonrpc":"2.0","id":"","method":"ping"}`, 0},
		"unknown params":               {`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":1}}`, 0},
		"NUL in arguments":             {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{"a":"\u0000"}}}`, 0},
		"equal keys inside arguments":  {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{"a":1,"A":1}}}`, 0},
		"nothing":                      {``, -32700},
		"white space alone":            {` `, -32700},
		"a string":                     {`"x"`, -32700},
		"a NUL byte":                   {"\x00", -32700},
		"a byte order mark":            {"\ufeff{}", -32700},
		"two objects":                  {`{"jsonrpc":"2.0","id":1,"method":"ping"}{}`, -32700},
		"an open object":               {`{"jsonrpc":"2.0","id":1,"method":"ping"`, -32700},
		"a comma too many":             {`{"jsonrpc":"2.0","id":1,"method":"ping",}`, -32700},
		"a comment":                    {`{"jsonrpc":"2.0","id":1,/**/"method":"ping"}`, -32700},
		"bad UTF-8":                    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"p\xffing\"}", -32700},
		"an overlong character":        {"{\"jsonrpc\":\"2.0\",\"id\":\"\xc0\xaf\",\"method\":\"ping\"}", -32700},
		"a control character":          {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"p\ning\"}", -32700},
		"NaN":                          {`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":NaN}}`, -32700},
		"a leading zero":               {`{"jsonrpc":"2.0","id":01,"method":"ping"}`, -32700},
		"64 levels and one":            {`{"jsonrpc":"2.0","id":1,"method":"ping","params":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, -32700},
		"a batch":                      {`[{"jsonrpc":"2.0","id":1,"method":"ping"}]`, -32600},
		"an empty batch":               {` []`, -32600},
		"no version":                   {`{"id":1,"method":"ping"}`, -32600},
		"version 1.0":                  {`{"jsonrpc":"1.0","id":1,"method":"ping"}`, -32600},
		"version as number":            {`{"jsonrpc":2.0,"id":1,"method":"ping"}`, -32600},
		"no method":                    {`{"jsonrpc":"2.0","id":1}`, -32600},
		"a number as method":           {`{"jsonrpc":"2.0","id":1,"method":5}`, -32600},
		"an empty method":              {`{"jsonrpc":"2.0","id":1,"method":""}`, -32600},
		"a long method":                {`{"jsonrpc":"2.0","id":1,"method":"` + strings.Repeat("m", 129) + `"}`, -32600},
		"id null":                      {`{"jsonrpc":"2.0","id":null,"method":"ping"}`, -32600},
		"id true":                      {`{"jsonrpc":"2.0","id":true,"method":"ping"}`, -32600},
		"id object":                    {`{"jsonrpc":"2.0","id":{},"method":"ping"}`, -32600},
		"id fraction":                  {`{"jsonrpc":"2.0","id":1.5,"method":"ping"}`, -32600},
		"id exponent":                  {`{"jsonrpc":"2.0","id":1e2,"method":"ping"}`, -32600},
		"id too long":                  {`{"jsonrpc":"2.0","id":"` + strings.Repeat("x", 257) + `","method":"ping"}`, -32600},
		"id with NUL":                  {`{"jsonrpc":"2.0","id":"a\u0000","method":"ping"}`, -32600},
		"method twice":                 {`{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}`, -32600},
		"method twice, escaped":        {`{"jsonrpc":"2.0","id":1,"method":"ping","\u006dethod":"tools/call"}`, -32600},
		"Method":                       {`{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}`, -32600},
		"paramſ, which folds to s":     {`{"jsonrpc":"2.0","id":1,"method":"ping","param\u017f":{}}`, -32600},
		"method with NUL in the key":   {`{"jsonrpc":"2.0","id":1,"method":"ping","method\u0000":"tools/call"}`, -32600},
		"an unknown member":            {`{"jsonrpc":"2.0","id":1,"method":"ping","extra":1}`, -32600},
		"a response":                   {`{"jsonrpc":"2.0","id":1,"result":{}}`, -32600},
		"an error response":            {`{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}`, -32600},
		"a request that is a response": {`{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}`, -32600},
		"params twice":                 {`{"jsonrpc":"2.0","id":1,"method":"ping","params":{},"params":{}}`, -32600},
		"params an array":              {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["x"]}`, -32602},
		"name twice":                   {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}`, -32602},
		"name and Name":                {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","Name":"b"}}`, -32602},
		"a and A, which mean nothing":  {`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":1,"A":2}}`, -32602},
		"Name alone":                   {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"Name":"a"}}`, -32602},
		"argumentſ alone":              {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","argumentſ":{}}}`, -32602},
		"arguments and ARGUMENTS":      {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{},"ARGUMENTS":{}}}`, -32602},
		"name with NUL":                {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a\u0000"}}`, -32602},
		"a key of params with NUL":     {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name\u0000":"a"}}`, -32602},
		"half a surrogate in name":     {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\ud800"}}`, -32602},
		"_meta no object":              {`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":[]}}`, -32602},
		"a key of _meta twice":         {`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"a":1,"a":2}}}`, -32602},
	} {
		if _, code, text := mcp.Parse([]byte(tc.body)); code != tc.code {
			t.Errorf("%s: code %d (%s), want %d", name, code, text, tc.code)
		}
	}
}

// TestGateDepth holds the exact bound: the message is level 1.
func TestGateDepth(t *testing.T) {
	nested := func(n int) []byte {
		return []byte(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":` +
			strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) + `}}`)
	}
	if _, code, text := mcp.Parse(nested(62)); code != 0 {
		t.Errorf("64 levels are refused: %s", text)
	}
	if _, code, text := mcp.Parse(nested(63)); code != -32700 || text != mcp.ErrDeep {
		t.Errorf("65 levels: code %d, %q", code, text)
	}
}

// TestGateManyMembers holds that comparing keys cannot be made to cost much.
func TestGateManyMembers(t *testing.T) {
	var b strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&b, `,"k%d":1`, i)
	}
	_, code, _ := mcp.Parse([]byte(`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":1` + b.String() + `}}`))
	if code != -32602 {
		t.Errorf("code %d, want -32602", code)
	}
}

// TestRefusalNamesID: a client can only match a refusal to its request by id.
func TestRefusalNamesID(t *testing.T) {
	for body, want := range map[string]string{
		`{"jsonrpc":"2.0","id":9007199254740993,"method":5}`:                                    "9007199254740993",
		`{"id":"q\u0061","method":"ping"}`:                                                      `"q\u0061"`,
		`{"jsonrpc":"2.0","method":"ping","Method":1,"id":3}`:                                   "3",
		`{"jsonrpc":"2.0","params":[],"method":"ping","id":4}`:                                  "4",
		`{"jsonrpc":"2.0","id":1.5,"method":"ping"}`:                                            "",
		`{"jsonrpc":"2.0","id":1,"method":"ping"`:                                               "",
		`{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"a","name":"b"},"x":1}`: "5",
	} {
		if p, code, _ := mcp.Parse([]byte(body)); code == 0 || string(p.ID) != want {
			t.Errorf("%s: code %d, id %q, want %q", body, code, p.ID, want)
		}
	}
}

// FuzzScanner holds the scanner to encoding/json: it takes what is valid there
// and valid UTF-8 and not nested too deeply, and nothing else.
func FuzzScanner(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,-0.5e+3,"x\u00fc\ud83d\ude00",true,false,null,{}],"b":""}`, `[]`, ` 1 `, `"\`, `"\u12`, `-`, `1.`, `1e`,
		`{"a":1,}`, `[1,]`, `{`, `tru`, "\"\xff\"", `"\ud800\u0041"`, `{"a"}`, `{1:2}`, "\"\x01\"", `[1 2]`, "\x00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		want := json.Valid(b) && utf8.Valid(b)
		if got := mcp.ValidSyntax(b); got != want && !(want && deep(b)) {
			t.Fatalf("the scanner says %v, encoding/json %v: %q", got, want, b)
		}
	})
}

// deep reports whether valid JSON may nest deeper than the scanner reads.
func deep(b []byte) bool { return bytes.Count(b, []byte("["))+bytes.Count(b, []byte("{")) > 64 }

// FuzzGate holds what the rest of the package builds on: a message that passes
// means the same to encoding/json, and its id can be written back as it is.
func FuzzGate(f *testing.F) {
	for _, seed := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{"a":1},"_meta":{"progressToken":1}}}`,
		`{"jsonrpc":"2.0","id":"\u00e9","method":"p\u0069ng","params":null}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"na\u006de":"x","arguments":[]}}`,
		`[{}]`, `{"jsonrpc":"2.0","id":-0,"method":"x"}`, `{"jsonrpc":"2.0","method":"x","Params":{}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, code, text := mcp.Parse(b)
		if p.ID != nil && !json.Valid(p.ID) {
			t.Fatalf("the id is no JSON: %q", p.ID)
		}
		if code != 0 {
			if text == "" {
				t.Fatalf("refused without a reason: %q", b)
			}
			return
		}
		var same struct {
			ID     json.RawMessage
			Method string
			Params struct{ Name, Arguments json.RawMessage }
		}
		if err := json.Unmarshal(b, &same); err != nil {
			t.Fatalf("encoding/json refuses what the gate took: %v: %q", err, b)
		}
		if same.Method != p.Method || string(same.ID) != string(p.ID) ||
			string(same.Params.Name) != string(p.Name) || string(same.Params.Arguments) != string(p.Arguments) {
			t.Fatalf("read as %+v, by encoding/json as %+v: %q", p, same, b)
		}
	})
}

// TestQuote: every string comes out as JSON that reads as the same string.
func TestQuote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(t, "s"))
		if rapid.Bool().Draw(t, "utf8") {
			s = rapid.String().Draw(t, "text")
		}
		var back string
		if err := json.Unmarshal([]byte(mcp.Quote(s)), &back); err != nil {
			t.Fatal(err)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); back != want {
			t.Fatalf("%q became %q", s, back)
		}
		if mcp.QuoteBytes([]byte(s)) != mcp.Quote(s) {
			t.Fatalf("%q is quoted in two ways", s)
		}
	})
}
