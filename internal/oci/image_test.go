package oci

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	ggcrlayout "github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/seaworthy-dev/seaworthy"
)

// memory is a Source of what a test put in.
type memory struct {
	blobs map[seaworthy.Digest][]byte
	read  []seaworthy.Digest
}

func (m *memory) put(content string) Descriptor {
	if m.blobs == nil {
		m.blobs = map[seaworthy.Digest][]byte{}
	}
	d := seaworthy.DigestOf([]byte(content))
	m.blobs[d] = []byte(content)
	return Descriptor{Digest: d, Size: int64(len(content))}
}

// putAs is put with a media type, as JSON for an index.
func (m *memory) putAs(t *testing.T, mediaType, content, more string) string {
	t.Helper()
	d := m.put(content)
	return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d%s}`, mediaType, d.Digest, d.Size, more)
}

func (m *memory) Reference() string { return "lab/app:1" }
func (m *memory) Root(context.Context) (Descriptor, error) {
	return Descriptor{}, errors.New("not in this test")
}

func (m *memory) Manifest(_ context.Context, d Descriptor) ([]byte, error) {
	b, ok := m.blobs[d.Digest]
	if !ok {
		return nil, &seaworthy.Error{Code: seaworthy.CodeNotFound, Public: "no " + string(d.Digest)}
	}
	m.read = append(m.read, d.Digest)
	return b, verifyBytes(b, "the manifest", d)
}

func (m *memory) Blob(ctx context.Context, d Descriptor) (io.ReadCloser, error) {
	b, ok := m.blobs[d.Digest]
	if !ok {
		return nil, &seaworthy.Error{Code: seaworthy.CodeNotFound, Public: "no " + string(d.Digest)}
	}
	m.read = append(m.read, d.Digest)
	return &verifiedReader{source: io.NopCloser(bytes.NewReader(b)), ctx: ctx, verifier: newVerifier("the blob", d)}, nil
}

func (m *memory) Close() error { return nil }

const layerJSON = `{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"` + string(digestA) + `","size":9}`

// image puts a config and a manifest.
func (m *memory) image(t *testing.T, config string, layers ...string) Descriptor {
	t.Helper()
	return m.put(fmt.Sprintf(`{"schemaVersion":2,"config":%s,"layers":[%s]}`, m.putAs(t, typeConfig, config, ""), strings.Join(layers, ",")))
}

func index(entries ...string) string {
	return `{"schemaVersion":2,"mediaType":"` + typeIndex + `","manifests":[` + strings.Join(entries, ",") + `]}`
}

func on(platform string) string { return `,"platform":` + platform }

func TestSelectByPlatform(t *testing.T) {
	t.Parallel()
	platforms := []v1.Platform{
		{OS: "linux", Architecture: "amd64"},
		{OS: "linux", Architecture: "arm", Variant: "v5"},
		{OS: "linux", Architecture: "arm", Variant: "v7"},
		{OS: "linux", Architecture: "arm", Variant: "v6"},
		{OS: "linux", Architecture: "arm64", Variant: "v8"},
		{OS: "windows", Architecture: "amd64", OSVersion: "10.0.17763.5576"},
		{OS: "windows", Architecture: "amd64", OSVersion: "10.0.20348.2322"},
		{OS: "windows", Architecture: "amd64", OSVersion: "10.0.9999.1"},
		{OS: "linux", Architecture: "riscv64"},
	}
	l, err := ggcrlayout.Write(t.TempDir(), empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.AppendIndex(indexOf(t, platforms...)); err != nil {
		t.Fatal(err)
	}
	s := open(t, "oci:"+string(l), Options{})
	root, err := s.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for want, expected := range map[seaworthy.Platform]int{
		{OS: "linux", Architecture: "amd64"}:                                 0,
		{OS: "linux", Architecture: "arm"}:                                   2,
		{OS: "linux", Architecture: "arm", Variant: "v6"}:                    3,
		{OS: "linux", Architecture: "arm", Variant: "v8"}:                    -1,
		{OS: "linux", Architecture: "arm64"}:                                 4,
		{OS: "linux", Architecture: "arm64", Variant: "v8"}:                  4,
		{OS: "linux", Architecture: "arm64", Variant: "v9"}:                  -1,
		{OS: "windows", Architecture: "amd64"}:                               6,
		{OS: "windows", Architecture: "amd64", OSVersion: "10.0.17763.1"}:    5,
		{OS: "windows", Architecture: "amd64", OSVersion: "10.0.17763.5576"}: 5,
		{OS: "windows", Architecture: "amd64", OSVersion: "10.0.1"}:          -1,
		{OS: "linux", Architecture: "s390x"}:                                 -1,
		{OS: "freebsd", Architecture: "amd64"}:                               -1,
	} {
		got, err := Select(t.Context(), s, root, Wish{Platform: want}, limits())
		if expected < 0 {
			wantError(t, err, seaworthy.CodeNotFound, want.String(), "linux/amd64", "windows/amd64 (10.0.20348.2322)", "--platform")
			continue
		}
		if err != nil || len(got) != 1 || *got[0].Platform != asOurs(platforms[expected]) {
			t.Errorf("%v: got %v, want %v, error %v", want, got, platforms[expected], err)
		}
	}
	all, err := Select(t.Context(), s, root, Wish{All: true}, limits())
	if err != nil || len(all) != len(platforms) {
		t.Errorf("all: %d images, error %v", len(all), err)
	}
	_, err = Select(t.Context(), s, root, Wish{}, limits())
	wantError(t, err, seaworthy.CodeInvalid, "no platform")
}

func asOurs(p v1.Platform) seaworthy.Platform {
	return seaworthy.Platform{OS: p.OS, Architecture: p.Architecture, Variant: p.Variant, OSVersion: p.OSVersion}
}

// TestSelect has indexes as they occur, good and bad.
func TestSelect(t *testing.T) {
	t.Parallel()
	amd, arm := `{"os":"linux","architecture":"amd64"}`, `{"os":"linux","architecture":"arm64"}`
	const none = `{"os":"unknown","architecture":"unknown"}`
	attestation := `,"platform":` + none + `,"annotations":{"vnd.docker.reference.type":"attestation-manifest"}`
	tests := []struct {
		name  string
		root  func(t *testing.T, m *memory) Descriptor
		wish  Wish
		want  int // images
		code  seaworthy.Code
		words string
		reads int // manifests and configs; 0 is not looked at
	}{
		{"attestations are no images", func(t *testing.T, m *memory) Descriptor {
			return m.put(index(m.putAs(t, typeManifest, "1", on(amd)), m.putAs(t, typeManifest, "2", attestation), m.putAs(t, typeManifest, "3", on(none))))
		}, Wish{All: true}, 1, "", "", 1},
		{"attestations alone", func(t *testing.T, m *memory) Descriptor {
			return m.put(index(m.putAs(t, typeManifest, "2", attestation)))
		}, Wish{All: true}, 0, seaworthy.CodeInvalid, "an index of others: an attestation", 0},
		{"platform from the config", func(t *testing.T, m *memory) Descriptor {
			a, b := m.image(t, amd, layerJSON), m.image(t, arm, layerJSON)
			return m.put(index(m.putAs(t, typeManifest, string(m.blobs[a.Digest]), ""), m.putAs(t, "", string(m.blobs[b.Digest]), "")))
		}, linuxAMD64(), 1, "", "", 5},
		{"artifact among images", func(t *testing.T, m *memory) Descriptor {
			sbom := m.put(`{"schemaVersion":2,"artifactType":"application/spdx+json","config":` + m.putAs(t, "application/vnd.oci.empty.v1+json", "{}", "") + `,"layers":[]}`)
			return m.put(index(m.putAs(t, typeManifest, string(m.blobs[sbom.Digest]), ""), m.putAs(t, typeManifest, "x", `,"artifactType":"application/spdx+json"`), m.putAs(t, typeManifest, "1", on(amd))))
		}, Wish{All: true}, 1, "", "", 2},
		{"nested", func(t *testing.T, m *memory) Descriptor {
			return m.put(index(m.putAs(t, typeIndex, index(m.putAs(t, typeManifest, "1", on(amd))), ""), m.putAs(t, typeManifest, "2", on(arm))))
		}, Wish{All: true}, 2, "", "", 2},
		{"nested too deep", func(t *testing.T, m *memory) Descriptor {
			return m.put(index(m.putAs(t, typeIndex, index(m.putAs(t, typeIndex, index(m.putAs(t, typeManifest, "1", on(amd))), "")), "")))
		}, Wish{All: true}, 0, seaworthy.CodeLimit, "index-depth of 2", 0},
		{"nested, for another platform, is not read", func(t *testing.T, m *memory) Descriptor {
			return m.put(index(m.putAs(t, typeIndex, "unreadable", on(arm)), m.putAs(t, typeManifest, "1", on(amd))))
		}, linuxAMD64(), 1, "", "", 1},
		{"the same twice", func(t *testing.T, m *memory) Descriptor {
			one := m.putAs(t, typeManifest, "1", on(amd))
			inner := m.putAs(t, typeIndex, index(one, one), "")
			return m.put(index(one, inner, inner))
		}, Wish{All: true}, 1, "", "", 2},
		{"too many", func(t *testing.T, m *memory) Descriptor {
			return m.put(index(slicesRepeat(m.putAs(t, typeManifest, "1", on(amd)), 1001)...))
		}, Wish{All: true}, 0, seaworthy.CodeLimit, "index-entries of 1000", 0},
		{"too many in all", func(t *testing.T, m *memory) Descriptor {
			return m.put(index(m.putAs(t, typeIndex, index(slicesRepeat(m.putAs(t, typeManifest, "1", on(amd)), 600)...), ""),
				m.putAs(t, typeIndex, index(slicesRepeat(m.putAs(t, typeManifest, "2", on(amd)), 600)...), "")))
		}, Wish{All: true}, 0, seaworthy.CodeLimit, "index-entries of 1000", 0},
		{"empty", func(t *testing.T, m *memory) Descriptor { return m.put(index()) }, Wish{All: true}, 0, seaworthy.CodeNotFound, "no images", 0},
		{"null", func(t *testing.T, m *memory) Descriptor { return m.put(`{"schemaVersion":2,"manifests":[null]}`) }, Wish{All: true}, 0, seaworthy.CodeCorrupt, "manifest 0", 0},
		{"negative size", func(t *testing.T, m *memory) Descriptor {
			return m.put(index(`{"digest":"` + string(digestA) + `","size":-1}`))
		}, Wish{All: true}, 0, seaworthy.CodeCorrupt, "size is -1", 0},
		{"one image for another platform", func(t *testing.T, m *memory) Descriptor { return m.image(t, arm, layerJSON) }, linuxAMD64(), 1, "", "", 1},
		{"one artifact", func(t *testing.T, m *memory) Descriptor {
			return m.put(`{"schemaVersion":2,"config":` + m.putAs(t, "application/vnd.cncf.helm.config.v1+json", "{}", "") + `,"layers":[]}`)
		}, linuxAMD64(), 0, seaworthy.CodeInvalid, "is not a container image but a Helm chart", 0},
		{"index that is said to be an image", func(t *testing.T, m *memory) Descriptor {
			return m.put(index(m.putAs(t, typeManifest, index(m.putAs(t, typeManifest, "1", on(amd))), "")))
		}, Wish{All: true}, 0, seaworthy.CodeCorrupt, "is said to be of type", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := &memory{}
			got, err := Select(t.Context(), m, test.root(t, m), test.wish, limits())
			if test.code != "" {
				wantError(t, err, test.code, test.words)
				return
			}
			if err != nil || len(got) != test.want {
				t.Errorf("%d images, want %d, error %v", len(got), test.want, err)
			}
			if test.reads != 0 && len(m.read) != test.reads {
				t.Errorf("%d reads, want %d", len(m.read), test.reads)
			}
		})
	}
	t.Run("known type costs nothing", func(t *testing.T) {
		t.Parallel()
		m := &memory{}
		got, err := Select(t.Context(), m, Descriptor{MediaType: typeDockerManifest, Digest: digestA}, linuxAMD64(), limits())
		if err != nil || len(got) != 1 || len(m.read) != 0 {
			t.Errorf("got %v with %d reads, error %v", got, len(m.read), err)
		}
	})
}

func slicesRepeat(s string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = s
	}
	return all
}

func TestLoad(t *testing.T) {
	t.Parallel()
	b := digestA[:len(digestA)-1] + "b"
	m := &memory{}
	d := m.image(t, `{
		"architecture":"arm64","os":"linux","variant":"v8","os.version":"1","created":"2026-01-02T03:04:05.6Z","Size":5,
		"config":{"Labels":{"os":"a","OS":"b","layers":"c"},"Env":["PATH=/"],"ExposedPorts":{"80/tcp":{}}},
		"rootfs":{"type":"layers","diff_ids":["`+string(b)+`","`+string(digestA)+`"]},
		"history":[
			{"created":"2026-01-01T00:00:00Z","created_by":"/bin/sh -c #(nop) ADD file:1 in / "},
			{"created_by":"/bin/sh -c #(nop)  CMD [\"sh\"]","empty_layer":true},
			{"created":"yesterday","created_by":"RUN /bin/sh -c apt-get update # buildkit"},
			{"created_by":"/bin/sh -c make"},
			{"created_by":"one too many"}]}`,
		layerJSON,
		`{"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip","digest":"`+string(b)+`","size":7}`,
		`{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"`+string(b)+`","size":0,"urls":["https://elsewhere.example/"]}`)
	got, err := Load(t.Context(), m, d, limits())
	if err != nil {
		t.Fatal(err)
	}
	want := seaworthy.Image{
		Digest: d.Digest, MediaType: typeManifest,
		Platform: seaworthy.Platform{OS: "linux", Architecture: "arm64", Variant: "v8", OSVersion: "1"},
		Created:  time.Date(2026, 1, 2, 3, 4, 5, 600_000_000, time.UTC),
		Labels:   map[string]string{"os": "a", "OS": "b", "layers": "c"},
		Layers: []seaworthy.Layer{
			{Digest: digestA, DiffID: b, MediaType: "application/vnd.oci.image.layer.v1.tar+gzip", Size: 9,
				Instruction: "ADD file:1 in /", Created: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)},
			{Digest: b, DiffID: digestA, MediaType: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", Size: 7, Foreign: true,
				Instruction: "RUN /bin/sh -c apt-get update"},
			{Digest: b, MediaType: "application/vnd.oci.image.layer.v1.tar", Foreign: true, Instruction: "RUN make"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestLoadOfFewHistoryEntries: flattened images have layers without a history.
func TestLoadOfFewHistoryEntries(t *testing.T) {
	t.Parallel()
	m := &memory{}
	got, err := Load(t.Context(), m, m.image(t, `{"os":"linux","history":[{"created_by":"COPY . /"}]}`, layerJSON, layerJSON), limits())
	if err != nil || len(got.Layers) != 2 || got.Layers[0].Instruction != "COPY . /" || got.Layers[1].Instruction != "" {
		t.Errorf("got %+v, error %v", got.Layers, err)
	}
	got, err = Load(t.Context(), m, m.image(t, `{"os":"linux","config":null,"history":null,"rootfs":null}`), limits())
	if err != nil || len(got.Layers) != 0 {
		t.Errorf("an image of nothing: %+v, error %v", got, err)
	}
}

func TestLoadNamesWhatIsNoImage(t *testing.T) {
	t.Parallel()
	const emptyType = "application/vnd.oci.empty.v1+json"
	layer := func(mediaType string) string {
		return `{"mediaType":"` + mediaType + `","digest":"` + string(digestA) + `","size":3}`
	}
	for _, test := range []struct{ config, more, layer, want string }{
		{"application/vnd.cncf.helm.config.v1+json", "", "application/vnd.cncf.helm.chart.content.v1.tar+gzip", "a Helm chart"},
		{typeConfig, "", "application/vnd.dev.cosign.simplesigning.v1+json", "a cosign signature"},
		{typeConfig, "", "application/vnd.in-toto+json", "an attestation"},
		{typeConfig, "", "application/vnd.dsse.envelope.v1+json", "an attestation"},
		{emptyType, `,"artifactType":"application/vnd.dev.sigstore.bundle.v0.3+json"`, emptyType, "a Sigstore bundle"},
		{emptyType, `,"artifactType":"application/spdx+json"`, "application/spdx+json", "an SBOM"},
		{typeConfig, "", "application/vnd.cyclonedx+json", "an SBOM"},
		{"application/vnd.cncf.notary.signature", "", "application/jose+json", "a Notary signature"},
		{"application/vnd.wasm.config.v0+json", "", "application/wasm", "a WebAssembly module"},
		{"application/vnd.docker.plugin.v1+json", "", typeDockerLayer + ".gzip", "a Docker plugin"},
		{"application/vnd.docker.ai.model.config.v0.1+json", "", "application/vnd.docker.ai.gguf.v3", "an AI model"},
		{"application/vnd.buildkit.cacheconfig.v0", "", "application/vnd.oci.image.layer.v1.tar+gzip", "a BuildKit cache"},
		{"application/x-thing", "", "", "an artifact of type application/x-thing"},
		{emptyType, "", emptyType, "an artifact of unknown type"},
	} {
		m := &memory{}
		d := m.put(`{"schemaVersion":2,"config":` + m.putAs(t, test.config, "{}", "") + test.more + `,"layers":[` + layer(test.layer) + `]}`)
		_, err := Load(t.Context(), m, d, limits())
		wantError(t, err, seaworthy.CodeInvalid, "lab/app:1 is not a container image but "+test.want)
	}
	m := &memory{}
	_, err := Load(t.Context(), m, m.put(index(layer(typeManifest))), limits())
	wantError(t, err, seaworthy.CodeInvalid, "an index of images")
	_, err = Load(t.Context(), m, m.put(`{"mediaType":"application/vnd.oci.artifact.manifest.v1+json","blobs":[]}`), limits())
	wantError(t, err, seaworthy.CodeInvalid, "not a container image but an OCI artifact")
	_, err = Load(t.Context(), m, m.put(`{"schemaVersion":1,"fsLayers":[]}`), limits())
	wantError(t, err, seaworthy.CodeInvalid, "manifest schema 1")
}

func TestLoadOfHostileManifests(t *testing.T) {
	t.Parallel()
	m := &memory{}
	config := m.putAs(t, typeConfig, `{"os":"linux"}`, "")
	with := func(layers string) string {
		return `{"schemaVersion":2,"config":` + config + `,"layers":` + layers + `}`
	}
	for _, test := range []struct {
		manifest, words string
		code            seaworthy.Code
	}{
		{"", "unexpected end", seaworthy.CodeCorrupt},
		{"null", "not a JSON object", seaworthy.CodeCorrupt},
		{"{", "decode", seaworthy.CodeCorrupt},
		{"{}", "neither a config nor manifests", seaworthy.CodeCorrupt},
		{"{}{}", "decode", seaworthy.CodeCorrupt},
		{with("[null]"), "layer 0", seaworthy.CodeCorrupt},
		{with("{}"), "decode", seaworthy.CodeCorrupt},
		{with(`[{"digest":"sha256:../x","size":1}]`), "layer 0", seaworthy.CodeCorrupt},
		{with(`[{"digest":"` + string(digestA) + `","size":-5}]`), "size is -5", seaworthy.CodeCorrupt},
		{with(`[{"digest":"` + string(digestA) + `","size":1e99}]`), "decode", seaworthy.CodeCorrupt},
		{with(`[{"digest":"` + string(digestA) + `","size":9000000000000000}]`), "layer-bytes", seaworthy.CodeLimit},
		{with("[" + strings.Join(slicesRepeat(layerJSON, 1001), ",") + "]"), "layers of 1000", seaworthy.CodeLimit},
		{with("[]") + " ", "", ""},
		{strings.Replace(with("[]"), `"layers"`, `"manifests":[],"layers"`, 1), "of an image and of an index", seaworthy.CodeCorrupt},
		{strings.Replace(with("[]"), `"layers"`, `"layers":[],"layers"`, 1), `field "layers" twice`, seaworthy.CodeCorrupt},
		{strings.Replace(with("[]"), `"layers"`, `"Layers"`, 1), `field "Layers", which some readers take for "layers"`, seaworthy.CodeCorrupt},
		{strings.Replace(with("[]"), `"layers"`, `"mediaType":"`+typeIndex+`","layers"`, 1), "not those of its media type", seaworthy.CodeCorrupt},
		{`{"a":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "}", "nests deeper than 32", seaworthy.CodeCorrupt},
		{strings.Repeat(`{"a":`, 100_000), "nests deeper than 32", seaworthy.CodeCorrupt},
	} {
		_, err := Load(t.Context(), m, m.put(test.manifest), limits())
		if test.code == "" {
			if err != nil {
				t.Errorf("%.100s: %v", test.manifest, err)
			}
			continue
		}
		wantError(t, err, test.code, test.words)
	}
}

