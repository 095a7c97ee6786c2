package advisory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/seaworthy-dev/seaworthy"
)

const (
	// reconcile is how often a family is read whole, for its list of changes does
	// not tell of records that were deleted.
	reconcile = 7 * 24 * time.Hour

	// skew is how far clocks may be apart when we ask whether a file is newer
	// than our last update, which has taken a while, too.
	skew = time.Hour
)

// OSV brings families up to date from a bucket laid out as OSV's is
// (https://google.github.io/osv.dev/data/#data-dumps); "" is [DefaultOSV]. Each
// is read whole at first and once a week, and in between only as its
// modified_id.csv says. A family that fails keeps its old set and does not keep
// the others from being updated: the results are of those that went well.
func (u *Updater) OSV(ctx context.Context, baseURL string, families []string) ([]Result, error) {
	p, err := u.place(cmp.Or(baseURL, DefaultOSV))
	if err != nil {
		return nil, err
	}
	defer p.close()
	var results []Result
	var failures []error
	for _, family := range distinctFamilies(families) {
		res, err := u.family(ctx, p, family)
		if ctx.Err() != nil {
			return results, ctx.Err()
		}
		if err != nil {
			failures = append(failures, err)
			continue
		}
		results = append(results, res)
	}
	if len(failures) == 1 {
		return results, failures[0]
	}
	return results, errors.Join(failures...)
}

// distinctFamilies drops releases and repetitions.
func distinctFamilies(list []string) []string {
	var families []string
	for _, e := range list {
		if family := seaworthy.Ecosystem(e).Family(); !slices.Contains(families, family) {
			families = append(families, family)
		}
	}
	return families
}

// validFamily reports whether s can be a directory's name in a bucket.
func validFamily(s string) bool {
	return validID(strings.ReplaceAll(s, " ", "-"))
}

// bucket is the update of one family from a bucket.
type bucket struct {
	*Updater
	place  place
	family string
	feed   seaworthy.Feed // as it was before
	res    Result
}

func (u *Updater) family(ctx context.Context, p place, family string) (Result, error) {
	if !validFamily(family) {
		return Result{}, &seaworthy.Error{
			Code: seaworthy.CodeInvalid, Public: fmt.Sprintf("%.60q is not the name of an ecosystem", family),
		}
	}
	start, before := time.Now(), p.read()
	feed, err := u.Keeper.Feed(ctx, SourceOSV, family)
	if err != nil {
		return Result{}, fmt.Errorf("update advisories of %s: %w", family, err)
	}
	b := &bucket{Updater: u, place: p, family: family, feed: feed}
	b.res = Result{Source: SourceOSV, Ecosystem: family, URL: p.url(family)}
	err = b.update(ctx)
	b.res.Bytes += p.read() - before
	b.res.Took = time.Since(start)
	return b.res, err
}

func (b *bucket) update(ctx context.Context) error {
	last := b.feed.Updated
	if last.IsZero() || b.feed.Newest.IsZero() || b.feed.URL != b.res.URL {
		return b.whole(ctx, time.Time{})
	}
	if week := b.week(last); week.Before(b.week(b.now())) {
		// The first update of that week read the whole set. If the zip is older
		// than the week, it is the one that was read then.
		if err := b.whole(ctx, week); !errors.Is(err, errNotModified) {
			return err
		}
	}
	err := b.changed(ctx)
	if errors.Is(err, errReadWhole) {
		return b.whole(ctx, time.Time{})
	}
	if absent(err) { // no list of changes, so each update reads the whole set
		if err = b.whole(ctx, last.Add(-skew)); errors.Is(err, errNotModified) {
			b.res.Unchanged = true
			return b.touch(ctx, b.feed.Newest, b.feed.Skipped)
		}
	}
	return err
}

// week is when the week of t began. Each family's begin at another time, so that
// not all are read whole on one day. It needs no memory of when that was last
// done: the first update of each week does it.
func (b *bucket) week(t time.Time) time.Time {
	h := fnv.New32a()
	io.WriteString(h, b.family)
	seconds := int64(reconcile / time.Second)
	offset := int64(h.Sum32()) % seconds
	return time.Unix((t.Unix()+offset)/seconds*seconds-offset, 0)
}

