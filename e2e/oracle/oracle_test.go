package oracle

import (
	"archive/tar"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/seaworthy-dev/seaworthy/e2e/program"
	"github.com/seaworthy-dev/seaworthy/e2e/servers"
)

// of picks the packages of one kind from an assessment.
func of(a program.Assessment, kind string) packages {
	set := packages{}
	for _, p := range a.Inventory.Packages {
		family, _, _ := strings.Cut(p.Ecosystem, ":")
		switch {
		case kind == "dpkg" && (family == "Debian" || family == "Ubuntu"):
			set[strings.Join([]string{p.Name, p.Version, p.Arch, p.Source, p.SourceVersion}, " ")] = true
		case kind == "rpm" && family == "AlmaLinux":
			set[strings.Join([]string{p.Name, p.Version, p.Arch}, " ")] = true
		case kind == family:
			set[p.Name+" "+p.Version] = true
		}
	}
	return set
}

// images reads the single images of an OCI layout, by their tags.
func images(t *testing.T, dir string) map[string]v1.Image {
	t.Helper()
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]v1.Image{}
	for _, d := range manifest.Manifests {
		if !d.MediaType.IsImage() {
			continue
		}
		image, err := index.Image(d.Digest)
		if err != nil {
			t.Fatal(err)
		}
		found[d.Annotations["org.opencontainers.image.ref.name"]] = image
	}
	return found
}

// samples are the sample images.
func samples(t *testing.T) map[string]v1.Image {
	t.Helper()
	return images(t, program.NewHome(t).Samples(t))
}

// witnesses remembers what the package managers said of an image: npm ls takes a
// second, and several tests ask about the same images.
var witnesses struct {
	sync.Mutex
	said map[v1.Hash]*witness
}

type witness struct {
	once sync.Once
	said map[string]packages
}

// ask asks the package managers about an image's root, once.
func ask(t *testing.T, image v1.Image) map[string]packages {
	t.Helper()
	config, err := image.ConfigName() // the same in every kind of registry and archive
	if err != nil {
		t.Fatal(err)
	}
	witnesses.Lock()
	if witnesses.said == nil {
		witnesses.said = map[v1.Hash]*witness{}
	}
	w := witnesses.said[config]
	if w == nil {
		w = &witness{}
		witnesses.said[config] = w
	}
	witnesses.Unlock()
	w.once.Do(func() {
		root := t.TempDir()
		if err := flatten(image, root); err != nil {
			t.Error(err)
			return
		}
		w.said = independent(t, root)
	})
	if w.said == nil {
		t.Fatal("the package managers could not be asked")
	}
	return w.said
}

// compare assesses images where they are to be found, all at once, and compares
// with the package managers' word.
func compare(t *testing.T, found map[string]v1.Image, at func(tag string) string) {
	t.Helper()
	tags := slices.Sorted(maps.Keys(found))
	args := []string{"--plain-http", "--platform", "linux/amd64"}
	for _, tag := range tags {
		args = append(args, at(tag))
	}
	all := program.NewHome(t).Assess(t, args...)
	if len(all) != len(tags) {
		t.Fatalf("%d assessments of %d images", len(all), len(tags))
	}
	var mu sync.Mutex
	compared := map[string]int{}
	t.Run("images", func(t *testing.T) {
		for i, tag := range tags {
			t.Run(tag, func(t *testing.T) {
				t.Parallel()
				for kind, want := range ask(t, found[tag]) {
					if diff := cmp.Diff(want, of(all[i], kind)); diff != "" {
						t.Errorf("%s: %s and seaworthy differ (-%s +seaworthy):\n%s", tag, kind, kind, diff)
					}
					mu.Lock()
					compared[kind] += len(want)
					mu.Unlock()
				}
			})
		}
	})
	for _, kind := range []string{"dpkg", "rpm", "RubyGems", "npm"} {
		if compared[kind] == 0 {
			t.Errorf("no package of kind %s was compared", kind)
		}
	}
	t.Logf("compared with the package managers: %v", compared)
}

// push writes the images to a registry, and tells how to name them.
func push(t *testing.T, host string, found map[string]v1.Image) func(tag string) string {
	t.Helper()
	for tag, image := range found {
		ref, err := name.NewTag(host+"/lab/"+tag+":latest", name.Insecure)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(ref, image, remote.WithContext(t.Context())); err != nil {
			t.Fatalf("push %s: %v", tag, err)
		}
	}
	return func(tag string) string { return host + "/lab/" + tag + ":latest" }
}

