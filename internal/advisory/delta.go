package advisory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"sync"
	"time"

	"github.com/seaworthy-dev/seaworthy"
)

const (
	maxChanges = 3000            // beyond these, the zip is cheaper
	overlap    = 5 * time.Minute // of what was seen, for records that were published out of order
	fetchers   = 8               // requests at once

	// Of the overlap, so many are fetched again when the store cannot tell what it
	// has; a mass change beyond that waits for the next newer record or the week.
	maxOverlap = 64

	// The list is the newest first, but we do not rely on the last line's word:
	// so many older ones end the reading.
	olderLines = 256
)

var (
	errReadWhole = errors.New("the changes are too many or cannot be fetched one by one")
	errGone      = errors.New("it is listed but not there")
)

type recordSeq = iter.Seq2[seaworthy.Advisory, error]

// changes are the ids of a modified_id.csv that an update has to look at.
type changes struct {
	fresh map[string]time.Time // newer than all that is known
	again map[string]time.Time // within the overlap
	skip  skipped
}

// readChanges reads "<RFC 3339 time>,<id>" lines, the newest first, until they
// are older than newest by more than the overlap. A list in another order is read
// to its end.
func readChanges(r io.Reader, newest time.Time) (*changes, error) {
	c := &changes{fresh: map[string]time.Time{}, again: map[string]time.Time{}}
	l := newLines(r)
	var previous time.Time
	older, good, ordered := 0, 0, true
	for older < olderLines || !ordered {
		line, err := l.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if line == "" {
			continue
		}
		if strings.HasPrefix(line, "<") {
			return nil, errWebPage
		}
		stamp, id, _ := strings.Cut(line, ",")
		at := parseTime(stamp)
		if id = strings.TrimSpace(id); !validID(id) || at.IsZero() && !strings.HasPrefix(stamp, "0001-") {
			c.skip.add(fmt.Sprintf("line %.60q is not a time and an id", line))
			continue
		}
		good++
		if !previous.IsZero() && at.After(previous) {
			ordered = false
		}
		previous = at
		if older++; c.note(id, at, newest) {
			older = 0
		}
		if len(c.fresh) > maxChanges {
			return nil, errReadWhole
		}
	}
	return c, c.skip.verdict(good)
}

// note reports whether a line is still of interest.
func (c *changes) note(id string, at, newest time.Time) bool {
	switch {
	case at.After(newest):
		if at.After(c.fresh[id]) {
			c.fresh[id] = at
		}
	case !at.Before(newest.Add(-overlap)):
		if len(c.again) < maxChanges {
			c.again[id] = at
		}
	default:
		return false
	}
	return true
}

// changed fetches the records that the family's list of changes names.
func (b *bucket) changed(ctx context.Context) error {
	where := b.place.url(b.family + "/modified_id.csv")
	list, err := b.list(ctx)
	if errors.Is(err, errNotModified) {
		b.res.Unchanged = true
		return b.touch(ctx, b.feed.Newest, b.feed.Skipped)
	}
	if err != nil {
		if errors.Is(err, errReadWhole) {
			return err
		}
		return broken(where, err)
	}
	newest := b.feed.Newest
	for _, at := range list.fresh {
		if at = earlier(at, b.now()); at.After(newest) {
			newest = at
		}
	}
	ids, err := b.wanted(ctx, list)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		b.res.Unchanged = true
		return b.touch(ctx, newest, b.feed.Skipped)
	}
	var t tally
	err = b.replace(ctx, newest, false, func(failed *error) recordSeq {
		return b.records(b.family, b.res.URL, true, len(ids), b.fetchAll(ctx, ids), &t, failed)
	})
	if errors.Is(err, errReadWhole) && len(list.fresh) == 0 { // a mirror of zips, and nothing in it is new
		b.res.Unchanged = true
		return b.touch(ctx, newest, b.feed.Skipped)
	}
	if err != nil {
		return err
	}
	b.count(&t)
	b.res.Newest = newest
	return nil
}

func (b *bucket) list(ctx context.Context) (*changes, error) {
	c, err := b.place.open(ctx, b.family+"/modified_id.csv", b.feed.Updated.Add(-skew))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	limit := b.Limits.Exceeded(seaworthy.LimitAdvisoryFile, "the list of changes of "+b.family)
	return readChanges(&bounded{r: c, left: b.Limits.AdvisoryFile, err: limit}, b.feed.Newest)
}

