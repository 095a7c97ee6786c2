package assess_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/assess"
	"github.com/seaworthy-dev/seaworthy/internal/layer"
	"github.com/seaworthy-dev/seaworthy/internal/oci"
)

// Each of several requests that fails does so alone, in its place.
func TestOneBadImageFailsAlone(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]v1.Image{"chart": with(t, mutate.ConfigMediaType(scratch(), "application/vnd.cncf.helm.config.v1+json"),
		mutate.Addendum{Layer: static.NewLayer([]byte("chart"), "application/vnd.cncf.helm.chart.content.v1.tar+gzip")})})
	unreachable := l.source(t, "debian")
	unreachable.root = &seaworthy.Error{Code: seaworthy.CodeUnreachable, Public: "connection refused"}
	garbled := l.source(t, "rails-app")
	garbled.forge = func(oci.Descriptor, []byte) ([]byte, bool) { return []byte(`{"schemaVersion":2,"config":`), true }
	elsewhere := l.source(t, "gateway")

	list := requests(l.source(t, "node-app"), unreachable, l.source(t, "java-app"), garbled, l.source(t, "chart"), elsewhere, l.source(t, "alpine-tool"))
	list[5].Wish.Platform = seaworthy.Platform{OS: "linux", Architecture: "s390x"}
	outcomes := l.assess(t, l.assessor(), list)
	for i, want := range []struct {
		code seaworthy.Code
		says string
	}{
		0: {},
		1: {seaworthy.CodeUnreachable, "connection refused"},
		2: {},
		3: {seaworthy.CodeCorrupt, "manifest"},
		4: {seaworthy.CodeInvalid, "is not a container image"},
		5: {seaworthy.CodeNotFound, "linux/arm64"},
		6: {},
	} {
		o := outcomes[i]
		if o.Reference != list[i].Source.Reference() {
			t.Errorf("outcome %d is of %s, want %s", i, o.Reference, list[i].Source.Reference())
		}
		if want.code == "" {
			if o.Err != nil || len(o.Assessments) != 1 || len(o.Assessments[0].Inventory.Packages) == 0 {
				t.Errorf("%s: %d assessments and the error %v, want one with packages", o.Reference, len(o.Assessments), o.Err)
			}
			continue
		}
		if o.Err == nil || seaworthy.CodeOf(o.Err) != want.code || !strings.Contains(o.Err.Error(), want.says) || len(o.Assessments) > 0 {
			t.Errorf("%s: %d assessments and the error %v (%s), want an error %s with %q", o.Reference, len(o.Assessments), o.Err,
				seaworthy.CodeOf(o.Err), want.code, want.says)
		}
	}
}

// A layer that breaks fails the images that have it and leaves nothing behind;
// what was read well is kept, and the next run reads what is missing.
func TestFailingLayer(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	manifest, config, layers := l.parts(t, "node-app")
	_, _, others := l.parts(t, "rails-app")
	bad := layers[2]
	reset := &seaworthy.Error{Code: seaworthy.CodeUnreachable, Public: "connection reset"}
	flaky := l.source(t, "node-app")
	flaky.cut = map[seaworthy.Digest]error{bad: reset}

	outcomes := l.assess(t, l.assessor(), requests(flaky, l.source(t, "rails-app")))
	err := outcomes[0].Err
	if !errors.Is(err, reset) || !strings.Contains(err.Error(), "layer 3 of 4 ("+bad.Short()+")") || len(outcomes[0].Assessments) > 0 {
		t.Errorf("%d assessments and the error %v, want that of layer 3", len(outcomes[0].Assessments), err)
	}
	if outcomes[1].Err != nil || len(outcomes[1].Assessments) != 1 {
		t.Errorf("the image with other layers: %d assessments, %v", len(outcomes[1].Assessments), outcomes[1].Err)
	}

	have, err := l.store.HaveContents(t.Context(), append(layers, others...), layer.Version)
	if err != nil {
		t.Fatal(err)
	}
	want := map[seaworthy.Digest]bool{}
	for _, d := range append(layers, others...) {
		want[d] = true
	}
	delete(want, bad)
	maps.DeleteFunc(have, func(_ seaworthy.Digest, has bool) bool { return !has })
	diff(t, "contents in the store", want, have)
	images, err := l.store.Images(t.Context(), []seaworthy.Digest{manifest}, layer.Version)
	if err != nil || len(images) != 0 {
		t.Errorf("the store has %d images, %v, want none", len(images), err)
	}

	l.reads.take()
	got := l.good(t, "node-app")
	_, _, blobs := l.reads.take()
	diff(t, "blobs of the next run", once(bad, config), blobs)
	diff(t, "its inventory", newLab(t, nil).good(t, "node-app")[0].Inventory, got[0].Inventory)
}

