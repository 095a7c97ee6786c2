package layer

import (
	"archive/tar"
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/seaworthy-dev/seaworthy"
)

// walked is what both walks say of an entry.
type walked struct {
	Name, Link   string
	Kind         byte
	Size, Mode   int64
	Major, Minor int64
	Body         string
}

const walkedMost = 1 << 16 // content that is compared

// walkOurs reads an archive with this package.
func walkOurs(b []byte) (list []walked, err error) {
	u := &unpacker{from: &once{b}, admit: func(int64) error { return nil }}
	t := &tarReader{in: u}
	for {
		h, err := t.next()
		if err == io.EOF {
			return list, nil
		}
		if err != nil {
			return list, err
		}
		w := walked{Name: string(h.name), Link: string(h.link), Kind: h.kind, Size: h.size, Mode: h.mode, Major: h.major, Minor: h.minor}
		content := io.Reader(t)
		if h.sparse {
			if content, err = t.sparseContent(); err != nil {
				return list, err
			}
		}
		body, err := io.ReadAll(io.LimitReader(content, walkedMost))
		if err != nil {
			return list, err
		}
		w.Body = string(body)
		list = append(list, w)
	}
}

type once struct{ b []byte }

func (o *once) next() ([]byte, error) {
	if len(o.b) == 0 {
		return nil, io.EOF
	}
	run := o.b[:min(len(o.b), 1000)] // no multiple of a block
	o.b = o.b[len(run):]
	return run, nil
}

func (o *once) close() {}

