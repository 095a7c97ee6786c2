package backend

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Storage is the host of a content network, to which registries redirect for
// blobs. Its URLs are sealed and end; it refuses an Authorization header, for
// a client that sends one gives its credential away.
type Storage struct {
	host  string
	key   []byte
	now   func() time.Time
	relay http.Handler
}

// NewStorage is a storage at a host that hands over to relay.
func NewStorage(host string, now func() time.Time, relay http.Handler) *Storage {
	return &Storage{host: host, key: []byte(rand.Text()), now: now, relay: relay}
}

// URL is that of a blob, good for ten minutes.
func (s *Storage) URL(repository, digest string) string {
	path := "/" + repository + "/" + digest
	expires := strconv.FormatInt(s.now().Add(10*time.Minute).Unix(), 10)
	query := url.Values{"expires": {expires}, "verify": {s.seal(path, expires)}}
	return (&url.URL{Scheme: "https", Host: s.host, Path: path, RawQuery: query.Encode()}).String()
}

func (s *Storage) seal(path, expires string) string {
	h := hmac.New(sha256.New, s.key)
	h.Write([]byte(path + "\n" + expires))
	return hex.EncodeToString(h.Sum(nil))
}

// ServeHTTP gives the blob of a URL that is sealed and not at its end.
func (s *Storage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if r.Header.Get("Authorization") != "" {
		http.Error(w, "only one auth mechanism allowed", http.StatusBadRequest)
		return
	}
	end, err := strconv.ParseInt(query.Get("expires"), 10, 64)
	if err != nil || s.now().Unix() >= end || !hmac.Equal([]byte(s.seal(r.URL.Path, query.Get("expires"))), []byte(query.Get("verify"))) {
		http.Error(w, "forbidden", http.StatusForbidden)
		return
	}
	slash := strings.LastIndexByte(r.URL.Path, '/')
	to := r.Clone(r.Context())
	to.URL.Path, to.URL.RawPath, to.URL.RawQuery = "/v2"+r.URL.Path[:slash]+"/blobs"+r.URL.Path[slash:], "", ""
	s.relay.ServeHTTP(w, to)
}
