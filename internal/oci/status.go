package oci

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"oras.land/oras-go/v2/registry/remote/errcode"
)

// statusError is an answer that is no success.
type statusError struct {
	status  int
	host    string
	errors  []registryError
	html    bool
	sent    string // scheme of the credential that was refused: "basic", "bearer" or ""
	schemes string // that a 401 offers, none of which we know
	token   bool   // it is the token server's
	again   time.Time
}

// registryError is one of the distribution spec's "Error Codes".
type registryError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func newStatusError(resp *http.Response, now time.Time) *statusError {
	e := &statusError{status: resp.StatusCode, host: resp.Request.URL.Host, again: retryAfter(resp.Header, now)}
	sent, _, _ := strings.Cut(resp.Request.Header.Get("Authorization"), " ")
	e.sent = strings.ToLower(sent)
	b, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	var body struct {
		Errors []registryError `json:"errors"`
	}
	if json.Unmarshal(b, &body) == nil {
		e.errors = body.Errors
	}
	e.html = mediaTypeOf(resp.Header) == "text/html" && !looksLikeJSON(b)
	if resp.StatusCode == http.StatusUnauthorized {
		var schemes []string
		for _, c := range parseChallenges(resp.Header.Values("WWW-Authenticate")) {
			if c.scheme == "basic" || c.scheme == "bearer" {
				return e
			}
			schemes = append(schemes, c.scheme)
		}
		e.schemes = printable(strings.Join(schemes, ", "))
	}
	return e
}

// tokenStatus takes over the refusal of a token server.
func tokenStatus(r *errcode.ErrorResponse) *statusError {
	e := &statusError{status: r.StatusCode, token: true}
	if r.URL != nil {
		e.host = r.URL.Host
	}
	for _, one := range r.Errors {
		e.errors = append(e.errors, registryError{one.Code, one.Message})
	}
	return e
}

func (e *statusError) Error() string { return e.host + " answered " + e.text() }

// text is the status with the registry's own words.
func (e *statusError) text() string {
	s := strings.TrimSpace(fmt.Sprintf("%d %s", e.status, http.StatusText(e.status)))
	if len(e.errors) > 0 {
		said := e.errors[0].Message
		if said == "" {
			said = e.errors[0].Code
		}
		s += ": " + printable(said)
	}
	return s
}

func (e *statusError) is(statuses ...int) bool {
	return e != nil && slices.Contains(statuses, e.status)
}

func (e *statusError) says(code string) bool {
	if !e.is(404) {
		return false
	}
	for _, one := range e.errors {
		if one.Code == code {
			return true
		}
	}
	return false
}

// protocolError is an answer that the protocol does not know.
type protocolError struct{ reason string }

func (e *protocolError) Error() string { return e.reason }

// looksLikeJSON reports whether b begins as a JSON object does.
func looksLikeJSON(b []byte) bool {
	return strings.HasPrefix(strings.TrimLeft(string(b[:min(len(b), 512)]), " \t\r\n"), "{")
}

// describeBody says what came in the place of JSON.
func describeBody(b []byte, mediaType string) string {
	switch {
	case len(b) == 0:
		return "nothing"
	case mediaType == "text/html" || strings.HasPrefix(strings.TrimSpace(string(b[:min(len(b), 64)])), "<"):
		return "a web page"
	}
	return "something that is not JSON"
}
