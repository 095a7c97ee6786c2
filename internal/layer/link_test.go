package layer

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/seaworthy-dev/seaworthy"
)

func TestAnalyseFollowsHardLinks(t *testing.T) {
	t.Parallel()
	goOnly := []seaworthy.Format{seaworthy.RecordGo}
	const notUTF8 = "it is a hard link to a file in another layer, by a name that is not UTF-8"
	both := []seaworthy.Format{seaworthy.RecordGo, "lines"}
	tests := map[string]struct {
		layer  []entry
		opened int
		want   view
	}{
		"by content": {
			layer:  []entry{executable("a", "#go tool"), hardlink("b", "./a"), hardlink("c", "/b")},
			opened: 1,
			want: view{
				Entries: []seaworthy.Entry{ef("a"), ef("b"), ef("c")},
				Records: []seaworthy.Record{goRecord("a", "tool"), goRecord("b", "tool"), goRecord("c", "tool")},
			},
		},
		"by content, the target is overwritten later": {
			layer:  []entry{executable("a", "#go old"), hardlink("b", "a"), executable("a", "#go new"), hardlink("c", "a")},
			opened: 1,
			want: view{
				Entries: []seaworthy.Entry{ef("a"), ef("b"), ef("a"), ef("c")},
				Records: []seaworthy.Record{goRecord("a", "new"), goRecord("b", "old"), goRecord("c", "new")},
			},
		},
		"by content, the link is overwritten": {
			layer:  []entry{executable("a", "#go tool"), hardlink("b", "a"), file("b", "x")},
			opened: 1,
			want:   view{Entries: []seaworthy.Entry{ef("a"), ef("b"), ef("b")}, Records: []seaworthy.Record{goRecord("a", "tool")}},
		},
		"a link overwrites": {
			layer:  []entry{file("x", "x"), executable("b", "#go tool"), hardlink("b", "x")},
			opened: 1,
			want:   view{Entries: []seaworthy.Entry{ef("x"), ef("b"), ef("b")}},
		},
		"a target that could not be read": {
			layer:  []entry{executable("a", "#go broken"), hardlink("b", "a")},
			opened: 1,
			want: view{
				Entries: []seaworthy.Entry{ef("a"), ef("b")},
				Gaps:    []seaworthy.Gap{fileGap("a", "program is broken"), fileGap("b", "program is broken")},
			},
		},
		"by name, both names are wanted": {
			layer:  []entry{file("a/pkg.txt", "x"), hardlink("b/pkg.txt", "a/pkg.txt")},
			opened: 2,
			want: view{
				Entries: []seaworthy.Entry{ef("a/pkg.txt"), ef("b/pkg.txt")},
				Records: []seaworthy.Record{lineRecord("a/pkg.txt", "x"), lineRecord("b/pkg.txt", "x")},
			},
		},
		"by name, the target's is not wanted": {
			layer:  []entry{dir("d"), file("other", "y"), file("data", "x"), hardlink("b/pkg.txt", "data"), hardlink("c/pkg.txt", "data"), file("e/pkg.txt", "z")},
			opened: 2,
			want: view{
				Entries: []seaworthy.Entry{ed("d"), ef("other"), ef("data"), ef("b/pkg.txt"), ef("c/pkg.txt"), ef("e/pkg.txt")},
				Records: []seaworthy.Record{lineRecord("b/pkg.txt", "x"), lineRecord("c/pkg.txt", "x"), lineRecord("e/pkg.txt", "z")},
			},
		},
		"by name, the link's is not wanted": {
			layer:  []entry{file("a/pkg.txt", "x"), hardlink("data", "a/pkg.txt")},
			opened: 1,
			want:   view{Entries: []seaworthy.Entry{ef("a/pkg.txt"), ef("data")}, Records: []seaworthy.Record{lineRecord("a/pkg.txt", "x")}},
		},
		"by name, through other links": {
			layer:  []entry{file("a", "x"), hardlink("b", "a"), hardlink("c", "b"), file("a", "y"), symlink("b", "y"), hardlink("d/pkg.txt", "c"), dir("c")},
			opened: 2,
			want: view{
				Entries: []seaworthy.Entry{ef("a"), ef("b"), ef("c"), ef("a"), el("b", "y"), ef("d/pkg.txt"), ed("c")},
				Records: []seaworthy.Record{lineRecord("d/pkg.txt", "x")},
			},
		},
		"by name, the target at the time": {
			layer:  []entry{file("a", "old"), hardlink("b/pkg.txt", "a"), file("a", "new"), hardlink("c/pkg.txt", "a")},
			opened: 2,
			want: view{
				Entries: []seaworthy.Entry{ef("a"), ef("b/pkg.txt"), ef("a"), ef("c/pkg.txt")},
				Records: []seaworthy.Record{lineRecord("b/pkg.txt", "old"), lineRecord("c/pkg.txt", "new")},
			},
		},
		"by name, the link is overwritten": {
			layer:  []entry{file("a", "x"), hardlink("b/pkg.txt", "a"), file("b/pkg.txt", "y"), hardlink("c/pkg.txt", "a"), dir("c/pkg.txt")},
			opened: 1,
			want: view{
				Entries: []seaworthy.Entry{ef("a"), ef("b/pkg.txt"), ef("b/pkg.txt"), ef("c/pkg.txt"), ed("c/pkg.txt")},
				Records: []seaworthy.Record{lineRecord("b/pkg.txt", "y")},
			},
		},
		"by name and content": {
			layer:  []entry{executable("a", "#go tool"), hardlink("b/pkg.txt", "a")},
			opened: 2,
			want: view{
				Entries: []seaworthy.Entry{ef("a"), ef("b/pkg.txt")},
				Records: []seaworthy.Record{goRecord("a", "tool"), goRecord("b/pkg.txt", "tool"), lineRecord("b/pkg.txt", "#go tool")},
			},
		},
		"by name, refused entries and whiteouts before": {
			layer:  []entry{file("../x", "no"), file(".wh.a", ""), file(".wh..wh.aufs", ""), file("a", "x"), hardlink("b/pkg.txt", "a")},
			opened: 2,
			want: view{
				Entries: []seaworthy.Entry{ew("a"), ef("a"), ef("b/pkg.txt")},
				Records: []seaworthy.Record{lineRecord("b/pkg.txt", "x")},
				Gaps:    []seaworthy.Gap{fileGap("../x", `its path leaves the layer's root by ".."`)},
			},
		},
		"by name, broken": {
			layer:  []entry{file("a", "broken"), hardlink("b/pkg.txt", "a")},
			opened: 2,
			want:   view{Entries: []seaworthy.Entry{ef("a"), ef("b/pkg.txt")}, Gaps: []seaworthy.Gap{fileGap("b/pkg.txt", "line is broken")}},
		},
		"outside": {
			layer:  []entry{hardlink("b/pkg.txt", "a"), hardlink("tool", "bin/tool")},
			opened: 1,
			want: view{
				Entries: []seaworthy.Entry{ef("b/pkg.txt"), ef("tool")},
				Links:   []seaworthy.Link{{Path: "b/pkg.txt", Target: "a", Formats: both}, {Path: "tool", Target: "bin/tool", Formats: goOnly}},
			},
		},
		"outside, through a link": {
			layer:  []entry{hardlink("b", "a"), hardlink("c/pkg.txt", "b"), file("b", "x")},
			opened: 1,
			want: view{
				Entries: []seaworthy.Entry{ef("b"), ef("c/pkg.txt"), ef("b")},
				Links:   []seaworthy.Link{{Path: "c/pkg.txt", Target: "a", Formats: both}},
			},
		},
		"outside at the time": {
			layer:  []entry{hardlink("b", "a"), file("a", "x")},
			opened: 1,
			want: view{
				Entries: []seaworthy.Entry{ef("b"), ef("a")},
				Links:   []seaworthy.Link{{Path: "b", Target: "a", Formats: goOnly}},
			},
		},
		"outside, with a whiteout of the target": {
			layer:  []entry{file(".wh.a", ""), hardlink("b", "a")},
			opened: 1,
			want: view{
				Entries: []seaworthy.Entry{ew("a"), ef("b")},
				Links:   []seaworthy.Link{{Path: "b", Target: "a", Formats: goOnly}},
			},
		},
		"outside, overwritten": {
			layer:  []entry{hardlink("b", "a"), file("b", "x")},
			opened: 1,
			want:   view{Entries: []seaworthy.Entry{ef("b"), ef("b")}},
		},
		"outside, not UTF-8": {
			layer:  []entry{hardlink("\xff", "a"), hardlink("b", "\xff\xff")},
			opened: 1,
			want: view{
				Entries: []seaworthy.Entry{ef("\xff"), ef("b")},
				Gaps: []seaworthy.Gap{
					fileGap("b", notUTF8), fileGap("\uFFFD", notUTF8), fileGap("\uFFFD", "its name is not UTF-8"),
				},
			},
		},
		"to a directory or a symbolic link": {
			layer:  []entry{dir("d"), symlink("s", "d"), hardlink("b/pkg.txt", "d"), hardlink("c/pkg.txt", "s"), hardlink("e/pkg.txt", "b/pkg.txt")},
			opened: 1,
			want:   view{Entries: []seaworthy.Entry{ed("d"), el("s", "d"), ef("b/pkg.txt"), ef("c/pkg.txt"), ef("e/pkg.txt")}},
		},
		"to itself and out of the root": {
			layer:  []entry{file("pkg.txt", "x"), hardlink("pkg.txt", "./pkg.txt"), hardlink("b", "../../etc/passwd")},
			opened: 1,
			want: view{
				Entries: []seaworthy.Entry{ef("pkg.txt")},
				Records: []seaworthy.Record{lineRecord("pkg.txt", "x")},
				Gaps: []seaworthy.Gap{
					fileGap("b", `as a hard link's target, its path leaves the layer's root by ".."`),
					fileGap("pkg.txt", "it is a hard link to itself"),
				},
			},
		},
		"in a loop": {
			layer:  []entry{hardlink("a", "b"), hardlink("b", "a")},
			opened: 1,
			want: view{
				Entries: []seaworthy.Entry{ef("a"), ef("b")},
				Links:   []seaworthy.Link{{Path: "a", Target: "b", Formats: goOnly}, {Path: "b", Target: "b", Formats: goOnly}},
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			layer, opened := blob(gzipped(t, archive(t, test.layer...)))
			c, err := analyser(t).Analyse(t.Context(), layer, nil)
			if err != nil {
				t.Fatal(err)
			}
			if d := diff(test.want, viewOf(c)); d != "" {
				t.Errorf("contents (-want +got):\n%s", d)
			}
			if *opened != test.opened {
				t.Errorf("opened %d times, want %d", *opened, test.opened)
			}
		})
	}
}

