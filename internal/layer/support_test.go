package layer

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/seaworthy-dev/seaworthy"
)

// lines reads files named pkg.txt: a package on each line, placed in the
// directory of the file, so that the path matters.
type lines struct{}

func (lines) Format() seaworthy.Format { return "lines" }

func (lines) Wants(p string, _ fs.FileInfo) bool { return path.Base(p) == "pkg.txt" }

func (lines) Extract(_ context.Context, f *File) (seaworthy.Record, error) {
	var rec seaworthy.Record
	s := bufio.NewScanner(f.Reader())
	s.Buffer(nil, 16<<20)
	for s.Scan() {
		if s.Text() == "broken" {
			return rec, errors.New("line is broken")
		}
		rec.Packages = append(rec.Packages, seaworthy.Package{Name: s.Text(), Source: path.Dir(f.Path)})
	}
	return rec, s.Err()
}

// program recognises executables that begin with "#go" by content. The rest of
// the file is the name of its package.
type program struct{}

func (program) Format() seaworthy.Format { return seaworthy.RecordGo }

func (program) Wants(_ string, i fs.FileInfo) bool { return i.Mode()&0o111 != 0 }

func (program) Sniff(head []byte) bool { return bytes.HasPrefix(head, []byte("#go")) }

func (program) Extract(_ context.Context, f *File) (seaworthy.Record, error) {
	b, err := io.ReadAll(f.Reader())
	if bytes.Contains(b, []byte("broken")) {
		return seaworthy.Record{}, errors.New("program is broken")
	}
	name := strings.TrimRight(strings.TrimPrefix(string(b), "#go "), "\x00")
	return seaworthy.Record{Packages: []seaworthy.Package{{Name: name}}}, err
}

// scripted is an extractor made of functions.
type scripted struct {
	format  seaworthy.Format
	wants   func(string, fs.FileInfo) bool
	extract func(context.Context, *File) (seaworthy.Record, error)
}

func (s scripted) Format() seaworthy.Format              { return s.format }
func (s scripted) Wants(p string, info fs.FileInfo) bool { return s.wants(p, info) }
func (s scripted) Extract(ctx context.Context, f *File) (seaworthy.Record, error) {
	return s.extract(ctx, f)
}

func named(base string) func(string, fs.FileInfo) bool {
	return func(p string, _ fs.FileInfo) bool { return path.Base(p) == base }
}

// entry is one tar entry to write.
type entry struct {
	tar.Header
	body string
}

func file(name, body string) entry {
	return entry{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644}, body}
}

func executable(name, body string) entry {
	return entry{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o755}, body}
}

func dir(name string) entry {
	return entry{tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o755}, ""}
}

func symlink(name, target string) entry {
	return entry{tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777}, ""}
}

func hardlink(name, target string) entry {
	return entry{tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: target, Mode: 0o755}, ""}
}

func device(name string, kind byte, major, minor int64) entry {
	return entry{tar.Header{Typeflag: kind, Name: name, Mode: 0o600, Devmajor: major, Devminor: minor}, ""}
}

func archive(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		e.Size = int64(len(e.body))
		if e.ModTime.IsZero() {
			e.ModTime = time.Unix(1_700_000_000, 0)
		}
		if err := w.WriteHeader(&e.Header); err != nil {
			t.Fatalf("%s: %v", e.Name, err)
		}
		if _, err := io.WriteString(w, e.body); err != nil {
			t.Fatalf("%s: %v", e.Name, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zstandard(t testing.TB, b []byte, options ...zstd.EOption) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out, append(options, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(true))...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// blob serves b and says how often it was opened.
func blob(b []byte) (Blob, *int) {
	opened := new(int)
	return Blob{
		Digest: seaworthy.DigestOf(b), Size: int64(len(b)),
		Open: func(context.Context) (io.ReadCloser, error) {
			*opened++
			return io.NopCloser(bytes.NewReader(b)), nil
		},
	}, opened
}

func analyser(t testing.TB, more ...Extractor) *Analyser {
	t.Helper()
	return &Analyser{
		Extractors: append([]Extractor{lines{}, program{}}, more...),
		Limits:     seaworthy.DefaultLimits(), TempDir: t.TempDir(),
	}
}

// view is what a test compares of contents.
type view struct {
	Entries []seaworthy.Entry
	Records []seaworthy.Record
	Links   []seaworthy.Link
	Gaps    []seaworthy.Gap
}

func viewOf(c *seaworthy.Contents) view {
	v := view{Records: c.Records, Links: c.Links, Gaps: c.Gaps}
	for e := range c.Entries.All() {
		v.Entries = append(v.Entries, e)
	}
	return v
}

func diff(want, got any) string { return cmp.Diff(want, got, cmpopts.EquateEmpty()) }

func analyse(t testing.TB, a *Analyser, b []byte) *seaworthy.Contents {
	t.Helper()
	layer, _ := blob(b)
	c, err := a.Analyse(context.Background(), layer, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Words for expectations.

func ef(p string) seaworthy.Entry { return seaworthy.Entry{Kind: seaworthy.EntryFile, Path: p} }
func ed(p string) seaworthy.Entry { return seaworthy.Entry{Kind: seaworthy.EntryDir, Path: p} }
func ew(p string) seaworthy.Entry { return seaworthy.Entry{Kind: seaworthy.EntryWhiteout, Path: p} }
func eo(p string) seaworthy.Entry { return seaworthy.Entry{Kind: seaworthy.EntryOpaque, Path: p} }
func el(p, target string) seaworthy.Entry {
	return seaworthy.Entry{Kind: seaworthy.EntrySymlink, Path: p, Target: target}
}

func lineRecord(p string, names ...string) seaworthy.Record {
	r := seaworthy.Record{Path: p, Format: "lines"}
	for _, n := range names {
		r.Packages = append(r.Packages, seaworthy.Package{Name: n, Source: path.Dir(p)})
	}
	return r
}

func goRecord(p, name string) seaworthy.Record {
	return seaworthy.Record{Path: p, Format: seaworthy.RecordGo, Packages: []seaworthy.Package{{Name: name}}}
}

func fileGap(p, reason string) seaworthy.Gap {
	return seaworthy.Gap{Kind: seaworthy.GapFile, Path: p, Reason: reason}
}
