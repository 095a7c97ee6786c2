package store_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seaworthy-dev/seaworthy"
	feeds "github.com/seaworthy-dev/seaworthy/internal/advisory"
	"github.com/seaworthy-dev/seaworthy/internal/store"
	"github.com/seaworthy-dev/seaworthy/internal/store/storetest"
)

func TestReplace(t *testing.T) {
	t.Parallel()
	bash, curl := affects("Debian:12", "bash", "6"), affects("Debian:12", "curl", "9")
	withdrawn := advisory("B", noon.Add(time.Hour), bash)
	withdrawn.Withdrawn = noon
	reworded := advisory("A", noon.Add(time.Hour), bash)
	reworded.Details = "other words"
	for _, test := range []struct {
		name    string
		full    bool
		records []seaworthy.Advisory
		changed int
		bash    []string // advisories of bash afterwards; there were A and B
		curl    []string // there were none
		due     int      // packages of bash and curl that became due
		feed    seaworthy.Feed
	}{
		{name: "same", full: true, records: []seaworthy.Advisory{advisory("B", noon, bash), advisory("A", noon, bash)},
			bash: []string{"A", "B"}, feed: seaworthy.Feed{Records: 2}},
		{name: "nothing", bash: []string{"A", "B"}, feed: seaworthy.Feed{Records: 2}},
		{name: "nothing in full", full: true, changed: 2, due: 1},
		{name: "one removed", full: true, records: []seaworthy.Advisory{advisory("A", noon, bash)},
			changed: 1, bash: []string{"A"}, due: 1, feed: seaworthy.Feed{Records: 1}},
		{name: "one new", records: []seaworthy.Advisory{advisory("C", noon, curl)},
			changed: 1, bash: []string{"A", "B"}, curl: []string{"C"}, due: 1, feed: seaworthy.Feed{Records: 3}},
		{name: "words alone", records: []seaworthy.Advisory{reworded},
			changed: 1, bash: []string{"A", "B"}, feed: seaworthy.Feed{Records: 2, Newest: noon.Add(time.Hour)}},
		{name: "from bash to curl", records: []seaworthy.Advisory{advisory("A", noon, curl)},
			changed: 1, bash: []string{"B"}, curl: []string{"A"}, due: 2, feed: seaworthy.Feed{Records: 2}},
		{name: "withdrawn", records: []seaworthy.Advisory{withdrawn},
			changed: 1, bash: []string{"A"}, due: 1, feed: seaworthy.Feed{Records: 1, Withdrawn: 1, Newest: noon.Add(time.Hour)}},
		{name: "twice", records: []seaworthy.Advisory{advisory("C", noon, bash), advisory("C", noon, curl)},
			changed: 2, bash: []string{"A", "B"}, curl: []string{"C"}, due: 2, feed: seaworthy.Feed{Records: 3}},
		{name: "other release", records: []seaworthy.Advisory{advisory("C", noon, affects("Debian:11", "curl", "1"))},
			changed: 1, bash: []string{"A", "B"}, feed: seaworthy.Feed{Records: 3}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				replace(t, s, true, advisory("A", noon, bash), advisory("B", noon, bash))
				put := putImage(t, s, "a", debian("bash", "5"), debian("curl", "8"))
				putFindings(t, s, match(t, s, unmatched(t, s, put.PackageIDs)))

				if n := replace(t, s, test.full, test.records...); n != test.changed {
					t.Errorf("%d changed, want %d", n, test.changed)
				}
				if diff := cmp.Diff(test.bash, candidates(t, s, "Debian:12", "bash")); diff != "" {
					t.Errorf("advisories of bash (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(test.curl, candidates(t, s, "Debian:12", "curl")); diff != "" {
					t.Errorf("advisories of curl (-want +got):\n%s", diff)
				}
				due := unmatched(t, s, put.PackageIDs)
				if len(due) != test.due {
					t.Errorf("due are %v, want %d", due, test.due)
				}
				putFindings(t, s, match(t, s, due))
				sorted := cmpopts.SortSlices(func(a, b string) bool { return a < b })
				if diff := cmp.Diff(append(test.bash, test.curl...), found(t, s, put.PackageIDs), sorted, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("findings after matching (-want +got):\n%s", diff)
				}
				checkFeed(t, s, test.feed, len(test.records) > 0 || !test.full)
			})
		})
	}
}