// The second reading verifies the layer to its end, and its errors count.
func TestSecondReadingIsVerified(t *testing.T) {
	t.Parallel()
	wrong := errors.New("wrong digest")
	stored := archive(t, file("a", "x"), hardlink("b/pkg.txt", "a"), file("rest", strings.Repeat("r", 5*runBytes)))
	layer, opened := blob(stored)
	first, closed := layer.Open, false
	layer.Open = func(ctx context.Context) (io.ReadCloser, error) {
		rc, err := first(ctx)
		if *opened == 2 {
			return faulty{rc, wrong, &closed}, err
		}
		return rc, err
	}
	if _, err := analyser(t).Analyse(t.Context(), layer, nil); !errors.Is(err, wrong) || !closed {
		t.Errorf("error = %v, want that of the second reading; closed: %t", err, closed)
	}
}

func TestLinkedFilesHoldLimits(t *testing.T) {
	t.Parallel()
	a := analyser(t)
	a.Limits.FileBytes = 10
	c := analyse(t, a, archive(t, file("a", strings.Repeat("x", 11)), hardlink("b/pkg.txt", "a")))
	want := []seaworthy.Gap{fileGap("b/pkg.txt", a.Limits.Exceeded(seaworthy.LimitFileBytes, "its size").Error())}
	if d := diff(want, c.Gaps); d != "" {
		t.Errorf("gaps (-want +got):\n%s", d)
	}
}

// sniffed goes by name and first bytes, but is no by-content format.
type sniffed struct{ scripted }

func (sniffed) Sniff(head []byte) bool { return strings.HasPrefix(string(head), "!") }

func TestLinkedFilesAreSniffed(t *testing.T) {
	t.Parallel()
	x := sniffed{scripted{
		format: "sniffed", wants: named("x"),
		extract: func(_ context.Context, f *File) (seaworthy.Record, error) {
			return seaworthy.Record{Packages: []seaworthy.Package{{Name: f.Path, Version: f.Info.Name()}}}, checkInfo(f, 3)
		},
	}}
	c := analyse(t, analyser(t, x), archive(t, file("a", "!ab"), file("b", "?ab"), hardlink("c/x", "a"), hardlink("d/x", "b")))
	want := []seaworthy.Record{{Path: "c/x", Format: "sniffed", Packages: []seaworthy.Package{{Name: "c/x", Version: "x"}}}}
	if d := diff(view{Records: want}, view{Records: c.Records, Gaps: c.Gaps}); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func checkInfo(f *File, size int64) error {
	if f.Size != size || f.Info.Size() != size || f.Info.IsDir() || f.Info.Mode()&fs.ModeType != 0 {
		return errors.New("info is wrong")
	}
	return nil
}
