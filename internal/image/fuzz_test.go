package image

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/seaworthy-dev/seaworthy"
)

// decode makes contents of any bytes: lines of a verb, a path and a target. The
// paths are as the bytes have them, clean or not.
func decode(text []byte) []*seaworthy.Contents {
	var layers []*seaworthy.Contents
	for part := range bytes.SplitSeq(text, []byte("\x00")) {
		if string(part) == "nil" {
			layers = append(layers, nil)
			continue
		}
		c := &seaworthy.Contents{}
		for line := range strings.Lines(string(part)) {
			line = strings.TrimSuffix(line, "\n")
			if line == "" {
				continue
			}
			path, target, _ := strings.Cut(line[1:], ">")
			decodeLine(c, line[0], path, target)
		}
		layers = append(layers, c)
	}
	return layers
}

func decodeLine(c *seaworthy.Contents, verb byte, path, target string) {
	switch verb {
	case 'f', 'd', 'l', 'w', 'o':
		c.Entries.Add(seaworthy.Entry{Kind: seaworthy.EntryKind(verb), Path: path, Target: target})
	case 'h':
		c.Links = append(c.Links, seaworthy.Link{Path: path, Target: target, Formats: []seaworthy.Format{seaworthy.RecordGo, "pkg"}})
	case 'g':
		c.Gaps = append(c.Gaps, seaworthy.Gap{Path: path, Reason: target})
	case 'p', 'D', 'P', 'L', 'A', 'R', 'O':
		formats := map[byte]seaworthy.Format{
			'p': "pkg", 'D': seaworthy.RecordDpkg, 'P': seaworthy.RecordDpkgPart, 'L': seaworthy.RecordDpkgFiles,
			'A': seaworthy.RecordAPK, 'R': seaworthy.RecordRPM, 'O': seaworthy.RecordOSRelease,
		}
		c.Records = append(c.Records, seaworthy.Record{
			Path:      path,
			Format:    formats[verb],
			Packages:  []seaworthy.Package{{Ecosystem: seaworthy.FormatDpkg, Name: target}},
			Owns:      []seaworthy.Owned{{Package: target, Paths: []string{target}}},
			OSRelease: map[string]string{"ID": target, "VERSION_ID": path},
		})
	}
}

func FuzzMerge(f *testing.F) {
	f.Add([]byte("llib>usr/lib\nflib/x\nplib/x>p\x00wlib\nolib\nd\nnil\x00nil\x00hlib/y>lib/x\nflib/y"))
	f.Add([]byte("fvar/lib/dpkg/status\nDvar/lib/dpkg/status>a\nOetc/os-release>debian\nfetc/os-release\x00dvar/lib"))
	f.Add([]byte("la>b\nlb>a\nfa/x\npa/x>q\nga/x>r\x00f../../a\nw..\nl/>/\nf//\no//a//"))
	f.Add([]byte("l.>..\nl..>.\nfa/../b\npa/../b>c\nh>\nf\ng\nd"))
	f.Fuzz(func(t *testing.T, text []byte) {
		inv := Merge(decode(text))
		if !slices.IsSortedFunc(inv.Packages, func(a, b seaworthy.Placed) int { return a.Package.Compare(b.Package) }) {
			t.Error("packages are not sorted")
		}
		for i, p := range inv.Packages {
			if i > 0 && inv.Packages[i-1].Package == p.Package {
				t.Errorf("%v is there twice", p.Package)
			}
			if len(p.Locations) == 0 {
				t.Errorf("%v is nowhere", p.Package)
			}
			for _, l := range p.Locations {
				if l.Path == "" || strings.HasPrefix(l.Path, "/") || slices.Contains(strings.Split(l.Path, "/"), "..") {
					t.Errorf("%v is at %q", p.Package, l.Path)
				}
			}
		}
		if again := Merge(decode(text)); Hash(again) != Hash(inv) || len(again.Gaps) != len(inv.Gaps) {
			t.Error("the same contents give another inventory")
		}
	})
}
