package advisory

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/seaworthy-dev/seaworthy"
)

// maxFiles bounds a directory of records.
const maxFiles = 5_000_000

// Import reads advisories from disk, without any network. Path is
//
//   - a directory in bucket layout, with an all.zip in a directory for each
//     family: each family is replaced;
//   - a directory, at any depth, or a zip of OSV records, or one record: they
//     are added to their families, and the next update from a bucket reads those
//     whole;
//   - EPSS as CSV, plain or gzip, or CISA's catalogue as JSON or CSV.
//
// A file is told by its content, whatever it is called.
func (u *Updater) Import(ctx context.Context, path string) ([]Result, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("import advisories: %w", err)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &seaworthy.Error{Code: seaworthy.CodeNotFound, Public: "there is no file or directory " + path, Err: err}
	case err != nil:
		return nil, fmt.Errorf("import advisories: %w", err)
	case info.IsDir():
		return u.importDir(ctx, path)
	}
	f, size, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return u.importFile(ctx, path, f, size)
}

func fileURL(path string) string { return "file://" + filepath.ToSlash(path) }

func (u *Updater) importDir(ctx context.Context, dir string) ([]Result, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("import advisories: %w", err)
	}
	var families []string
	for _, e := range entries {
		zipped := filepath.Join(dir, e.Name(), "all.zip")
		if info, err := os.Stat(zipped); err == nil && info.Mode().IsRegular() && validFamily(e.Name()) {
			families = append(families, e.Name())
		}
	}
	if len(families) > 0 {
		return u.importBucket(ctx, dir, families)
	}
	paths, err := recordsBelow(ctx, dir)
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, &seaworthy.Error{
			Code: seaworthy.CodeNotFound, Public: "there are no advisories in " + dir,
			Hint: "it should have <ecosystem>/all.zip files, or OSV records that end in .json",
		}
	}
	return u.importRecords(ctx, dir, &folder{fsys: os.DirFS(dir), paths: paths, limits: u.Limits})
}

func (u *Updater) importBucket(ctx context.Context, dir string, families []string) ([]Result, error) {
	var results []Result
	var failures []error
	for _, family := range families {
		start := time.Now()
		p := &directory{root: dir}
		b := &bucket{Updater: u, place: p, family: family}
		b.res = Result{Source: SourceOSV, Ecosystem: family, URL: p.url(family)}
		err := b.whole(ctx, time.Time{})
		if ctx.Err() != nil {
			return results, ctx.Err()
		}
		if err != nil {
			failures = append(failures, err)
			continue
		}
		b.res.Took = time.Since(start)
		results = append(results, b.res)
	}
	if len(failures) == 1 {
		return results, failures[0]
	}
	return results, errors.Join(failures...)
}

// recordsBelow lists the files that can be records, by their paths in dir.
func recordsBelow(ctx context.Context, dir string) ([]string, error) {
	var paths []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err = cmp.Or(err, ctx.Err()); err != nil {
			return err
		}
		base, ok := strings.CutSuffix(d.Name(), ".json")
		if ok && d.Type().IsRegular() && validID(base) {
			paths = append(paths, path)
		}
		if len(paths) > maxFiles {
			return fmt.Errorf("there are more than %d files in it", maxFiles)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("import advisories from %s: %w", dir, err)
	}
	return paths, nil
}

// importFile tells what f is by how it begins.
func (u *Updater) importFile(ctx context.Context, path string, f *os.File, size int64) ([]Result, error) {
	head := make([]byte, 512)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("import advisories: %w", err)
	}
	head = head[:n]
	if bytes.HasPrefix(head, []byte("PK")) {
		records, err := openArchive(f, size, false, u.Limits)
		if err != nil {
			return nil, broken(path, err)
		}
		return u.importRecords(ctx, path, records)
	}
	one := func(source string, keep func(context.Context, io.Reader, *Result) error) ([]Result, error) {
		start := time.Now()
		res := Result{Source: source, URL: fileURL(path), Full: true, Bytes: size}
		if err := keep(ctx, f, &res); err != nil {
			return nil, cmp.Or(ctx.Err(), err)
		}
		res.Took = time.Since(start)
		return []Result{res}, nil
	}
	start := bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")))
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}), looksEPSS(start):
		return one(SourceEPSS, u.keepEPSS)
	case bytes.Contains(bytes.ToLower(firstLine(start)), []byte("cveid,")):
		return one(SourceKEV, u.keepKEV)
	case bytes.HasPrefix(start, []byte("{")):
		return u.importJSON(ctx, path, f, one)
	}
	return nil, &seaworthy.Error{
		Code: seaworthy.CodeInvalid, Public: path + " is no advisories that are known",
		Hint: "it should be a zip of OSV records, one record, EPSS as CSV, or CISA's catalogue of known exploited vulnerabilities",
	}
}

