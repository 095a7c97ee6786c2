package layer

import (
	"archive/tar"
	"strings"
	"testing"

	"github.com/seaworthy-dev/seaworthy"
)

func TestAnalyse(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("deep/", 60)
	tests := map[string]struct {
		layer []entry
		want  view
	}{
		"nothing": {},
		"files, directories and symbolic links": {
			layer: []entry{dir("usr"), file("usr/pkg.txt", "a\nb\n"), symlink("lib", "usr/lib"), file("usr/other", "x")},
			want: view{
				Entries: []seaworthy.Entry{ed("usr"), ef("usr/pkg.txt"), el("lib", "usr/lib"), ef("usr/other")},
				Records: []seaworthy.Record{lineRecord("usr/pkg.txt", "a", "b")},
			},
		},
		"paths are cleaned": {
			layer: []entry{dir("."), dir("./a"), file("/b//pkg.txt", "x"), file("./c/./d/../pkg.txt", "y"), symlink("s", "../../out")},
			want: view{
				Entries: []seaworthy.Entry{ed(""), ed("a"), ef("b/pkg.txt"), ef("c/pkg.txt"), el("s", "../../out")},
				Records: []seaworthy.Record{lineRecord("b/pkg.txt", "x"), lineRecord("c/pkg.txt", "y")},
			},
		},
		"paths that leave the root are refused": {
			layer: []entry{file("../pkg.txt", "x"), file("a/../../pkg.txt", "x"), file("/a/../pkg.txt", "x"), file("..", "x"), file("..a/pkg.txt", "y")},
			want: view{
				Entries: []seaworthy.Entry{ef("..a/pkg.txt")},
				Records: []seaworthy.Record{lineRecord("..a/pkg.txt", "y")},
				Gaps: []seaworthy.Gap{
					fileGap("..", `its path leaves the layer's root by ".."`),
					fileGap("../pkg.txt", `its path leaves the layer's root by ".."`),
					fileGap("/a/../pkg.txt", `its path is absolute and holds ".."`),
					fileGap("a/../../pkg.txt", `its path leaves the layer's root by ".."`),
				},
			},
		},
		"nothing but a directory is the root": {
			layer: []entry{file(".", "x"), symlink("/", "x")},
			want:  view{Gaps: []seaworthy.Gap{fileGap(".", "it would replace the layer's root"), fileGap("/", "it would replace the layer's root")}},
		},
		"whiteouts": {
			layer: []entry{file("a/.wh.b", ""), file("a/.wh..wh..opq", ""), file(".wh..wh..opq", ""), file(".wh.c", ""), file("a/.wh..d", "")},
			want:  view{Entries: []seaworthy.Entry{ew("a/b"), eo("a"), eo(""), ew("c"), ew("a/.d")}},
		},
		"a whiteout says nothing of this layer": {
			layer: []entry{file("pkg.txt", "a"), file(".wh.pkg.txt", "")},
			want: view{
				Entries: []seaworthy.Entry{ef("pkg.txt"), ew("pkg.txt")},
				Records: []seaworthy.Record{lineRecord("pkg.txt", "a")},
			},
		},
		"whiteouts by aufs are hard links to each other": {
			layer: []entry{file(".wh.a", ""), hardlink(".wh.b", ".wh.a")},
			want:  view{Entries: []seaworthy.Entry{ew("a"), ew("b")}},
		},
		"metadata of aufs is ignored": {
			layer: []entry{file(".wh..wh.aufs", ""), dir(".wh..wh.plnk"), file(".wh..wh.plnk/1.2", "x"), dir(".wh..wh.orph")},
		},
		"names of whiteouts that are none": {
			layer: []entry{dir(".wh.a"), symlink("b/.wh..wh..opq", "x"), file(".wh.", ""), file(".wh...", ""), file("a.wh.b", "")},
			want: view{
				Entries: []seaworthy.Entry{ef("a.wh.b")},
				Gaps: []seaworthy.Gap{
					fileGap(".wh.", "it is a whiteout of no file"),
					fileGap(".wh...", "it is a whiteout of no file"),
					fileGap(".wh.a/", "it has the name of a whiteout and is not a regular file"),
					fileGap("b/.wh..wh..opq", "it has the name of a whiteout and is not a regular file"),
				},
			},
		},
		"devices": {
			layer: []entry{device("zero", tar.TypeChar, 1, 5), device("disk", tar.TypeBlock, 0, 0), device("pipe", tar.TypeFifo, 0, 0), device("gone", tar.TypeChar, 0, 0)},
			want:  view{Entries: []seaworthy.Entry{ef("zero"), ef("disk"), ef("pipe"), ew("gone")}},
		},
		"the last write of a path wins": {
			layer: []entry{file("pkg.txt", "old"), file("./pkg.txt", "new")},
			want: view{
				Entries: []seaworthy.Entry{ef("pkg.txt"), ef("pkg.txt")},
				Records: []seaworthy.Record{lineRecord("pkg.txt", "new")},
			},
		},
		"a file that nobody wants overwrites": {
			layer: []entry{executable("tool", "#go tool"), file("tool", "x")},
			want:  view{Entries: []seaworthy.Entry{ef("tool"), ef("tool")}},
		},
		"a directory overwrites": {
			layer: []entry{file("pkg.txt", "a"), dir("pkg.txt")},
			want:  view{Entries: []seaworthy.Entry{ef("pkg.txt"), ed("pkg.txt")}},
		},
		"a symbolic link overwrites": {
			layer: []entry{file("pkg.txt", "a"), symlink("pkg.txt", "x")},
			want:  view{Entries: []seaworthy.Entry{ef("pkg.txt"), el("pkg.txt", "x")}},
		},
		"a device overwrites": {
			layer: []entry{file("pkg.txt", "a"), device("pkg.txt", tar.TypeChar, 0, 0)},
			want:  view{Entries: []seaworthy.Entry{ef("pkg.txt"), ew("pkg.txt")}},
		},
		"gaps are overwritten too": {
			layer: []entry{file("a/pkg.txt", "broken"), file("b/pkg.txt", "broken"), file("a/pkg.txt", "good")},
			want: view{
				Entries: []seaworthy.Entry{ef("a/pkg.txt"), ef("b/pkg.txt"), ef("a/pkg.txt")},
				Records: []seaworthy.Record{lineRecord("a/pkg.txt", "good")},
				Gaps:    []seaworthy.Gap{fileGap("b/pkg.txt", "line is broken")},
			},
		},
		"executables are known by their first bytes": {
			layer: []entry{executable("bin/a", "#go a"), executable("bin/b", "#sh b"), executable("bin/c", "#"), executable("bin/d", ""), file("bin/e", "#go e")},
			want: view{
				Entries: []seaworthy.Entry{ef("bin/a"), ef("bin/b"), ef("bin/c"), ef("bin/d"), ef("bin/e")},
				Records: []seaworthy.Record{goRecord("bin/a", "a")},
			},
		},
		"two formats read one file": {
			layer: []entry{executable("pkg.txt", "#go a")},
			want: view{
				Entries: []seaworthy.Entry{ef("pkg.txt")},
				Records: []seaworthy.Record{goRecord("pkg.txt", "a"), lineRecord("pkg.txt", "#go a")},
			},
		},
		"a record that says nothing is none": {
			layer: []entry{file("pkg.txt", "")},
			want:  view{Entries: []seaworthy.Entry{ef("pkg.txt")}},
		},
		"records are sorted": {
			layer: []entry{file("b/pkg.txt", "b"), file("a/pkg.txt", "a"), file("a.b/pkg.txt", "c")},
			want: view{
				Entries: []seaworthy.Entry{ef("b/pkg.txt"), ef("a/pkg.txt"), ef("a.b/pkg.txt")},
				Records: []seaworthy.Record{lineRecord("a.b/pkg.txt", "c"), lineRecord("a/pkg.txt", "a"), lineRecord("b/pkg.txt", "b")},
			},
		},
		"names that are not UTF-8": {
			layer: []entry{file("\xff/x", "a"), file("\xfe/pkg.txt", "a"), symlink("\xfd", "\xfc")},
			want: view{
				Entries: []seaworthy.Entry{ef("\xff/x"), ef("\xfe/pkg.txt"), el("\xfd", "\xfc")},
				Gaps:    []seaworthy.Gap{fileGap("\uFFFD/pkg.txt", "its name is not UTF-8")},
			},
		},
		"long paths and links": {
			layer: []entry{file(long+"pkg.txt", "a"), symlink("l", long), symlink(long+"l", long)},
			want: view{
				Entries: []seaworthy.Entry{ef(long + "pkg.txt"), el("l", long), el(long+"l", long)},
				Records: []seaworthy.Record{lineRecord(long+"pkg.txt", "a")},
			},
		},
		"unknown types": {
			layer: []entry{{Header: tar.Header{Typeflag: 'Z', Name: "a/pkg.txt"}, body: "x"}, file("pkg.txt", "b")},
			want: view{
				Entries: []seaworthy.Entry{ef("pkg.txt")},
				Records: []seaworthy.Record{lineRecord("pkg.txt", "b")},
				Gaps:    []seaworthy.Gap{fileGap("a/pkg.txt", "its type is unknown")},
			},
		},
	}
	for name, test := range tests {
		for format, as := range map[string]tar.Format{"any": tar.FormatUnknown, "PAX": tar.FormatPAX, "GNU": tar.FormatGNU} {
			t.Run(name+"/"+format, func(t *testing.T) {
				t.Parallel()
				layer := make([]entry, len(test.layer))
				for i, e := range test.layer {
					e.Format = as
					layer[i] = e
				}
				c := analyse(t, analyser(t), archive(t, layer...))
				if d := diff(test.want, viewOf(c)); d != "" {
					t.Errorf("contents (-want +got):\n%s", d)
				}
			})
		}
	}
}

