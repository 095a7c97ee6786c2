package demo

import (
	"archive/tar"
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

func samples(t *testing.T) []Sample {
	t.Helper()
	all, err := Samples()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("there are no samples")
	}
	return all
}

// printDigests makes the test's program print the digests of its samples.
const printDigests = "SAMPLES_PRINT_DIGESTS"

func TestMain(m *testing.M) {
	if os.Getenv(printDigests) == "" {
		os.Exit(m.Run())
	}
	all, err := Samples()
	if err == nil {
		var list []string
		list, err = digests(all)
		fmt.Println(strings.Join(list, "\n"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// digests are those of the samples, in order.
func digests(all []Sample) ([]string, error) {
	var list []string
	for _, s := range all {
		var of interface{ Digest() (v1.Hash, error) } = s.Image
		if s.Index != nil {
			of = s.Index
		}
		d, err := of.Digest()
		if err != nil {
			return nil, err
		}
		list = append(list, s.Name+" "+d.String())
	}
	return list, nil
}

// The same program builds the same images: here, and when it is started again.
func TestSamplesAreDeterministic(t *testing.T) {
	t.Parallel()
	want, err := digests(samples(t))
	if err != nil {
		t.Fatal(err)
	}
	again, err := digests(samples(t))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, again); d != "" {
		t.Errorf("two builds differ (-first +second):\n%s", d)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), printDigests+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("build the samples in another process: %v\n%s", err, out)
	}
	if d := cmp.Diff(want, strings.Split(strings.TrimSpace(string(out)), "\n")); d != "" {
		t.Errorf("two processes differ (-this +other):\n%s", d)
	}
}

// go-containerregistry finds nothing wrong with the samples as they are written:
// digests, sizes, diff ids and configs agree. Attestations are no images.
func TestSamplesAreValid(t *testing.T) {
	t.Parallel()
	all := samples(t)
	dir := t.TempDir()
	if err := Write(dir, all); err != nil {
		t.Fatal(err)
	}
	root, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[v1.Hash]bool{}
	var check func(index v1.ImageIndex)
	check = func(index v1.ImageIndex) {
		manifest, err := index.IndexManifest()
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range manifest.Manifests {
			if seen[d.Digest] || d.Platform != nil && d.Platform.OS == "unknown" {
				continue
			}
			seen[d.Digest] = true
			if d.MediaType.IsIndex() {
				child, err := index.ImageIndex(d.Digest)
				if err != nil {
					t.Fatal(err)
				}
				check(child)
				continue
			}
			image, err := index.Image(d.Digest)
			if err != nil {
				t.Fatal(err)
			}
			if err := validate.Image(image); err != nil {
				t.Errorf("%v: %v", d.Annotations, err)
			}
		}
	}
	check(root)
	if len(seen) != len(all)-1+2 { // one image has two tags, and the index two images
		t.Errorf("%d images and indexes were looked at", len(seen))
	}
}

func TestSampleNames(t *testing.T) {
	t.Parallel()
	repository := regexp.MustCompile(`^[a-z]+(/[a-z-]+)+$`)
	tag := regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*$`)
	names := map[string]bool{}
	moved := 0
	last := map[string]string{}
	for _, s := range samples(t) {
		if !repository.MatchString(s.Repository) || !tag.MatchString(s.Tag) || !tag.MatchString(s.Name) {
			t.Errorf("%s:%s (%s) is no good name", s.Repository, s.Tag, s.Name)
		}
		if names[s.Name] {
			t.Errorf("the name %s stands twice", s.Name)
		}
		names[s.Name] = true
		if (s.Image == nil) == (s.Index == nil) {
			t.Errorf("%s is not just one of an image and an index", s.Name)
		}
		if s.Image != nil {
			d, err := s.Image.Digest()
			if err != nil {
				t.Fatal(err)
			}
			reference := s.Repository + ":" + s.Tag
			if before, ok := last[reference]; ok && before != d.String() {
				moved++
			}
			last[reference] = d.String()
		}
	}
	if moved != 1 {
		t.Errorf("%d tags move, want one", moved)
	}
}

// The Go samples are read by the standard library, which "go version -m" uses.
func TestGoBinary(t *testing.T) {
	t.Parallel()
	for _, s := range samples(t) {
		if s.Name != "gateway" {
			continue
		}
		manifest, err := s.Index.IndexManifest()
		if err != nil {
			t.Fatal(err)
		}
		read := map[string]elf.Machine{}
		for _, d := range manifest.Manifests {
			if d.Platform.OS != "linux" {
				continue
			}
			image, err := s.Index.Image(d.Digest)
			if err != nil {
				t.Fatal(err)
			}
			program := fileOf(t, image, "gateway")
			info, err := buildinfo.Read(bytes.NewReader(program))
			if err != nil {
				t.Fatalf("%s: %v", d.Platform.Architecture, err)
			}
			found := map[string]string{}
			for _, m := range info.Deps {
				found[m.Path] = m.Version
			}
			want := map[string]string{
				"github.com/golang-jwt/jwt/v4": "v4.4.2", "golang.org/x/crypto": "v0.14.0", "golang.org/x/net": "v0.7.0",
				"golang.org/x/text": "v0.3.7", "google.golang.org/grpc": "v1.53.0",
			}
			if d := cmp.Diff(want, found); d != "" {
				t.Errorf("modules (-want +got):\n%s", d)
			}
			if info.GoVersion != "go1.20.3" || info.Main.Path != "shop.example/gateway" || info.Path != info.Main.Path {
				t.Errorf("it is %s of %s, built with %s", info.Path, info.Main.Path, info.GoVersion)
			}
			f, err := elf.NewFile(bytes.NewReader(program))
			if err != nil {
				t.Fatal(err)
			}
			read[d.Platform.Architecture] = f.Machine
		}
		if d := cmp.Diff(map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}, read); d != "" {
			t.Errorf("machines (-want +got):\n%s", d)
		}
		return
	}
	t.Error("there is no sample gateway")
}

// fileOf reads one file of an image's layers.
func fileOf(t *testing.T, image v1.Image, name string) []byte {
	t.Helper()
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range layers {
		stream, err := l.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		defer stream.Close()
		for r := tar.NewReader(stream); ; {
			h, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if strings.TrimPrefix(path.Clean(h.Name), "/") == name {
				b, err := io.ReadAll(r)
				if err != nil {
					t.Fatal(err)
				}
				return b
			}
		}
	}
	t.Fatalf("no layer has %s", name)
	return nil
}
