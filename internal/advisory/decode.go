package advisory

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seaworthy-dev/seaworthy"
)

// outcome is what came of reading one file.
type outcome struct {
	index     int
	advisory  seaworthy.Advisory
	malformed error // why there is no advisory
	name      string
}

// misnamed reports whether the file bears another record's name.
func (o *outcome) misnamed() bool { return o.name != o.advisory.ID+".json" }

// A batch goes from a decoding goroutine to the one that keeps, so that they
// seldom wait for each other; its size bounds what is decoded ahead.
const (
	batchFiles = 64
	batchBytes = 1 << 20
)

// each decodes all files on all processors, in no order. An error ends it.
func (d Decoder) each(ctx context.Context, fs files) iter.Seq2[outcome, error] {
	return func(yield func(outcome, error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		batches := make(chan []outcome, 1)
		var next atomic.Int64
		var wg sync.WaitGroup
		for range runtime.GOMAXPROCS(0) {
			wg.Go(func() {
				if err := d.work(ctx, fs, &next, batches); err != nil {
					cancel(err)
				}
			})
		}
		go func() {
			wg.Wait()
			close(batches)
		}()
		defer func() { // no goroutine outlives the loop
			cancel(context.Canceled)
			for range batches {
			}
		}()
		for batch := range batches {
			for _, o := range batch {
				if !yield(o, nil) {
					return
				}
			}
		}
		if err := context.Cause(ctx); err != nil {
			yield(outcome{}, err)
		}
	}
}

// work decodes files, batch by batch, until there are none.
func (d Decoder) work(ctx context.Context, fs files, next *atomic.Int64, out chan<- []outcome) error {
	var buf []byte
	for ctx.Err() == nil {
		end := int(next.Add(batchFiles))
		i := end - batchFiles
		end = min(end, fs.len())
		if i >= end {
			return nil
		}
		var batch []outcome
		bytes := 0
		for ; i < end; i++ {
			o := outcome{index: i, name: fs.name(i)}
			var err error
			if buf, err = fs.read(i, buf); err == nil {
				if o.advisory, err = d.Decode(buf); err != nil {
					err = malformedError{err}
				}
			}
			if why, ok := errors.AsType[malformedError](err); ok {
				o.malformed = why.error
			} else if err != nil {
				return err
			}
			batch = append(batch, o)
			if bytes += len(buf); bytes < batchBytes && i+1 < end {
				continue
			}
			select {
			case out <- batch:
				batch, bytes = nil, 0
			case <-ctx.Done():
				return nil
			}
		}
		if cap(buf) > batchBytes {
			buf = nil // one huge record is no reason to keep its space
		}
	}
	return nil
}

// tally counts what came of reading records.
type tally struct {
	good, records, withdrawn, misnamed int
	skip                               skipped
	newest                             time.Time
}

func (t *tally) note(o *outcome) {
	if o.malformed != nil {
		t.skip.add(fmt.Sprintf("%s: %v", strings.TrimSuffix(o.name, ".json"), o.malformed))
		return
	}
	t.good++
	if o.misnamed() {
		t.misnamed++
	}
	if t.newest.Before(o.advisory.Modified) {
		t.newest = o.advisory.Modified
	}
}

// keep narrows an advisory to one family, for a record lies in the zip of each
// family that it speaks of. A record without entries is of use only when it was
// withdrawn, or when it may have to take the place of one with entries.
func (t *tally) keep(a *seaworthy.Advisory, family string, replacing bool) bool {
	entries := a.Affected[:0]
	for _, entry := range a.Affected {
		if entry.Ecosystem.Family() == family {
			entries = append(entries, entry)
		}
	}
	a.Affected = entries
	switch {
	case !a.Withdrawn.IsZero():
		t.withdrawn++
		return true
	case len(entries) > 0:
		t.records++
		return true
	}
	return replacing
}

// records gives the family's advisories out of outcomes, and at the end an error
// if too many were malformed. failed is set to the error that it gives, to tell
// it from a store's own.
func (u *Updater) records(
	family, where string, replacing bool, total int, outcomes iter.Seq2[outcome, error], t *tally, failed *error,
) iter.Seq2[seaworthy.Advisory, error] {
	fail := func(yield func(seaworthy.Advisory, error) bool, err error) {
		*failed = broken(where, err)
		yield(seaworthy.Advisory{}, *failed)
	}
	return func(yield func(seaworthy.Advisory, error) bool) {
		done := 0
		for o, err := range outcomes {
			if err != nil {
				fail(yield, err)
				return
			}
			if done++; done%1000 == 0 || done == total {
				u.progress(Event{Feed: family, Stage: StageRecords, Done: int64(done), Total: int64(total)})
			}
			t.note(&o)
			if o.malformed != nil || !t.keep(&o.advisory, family, replacing) {
				continue
			}
			if !yield(o.advisory, nil) {
				return
			}
		}
		if err := t.skip.verdict(t.good); err != nil {
			fail(yield, err)
		}
	}
}
