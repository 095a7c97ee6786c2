// Package bearer makes and checks the tokens of emulated token servers.
package bearer

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Access is a right in a token.
type Access struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
}

// Claims are what a token says.
type Claims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience string   `json:"aud"`
	Issued   int64    `json:"iat"`
	Expires  int64    `json:"exp"`
	Access   []Access `json:"access"`
}

// Allows says whether the claims hold an action on a resource.
func (c Claims) Allows(kind, name, action string) bool {
	return slices.ContainsFunc(c.Access, func(a Access) bool {
		return a.Type == kind && a.Name == name && slices.Contains(a.Actions, action)
	})
}

// Signer signs claims, and knows its own. The zero value is ready.
type Signer struct {
	mu  sync.Mutex
	key string
}

// Sign makes a token.
func (s *Signer) Sign(c Claims) (string, error) {
	payload, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encode claims: %w", err)
	}
	text := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(payload)
	return text + "." + encode(s.seal(text)), nil
}

// ErrInvalid says that a token is not the signer's, or not for this use or
// time.
var ErrInvalid = errors.New("the token is invalid or expired")

// Verify gives the claims of a token that the signer made, for the audience.
func (s *Signer) Verify(token, audience string, now time.Time) (Claims, error) {
	dot := strings.LastIndexByte(token, '.')
	if dot < 0 || !hmac.Equal([]byte(encode(s.seal(token[:dot]))), []byte(token[dot+1:])) {
		return Claims{}, ErrInvalid
	}
	_, payload, _ := strings.Cut(token[:dot], ".")
	b, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return Claims{}, ErrInvalid
	}
	var c Claims
	if err := json.Unmarshal(b, &c); err != nil || c.Audience != audience || now.Unix() >= c.Expires {
		return Claims{}, ErrInvalid
	}
	return c, nil
}

// Revoke makes all tokens so far invalid.
func (s *Signer) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key = rand.Text()
}

func (s *Signer) seal(text string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key == "" {
		s.key = rand.Text()
	}
	h := hmac.New(sha256.New, []byte(s.key))
	h.Write([]byte(text))
	return h.Sum(nil)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// Of is the bearer token of a request, or empty.
func Of(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}

// ParseScopes reads the scopes of a token request: TYPE:NAME:ACTION,… each,
// several in one value parted by blanks.
func ParseScopes(values []string) ([]Access, error) {
	var list []Access
	for _, value := range values {
		for _, scope := range strings.Fields(value) {
			first, last := strings.IndexByte(scope, ':'), strings.LastIndexByte(scope, ':')
			if first < 0 || first == last {
				return nil, fmt.Errorf("scope %q is not TYPE:NAME:ACTIONS", scope)
			}
			list = append(list, Access{scope[:first], scope[first+1 : last], strings.Split(scope[last+1:], ",")})
		}
	}
	return list, nil
}