// walkTheirs reads it with archive/tar.
func walkTheirs(b []byte) (list []walked, err error) {
	r := tar.NewReader(bytes.NewReader(b))
	for {
		h, err := r.Next()
		if err == io.EOF {
			return list, nil
		}
		if err != nil {
			return list, err
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		w := walked{Name: h.Name, Link: h.Linkname, Kind: h.Typeflag, Size: h.Size, Mode: h.Mode, Major: h.Devmajor, Minor: h.Devminor}
		if w.Kind == tar.TypeGNUSparse {
			w.Kind = tar.TypeReg
		}
		if w.Kind >= tar.TypeLink && w.Kind <= tar.TypeFifo {
			w.Size = 0
		}
		body, err := io.ReadAll(io.LimitReader(r, walkedMost))
		if err != nil {
			return list, err
		}
		w.Body = string(body)
		list = append(list, w)
	}
}

// archives are seeds: one of each kind that there is.
func archives(t testing.TB) map[string][]byte {
	long := strings.Repeat("directory/", 30)
	all := []entry{
		dir("d"), file("d/f", "content"), executable("d/x", strings.Repeat("#go tool", 100)), symlink("s", "d/f"), hardlink("h", "d/f"),
		device("c", tar.TypeChar, 1, 3), device("b", tar.TypeBlock, 8, 0), device("p", tar.TypeFifo, 0, 0), file(".wh.gone", ""), file("d/.wh..wh..opq", ""),
	}
	in := func(format tar.Format, entries ...entry) []byte {
		for i := range entries {
			entries[i].Format = format
		}
		return archive(t, entries...)
	}
	longer := append(append([]entry{}, all...), file(long+"name", "x"), symlink("l", long), hardlink(long+"hard", long+"name"))
	old := in(tar.FormatUSTAR, all...)
	copy(old[257:], make([]byte, 8)) // the first entry without a magic, as v7 had it
	checksum(old[:tarBlock])
	oldDir := in(tar.FormatUSTAR, all...)
	oldDir[156] = 0
	checksum(oldDir[:tarBlock])
	binary := in(tar.FormatGNU, all...)
	copy(binary[124:136], "\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	checksum(binary[:tarBlock])
	prefix := in(tar.FormatUSTAR, file(strings.Repeat("a/", 70)+"name", "x"))
	global := append(paxHeader("14 path=other\n"), archive(t, file("a", "b"))...)
	global[156] = tarPaxGlobal
	checksum(global[:tarBlock])
	var mixed []byte
	for _, version := range []string{"0.0", "0.1", "1.0"} {
		mixed = append(append(mixed, longSparse("a", 5000, 2000, "0123")...), paxSparse(t, version, "b", 600, 20, "4567")...)
	}
	return map[string][]byte{
		"mixed sparse": mixed, "ustar": in(tar.FormatUSTAR, all...), "pax": in(tar.FormatPAX, longer...), "gnu": in(tar.FormatGNU, longer...), "v7": old, "old directory": oldDir,
		"binary numbers": binary, "prefix": prefix, "global header": global, "empty": in(tar.FormatPAX),
		"old sparse": append(oldSparse("a", 5000, 2000, "0123"), old...), "long sparse": append(longSparse("a", 5000, 2000, "0123"), old...),
		"sparse 0.0": paxSparse(t, "0.0", "a", 5000, 2000, "0123"), "sparse 0.1": paxSparse(t, "0.1", "a", 5000, 2000, "0123"), "sparse 1.0": paxSparse(t, "1.0", "a", 5000, 2000, "0123"),
	}
}

func TestWalkIsThatOfTheStandardLibrary(t *testing.T) {
	t.Parallel()
	for name, b := range archives(t) {
		theirs, err := walkTheirs(b)
		if err != nil {
			t.Errorf("%s: archive/tar: %v", name, err)
		}
		ours, err := walkOurs(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(theirs) == 0 && name != "empty" {
			t.Errorf("%s: nothing was compared", name)
		}
		if d := diff(theirs, ours); d != "" {
			t.Errorf("%s: entries (-theirs +ours):\n%s", name, d)
		}
	}
}

// FuzzWalk holds that what archive/tar accepts means the same here. What it
// refuses may pass: fields that are of no use here are not looked at.
func FuzzWalk(f *testing.F) {
	for _, b := range archives(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		b = fixChecksums(b)
		theirs, err := walkTheirs(b)
		if err != nil {
			return
		}
		ours, err := walkOurs(b)
		if err != nil {
			t.Fatalf("archive/tar accepts it: %v", err)
		}
		if d := diff(theirs, ours); d != "" {
			t.Errorf("entries (-theirs +ours):\n%s", d)
		}
	})
}

// fixChecksums lets the fuzzer past them, at each block that has a magic.
func fixChecksums(b []byte) []byte {
	b = bytes.Clone(b)
	for rest := b; len(rest) >= tarBlock; rest = rest[tarBlock:] {
		if string(rest[257:262]) == "ustar" {
			checksum(rest[:tarBlock])
		}
	}
	return b
}

func TestCleanPath(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"": "", ".": "", "./": "", "/": "", "//": "", "a": "a", "a/": "a", "./a": "a", "/a": "a", "a//b": "a/b", "a/./b/.": "a/b", ".//a": "a",
		"a/../b": "b", "a/..": "", ".a/..b/c..": ".a/..b/c..", "...": "...", "\xff/\x01": "\xff/\x01",
	} {
		if got, refused := cleanPath([]byte(raw)); got != want || refused != "" {
			t.Errorf("cleanPath(%q) = %q, %q, want %q", raw, got, refused, want)
		}
	}
	for _, raw := range []string{"..", "../a", "./..", "a/../..", "a/../../b", "/..", "/../a", "/a/../b", "a\x00b"} {
		if got, refused := cleanPath([]byte(raw)); refused == "" {
			t.Errorf("cleanPath(%q) = %q, want it refused", raw, got)
		}
	}
}

// FuzzAnalyse: whatever the stream, analysis ends with contents that are as
// promised or with an error that has a code, within its limits.
func FuzzAnalyse(f *testing.F) {
	f.Add(sample(f))
	for _, b := range archives(f) {
		f.Add(b)
		f.Add(gzipped(f, b))
		f.Add(zstandard(f, b))
	}
	limits := seaworthy.DefaultLimits()
	limits.LayerBytes, limits.LayerEntries, limits.FileBytes, limits.ZstdWindow = 4<<20, 1000, 2<<20, 1<<20
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		b = fixChecksums(b)
		a := &Analyser{Extractors: []Extractor{lines{}, program{}}, Limits: limits, TempDir: dir}
		layer, _ := blob(b)
		c, err := a.Analyse(t.Context(), layer, nil)
		if err != nil {
			switch code := seaworthy.CodeOf(err); code {
			case seaworthy.CodeCorrupt, seaworthy.CodeLimit, seaworthy.CodeInvalid:
			default:
				t.Fatalf("error of code %s: %v", code, err)
			}
			return
		}
		checkContents(t, c, int64(len(b)))
	})
}

func checkContents(t *testing.T, c *seaworthy.Contents, size int64) {
	t.Helper()
	if c.Size != size {
		t.Errorf("Size = %d, want %d", c.Size, size)
	}
	paths := map[string]bool{}
	for e := range c.Entries.All() {
		if clean, refused := cleanPath([]byte(e.Path)); clean != e.Path || refused != "" {
			t.Errorf("entry %q is not clean: %q, %s", e.Path, clean, refused)
		}
		if e.Kind == seaworthy.EntryFile {
			paths[e.Path] = true
		}
	}
	for i, r := range c.Records {
		if !paths[r.Path] {
			t.Errorf("record of %q, which is no file", r.Path)
		}
		if i > 0 && c.Records[i-1].Path+"\x00"+string(c.Records[i-1].Format) >= r.Path+"\x00"+string(r.Format) {
			t.Errorf("records are not sorted at %q", r.Path)
		}
	}
	for _, l := range c.Links {
		if !paths[l.Path] || len(l.Formats) == 0 {
			t.Errorf("link %+v is of no file or no format", l)
		}
	}
	for _, g := range c.Gaps {
		if g.Kind != seaworthy.GapFile || g.Reason == "" {
			t.Errorf("gap %+v", g)
		}
	}
}
