// Package quay stands in for Quay: its API, and the registry with the token
// server that creates a repository when a push to an unknown one is asked for.
// Images come from a real registry, in which the repositories have the same
// names.
package quay

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seaworthy-dev/seaworthy/e2e/emulator/backend"
	"github.com/seaworthy-dev/seaworthy/e2e/emulator/bearer"
	"github.com/seaworthy-dev/seaworthy/e2e/emulator/front"
)

// tokenLife is how long a token of the registry is good.
const tokenLife = time.Hour

// Token is an application's token of a user, or that of a robot.
type Token struct {
	Secret string
	// Robot is NAMESPACE+NAME for a robot, who cannot use the API; empty is an
	// application's token, whose V2 user name is $oauthtoken.
	Robot string
	// Read and Write are the namespaces whose repositories it reaches.
	Read, Write []string
	// NoScope makes the API refuse it: it lacks the scope repo:read.
	NoScope bool
	// Expires is its end; zero is never.
	Expires time.Time
}

// Repository is a repository NAMESPACE/NAME.
type Repository struct {
	Name   string
	Public bool
}

// Config says what there is.
type Config struct {
	// Host is where it answers; empty is quay.io.
	Host string
	// Backend is the http URL of the registry that has the images.
	Backend string
	// Organisations are the namespaces that are no users'.
	Organisations []string
	// Disabled are namespaces that are switched off.
	Disabled     []string
	Tokens       []Token
	Repositories []Repository
	// PageSize is the number of repositories in one answer; 0 is 100.
	PageSize int
	Clock    *front.Clock
}

// Server is a running emulator.
type Server struct {
	*front.Server
	config  Config
	clock   *front.Clock
	backend backend.Registry
	relay   http.Handler
	storage *backend.Storage
	signer  bearer.Signer

	mu      sync.Mutex
	created []string
}

// Start runs an emulator; Close ends it.
func Start(c Config) (*Server, error) {
	if c.Clock == nil {
		c.Clock = new(front.Clock)
	}
	c.Host = cmp.Or(c.Host, "quay.io")
	c.PageSize = cmp.Or(c.PageSize, 100)
	s := &Server{config: c, clock: c.Clock, backend: backend.Registry{URL: c.Backend}}
	var err error
	if s.relay, err = s.backend.Relay(); err != nil {
		return nil, err
	}
	storage := "cdn01." + c.Host
	s.storage = backend.NewStorage(storage, c.Clock.Now, s.relay)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v2/auth", s.auth)
	mux.HandleFunc("/v2/", s.registry)
	s.routes(mux)
	if s.Server, err = front.Start(c.Clock, map[string]http.Handler{c.Host: mux, storage: s.storage}); err != nil {
		return nil, err
	}
	return s, nil
}

// ExpireTokens ends the registry's tokens given so far.
func (s *Server) ExpireTokens() { s.signer.Revoke() }

// Created are the repositories that came to be because a token to push was
// asked for. A client that only reads leaves it empty.
func (s *Server) Created() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.created)
}

// repository is the one of a name, or nil.
func (s *Server) repository(name string) *Repository {
	i := slices.IndexFunc(s.config.Repositories, func(r Repository) bool { return r.Name == name })
	if i < 0 {
		return nil
	}
	return &s.config.Repositories[i]
}

func namespace(repository string) string {
	n, _, _ := strings.Cut(repository, "/")
	return n
}

// reads says whether a token, which may be nil, reaches a repository.
func (t *Token) reads(r Repository) bool {
	return r.Public || t != nil && (slices.Contains(t.Read, namespace(r.Name)) || t.writes(r.Name))
}

// writes says whether a token, which may be nil, may push to a namespace's
// repository.
func (t *Token) writes(repository string) bool {
	return t != nil && slices.Contains(t.Write, namespace(repository))
}

// ended says whether a token is past its end.
func (s *Server) ended(t *Token) bool {
	return !t.Expires.IsZero() && !s.clock.Now().Before(t.Expires)
}
