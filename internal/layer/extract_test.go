package layer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seaworthy-dev/seaworthy"
)

func TestAnalyseOutlivesExtractors(t *testing.T) {
	t.Parallel()
	limits := seaworthy.DefaultLimits()
	for name, test := range map[string]struct {
		extract func(context.Context, *File) (seaworthy.Record, error)
		set     string
		body    string
		reason  string
	}{
		"error": {extract: func(context.Context, *File) (seaworthy.Record, error) { return seaworthy.Record{}, errors.New("no") }, reason: "no"},
		"a long one": {extract: func(context.Context, *File) (seaworthy.Record, error) {
			return seaworthy.Record{}, errors.New(strings.Repeat("n", 600))
		}, reason: strings.Repeat("n", 500) + "…"},
		"error bytes": {extract: func(context.Context, *File) (seaworthy.Record, error) { return seaworthy.Record{}, errors.New("\xff!") }, reason: "\uFFFD!"},
		"panic":       {extract: func(context.Context, *File) (seaworthy.Record, error) { panic("oh") }, reason: "reading it panicked: oh"},
		"goexit":      {extract: func(context.Context, *File) (seaworthy.Record, error) { runtime.Goexit(); panic("") }, reason: "reading it ended its goroutine"},
		"a heeded time limit": {
			extract: func(ctx context.Context, _ *File) (seaworthy.Record, error) {
				<-ctx.Done()
				return seaworthy.Record{}, ctx.Err()
			},
			reason: limits.Exceeded(seaworthy.LimitExtractTime, "reading it as x").Error(),
		},
		"too large a file": {body: strings.Repeat("x", 11), set: "file-bytes=10", reason: "its size exceeds the limit file-bytes of 10 (raise it with --limit file-bytes=…)"},
		"too much kept":    {body: strings.Repeat("x", 11), set: "kept-bytes=10", reason: "its size, with other files in use, exceeds the limit kept-bytes of 10 (raise it with --limit kept-bytes=…)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				a := &Analyser{Limits: limits, TempDir: dir, Extractors: []Extractor{lines{}, scripted{"x", named("bad"), test.extract}}}
				if test.set != "" {
					if err := a.Limits.Set(test.set); err != nil {
						t.Fatal(err)
					}
				}
				c := analyse(t, a, archive(t, file("a/pkg.txt", "a"), file("bad", test.body), file("z/pkg.txt", "z")))
				want := view{
					Entries: []seaworthy.Entry{ef("a/pkg.txt"), ef("bad"), ef("z/pkg.txt")},
					Records: []seaworthy.Record{lineRecord("a/pkg.txt", "a"), lineRecord("z/pkg.txt", "z")},
					Gaps:    []seaworthy.Gap{fileGap("bad", test.reason)},
				}
				if d := diff(want, viewOf(c)); d != "" {
					t.Errorf("contents (-want +got):\n%s", d)
				}
			})
		})
	}
}

// An extractor that hangs is left behind after the limit; what it holds is not
// used again, and after three times it is not asked again.
func TestAnalyseLeavesHangingExtractorsBehind(t *testing.T) {
	t.Parallel()
	for _, size := range []int{20, memoryBytes + 1} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			release, changed := make(chan struct{}), make(chan string, 10)
			var asked atomic.Int64
			hang := scripted{"x", named("bad"), func(_ context.Context, f *File) (seaworthy.Record, error) {
				asked.Add(1)
				before, _ := io.ReadAll(f.Reader())
				<-release
				after, err := io.ReadAll(f.Reader())
				if err == nil && string(before) != string(after) {
					changed <- f.Path
				}
				return seaworthy.Record{}, nil
			}}
			a := &Analyser{Limits: seaworthy.DefaultLimits(), TempDir: dir, Extractors: []Extractor{hang, lines{}}}
			var layer []entry
			for i := range 5 {
				layer = append(layer, file(fmt.Sprintf("%d/bad", i), strings.Repeat(fmt.Sprint(i), size)))
				layer = append(layer, file(fmt.Sprintf("%d/pkg.txt", i), strings.Repeat("x", size)))
			}
			start := time.Now()
			c := analyse(t, a, archive(t, layer...))
			if took, most := time.Since(start), 3*(time.Minute+time.Second); took > most {
				t.Errorf("took %v, want less than %v", took, most)
			}
			if len(c.Gaps) != 5 || len(c.Records) != 5 || asked.Load() != extractStrikes {
				t.Errorf("%d gaps, %d records, asked %d times, want 5, 5, 3:\n%v", len(c.Gaps), len(c.Records), asked.Load(), c.Gaps)
			}
			if !strings.Contains(c.Gaps[0].Reason, seaworthy.LimitExtractTime) || !strings.Contains(c.Gaps[4].Reason, "took too long 3 times") {
				t.Errorf("gaps = %v, want the limit named in the first and the three times in the last", c.Gaps)
			}
			close(release)
			synctest.Wait()
			if len(changed) > 0 {
				t.Errorf("the content of %s changed under its reader", <-changed)
			}
		})
	}
}

