package oci

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/seaworthy-dev/seaworthy"
)

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

// blobServer serves one blob badly.
type blobServer struct {
	content []byte
	cut     int  // bytes after which each connection is reset; 0 is never
	ranges  bool // Range is honoured
	chunked bool // no Content-Length
	answer  func(w http.ResponseWriter, req *http.Request, offset int) bool

	asked *requests
}

// requests notes where each request wanted to begin.
type requests struct {
	mu      sync.Mutex
	offsets []int
}

func (r *requests) add(offset int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.offsets = append(r.offsets, offset)
}

func (r *requests) seen() []int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.offsets
}

func (s blobServer) handle(w http.ResponseWriter, req *http.Request) bool {
	offset := 0
	if value := req.Header.Get("Range"); value != "" {
		_, _ = fmt.Sscanf(value, "bytes=%d-", &offset)
	}
	if s.asked != nil {
		s.asked.add(offset)
	}
	if s.answer != nil && s.answer(w, req, offset) {
		return true
	}
	rest := s.content
	status := http.StatusOK
	if s.ranges && offset > 0 {
		if offset >= len(s.content) {
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return true
		}
		rest, status = s.content[offset:], http.StatusPartialContent
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", offset, len(s.content)-1, len(s.content)))
	}
	if !s.chunked {
		w.Header().Set("Content-Length", strconv.Itoa(len(rest)))
	}
	w.WriteHeader(status)
	if s.cut > 0 && len(rest) > s.cut {
		_, _ = w.Write(rest[:s.cut])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(rest)
	return true
}

func TestBlob(t *testing.T) {
	t.Parallel()
	content := randomBytes(300_000)
	whole := Descriptor{Digest: seaworthy.DigestOf(content), Size: int64(len(content))}
	tests := []struct {
		name    string
		server  blobServer
		want    Descriptor
		asked   int // requests; 0 is not looked at
		code    seaworthy.Code
		words   []string
		timeout time.Duration
	}{
		{name: "plain", server: blobServer{content: content}, want: whole, asked: 1},
		{name: "chunked", server: blobServer{content: content, chunked: true}, want: whole, asked: 1},
		{name: "size unknown", server: blobServer{content: content, chunked: true}, want: Descriptor{Digest: whole.Digest}, asked: 1},
		{name: "reset every 70000 bytes", server: blobServer{content: content, cut: 70_000, ranges: true}, want: whole, asked: 5},
		{name: "reset, chunked, size unknown", server: blobServer{content: content, cut: 70_000, ranges: true, chunked: true}, want: Descriptor{Digest: whole.Digest}, asked: 5},
		{name: "200 for a Range", server: blobServer{content: content, answer: cutOnce(content, 70_000)}, want: whole, asked: 2},
		{name: "another range", server: blobServer{content: content, cut: 70_000, answer: func(w http.ResponseWriter, _ *http.Request, offset int) bool {
			if offset == 0 {
				return false
			}
			w.Header().Set("Content-Range", "bytes 5-10/300000")
			w.WriteHeader(http.StatusPartialContent)
			return true
		}}, want: whole, code: seaworthy.CodeProtocol, words: []string{"from 70000 on"}},
		{name: "partial from the start", server: blobServer{content: content, answer: func(w http.ResponseWriter, _ *http.Request, _ int) bool {
			w.WriteHeader(http.StatusPartialContent)
			return true
		}}, want: whole, code: seaworthy.CodeProtocol},
		{name: "no progress", server: blobServer{content: content, cut: 70_000, answer: func(_ http.ResponseWriter, _ *http.Request, offset int) bool {
			if offset > 0 {
				panic(http.ErrAbortHandler)
			}
			return false
		}}, want: whole, code: seaworthy.CodeUnreachable, words: []string{"closed the connection"}, asked: 1 + maxTries},
		{name: "a byte at a time", server: blobServer{content: content, cut: 1, ranges: true}, want: whole,
			code: seaworthy.CodeUnreachable, words: []string{"closed the connection"}, asked: 1 + maxResumes},
		{name: "gone in the middle", server: blobServer{content: content, cut: 70_000, answer: func(w http.ResponseWriter, _ *http.Request, offset int) bool {
			if offset > 0 {
				w.WriteHeader(http.StatusNotFound)
				fmt.Fprint(w, `{"errors":[{"code":"BLOB_UNKNOWN","message":"blob unknown to registry"}]}`)
				return true
			}
			return false
		}}, want: whole, code: seaworthy.CodeNotFound, words: []string{"blob unknown"}},
		{name: "other bytes", server: blobServer{content: append([]byte("x"), content[1:]...)}, want: whole,
			code: seaworthy.CodeCorrupt, words: []string{"digest sha256:", "should have " + string(whole.Digest)}},
		{name: "other bytes after a reset", server: blobServer{content: content, cut: 70_000, ranges: true, answer: func(w http.ResponseWriter, _ *http.Request, offset int) bool {
			if offset == 0 {
				return false
			}
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-299999/300000", offset))
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(make([]byte, 300_000-offset))
			return true
		}}, want: whole, code: seaworthy.CodeCorrupt},
		{name: "longer", server: blobServer{content: append(content[:len(content):len(content)], 'x')}, want: whole,
			code: seaworthy.CodeCorrupt, words: []string{"more than the 300000 bytes"}},
		{name: "shorter, with ranges", server: blobServer{content: content[:200_000], ranges: true}, want: whole,
			code: seaworthy.CodeCorrupt, words: []string{"has 200000 bytes and should have 300000"}},
		{name: "shorter, without ranges", server: blobServer{content: content[:200_000]}, want: whole,
			code: seaworthy.CodeCorrupt, words: []string{"has 200000 bytes and should have 300000"}},
		{name: "nothing", server: blobServer{}, want: whole, code: seaworthy.CodeCorrupt, words: []string{"has 0 bytes"}},
		{name: "unknown", server: blobServer{answer: func(w http.ResponseWriter, _ *http.Request, _ int) bool {
			w.WriteHeader(http.StatusNotFound)
			return true
		}}, want: whole, code: seaworthy.CodeNotFound, words: []string{"does not have the blob"}},
		{name: "stalled", timeout: 500 * time.Millisecond, server: blobServer{content: content, answer: func(w http.ResponseWriter, req *http.Request, offset int) bool {
			if offset > 0 {
				w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-299999/300000", offset))
				w.WriteHeader(http.StatusPartialContent)
			} else {
				_, _ = w.Write(content[:1000])
			}
			_ = http.NewResponseController(w).Flush()
			<-req.Context().Done()
			return true
		}}, want: whole, code: seaworthy.CodeUnreachable, words: []string{"sent no more"}, asked: 2},
	}
	for _, test := range tests {
		for _, secure := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, TLS %v", test.name, secure), func(t *testing.T) {
				t.Parallel()
				server := test.server
				server.asked = &requests{}
				r := newTestRegistry(t)
				r.interfere(server.handle)
				host, o := r.host, r.options(t)
				if !secure {
					host, o.PlainHTTP = serveHTTP(t, r.Config.Handler), true
				}
				if test.timeout > 0 {
					o.Timeout = test.timeout
				}
				got, err := readBlob(t, open(t, host+"/lab/app:1", o), test.want)
				if test.code != "" {
					wantError(t, err, test.code, test.words...)
				} else if err != nil || !bytes.Equal(got, content) {
					t.Errorf("%d bytes, error %v", len(got), err)
				}
				if asked := server.asked.seen(); test.asked != 0 && len(asked) != test.asked {
					t.Errorf("%d requests, want %d: from %v", len(asked), test.asked, asked)
				}
			})
		}
	}
}