// A shared layer that breaks fails each image that has it.
func TestFailingSharedLayer(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	_, _, base := l.parts(t, "debian-12.4")
	reset := &seaworthy.Error{Code: seaworthy.CodeUnreachable, Public: "connection reset"}
	var sources []*source
	for _, tag := range []string{"node-app", "rails-app", "alpine-tool"} {
		s := l.source(t, tag)
		s.cut = map[seaworthy.Digest]error{base[0]: reset}
		sources = append(sources, s)
	}
	outcomes := l.assess(t, l.assessor(), requests(sources...))
	for _, o := range outcomes[:2] {
		if !errors.Is(o.Err, reset) {
			t.Errorf("%s: %v, want the layer's error", o.Reference, o.Err)
		}
	}
	if outcomes[2].Err != nil {
		t.Errorf("%s: %v, want no error", outcomes[2].Reference, outcomes[2].Err)
	}
}

func TestUnknownPlatform(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	list := requests(l.source(t, "gateway"))
	list[0].Wish.Platform = seaworthy.Platform{OS: "windows", Architecture: "amd64"}
	o := l.assess(t, l.assessor(), list)[0]
	if seaworthy.CodeOf(o.Err) != seaworthy.CodeNotFound {
		t.Fatalf("the error is %v (%s), want %s", o.Err, seaworthy.CodeOf(o.Err), seaworthy.CodeNotFound)
	}
	for _, says := range []string{"windows/amd64", "linux/amd64", "linux/arm64"} {
		if !strings.Contains(o.Err.Error(), says) {
			t.Errorf("the error says %q, want %s in it", o.Err, says)
		}
	}
	_, _, blobs := l.reads.take()
	diff(t, "blobs", once(), blobs)
}

// A foreign layer is said and never fetched; the rest of the image stands.
func TestForeignLayer(t *testing.T) {
	t.Parallel()
	const pkg = `{"name":"left-pad","version":"1.3.0"}`
	foreign := static.NewLayer([]byte("elsewhere"), "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")
	image := with(t, files(t, scratch(), map[string]string{"app/node_modules/left-pad/package.json": pkg}), mutate.Addendum{
		Layer: foreign, MediaType: types.MediaType("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"),
		URLs: []string{"https://cdn.example.com/layer"},
	})
	l := newLab(t, map[string]v1.Image{"foreign": image})
	_, config, layers := l.parts(t, "foreign")
	for _, run := range []string{"first", "second"} {
		a := l.good(t, "foreign")[0]
		_, _, blobs := l.reads.take()
		want := once(config, layers[0])
		if run == "second" {
			want = once()
		}
		diff(t, "blobs of the "+run+" run", want, blobs)
		var names []string
		for _, p := range a.Inventory.Packages {
			names = append(names, p.Name)
		}
		diff(t, "packages", []string{"left-pad"}, names)
		said := 0
		for _, g := range a.Inventory.Gaps {
			if g.Kind == seaworthy.GapForeignLayer && g.Layer == 1 {
				said++
			}
		}
		if said != 1 || !a.Image.Layers[1].Foreign {
			t.Errorf("the %s run says the foreign layer %d times: %v", run, said, a.Inventory.Gaps)
		}
	}
}

// An end of the context ends the work at once, and leaves what was read whole.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	manifest, _, layers := l.parts(t, "node-app")
	ctx, cancel := context.WithCancel(t.Context())
	s := l.source(t, "node-app")
	s.stall = func(ctx context.Context, d seaworthy.Digest) error {
		if d != layers[2] {
			return nil
		}
		cancel()
		<-ctx.Done()
		return ctx.Err()
	}
	outcomes, err := l.assessor().Assess(ctx, []assess.Request{{Source: s, Wish: amd64()}})
	if !errors.Is(err, context.Canceled) || outcomes != nil {
		t.Errorf("%v and the error %v, want that the context was cancelled", outcomes, err)
	}
	have, err := l.store.HaveContents(t.Context(), layers, layer.Version)
	if err != nil || have[layers[2]] {
		t.Errorf("the store has %v, %v, want nothing of %s", have, err, layers[2].Short())
	}
	images, err := l.store.Images(t.Context(), []seaworthy.Digest{manifest}, layer.Version)
	if err != nil || len(images) != 0 {
		t.Errorf("the store has %d images, %v, want none", len(images), err)
	}
	if d := cmp.Diff(newLab(t, nil).good(t, "node-app")[0].Inventory, l.good(t, "node-app")[0].Inventory); d != "" {
		t.Errorf("the next run gives another inventory (-want +got):\n%s", d)
	}
}
