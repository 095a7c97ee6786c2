package opaque

import (
	"archive/tar"
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/match"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/seaworthy-dev/seaworthy/e2e/program"
)

// entry is one of a layer's tar entries.
type entry struct {
	kind    byte
	name    string
	content string // or the target of a link
}

func dir(name string) entry          { return entry{tar.TypeDir, name, ""} }
func file(name, text string) entry   { return entry{tar.TypeReg, name, text} }
func gone(name string) entry         { return entry{tar.TypeReg, hidden(name), ""} }
func cleared(name string) entry      { return entry{tar.TypeReg, name + "/" + opaque, ""} }
func hard(name, target string) entry { return entry{tar.TypeLink, name, target} }
func soft(name, target string) entry { return entry{tar.TypeSymlink, name, target} }

func hidden(name string) string {
	at, base := filepath.Split(name)
	return at + whiteout + base
}

// module is a package of npm below a directory with node_modules.
func module(at, name, version string) entry {
	return file(at+"/node_modules/"+name+"/package.json", fmt.Sprintf(`{"name":%q,"version":%q}`, name, version))
}

// wheel is a package of Python.
func wheel(name, version string) entry {
	return file("usr/lib/python3/dist-packages/"+name+"-"+version+".dist-info/METADATA",
		fmt.Sprintf("Metadata-Version: 2.1\nName: %s\nVersion: %s\n", name, version))
}

