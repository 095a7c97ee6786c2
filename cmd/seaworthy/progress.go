package main

import (
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/seaworthy-dev/seaworthy/internal/assess"
)

// progress tells a person how far an assessment is.
type (
	progress      = assess.Progress
	layerProgress = assess.LayerProgress
)

// newProgress shows progress on w: as a bar if w is a terminal, as plain lines
// otherwise.
func newProgress(w io.Writer) progress {
	if terminalWidth(w) > 0 && os.Getenv("TERM") != "dumb" {
		return newBarProgress(w, 0)
	}
	return newLineProgress(w)
}

// tally is what is to do and what is done. Its zero value is ready.
type tally struct {
	images   atomic.Int64
	layers   atomic.Int64 // announced
	ended    atomic.Int64 // layers that are over, cached ones too
	cached   atomic.Int64
	failed   atomic.Int64
	bytes    atomic.Int64 // announced, less those of cached layers
	read     atomic.Int64 // of bytes
	packages atomic.Int64
}

func (t *tally) image(layers int, bytes int64) {
	t.images.Add(1)
	t.layers.Add(int64(layers))
	t.bytes.Add(bytes)
}

// layer starts counting for one layer.
func (t *tally) layer(size int64, cached bool) *layerTally {
	if cached {
		t.ended.Add(1)
		t.cached.Add(1)
		t.bytes.Add(-size)
	}
	return &layerTally{all: t, size: size, started: time.Now(), over: cached}
}

// total is the bytes to read in all, never less than those that were read.
func (t *tally) total() int64 { return max(t.bytes.Load(), t.read.Load()) }

// layerTally counts one layer. A stream that is read twice counts once.
type layerTally struct {
	all      *tally
	size     int64
	started  time.Time
	read     atomic.Int64
	packages atomic.Int64
	over     bool // cached: there is nothing to count
}

func (l *layerTally) addBytes(n int) {
	after := l.read.Add(int64(n))
	before := after - int64(n)
	if counted := min(after, l.size) - min(before, l.size); counted > 0 {
		l.all.read.Add(counted)
	}
}

func (l *layerTally) addPackages(n int) {
	l.packages.Add(int64(n))
	l.all.packages.Add(int64(n))
}

// end settles the layer: what was not read of it will not be read any more.
func (l *layerTally) end(err error) {
	if l.over {
		return
	}
	l.all.ended.Add(1)
	if err != nil {
		l.all.failed.Add(1)
	}
	if rest := l.size - l.read.Load(); rest > 0 {
		l.all.bytes.Add(-rest)
	}
}
