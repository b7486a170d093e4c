package client

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// A Problem is a failure that the server answered with, as problem+json.
type Problem struct {
	Status     int     `json:"status"`
	Code       string  `json:"code"`
	Title      string  `json:"title"`
	Detail     string  `json:"detail"`
	Fix        string  `json:"fix"`
	Link       string  `json:"link"`
	RetryAfter int     `json:"retry_after"` // seconds
	Problems   []Fault `json:"problems"`
	RequestID  string  `json:"request_id"`
}

// A Fault is one of the faults of an input.
type Fault struct {
	Path    string `json:"path"`
	Message string `json:"message"`
}

// Error returns the code and what happened.
func (p *Problem) Error() string { return p.Code + ": " + p.Message() }

// Message returns what happened, for a person.
func (p *Problem) Message() string {
	if p.Detail != "" {
		return p.Detail
	}
	return p.Title
}

// problemOf reads a failure. What is not problem+json comes from something
// before the server, or is no Wayleave server at all.
func problemOf(res *http.Response, body []byte) error {
	p := &Problem{}
	if json.Unmarshal(body, p) != nil || p.Code == "" {
		return &Problem{Status: res.StatusCode, Code: "unexpected_answer",
			Detail: fmt.Sprintf("the server answered %s", http.StatusText(res.StatusCode)),
			Fix:    "Check that the address is a Wayleave server's, and any proxy before it."}
	}
	if p.Status == 0 {
		p.Status = res.StatusCode
	}
	return p
}
