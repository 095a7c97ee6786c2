package advisory

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/seaworthy-dev/seaworthy"
)

// EPSSRow is one line of the exploit probabilities: the probability that the CVE
// is exploited in the next 30 days, and the share of CVEs with a lower one.
type EPSSRow struct {
	CVE               string
	Score, Percentile float64
}

const (
	maxLine     = 64 << 10  // of a CSV file
	maxEPSSRows = 5_000_000 // some ten times the CVEs that there are
)

// EPSS replaces the exploit probabilities by those of the file at url, plain or
// gzip; "" is [DefaultEPSS].
func (u *Updater) EPSS(ctx context.Context, url string) (Result, error) {
	if url == "" {
		url = DefaultEPSS
	}
	return u.single(ctx, SourceEPSS, url, u.keepEPSS)
}

func (u *Updater) keepEPSS(ctx context.Context, body io.Reader, res *Result) error {
	plain, err := inflated(body)
	if err != nil {
		return corrupt(res.URL, "is not a whole gzip file", err)
	}
	limited := &bounded{r: plain, left: u.Limits.AdvisoryFile, err: u.Limits.Exceeded(seaworthy.LimitAdvisoryFile, "the EPSS file unpacked")}
	f, err := openEPSS(limited)
	if err != nil {
		return broken(res.URL, err)
	}
	var failed error // the file's own failure, apart from the store's
	rows := func(yield func(EPSSRow, error) bool) {
		for row, err := range f.rows() {
			if err = cmp.Or(err, ctx.Err()); err != nil {
				failed = broken(res.URL, err)
				yield(EPSSRow{}, failed)
				return
			}
			if f.kept%10_000 == 0 {
				u.progress(Event{Feed: "EPSS", Stage: StageRecords, Done: int64(f.kept)})
			}
			if !yield(row, nil) {
				return
			}
		}
	}
	feed := seaworthy.Feed{Source: SourceEPSS, URL: res.URL, Newest: f.date, Updated: u.now()}
	err = u.Keeper.ReplaceEPSS(ctx, feed, rows)
	switch {
	case failed != nil:
		return failed
	case err != nil:
		return fmt.Errorf("keep the exploit probabilities: %w", err)
	}
	res.Records, res.Changed, res.Newest = f.kept, f.kept, f.date
	res.Skipped, res.Malformed = f.skip.count, f.skip.first
	return nil
}

// inflated unpacks r if it is gzip, and leaves it alone otherwise.
func inflated(r io.Reader) (io.Reader, error) {
	br := bufio.NewReaderSize(r, maxLine)
	if magic, _ := br.Peek(2); !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return br, nil
	}
	z, err := gzip.NewReader(br)
	if err != nil {
		return nil, err
	}
	return z, nil
}

// epssFile reads the CSV: an optional comment with the date, an optional line
// of column names, then the rows.
type epssFile struct {
	lines                  *lines
	date                   time.Time
	cve, score, percentile int // columns
	pending                string
	kept                   int
	skip                   skipped
}

func openEPSS(r io.Reader) (*epssFile, error) {
	f := &epssFile{lines: newLines(r), score: 1, percentile: 2}
	for {
		line, err := f.lines.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil, errors.New("it has no scores")
		case err != nil:
			return nil, err
		case strings.HasPrefix(line, "<"):
			return nil, errWebPage
		case strings.HasPrefix(line, "#"):
			f.comment(line)
			continue
		case line == "":
			continue
		}
		if first, _, _ := strings.Cut(line, ","); validCVE(unquote(first)) {
			f.pending = line
			return f, nil
		}
		return f, f.columns(line)
	}
}

// comment reads "#model_version:v2025.03.14,score_date:2026-08-18T00:00:00+0000".
func (f *epssFile) comment(line string) {
	for field := range strings.SplitSeq(strings.TrimLeft(line, "# "), ",") {
		if key, value, ok := strings.Cut(field, ":"); ok && strings.TrimSpace(key) == "score_date" {
			f.date = parseTime(value)
		}
	}
}

func (f *epssFile) columns(line string) error {
	found := 0
	for i, name := range strings.Split(line, ",") {
		switch strings.ToLower(unquote(name)) {
		case "cve":
			f.cve = i
		case "epss":
			f.score = i
		case "percentile":
			f.percentile = i
		default:
			continue
		}
		found++
	}
	if found != 3 {
		return fmt.Errorf("its columns %.60q are not cve, epss and percentile", line)
	}
	return nil
}

// rows gives the scores. A malformed row is skipped and counted; too many of
// them, none at all or a file that ends early are an error.
func (f *epssFile) rows() iter.Seq2[EPSSRow, error] {
	return func(yield func(EPSSRow, error) bool) {
		for {
			line, err := f.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				yield(EPSSRow{}, err)
				return
			}
			if line == "" {
				continue
			}
			row, err := f.row(line)
			if err != nil {
				f.skip.add(err.Error())
				continue
			}
			if f.kept++; f.kept > maxEPSSRows {
				yield(EPSSRow{}, fmt.Errorf("it has more than %d rows", maxEPSSRows))
				return
			}
			if !yield(row, nil) {
				return
			}
		}
		if err := f.skip.verdict(f.kept); err != nil {
			yield(EPSSRow{}, err)
		} else if f.kept == 0 {
			yield(EPSSRow{}, errors.New("it has no scores"))
		}
	}
}

func (f *epssFile) next() (string, error) {
	if line := f.pending; line != "" {
		f.pending = ""
		return line, nil
	}
	return f.lines.next()
}

func (f *epssFile) row(line string) (EPSSRow, error) {
	var row EPSSRow
	fields := strings.Split(line, ",")
	if len(fields) <= max(f.cve, f.score, f.percentile) {
		return row, fmt.Errorf("row %.60q has too few columns", line)
	}
	row.CVE = unquote(fields[f.cve])
	var ok1, ok2 bool
	row.Score, ok1 = probability(fields[f.score])
	row.Percentile, ok2 = probability(fields[f.percentile])
	if !validCVE(row.CVE) || !ok1 || !ok2 {
		return row, fmt.Errorf("row %.60q is not a CVE and two numbers from 0 to 1", line)
	}
	return row, nil
}

func probability(s string) (float64, bool) {
	v, err := strconv.ParseFloat(unquote(s), 64)
	return v, err == nil && !math.IsNaN(v) && v >= 0 && v <= 1
}

func unquote(s string) string {
	return strings.Trim(strings.TrimSpace(s), `"`)
}