// whole replaces the family by its all.zip; errNotModified if that is not newer
// than since.
func (b *bucket) whole(ctx context.Context, since time.Time) error {
	name := b.family + "/all.zip"
	zipFile, size, err := b.fetch(ctx, name, since)
	if err != nil {
		if absent(err) {
			return b.noFamily(err)
		}
		return err
	}
	defer zipFile.Close()
	where := b.place.url(name)
	entries, err := openArchive(zipFile, size, true, b.Limits)
	if err == nil && entries.len() == 0 {
		err = errors.New("it has no records")
	}
	if err != nil {
		return broken(where, err)
	}
	var t tally
	if err := b.replace(ctx, b.feed.Newest, true, func(failed *error) recordSeq {
		return b.records(b.family, where, false, entries.len(), b.decoder().each(ctx, entries), &t, failed)
	}); err != nil {
		return err
	}
	b.res.Full = true
	b.count(&t)
	return b.touch(ctx, earlier(t.newest, b.now()), t.skip.count)
}

// earlier keeps a record that says to be from the future from hiding all later
// changes.
func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func (b *bucket) count(t *tally) {
	b.res.Records, b.res.Withdrawn, b.res.Misnamed = t.records, t.withdrawn, t.misnamed
	b.res.Skipped, b.res.Malformed = t.skip.count, t.skip.first
}

// touch notes that an update ended well, with what only its end could tell.
func (b *bucket) touch(ctx context.Context, newest time.Time, skipped int) error {
	feed := b.row(newest)
	feed.Skipped = skipped
	b.res.Newest = newest
	_, err := b.Keeper.Replace(ctx, feed, false, func(func(seaworthy.Advisory, error) bool) {})
	if err != nil {
		return fmt.Errorf("keep advisories of %s: %w", b.family, err)
	}
	return nil
}

func (b *bucket) row(newest time.Time) seaworthy.Feed {
	return seaworthy.Feed{
		Source: SourceOSV, Ecosystem: b.family, URL: b.res.URL,
		Skipped: b.feed.Skipped, Newest: newest, Updated: b.now(),
	}
}

// fetch gives a zip that can be read at random: the file itself where it is
// local, else a temporary one that has no name and so is gone when closed.
func (b *bucket) fetch(ctx context.Context, name string, since time.Time) (*os.File, int64, error) {
	for try := 1; ; try++ {
		c, err := b.place.open(ctx, name, since)
		if err != nil {
			return nil, 0, err
		}
		if c.file != nil {
			b.res.Bytes += c.size // for nobody reads it as a stream
			return c.file, c.size, nil
		}
		f, size, err := b.download(c)
		if err == nil || ctx.Err() != nil || !transient(err) || try == tries {
			return f, size, cmp.Or(ctx.Err(), err)
		}
	}
}

func (b *bucket) download(c *content) (*os.File, int64, error) {
	defer c.Close()
	limit := b.Limits.Exceeded(seaworthy.LimitAdvisoryFile, "the zip of "+b.family)
	if c.size > b.Limits.AdvisoryFile {
		return nil, 0, broken(b.place.url(b.family), limit)
	}
	f, err := temporary(b.TempDir)
	if err != nil {
		return nil, 0, err
	}
	w := &metered{w: f, event: Event{Feed: b.family, Stage: StageDownload, Total: max(c.size, 0)}, progress: b.progress}
	n, err := io.Copy(w, &bounded{r: c, left: b.Limits.AdvisoryFile, err: limit})
	if err != nil {
		f.Close()
		if _, ok := errors.AsType[*seaworthy.LimitError](err); ok {
			err = broken(b.place.url(b.family), err)
		}
		return nil, 0, err
	}
	return f, n, nil
}

// temporary makes a file whose name is gone at once, so that nothing is left
// behind however the process ends.
func temporary(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "seaworthy-advisories-*")
	if err != nil {
		return nil, fmt.Errorf("make a temporary file for advisories: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, fmt.Errorf("unlink a temporary file for advisories: %w", err)
	}
	return f, nil
}

// metered tells the progress of what is written.
type metered struct {
	w        io.Writer
	event    Event
	progress func(Event)
	told     int64
}

func (m *metered) Write(p []byte) (int, error) {
	n, err := m.w.Write(p)
	m.event.Done += int64(n)
	if m.event.Done-m.told >= 256<<10 || m.event.Done == m.event.Total {
		m.told = m.event.Done
		m.progress(m.event)
	}
	return n, err
}

// noFamily says that the bucket has no such family, and what it has.
func (b *bucket) noFamily(cause error) error {
	return &seaworthy.Error{
		Code:   seaworthy.CodeNotFound,
		Public: fmt.Sprintf("there are no advisories for the ecosystem %s at %s", b.family, b.place.url(b.family)),
		Hint:   b.place.url("ecosystems.txt") + " lists the ecosystems that there are",
		Err:    cause,
	}
}
