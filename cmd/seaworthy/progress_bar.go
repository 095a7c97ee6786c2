package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/seaworthy-dev/seaworthy"
)

// barProgress shows one bar for all that is to be read, which vanishes when the
// work is done.
type barProgress struct {
	tally tally
	speed speed
	mpb   *mpb.Progress
	bar   *mpb.Bar
	once  sync.Once

	mu    sync.Mutex
	named string // the image that was announced last
}

// newBarProgress draws on w, which a terminal sizes itself; width is for
// writers that are none.
func newBarProgress(w io.Writer, width int) *barProgress {
	p := &barProgress{}
	p.mpb = mpb.New(mpb.WithOutput(w), mpb.WithAutoRefresh(), mpb.WithWidth(width))
	fill := mpb.BarStyle().Build()
	p.bar = p.mpb.MustAdd(0, mpb.BarFillerFunc(func(w io.Writer, s decor.Statistics) error {
		s.Current, s.Total = p.tally.read.Load(), max(p.tally.total(), 1)
		l := layOut(s.AvailableWidth, p.title(), p.figures())
		if _, err := io.WriteString(w, l.before); err != nil || l.bar == 0 {
			return err
		}
		s.AvailableWidth = l.bar
		if err := fill.Fill(w, s); err != nil {
			return err
		}
		_, err := io.WriteString(w, l.after)
		return err
	}), mpb.BarRemoveOnComplete(), mpb.BarFillerTrim())
	return p
}

// layout is a line of progress: text around a bar, which has no columns where
// there is no room for one.
type layout struct {
	before string
	bar    int
	after  string
}

// layOut fits a line into width columns. The figures go first, the last of them
// first, then the end of the title, all of it, and the bar.
func layOut(width int, title string, figures []string) layout {
	const leastBar, mostBar, leastTitle = 10, 42, 12
	if title != "" {
		title += " "
	}
	named := min(textWidth(title), leastTitle+1)
	text := ""
	for n := len(figures); n > 0; n-- {
		text = " " + strings.Join(figures[:n], ", ")
		if named+leastBar+textWidth(text) <= width {
			room := width - leastBar - textWidth(text)
			if textWidth(title) > room {
				title = fit(strings.TrimSuffix(title, " "), room-1) + " "
			}
			return layout{title, min(width-textWidth(title)-textWidth(text), mostBar), text}
		}
	}
	if bar := width - textWidth(text); bar >= leastBar {
		return layout{"", min(bar, mostBar), text}
	}
	return layout{before: fit(strings.TrimSpace(text), width)}
}

func (p *barProgress) title() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := p.tally.images.Load(); n > 1 {
		return fmt.Sprintf("%d images", n)
	}
	return p.named
}

// figures are the numbers, those that are told first at first.
func (p *barProgress) figures() []string {
	t := &p.tally
	read, total := t.read.Load(), t.total()
	figures := []string{
		bytesText(read) + " of " + bytesText(total),
		fmt.Sprintf("layers %d/%d", t.ended.Load(), max(t.layers.Load(), t.ended.Load())),
		count(int(t.packages.Load()), "package"),
	}
	if rate := p.speed.at(time.Now(), read); rate > 0 {
		figures = append(figures, bytesText(int64(rate))+"/s")
		if left := time.Duration(float64(total-read) / rate * float64(time.Second)); left >= time.Second && left < 100*time.Hour {
			figures = append(figures, left.Round(time.Second).String()+" left")
		}
	}
	return figures
}

// Image implements progress.
func (p *barProgress) Image(reference string, layers int, bytes int64) {
	p.tally.image(layers, bytes)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.named = fit(orUnknown(reference), 40)
}

// Layer implements progress.
func (p *barProgress) Layer(_ seaworthy.Digest, size int64, cached bool) layerProgress {
	return barLayer{p.tally.layer(size, cached)}
}

// Done implements progress.
func (p *barProgress) Done() {
	p.once.Do(func() {
		p.bar.Abort(true)
		p.mpb.Wait()
	})
}

// barLayer is one layer of a barProgress.
type barLayer struct{ *layerTally }

// Bytes implements layerProgress.
func (l barLayer) Bytes(n int) { l.addBytes(n) }

// Packages implements layerProgress.
func (l barLayer) Packages(n int) { l.addPackages(n) }

// End implements layerProgress.
func (l barLayer) End(err error) { l.end(err) }

// speedWindow is the time over which a speed is measured.
const speedWindow = 5 * time.Second

// speed measures bytes per second over the last speedWindow.
type speed struct {
	samples []sample
}

type sample struct {
	at   time.Time
	read int64
}

// at notes that so much was read by now, and gives the speed; 0 while it is
// too early to tell.
func (s *speed) at(now time.Time, read int64) float64 {
	s.samples = append(s.samples, sample{now, read})
	for len(s.samples) > 2 && now.Sub(s.samples[1].at) >= speedWindow {
		s.samples = s.samples[1:]
	}
	first := s.samples[0]
	seconds := now.Sub(first.at).Seconds()
	if seconds < 0.5 {
		return 0
	}
	return float64(read-first.read) / seconds
}
