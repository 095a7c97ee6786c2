package quay

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/seaworthy-dev/seaworthy/e2e/emulator/backend"
	"github.com/seaworthy-dev/seaworthy/e2e/emulator/bearer"
)

// routes adds the API.
func (s *Server) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v1/organization/{org}", s.organisation)
	mux.HandleFunc("GET /api/v1/repository", s.repositories)
	mux.HandleFunc("GET /api/v1/repository/{namespace}/{name}", s.describe)
	mux.HandleFunc("GET /api/v1/repository/{namespace}/{name}/tag/", s.tags)
}

// problem answers as the API does.
func problem(w http.ResponseWriter, status int, kind, detail string) {
	backend.JSON(w, status, object{"detail": detail, "error_message": detail, "error_type": kind,
		"title": kind, "type": "https://quay.io/api/v1/error/" + kind, "status": status})
}

// caller is the token of a request, nil without one; ok is false when it has
// answered.
func (s *Server) caller(w http.ResponseWriter, r *http.Request) (t *Token, ok bool) {
	if r.Header.Get("Authorization") == "" {
		return nil, true
	}
	i := slices.IndexFunc(s.config.Tokens, func(t Token) bool { return t.Secret == bearer.Of(r) && t.Robot == "" })
	switch {
	case i < 0:
		problem(w, http.StatusUnauthorized, "invalid_token", "The access token is invalid")
	case s.ended(&s.config.Tokens[i]):
		problem(w, http.StatusUnauthorized, "expired_token", "The access token has expired")
	case s.config.Tokens[i].NoScope:
		problem(w, http.StatusForbidden, "insufficient_scope", "Unauthorized")
	default:
		return &s.config.Tokens[i], true
	}
	return nil, false
}

// organisation tells an organisation from a user's namespace.
func (s *Server) organisation(w http.ResponseWriter, r *http.Request) {
	t, ok := s.caller(w, r)
	if !ok {
		return
	}
	name := r.PathValue("org")
	if !slices.Contains(s.config.Organisations, name) {
		problem(w, http.StatusNotFound, "not_found", "Not Found")
		return
	}
	backend.JSON(w, http.StatusOK, object{"name": name, "is_admin": false, "is_member": t != nil && slices.Contains(t.Read, name)})
}

// repositories lists a namespace; one that does not exist is empty.
func (s *Server) repositories(w http.ResponseWriter, r *http.Request) {
	t, ok := s.caller(w, r)
	if !ok {
		return
	}
	query := r.URL.Query()
	if query.Get("namespace") == "" && query.Get("starred") == "" && query.Get("public") == "" {
		problem(w, http.StatusBadRequest, "invalid_request", "namespace, starred, or public are required for this API call")
		return
	}
	start := 0
	if token := query.Get("next_page"); token != "" {
		for start = 1; start <= len(s.config.Repositories) && pageToken(start) != token; start++ {
		}
		if start > len(s.config.Repositories) {
			problem(w, http.StatusBadRequest, "invalid_request", "Invalid next_page")
			return
		}
	}
	list := []any{}
	answer := object{}
	for i, repository := range s.config.Repositories[start:] {
		if ns := query.Get("namespace"); ns != "" && ns != namespace(repository.Name) || !t.reads(repository) {
			continue
		}
		if len(list) == s.config.PageSize {
			answer["next_page"] = pageToken(start + i)
			break
		}
		list = append(list, summary(repository))
	}
	answer["repositories"] = list
	backend.JSON(w, http.StatusOK, answer)
}

// pageToken is the opaque token of the page that begins at a repository.
func pageToken(start int) string {
	sum := sha256.Sum256([]byte(strconv.Itoa(start)))
	return hex.EncodeToString(sum[:])
}

func summary(r Repository) object {
	ns := namespace(r.Name)
	return object{"namespace": ns, "name": r.Name[len(ns)+1:], "description": "", "is_public": r.Public, "kind": "image", "state": "NORMAL"}
}

// visible is the repository of a path if the caller sees it; ok is false when
// it has answered.
func (s *Server) visible(w http.ResponseWriter, r *http.Request) (repository *Repository, t *Token, ok bool) {
	if t, ok = s.caller(w, r); !ok {
		return nil, nil, false
	}
	repository = s.repository(r.PathValue("namespace") + "/" + r.PathValue("name"))
	switch {
	case repository != nil && t.reads(*repository):
		return repository, t, true
	case repository == nil && t != nil:
		problem(w, http.StatusNotFound, "not_found", "Not Found")
	case t != nil:
		problem(w, http.StatusForbidden, "insufficient_scope", "Unauthorized")
	default:
		problem(w, http.StatusUnauthorized, "invalid_token", "Requires authentication")
	}
	return nil, nil, false
}

// describe adds the caller's rights to the summary.
func (s *Server) describe(w http.ResponseWriter, r *http.Request) {
	repository, t, ok := s.visible(w, r)
	if !ok {
		return
	}
	o := summary(*repository)
	o["can_write"], o["can_admin"] = t.writes(repository.Name), false
	backend.JSON(w, http.StatusOK, o)
}

// tags lists a page of the active tags.
func (s *Server) tags(w http.ResponseWriter, r *http.Request) {
	repository, _, ok := s.visible(w, r)
	if !ok {
		return
	}
	names, err := s.backend.Tags(r.Context(), repository.Name)
	if err != nil && !errors.Is(err, backend.ErrNotFound) {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	slices.Sort(names)
	page, size := number(r, "page", 1), min(number(r, "limit", 50), 100)
	start := min((page-1)*size, len(names))
	end := min(start+size, len(names))
	list := []any{}
	for _, name := range names[start:end] {
		m, err := s.backend.Manifest(r.Context(), repository.Name, name)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		list = append(list, object{"name": name, "reversion": false, "start_ts": 1767323045, "manifest_digest": m.Digest,
			"is_manifest_list": false, "size": len(m.Body), "last_modified": "Fri, 02 Jan 2026 03:04:05 -0000"})
	}
	backend.JSON(w, http.StatusOK, object{"tags": list, "page": page, "has_additional": end < len(names)})
}

// number is a positive number of the query, or the default.
func number(r *http.Request, name string, otherwise int) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil || n < 1 || n > 1<<20 {
		return otherwise
	}
	return n
}
