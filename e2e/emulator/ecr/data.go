package ecr

import (
	"cmp"
	"crypto/hmac"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seaworthy-dev/seaworthy/e2e/emulator/backend"
)

// presignedLife is how long a layer's URL is good.
const presignedLife = time.Hour

// data answers /v2/ of a region.
func (s *Server) data(w http.ResponseWriter, r *http.Request, region string) {
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	path, ok := backend.ParsePath(r.URL.Path)
	if !ok {
		http.NotFound(w, r)
		return
	}
	user := s.admit(w, r, region)
	if user == nil {
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		backend.Error(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "this emulator does not take writes")
		return
	}
	if path.Kind == "base" {
		w.WriteHeader(http.StatusOK)
		return
	}
	action := actionOf(path.Kind, r.Method)
	if !allowed(user.Policies, action, cmp.Or(path.Repository, "*")) {
		backend.Error(w, http.StatusForbidden, "DENIED", s.denied(user, action, region, cmp.Or(path.Repository, "*")))
		return
	}
	if n, err := strconv.Atoi(r.URL.Query().Get("n")); err == nil && n > 1000 {
		backend.Error(w, http.StatusBadRequest, "UNSUPPORTED", "Invalid parameter at 'maxResults' failed to satisfy constraint: 'Member must have value less than or equal to 1000'")
		return
	}
	if path.Kind == "catalog" {
		s.catalog(w, region)
		return
	}
	s.read(w, r, region, path)
}

// actionOf is the action that a policy must allow for a read.
func actionOf(kind, method string) string {
	switch {
	case kind == "catalog":
		return "ecr:DescribeRepositories"
	case kind == "tags":
		return "ecr:ListImages"
	case kind == "blobs" && method == http.MethodHead:
		return "ecr:BatchCheckLayerAvailability"
	case kind == "blobs":
		return "ecr:GetDownloadUrlForLayer"
	}
	return "ecr:BatchGetImage"
}

// admit is the user whose token a request has; otherwise it has answered.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, region string) *User {
	challenge := cmp.Or(s.config.Switches.Challenge, fmt.Sprintf(`Basic realm="https://%s/",service="ecr.amazonaws.com"`, s.Registry(region)))
	name, password, _ := r.BasicAuth()
	s.mu.Lock()
	token, ok := s.tokens[password]
	s.mu.Unlock()
	if name != "AWS" || !ok || token.region != region && !s.config.Switches.TokensOfAnyRegion {
		w.Header().Set("Www-Authenticate", challenge)
		backend.Error(w, http.StatusUnauthorized, "UNAUTHORIZED", "Not Authorized")
		return nil
	}
	if s.clock.Now().Before(token.expires) {
		return token.user
	}
	if s.config.Switches.ExpiredChallenge {
		w.Header().Set("Www-Authenticate", challenge)
	}
	backend.Error(w, cmp.Or(s.config.Switches.ExpiredStatus, http.StatusForbidden), "DENIED",
		"Your authorization token has expired. Reauthenticate and try again.")
	return nil
}

// catalog lists the repositories of a region.
func (s *Server) catalog(w http.ResponseWriter, region string) {
	names := []string{}
	for _, r := range s.config.Repositories {
		if s.in(r, region) {
			names = append(names, r.Name)
		}
	}
	slices.Sort(names)
	backend.JSON(w, http.StatusOK, object{"repositories": names})
}

// read answers a read of a repository.
func (s *Server) read(w http.ResponseWriter, r *http.Request, region string, path backend.Path) {
	repository := s.repository(region, path.Repository)
	if repository == nil {
		backend.Error(w, cmp.Or(s.config.Switches.MissingStatus, http.StatusNotFound), "NAME_UNKNOWN",
			fmt.Sprintf("The repository with name '%s' does not exist in the registry with id '%s'", path.Repository, s.config.Account))
		return
	}
	switch path.Kind {
	case "blobs":
		if r.Method == http.MethodHead {
			break
		}
		if _, err := s.backend.BlobSize(r.Context(), path.Repository, path.Reference); err != nil {
			backend.Error(w, http.StatusNotFound, "BLOB_UNKNOWN", "The layer with digest '"+path.Reference+"' does not exist")
			return
		}
		http.Redirect(w, r, s.presign(region, path.Repository, path.Reference), http.StatusTemporaryRedirect)
		return
	case "manifests":
		m, err := s.backend.Manifest(r.Context(), path.Repository, path.Reference)
		if err != nil || slices.Contains(repository.Archived, m.Digest) {
			backend.Error(w, http.StatusNotFound, "MANIFEST_UNKNOWN", "Requested image not found")
			return
		}
		if r.Method == http.MethodGet {
			s.recordPull(region, path.Repository, m.Digest)
		}
	}
	s.relay.ServeHTTP(w, r)
}

// presign is the URL of a layer in the region's bucket, good for a while.
func (s *Server) presign(region, repository, digest string) string {
	path := "/" + repository + "/" + digest
	query := url.Values{
		"X-Amz-Algorithm":     {"AWS4-HMAC-SHA256"},
		"X-Amz-Date":          {s.clock.Now().UTC().Format("20060102T150405Z")},
		"X-Amz-Expires":       {strconv.Itoa(int(presignedLife / time.Second))},
		"X-Amz-SignedHeaders": {"host"},
	}
	query.Set("X-Amz-Signature", s.sign(bucket(region), path, query.Get("X-Amz-Date")))
	return (&url.URL{Scheme: "https", Host: bucket(region), Path: path, RawQuery: query.Encode()}).String()
}

// sign seals a presigned URL. Only the emulator reads the seal, so it need not
// be that of AWS.
func (s *Server) sign(host, path, date string) string {
	return hex.EncodeToString(mac(s.key, host+"\n"+path+"\n"+date))
}

// download is the bucket: it takes presigned URLs and nothing else.
func (s *Server) download(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if r.Header.Get("Authorization") != "" && !s.config.Switches.BucketTakesAuthorization {
		bucketError(w, http.StatusBadRequest, "InvalidArgument", "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified")
		return
	}
	at, err := time.Parse("20060102T150405Z", query.Get("X-Amz-Date"))
	want := s.sign(r.Host, r.URL.Path, query.Get("X-Amz-Date"))
	if err != nil || !hmac.Equal([]byte(want), []byte(query.Get("X-Amz-Signature"))) {
		bucketError(w, http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided.")
		return
	}
	if s.clock.Now().After(at.Add(presignedLife)) {
		bucketError(w, http.StatusForbidden, "AccessDenied", "Request has expired")
		return
	}
	slash := strings.LastIndexByte(r.URL.Path, '/')
	to := r.Clone(r.Context())
	to.URL.Path, to.URL.RawPath, to.URL.RawQuery = "/v2"+r.URL.Path[:slash]+"/blobs"+r.URL.Path[slash:], "", ""
	s.relay.ServeHTTP(w, to)
}

// bucketError answers as S3 does.
func bucketError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>%s</Message></Error>", code, message)
}