func image(t *testing.T, layers ...[]entry) v1.Image {
	t.Helper()
	made := v1.Image(empty.Image)
	for _, entries := range layers {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, e := range entries {
			h := &tar.Header{Typeflag: e.kind, Name: e.name, Mode: 0o755}
			switch e.kind {
			case tar.TypeReg:
				h.Size = int64(len(e.content))
			case tar.TypeLink, tar.TypeSymlink:
				h.Linkname = e.content
			}
			if err := w.WriteHeader(h); err != nil {
				t.Fatal(err)
			}
			if e.kind == tar.TypeReg {
				if _, err := io.WriteString(w, e.content); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
		if err != nil {
			t.Fatal(err)
		}
		if made, err = mutate.AppendLayers(made, layer); err != nil {
			t.Fatal(err)
		}
	}
	return made
}

// shop is a lower layer: nine packages in two trees, one of them within another.
func shop() []entry {
	return []entry{
		dir("app"), dir("app/node_modules"),
		module("app", "axios", "0.21.1"), module("app", "express", "4.17.1"), module("app/node_modules/express", "qs", "6.7.0"),
		module("app", "lodash", "4.17.20"), module("app", "minimist", "1.2.5"), module("app", "@shop/theme", "2.0.0"),
		module("app", "@shop/icons", "1.1.0"),
		module("other", "lodash", "3.10.1"), module("other", "ms", "2.0.0"),
		wheel("requests", "2.25.0"), wheel("urllib3", "1.26.4"),
	}
}

// goProgram is a program with build information: that of the samples, which the
// standard library reads.
func goProgram(t *testing.T) (content string, modules []string) {
	t.Helper()
	samples, err := layout.ImageIndexFromPath(program.NewHome(t).Samples(t))
	if err != nil {
		t.Fatal(err)
	}
	platform := v1.Platform{OS: "linux", Architecture: "amd64"}
	images, err := partial.FindImages(samples, match.Name("gateway"))
	if err != nil {
		t.Fatal(err)
	}
	indexes, err := partial.FindIndexes(samples, match.Name("gateway"))
	if err != nil {
		t.Fatal(err)
	}
	for _, index := range indexes {
		more, err := partial.FindImages(index, match.Platforms(platform))
		if err != nil {
			t.Fatal(err)
		}
		images = append(images, more...)
	}
	if len(images) != 1 {
		t.Fatalf("the samples have %d images of gateway for %s", len(images), platform)
	}
	root := t.TempDir()
	if err := unpack(images[0], root); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(root, "gateway"))
	if err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.Read(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range info.Deps {
		modules = append(modules, m.Path+" "+strings.TrimPrefix(m.Version, "v"))
	}
	if len(modules) == 0 {
		t.Fatal("the sample program names no modules")
	}
	slices.Sort(modules)
	return string(b), modules
}

// What the program lists is what lies in the merged root.
func TestMergedRoot(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		layers [][]entry
		npm    int // packages, so that no comparison is of nothing
	}{
		{"an opaque directory", [][]entry{shop(), {
			dir("app/node_modules"), cleared("app/node_modules"), module("app", "minimist", "1.2.8"), module("app", "ms", "2.1.3"),
		}}, 4},
		{"an opaque marker behind what its layer brings", [][]entry{shop(), {
			dir("app/node_modules"), module("app", "minimist", "1.2.8"), module("app", "ms", "2.1.3"), cleared("app/node_modules"),
		}}, 4},
		{"an opaque directory of a scope", [][]entry{shop(), {cleared("app/node_modules/@shop"), module("app", "@shop/theme", "3.0.0")}}, 8},
		{"an opaque marker on nothing", [][]entry{shop(), {cleared("srv/none"), module("srv", "ms", "2.1.3")}}, 10},
		{"an opaque root", [][]entry{shop(), {{tar.TypeReg, opaque, ""}, module("app", "ms", "2.1.3")}}, 1},
		{"opaque twice", [][]entry{shop(), {cleared("app/node_modules"), module("app", "a", "1.0.0")}, {cleared("app"), module("app", "b", "1.0.0")}}, 3},
		{"whiteouts", [][]entry{shop(), {
			gone("app/node_modules/axios"), gone("app/node_modules/@shop"), gone("app/node_modules/express/node_modules"),
			gone("usr/lib/python3/dist-packages/urllib3-1.26.4.dist-info/METADATA"), gone("none/at/all"),
		}}, 5},
		{"a whiteout and what its layer brings anew", [][]entry{shop(), {
			gone("app/node_modules/express"), module("app", "express", "4.18.0"),
		}}, 8},
		{"a whiteout behind what its layer brings anew", [][]entry{shop(), {
			module("app", "express", "4.18.0"), gone("app/node_modules/express"),
		}}, 8},
		{"hidden and back", [][]entry{shop(), {gone("app")}, {module("app", "axios", "1.7.0")}}, 3},
		{"an overwritten file", [][]entry{shop(), {module("app", "lodash", "4.17.21")}}, 9},
		{"a directory becomes a file", [][]entry{shop(), {file("app/node_modules/express", "gone")}}, 7},
		{"a directory becomes a symbolic link", [][]entry{shop(), {soft("app/node_modules", "../other/node_modules")}}, 2},
		{"a file becomes a directory", [][]entry{
			{module("app", "lodash", "4.17.20"), file("app/node_modules/axios", "no directory")},
			{dir("app/node_modules/axios"), module("app", "axios", "1.7.0"), dir("app/node_modules/lodash/package.json")},
		}, 1},
		{"a package.json that is hard-linked across layers", [][]entry{shop(), {
			dir("third/node_modules/lodash"), hard("third/node_modules/lodash/package.json", "app/node_modules/lodash/package.json"),
		}}, 9},
		{"a hard link that outlives its target", [][]entry{shop(), {
			dir("third/node_modules/axios"), hard("third/node_modules/axios/package.json", "app/node_modules/axios/package.json"),
		}, {gone("app")}}, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			made := image(t, tc.layers...)
			root := t.TempDir()
			if err := unpack(made, root); err != nil {
				t.Fatal(err)
			}
			got := assess(t, made)
			npm := found(t, root, "package.json")
			if len(npm) != tc.npm {
				t.Errorf("find counts %d npm packages in the root, want %d: %v", len(npm), tc.npm, npm)
			}
			if d := cmp.Diff(npm, got.Of("npm")); d != "" {
				t.Errorf("npm packages (-find +seaworthy):\n%s", d)
			}
			if d := cmp.Diff(found(t, root, "METADATA"), got.Of("PyPI")); d != "" {
				t.Errorf("Python packages (-find +seaworthy):\n%s", d)
			}
			for _, p := range got.Inventory.Packages {
				for _, l := range p.Locations {
					if _, err := os.Stat(filepath.Join(root, l.Path)); err != nil {
						t.Errorf("%s %s is said to lie at %s, where nothing is", p.Name, p.Version, l.Path)
					}
				}
			}
		})
	}
}