func checkFeed(t *testing.T, s *store.Store, want seaworthy.Feed, anyURL bool) {
	t.Helper()
	want.Source, want.Ecosystem, want.URL = debianFeed.Source, debianFeed.Ecosystem, debianFeed.URL
	want.Skipped, want.Updated = debianFeed.Skipped, debianFeed.Updated
	if want.Newest.IsZero() && anyURL {
		want.Newest = noon
	}
	got, err := s.Feed(t.Context(), "osv", "Debian")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("feed (-want +got):\n%s", diff)
	}
	all, err := s.Feeds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]seaworthy.Feed{want}, all); diff != "" {
		t.Errorf("feeds (-want +got):\n%s", diff)
	}
	if none, err := s.Feed(t.Context(), "osv", "npm"); err != nil || none != (seaworthy.Feed{}) {
		t.Errorf("a feed never updated is %v, %v", none, err)
	}
}

// A withdrawn advisory is no finding any more at once, and not again.
func TestWithdrawnFindings(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		bash := affects("Debian:12", "bash", "6")
		replace(t, s, true, advisory("A", noon, bash), advisory("B", noon, bash))
		put := putImage(t, s, "a", debian("bash", "5"))
		matched := match(t, s, unmatched(t, s, put.PackageIDs))
		putFindings(t, s, matched)

		b := advisory("B", noon, bash)
		b.Withdrawn = noon
		replace(t, s, false, b)
		if diff := cmp.Diff([]string{"A"}, found(t, s, put.PackageIDs)); diff != "" {
			t.Errorf("findings (-want +got):\n%s", diff)
		}
		details, err := s.Details(t.Context(), "osv", "B")
		if err != nil || !details.Withdrawn.Equal(noon) || len(details.Affected) != 0 {
			t.Errorf("details are %+v, %v; want them withdrawn and affecting nothing", details, err)
		}
		matched[0].Wanted++ // a matcher that read the old candidates just before
		putFindings(t, s, matched)
		if diff := cmp.Diff([]string{"A"}, found(t, s, put.PackageIDs)); diff != "" {
			t.Errorf("findings of a late matcher (-want +got):\n%s", diff)
		}
	})
}

// An advisory that changes between Unmatched and PutFindings leaves the package
// due, and an outcome older than the stored one is dropped.
func TestMatchRace(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		bash := affects("Debian:12", "bash", "6")
		replace(t, s, true, advisory("A", noon, bash))
		put := putImage(t, s, "a", debian("bash", "5"))
		old := match(t, s, unmatched(t, s, put.PackageIDs))

		replace(t, s, false, advisory("B", noon, bash))
		putFindings(t, s, old)
		due := unmatched(t, s, put.PackageIDs)
		if len(due) != 1 {
			t.Fatalf("due are %v, want the package still", due)
		}
		putFindings(t, s, match(t, s, due))
		putFindings(t, s, old)
		if diff := cmp.Diff([]string{"A", "B"}, found(t, s, put.PackageIDs)); diff != "" {
			t.Errorf("findings (-want +got):\n%s", diff)
		}
		if due := unmatched(t, s, put.PackageIDs); len(due) != 0 {
			t.Errorf("due are %v, want none", due)
		}
	})
}

// An update that ends early leaves the old set whole.
func TestReplaceInterrupted(t *testing.T) {
	t.Parallel()
	bash := affects("Debian:12", "bash", "6")
	many := func(ctx context.Context, end func() error) iter.Seq2[seaworthy.Advisory, error] {
		return func(yield func(seaworthy.Advisory, error) bool) {
			for i := range 1200 { // more than two batches
				if !yield(advisory(fmt.Sprint(i), noon, bash), nil) {
					return
				}
			}
			if err := end(); err != nil {
				yield(seaworthy.Advisory{}, err)
			}
		}
	}
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		replace(t, s, true, advisory("A", noon, bash))
		before, err := s.Feed(t.Context(), "osv", "Debian")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for _, test := range []struct {
			name    string
			records iter.Seq2[seaworthy.Advisory, error]
			want    error
		}{
			{"error", many(ctx, func() error { return errFeed }), errFeed},
			{"cancel", many(ctx, func() error { cancel(); return nil }), context.Canceled},
		} {
			f := debianFeed
			f.Updated = noon.Add(time.Hour)
			if n, err := s.Replace(ctx, f, true, test.records); !errors.Is(err, test.want) || n != 0 {
				t.Errorf("%s: replace gives %d, %v; want %v", test.name, n, err, test.want)
			}
			if diff := cmp.Diff([]string{"A"}, candidates(t, s, "Debian:12", "bash")); diff != "" {
				t.Errorf("%s: advisories (-want +got):\n%s", test.name, diff)
			}
			after, err := s.Feed(t.Context(), "osv", "Debian")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("%s: feed (-want +got):\n%s", test.name, diff)
			}
		}
	})
}