// independent asks each package manager that the root has something for. What
// npm ls lists must be among what node finds.
func independent(t *testing.T, root string) map[string]packages {
	t.Helper()
	said := map[string]packages{}
	if _, err := os.Stat(filepath.Join(root, "var/lib/dpkg/status")); err == nil {
		said["dpkg"] = dpkg(t, root)
	}
	for kind, ask := range map[string]func(*testing.T, string) packages{"rpm": rpm, "RubyGems": gem, "npm": modules} {
		if set := ask(t, root); len(set) > 0 {
			said[kind] = set
		}
	}
	for p := range npm(t, root) {
		name, version, _ := strings.Cut(p, " ")
		if !said["npm"][p] && !strings.Contains(version, "npm:") {
			t.Errorf("npm ls lists %s %s, which is not in node_modules", name, version)
		}
	}
	return said
}

func TestSamplesAgainstPackageManagers(t *testing.T) {
	t.Parallel()
	found := samples(t)
	compare(t, found, push(t, servers.DockerRegistry(t), found))
}

func TestServerDistribution(t *testing.T) {
	t.Parallel()
	found := samples(t)
	compare(t, found, push(t, servers.Distribution(t), found))
}

// Archives as docker save writes them, one for each image.
func TestDockerArchives(t *testing.T) {
	t.Parallel()
	found, dir := samples(t), t.TempDir()
	for tag, image := range found {
		ref, err := name.NewTag("lab/" + tag + ":latest")
		if err != nil {
			t.Fatal(err)
		}
		if err := tarball.WriteToFile(filepath.Join(dir, tag+".tar"), ref, image); err != nil {
			t.Fatal(err)
		}
	}
	compare(t, found, func(tag string) string { return "tar:" + filepath.Join(dir, tag+".tar") })
}

// One archive as docker save writes it of several images, which have names.
func TestDockerArchiveOfSeveral(t *testing.T) {
	t.Parallel()
	found := samples(t)
	all := map[name.Reference]v1.Image{}
	for tag, image := range found {
		ref, err := name.NewTag("lab/" + tag + ":1")
		if err != nil {
			t.Fatal(err)
		}
		all[ref] = image
	}
	file := filepath.Join(t.TempDir(), "all.tar")
	if err := tarball.MultiRefWriteToFile(file, all); err != nil {
		t.Fatal(err)
	}
	compare(t, found, func(tag string) string { return "tar:" + file + "@lab/" + tag + ":1" })
}

// Archives of OCI layouts, as skopeo and podman save write them.
func TestOCIArchives(t *testing.T) {
	t.Parallel()
	found, dir := samples(t), t.TempDir()
	for tag, image := range found {
		to, err := layout.Write(t.TempDir(), empty.Index)
		if err != nil {
			t.Fatal(err)
		}
		ref := layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": tag})
		if err := to.AppendImage(image, ref); err != nil {
			t.Fatal(err)
		}
		if err := pack(string(to), filepath.Join(dir, tag+".tar")); err != nil {
			t.Fatal(err)
		}
	}
	compare(t, found, func(tag string) string { return "tar:" + filepath.Join(dir, tag+".tar") })
}

// pack writes a directory into a tar file.
func pack(dir, file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	w := tar.NewWriter(f)
	return errors.Join(w.AddFS(os.DirFS(dir)), w.Close(), f.Close())
}

// The same images give the same inventories wherever they lie.
func TestLayout(t *testing.T) {
	t.Parallel()
	dir := program.NewHome(t).Samples(t)
	compare(t, images(t, dir), func(tag string) string { return "oci:" + dir + ":" + tag })
}

// TestBenchImagesAgainstPackageManagers does the same over larger images, where
// BENCH_IMAGES names an OCI layout.
func TestBenchImagesAgainstPackageManagers(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("BENCH_IMAGES")
	if dir == "" {
		t.Skip("SKIPPED: BENCH_IMAGES names no OCI layout with larger images; the samples are compared all the same")
	}
	found := images(t, dir)
	for tag := range found {
		if !slices.Contains([]string{"medium", "large", "edge", "opaque", "rpmlike", "fam2", "zstd"}, tag) {
			delete(found, tag)
		}
	}
	compare(t, found, push(t, servers.DockerRegistry(t), found))
}