// cutOnce breaks the first connection of a server that knows no ranges.
func cutOnce(content []byte, n int) func(http.ResponseWriter, *http.Request, int) bool {
	return func(w http.ResponseWriter, _ *http.Request, offset int) bool {
		if offset > 0 {
			return false
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		_, _ = w.Write(content[:n])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// TestBlobReader runs the general checks of a reader over one that resumes.
func TestBlobReader(t *testing.T) {
	t.Parallel()
	content := randomBytes(50_000)
	server := blobServer{content: content, cut: 9_000, ranges: true}
	r := newTestRegistry(t)
	r.interfere(server.handle)
	s := open(t, r.host+"/lab/app:1", r.options(t))
	b, err := s.Blob(t.Context(), Descriptor{Digest: seaworthy.DigestOf(content), Size: int64(len(content))})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := iotest.TestReader(b, content); err != nil {
		t.Error(err)
	}
	if n, err := b.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("after the end: %d, %v", n, err)
	}
}

// TestCloseFreesTheConnection closes in the middle, also while a Read waits, and
// looks whether the server notices.
func TestCloseFreesTheConnection(t *testing.T) {
	t.Parallel()
	for _, cancelled := range []bool{false, true} {
		t.Run(fmt.Sprint("by context ", cancelled), func(t *testing.T) {
			t.Parallel()
			gone := make(chan struct{})
			r := newTestRegistry(t)
			r.interfere(func(w http.ResponseWriter, req *http.Request) bool {
				_, _ = w.Write(make([]byte, 100))
				_ = http.NewResponseController(w).Flush()
				<-req.Context().Done()
				close(gone)
				return true
			})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			b, err := open(t, r.host+"/lab/app:1", r.options(t)).Blob(ctx, Descriptor{Digest: digestA, Size: 1000})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(b, make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
			failed := make(chan error)
			go func() {
				_, err := b.Read(make([]byte, 100))
				failed <- err
			}()
			if cancelled {
				cancel()
			} else {
				b.Close()
			}
			if err := <-failed; err == nil || err == io.EOF || cancelled && !errors.Is(err, context.Canceled) {
				t.Errorf("waiting Read ended with %v", err)
			}
			<-gone
			b.Close()
			if _, err := b.Read(make([]byte, 1)); err == nil || err == io.EOF {
				t.Errorf("Read after Close gave %v", err)
			}
		})
	}
}

// TestResumeGoesToTheRegistry: a place that was redirected to may have expired.
func TestResumeGoesToTheRegistry(t *testing.T) {
	t.Parallel()
	content := randomBytes(50_000)
	store := blobServer{content: content, cut: 20_000, ranges: true}
	var issued, wrong atomic.Int64
	away := serveTLS(t, nil, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.RawQuery != "ticket="+strconv.FormatInt(issued.Load(), 10) {
			wrong.Add(1)
		}
		store.handle(w, req)
	}))
	r := newTestRegistry(t)
	r.interfere(func(w http.ResponseWriter, req *http.Request) bool {
		http.Redirect(w, req, fmt.Sprintf("https://%s/blob?ticket=%d", away, issued.Add(1)), http.StatusTemporaryRedirect)
		return true
	})
	got, err := readBlob(t, open(t, r.host+"/lab/app:1", r.options(t)), Descriptor{Digest: seaworthy.DigestOf(content), Size: 50_000})
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, error %v", len(got), err)
	}
	if issued.Load() != 3 || wrong.Load() != 0 {
		t.Errorf("%d tickets, want 3; %d requests with an old one", issued.Load(), wrong.Load())
	}
}

func TestBlobOfBadDigest(t *testing.T) {
	t.Parallel()
	s := open(t, "127.0.0.1:1/app", Options{})
	for _, d := range []seaworthy.Digest{"", "sha256:../../../etc/passwd", "sha256:" + seaworthy.Digest(strings.Repeat("A", 64))} {
		_, err := s.Blob(t.Context(), Descriptor{Digest: d})
		wantError(t, err, seaworthy.CodeCorrupt, "descriptor")
	}
}
