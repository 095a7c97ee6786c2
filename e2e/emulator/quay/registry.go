package quay

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/seaworthy-dev/seaworthy/e2e/emulator/backend"
	"github.com/seaworthy-dev/seaworthy/e2e/emulator/bearer"
)

type object = map[string]any

// auth is the token server.
func (s *Server) auth(w http.ResponseWriter, r *http.Request) {
	name, secret, basic := r.BasicAuth()
	index := slices.IndexFunc(s.config.Tokens, func(t Token) bool {
		return t.Secret == secret && cmp.Or(t.Robot, "$oauthtoken") == name && !s.ended(&t)
	})
	scopes := r.URL.Query()["scope"]
	if basic && index < 0 || !basic && len(scopes) == 0 {
		backend.Error(w, http.StatusUnauthorized, "UNAUTHORIZED", "Invalid username or password.")
		return
	}
	var token *Token
	if index >= 0 {
		token = &s.config.Tokens[index]
	}
	asked, err := bearer.ParseScopes(scopes)
	if err != nil || slices.ContainsFunc(asked, func(a bearer.Access) bool { return a.Type != "repository" }) {
		backend.Error(w, http.StatusBadRequest, "INVALID_REQUEST", "Unable to decode repository and actions")
		return
	}
	now := s.clock.Now()
	claims := bearer.Claims{Issuer: "quay", Audience: s.config.Host, Subject: strconv.Itoa(index),
		Issued: now.Unix(), Expires: now.Add(tokenLife).Unix(), Access: []bearer.Access{}}
	for _, a := range asked {
		switch {
		case strings.Count(a.Name, "/") != 1:
			backend.Error(w, http.StatusBadRequest, "NAME_INVALID", "Nested repositories are not supported.")
			return
		case slices.Contains(s.config.Disabled, namespace(a.Name)):
			backend.Error(w, http.StatusMethodNotAllowed, "DENIED", "Namespace is disabled")
			return
		}
		if a.Actions = s.grant(token, a); len(a.Actions) > 0 {
			claims.Access = append(claims.Access, a)
		}
	}
	text, err := s.signer.Sign(claims)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	backend.JSON(w, http.StatusOK, object{"token": text})
}

// grant is the part of the actions asked for that a token has. Asking to push
// creates the repository.
func (s *Server) grant(t *Token, asked bearer.Access) []string {
	push := t.writes(asked.Name) && slices.Contains(asked.Actions, "push")
	repository := s.repository(asked.Name)
	if repository == nil && push {
		s.mu.Lock()
		if !slices.Contains(s.created, asked.Name) {
			s.created = append(s.created, asked.Name)
		}
		s.mu.Unlock()
		repository = &Repository{Name: asked.Name}
	}
	if repository == nil || !t.reads(*repository) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(asked.Actions), func(action string) bool {
		return action != "pull" && !t.writes(asked.Name)
	})
}

// registry answers /v2/.
func (s *Server) registry(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	path, ok := backend.ParsePath(r.URL.Path)
	if !ok {
		http.NotFound(w, r)
		return
	}
	claims, err := s.signer.Verify(bearer.Of(r), s.config.Host, s.clock.Now())
	index, _ := strconv.Atoi(claims.Subject)
	switch {
	case err != nil:
		s.challenge(w, path)
	case path.Kind == "base":
		w.WriteHeader(http.StatusOK)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		backend.Error(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "this emulator does not take writes")
	case path.Kind == "catalog" && index >= 0:
		s.catalog(w, r, &s.config.Tokens[index])
	case path.Kind == "catalog":
		s.catalog(w, r, nil)
	case !claims.Allows("repository", path.Repository, "pull"):
		s.challenge(w, path)
	case path.Kind == "blobs" && r.Method == http.MethodGet:
		http.Redirect(w, r, s.storage.URL(path.Repository, path.Reference), http.StatusFound)
	default:
		s.relay.ServeHTTP(w, r)
	}
}

// challenge says which token is wanted; for the catalogue one without a scope.
func (s *Server) challenge(w http.ResponseWriter, path backend.Path) {
	text := fmt.Sprintf(`Bearer realm="https://%s/v2/auth",service="%s"`, s.config.Host, s.config.Host)
	if path.Repository != "" {
		text += fmt.Sprintf(`,scope="repository:%s:pull"`, path.Repository)
	}
	w.Header().Set("Www-Authenticate", text)
	backend.Error(w, http.StatusUnauthorized, "UNAUTHORIZED", "access to the requested resource is not authorized")
}

// catalog lists what a token's user sees, in all namespaces.
func (s *Server) catalog(w http.ResponseWriter, r *http.Request, t *Token) {
	names := []string{}
	for _, repository := range s.config.Repositories {
		if t.reads(repository) && repository.Name > r.URL.Query().Get("last") {
			names = append(names, repository.Name)
		}
	}
	slices.Sort(names)
	n, err := strconv.Atoi(r.URL.Query().Get("n"))
	if err != nil || n < 1 {
		n = s.config.PageSize
	}
	if n = min(n, s.config.PageSize); n < len(names) {
		names = names[:n]
		w.Header().Set("Link", fmt.Sprintf(`</v2/_catalog?n=%d&last=%s>; rel="next"`, n, names[n-1]))
	}
	backend.JSON(w, http.StatusOK, object{"repositories": names})
}
