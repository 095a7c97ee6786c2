package layer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seaworthy-dev/seaworthy"
)

const (
	// An extractor that heeds its context returns within the grace; any other is
	// left behind.
	extractGrace = 50 * time.Millisecond

	// An extractor that ran out of time so often in one layer is not asked again,
	// so that a layer full of traps cannot cost hours.
	extractStrikes = 3

	headBytes = 512 // what sniffers see
)

// reader is an extractor at work on one layer.
type reader struct {
	Extractor
	format  seaworthy.Format
	sniffer Sniffer // nil if it is none
	strikes int
}

func (a *Analyser) readers() []*reader {
	all := make([]*reader, len(a.Extractors))
	for i, x := range a.Extractors {
		all[i] = &reader{Extractor: x, format: x.Format()}
		all[i].sniffer, _ = x.(Sniffer)
	}
	return all
}

// wanting appends to into those readers that want the path.
func wanting(into, all []*reader, i *info) (_ []*reader, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("looking at its name panicked: %.200v", v)
		}
	}()
	for _, x := range all {
		if x.Wants(i.name, i) {
			into = append(into, x)
		}
	}
	return into, nil
}

// sniffing keeps of the readers those that want a file that begins with head.
func sniffing(readers []*reader, head []byte) (_ []*reader, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("looking at its first bytes panicked: %.200v", v)
		}
	}()
	wanted := readers[:0]
	for _, x := range readers {
		if x.sniffer == nil || x.sniffer.Sniff(head) {
			wanted = append(wanted, x)
		}
	}
	return wanted, nil
}

func anySniffer(readers []*reader) bool {
	for _, x := range readers {
		if x.sniffer != nil {
			return true
		}
	}
	return false
}

// extracted is what an extractor said of a file.
type extracted struct {
	record seaworthy.Record
	err    error
	left   bool // it still runs, and still reads the file
}

// extract runs one extractor on one file, for as long as the limit allows. An
// extractor that does not return is left behind with what it holds.
func (a *Analyser) extract(ctx context.Context, x *reader, f *File) extracted {
	if x.strikes >= extractStrikes {
		return extracted{err: fmt.Errorf("reading files of format %s took too long %d times in this layer", x.format, x.strikes)}
	}
	limited, cancel := context.WithTimeout(ctx, a.Limits.ExtractTime)
	defer cancel()
	done := make(chan extracted, 1)
	go guarded(limited, x, f, done)
	select {
	case e := <-done:
		return e
	case <-limited.Done():
	}
	e := extracted{left: true}
	grace := time.NewTimer(extractGrace)
	defer grace.Stop()
	select {
	case e = <-done:
	case <-grace.C:
	}
	if ctx.Err() == nil && (e.err != nil || e.left) {
		x.strikes++
		e.err = a.Limits.Exceeded(seaworthy.LimitExtractTime, "reading it as "+string(x.format))
	}
	return e
}

// guarded turns panics, and an end of the goroutine, into errors.
func guarded(ctx context.Context, x Extractor, f *File, done chan<- extracted) {
	e := extracted{err: errors.New("reading it ended its goroutine")}
	defer func() {
		if v := recover(); v != nil {
			e = extracted{err: fmt.Errorf("reading it panicked: %.200v", v)}
		}
		done <- e
	}()
	record, err := x.Extract(ctx, f)
	e = extracted{record: record, err: err}
}
