package dockerhub

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seaworthy-dev/seaworthy/e2e/emulator/backend"
	"github.com/seaworthy-dev/seaworthy/e2e/emulator/bearer"
)

const (
	service    = "registry.docker.io"
	pullWindow = 6 * time.Hour
)

type object = map[string]any

// token is the token server. What is asked for and not allowed is left out of
// the token, without a word.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/token" || r.Method != http.MethodGet {
		http.NotFound(w, r)
		return
	}
	var credential *Credential
	if name, secret, ok := r.BasicAuth(); ok {
		if credential = s.credential(name, secret); credential == nil {
			backend.JSON(w, http.StatusUnauthorized, object{"details": "incorrect username or password"})
			return
		}
	}
	asked, err := bearer.ParseScopes(r.URL.Query()["scope"])
	if err != nil || r.URL.Query().Get("service") != service {
		backend.JSON(w, http.StatusBadRequest, object{"details": "invalid service or scope"})
		return
	}
	now := s.clock.Now()
	claims := bearer.Claims{Issuer: AuthHost, Audience: service, Issued: now.Unix(), Expires: now.Add(s.config.Switches.TokenLife).Unix(), Access: []bearer.Access{}}
	if credential != nil {
		claims.Subject = credential.Name
	}
	for _, a := range asked {
		if a.Actions = s.grant(credential, a); len(a.Actions) > 0 {
			claims.Access = append(claims.Access, a)
		}
	}
	token, err := s.signer.Sign(claims)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	backend.JSON(w, http.StatusOK, object{
		"token": token, "access_token": token,
		"expires_in": int(s.config.Switches.TokenLife / time.Second),
		"issued_at":  now.UTC().Format(time.RFC3339Nano),
	})
}

// grant is the part of the actions asked for that a credential has.
func (s *Server) grant(c *Credential, asked bearer.Access) []string {
	if asked.Type != "repository" {
		return nil
	}
	var may []string
	repository := s.repository(asked.Name)
	switch {
	case repository == nil && !(s.config.Switches.OwnMissing404 && c.owns(asked.Name)):
		return nil
	case c.owns(asked.Name):
		may = c.actions()
	case !repository.Private:
		may = []string{"pull"}
	}
	return slices.DeleteFunc(slices.Clone(asked.Actions), func(action string) bool { return !slices.Contains(may, action) })
}

// registry answers /v2/.
func (s *Server) registry(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	path, ok := backend.ParsePath(r.URL.Path)
	if !ok {
		http.NotFound(w, r)
		return
	}
	claims, err := s.signer.Verify(bearer.Of(r), service, s.clock.Now())
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case err != nil:
		challenge(w, scopeOf(path, read), "")
	case path.Kind == "base":
		w.WriteHeader(http.StatusOK)
	case path.Kind == "catalog", !claims.Allows("repository", path.Repository, action(read)):
		challenge(w, scopeOf(path, read), "insufficient_scope")
	case !read:
		backend.Error(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "this emulator does not take writes")
	case s.repository(path.Repository) == nil:
		backend.Error(w, http.StatusNotFound, "NAME_UNKNOWN", "repository name not known to registry")
	default:
		s.read(w, r, path, claims.Subject)
	}
}

// challenge says which token is wanted.
func challenge(w http.ResponseWriter, scope, reason string) {
	text := fmt.Sprintf(`Bearer realm="https://%s/token",service="%s"`, AuthHost, service)
	if scope != "" {
		text += fmt.Sprintf(`,scope="%s"`, scope)
	}
	if reason != "" {
		text += fmt.Sprintf(`,error="%s"`, reason)
	}
	w.Header().Set("Www-Authenticate", text)
	backend.Error(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
}

func scopeOf(path backend.Path, read bool) string {
	switch {
	case path.Kind == "base":
		return ""
	case path.Kind == "catalog":
		return "registry:catalog:*"
	case read:
		return "repository:" + path.Repository + ":pull"
	}
	return "repository:" + path.Repository + ":pull,push"
}

func action(read bool) string {
	if read {
		return "pull"
	}
	return "push"
}

// read answers a read of a repository. Manifests that are got are counted,
// each by itself, so that an index and one of its images are two pulls.
func (s *Server) read(w http.ResponseWriter, r *http.Request, path backend.Path, account string) {
	switch {
	case path.Kind == "manifests" && !s.count(w, r.Method, account):
		backend.Error(w, http.StatusTooManyRequests, "TOOMANYREQUESTS",
			"You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: https://www.docker.com/increase-rate-limit")
	case path.Kind == "blobs" && r.Method == http.MethodGet:
		if _, err := s.backend.BlobSize(r.Context(), path.Repository, path.Reference); err != nil {
			backend.Error(w, http.StatusNotFound, "BLOB_UNKNOWN", "blob unknown to registry")
			return
		}
		http.Redirect(w, r, s.storage.URL(path.Repository, path.Reference), http.StatusTemporaryRedirect)
	default:
		s.relay.ServeHTTP(w, r)
	}
}

// count takes a pull from an account's allowance and shows what is left. HEAD
// shows it for free.
func (s *Server) count(w http.ResponseWriter, method, account string) bool {
	limit := s.config.PullLimit
	if limit == 0 {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	used := s.pulls[account]
	if used == nil {
		used = new(window)
		s.pulls[account] = used
	}
	left := used.take(s.clock.Now(), pullWindow, limit)
	if method == http.MethodHead || left < 0 {
		used.used--
	}
	if method == http.MethodHead {
		left++
	}
	source := account
	if source == "" {
		source = "192.0.2.1"
	}
	seconds := int(pullWindow / time.Second)
	w.Header().Set("Ratelimit-Limit", fmt.Sprintf("%d;w=%d", limit, seconds))
	w.Header().Set("Ratelimit-Remaining", fmt.Sprintf("%d;w=%d", max(left, 0), seconds))
	w.Header().Set("Docker-Ratelimit-Source", source)
	return left >= 0
}

// trimNamespace is a repository's name in its namespace.
func trimNamespace(repository string) string {
	_, name, _ := strings.Cut(repository, "/")
	return name
}