func firstLine(b []byte) []byte {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	return line
}

func looksEPSS(start []byte) bool {
	line := bytes.ToLower(firstLine(start))
	return bytes.HasPrefix(line, []byte("#model_version")) || bytes.HasPrefix(line, []byte("#score_date")) ||
		bytes.Contains(line, []byte("epss")) && bytes.Contains(line, []byte("cve")) ||
		bytes.HasPrefix(line, []byte("cve-")) && bytes.Count(line, []byte(",")) == 2
}

// importJSON reads one record, or the catalogue, which may be larger.
func (u *Updater) importJSON(
	ctx context.Context, path string, f *os.File,
	one func(string, func(context.Context, io.Reader, *Result) error) ([]Result, error),
) ([]Result, error) {
	b, err := u.catalogue(io.NewSectionReader(f, 0, 1<<62))
	if err != nil {
		return nil, broken(path, err)
	}
	if bytes.Contains(b, []byte(`"cveID"`)) && bytes.Contains(b, []byte(`"vulnerabilities"`)) {
		return one(SourceKEV, func(ctx context.Context, _ io.Reader, res *Result) error {
			return u.keepKEV(ctx, bytes.NewReader(b), res)
		})
	}
	dir, name := filepath.Split(path)
	return u.importRecords(ctx, path, &folder{fsys: os.DirFS(dir), paths: []string{name}, limits: u.Limits})
}

// importRecords reads all records twice: once to learn which families they speak
// of and whether they can be trusted, then once for each family, with the store.
func (u *Updater) importRecords(ctx context.Context, path string, records files) ([]Result, error) {
	start := time.Now()
	where := map[string][]int{}
	var t tally
	for o, err := range u.decoder().each(ctx, records) {
		if err != nil {
			return nil, broken(path, err)
		}
		t.note(&o)
		if o.malformed == nil {
			note(where, &o)
		}
		if done := t.good + t.skip.count; done%1000 == 0 || done == records.len() {
			u.progress(Event{Stage: StageRecords, Done: int64(done), Total: int64(records.len())})
		}
	}
	if err := u.usable(path, &t, where); err != nil {
		return nil, err
	}
	var results []Result
	for _, family := range sortedKeys(where) {
		slices.Sort(where[family])
		res, err := u.importFamily(ctx, path, family, some{records, where[family]})
		if err != nil {
			return results, cmp.Or(ctx.Err(), err)
		}
		res.Took, start = time.Since(start), time.Now()
		results = append(results, res)
	}
	results[0].Skipped, results[0].Malformed = t.skip.count, t.skip.first // nobody can say of which family
	return results, nil
}

// note files a record under each family that it speaks of.
func note(where map[string][]int, o *outcome) {
	for _, entry := range o.advisory.Affected {
		family := entry.Ecosystem.Family()
		list := where[family]
		if len(list) == 0 || list[len(list)-1] != o.index {
			where[family] = append(list, o.index)
		}
	}
}

func sortedKeys(m map[string][]int) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// usable is an error where too few records are good, or none.
func (u *Updater) usable(path string, t *tally, where map[string][]int) error {
	if err := t.skip.verdict(t.good); err != nil {
		return broken(path, err)
	}
	switch {
	case len(where) > 0:
		return nil
	case t.skip.count > 0:
		return broken(path, errors.New(t.skip.first[0]))
	}
	return broken(path, errors.New("it has no records that speak of packages"))
}

func (u *Updater) importFamily(ctx context.Context, path, family string, records some) (Result, error) {
	feed, err := u.Keeper.Feed(ctx, SourceOSV, family)
	if err != nil {
		return Result{}, fmt.Errorf("import advisories of %s: %w", family, err)
	}
	b := &bucket{Updater: u, family: family, feed: feed}
	b.res = Result{Source: SourceOSV, Ecosystem: family, URL: fileURL(path)}
	var t tally
	err = b.replace(ctx, feed.Newest, false, func(failed *error) recordSeq {
		return u.records(family, path, true, records.len(), u.decoder().each(ctx, records), &t, failed)
	})
	if err != nil {
		return Result{}, err
	}
	b.count(&t)
	newest := feed.Newest
	if at := earlier(t.newest, u.now()); at.After(newest) {
		newest = at
	}
	return b.res, b.touch(ctx, newest, feed.Skipped)
}