func TestAnalyseEndsWithItsContextWhileExtracting(t *testing.T) {
	t.Parallel()
	for _, heeds := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			release := make(chan struct{})
			defer close(release)
			x := scripted{"x", named("bad"), func(ctx context.Context, _ *File) (seaworthy.Record, error) {
				if heeds {
					<-ctx.Done()
				} else {
					<-release
				}
				return seaworthy.Record{}, nil
			}}
			a := &Analyser{Limits: seaworthy.DefaultLimits(), Extractors: []Extractor{x}}
			layer, _ := blob(archive(t, file("bad", "x"), file("b/bad", "x")))
			start := time.Now()
			_, err := a.Analyse(ctx, layer, nil)
			if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took > 1100*time.Millisecond {
				t.Errorf("error = %v after %v, want the context's after a second", err, took)
			}
		})
	}
}

func TestAnalyseOutlivesWantsAndSniff(t *testing.T) {
	t.Parallel()
	wants := scripted{format: "wants", wants: func(p string, _ fs.FileInfo) bool { return p == "bad" && p[9] == 0 }}
	sniff := panicky{scripted{format: "sniff", wants: named("tool")}}
	c := analyse(t, analyser(t, wants, sniff), archive(t, file("bad", "x"), file("tool", "x"), file("pkg.txt", "a"), hardlink("bad", "pkg.txt"), hardlink("b/tool", "tool")))
	if len(c.Gaps) != 3 || len(c.Records) != 1 {
		t.Fatalf("%d gaps, %d records, want 3 and 1: %v", len(c.Gaps), len(c.Records), c.Gaps)
	}
	for i, want := range []string{"its first bytes panicked", "its name panicked", "its first bytes panicked"} {
		if !strings.Contains(c.Gaps[i].Reason, want) {
			t.Errorf("gap %d = %v, want %q in it", i, c.Gaps[i], want)
		}
	}
}

type panicky struct{ scripted }

func (panicky) Sniff([]byte) bool { panic("sniff") }

func TestGapsAreBounded(t *testing.T) {
	t.Parallel()
	var layer []entry
	for i := range maxGaps + 500 {
		layer = append(layer, file(fmt.Sprintf("%d/pkg.txt", i), "broken"), symlink(fmt.Sprintf("../%d", i), "x"))
	}
	c := analyse(t, analyser(t), archive(t, layer...))
	if len(c.Gaps) != maxGaps+1 {
		t.Fatalf("%d gaps, want %d", len(c.Gaps), maxGaps+1)
	}
	if want := fileGap("", fmt.Sprintf("%d more entries could not be read", maxGaps+1000)); c.Gaps[maxGaps] != want {
		t.Errorf("last gap = %v, want %v", c.Gaps[maxGaps], want)
	}
}

// Two extractors of one format make one record of a file.
func TestOneRecordForAPathAndFormat(t *testing.T) {
	t.Parallel()
	say := func(name string) Extractor {
		return scripted{"same", named("x"), func(context.Context, *File) (seaworthy.Record, error) {
			return seaworthy.Record{Path: "wrong", Format: "wrong", Packages: []seaworthy.Package{{Name: name}}}, nil
		}}
	}
	c := analyse(t, &Analyser{Limits: seaworthy.DefaultLimits(), Extractors: []Extractor{say("a"), say("b")}}, archive(t, file("x", "")))
	want := []seaworthy.Record{{Path: "x", Format: "same", Packages: []seaworthy.Package{{Name: "a"}, {Name: "b"}}}}
	if d := diff(want, c.Records); d != "" {
		t.Errorf("records (-want +got):\n%s", d)
	}
}

func TestEmptyDatabasesAreKept(t *testing.T) {
	t.Parallel()
	nothing := func(format seaworthy.Format) Extractor {
		return scripted{format, named("x"), func(context.Context, *File) (seaworthy.Record, error) { return seaworthy.Record{}, nil }}
	}
	a := &Analyser{Limits: seaworthy.DefaultLimits(), Extractors: []Extractor{nothing("npm"), nothing(seaworthy.RecordDpkg), nothing(seaworthy.RecordGo)}}
	c := analyse(t, a, archive(t, file("x", "")))
	if d := diff([]seaworthy.Record{{Path: "x", Format: seaworthy.RecordDpkg}}, c.Records); d != "" {
		t.Errorf("records (-want +got):\n%s", d)
	}
}

func TestInfo(t *testing.T) {
	t.Parallel()
	var got fs.FileInfo
	x := scripted{"x", named("x"), func(_ context.Context, f *File) (seaworthy.Record, error) {
		got = f.Info
		return seaworthy.Record{}, nil
	}}
	e := file("a/x", "12345")
	e.Mode, e.ModTime = 0o7751, time.Unix(12345, 0)
	analyse(t, &Analyser{Limits: seaworthy.DefaultLimits(), Extractors: []Extractor{x}}, archive(t, e, executable("other", "y")))
	want := fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky | 0o751
	if got.Name() != "x" || got.Size() != 5 || got.Mode() != want || !got.ModTime().Equal(e.ModTime) || got.IsDir() || got.Sys() != nil {
		t.Errorf("info = %s, %d, %v, %v", got.Name(), got.Size(), got.Mode(), got.ModTime())
	}
}
