package image

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/seaworthy-dev/seaworthy"
)

// analyse says of a layer alone what package layer says of it.
func analyse(changes []change) *seaworthy.Contents {
	c := &seaworthy.Contents{}
	type state struct {
		blob *blob // of a file whose contents the layer holds
		link string
		hard string
	}
	now := map[string]state{}
	for _, ch := range changes {
		e := seaworthy.Entry{Path: ch.Path}
		switch ch.Kind {
		case "whiteout":
			e.Kind = seaworthy.EntryWhiteout
		case "opaque":
			e.Kind = seaworthy.EntryOpaque
		case "dir":
			e.Kind = seaworthy.EntryDir
			delete(now, ch.Path)
		case "file":
			e.Kind = seaworthy.EntryFile
			now[ch.Path] = state{blob: ch.Blob}
		case "symlink":
			e.Kind, e.Target = seaworthy.EntrySymlink, ch.Target
			now[ch.Path] = state{link: ch.Target}
		case "hardlink":
			e.Kind = seaworthy.EntryFile
			s, ok := now[ch.Target]
			switch {
			case !ok || s.hard != "":
				s = state{hard: ch.Target}
			case s.link != "":
				e.Kind, e.Target = seaworthy.EntrySymlink, s.link
			}
			now[ch.Path] = s
		}
		c.Entries.Add(e)
	}
	for _, name := range slices.Sorted(maps.Keys(now)) {
		switch s := now[name]; {
		case s.blob != nil:
			records, gaps := s.blob.read(name)
			c.Records, c.Gaps = append(c.Records, records...), append(c.Gaps, gaps...)
		case s.hard != "":
			c.Links = append(c.Links, seaworthy.Link{Path: name, Target: s.hard, Formats: formatsOf(name)})
		}
	}
	return c
}

// analyse reads the whole file system as one layer.
func (d disk) analyse() *seaworthy.Contents {
	c := &seaworthy.Contents{}
	d.walk(func(name string, info fs.DirEntry) {
		switch {
		case info.IsDir():
			c.Entries.Add(seaworthy.Entry{Kind: seaworthy.EntryDir, Path: name})
		case info.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(d.real(name))
			d.must(err)
			c.Entries.Add(seaworthy.Entry{Kind: seaworthy.EntrySymlink, Path: name, Target: target})
		default:
			c.Entries.Add(seaworthy.Entry{Kind: seaworthy.EntryFile, Path: name})
			records, gaps := d.read(name)
			c.Records, c.Gaps = append(c.Records, records...), append(c.Gaps, gaps...)
		}
	})
	return c
}

func (d disk) walk(visit func(name string, info fs.DirEntry)) {
	d.must(filepath.WalkDir(d.root, func(p string, info fs.DirEntry, err error) error {
		if name, _ := filepath.Rel(d.root, p); err == nil && name != "." {
			visit(name, info)
		}
		return err
	}))
}

// read reads a file by its own name and by those fixed names that lead to it.
func (d disk) read(name string) ([]seaworthy.Record, []seaworthy.Gap) {
	b := d.blob(name)
	as := name
	for _, fixed := range append(osReleasePaths(), databasePath, listPath) {
		if at, err := d.resolve(fixed); err == nil && at == name && len(formatsOf(fixed)) > len(formatsOf(as)) {
			as = fixed
		}
	}
	records, gaps := b.read(as)
	for i := range records {
		records[i].Path = name
	}
	return records, gaps
}

// truth is what the oracle knows besides the flattened file system.
type truth struct {
	since map[string]int // of the packages in the database
}

// remember reads the database after a layer.
func (w *truth) remember(d disk, layer int) {
	next := map[string]int{}
	if at, err := d.resolve(databasePath); err == nil {
		if b := d.blob(at); b != nil && b.Sort == "db" {
			for _, p := range b.Packages {
				next[p] = layer
				if since, ok := w.since[p]; ok {
					next[p] = since
				}
			}
		}
	}
	w.since = next
}

