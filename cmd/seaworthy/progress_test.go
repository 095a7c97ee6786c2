package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seaworthy-dev/seaworthy"
)

// screen is a writer for several goroutines.
type screen struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

var (
	base  = seaworthy.DigestOf([]byte("base"))
	app   = seaworthy.DigestOf([]byte("app"))
	extra = seaworthy.DigestOf([]byte("extra"))
)

func TestLineProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out screen
		p := newLineProgress(&out)
		p.Image("registry.example/shop/web:1.4\x1b[2J", 3, 40_000_000)
		p.Layer(base, 10_000_000, true)
		l := p.Layer(app, 20_000_000, false)
		for range 24 { // 12 s
			time.Sleep(500 * time.Millisecond)
			l.Bytes(1_000_000)
			l.Packages(2)
		}
		l.Bytes(8_000_000)
		l.End(nil)
		bad := p.Layer(extra, 10_000_000, false)
		bad.Bytes(1000)
		bad.End(errors.New("corrupt"))
		p.Done()
		p.Done()
		l.Bytes(1) // a straggler
		p.Image("late", 1, 1)

		want := []string{
			`registry.example/shop/web:1.4\x1b[2J: 3 layers, 40.0 MB`,
			"layer a172cedcae47: reading 20.0 MB",
			"layer a172cedcae47: 10.0 MB of 20.0 MB, 18 packages",
			"layer a172cedcae47: 20.0 MB of 20.0 MB, 38 packages",
			"layer a172cedcae47: 48 packages in 12s",
			"layer c8dee78f8c7b: reading 10.0 MB",
			"layer c8dee78f8c7b: failed after 0s",
			"1 image: 1 layer read (20.0 MB), 1 known, 1 failed in 12s",
			"",
		}
		if diff := cmp.Diff(want, strings.Split(out.String(), "\n")); diff != "" {
			t.Errorf("lines (-want +got):\n%s", diff)
		}
	})
}

// A fast stream of reads is no stream of lines.
func TestLineProgressIsQuiet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out screen
		p := newLineProgress(&out)
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				l := p.Layer(app, 1_000_000, false)
				for range 1000 {
					time.Sleep(60 * time.Millisecond) // one minute
					l.Bytes(1000)
					l.Packages(1)
				}
				l.End(nil)
			})
		}
		group.Wait()
		p.Done()
		lines := strings.Count(out.String(), "\n")
		if begun, between := 4*2+1, 60/5; lines < begun+between/2 || lines > begun+between {
			t.Errorf("%d lines in a minute:\n%s", lines, out.String())
		}
	})
}

// clearing is what mpb writes to take its lines back: cursor up, erase below.
var clearing = regexp.MustCompile(`\x1b\[[0-9]+A\x1b\[J`)

func TestBarProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out screen
		p := newBarProgress(&out, 140)
		p.Image("registry.example/shop/web:1.4\x1b[2J", 3, 40_000_000)
		p.Layer(base, 10_000_000, true)
		l := p.Layer(app, 30_000_000, false)
		for range 20 {
			time.Sleep(500 * time.Millisecond)
			l.Bytes(1_000_000)
			l.Packages(2)
		}
		time.Sleep(200 * time.Millisecond)
		frames := out.String()
		p.Done()
		p.Done()
		after := out.String()
		l.Bytes(1)
		l.End(nil)
		time.Sleep(time.Minute)
		if out.String() != after {
			t.Error("something was written after Done")
		}

		for _, want := range []string{
			`registry.example/shop/web:1.4\x1b[2J [`, "20.0 MB of 30.0 MB", "layers 1/3", "40 packages", "MB/s, ", "s left", "=>",
		} {
			if !strings.Contains(frames, want) {
				t.Errorf("%q is missing in the last frame of %q", want, frames[max(0, len(frames)-400):])
			}
		}
		// Whatever is drawn is taken back: as many clearings as frames, and nothing
		// but them moves the cursor or hides it.
		rest := clearing.ReplaceAllString(after, "")
		if strings.Contains(rest, "\x1b") {
			t.Errorf("escape sequences are left: %.300q", rest)
		}
		if lines, cleared := strings.Count(rest, "\n"), len(clearing.FindAllString(after, -1)); lines == 0 || lines != cleared {
			t.Errorf("%d lines were drawn, %d taken back", lines, cleared)
		}
		if !clearing.MatchString(after[max(0, len(after)-7):]) {
			t.Errorf("the bar stays on the screen: %q", after[max(0, len(after)-200):])
		}
	})
}