// A transaction that fails in its midst changes nothing either.
func TestReplaceFailsInTransaction(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, c store.Config) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		armed, batches := false, 0
		c.Trace = func(text string) {
			if armed && len(text) > 0 && text[0] == '\n' {
				if batches++; batches == 5 { // in the second batch
					cancel()
				}
			}
		}
		s := storetest.Open(t, c)
		bash := affects("Debian:12", "bash", "6")
		replace(t, s, true, advisory("A", noon, bash))
		armed = true
		_, err := s.Replace(ctx, debianFeed, true, func(yield func(seaworthy.Advisory, error) bool) {
			for i := range 1200 {
				if !yield(advisory(fmt.Sprint(i), noon, bash), nil) {
					return
				}
			}
		})
		if !errors.Is(err, context.Canceled) || batches < 5 {
			t.Fatalf("replace gives %v after %d statements, want it cancelled", err, batches)
		}
		if diff := cmp.Diff([]string{"A"}, candidates(t, s, "Debian:12", "bash")); diff != "" {
			t.Errorf("advisories (-want +got):\n%s", diff)
		}
	})
}

func TestReplaceManyBatches(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var all []seaworthy.Advisory
		for i := range 1300 {
			all = append(all, advisory(fmt.Sprintf("%04d", i), noon, affects("Debian:12", "bash", fmt.Sprint(i)), affects("Debian:12", "curl", "1")))
		}
		if n := replace(t, s, true, all...); n != len(all) {
			t.Errorf("%d changed, want %d", n, len(all))
		}
		if n := replace(t, s, true, all[:600]...); n != 700 {
			t.Errorf("%d changed, want 700 removed", n)
		}
		if got := candidates(t, s, "Debian:12", "curl"); len(got) != 600 || got[599] != "0599" {
			t.Errorf("%d advisories of curl, want 600", len(got))
		}
	})
}

func TestCandidatesAndDetails(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		long := affects("npm", "left-pad", "2")
		for i := range 3000 {
			long.Versions = append(long.Versions, fmt.Sprintf("1.0.%d", i))
		}
		long.Ranges = append(long.Ranges, seaworthy.Range{Type: "ODD", Events: []seaworthy.Event{{Introduced: "1", LastAffected: "2", Limit: "3"}, {}}})
		bare := seaworthy.Affected{Ecosystem: "npm", Name: "left-pad"}
		a := advisory("A", noon, long, bare)
		a.Summary = "nul \x00 and <html>"
		replace(t, s, true, a, advisory("B", noon, long))
		f := debianFeed
		f.Ecosystem = "PyPI"
		other := advisory("A", noon.Add(-time.Hour), affects("PyPI", "left-pad", "2"))
		if _, err := s.Replace(t.Context(), f, true, records(other)); err != nil {
			t.Fatal(err)
		}
		key := store.AdvisoryKey{Ecosystem: "npm", Name: "left-pad"}
		got, err := s.Candidates(t.Context(), []store.AdvisoryKey{key, {Ecosystem: "npm", Name: "none"}})
		if err != nil {
			t.Fatal(err)
		}
		want := map[store.AdvisoryKey][]store.Candidate{key: {
			{Key: "A", Source: "osv", Affected: long}, {Key: "A", Source: "osv", Affected: bare}, {Key: "B", Source: "osv", Affected: long},
		}}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(store.Candidate{}, "AdvisoryID")); diff != "" {
			t.Errorf("candidates (-want +got):\n%s", diff)
		}
		details, err := s.Details(t.Context(), "osv", "A")
		if err != nil {
			t.Fatal(err)
		}
		a.Affected = append(a.Affected, other.Affected...)
		if diff := cmp.Diff(a, details); diff != "" {
			t.Errorf("details (-want +got):\n%s", diff)
		}
		_, err = s.Details(t.Context(), "osv", "C")
		isErr(t, err, seaworthy.CodeNotFound, `"C"`)
	})
}