// owner says who owns the file at that place, by the one list there can be.
func (w *truth) owner(d disk, name string) string {
	at, err := d.resolve(listPath)
	if err != nil {
		return ""
	}
	list, file := d.blob(at), d.blob(name)
	if list == nil || list.Sort != "list" || list.Layer < file.Layer {
		return ""
	}
	owned := slices.ContainsFunc(list.Owns, func(o string) bool {
		at, err := d.locate(o)
		return err == nil && at == name
	})
	for _, p := range slices.Sorted(slices.Values(list.Packages)) {
		if _, installed := w.since[p]; owned && installed {
			return p
		}
	}
	return ""
}

// expect is the inventory of the flattened file system with the layers and
// owners that the oracle knows, and without the places that Merge cannot know.
func (w *truth) expect(d disk, unknown map[string]bool) seaworthy.Inventory {
	inv := forgive(Merge([]*seaworthy.Contents{d.analyse()}), unknown)
	for i, p := range inv.Packages {
		owners := make([]string, 0, len(p.Locations))
		for j, l := range p.Locations {
			layer := w.since[p.Name]
			if p.Ecosystem == seaworthy.NPM || p.Ecosystem == seaworthy.Go {
				layer = d.blob(l.Path).Layer
				owners = append(owners, w.owner(d, l.Path))
			}
			inv.Packages[i].Locations[j].Layer = layer
		}
		slices.SortFunc(p.Locations, func(a, b seaworthy.Location) int {
			if a.Layer != b.Layer {
				return a.Layer - b.Layer
			}
			return strings.Compare(a.Path, b.Path)
		})
		inv.Packages[i].OwnedBy = ""
		if len(owners) > 0 && !slices.Contains(owners, "") {
			inv.Packages[i].OwnedBy = slices.Min(owners)
		}
	}
	for i, g := range inv.Gaps {
		if g.Layer == 0 {
			inv.Gaps[i].Layer = d.blob(g.Path).Layer
		}
	}
	return inv
}

// forgive takes out of inv what lies where the merge says that it cannot tell.
func forgive(inv seaworthy.Inventory, unknown map[string]bool) seaworthy.Inventory {
	var packages []seaworthy.Placed
	for _, p := range inv.Packages {
		p.Locations = slices.DeleteFunc(slices.Clone(p.Locations), func(l seaworthy.Location) bool { return unknown[l.Path] })
		if len(p.Locations) > 0 {
			packages = append(packages, p)
		}
	}
	inv.Packages = packages
	inv.Gaps = slices.DeleteFunc(slices.Clone(inv.Gaps), func(g seaworthy.Gap) bool { return unknown[g.Path] })
	return inv
}

// check applies the stack to a directory and compares.
func check(t *testing.T, stack [][]change) (diff string) {
	root, err := os.MkdirTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(root)
	d, w := disk{t, root}, &truth{}
	var layers []*seaworthy.Contents
	unknown := map[string]bool{}
	for i, changes := range stack {
		kept, lost := d.apply(i, changes)
		for _, name := range lost {
			unknown[name] = true
		}
		w.remember(d, i)
		layers = append(layers, analyse(kept))
	}
	got := Merge(layers)
	got.Gaps = slices.DeleteFunc(got.Gaps, func(g seaworthy.Gap) bool {
		if g.Kind == seaworthy.GapLink {
			unknown[g.Path] = true
		}
		// A gap does not say by which format the file could not be read, so a hard
		// link to it has the gap even if that format would not want the link.
		return g.Reason == "corrupt" && !strings.HasSuffix(g.Path, ".pkg")
	})
	return cmp.Diff(w.expect(d, unknown), forgive(got, unknown), cmpopts.EquateEmpty(), cmpopts.SortSlices(lessGap))
}

// names are few, so that changes meet.
type names struct {
	dir, file, any, target *rapid.Generator[string]
	packages               *rapid.Generator[[]string]
}

func fewNames() names {
	var n names
	dir := rapid.SampledFrom([]string{"a", "b", "c", "usr", "etc", "lib"})
	base := rapid.SampledFrom([]string{"x.pkg", "y.pkg", "exe", "n"})
	n.dir = rapid.Custom(func(t *rapid.T) string {
		if rapid.IntRange(0, 5).Draw(t, "system") == 0 {
			return "usr/lib"
		}
		return strings.Join(rapid.SliceOfN(dir, 1, 3).Draw(t, "dirs"), "/")
	})
	n.file = rapid.Custom(func(t *rapid.T) string {
		return path.Join(rapid.OneOf(n.dir, rapid.Just("")).Draw(t, "dir"), base.Draw(t, "base"))
	})
	n.any = rapid.OneOf(n.dir, n.file)
	n.target = rapid.Custom(func(t *rapid.T) string {
		prefix := rapid.SampledFrom([]string{"", "", "/", "../", "../../", "./", "c/../"}).Draw(t, "prefix")
		return prefix + n.any.Draw(t, "target")
	})
	n.packages = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"f", "p", "q"}), 0, 3, rapid.ID[string])
	return n
}

