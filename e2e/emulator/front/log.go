package front

import (
	"net/http"
	"slices"
	"strings"
)

// Request is what is kept of a request: never a header's value, a query or a
// body, for these carry secrets.
type Request struct {
	Method, Host, Path string
	// Action is the operation of an AWS request (the end of X-Amz-Target).
	Action string
	// Scopes are those asked of a token server.
	Scopes []string
	// Scheme is the Authorization's scheme in lower case: "basic", "bearer",
	// "aws4-hmac-sha256", "other", or empty without one.
	Scheme string
	// Status is that of the answer.
	Status int
}

// newRequest keeps what may be kept.
func newRequest(r *http.Request, host string) Request {
	target := r.Header.Get("X-Amz-Target")
	return Request{
		Method: r.Method,
		Host:   host,
		Path:   r.URL.Path,
		Action: target[strings.LastIndexByte(target, '.')+1:],
		Scopes: slices.Clone(r.URL.Query()["scope"]),
		Scheme: scheme(r.Header.Get("Authorization")),
	}
}

// scheme names a known scheme; an unknown first word might be a secret.
func scheme(authorization string) string {
	if authorization == "" {
		return ""
	}
	word, _, _ := strings.Cut(strings.ToLower(authorization), " ")
	switch word {
	case "basic", "bearer", "aws4-hmac-sha256":
		return word
	}
	return "other"
}

// Requests are those answered so far, in the order of their ends.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Forget empties the log.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

// recorder remembers the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
	wrote  bool
}

// WriteHeader remembers the first final status.
func (r *recorder) WriteHeader(status int) {
	if !r.wrote && status >= 200 {
		r.status, r.wrote = status, true
	}
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
