// Package backend reads and relays the real registry that stands behind an
// emulator.
package backend

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
)

// ErrNotFound says that the registry has no such thing.
var ErrNotFound = errors.New("not found in the backend")

// maxManifest is what is read of a manifest.
const maxManifest = 8 << 20

// Registry is a real registry without authentication at an http URL.
type Registry struct{ URL string }

// Manifest is a manifest as the registry has it.
type Manifest struct {
	Digest, MediaType string
	Body              []byte
}

// Tags are the tags of a repository, of all pages.
func (b Registry) Tags(ctx context.Context, repository string) ([]string, error) {
	var answer struct{ Tags []string }
	response, err := b.get(ctx, http.MethodGet, "/v2/"+repository+"/tags/list")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(io.LimitReader(response.Body, maxManifest)).Decode(&answer); err != nil {
		return nil, fmt.Errorf("decode the tags of %s: %w", repository, err)
	}
	return answer.Tags, nil
}

// Manifest is the manifest of a tag or digest.
func (b Registry) Manifest(ctx context.Context, repository, reference string) (Manifest, error) {
	response, err := b.get(ctx, http.MethodGet, "/v2/"+repository+"/manifests/"+reference)
	if err != nil {
		return Manifest{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxManifest))
	if err != nil {
		return Manifest{}, fmt.Errorf("read the manifest %s of %s: %w", reference, repository, err)
	}
	sum := sha256.Sum256(body)
	return Manifest{
		Digest:    "sha256:" + hex.EncodeToString(sum[:]),
		MediaType: response.Header.Get("Content-Type"),
		Body:      body,
	}, nil
}

// BlobSize is the size of a blob.
func (b Registry) BlobSize(ctx context.Context, repository, digest string) (int64, error) {
	response, err := b.get(ctx, http.MethodHead, "/v2/"+repository+"/blobs/"+digest)
	if err != nil {
		return 0, err
	}
	response.Body.Close()
	return response.ContentLength, nil
}

// get sends a request to the registry and turns its 404 into ErrNotFound.
func (b Registry) get(ctx context.Context, method, path string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, b.URL+path, nil)
	if err != nil {
		return nil, fmt.Errorf("ask the backend: %w", err)
	}
	for _, t := range manifestTypes() {
		request.Header.Add("Accept", t)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask the backend: %w", err)
	}
	if response.StatusCode == http.StatusOK {
		return response, nil
	}
	response.Body.Close()
	if response.StatusCode == http.StatusNotFound {
		return nil, fmt.Errorf("%s: %w", path, ErrNotFound)
	}
	return nil, fmt.Errorf("ask the backend for %s: %s", path, response.Status)
}

func manifestTypes() []string {
	return []string{
		"application/vnd.oci.image.index.v1+json",
		"application/vnd.oci.image.manifest.v1+json",
		"application/vnd.docker.distribution.manifest.list.v2+json",
		"application/vnd.docker.distribution.manifest.v2+json",
	}
}

// Relay hands requests to the registry, without their credentials.
func (b Registry) Relay() (http.Handler, error) {
	target, err := url.Parse(b.URL)
	if err != nil {
		return nil, fmt.Errorf("the backend's URL: %w", err)
	}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Del("Authorization")
		},
		ModifyResponse: func(r *http.Response) error {
			r.Header.Del("Date") // the front has set its own clock's
			return nil
		},
		ErrorLog: log.New(io.Discard, "", 0),
	}, nil
}

// Path is a path of the V2 API taken apart.
type Path struct {
	// Kind is "base", "catalog", "tags", "manifests", "blobs" or "referrers".
	Kind string
	// Repository and Reference are empty where the kind has none.
	Repository, Reference string
}

// ParsePath takes a path below /v2/ apart; ok is false for any other.
func ParsePath(path string) (p Path, ok bool) {
	rest, found := strings.CutPrefix(path, "/v2/")
	switch {
	case path == "/v2" || found && rest == "":
		return Path{Kind: "base"}, true
	case !found:
		return Path{}, false
	case rest == "_catalog":
		return Path{Kind: "catalog"}, true
	}
	if repository, found := strings.CutSuffix(rest, "/tags/list"); found {
		return Path{Kind: "tags", Repository: repository}, repository != ""
	}
	slash := strings.LastIndexByte(rest, '/')
	if slash < 0 {
		return Path{}, false
	}
	for _, kind := range []string{"manifests", "blobs", "referrers"} {
		if repository, found := strings.CutSuffix(rest[:slash], "/"+kind); found {
			return Path{Kind: kind, Repository: repository, Reference: rest[slash+1:]}, repository != ""
		}
	}
	return Path{}, false
}

// Error answers as registries do.
func Error(w http.ResponseWriter, status int, code, message string) {
	JSON(w, status, map[string]any{"errors": []any{map[string]any{"code": code, "message": message}}})
}

// JSON answers with a status and a JSON document.
func JSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(status)
	w.Write(b)
}
