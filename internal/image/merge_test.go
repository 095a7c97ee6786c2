package image

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seaworthy-dev/seaworthy"
)

// contents builds a layer from lines:
//
//	dir PATH, file PATH, link PATH -> TARGET, whiteout PATH, opaque PATH
//	pkg PATH NAME...      a file with language packages, recognised by name
//	exe PATH NAME...      an executable with Go modules, recognised by content
//	corrupt PATH          a file that could not be read
//	hard PATH -> TARGET   a hard link into a lower layer
//	dpkg PATH NAME@VERSION..., part …, apk …, rpm …   package databases
//	list PATH PACKAGE PATH...   what a dpkg package owns
//	os PATH KEY=VALUE...  an os-release
func contents(t *testing.T, text string) *seaworthy.Contents {
	t.Helper()
	c := &seaworthy.Contents{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		verb, path, rest := words[0], strings.Trim(words[1], "/"), words[2:]
		switch verb {
		case "dir":
			c.Entries.Add(seaworthy.Entry{Kind: seaworthy.EntryDir, Path: path})
		case "file":
			c.Entries.Add(seaworthy.Entry{Kind: seaworthy.EntryFile, Path: path})
		case "link":
			c.Entries.Add(seaworthy.Entry{Kind: seaworthy.EntrySymlink, Path: path, Target: rest[1]})
		case "whiteout":
			c.Entries.Add(seaworthy.Entry{Kind: seaworthy.EntryWhiteout, Path: path})
		case "opaque":
			c.Entries.Add(seaworthy.Entry{Kind: seaworthy.EntryOpaque, Path: path})
		case "corrupt":
			c.Entries.Add(seaworthy.Entry{Kind: seaworthy.EntryFile, Path: path})
			c.Gaps = append(c.Gaps, seaworthy.Gap{Kind: seaworthy.GapFile, Path: path, Reason: "corrupt"})
		case "hard":
			c.Entries.Add(seaworthy.Entry{Kind: seaworthy.EntryFile, Path: path})
			formats := []seaworthy.Format{seaworthy.RecordGo, seaworthy.RecordRust}
			if strings.HasSuffix(path, ".pkg") {
				formats = append(formats, "pkg")
			}
			c.Links = append(c.Links, seaworthy.Link{Path: path, Target: rest[1], Formats: formats})
		default:
			c.Entries.Add(seaworthy.Entry{Kind: seaworthy.EntryFile, Path: path})
			c.Records = append(c.Records, record(t, verb, path, rest))
		}
	}
	return c
}

func record(t *testing.T, verb, path string, rest []string) seaworthy.Record {
	t.Helper()
	r := seaworthy.Record{Path: path}
	var ecosystem seaworthy.Ecosystem
	switch verb {
	case "pkg":
		r.Format, ecosystem = "pkg", seaworthy.NPM
	case "exe":
		r.Format, ecosystem = seaworthy.RecordGo, seaworthy.Go
	case "dpkg":
		r.Format, ecosystem = seaworthy.RecordDpkg, seaworthy.FormatDpkg
	case "part":
		r.Format, ecosystem = seaworthy.RecordDpkgPart, seaworthy.FormatDpkg
	case "apk":
		r.Format, ecosystem = seaworthy.RecordAPK, seaworthy.FormatAPK
	case "rpm":
		r.Format, ecosystem = seaworthy.RecordRPM, seaworthy.FormatRPM
	case "list":
		r.Format = seaworthy.RecordDpkgFiles
		r.Owns = []seaworthy.Owned{{Package: rest[0], Paths: rest[1:]}}
		return r
	case "os":
		r.Format, r.OSRelease = seaworthy.RecordOSRelease, map[string]string{}
		for _, field := range rest {
			k, v, _ := strings.Cut(field, "=")
			r.OSRelease[k] = v
		}
		return r
	default:
		t.Fatalf("unknown verb %q", verb)
	}
	for _, p := range rest {
		name, version, _ := strings.Cut(p, "@")
		if owned, ok := strings.CutPrefix(name, "owns:"); ok { // owns:PACKAGE@PATH
			r.Owns = append(r.Owns, seaworthy.Owned{Package: owned, Paths: []string{version}})
			continue
		}
		r.Packages = append(r.Packages, seaworthy.Package{Ecosystem: ecosystem, Name: name, Version: version})
	}
	return r
}