func TestKEV(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := seaworthy.Feed{Source: "kev", URL: "https://example.org", Updated: noon}
		entry := seaworthy.KEV{Added: noon, Due: noon, Ransomware: true, Name: "n\x00", Action: "patch"}
		if err := s.ReplaceKEV(t.Context(), f, map[string]seaworthy.KEV{"CVE-2020-1": {}}); err != nil {
			t.Fatal(err)
		}
		entries := map[string]seaworthy.KEV{"CVE-2021-1": entry, "CVE-2021-2": entry}
		if err := s.ReplaceKEV(t.Context(), f, entries); err != nil {
			t.Fatal(err)
		}
		got, err := s.KEV(t.Context(), []string{"CVE-2021-1", "CVE-2020-1", "CVE-1"})
		if err != nil {
			t.Fatal(err)
		}
		entry.Name = "n\ufffd"
		if diff := cmp.Diff(map[string]seaworthy.KEV{"CVE-2021-1": entry}, got); diff != "" {
			t.Errorf("entries (-want +got):\n%s", diff)
		}
		f.Records = 2
		if got, err := s.Feed(t.Context(), "kev", ""); err != nil || got != f {
			t.Errorf("feed is %v, %v; want %v", got, err, f)
		}
	})
}

func TestEPSS(t *testing.T) {
	t.Parallel()
	rows := func(rows ...feeds.EPSSRow) iter.Seq2[feeds.EPSSRow, error] {
		return func(yield func(feeds.EPSSRow, error) bool) {
			for _, r := range rows {
				if r.CVE == "" {
					yield(r, errFeed)
					return
				}
				if !yield(r, nil) {
					return
				}
			}
		}
	}
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := seaworthy.Feed{Source: "epss", Newest: noon, Updated: noon}
		err := s.ReplaceEPSS(t.Context(), f, rows(feeds.EPSSRow{CVE: "CVE-2020-0001", Score: 1, Percentile: 1}))
		if err != nil {
			t.Fatal(err)
		}
		err = s.ReplaceEPSS(t.Context(), f, rows(
			feeds.EPSSRow{CVE: "CVE-2024-0999", Score: 0.97565, Percentile: 0.99999},
			feeds.EPSSRow{CVE: "CVE-2024-1000", Score: 0.00043, Percentile: 0.123456789},
			feeds.EPSSRow{CVE: "CVE-2024-0001", Score: 0, Percentile: 1},
			feeds.EPSSRow{CVE: "CVE-2024-1234567", Score: 0.5, Percentile: 0.5},
			feeds.EPSSRow{CVE: "no CVE", Score: 1, Percentile: 1},
		))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.ReplaceEPSS(t.Context(), f, rows(feeds.EPSSRow{CVE: "CVE-2024-0001", Score: 1}, feeds.EPSSRow{})); !errors.Is(err, errFeed) {
			t.Errorf("a broken feed gives %v", err)
		}
		got, err := s.EPSS(t.Context(), []string{"CVE-2024-0999", "CVE-2024-1000", "CVE-2024-0001", "CVE-2024-1234567",
			"CVE-2020-0001", "CVE-2024-0002", "CVE-2024-9999", "GHSA-1", "CVE-", ""})
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]seaworthy.EPSS{
			"CVE-2024-0999":    {Score: 0.97565, Percentile: 0.99999, Date: noon},
			"CVE-2024-1000":    {Score: 0.00043, Percentile: 0.123456789, Date: noon},
			"CVE-2024-0001":    {Score: 0, Percentile: 1, Date: noon},
			"CVE-2024-1234567": {Score: 0.5, Percentile: 0.5, Date: noon},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("probabilities (-want +got):\n%s", diff)
		}
		if got, err := s.Feed(t.Context(), "epss", ""); err != nil || got.Records != 4 {
			t.Errorf("feed is %v, %v; want 4 records", got, err)
		}
	})
}
