// Package layoutserver serves an OCI image layout as a read-only registry, at
// the speed of the disk, and counts what was asked for. Benchmarks and tests
// pull from it, so that the numbers are the client's.
//
// The image tagged T in the layout is HOST/bench/T:latest.
package layoutserver

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"time"
)

// Server is a running registry.
type Server struct {
	*httptest.Server

	Manifests atomic.Int64 // GETs of manifests
	Heads     atomic.Int64
	Blobs     atomic.Int64 // GETs of blobs
	First     atomic.Int64 // time of the first request, in nanoseconds since 1970

	dir  string
	tags map[string]descriptor
}

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Annotations map[string]string `json:"annotations"`
}

// Start serves the layout in dir.
func Start(dir string) (*Server, error) {
	b, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		return nil, fmt.Errorf("read the layout: %w", err)
	}
	var index struct {
		Manifests []descriptor `json:"manifests"`
	}
	if err := json.Unmarshal(b, &index); err != nil {
		return nil, fmt.Errorf("read the layout: %w", err)
	}
	s := &Server{dir: dir, tags: map[string]descriptor{}}
	for _, d := range index.Manifests {
		s.tags[d.Annotations["org.opencontainers.image.ref.name"]] = d
	}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	return s, nil
}

// Tags lists what the layout holds.
func (s *Server) Tags() []string {
	var tags []string
	for tag := range s.tags {
		tags = append(tags, tag)
	}
	return tags
}

// Reference is what to pull for a tag of the layout.
func (s *Server) Reference(tag string) string {
	return strings.TrimPrefix(s.URL, "http://") + "/bench/" + tag + ":latest"
}

// Layers gives the URLs of an image's layers, the lowest first.
func (s *Server) Layers(tag string) ([]string, error) {
	b, err := os.ReadFile(s.blob(s.tags[tag].Digest))
	if err != nil {
		return nil, err
	}
	var manifest struct {
		Layers []descriptor `json:"layers"`
	}
	if err := json.Unmarshal(b, &manifest); err != nil {
		return nil, err
	}
	var urls []string
	for _, l := range manifest.Layers {
		urls = append(urls, s.URL+"/v2/bench/"+tag+"/blobs/"+l.Digest)
	}
	return urls, nil
}

// Reset sets the counters to zero.
func (s *Server) Reset() {
	s.Manifests.Store(0)
	s.Heads.Store(0)
	s.Blobs.Store(0)
	s.First.Store(0)
}

func (s *Server) blob(digest string) string {
	return filepath.Join(s.dir, "blobs", "sha256", strings.TrimPrefix(digest, "sha256:"))
}

var path = regexp.MustCompile(`^/v2/bench/([a-zA-Z0-9._-]+)/(manifests|blobs)/(latest|sha256:[0-9a-f]{64})$`)

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.First.CompareAndSwap(0, time.Now().UnixNano())
	if r.URL.Path == "/v2/" {
		w.Write([]byte("{}"))
		return
	}
	m := path.FindStringSubmatch(r.URL.Path)
	if m == nil {
		http.NotFound(w, r)
		return
	}
	if m[2] == "blobs" {
		s.Blobs.Add(1)
		w.Header().Set("Content-Type", "application/octet-stream")
		http.ServeFile(w, r, s.blob(m[3]))
		return
	}
	s.manifest(w, r, m[1], m[3])
}

func (s *Server) manifest(w http.ResponseWriter, r *http.Request, tag, reference string) {
	digest := reference
	if reference == "latest" {
		digest = s.tags[tag].Digest
	}
	b, err := os.ReadFile(s.blob(digest))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	var head struct {
		MediaType string `json:"mediaType"`
	}
	if err := json.Unmarshal(b, &head); err != nil || head.MediaType == "" {
		head.MediaType = "application/vnd.oci.image.manifest.v1+json"
	}
	w.Header().Set("Content-Type", head.MediaType)
	w.Header().Set("Docker-Content-Digest", digest)
	w.Header().Set("Content-Length", fmt.Sprint(len(b)))
	if r.Method == http.MethodHead {
		s.Heads.Add(1)
		return
	}
	s.Manifests.Add(1)
	w.Write(b)
}
