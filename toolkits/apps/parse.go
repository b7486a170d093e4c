package apps

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the schema
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/wayleave/wayleave/internal/fault"
)

//go:embed app.schema.json
var schemaJSON []byte

// Schema returns the JSON Schema (2020-12) of definitions, for editors.
func Schema() []byte { return slices.Clone(schemaJSON) }

// definitionSchema is compiled when the first definition is parsed.
var definitionSchema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaJSON))
	if err != nil {
		return nil, err
	}
	c := newCompiler()
	if err := c.AddResource(schemaURL, doc); err != nil {
		return nil, err
	}
	return c.Compile(schemaURL)
})

const schemaURL = "urn:wayleave:app:v1"

// newCompiler returns a schema compiler that reaches no file and no network.
func newCompiler() *jsonschema.Compiler {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.UseLoader(noLoader{})
	return c
}

type noLoader struct{}

func (noLoader) Load(string) (any, error) {
	return nil, errors.New("a schema cannot refer to another document")
}

// Parse checks and compiles the definition in src; file is its name for
// messages. The error is an InvalidInput fault that lists every problem, not the
// first, in the order of the file: Path is "file:line:column", Message what is
// wrong and what to do. No message repeats more than a word of the source.
func Parse(file string, src []byte) (*App, error) {
	root, bad := readSource(src)
	c := &compiler{file: file, root: root}
	for _, e := range bad {
		c.problems = append(c.problems, problem{e.line, e.col, e.msg})
	}
	if root == nil {
		return nil, c.err()
	}
	if err := c.checkShape(); err != nil {
		return nil, err
	}
	c.decode()
	c.compile()
	if len(c.problems) > 0 {
		return nil, c.err()
	}
	sum := sha256.Sum256(src)
	c.app.Digest = hex.EncodeToString(sum[:])
	return c.app, nil
}

// A compiler turns one definition into an App and collects what is wrong with
// it. Every step puts up with what an earlier one found missing.
type compiler struct {
	file     string
	root     *node
	def      definition
	app      *App
	params   paramSet
	reserved reserved
	secret   map[string]bool // headers that carry the credential, in lower case
	problems []problem
}

type problem struct {
	line, col int
	msg       string
}

// A place is a JSON pointer into the definition, as steps.
type place []string

func (p place) to(steps ...any) place {
	out := slices.Clone(p)
	for _, s := range steps {
		out = append(out, fmt.Sprint(s))
	}
	return out
}

func at(steps ...any) place { return place{}.to(steps...) }

// fail notes a problem at p.
func (c *compiler) fail(p place, format string, args ...any) {
	line, col := c.root.place(p)
	c.problems = append(c.problems, problem{line, col, oneLine(fmt.Sprintf(format, args...), 500)})
}

// check notes err, if it is one, as a problem at p.
func (c *compiler) check(p place, err error) {
	if err != nil {
		c.fail(p, "%s", reason(err))
	}
}

// err returns the problems as one fault, sorted by place, each once.
func (c *compiler) err() error {
	slices.SortStableFunc(c.problems, func(a, b problem) int {
		if a.line != b.line {
			return a.line - b.line
		}
		return a.col - b.col
	})
	list := slices.Compact(c.problems)
	e := fault.New(fault.InvalidInput, "%s is not a valid app definition: %s", c.file, counted(len(list), "problem"))
	for _, p := range list[:min(len(list), maxProblems)] {
		e.Problems = append(e.Problems, fault.Problem{Path: c.file + ":" + strconv.Itoa(p.line) + ":" + strconv.Itoa(p.col), Message: p.msg})
	}
	first := e.Problems[0]
	e.Fix = fmt.Sprintf("Correct %s (%s).", first.Path, first.Message)
	return e
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// later are the words of the format that this version does not carry out yet.
var later = map[string]bool{
	"variants": true, "discover": true, "openapi": true, "sql": true, "mcp": true, "webhooks": true,
	"authorize": true, "pkce": true, "client_auth": true, "token": true, "refresh": true, "revoke": true,
	"capture": true, "steps": true, "session": true, "dsn": true, "default_lifetime": true, "leeway": true,
	"digest": true, "sign": true, "oauth2_code": true, "oauth2_client": true, "multi_step": true,
	"database": true, "mcp_oauth": true, "xml": true, "deep_object": true, "source": true, "visible_if": true,
}

// checkShape validates the definition against its JSON Schema.
func (c *compiler) checkShape() error {
	schema, err := definitionSchema()
	if err != nil {
		return fault.Wrap(fault.Internal, err, "the schema of definitions does not compile")
	}
	doc := c.root.value()
	var invalid *jsonschema.ValidationError
	if !errors.As(schema.Validate(doc), &invalid) {
		return nil
	}
	for _, leaf := range leaves(invalid) {
		c.sayShape(leaf, doc)
	}
	return nil
}

func (c *compiler) sayShape(e *jsonschema.ValidationError, doc any) {
	p := place(e.InstanceLocation)
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			if later[name] {
				c.fail(p.to(name), "%s is not supported by this version", name)
				continue
			}
			c.fail(p.to(name), "unknown field %q%s", cut(name), didYouMean(name, knownFields()))
		}
		return
	case *kind.Required:
		for _, name := range k.Missing {
			c.fail(p, "%s is missing", strings.Join(append(slices.Clone(e.InstanceLocation), name), "."))
		}
		return
	case *kind.Enum:
		if s, ok := valueAt(doc, e.InstanceLocation).(string); ok && later[s] {
			c.fail(p, "%s is not supported by this version; use one of %s", s, listOf(k.Want))
			return
		}
	}
	for _, f := range say(e, doc) {
		name := "the definition"
		if len(f.at) > 0 {
			name = f.at[len(f.at)-1]
		}
		c.fail(p, "%s %s", name, f.text)
	}
}

// knownFields lists every field of the format, for suggestions.
var knownFields = sync.OnceValue(func() []string {
	var doc any
	_ = json.Unmarshal(schemaJSON, &doc) // checked when it is compiled
	seen := map[string]bool{}
	collectFields(doc, seen)
	names := make([]string, 0, len(seen))
	for n := range seen {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
})

func collectFields(v any, seen map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		props, _ := v["properties"].(map[string]any)
		for name := range props {
			seen[name] = true
		}
		for _, e := range v {
			collectFields(e, seen)
		}
	case []any:
		for _, e := range v {
			collectFields(e, seen)
		}
	}
}

// decode fills def with what fits; what does not was reported by the schema.
func (c *compiler) decode() {
	dec := json.NewDecoder(bytes.NewReader(c.root.json(nil)))
	dec.UseNumber()
	_ = dec.Decode(&c.def)
}
