package oci

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	ggcrlayout "github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/klauspost/compress/zstd"

	"github.com/seaworthy-dev/seaworthy"
)

const refName = "org.opencontainers.image.ref.name"

func randomImage(t *testing.T) v1.Image {
	t.Helper()
	image, err := random.Image(10_000, 2)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func digestOf(t *testing.T, image interface{ Digest() (v1.Hash, error) }) seaworthy.Digest {
	t.Helper()
	d, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return seaworthy.Digest(d.String())
}

// writeLayout writes images into a layout by another program's hand; their names
// are the keys, "" is no name.
func writeLayout(t *testing.T, names []string, images ...v1.Image) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "layout")
	l, err := ggcrlayout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	for i, image := range images {
		var options []ggcrlayout.Option
		if names[i] != "" {
			options = append(options, ggcrlayout.WithAnnotations(map[string]string{refName: names[i]}))
		}
		if err := l.AppendImage(image, options...); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// readsAs reads all of an image and compares it with what was written.
func readsAs(t *testing.T, arg string, o Options, want v1.Image) {
	t.Helper()
	s := open(t, arg, o)
	if s.Reference() != arg {
		t.Errorf("reference %q, want %q", s.Reference(), arg)
	}
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
	layers, err := want.Layers()
	if err != nil || len(layers) != len(image.Layers) {
		t.Fatalf("%d layers, want %d, error %v", len(image.Layers), len(layers), err)
	}
	for i, layer := range image.Layers {
		stored, err := readBlob(t, s, descriptorOf(layer))
		if err != nil {
			t.Fatal(err)
		}
		got := unzipped(t, stored)
		r, err := layers[i].Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		plain, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("layer %d: %d bytes, want %d, error %v", i, len(got), len(plain), err)
		}
		if seaworthy.DigestOf(plain) != layer.DiffID {
			t.Errorf("layer %d: diff id %s is not its own", i, layer.DiffID)
		}
	}
}

func unzipped(t *testing.T, b []byte) []byte {
	t.Helper()
	if compression(b) == "" {
		return b
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

func TestLayout(t *testing.T) {
	t.Parallel()
	a, b := randomImage(t), randomImage(t)
	two := writeLayout(t, []string{"one", "two"}, a, b)
	readsAs(t, "oci:"+writeLayout(t, []string{""}, a), Options{}, a)
	readsAs(t, "oci:"+writeLayout(t, []string{"one"}, a), Options{}, a)
	readsAs(t, "oci:"+two+":one", Options{}, a)
	readsAs(t, "oci:"+two+":two", Options{}, b)
	readsAs(t, "oci:"+two+"@"+string(digestOf(t, b)), Options{}, b)
	odd := filepath.Join(t.TempDir(), "a:b@c")
	if err := os.Rename(writeLayout(t, []string{"x"}, a), odd); err != nil {
		t.Fatal(err)
	}
	readsAs(t, "oci:"+odd, Options{}, a)
	readsAs(t, "oci:"+odd+":x", Options{}, a)

	for arg, want := range map[string]struct {
		code  seaworthy.Code
		words string
	}{
		"oci:" + two:                         {seaworthy.CodeInvalid, "several images: one, two; name one: oci:" + two + ":TAG"},
		"oci:" + two + ":three":              {seaworthy.CodeNotFound, `no image "three"; it holds one, two`},
		"oci:" + t.TempDir():                 {seaworthy.CodeNotFound, "not an OCI layout"},
		"oci:" + two + "@" + string(digestA): {seaworthy.CodeNotFound, "blobs/sha256/" + hexA},
	} {
		s := open(t, arg, Options{})
		root, err := s.Root(t.Context())
		if err == nil {
			_, err = s.Manifest(t.Context(), root)
		}
		wantError(t, err, want.code, want.words)
	}
	for arg, words := range map[string]string{
		"oci:" + two + "/nothing":  "is not there",
		"oci:":                     "no directory",
		"oci:" + two + ":":         "empty",
		"oci:" + two + "@sha256:x": "lower-case hex",
		"oci:" + filepath.Join(two, "index.json"): "is not a directory; for an archive, write tar:",
		"tar:" + two: "is a directory; for an OCI layout, write oci:",
	} {
		if _, err := Open(arg, Options{}); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: error %v does not say %q", arg, err, words)
		}
	}
}

// TestLayoutOfPlatforms has the platforms in index.json itself.
func TestLayoutOfPlatforms(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "layout")
	l, err := ggcrlayout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		if err := l.AppendImage(randomImage(t), ggcrlayout.WithPlatform(v1.Platform{OS: "linux", Architecture: arch})); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, "oci:"+dir, Options{})
	root, err := s.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all, err := Select(t.Context(), s, root, Wish{All: true}, limits())
	if err != nil || len(all) != 2 {
		t.Errorf("%d images, want 2, error %v", len(all), err)
	}
}

