package oracle

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/seaworthy-dev/seaworthy/e2e/servers"
)

// program is the binary under test; make builds it.
func program(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../bin/seaworthy")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatal("bin/seaworthy is not built: run make build")
	}
	return path
}

// assessed is what seaworthy says of one image.
type assessed struct {
	Inventory struct {
		Packages []struct {
			Ecosystem, Name, Version, Arch, Source, SourceVersion, OwnedBy string
		}
		Gaps []struct{ Kind, Reason string }
	}
}

func assess(t *testing.T, args ...string) []assessed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program(t), append([]string{
		"assess", "--quiet", "--format", "json", "--plain-http", "--data-dir", t.TempDir(),
	}, args...)...)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("assess %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	var doc struct{ Assessments []assessed }
	if err := json.Unmarshal(out, &doc); err != nil {
		t.Fatal(err)
	}
	return doc.Assessments
}

// of picks the packages of one kind from an assessment.
func (a assessed) of(kind string) packages {
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

// samples writes the sample images into a layout and gives them by name.
func samples(t *testing.T) map[string]v1.Image {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), program(t), "demo", "--write", dir).CombinedOutput(); err != nil {
		t.Fatalf("write the samples: %v\n%s", err, out)
	}
	return images(t, dir)
}

// images reads the single images of an OCI layout.
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

// compare pushes the images to a registry, assesses them there, and asks the
// package managers about the same roots.
func compare(t *testing.T, host string, found map[string]v1.Image) {
	compared := map[string]int{}
	for tag, image := range found {
		ref, err := name.NewTag(host+"/lab/"+tag+":latest", name.Insecure)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(ref, image, remote.WithContext(t.Context())); err != nil {
			t.Fatalf("push %s: %v", tag, err)
		}
		all := assess(t, "--platform", "linux/amd64", ref.String())
		if len(all) != 1 {
			t.Fatalf("%s: %d assessments", tag, len(all))
		}
		root := t.TempDir()
		if err := flatten(image, root); err != nil {
			t.Fatal(err)
		}
		for kind, want := range independent(t, root) {
			if diff := cmp.Diff(want, all[0].of(kind)); diff != "" {
				t.Errorf("%s: %s and seaworthy differ (-%s +seaworthy):\n%s", tag, kind, kind, diff)
			}
			compared[kind] += len(want)
		}
	}
	for _, kind := range []string{"dpkg", "rpm", "RubyGems", "npm"} {
		if compared[kind] == 0 {
			t.Errorf("no package of kind %s was compared", kind)
		}
	}
	t.Logf("compared with the package managers: %v", compared)
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
	compare(t, servers.DockerRegistry(t), samples(t))
}

func TestServerDistribution(t *testing.T) {
	t.Parallel()
	compare(t, servers.Distribution(t), samples(t))
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
	compare(t, servers.DockerRegistry(t), found)
}
