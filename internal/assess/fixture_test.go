package assess_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/assess"
	"github.com/seaworthy-dev/seaworthy/internal/demo"
	"github.com/seaworthy-dev/seaworthy/internal/layer"
	"github.com/seaworthy-dev/seaworthy/internal/layer/extractor"
	"github.com/seaworthy-dev/seaworthy/internal/match"
	"github.com/seaworthy-dev/seaworthy/internal/oci"
	"github.com/seaworthy-dev/seaworthy/internal/store"
	"github.com/seaworthy-dev/seaworthy/internal/version"
)

// now is when all tests take place.
var now = time.Date(2025, time.May, 6, 7, 8, 9, 0, time.UTC)

// reads counts what was asked of the sources that share it.
type reads struct {
	mu        sync.Mutex
	roots     int
	manifests map[seaworthy.Digest]int
	blobs     map[seaworthy.Digest]int
}

func (r *reads) note(of *map[seaworthy.Digest]int, d seaworthy.Digest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if *of == nil {
		*of = map[seaworthy.Digest]int{}
	}
	(*of)[d]++
}

// take gives what was counted and begins anew.
func (r *reads) take() (roots int, manifests, blobs map[seaworthy.Digest]int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	roots, manifests, blobs = r.roots, r.manifests, r.blobs
	r.roots, r.manifests, r.blobs = 0, nil, nil
	return roots, manifests, blobs
}

// source counts what is read of a real one, and can be told to fail.
type source struct {
	oci.Source
	reads *reads

	root  error                                                  // in the place of the root
	stall func(ctx context.Context, d seaworthy.Digest) error    // before a blob is opened; may be nil
	cut   map[seaworthy.Digest]error                             // blobs that break in the middle, and how
	forge func(d oci.Descriptor, manifest []byte) ([]byte, bool) // another manifest; may be nil
}

func (s *source) Root(ctx context.Context) (oci.Descriptor, error) {
	s.reads.mu.Lock()
	s.reads.roots++
	s.reads.mu.Unlock()
	if s.root != nil {
		return oci.Descriptor{}, s.root
	}
	return s.Source.Root(ctx)
}

func (s *source) Manifest(ctx context.Context, d oci.Descriptor) ([]byte, error) {
	s.reads.note(&s.reads.manifests, d.Digest)
	b, err := s.Source.Manifest(ctx, d)
	if err == nil && s.forge != nil {
		if forged, ok := s.forge(d, b); ok {
			return forged, nil
		}
	}
	return b, err
}

func (s *source) Blob(ctx context.Context, d oci.Descriptor) (io.ReadCloser, error) {
	s.reads.note(&s.reads.blobs, d.Digest)
	if s.stall != nil {
		if err := s.stall(ctx, d.Digest); err != nil {
			return nil, err
		}
	}
	r, err := s.Source.Blob(ctx, d)
	if breaks := s.cut[d.Digest]; err == nil && breaks != nil {
		return broken{io.MultiReader(io.LimitReader(r, d.Size/2), failing{breaks}), r}, nil
	}
	return r, err
}

type broken struct {
	io.Reader
	io.Closer
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// lab is a layout with images, and a store.
type lab struct {
	dir   string
	reads reads
	store *store.Store
	path  string // of the store's file
}

// newLab writes the sample images, and others by their names.
func newLab(t *testing.T, others map[string]v1.Image) *lab {
	t.Helper()
	samples, err := demo.Samples()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(others)) {
		samples = append(samples, demo.Sample{Name: name, Image: others[name]})
	}
	l := &lab{dir: filepath.Join(t.TempDir(), "layout"), path: filepath.Join(t.TempDir(), "seaworthy.db")}
	if err := demo.Write(l.dir, samples); err != nil {
		t.Fatal(err)
	}
	l.store = l.open(t)
	return l
}

