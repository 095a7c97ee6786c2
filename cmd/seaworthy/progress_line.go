package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/seaworthy-dev/seaworthy"
)

// lineInterval is how long plain progress keeps quiet at least while a layer is
// being read.
const lineInterval = 5 * time.Second

// lineProgress writes a line when something begins or ends, and one every
// lineInterval at most in between.
type lineProgress struct {
	tally   tally
	started time.Time

	mu   sync.Mutex // of all below
	w    io.Writer
	last time.Time // of the last line
	done bool
}

func newLineProgress(w io.Writer) *lineProgress {
	return &lineProgress{w: w, started: time.Now()}
}

func (p *lineProgress) say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sayLocked(format, args...)
}

func (p *lineProgress) sayLocked(format string, args ...any) {
	if p.done {
		return
	}
	p.last = time.Now()
	// Nothing depends on progress being seen, so a closed terminal is no error.
	_, _ = fmt.Fprintf(p.w, format+"\n", args...)
}

// Image implements progress.
func (p *lineProgress) Image(reference string, layers int, bytes int64) {
	p.tally.image(layers, bytes)
	p.say("%s: %s, %s", orUnknown(reference), count(layers, "layer"), bytesText(bytes))
}

// Layer implements progress.
func (p *lineProgress) Layer(d seaworthy.Digest, size int64, cached bool) layerProgress {
	l := &lineLayer{layerTally: p.tally.layer(size, cached), p: p, name: "layer " + orUnknown(d.Short())}
	if !cached {
		p.say("%s: reading %s", l.name, bytesText(size))
	}
	return l
}

// Done implements progress.
func (p *lineProgress) Done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := &p.tally
	read := t.ended.Load() - t.cached.Load() - t.failed.Load()
	text := fmt.Sprintf("%s: %s read (%s)", count(int(t.images.Load()), "image"), count(int(read), "layer"), bytesText(t.read.Load()))
	if n := t.cached.Load(); n > 0 {
		text += fmt.Sprintf(", %d known", n)
	}
	if n := t.failed.Load(); n > 0 {
		text += fmt.Sprintf(", %d failed", n)
	}
	p.sayLocked("%s in %s", text, elapsed(p.started))
	p.done = true
}

// lineLayer is one layer of a lineProgress.
type lineLayer struct {
	*layerTally
	p    *lineProgress
	name string
}

// Bytes implements layerProgress.
func (l *lineLayer) Bytes(n int) {
	l.addBytes(n)
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	if time.Since(l.p.last) >= lineInterval {
		l.p.sayLocked("%s: %s of %s, %s", l.name, bytesText(min(l.read.Load(), l.size)), bytesText(l.size),
			count(int(l.packages.Load()), "package"))
	}
}

// Packages implements layerProgress.
func (l *lineLayer) Packages(n int) { l.addPackages(n) }

// End implements layerProgress.
func (l *lineLayer) End(err error) {
	l.end(err)
	switch {
	case l.over:
	case err != nil:
		l.p.say("%s: failed after %s", l.name, elapsed(l.started))
	default:
		l.p.say("%s: %s in %s", l.name, count(int(l.packages.Load()), "package"), elapsed(l.started))
	}
}

// elapsed is the time since start for a person.
func elapsed(start time.Time) string {
	d := time.Since(start)
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}