// show gives packages as "ecosystem name@version layer:path… [owner]".
func show(inv seaworthy.Inventory) []string {
	var lines []string
	for _, p := range inv.Packages {
		s := string(p.Ecosystem) + " " + p.Name
		if p.Version != "" {
			s += "@" + p.Version
		}
		for _, l := range p.Locations {
			s += " " + string(rune('0'+l.Layer)) + ":" + l.Path
		}
		if p.OwnedBy != "" {
			s += " [" + p.OwnedBy + "]"
		}
		lines = append(lines, s)
	}
	return lines
}

// showGaps gives gaps as "kind layer path".
func showGaps(inv seaworthy.Inventory) []string {
	var lines []string
	for _, g := range inv.Gaps {
		layer := "image"
		if g.Layer >= 0 {
			layer = string(rune('0' + g.Layer))
		}
		lines = append(lines, strings.TrimSpace(string(g.Kind)+" "+layer+" "+g.Path))
	}
	return lines
}

const foreign = "foreign"

// mergeCase is a stack of layers, the lowest first, and what it comes to.
type mergeCase struct {
	name   string
	layers []string
	want   []string
	gaps   []string
}

func (c mergeCase) run(t *testing.T) {
	t.Parallel()
	var layers []*seaworthy.Contents
	for _, text := range c.layers {
		if text == foreign {
			layers = append(layers, nil)
			continue
		}
		layers = append(layers, contents(t, text))
	}
	inv := Merge(layers)
	if diff := cmp.Diff(c.want, show(inv), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("packages (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(c.gaps, showGaps(inv), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("gaps (-want +got)\n%s", diff)
	}
	for _, g := range inv.Gaps {
		if g.Reason == "" {
			t.Errorf("gap %v gives no reason", g)
		}
	}
}

func runAll(t *testing.T, cases []mergeCase) {
	t.Parallel()
	for _, c := range cases {
		t.Run(c.name, c.run)
	}
}

func TestMergeEntries(t *testing.T) {
	runAll(t, []mergeCase{
		{"nothing", nil, nil, nil},
		{"one layer", []string{"dir app\npkg app/x.pkg one two"}, []string{"npm one 0:app/x.pkg", "npm two 0:app/x.pkg"}, nil},
		{"a later write hides", []string{"pkg x.pkg old", "pkg x.pkg new"}, []string{"npm new 1:x.pkg"}, nil},
		{"a later write without packages hides", []string{"pkg x.pkg old", "file x.pkg"}, nil, nil},
		{"the same again belongs to the last writer", []string{"pkg x.pkg p", "pkg x.pkg p"}, []string{"npm p 1:x.pkg"}, nil},
		{"a file hides a directory", []string{"pkg a/b/x.pkg p\npkg c.pkg q", "file a"}, []string{"npm q 0:c.pkg"}, nil},
		{"a link hides a directory", []string{"pkg a/b/x.pkg p", "link a -> /nowhere"}, nil, nil},
		{"a directory hides a file", []string{"pkg a p", "dir a"}, nil, nil},
		{"a directory does not hide a directory", []string{"pkg a/x.pkg p", "dir a"}, []string{"npm p 0:a/x.pkg"}, nil},
		{"a file in the way of a directory", []string{"pkg a p", "pkg a/b/x.pkg q"}, []string{"npm q 1:a/b/x.pkg"}, nil},
		{"a file in the way of a file of no interest", []string{"pkg a p", "file a/b/c"}, nil, nil},
		{"the later entry of a path wins", []string{"file x.pkg\npkg x.pkg p"}, []string{"npm p 0:x.pkg"}, nil},
		{"a directory is the later entry", []string{"pkg x.pkg p\ndir x.pkg"}, nil, nil},
		{"two places", []string{"pkg a.pkg p", "pkg b.pkg p"}, []string{"npm p 0:a.pkg 1:b.pkg"}, nil},
		{"a layer twice", []string{"pkg a.pkg p", "whiteout a.pkg", "pkg a.pkg p"}, []string{"npm p 2:a.pkg"}, nil},
		{"a layer that was not read", []string{"pkg a.pkg p", foreign, "pkg b.pkg q"}, []string{"npm p 0:a.pkg", "npm q 2:b.pkg"}, []string{"foreign-layer 1"}},
		{"neighbours that go", []string{"pkg d/a p\npkg d/b q\npkg d/c r", "whiteout d/b", "whiteout d/c", "whiteout d"}, nil, nil},
		{"neighbours that stay", []string{"pkg d/a p\npkg d/b q\npkg d/c r", "whiteout d/b\nwhiteout d/a", "opaque d\npkg d/e s"}, []string{"npm s 2:d/e"}, nil},
		{"the root is no file", []string{"pkg x.pkg p", "dir /\nfile /\nlink / -> a\nwhiteout /"}, []string{"npm p 0:x.pkg"}, nil},
	})
}

func TestMergeWhiteouts(t *testing.T) {
	runAll(t, []mergeCase{
		{"a file", []string{"pkg x.pkg p\npkg y.pkg q", "whiteout x.pkg"}, []string{"npm q 0:y.pkg"}, nil},
		{"a directory", []string{"pkg a/b/x.pkg p", "whiteout a"}, nil, nil},
		{"what is not there", []string{"pkg a/x.pkg p", "whiteout b/c\nwhiteout a/y"}, []string{"npm p 0:a/x.pkg"}, nil},
		{"not of the same layer, before", []string{"pkg x.pkg p", "whiteout x.pkg\npkg x.pkg q"}, []string{"npm q 1:x.pkg"}, nil},
		{"not of the same layer, after", []string{"pkg a/x.pkg p", "pkg a/y.pkg q\nwhiteout a"}, []string{"npm q 1:a/y.pkg"}, nil},
		{"opaque", []string{"pkg a/x.pkg p\npkg a/b/y.pkg q\npkg c.pkg r", "opaque a"}, []string{"npm r 0:c.pkg"}, nil},
		{"opaque, not of the same layer", []string{"pkg a/x.pkg p", "pkg a/y.pkg q\nopaque a"}, []string{"npm q 1:a/y.pkg"}, nil},
		{"opaque root", []string{"pkg a/x.pkg p", "opaque /\npkg y.pkg q"}, []string{"npm q 1:y.pkg"}, nil},
		{"opaque of a file is nothing", []string{"pkg x.pkg p", "opaque x.pkg"}, []string{"npm p 0:x.pkg"}, nil},
		{"of a link removes the link", []string{"pkg a/x.pkg p\nlink b -> a", "whiteout b", "pkg b/y.pkg q"}, []string{"npm p 0:a/x.pkg", "npm q 2:b/y.pkg"}, nil},
		{"through a link", []string{"link lib -> usr/lib\npkg usr/lib/x.pkg p", "whiteout lib/x.pkg"}, nil, nil},
		{"opaque through a link", []string{"link lib -> usr/lib\npkg usr/lib/x.pkg p", "opaque lib"}, nil, nil},
		{"a link replaced by an opaque directory", []string{"link now -> v1\npkg v1/x.pkg p", "dir now\nopaque now\npkg now/y.pkg q"}, []string{"npm p 0:v1/x.pkg", "npm q 1:now/y.pkg"}, nil},
		{"a link replaced by a directory with deletions", []string{"link now -> v1\npkg v1/x.pkg p", "dir now\nwhiteout now/x.pkg"}, []string{"npm p 0:v1/x.pkg"}, nil},
		{"in the first layer", []string{"whiteout x.pkg\nopaque a\npkg x.pkg p\npkg a/y.pkg q"}, []string{"npm p 0:x.pkg", "npm q 0:a/y.pkg"}, nil},
		{"loop", []string{"link a -> b\nlink b -> a\npkg x.pkg p", "whiteout a/x\nopaque a"}, []string{"npm p 0:x.pkg"}, nil},
	})
}

func TestMergeLinks(t *testing.T) {
	runAll(t, []mergeCase{
		{"relative", []string{"link lib -> usr/lib", "pkg lib/x.pkg p", "pkg usr/lib/x.pkg q"}, []string{"npm q 2:usr/lib/x.pkg"}, nil},
		{"absolute is of the image's root", []string{"link opt/lib -> /usr/lib", "pkg opt/lib/x.pkg p"}, []string{"npm p 1:usr/lib/x.pkg"}, nil},
		{"upwards never leaves the root", []string{"link a/b -> ../../../../c", "pkg a/b/x.pkg p"}, []string{"npm p 1:c/x.pkg"}, nil},
		{"upwards from an unknown directory", []string{"link a -> b/c/../../d", "pkg a/x.pkg p"}, []string{"npm p 1:d/x.pkg"}, nil},
		{"upwards from where a link leads", []string{"dir u/v\nlink a -> u/v\nlink b -> a/../w", "pkg b/x.pkg p"}, []string{"npm p 1:u/w/x.pkg"}, nil},
		{"through several", []string{"link a -> b\nlink b -> c/d\nlink c -> e", "pkg a/x.pkg p"}, []string{"npm p 1:e/d/x.pkg"}, nil},
		{"of the same layer", []string{"link a -> b\npkg a/x.pkg p"}, []string{"npm p 0:b/x.pkg"}, nil},
		{"only from when it is there", []string{"pkg a/x.pkg p", "link a -> b\npkg a/y.pkg q"}, []string{"npm q 1:b/y.pkg"}, nil},
		{"replaced by a directory", []string{"link lib -> usr/lib\npkg usr/lib/x.pkg p", "dir lib\npkg lib/x.pkg q"}, []string{"npm p 0:usr/lib/x.pkg", "npm q 1:lib/x.pkg"}, nil},
		{"replaced by a directory of the same layer", []string{"link lib -> usr/lib\ndir lib\npkg lib/x.pkg p"}, []string{"npm p 0:lib/x.pkg"}, nil},
		{"replaced by a file", []string{"link a -> b\npkg b p", "pkg a q"}, []string{"npm p 0:b", "npm q 1:a"}, nil},
		{"to a file is in the way", []string{"link a -> b\npkg b p", "pkg a/x.pkg q"}, []string{"npm q 1:b/x.pkg"}, nil},
		{"a file through a link hides", []string{"link lib -> usr/lib\npkg usr/lib/x.pkg p", "file lib/x.pkg"}, nil, nil},
		{"loop", []string{"link a -> b\nlink b -> a", "pkg a/x.pkg p\nfile a/y"}, nil, []string{"file 1 a/x.pkg"}},
		{"self", []string{"link a -> a", "pkg a/x.pkg p"}, nil, []string{"file 1 a/x.pkg"}},
		{"loop of growing paths", []string{"link a -> a/a", "pkg a/x.pkg p"}, nil, []string{"file 1 a/x.pkg"}},
		{"loop that a later layer unties", []string{"link a -> b\nlink b -> a", "dir a\npkg b/x.pkg p"}, []string{"npm p 1:a/x.pkg"}, nil},
		// Found by the property test: what is below a link is not below its path.
		{"a link written again", []string{"link u/l -> u/l\npkg u/l/x.pkg p\nlink u/l -> u/l"}, []string{"npm p 0:u/u/l/x.pkg"}, nil},
	})
}
