package faults

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// bucket serves advisories as OSV does, and can hang in the middle of an answer.
type bucket struct {
	*httptest.Server

	mu    sync.Mutex
	files map[string][]byte
	hang  string        // the file of which half is sent, then nothing
	hung  chan struct{} // closed when it hangs
}

func newBucket(t *testing.T) *bucket {
	t.Helper()
	b := &bucket{files: map[string][]byte{}}
	ended := make(chan struct{})
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		b.mu.Lock()
		content, ok := b.files[name]
		hang, hung := b.hang == name, b.hung
		if hang {
			b.hang = ""
		}
		b.mu.Unlock()
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		if !hang {
			_, _ = w.Write(content)
			return
		}
		_, _ = w.Write(content[:len(content)/2])
		_ = http.NewResponseController(w).Flush()
		close(hung)
		select {
		case <-r.Context().Done():
		case <-ended:
		}
	}))
	t.Cleanup(func() {
		close(ended)
		b.Close()
	})
	return b
}

// put sets a file.
func (b *bucket) put(name string, content []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.files[name] = content
}

// stall makes the next answer with that file hang; the channel is closed when it
// does.
func (b *bucket) stall(name string) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hang, b.hung = name, make(chan struct{})
	return b.hung
}

// family sets the npm family: records 1 to n, modified as long ago as told, with
// so many bytes of details each.
func (b *bucket) family(t *testing.T, n int, ago time.Duration, details int) {
	t.Helper()
	at := time.Now().Add(-ago).UTC().Format(time.RFC3339)
	noise := rand.NewChaCha8([32]byte{})
	var all bytes.Buffer
	var list strings.Builder
	w := zip.NewWriter(&all)
	for i := range n {
		text := make([]byte, details*3/4)
		_, _ = noise.Read(text)
		id := fmt.Sprintf("LAB-%d", i+1)
		record := fmt.Appendf(nil, `{"schema_version":"1.7.0","id":%[1]q,"modified":%[2]q,"published":%[2]q,"details":%[3]q,
"affected":[{"package":{"ecosystem":"npm","name":"lab-%[4]d"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"2.0.%[4]d"}]}]}]}`,
			id, at, base64.StdEncoding.EncodeToString(text), i+1)
		f, err := w.CreateHeader(&zip.FileHeader{Name: id + ".json", Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(record); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&list, "%s,%s\n", at, id)
		b.put("npm/"+id+".json", record)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	b.put("npm/all.zip", all.Bytes())
	b.put("npm/modified_id.csv", []byte(list.String()))
}
