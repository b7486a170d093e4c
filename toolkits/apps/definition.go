package apps

import (
	"strconv"
	"strings"
	"time"
)

// A definition is a definition as written. Templates, bodies and schemas are
// compiled from the nodes themselves, which know their order and place.
type definition struct {
	App struct {
		Slug       string   `json:"slug"`
		Title      string   `json:"title"`
		Summary    string   `json:"summary"`
		Categories []string `json:"categories"`
		DocsURL    string   `json:"docs_url"`
		SetupURL   string   `json:"setup_url"`
		Revision   int      `json:"revision"`
	} `json:"app"`
	Hosts   []string `json:"hosts"`
	Network struct {
		Private   string `json:"private"`
		PlainHTTP bool   `json:"plain_http"`
		Redirects string `json:"redirects"`
	} `json:"network"`
	Params []Param `json:"params"`
	API    struct {
		BaseURL          string   `json:"base_url"`
		Timeout          duration `json:"timeout"`
		MaxResponseBytes int64    `json:"max_response_bytes"`
	} `json:"api"`
	Auth []struct {
		ID     string     `json:"id"`
		Type   string     `json:"type"`
		Title  string     `json:"title"`
		Help   string     `json:"help"`
		Fields []fieldDef `json:"fields"`
	} `json:"auth"`
	Test *struct {
		Success  *whenDef `json:"success"`
		Identity struct {
			ID    string `json:"id"`
			Label string `json:"label"`
		} `json:"identity"`
	} `json:"test"`
	Errors []struct {
		When       whenDef `json:"when"`
		Class      string  `json:"class"`
		Message    string  `json:"message"`
		RetryAfter string  `json:"retry_after"`
	} `json:"errors"`
	Limits     limitsDef               `json:"limits"`
	Pagination map[string]paginatorDef `json:"pagination"`
	Tools      []toolDef               `json:"tools"`
}

type fieldDef struct {
	Field
	Sensitive *bool `json:"sensitive"`
	Required  *bool `json:"required"`
}

type whenDef struct {
	Status []any      `json:"status"`
	All    []checkDef `json:"all"`
	Any    []checkDef `json:"any"`
}

type checkDef struct {
	Path     string `json:"path"`
	Header   string `json:"header"`
	Exists   *bool  `json:"exists"`
	Equals   any    `json:"equals"`
	In       []any  `json:"in"`
	Matches  string `json:"matches"`
	Contains string `json:"contains"`
}

type limitsDef struct {
	Requests    int      `json:"requests"`
	Per         duration `json:"per"`
	Concurrency int      `json:"concurrency"`
	Retry       struct {
		Status          []int    `json:"status"`
		MaxAttempts     int      `json:"max_attempts"`
		MaxWait         duration `json:"max_wait"`
		RemainingHeader string   `json:"remaining_header"`
		WaitHeaders     []struct {
			Name string `json:"name"`
			Unit string `json:"unit"`
		} `json:"wait_headers"`
	} `json:"retry"`
}

type paginatorDef struct {
	Kind      string `json:"kind"`
	Send      string `json:"send"`
	In        string `json:"in"`
	Next      string `json:"next"`
	More      string `json:"more"`
	Items     string `json:"items"`
	SizeParam string `json:"size_param"`
	Size      int    `json:"size"`
	Start     int    `json:"start"`
	Rel       string `json:"rel"`
}

type toolDef struct {
	Name        string      `json:"name"`
	Title       string      `json:"title"`
	Description string      `json:"description"`
	Annotations Annotations `json:"annotations"`
	Scopes      []string    `json:"scopes"`
	Auth        []string    `json:"auth"`
	Paginate    *struct {
		Use      string `json:"use"`
		MaxPages int    `json:"max_pages"`
	} `json:"paginate"`
	Output struct {
		Root     string   `json:"root"`
		Pick     []string `json:"pick"`
		Drop     []string `json:"drop"`
		MaxBytes int      `json:"max_bytes"`
	} `json:"output"`
}

// A duration is written as a number and a unit: 500ms, 30s, 5m, 1h or 2d. Its
// form is checked by the schema; what does not fit reads as zero.
type duration time.Duration

var units = []struct {
	suffix string
	unit   time.Duration
}{{"ms", time.Millisecond}, {"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}, {"d", 24 * time.Hour}}

// UnmarshalText reads a duration.
func (d *duration) UnmarshalText(b []byte) error {
	for _, u := range units {
		if digits, ok := strings.CutSuffix(string(b), u.suffix); ok {
			n, err := strconv.ParseInt(digits, 10, 32)
			if err == nil {
				*d = duration(time.Duration(n) * u.unit)
				return nil
			}
		}
	}
	return nil
}