// drawFile gives a regular file with some sort of contents.
func (n names) drawFile(t *rapid.T) change {
	c := change{Kind: "file", Path: n.file.Draw(t, "path"), Blob: &blob{Sort: "plain"}}
	c.Blob.ID = rapid.IntRange(0, 1<<40).Draw(t, "id")
	c.Blob.Packages = n.packages.Draw(t, "packages")
	switch rapid.IntRange(0, 9).Draw(t, "sort") {
	case 0, 1, 2:
		c.Blob.Sort = "pkg"
	case 3, 4:
		c.Path, c.Blob.Sort = n.any.Draw(t, "path"), "exe"
	case 5:
		c.Blob.Sort = "corrupt"
	case 6:
		c.Path, c.Blob.Sort = databasePath, "db"
	case 7:
		c.Path, c.Blob.Sort = listPath, "list"
		c.Blob.Owns = rapid.SliceOfN(n.file, 1, 4).Draw(t, "owns")
	case 8:
		c.Path, c.Blob.Sort = rapid.SampledFrom(osReleasePaths()).Draw(t, "os-release"), "os-release"
		c.Blob.Fields = map[string]string{"ID": "debian", "VERSION_ID": fmt.Sprint(rapid.IntRange(11, 13).Draw(t, "version"))}
	}
	return c
}

// drawChanges gives one change, or a few that belong together.
func (n names) drawChanges(t *rapid.T) []change {
	switch rapid.IntRange(0, 17).Draw(t, "kind") {
	case 0, 1, 2:
		return []change{{Kind: "symlink", Path: n.any.Draw(t, "path"), Target: n.target.Draw(t, "target")}}
	case 3:
		return []change{{Kind: "symlink", Path: "etc/os-release", Target: "../usr/lib/os-release"}}
	case 4:
		return []change{{Kind: "dir", Path: n.any.Draw(t, "path")}}
	case 5:
		dir := n.dir.Draw(t, "path")
		return []change{{Kind: "dir", Path: dir}, {Kind: "opaque", Path: dir}}
	case 6, 7:
		return []change{{Kind: "whiteout", Path: n.any.Draw(t, "path")}}
	case 8:
		return []change{{Kind: "opaque", Path: rapid.OneOf(n.dir, rapid.Just("")).Draw(t, "path")}}
	case 9, 10:
		return []change{{Kind: "hardlink", Path: n.any.Draw(t, "path"), Target: n.any.Draw(t, "target")}}
	case 11:
		dir := n.dir.Draw(t, "path")
		f := n.drawFile(t)
		f.Path = path.Join(dir, "x.pkg")
		return []change{{Kind: "symlink", Path: dir, Target: n.target.Draw(t, "target")}, f}
	}
	return []change{n.drawFile(t)}
}

// stacks generates layers of changes.
func stacks() *rapid.Generator[[][]change] {
	n := fewNames()
	changes := rapid.SliceOfN(rapid.Custom(n.drawChanges), 0, 8)
	layer := rapid.Map(changes, func(groups [][]change) []change { return slices.Concat(groups...) })
	return rapid.SliceOfN(layer, 1, 5)
}

func TestMergeIsAnalysisOfTheFlattenedFileSystem(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		stack := stacks().Draw(rt, "layers")
		if diff := check(t, stack); diff != "" {
			text, _ := json.MarshalIndent(stack, "", " ")
			rt.Fatalf("flattened and merged differ (-flattened +merged)\n%s\n%s", diff, text)
		}
	})
}

func lessGap(a, b seaworthy.Gap) bool {
	if a.Layer != b.Layer {
		return a.Layer < b.Layer
	}
	return a.Path < b.Path
}