// wanted are the ids to fetch: without those that the store has as they are.
func (b *bucket) wanted(ctx context.Context, list *changes) ([]string, error) {
	all := make([]string, 0, len(list.fresh)+len(list.again))
	for id := range list.fresh {
		all = append(all, id)
	}
	for id := range list.again {
		if _, ok := list.fresh[id]; !ok {
			all = append(all, id)
		}
	}
	dater, ok := b.Keeper.(Dater)
	if !ok {
		if len(all)-len(list.fresh) > maxOverlap {
			all = all[:len(list.fresh)]
		}
		return all, nil
	}
	kept, err := dater.Modified(ctx, SourceOSV, b.family, all)
	if err != nil {
		return nil, fmt.Errorf("update advisories of %s: %w", b.family, err)
	}
	missing := all[:0]
	for _, id := range all {
		at, ok := list.fresh[id]
		if !ok {
			at = list.again[id]
		}
		// A store may keep whole seconds.
		if known, ok := kept[id]; !ok || at.Sub(known).Abs() >= time.Second {
			missing = append(missing, id)
		}
	}
	return missing, nil
}

// replace runs one transaction, and tells the records' own failure from the
// store's.
func (b *bucket) replace(ctx context.Context, newest time.Time, full bool, records func(failed *error) recordSeq) error {
	var failed error
	changed, err := b.Keeper.Replace(ctx, b.row(newest), full, records(&failed))
	switch {
	case failed != nil:
		return failed
	case err != nil:
		return fmt.Errorf("keep advisories of %s: %w", b.family, err)
	}
	b.res.Changed = changed
	return nil
}

// fetchAll reads single records, some at once. One that is gone by now is
// skipped; where none is there, the bucket has no single records at all.
func (b *bucket) fetchAll(ctx context.Context, ids []string) iter.Seq2[outcome, error] {
	return func(yield func(outcome, error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		todo := make(chan string)
		done := make(chan outcome)
		var wg sync.WaitGroup
		for range min(fetchers, len(ids)) {
			wg.Go(func() {
				if err := b.fetchSome(ctx, todo, done); err != nil {
					cancel(err)
				}
			})
		}
		go func() {
			feedIDs(ctx, ids, todo)
			wg.Wait()
			close(done)
		}()
		defer func() { // no goroutine outlives the loop
			cancel(context.Canceled)
			for range done {
			}
		}()
		good, gone := 0, 0
		for o := range done {
			if errors.Is(o.malformed, errGone) {
				gone++
			} else {
				good++
			}
			if good == 0 && gone >= min(fetchers, len(ids)) {
				yield(outcome{}, errReadWhole)
				return
			}
			if !yield(o, nil) {
				return
			}
		}
		if err := context.Cause(ctx); err != nil {
			yield(outcome{}, err)
		}
	}
}

func feedIDs(ctx context.Context, ids []string, todo chan<- string) {
	defer close(todo)
	for _, id := range ids {
		select {
		case todo <- id:
		case <-ctx.Done():
			return
		}
	}
}

func (b *bucket) fetchSome(ctx context.Context, todo <-chan string, done chan<- outcome) error {
	for id := range todo {
		o, err := b.fetchOne(ctx, id)
		if err != nil {
			return err
		}
		select {
		case done <- o:
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

func (b *bucket) fetchOne(ctx context.Context, id string) (o outcome, err error) {
	o.name = id + ".json"
	var body []byte
	for try := 1; ; try++ {
		var c *content
		if c, err = b.place.open(ctx, b.family+"/"+o.name, time.Time{}); err != nil {
			break
		}
		body, err = readAll(c, body, b.Limits)
		c.Close()
		if err == nil || ctx.Err() != nil || !transient(err) || try == tries {
			break
		}
	}
	why, malformed := errors.AsType[malformedError](err)
	switch {
	case absent(err):
		o.malformed = errGone
	case malformed:
		o.malformed = why.error
	case err != nil:
		return o, err
	default:
		o.advisory, o.malformed = b.decoder().Decode(body)
		if o.malformed == nil && o.advisory.ID != id {
			o.malformed = fmt.Errorf("it is the record %s", o.advisory.ID)
		}
	}
	return o, nil
}
