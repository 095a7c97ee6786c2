// Package dockerhub stands in for Docker Hub: the token server, the registry,
// its content network, and the API that lists repositories. Images come from a
// real registry, in which the repositories have the same names.
//
// What is not verified on a live account is behind a field of [Switches].
package dockerhub

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seaworthy-dev/seaworthy/e2e/emulator/backend"
	"github.com/seaworthy-dev/seaworthy/e2e/emulator/bearer"
	"github.com/seaworthy-dev/seaworthy/e2e/emulator/front"
)

// The hosts that the emulator answers for.
const (
	RegistryHost = "registry-1.docker.io"
	AuthHost     = "auth.docker.io"
	APIHost      = "hub.docker.com"
	StorageHost  = "production.cloudflare.docker.com"
)

// Kind says what a secret is.
type Kind int

// The kinds of secrets.
const (
	Password Kind = iota
	PersonalToken
	OrganisationToken
)

// Credential is a name with a secret.
type Credential struct {
	// Name is the user's, or with an organisation token the organisation's.
	Name, Secret string
	Kind         Kind
	// Namespaces are those whose private repositories it reaches.
	Namespaces []string
	// Actions are what it may do there; none is pull.
	Actions []string
	// ListPrivate lets an organisation token list private repositories
	// (scope-repository-list). Without it the API lists the public ones, with
	// status 200. The other kinds always list all.
	ListPrivate bool
	// SecondFactor makes the old login ask for one.
	SecondFactor bool
}

// Repository is a repository NAMESPACE/NAME.
type Repository struct {
	Name    string
	Private bool
}

// Config says what there is.
type Config struct {
	// Backend is the http URL of the registry that has the images.
	Backend      string
	Credentials  []Credential
	Repositories []Repository
	// PullLimit is the number of pulls in six hours of each account and of all
	// without one; 0 is unlimited, without headers.
	PullLimit int
	// APILimit is the number of API requests in a minute; 0 is 180.
	APILimit int
	Clock    *front.Clock
	Switches Switches
}

// Switches choose where the behaviour of Docker Hub is not verified, or
// differs.
type Switches struct {
	// OwnMissing404 answers 404 instead of 401 for a missing repository in a
	// namespace of the credential.
	OwnMissing404 bool
	// TokenLife is how long the registry's tokens are good; 0 is 300 s.
	TokenLife time.Duration
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

	mu    sync.Mutex
	pulls map[string]*window
	calls window
}

// window counts in a span of time.
type window struct {
	end  time.Time
	used int
}

// take counts one more, and gives what is left, negative when it is too much.
func (w *window) take(now time.Time, span time.Duration, limit int) int {
	if !now.Before(w.end) {
		*w = window{end: now.Add(span)}
	}
	w.used++
	return limit - w.used
}

// Start runs an emulator; Close ends it.
func Start(c Config) (*Server, error) {
	if c.Clock == nil {
		c.Clock = new(front.Clock)
	}
	if c.APILimit == 0 {
		c.APILimit = 180
	}
	if c.Switches.TokenLife == 0 {
		c.Switches.TokenLife = 300 * time.Second
	}
	s := &Server{config: c, clock: c.Clock, backend: backend.Registry{URL: c.Backend}, pulls: make(map[string]*window)}
	var err error
	if s.relay, err = s.backend.Relay(); err != nil {
		return nil, err
	}
	s.storage = backend.NewStorage(StorageHost, c.Clock.Now, s.relay)
	s.Server, err = front.Start(c.Clock, map[string]http.Handler{
		RegistryHost: http.HandlerFunc(s.registry),
		AuthHost:     http.HandlerFunc(s.token),
		APIHost:      s.api(),
		StorageHost:  s.storage,
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// ExpireTokens ends all tokens of the registry and the API.
func (s *Server) ExpireTokens() { s.signer.Revoke() }

// credential is the one of a name and secret, or nil.
func (s *Server) credential(name, secret string) *Credential {
	i := slices.IndexFunc(s.config.Credentials, func(c Credential) bool { return c.Name == name && c.Secret == secret })
	if i < 0 {
		return nil
	}
	return &s.config.Credentials[i]
}

// repository is the one of a name, or nil.
func (s *Server) repository(name string) *Repository {
	i := slices.IndexFunc(s.config.Repositories, func(r Repository) bool { return r.Name == name })
	if i < 0 {
		return nil
	}
	return &s.config.Repositories[i]
}

// owns says whether a credential, which may be nil, reaches a repository's
// namespace.
func (c *Credential) owns(repository string) bool {
	namespace, _, _ := strings.Cut(repository, "/")
	return c != nil && slices.Contains(c.Namespaces, namespace)
}

// actions are what a credential may do in its namespaces.
func (c *Credential) actions() []string {
	if len(c.Actions) == 0 {
		return []string{"pull"}
	}
	return c.Actions
}