// TestLayoutStaysInside plants links and a pipe where blobs should be.
func TestLayoutStaysInside(t *testing.T) {
	t.Parallel()
	dir := writeLayout(t, []string{""}, randomImage(t))
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(canary), 0o600); err != nil {
		t.Fatal(err)
	}
	blob := func(s string) string { return filepath.Join(dir, "blobs", "sha256", s) }
	d := Descriptor{Digest: seaworthy.DigestOf([]byte(canary)), Size: int64(len(canary))}
	if err := os.Symlink(secret, blob(d.Digest.Hex())); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(blob(hexA), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, "oci:"+dir, Options{})
	b, err := readBlob(t, s, d)
	wantError(t, err, seaworthy.CodeInvalid, "path escapes")
	if len(b) > 0 {
		t.Error("read what lies outside")
	}
	_, err = readBlob(t, s, Descriptor{Digest: digestA})
	wantError(t, err, seaworthy.CodeInvalid, "not a regular file")
	_, err = s.Manifest(t.Context(), Descriptor{Digest: "sha256:../../../secret"})
	wantError(t, err, seaworthy.CodeCorrupt, "descriptor")
}

func TestLayoutIsVerified(t *testing.T) {
	t.Parallel()
	dir := writeLayout(t, []string{""}, empty.Image)
	put := func(content string) Descriptor {
		if err := os.WriteFile(filepath.Join(dir, "blobs", "sha256", hexA), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return Descriptor{Digest: digestA, Size: int64(len(content))}
	}
	s := open(t, "oci:"+dir, Options{})
	d := put("other content")
	_, err := readBlob(t, s, d)
	wantError(t, err, seaworthy.CodeCorrupt, string(seaworthy.DigestOf([]byte("other content"))), string(digestA))
	_, err = s.Manifest(t.Context(), d)
	wantError(t, err, seaworthy.CodeCorrupt, string(digestA))
	_, err = readBlob(t, s, Descriptor{Digest: digestA, Size: 5})
	wantError(t, err, seaworthy.CodeCorrupt, "has 13 bytes and should have 5")
	_, err = s.Manifest(t.Context(), Descriptor{Digest: digestA, Size: 1 << 40})
	wantError(t, err, seaworthy.CodeLimit, "manifest-bytes")
	for index, words := range map[string]string{
		`{"manifests":[{"digest":"x"}]}`:  "malformed",
		`[]`:                              "not a JSON object",
		`{"manifests":[],"manifests":[]}`: "twice",
	} {
		if err := os.WriteFile(filepath.Join(dir, "index.json"), []byte(index), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err = s.Root(t.Context())
		wantError(t, err, seaworthy.CodeCorrupt, "index.json", words)
	}
}

// saveDocker writes a docker-archive by another program's hand.
func saveDocker(t *testing.T, images map[string]v1.Image) string {
	t.Helper()
	byTag := map[name.Tag]v1.Image{}
	for tag, image := range images {
		parsed, err := name.NewTag(tag)
		if err != nil {
			t.Fatal(err)
		}
		byTag[parsed] = image
	}
	file := filepath.Join(t.TempDir(), "images.tar")
	if err := tarball.MultiWriteToFile(file, byTag); err != nil {
		t.Fatal(err)
	}
	return file
}

// entry is one of a tar archive written by hand.
type entry struct {
	name, content, link string
	kind                byte
}

func tarOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Typeflag: e.kind, Linkname: e.link, Size: int64(len(e.content)), Mode: 0o644}
		if e.kind == 0 {
			h.Typeflag = tar.TypeReg
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func fileOf(t *testing.T, b []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func zip(t *testing.T, method string, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&out)
	if method == "zstd" {
		z, err := zstd.NewWriter(&out)
		if err != nil {
			t.Fatal(err)
		}
		w = z
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func contentOf(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDockerArchive(t *testing.T) {
	t.Parallel()
	a, b := randomImage(t), randomImage(t)
	one := saveDocker(t, map[string]v1.Image{"debian:12": a})
	two := saveDocker(t, map[string]v1.Image{"debian:12": a, "registry.example/team/app:1": b})
	readsAs(t, "tar:"+one, Options{}, a)
	readsAs(t, "tar:"+two+"@debian:12", Options{}, a)
	readsAs(t, "tar:"+two+"@docker.io/library/debian:12", Options{}, a)
	readsAs(t, "tar:"+two+"@registry.example/team/app:1", Options{}, b)
	config, err := b.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	readsAs(t, "tar:"+two+"@"+config.String(), Options{}, b)
	for _, method := range []string{"gzip", "zstd"} {
		o := Options{TempDir: t.TempDir()}
		readsAs(t, "tar:"+fileOf(t, zip(t, method, contentOf(t, one))), o, a)
		if left, err := os.ReadDir(o.TempDir); err != nil || len(left) != 0 {
			t.Errorf("%d temporary files are left, error %v", len(left), err)
		}
	}
	_, err = open(t, "tar:"+two, Options{}).Root(t.Context())
	wantError(t, err, seaworthy.CodeInvalid, "several images", "debian:12", "registry.example/team/app:1", "@NAME")
	_, err = open(t, "tar:"+two+"@debian:13", Options{}).Root(t.Context())
	wantError(t, err, seaworthy.CodeNotFound, `no image "debian:13"`)
}

// TestOldDockerArchive has plain layers, in directories, with links between
// them and a member twice, as old engines wrote them.
func TestOldDockerArchive(t *testing.T) {
	t.Parallel()
	layer := string(tarOf(t, entry{name: "etc/os-release", content: "ID=debian\n"}))
	id := seaworthy.DigestOf([]byte(layer))
	other := string(tarOf(t, entry{name: "etc/hostname", content: "lab\n"}))
	otherID := seaworthy.DigestOf([]byte(other))
	config := fmt.Sprintf(`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[%q,%q,%q,%q,%q]}}`, id, id, id, id, otherID)
	entries := []entry{
		{name: "a/layer.tar", content: "an older one"},
		{name: "./a/layer.tar", content: layer},
		{name: "b/layer.tar", kind: tar.TypeSymlink, link: "../a/layer.tar"},
		{name: "c/layer.tar", kind: tar.TypeLink, link: "b/layer.tar"},
		{name: "d/layer.tar", content: string(zip(t, "gzip", []byte(layer)))},
		{name: "e/layer.tar", content: other},
		{name: "config.json", content: config},
		{name: "manifest.json", content: `[{"Config":"config.json","RepoTags":null,"Layers":["a/layer.tar","b/layer.tar","c/layer.tar","d/layer.tar","e/layer.tar"]}]`},
	}
	s := open(t, "tar:"+fileOf(t, tarOf(t, entries...)), Options{})
	root, err := s.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	image, err := Load(t.Context(), s, root, limits())
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range image.Layers {
		want, wantID := layer, id
		if i == 4 {
			want, wantID = other, otherID
		}
		b, err := readBlob(t, s, descriptorOf(l))
		if err != nil || string(unzipped(t, b)) != want {
			t.Errorf("layer %d: %d bytes, error %v", i, len(b), err)
		}
		if l.DiffID != wantID {
			t.Errorf("layer %d: diff id %s", i, l.DiffID)
		}
	}
	again := open(t, "tar:"+fileOf(t, tarOf(t, entries...)), Options{})
	if r, err := again.Root(t.Context()); err != nil || r.Digest != root.Digest {
		t.Errorf("the digest of the made manifest is not stable: %v, %v, %v", r, root, err)
	}
}

func TestOCIArchive(t *testing.T) {
	t.Parallel()
	a, b := randomImage(t), randomImage(t)
	pack := func(dir string, more ...entry) []byte {
		entries := more
		if err := filepath.Walk(dir, func(p string, info os.FileInfo, err error) error {
			if err != nil || info.IsDir() {
				return err
			}
			entries = append(entries, entry{name: strings.TrimPrefix(p, dir+"/"), content: string(contentOf(t, p))})
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return tarOf(t, entries...)
	}
	one := pack(writeLayout(t, []string{""}, a))
	two := fileOf(t, pack(writeLayout(t, []string{"v1", "registry.example/app:2"}, a, b)))
	readsAs(t, "tar:"+fileOf(t, one), Options{}, a)
	readsAs(t, "tar:"+fileOf(t, zip(t, "zstd", one)), Options{}, a)
	readsAs(t, "tar:"+two+"@v1", Options{}, a)
	readsAs(t, "tar:"+two+"@registry.example/app:2", Options{}, b)
	readsAs(t, "tar:"+two+"@"+string(digestOf(t, b)), Options{}, b)
	// Today's docker save: the layout counts, for it has the registry's digests.
	both := fileOf(t, pack(writeLayout(t, []string{""}, a), entry{name: "manifest.json", content: `[{"Config":"missing","Layers":[]}]`}))
	readsAs(t, "tar:"+both, Options{}, a)
	if root, err := open(t, "tar:"+both, Options{}).Root(t.Context()); err != nil || root.Digest != digestOf(t, a) {
		t.Errorf("root %s, want the digest of a registry, error %v", root.Digest, err)
	}
}

// TestBadArchives: what is wrong with an archive is said.
func TestBadArchives(t *testing.T) {
	t.Parallel()
	good := contentOf(t, saveDocker(t, map[string]v1.Image{"debian:12": randomImage(t)}))
	config := `{"os":"linux","architecture":"amd64","rootfs":{"diff_ids":["` + string(digestA) + `"]}}`
	manifest := func(s string) entry { return entry{name: "manifest.json", content: s} }
	usual := manifest(`[{"Config":"c.json","Layers":["l.tar"]}]`)
	many := make([]entry, 100)
	for i := range many {
		many[i] = entry{name: fmt.Sprint(i)}
	}
	tests := []struct {
		name  string
		file  []byte
		code  seaworthy.Code
		words string
	}{
		{"empty", nil, seaworthy.CodeCorrupt, "not a tar archive"},
		{"text", []byte(strings.Repeat("hello\n", 500)), seaworthy.CodeCorrupt, "not a tar archive"},
		{"cut short", good[:len(good)/2], seaworthy.CodeCorrupt, "cut short"},
		{"gzip cut short", zip(t, "gzip", good)[:5000], seaworthy.CodeCorrupt, "cut short"},
		{"zstd cut short", zip(t, "zstd", good)[:5000], seaworthy.CodeCorrupt, "cut short"},
		{"gzip of nothing", []byte("\x1f\x8bxxxxxxxxxxxxx"), seaworthy.CodeInvalid, "cannot be unpacked"},
		{"xz", []byte("\xfd7zXZ\x00xxxxxxxx"), seaworthy.CodeInvalid, "by xz is not supported"},
		{"bzip2", []byte("BZh9xxxxxxxx"), seaworthy.CodeInvalid, "by bzip2 is not supported"},
		{"no image", tarOf(t, entry{name: "readme"}), seaworthy.CodeInvalid, "holds no image"},
		{"too old", tarOf(t, entry{name: "repositories", content: "{}"}), seaworthy.CodeInvalid, "older than 2016"},
		{"no images", tarOf(t, manifest("[]")), seaworthy.CodeNotFound, "holds no image"},
		{"bad manifest", tarOf(t, manifest("{")), seaworthy.CodeCorrupt, "manifest.json"},
		{"no config", tarOf(t, usual), seaworthy.CodeNotFound, "c.json"},
		{"bad config", tarOf(t, usual, entry{name: "c.json", content: "x"}), seaworthy.CodeCorrupt, "config"},
		{"layers missing in config", tarOf(t, usual, entry{name: "c.json", content: "{}"}), seaworthy.CodeCorrupt, "0 diff ids for 1 layers"},
		{"no layer", tarOf(t, usual, entry{name: "c.json", content: config}), seaworthy.CodeCorrupt, "l.tar"},
		{"link to itself", tarOf(t, usual, entry{name: "c.json", content: config}, entry{name: "l.tar", kind: tar.TypeSymlink, link: "l.tar"}), seaworthy.CodeCorrupt, "links to itself"},
		{"link to outside", tarOf(t, usual, entry{name: "c.json", content: config}, entry{name: "l.tar", kind: tar.TypeSymlink, link: "/etc/passwd"}), seaworthy.CodeCorrupt, "l.tar"},
		{"device", tarOf(t, usual, entry{name: "c.json", content: config}, entry{name: "l.tar", kind: tar.TypeChar}), seaworthy.CodeCorrupt, "l.tar"},
		{"too many entries", tarOf(t, many...), seaworthy.CodeLimit, "layer-entries of 50"},
		{"long names", tarOf(t, entry{name: strings.Repeat("a/", 40_000) + "a"}), seaworthy.CodeLimit, "manifest-bytes"},
		{"bomb", zip(t, "zstd", make([]byte, 66<<20)), seaworthy.CodeLimit, "layer-ratio"},
		{"too large", zip(t, "gzip", randomBytes(5<<20)), seaworthy.CodeLimit, "layer-bytes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := Options{Limits: limits(), TempDir: t.TempDir()}
			o.Limits.LayerEntries, o.Limits.ManifestBytes = 50, 64<<10
			if test.name == "too large" {
				o.Limits.LayerBytes = 4 << 20
			}
			_, err := open(t, "tar:"+fileOf(t, test.file), o).Root(t.Context())
			wantError(t, err, test.code, test.words)
			if left, err := os.ReadDir(o.TempDir); err != nil || len(left) != 0 {
				t.Errorf("%d temporary files are left, error %v", len(left), err)
			}
		})
	}
	_, err := Open("tar:/nothing/here.tar@x", Options{})
	wantError(t, err, seaworthy.CodeNotFound, "not there")
}

// TestArchiveLayerIsVerified: the config says which layer it is, not the file.
func TestArchiveLayerIsVerified(t *testing.T) {
	t.Parallel()
	config := `{"os":"linux","architecture":"amd64","rootfs":{"diff_ids":["` + string(digestA) + `"]}}`
	s := open(t, "tar:"+fileOf(t, tarOf(t,
		entry{name: "manifest.json", content: `[{"Config":"c.json","Layers":["l.tar"]}]`},
		entry{name: "c.json", content: config}, entry{name: "l.tar", content: "some layer"})), Options{})
	root, err := s.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	image, err := Load(t.Context(), s, root, limits())
	if err != nil {
		t.Fatal(err)
	}
	_, err = readBlob(t, s, descriptorOf(image.Layers[0]))
	wantError(t, err, seaworthy.CodeCorrupt, string(digestA))
}

func TestArchiveIsGivenUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	good := contentOf(t, saveDocker(t, map[string]v1.Image{"debian:12": randomImage(t)}))
	for _, b := range [][]byte{good, zip(t, "gzip", good)} {
		s := open(t, "tar:"+fileOf(t, b), Options{TempDir: t.TempDir()})
		if _, err := s.Root(ctx); err == nil {
			t.Error("a stopped Root gave no error")
		}
		if _, err := s.Root(t.Context()); err != nil {
			t.Errorf("and the next one fails: %v", err)
		}
	}
}

// FuzzArchive reads whatever comes as an archive.
func FuzzArchive(f *testing.F) {
	config := `{"os":"linux","architecture":"amd64","rootfs":{"diff_ids":["` + string(digestA) + `"]}}`
	f.Add(tarOf(f, entry{name: "manifest.json", content: `[{"Config":"c.json","Layers":["l.tar"]}]`},
		entry{name: "c.json", content: config}, entry{name: "l.tar", kind: tar.TypeLink, link: "c.json"}))
	f.Add(tarOf(f, entry{name: "oci-layout", content: `{"imageLayoutVersion":"1.0.0"}`}, entry{name: "index.json", content: `{"manifests":[]}`}))
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, b []byte) {
		file := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		l := limits()
		l.LayerBytes, l.ManifestBytes, l.ConfigBytes, l.ZstdWindow = 1<<20, 64<<10, 64<<10, 1<<20
		s, err := Open("tar:"+file, Options{Limits: l, TempDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		root, err := s.Root(t.Context())
		if err != nil {
			wantCode(t, err)
			return
		}
		chosen, err := Select(t.Context(), s, root, Wish{All: true}, l)
		if err != nil {
			wantCode(t, err)
			return
		}
		for _, d := range chosen {
			image, err := Load(t.Context(), s, d, l)
			if err != nil {
				wantCode(t, err)
				continue
			}
			for _, layer := range image.Layers {
				content, err := readBlob(t, s, descriptorOf(layer))
				if err == nil && seaworthy.DigestOf(content) != layer.Digest && layer.Digest.Algorithm() == "sha256" {
					t.Errorf("%d bytes passed for %s", len(content), layer.Digest)
				}
			}
		}
	})
}

// wantCode wants an error that was meant for a person.
func wantCode(t *testing.T, err error) {
	t.Helper()
	if seaworthy.CodeOf(err) == seaworthy.CodeInternal {
		t.Errorf("unclassified error %T: %v", err, err)
	}
}

// indexOf makes an index of images with platforms, as JSON and by another hand.
func indexOf(t *testing.T, platforms ...v1.Platform) v1.ImageIndex {
	t.Helper()
	index := v1.ImageIndex(empty.Index)
	for i := range platforms {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: randomImage(t), Descriptor: v1.Descriptor{Platform: &platforms[i]}})
	}
	return index
}
