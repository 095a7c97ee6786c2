package dockerhub

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seaworthy-dev/seaworthy/e2e/emulator/backend"
	"github.com/seaworthy-dev/seaworthy/e2e/emulator/bearer"
)

// api answers the management API, within its limit.
func (s *Server) api() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v2/auth/token", s.login("identifier", "secret", "access_token"))
	mux.HandleFunc("POST /v2/users/login", s.login("username", "password", "token"))
	mux.HandleFunc("GET /v2/namespaces/{namespace}/repositories", s.listRepositories)
	mux.HandleFunc("GET /v2/namespaces/{namespace}/repositories/{name}/tags", s.listTags)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := s.clock.Now()
		s.mu.Lock()
		left := s.calls.take(now, time.Minute, s.config.APILimit)
		end := strconv.FormatInt(s.calls.end.Unix(), 10)
		s.mu.Unlock()
		w.Header().Set("X-Ratelimit-Limit", strconv.Itoa(s.config.APILimit))
		w.Header().Set("X-Ratelimit-Remaining", strconv.Itoa(max(left, 0)))
		w.Header().Set("X-Ratelimit-Reset", end)
		if left < 0 {
			w.Header().Set("X-Retry-After", end)
			backend.JSON(w, http.StatusTooManyRequests, object{"detail": "Rate limit exceeded", "error": false})
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// login gives a token of the API for a credential in the named fields. The old
// login knows no organisation tokens, and stops at a second factor.
func (s *Server) login(name, secret, answer string) http.HandlerFunc {
	old := answer == "token"
	return func(w http.ResponseWriter, r *http.Request) {
		var fields map[string]string
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&fields); err != nil {
			backend.JSON(w, http.StatusBadRequest, object{"message": "invalid request"})
			return
		}
		c := s.credential(fields[name], fields[secret])
		switch {
		case c == nil, old && c.Kind == OrganisationToken:
			backend.JSON(w, http.StatusUnauthorized, object{"detail": "Incorrect authentication credentials"})
			return
		case old && c.SecondFactor && c.Kind == Password:
			backend.JSON(w, http.StatusUnauthorized, object{"detail": "Require secondary authentication on MFA enabled account", "login_2fa_token": "x"})
			return
		}
		now := s.clock.Now()
		token, err := s.signer.Sign(bearer.Claims{Issuer: APIHost, Audience: APIHost, Issued: now.Unix(), Expires: now.Add(time.Hour).Unix(),
			Subject: strconv.Itoa(slices.IndexFunc(s.config.Credentials, func(o Credential) bool { return o.Name == c.Name && o.Secret == c.Secret }))})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		backend.JSON(w, http.StatusOK, object{answer: token})
	}
}

// caller is the credential of a request's token, nil without one; ok is false
// when it has answered.
func (s *Server) caller(w http.ResponseWriter, r *http.Request) (c *Credential, ok bool) {
	if r.Header.Get("Authorization") == "" {
		return nil, true
	}
	claims, err := s.signer.Verify(bearer.Of(r), APIHost, s.clock.Now())
	index, convErr := strconv.Atoi(claims.Subject)
	if err != nil || convErr != nil {
		backend.JSON(w, http.StatusUnauthorized, object{"message": "unauthorized", "detail": "Invalid or expired token"})
		return nil, false
	}
	return &s.config.Credentials[index], true
}

// lists says whether a caller sees a repository in a listing.
func (c *Credential) lists(r Repository) bool {
	return !r.Private || c.owns(r.Name) && (c.Kind != OrganisationToken || c.ListPrivate)
}

func (s *Server) listRepositories(w http.ResponseWriter, r *http.Request) {
	c, ok := s.caller(w, r)
	if !ok {
		return
	}
	namespace := r.PathValue("namespace")
	known := c.owns(namespace + "/")
	results := []any{}
	for _, repository := range s.config.Repositories {
		if !strings.HasPrefix(repository.Name, namespace+"/") {
			continue
		}
		known = true
		if c.lists(repository) {
			results = append(results, object{
				"name": trimNamespace(repository.Name), "namespace": namespace, "repository_type": "image",
				"status": 1, "status_description": "active", "is_private": repository.Private,
				"star_count": 0, "pull_count": 1, "last_updated": "2026-01-02T03:04:05.678901Z",
			})
		}
	}
	if !known {
		notFound(w)
		return
	}
	paginate(w, r, results)
}

func (s *Server) listTags(w http.ResponseWriter, r *http.Request) {
	c, ok := s.caller(w, r)
	if !ok {
		return
	}
	name := r.PathValue("namespace") + "/" + r.PathValue("name")
	repository := s.repository(name)
	if repository == nil || !c.lists(*repository) {
		notFound(w)
		return
	}
	tags, err := s.backend.Tags(r.Context(), name)
	if err != nil && !errors.Is(err, backend.ErrNotFound) {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	slices.Sort(tags)
	results := []any{}
	for _, tag := range tags {
		m, err := s.backend.Manifest(r.Context(), name, tag)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		results = append(results, object{
			"name": tag, "digest": m.Digest, "media_type": m.MediaType, "tag_status": "active",
			"last_updated": "2026-01-02T03:04:05.678901Z", "full_size": len(m.Body),
			"images": []any{object{"architecture": "amd64", "os": "linux", "variant": nil, "digest": m.Digest, "size": len(m.Body)}},
		})
	}
	paginate(w, r, results)
}

func notFound(w http.ResponseWriter) {
	backend.JSON(w, http.StatusNotFound, object{"message": "object not found", "errinfo": object{}})
}

// paginate answers with the page that a request asks for.
func paginate(w http.ResponseWriter, r *http.Request, results []any) {
	page, size := number(r, "page", 1), min(number(r, "page_size", 10), 100)
	start := (page - 1) * size
	if start > 0 && start >= len(results) {
		notFound(w)
		return
	}
	end := min(start+size, len(results))
	link := func(page int, there bool) any {
		if !there {
			return nil
		}
		return fmt.Sprintf("https://%s%s?page=%d&page_size=%d", APIHost, r.URL.Path, page, size)
	}
	backend.JSON(w, http.StatusOK, object{
		"count": len(results), "next": link(page+1, end < len(results)), "previous": link(page-1, page > 1), "results": results[start:end],
	})
}

// number is a positive number of the query, or the default.
func number(r *http.Request, name string, otherwise int) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil || n < 1 || n > 1<<20 {
		return otherwise
	}
	return n
}