// Files of all sizes around the places where their keeping changes reach the
// extractor whole.
func TestAnalyseKeepsFilesWhole(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 2, 15, 16, 17, 511, 512, 513, unpackedBytes - 1, runBytes, memoryBytes - 1, memoryBytes, memoryBytes + 1, 3*memoryBytes + 7} {
		body := "#go " + strings.Repeat("0123456789abcdef", size/16+1)[:size]
		layer := archive(t, file("before", "x"), executable("a/pkg.txt", body), file("b/pkg.txt", body), file("c/pkg.txt", "after"))
		for name, stored := range map[string][]byte{"plain": layer, "gzip": gzipped(t, layer), "zstd": zstandard(t, layer)} {
			c := analyse(t, analyser(t), stored)
			want := []seaworthy.Record{goRecord("a/pkg.txt", body[4:]), lineRecord("a/pkg.txt", body), lineRecord("b/pkg.txt", body), lineRecord("c/pkg.txt", "after")}
			if d := diff(want, c.Records); d != "" {
				t.Errorf("%s, %d bytes: records differ; got %d", name, size, len(c.Records))
			}
			if c.Size != int64(len(stored)) || c.Unpacked != int64(len(layer)) {
				t.Errorf("%s: Size, Unpacked = %d, %d, want %d, %d", name, c.Size, c.Unpacked, len(stored), len(layer))
			}
		}
	}
}

func TestAnalyseTellsProgress(t *testing.T) {
	t.Parallel()
	stored := archive(t, file("a/pkg.txt", "a\nb"), file("b/pkg.txt", "c"), file("big", strings.Repeat("x", 2*runBytes)), hardlink("d/pkg.txt", "b/pkg.txt"))
	layer, opened := blob(stored)
	var p counter
	if _, err := analyser(t).Analyse(t.Context(), layer, &p); err != nil {
		t.Fatal(err)
	}
	if *opened != 2 {
		t.Errorf("opened %d times, want 2: the link needs a second reading", *opened)
	}
	if want := (counter{bytes: len(stored), packages: 4}); p != want {
		t.Errorf("progress = %+v, want %+v", p, want)
	}
}

type counter struct{ bytes, packages int }

func (c *counter) Bytes(n int)    { c.bytes += n }
func (c *counter) Packages(n int) { c.packages += n }
