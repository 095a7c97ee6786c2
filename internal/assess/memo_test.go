package assess_test

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/assess"
	"github.com/seaworthy-dev/seaworthy/internal/layer"
	"github.com/seaworthy-dev/seaworthy/internal/oci"
)

// An image whose digest is known costs its root and nothing more.
func TestSecondRunReadsNothing(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	advise(t, l.store, about("GHSA-aaaa-aaaa-aaaa", "axios", "0.21.2"))
	manifest, config, layers := l.parts(t, "node-app")

	first := l.good(t, "node-app")
	roots, manifests, blobs := l.reads.take()
	if roots != 1 {
		t.Errorf("the first run asked for the root %d times", roots)
	}
	diff(t, "manifests of the first run", once(manifest), manifests)
	diff(t, "blobs of the first run", once(append(layers, config)...), blobs)
	diff(t, "findings", []string{"axios GHSA-aaaa-aaaa-aaaa"}, ids(first[0]))

	second := l.good(t, "node-app")
	roots, manifests, blobs = l.reads.take()
	if roots != 1 {
		t.Errorf("the second run asked for the root %d times", roots)
	}
	diff(t, "manifests of the second run", once(), manifests)
	diff(t, "blobs of the second run", once(), blobs)
	diff(t, "the second assessment", first, second)
}

// Of an index, the index itself is read again, for only it tells what it holds.
func TestKnownImagesOfAnIndex(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	all := func() []seaworthy.Assessment {
		outcomes := l.assess(t, l.assessor(), []assess.Request{{Source: l.source(t, "gateway"), Wish: oci.Wish{All: true}}})
		if outcomes[0].Err != nil {
			t.Fatal(outcomes[0].Err)
		}
		return outcomes[0].Assessments
	}
	first := all()
	_, manifests, blobs := l.reads.take()
	var platforms []string
	for _, a := range first {
		platforms = append(platforms, a.Image.Platform.String())
	}
	diff(t, "platforms", []string{"linux/amd64", "linux/arm64"}, platforms)
	if len(manifests) != 3 || len(blobs) != 4 {
		t.Errorf("%d manifests and %d blobs were read, want 3 (the index and two images) and 4 (a config and a layer of each)", len(manifests), len(blobs))
	}
	root, err := l.source(t, "gateway").Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l.reads.take()

	second := all()
	_, manifests, blobs = l.reads.take()
	diff(t, "manifests of the second run", once(root.Digest), manifests)
	diff(t, "blobs of the second run", once(), blobs)
	diff(t, "the second assessments", first, second)
}

// An image on a base that was read before costs its own layers.
func TestSharedBase(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	_, _, base := l.parts(t, "debian-12.4")
	_, config, layers := l.parts(t, "node-app")
	if d := cmp.Diff(base, layers[:len(base)]); d != "" {
		t.Fatalf("the samples share no base (-base +app):\n%s", d)
	}
	l.good(t, "debian-12.4")
	l.reads.take()

	got := l.good(t, "node-app")
	_, _, blobs := l.reads.take()
	diff(t, "blobs", once(append(layers[len(base):], config)...), blobs)

	fresh := newLab(t, nil)
	want := fresh.good(t, "node-app")
	diff(t, "the inventory with a known base", want[0].Inventory, got[0].Inventory)
}

// A layer of several images is read once, however many requests there are: 68
// are more than are in hand at once.
func TestSharedLayersAreReadOnce(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	tags := []string{"debian-12.4", "rails-app", "node-app", "java-app"}
	want := map[seaworthy.Digest]int{}
	shared := 0
	for _, tag := range tags {
		_, _, layers := l.parts(t, tag)
		for _, d := range layers {
			if want[d] == 1 {
				shared++
			}
			want[d] = 1
		}
	}
	if shared != 3 {
		t.Fatalf("%d layers are shared, want that of the base by three images", shared)
	}
	var many []string
	for range 17 {
		many = append(many, tags...)
	}
	assessments := l.good(t, many...)
	_, _, blobs := l.reads.take()
	for _, tag := range tags { // configs may be read for each request of a group
		_, config, _ := l.parts(t, tag)
		delete(blobs, config)
	}
	diff(t, "layers read", want, blobs)
	for i, a := range assessments {
		if d := cmp.Diff(assessments[i%len(tags)].Inventory, a.Inventory); d != "" {
			t.Errorf("request %d gives another inventory (-first +this):\n%s", i, d)
		}
	}
}

func TestForget(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	advise(t, l.store, about("GHSA-aaaa-aaaa-aaaa", "axios", "0.21.2"))
	manifest, config, layers := l.parts(t, "node-app")
	forget := func() []seaworthy.Assessment {
		a := l.assessor()
		a.Forget = true
		return only(t, l.assess(t, a, requests(l.source(t, "node-app"))))
	}
	var forgotten []seaworthy.Assessment
	for range 2 {
		forgotten = forget()
		_, manifests, blobs := l.reads.take()
		for d := range manifests { // Select and Load each may ask
			if d != manifest {
				t.Errorf("manifest %s was read", d)
			}
		}
		diff(t, "blobs", once(append(layers, config)...), blobs)
	}
	have, err := l.store.HaveContents(t.Context(), layers, layer.Version)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "contents in the store", map[seaworthy.Digest]bool{}, have)
	images, err := l.store.Images(t.Context(), []seaworthy.Digest{manifest}, layer.Version)
	if err != nil {
		t.Fatal(err)
	}
	families, err := l.store.Families(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(images) != 0 || len(families) != 0 {
		t.Errorf("the store has %d images and packages of %v, want none", len(images), families)
	}

	remembered := l.good(t, "node-app")
	diff(t, "the assessment of one that remembers", forgotten, remembered)
	diff(t, "findings", []string{"axios GHSA-aaaa-aaaa-aaaa"}, ids(remembered[0]))
	l.reads.take()
	forget()
	_, _, blobs := l.reads.take()
	diff(t, "blobs, though the store knows all", once(append(layers, config)...), blobs)
}

// Two processes may assess the same images with one database.
func TestTwoAssessorsAtOnce(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	advise(t, l.store, about("GHSA-aaaa-aaaa-aaaa", "axios", "0.21.2"))
	tags := []string{"debian", "rails-app", "node-app", "java-app", "alpine-tool", "alma-tool", "gateway"}
	outcomes := make([][]assess.Outcome, 4)
	errs := make([]error, len(outcomes))
	var wg sync.WaitGroup
	for i := range outcomes {
		a := l.assessor()
		if i%2 == 1 {
			a.Store = l.open(t)
		}
		var sources []*source
		for j := range tags {
			sources = append(sources, l.source(t, tags[(i+j)%len(tags)]))
		}
		wg.Go(func() { outcomes[i], errs[i] = a.Assess(t.Context(), requests(sources...)) })
	}
	wg.Wait()
	want := map[string]seaworthy.Assessment{}
	for i := range outcomes {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		for _, a := range only(t, outcomes[i]) {
			if i == 0 {
				want[a.Reference] = a
			}
			if d := cmp.Diff(want[a.Reference], a); d != "" {
				t.Errorf("assessors differ on %s (-first +this):\n%s", a.Reference, d)
			}
		}
	}
	l.reads.take()
	l.good(t, tags...)
	_, _, blobs := l.reads.take()
	diff(t, "blobs afterwards", once(), blobs)
}