func TestLoadOfHostileConfigs(t *testing.T) {
	t.Parallel()
	small := limits()
	small.ConfigBytes, small.Layers = 300, 2
	m := &memory{}
	for config, want := range map[string]struct {
		code  seaworthy.Code
		words string
	}{
		"":                              {seaworthy.CodeCorrupt, "unexpected end"},
		"[]":                            {seaworthy.CodeCorrupt, "not a JSON object"},
		"<html>":                        {seaworthy.CodeCorrupt, "image config"},
		`{"os":5}`:                      {seaworthy.CodeCorrupt, "decode"},
		`{"os":"linux","os":"windows"}`: {seaworthy.CodeCorrupt, "twice"},
		`{"rootfs":{"diff_ids":["x"]}}`: {seaworthy.CodeCorrupt, "diff_ids 0"},
		`{"rootfs":{"diff_ids":["` + strings.Join(slicesRepeat(string(digestA), 3), `","`) + `"]}}`: {seaworthy.CodeLimit, "layers of 2"},
		`{"x":"` + strings.Repeat("x", 300) + `"}`:                                                  {seaworthy.CodeLimit, "config-bytes of 300"},
	} {
		_, err := Load(t.Context(), m, m.image(t, config), small)
		wantError(t, err, want.code, want.words)
	}
	wrong := m.put(`{"schemaVersion":2,"config":{"mediaType":"` + typeConfig + `","digest":"` + string(digestA) + `","size":2},"layers":[]}`)
	m.blobs[digestA] = []byte("{}")
	_, err := Load(t.Context(), m, wrong, limits())
	wantError(t, err, seaworthy.CodeCorrupt, string(digestA))
}

