package ecr

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// scope is the part of a credential that follows the access key.
type scope struct{ date, region, service string }

// authorization is an Authorization header of AWS4-HMAC-SHA256 taken apart.
type authorization struct {
	accessKey string
	scope     scope
	signed    []string
	signature string
}

// fault is an error as the control plane answers it.
type fault struct {
	status  int
	code    string
	message string
}

func refuse(code, format string, args ...any) *fault {
	return &fault{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

// authenticate is the user who signed a request to the service and region, by
// rebuilding what was signed. It gives the body back to the request.
func (s *Server) authenticate(r *http.Request, service, region string) (*User, *fault) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return nil, refuse("MissingAuthenticationTokenException", "Missing Authentication Token")
	}
	a, ok := parseAuthorization(header)
	if !ok {
		return nil, refuse("IncompleteSignatureException", "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters.")
	}
	user := s.user(a.accessKey)
	if user == nil {
		return nil, refuse("UnrecognizedClientException", "The security token included in the request is invalid.")
	}
	if f := s.checkScope(r, a, service, region); f != nil {
		return nil, f
	}
	if f := checkSigned(r, a.signed); f != nil {
		return nil, f
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return nil, refuse("SerializationException", "the body does not arrive")
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	want := signature(user.SecretKey, r.Header.Get("X-Amz-Date"), a.scope, canonical(r, a.signed, body))
	if !hmac.Equal([]byte(want), []byte(a.signature)) {
		return nil, refuse("InvalidSignatureException", "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	return user, s.checkSession(r, user)
}

// checkSession holds the token of temporary credentials to the user's.
func (s *Server) checkSession(r *http.Request, user *User) *fault {
	if r.Header.Get("X-Amz-Security-Token") != user.SessionToken {
		return refuse("UnrecognizedClientException", "The security token included in the request is invalid.")
	}
	if !user.Expires.IsZero() && !s.clock.Now().Before(user.Expires) {
		return refuse("ExpiredTokenException", "The security token included in the request is expired")
	}
	return nil
}

func parseAuthorization(header string) (a authorization, ok bool) {
	rest, ok := strings.CutPrefix(header, "AWS4-HMAC-SHA256 ")
	if !ok {
		return a, false
	}
	for part := range strings.SplitSeq(rest, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch key {
		case "Credential":
			fields := strings.Split(value, "/")
			if len(fields) != 5 || fields[4] != "aws4_request" {
				return a, false
			}
			a.accessKey, a.scope = fields[0], scope{fields[1], fields[2], fields[3]}
		case "SignedHeaders":
			a.signed = strings.Split(value, ";")
		case "Signature":
			a.signature = value
		}
	}
	return a, a.accessKey != "" && len(a.signed) > 0 && a.signature != ""
}

// checkScope holds the credential's date, region and service, and the
// request's time, to what they must be.
func (s *Server) checkScope(r *http.Request, a authorization, service, region string) *fault {
	const format = "20060102T150405Z"
	stamp := r.Header.Get("X-Amz-Date")
	at, err := time.Parse(format, stamp)
	if err != nil {
		return refuse("IncompleteSignatureException", "Date must be in ISO-8601 'basic format'.")
	}
	switch {
	case a.scope.date != stamp[:8]:
		return refuse("InvalidSignatureException", "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s'.", a.scope.date, stamp[:8])
	case a.scope.region != region:
		return refuse("InvalidSignatureException", "Credential should be scoped to a valid region.")
	case a.scope.service != service:
		return refuse("InvalidSignatureException", "Credential should be scoped to correct service: '%s'.", service)
	}
	now := s.clock.Now().UTC()
	switch {
	case now.Sub(at) > s.skew():
		return refuse("InvalidSignatureException", "Signature expired: %s is now earlier than %s", stamp, now.Add(-s.skew()).Format(format))
	case at.Sub(now) > s.skew():
		return refuse("InvalidSignatureException", "Signature not yet current: %s is still later than %s", stamp, now.Add(s.skew()).Format(format))
	}
	return nil
}

// checkSigned demands that the host and each x-amz- header are signed, for a
// signature over less could be moved to another request.
func checkSigned(r *http.Request, signed []string) *fault {
	if !slices.IsSorted(signed) {
		return refuse("InvalidSignatureException", "SignedHeaders is not sorted.")
	}
	must := []string{"host"}
	for name := range r.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-amz-") {
			must = append(must, name)
		}
	}
	for _, name := range must {
		if !slices.Contains(signed, name) {
			return refuse("InvalidSignatureException", "'%s' must be a 'SignedHeader' in the AWS Authorization.", name)
		}
	}
	return nil
}

// canonical is the request as it was signed.
func canonical(r *http.Request, signed []string, body []byte) string {
	var b strings.Builder
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	query := strings.ReplaceAll(r.URL.Query().Encode(), "+", "%20")
	fmt.Fprintf(&b, "%s\n%s\n%s\n", r.Method, path, query)
	for _, name := range signed {
		fmt.Fprintf(&b, "%s:%s\n", name, headerValue(r, name))
	}
	sum := sha256.Sum256(body)
	fmt.Fprintf(&b, "\n%s\n%s", strings.Join(signed, ";"), hex.EncodeToString(sum[:]))
	return b.String()
}

// headerValue is a header's value; the server keeps two of them elsewhere.
func headerValue(r *http.Request, name string) string {
	switch name {
	case "host":
		return r.Host
	case "content-length":
		return strconv.FormatInt(r.ContentLength, 10)
	}
	values := slices.Clone(r.Header.Values(name))
	for i, v := range values {
		values[i] = strings.Join(strings.Fields(v), " ")
	}
	return strings.Join(values, ",")
}

// signature signs a canonical request.
func signature(secret, stamp string, s scope, request string) string {
	sum := sha256.Sum256([]byte(request))
	text := fmt.Sprintf("AWS4-HMAC-SHA256\n%s\n%s/%s/%s/aws4_request\n%s", stamp, s.date, s.region, s.service, hex.EncodeToString(sum[:]))
	key := []byte("AWS4" + secret)
	for _, part := range []string{s.date, s.region, s.service, "aws4_request"} {
		key = mac(key, part)
	}
	return hex.EncodeToString(mac(key, text))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	io.WriteString(h, text)
	return h.Sum(nil)
}