// A program is known by what it holds: under two hard-linked names, when one of
// them goes, and when it is overwritten.
func TestHardLinkedProgram(t *testing.T) {
	t.Parallel()
	content, modules := goProgram(t)
	base := []entry{file("usr/bin/tool", content), hard("usr/bin/alias", "usr/bin/tool"), soft("usr/bin/short", "tool")}
	for _, tc := range []struct {
		name  string
		upper []entry
		paths []string
	}{
		{"two names", nil, []string{"usr/bin/alias", "usr/bin/tool"}},
		{"the first is hidden", []entry{gone("usr/bin/tool")}, []string{"usr/bin/alias"}},
		{"the second is hidden", []entry{gone("usr/bin/alias")}, []string{"usr/bin/tool"}},
		{"both are hidden", []entry{gone("usr/bin/alias"), gone("usr/bin/tool")}, nil},
		{"the first is overwritten", []entry{file("usr/bin/tool", "#!/bin/sh\n")}, []string{"usr/bin/alias"}},
		{"a third in an upper layer", []entry{hard("usr/bin/third", "usr/bin/alias"), gone("usr/bin/tool")}, []string{"usr/bin/alias", "usr/bin/third"}},
		{"the directory is opaque", []entry{cleared("usr/bin")}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			made := image(t, base, append([]entry{dir("usr")}, tc.upper...))
			root := t.TempDir()
			if err := unpack(made, root); err != nil {
				t.Fatal(err)
			}
			got := assess(t, made)
			var named []string
			for _, p := range got.Of("Go") {
				if name, _, _ := strings.Cut(p, " "); name != "stdlib" && name != "shop.example/gateway" {
					named = append(named, p)
				}
			}
			want := modules
			if tc.paths == nil {
				want = nil
			}
			if d := cmp.Diff(want, named); d != "" {
				t.Errorf("modules (-want +got):\n%s", d)
			}
			at := map[string]bool{}
			for _, p := range got.Inventory.Packages {
				for _, l := range p.Locations {
					at[l.Path] = true
				}
			}
			if d := cmp.Diff(tc.paths, slices.Sorted(maps.Keys(at))); d != "" {
				t.Errorf("places (-want +got):\n%s", d)
			}
			for _, path := range tc.paths { // the root agrees
				if _, err := buildinfo.ReadFile(filepath.Join(root, path)); err != nil {
					t.Errorf("the root's %s: %v", path, err)
				}
			}
		})
	}
}

// TestBenchImages compares larger images, where BENCH_IMAGES names an OCI layout:
// one with an opaque directory, one with whiteouts and hard links.
func TestBenchImages(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("BENCH_IMAGES")
	if dir == "" {
		t.Skip("SKIPPED: BENCH_IMAGES names no OCI layout with larger images; small ones are compared all the same")
	}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{"opaque", "edge"} {
		t.Run(tag, func(t *testing.T) {
			t.Parallel()
			images, err := partial.FindImages(index, match.Name(tag))
			if err != nil || len(images) != 1 {
				t.Fatalf("the layout has %d images %s: %v", len(images), tag, err)
			}
			root := t.TempDir()
			if err := unpack(images[0], root); err != nil {
				t.Fatal(err)
			}
			want := found(t, root, "package.json")
			if len(want) == 0 {
				t.Fatal("find counts no npm packages in the root")
			}
			got := program.NewHome(t).Assess(t, "--platform", "linux/amd64", "oci:"+dir+":"+tag)
			if d := cmp.Diff(want, slices.Compact(got[0].Of("npm"))); d != "" {
				t.Errorf("npm packages (-find +seaworthy):\n%s", d)
			}
			t.Logf("%d npm packages", len(want))
		})
	}
}

// assess assesses one image of a layout.
func assess(t *testing.T, made v1.Image) program.Assessment {
	t.Helper()
	to, err := layout.Write(t.TempDir(), empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := to.AppendImage(made); err != nil {
		t.Fatal(err)
	}
	all := program.NewHome(t).Assess(t, "oci:"+string(to))
	if len(all) != 1 {
		t.Fatalf("%d assessments", len(all))
	}
	for _, g := range all[0].Inventory.Gaps {
		if g.Kind != "advisories" {
			t.Errorf("a gap: %+v", g)
		}
	}
	return all[0]
}

// found asks find for the files of a name that packages are told by, and lists
// "name version" of each, sorted and once.
func found(t *testing.T, dir, name string) []string {
	t.Helper()
	args := []string{dir, "-type", "f", "-name", name, "-print0"}
	if name == "package.json" {
		args = slices.Insert(args, 5, "-path", "*/node_modules/*")
	}
	out, err := exec.CommandContext(t.Context(), "find", args...).Output()
	if err != nil {
		t.Fatal(errors.Join(errors.New("find"), err))
	}
	set := map[string]bool{}
	root := packageRoot()
	for _, path := range strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 }) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var p struct{ Name, Version string }
		if name == "package.json" {
			if !root.MatchString(path) {
				continue
			}
			if err := json.Unmarshal(b, &p); err != nil {
				t.Fatal(err)
			}
		} else {
			for line := range strings.Lines(string(b)) {
				switch key, value, _ := strings.Cut(strings.TrimSpace(line), ": "); key {
				case "Name":
					p.Name = value
				case "Version":
					p.Version = value
				}
			}
		}
		if p.Name != "" && p.Version != "" {
			set[p.Name+" "+p.Version] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// packageRoot is the package.json of a package, not of a directory within one.
func packageRoot() *regexp.Regexp {
	return regexp.MustCompile(`/node_modules/(@[^/]+/)?[^/@][^/]*/package\.json$`)
}