// open opens the store's file, as another process would.
func (l *lab) open(t *testing.T) *store.Store {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{
		Path:         l.path,
		AdvisoryName: func(p seaworthy.Package) string { name, _ := version.AdvisoryName(p); return name },
		Header: func(a seaworthy.Advisory, source string) ([]byte, error) {
			return json.Marshal(match.HeaderOf(a, source))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

// source opens an image of the layout by its tag.
func (l *lab) source(t *testing.T, tag string) *source {
	t.Helper()
	s, err := oci.Open("oci:"+l.dir+":"+tag, oci.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &source{Source: s, reads: &l.reads}
}

// assessor is a new one, as a new process has.
func (l *lab) assessor() *assess.Assessor {
	limits := seaworthy.DefaultLimits()
	return &assess.Assessor{
		Store: l.store, Limits: limits, Now: func() time.Time { return now },
		Analyser: &layer.Analyser{Extractors: extractor.All(limits), Limits: limits},
	}
}

func amd64() oci.Wish {
	return oci.Wish{Platform: seaworthy.Platform{OS: "linux", Architecture: "amd64"}}
}

func requests(sources ...*source) []assess.Request {
	var list []assess.Request
	for _, s := range sources {
		list = append(list, assess.Request{Source: s, Wish: amd64()})
	}
	return list
}

// assess answers requests that must not end the whole.
func (l *lab) assess(t *testing.T, a *assess.Assessor, list []assess.Request) []assess.Outcome {
	t.Helper()
	outcomes, err := a.Assess(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	if len(outcomes) != len(list) {
		t.Fatalf("%d outcomes of %d requests", len(outcomes), len(list))
	}
	return outcomes
}

// good assesses tags that must all succeed, and gives an assessment for each.
func (l *lab) good(t *testing.T, tags ...string) []seaworthy.Assessment {
	t.Helper()
	var sources []*source
	for _, tag := range tags {
		sources = append(sources, l.source(t, tag))
	}
	return only(t, l.assess(t, l.assessor(), requests(sources...)))
}

// only takes the one assessment of each outcome.
func only(t *testing.T, outcomes []assess.Outcome) []seaworthy.Assessment {
	t.Helper()
	var all []seaworthy.Assessment
	for _, o := range outcomes {
		if o.Err != nil || len(o.Assessments) != 1 {
			t.Fatalf("%s: %d assessments and the error %v, want one assessment", o.Reference, len(o.Assessments), o.Err)
		}
		all = append(all, o.Assessments[0])
	}
	return all
}

// parts are an image's manifest digest, config and layers, as the layout has them.
func (l *lab) parts(t *testing.T, tag string) (manifest, config seaworthy.Digest, layers []seaworthy.Digest) {
	t.Helper()
	s, err := oci.Open("oci:"+l.dir+":"+tag, oci.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	root, err := s.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Manifest(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	m, err := v1.ParseManifest(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range m.Layers {
		layers = append(layers, seaworthy.Digest(d.Digest.String()))
	}
	return root.Digest, seaworthy.Digest(m.Config.Digest.String()), layers
}

// once is each digest once.
func once(digests ...seaworthy.Digest) map[seaworthy.Digest]int {
	counts := map[seaworthy.Digest]int{}
	for _, d := range digests {
		counts[d] = 1
	}
	return counts
}

func diff(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// files is an image of one layer with these files.
func files(t *testing.T, base v1.Image, content map[string]string) v1.Image {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(content)) {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content[name]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return with(t, base, mutate.Addendum{Layer: static.NewLayer(b.Bytes(), types.OCIUncompressedLayer)})
}

func with(t *testing.T, base v1.Image, add mutate.Addendum) v1.Image {
	t.Helper()
	image, err := mutate.Append(base, add)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func scratch() v1.Image {
	return mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
}

// advise makes records of npm the whole of what is known.
func advise(t *testing.T, st *store.Store, records ...seaworthy.Advisory) {
	t.Helper()
	feed := seaworthy.Feed{Source: "osv", Ecosystem: seaworthy.NPM, URL: "https://advisories.example/npm", Updated: now}
	_, err := st.Replace(t.Context(), feed, true, func(yield func(seaworthy.Advisory, error) bool) {
		for _, a := range records {
			if !yield(a, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// about says that versions of an npm package below fixed are vulnerable.
func about(id, name, fixed string) seaworthy.Advisory {
	return seaworthy.Advisory{
		ID: id, Modified: now, Published: now,
		Affected: []seaworthy.Affected{{Ecosystem: seaworthy.NPM, Name: name, Ranges: []seaworthy.Range{{
			Type: seaworthy.RangeSemver, Events: []seaworthy.Event{{Introduced: "0"}, {Fixed: fixed}},
		}}}},
	}
}

// ids lists "package id" of an assessment's vulnerabilities, sorted.
func ids(a seaworthy.Assessment) []string {
	var list []string
	for _, v := range a.Vulnerabilities {
		list = append(list, v.Package.Name+" "+v.ID)
	}
	slices.Sort(list)
	return list
}
