package faults

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/seaworthy-dev/seaworthy/e2e/program"
)

// bigImage has a layer with a file that is too large to be kept in memory.
func bigImage(t *testing.T) v1.Image {
	t.Helper()
	noise := make([]byte, 8<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range []struct {
		name    string
		content []byte
	}{
		{"app/node_modules/left-pad/package.json", []byte(`{"name":"left-pad","version":"1.3.0"}`)},
		{"app/app.jar", noise},
	} {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: 0o644, Size: int64(len(f.content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(f.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// stalling serves an image from a registry that sends half of the layer, and no
// more, until it is mended.
func stalling(t *testing.T, image v1.Image) (reference string, stalled <-chan struct{}, mend func()) {
	t.Helper()
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := layers[0].Digest()
	if err != nil {
		t.Fatal(err)
	}
	whole := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	hangs, mended := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-mended:
			whole.ServeHTTP(w, r)
			return
		default:
		}
		if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/blobs/"+digest.String()) {
			whole.ServeHTTP(w, r)
			return
		}
		var answer httptest.ResponseRecorder
		answer.Body = new(bytes.Buffer)
		whole.ServeHTTP(&answer, r)
		w.Header().Set("Content-Length", answer.Header().Get("Content-Length"))
		_, _ = w.Write(answer.Body.Bytes()[:answer.Body.Len()/2])
		_ = http.NewResponseController(w).Flush()
		close(hangs)
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	ref, err := name.NewTag(strings.TrimPrefix(server.URL, "http://")+"/lab/app:1", name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, image, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	return ref.String(), hangs, func() { close(mended) }
}

// An interruption during a blob that hangs ends the program within a second and
// leaves nothing but the database, which the next run uses.
func TestInterruptedAssess(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			h := program.NewHome(t)
			reference, stalled, mend := stalling(t, bigImage(t))
			args := []string{"assess", "--plain-http", "--format", "json", reference}
			r := program.Wait(t, h.Command(t, args...), func(p *os.Process) {
				<-stalled
				if err := p.Signal(signal); err != nil {
					t.Error(err)
				}
			})
			if r.Code != 1 || r.Took > time.Second || !strings.Contains(r.Err, "seaworthy: interrupted\n") {
				t.Errorf("exit code %d after %s, want 1 within a second and the word \"interrupted\"; it says:\n%s", r.Code, r.Took, r.Err)
			}
			if r.Out != "" {
				t.Errorf("it writes %q", r.Out)
			}
			if left := program.Left(t, h.Temp); len(left) > 0 {
				t.Errorf("temporary files are left: %v", left)
			}
			if left := program.Left(t, h.Data, program.Database()...); len(left) > 0 {
				t.Errorf("the data directory holds %v", left)
			}
			mend()
			got := h.Assess(t, "--plain-http", reference)
			if d := cmp.Diff([]string{"left-pad 1.3.0"}, got[0].Of("npm")); d != "" {
				t.Errorf("packages of the next run (-want +got):\n%s", d)
			}
		})
	}
}

// feed is one line of advisories status.
type feed struct {
	Source, Ecosystem, URL      string
	Records, Withdrawn, Skipped int
	Newest, Updated             time.Time
}

func status(t *testing.T, h *program.Home) []feed {
	t.Helper()
	var doc struct{ Feeds []feed }
	if err := json.Unmarshal([]byte(h.Succeed(t, "advisories", "status", "--output", "json")), &doc); err != nil {
		t.Fatal(err)
	}
	return doc.Feeds
}

func update(b *bucket) []string {
	return []string{"advisories", "update", "--source", b.URL, "--ecosystem", "npm", "--kev", "none", "--epss", "none"}
}

// However an update ends before its end, the old set is there, whole, and the
// next update brings the new one.
func TestInterruptedUpdate(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		signal syscall.Signal
		stall  string // the file in which the server hangs
		moved  bool   // the next update reads another bucket, and so the whole
	}{
		{"killed in the zip", syscall.SIGKILL, "npm/all.zip", true},
		{"killed in a list of changes", syscall.SIGKILL, "npm/modified_id.csv", false},
		{"killed in a changed record", syscall.SIGKILL, "npm/LAB-7.json", false},
		{"interrupted in the zip", syscall.SIGINT, "npm/all.zip", true},
		{"interrupted in a changed record", syscall.SIGINT, "npm/LAB-7.json", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h, b := program.NewHome(t), newBucket(t)
			b.family(t, 5, 48*time.Hour, 20)
			h.Succeed(t, update(b)...)
			before := status(t, h)
			if len(before) != 1 || before[0].Records != 5 {
				t.Fatalf("the first update gives %+v", before)
			}
			if tc.moved {
				b = newBucket(t)
			}
			b.family(t, 9, time.Hour, 20)
			stalled := b.stall(tc.stall)
			r := program.Wait(t, h.Command(t, update(b)...), func(p *os.Process) {
				<-stalled
				if err := p.Signal(tc.signal); err != nil {
					t.Error(err)
				}
			})
			if tc.signal == syscall.SIGINT && (r.Code != 1 || r.Took > time.Second || !strings.Contains(r.Err, "interrupted")) {
				t.Errorf("exit code %d after %s, want 1 within a second and the word \"interrupted\"; it says:\n%s", r.Code, r.Took, r.Err)
			}
			afterwards(t, h, b, before, 9)
		})
	}
}

// A kill while records are being written undoes all of them.
func TestKilledWhileWriting(t *testing.T) {
	t.Parallel()
	h, b := program.NewHome(t), newBucket(t)
	b.family(t, 5, 48*time.Hour, 20)
	h.Succeed(t, update(b)...)
	before := status(t, h)
	b = newBucket(t)
	const records = 4_000
	b.family(t, records, time.Hour, 6_000) // more than the writer keeps in memory
	wal := filepath.Join(h.Data, "seaworthy.db-wal")
	r := program.Wait(t, h.Command(t, update(b)...), func(p *os.Process) {
		for tick := time.Tick(time.Millisecond); ; <-tick {
			info, err := os.Stat(wal)
			if err == nil && info.Size() > 1<<20 {
				break
			}
			if t.Context().Err() != nil {
				break
			}
		}
		if err := p.Kill(); err != nil {
			t.Error(err)
		}
	})
	if r.Code != -1 {
		t.Fatalf("the update ended before it was killed, with exit code %d:\n%s", r.Code, r.Err)
	}
	afterwards(t, h, b, before, records)
}

// afterwards holds that the old set is there after an update that broke off, and
// that the next one works.
func afterwards(t *testing.T, h *program.Home, b *bucket, before []feed, records int) {
	t.Helper()
	if left := program.Left(t, h.Temp); len(left) > 0 {
		t.Errorf("temporary files are left: %v", left)
	}
	if left := program.Left(t, h.Data, program.Database()...); len(left) > 0 {
		t.Errorf("the data directory holds %v", left)
	}
	if d := cmp.Diff(before, status(t, h)); d != "" {
		t.Errorf("status after the break (-before +after):\n%s", d)
	}
	h.Succeed(t, update(b)...)
	if after := status(t, h); len(after) != 1 || after[0].Records != records || !after[0].Updated.After(before[0].Updated) {
		t.Errorf("status after the next update is %+v, want %d records", after, records)
	}
}