// A line that wraps could not be taken back.
func TestBarProgressFitsTheTerminal(t *testing.T) {
	t.Parallel()
	for _, width := range []int{1, 10, 20, 40, 80, 200} {
		synctest.Test(t, func(t *testing.T) {
			var out screen
			p := newBarProgress(&out, width)
			p.Image(strings.Repeat("漢", 100), 1000, 1<<40)
			p.Layer(app, 1<<40, false).Bytes(1 << 38)
			time.Sleep(time.Second)
			p.Done()
			lines := 0
			for line := range strings.Lines(clearing.ReplaceAllString(out.String(), "")) {
				lines++
				if w := textWidth(strings.TrimSuffix(line, "\n")); w > width {
					t.Errorf("%d of %d columns: %q", w, width, line)
				}
			}
			if lines == 0 {
				t.Error("nothing was drawn")
			}
		})
	}
}

func TestLayOut(t *testing.T) {
	t.Parallel()
	figures := []string{"20.0 MB of 30.0 MB", "layers 1/3", "40 packages", "2.0 MB/s", "5s left"}
	const title = "registry.example/shop/web:1.4"
	tests := []struct {
		width int
		title string
		want  layout
	}{
		{140, title, layout{title + " ", 42, " 20.0 MB of 30.0 MB, layers 1/3, 40 packages, 2.0 MB/s, 5s left"}},
		{80, title, layout{"registry.examp… ", 10, " 20.0 MB of 30.0 MB, layers 1/3, 40 packages, 2.0 MB/s"}},
		{60, title, layout{"registry.example/… ", 10, " 20.0 MB of 30.0 MB, layers 1/3"}},
		{42, title, layout{"registry.ex… ", 10, " 20.0 MB of 30.0 MB"}},
		{40, title, layout{"", 21, " 20.0 MB of 30.0 MB"}},
		{40, "web", layout{"web ", 17, " 20.0 MB of 30.0 MB"}},
		{25, title, layout{before: "20.0 MB of 30.0 MB"}},
		{9, title, layout{before: "20.0 MB …"}},
		{60, "", layout{"", 16, " 20.0 MB of 30.0 MB, layers 1/3, 40 packages"}},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, layOut(test.width, test.title, figures), cmp.AllowUnexported(layout{})); diff != "" {
			t.Errorf("%q in %d columns (-want +got):\n%s", test.title, test.width, diff)
		}
	}
}

func TestBarProgressEndsAtOnce(t *testing.T) {
	t.Parallel()
	for _, images := range []int{0, 1, 3} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			p := newBarProgress(&screen{}, 80)
			for range images {
				p.Image("an image", 2, 1000)
				p.Layer(app, 1000, false).Bytes(10) // and never ended, as after an interruption
			}
			p.Done()
			if d := time.Since(start); d > time.Second {
				t.Errorf("it took %s to end", d)
			}
		})
	}
}

func TestTally(t *testing.T) {
	t.Parallel()
	var all tally
	all.image(3, 300)
	all.layer(100, true)
	l := all.layer(100, false)
	l.addBytes(60)
	l.addBytes(60) // read for the second time
	if got := all.read.Load(); got != 100 {
		t.Errorf("%d bytes are read, want the layer's 100", got)
	}
	failed := all.layer(100, false)
	failed.addBytes(10)
	failed.end(errors.New("reset"))
	l.end(nil)
	if read, total := all.read.Load(), all.total(); read != 110 || total != 110 {
		t.Errorf("at the end %d of %d bytes are read", read, total)
	}
	if all.ended.Load() != 3 || all.failed.Load() != 1 || all.cached.Load() != 1 {
		t.Errorf("%d ended, %d failed, %d cached", all.ended.Load(), all.failed.Load(), all.cached.Load())
	}
}

func TestSpeed(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var s speed
	if got := s.at(start, 0); got != 0 {
		t.Errorf("at first %v", got)
	}
	if got := s.at(start.Add(time.Second), 1000); got != 1000 {
		t.Errorf("after a second %v", got)
	}
	var got float64
	for i := 2; i < 20; i++ {
		got = s.at(start.Add(time.Duration(i)*time.Second), 1000)
	}
	if got != 0 {
		t.Errorf("a stream that stands still has the speed %v", got)
	}
}

func TestNewProgressWithoutTerminal(t *testing.T) {
	t.Parallel()
	file, err := os.Create(filepath.Join(t.TempDir(), "err"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	p := newProgress(file)
	p.Image("an image", 1, 1)
	p.Done()
	b, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), "\x1b") || !strings.HasPrefix(string(b), "an image: 1 layer, 1 B\n") {
		t.Errorf("a file got %q", b)
	}
}