// TestIndexThroughARegistry is the whole way with another's writer.
func TestIndexThroughARegistry(t *testing.T) {
	t.Parallel()
	r := newTestRegistry(t)
	pushed := mutate.IndexMediaType(indexOf(t, v1.Platform{OS: "linux", Architecture: "arm64"}, v1.Platform{OS: "linux", Architecture: "amd64"}), "application/vnd.docker.distribution.manifest.list.v2+json")
	r.pushIndex(t, "lab/app:1", pushed)
	s := open(t, r.host+"/lab/app:1", r.options(t))
	root, err := s.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	chosen, err := Select(t.Context(), s, root, linuxAMD64(), limits())
	if err != nil {
		t.Fatal(err)
	}
	image, err := Load(t.Context(), s, chosen[0], limits())
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := pushed.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if got := string(image.Digest); got != manifest.Manifests[1].Digest.String() {
		t.Errorf("image %s, want %s", got, manifest.Manifests[1].Digest)
	}
	if len(r.seen()) != 4 {
		t.Errorf("%d requests, want 4: %v", len(r.seen()), r.seen())
	}
}

// FuzzManifest reads whatever comes as a manifest, with whatever comes as its
// config.
func FuzzManifest(f *testing.F) {
	f.Add(`{"schemaVersion":2,"config":{"digest":"`+string(digestA)+`","size":2},"layers":[`+layerJSON+`]}`, `{"os":"linux","rootfs":{"diff_ids":[]},"history":[{}]}`)
	f.Add(index(`{"digest":"`+string(digestA)+`","size":1,"platform":{"os":"linux","architecture":"amd64"}}`), "{}")
	f.Add(`{"schemaVersion":1,"fsLayers":[]}`, "[]")
	f.Add(`{"Layers":null,"annotations":{"a":{"a":1,"A":2}}}`, `{"config":{"Labels":{"a":"b","a":"c"}}}`)
	f.Fuzz(func(t *testing.T, manifestJSON, configJSON string) {
		l := limits()
		if m, err := parseManifest([]byte(manifestJSON), l); err == nil {
			if m.kind == kindUnknown || m.kind == kindImage && m.Config == nil {
				t.Errorf("a manifest of no kind passed: %s", manifestJSON)
			}
			_ = artifact(m)
			for _, d := range m.Layers {
				if d.Size < 0 || d.Digest == "" {
					t.Errorf("a bad layer passed: %+v", d)
				}
			}
		}
		c, err := parseConfig([]byte(configJSON), l)
		if err != nil {
			return
		}
		if !json.Valid([]byte(configJSON)) {
			t.Errorf("no JSON, and passed: %s", configJSON)
		}
		layers := make([]seaworthy.Layer, 2)
		c.describe(layers)
		_ = c.platform().String()
	})
}
