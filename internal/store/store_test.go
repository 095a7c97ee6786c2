package store_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/store"
	"github.com/seaworthy-dev/seaworthy/internal/store/storetest"
)

const analyser = 1

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func digestOf(format string, args ...any) seaworthy.Digest {
	return seaworthy.DigestOf(fmt.Appendf(nil, format, args...))
}

func contents() *seaworthy.Contents {
	c := &seaworthy.Contents{
		Records: []seaworthy.Record{
			{Path: "etc/os-release", Format: seaworthy.RecordOSRelease, OSRelease: map[string]string{"ID": "debian"}},
			{Path: "var/lib/dpkg/status", Format: seaworthy.RecordDpkg, Packages: []seaworthy.Package{debian("bash", "5.2")}},
		},
		Links: []seaworthy.Link{{Path: "a", Target: "b", Formats: []seaworthy.Format{seaworthy.RecordGo}}},
		Gaps:  []seaworthy.Gap{{Kind: seaworthy.GapFile, Path: "x.jar", Reason: "it is truncated"}},
		Size:  100, Unpacked: 200,
	}
	c.Entries.Add(seaworthy.Entry{Kind: seaworthy.EntryDir, Path: "etc"})
	c.Entries.Add(seaworthy.Entry{Kind: seaworthy.EntrySymlink, Path: "etc/mtab", Target: "/proc/mounts"})
	return c
}

func diffContents(want, got *seaworthy.Contents) string {
	entries := cmp.Transformer("entries", func(e seaworthy.Entries) string { return string(e.Packed()) })
	return cmp.Diff(want, got, entries, cmpopts.EquateEmpty())
}

func debian(name, version string) seaworthy.Package {
	return seaworthy.Package{
		Ecosystem: "Debian:12", Name: name, Version: version, Arch: "amd64", Source: name, SourceVersion: version,
	}
}

func image(name string, layers ...string) seaworthy.Image {
	i := seaworthy.Image{
		Digest: digestOf("%s", name), MediaType: "application/vnd.oci.image.manifest.v1+json",
		Platform: seaworthy.Platform{OS: "linux", Architecture: "amd64"}, Created: noon,
		Labels: map[string]string{"odd": "a\x00b \\u0000 \\"},
	}
	for n, l := range layers {
		i.Layers = append(i.Layers, seaworthy.Layer{Digest: digestOf("layer %s", l), Size: int64(n), Instruction: "RUN " + l})
	}
	return i
}

func inventory(packages ...seaworthy.Package) seaworthy.Inventory {
	inv := seaworthy.Inventory{
		Distribution: seaworthy.Distribution{ID: "debian", VersionID: "12", Name: "Debian 12", Ecosystem: "Debian:12"},
		Gaps:         []seaworthy.Gap{{Kind: seaworthy.GapFile, Layer: -1, Path: "p", Reason: "r"}},
	}
	for n, p := range packages {
		inv.Packages = append(inv.Packages, seaworthy.Placed{Package: p, Locations: []seaworthy.Location{{Layer: n, Path: "var/lib/dpkg/status"}}})
	}
	return inv
}

func advisory(id string, modified time.Time, affected ...seaworthy.Affected) seaworthy.Advisory {
	return seaworthy.Advisory{
		ID: id, Aliases: []string{"CVE-" + id}, Summary: "summary of " + id, Details: "details of " + id,
		Published: noon, Modified: modified, References: []string{"https://example.org/" + id}, Affected: affected,
	}
}

func affects(ecosystem, name, fixed string) seaworthy.Affected {
	return seaworthy.Affected{
		Ecosystem: seaworthy.Ecosystem(ecosystem), Name: name,
		Ranges:  []seaworthy.Range{{Type: seaworthy.RangeEcosystem, Events: []seaworthy.Event{{Introduced: "0"}, {Fixed: fixed}}}},
		Ratings: []seaworthy.Rating{{Source: "Debian", Type: "word", Value: "low"}},
		Urgency: "low", Binaries: []string{"lib" + name}, Versions: []string{"1.0", "1.0.1", "1.1"},
	}
}

func records(advisories ...seaworthy.Advisory) iter.Seq2[seaworthy.Advisory, error] {
	return func(yield func(seaworthy.Advisory, error) bool) {
		for _, a := range advisories {
			if !yield(a, nil) {
				return
			}
		}
	}
}

var debianFeed = seaworthy.Feed{Source: "osv", Ecosystem: "Debian", URL: "https://example.org/osv", Skipped: 3, Updated: noon}

func replace(t *testing.T, s *store.Store, full bool, advisories ...seaworthy.Advisory) int {
	t.Helper()
	changed, err := s.Replace(t.Context(), debianFeed, full, records(advisories...))
	if err != nil {
		t.Fatalf("replace: %v", err)
	}
	return changed
}

// rows is what Candidates gives, by advisory.
func candidates(t *testing.T, s *store.Store, ecosystem, name string) []string {
	t.Helper()
	key := store.AdvisoryKey{Ecosystem: seaworthy.Ecosystem(ecosystem), Name: name}
	found, err := s.Candidates(t.Context(), []store.AdvisoryKey{key})
	if err != nil {
		t.Fatalf("candidates: %v", err)
	}
	var keys []string
	for _, c := range found[key] {
		keys = append(keys, c.Key)
	}
	return keys
}

func putImage(t *testing.T, s *store.Store, name string, packages ...seaworthy.Package) store.StoredImage {
	t.Helper()
	put, err := s.PutImage(t.Context(), image(name, "base", name), inventory(packages...), digestOf("%v", packages), analyser, noon)
	if err != nil {
		t.Fatalf("put image: %v", err)
	}
	return put
}

func unmatched(t *testing.T, s *store.Store, ids []int64) []store.PackageRow {
	t.Helper()
	due, err := s.Unmatched(t.Context(), ids)
	if err != nil {
		t.Fatalf("unmatched: %v", err)
	}
	return due
}

// match does what the matcher does, calling every candidate vulnerable.
func match(t *testing.T, s *store.Store, due []store.PackageRow) []store.MatchedPackage {
	t.Helper()
	var matched []store.MatchedPackage
	for _, row := range due {
		key := store.AdvisoryKey{Ecosystem: row.Package.Ecosystem, Name: row.Package.Source}
		found, err := s.Candidates(t.Context(), []store.AdvisoryKey{key})
		if err != nil {
			t.Fatalf("candidates: %v", err)
		}
		m := store.MatchedPackage{PackageID: row.ID, Wanted: row.Wanted}
		for _, c := range found[key] {
			m.Findings = append(m.Findings, store.FindingRow{AdvisoryID: c.AdvisoryID, Finding: seaworthy.Finding{
				Advisory: c.Key, Source: c.Source, Verdict: seaworthy.Vulnerable, Fixed: "2.0", Urgency: c.Affected.Urgency,
				Ratings: c.Affected.Ratings,
			}})
		}
		matched = append(matched, m)
	}
	return matched
}

func putFindings(t *testing.T, s *store.Store, matched []store.MatchedPackage) {
	t.Helper()
	if err := s.PutFindings(t.Context(), matched); err != nil {
		t.Fatalf("put findings: %v", err)
	}
}

// found lists the advisories of the packages' findings.
func found(t *testing.T, s *store.Store, ids []int64) []string {
	t.Helper()
	findings, err := s.Findings(t.Context(), ids)
	if err != nil {
		t.Fatalf("findings: %v", err)
	}
	var keys []string
	for _, id := range ids {
		for _, f := range findings[id] {
			keys = append(keys, f.Advisory)
		}
	}
	return keys
}

func TestContents(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a, b := digestOf("a"), digestOf("b")
		for range 2 { // again changes nothing
			if err := s.PutContents(t.Context(), a, analyser, contents()); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.Contents(t.Context(), []seaworthy.Digest{a, b, a}, analyser)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 1 || got[a] == nil {
			t.Fatalf("contents of %v, want of %s alone", got, a)
		}
		if diff := diffContents(contents(), got[a]); diff != "" {
			t.Errorf("contents (-want +got):\n%s", diff)
		}
		for version, want := range map[int]map[seaworthy.Digest]bool{analyser: {a: true}, analyser + 1: {}} {
			have, err := s.HaveContents(t.Context(), []seaworthy.Digest{a, b}, version)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, have); diff != "" {
				t.Errorf("analyser %d has (-want +got):\n%s", version, diff)
			}
		}
	})
}

func TestImage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		bash, odd := debian("bash", "5.2"), debian("o\x00dd\xff", "1")
		img, inv := image("app", "base", "app", "base"), inventory(bash, odd)
		inv.Packages[1].OwnedBy = "bash"
		inv.Packages[0].Locations = append(inv.Packages[0].Locations, seaworthy.Location{Layer: 7, Path: "p"})
		var first store.StoredImage
		for i := range 2 {
			put, err := s.PutImage(t.Context(), img, inv, digestOf("set"), analyser, noon)
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				first = put
			} else if diff := cmp.Diff(first, put); diff != "" {
				t.Errorf("put again (-want +got):\n%s", diff)
			}
		}
		got, err := s.Images(t.Context(), []seaworthy.Digest{img.Digest, digestOf("other")}, analyser)
		if err != nil {
			t.Fatal(err)
		}
		want := first // with U+FFFD for what no database can hold
		want.Image.Labels = map[string]string{"odd": "a\ufffdb \\u0000 \\"}
		want.Inventory.Packages[1].Name, want.Inventory.Packages[1].Source = "o\ufffddd\ufffd", "o\ufffddd\ufffd"
		if diff := cmp.Diff(map[seaworthy.Digest]store.StoredImage{img.Digest: want}, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("images (-want +got):\n%s", diff)
		}
		if other, err := s.Images(t.Context(), []seaworthy.Digest{img.Digest}, analyser+1); err != nil || len(other) != 0 {
			t.Errorf("images of the next analyser: %v, %v; want none", other, err)
		}
	})
}

func TestImagesShareInventoryAndPackages(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := putImage(t, s, "a", debian("bash", "5.2"), debian("curl", "8"))
		b := putImage(t, s, "b", debian("bash", "5.2"), debian("curl", "8"))
		c := putImage(t, s, "c", debian("curl", "8"), debian("dash", "1"))
		if a.InventoryID != b.InventoryID || a.InventoryID == c.InventoryID {
			t.Errorf("inventories are %d, %d and %d; want the first two the same", a.InventoryID, b.InventoryID, c.InventoryID)
		}
		if diff := cmp.Diff(a.PackageIDs, b.PackageIDs); diff != "" || a.PackageIDs[1] != c.PackageIDs[0] {
			t.Errorf("packages are %v, %v and %v; want equal packages to be one row", a.PackageIDs, b.PackageIDs, c.PackageIDs)
		}
		families, err := s.Families(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"Debian"}, families); diff != "" {
			t.Errorf("families (-want +got):\n%s", diff)
		}
	})
}

func TestFamilies(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		if families, err := s.Families(t.Context()); err != nil || len(families) != 0 {
			t.Fatalf("families of nothing: %v, %v", families, err)
		}
		putImage(t, s, "a", debian("bash", "1"), seaworthy.Package{Ecosystem: "npm", Name: "x"},
			seaworthy.Package{Ecosystem: "Debian:11", Name: "x"}, seaworthy.Package{Ecosystem: seaworthy.FormatRPM, Name: "x"})
		families, err := s.Families(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"Debian", "npm"}, families); diff != "" {
			t.Errorf("families (-want +got):\n%s", diff)
		}
	})
}

func TestPutImageStatements(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, c store.Config) {
		var statements []string
		c.Trace = func(text string) { statements = append(statements, text) }
		s := storetest.Open(t, c)
		count := func(name string, n int) int {
			var packages []seaworthy.Package
			for i := range n {
				packages = append(packages, debian(fmt.Sprintf("%s%d", name, i), "1"))
			}
			statements = nil
			putImage(t, s, name, packages...)
			return len(statements)
		}
		few, many := count("few", 1), count("many", 2000)
		if few != many || few > 10 {
			t.Errorf("%d statements for one package, %d for 2,000; want the same and at most 10:\n%s", few, many, strings.Join(statements, "\n"))
		}
	})
}

func TestFindings(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		if n := replace(t, s, true, advisory("B", noon, affects("Debian:12", "bash", "6")), advisory("A", noon, affects("Debian:12", "bash", "6"))); n != 2 {
			t.Fatalf("%d advisories changed, want 2", n)
		}
		put := putImage(t, s, "a", debian("bash", "5.2"), debian("curl", "8"))
		due := unmatched(t, s, put.PackageIDs)
		if len(due) != 2 || due[0].Package != debian("bash", "5.2") && due[1].Package != debian("bash", "5.2") {
			t.Fatalf("due are %v, want both packages", due)
		}
		matched := match(t, s, due)
		putFindings(t, s, matched)
		putFindings(t, s, matched)
		if due := unmatched(t, s, put.PackageIDs); len(due) != 0 {
			t.Errorf("due after matching are %v, want none", due)
		}
		got, err := s.Findings(t.Context(), put.PackageIDs)
		if err != nil {
			t.Fatal(err)
		}
		want := map[int64][]store.FindingRow{}
		for _, m := range matched {
			if len(m.Findings) > 0 {
				want[m.PackageID] = m.Findings
			}
		}
		byKey := cmpopts.SortSlices(func(a, b store.FindingRow) bool { return a.Advisory < b.Advisory })
		if diff := cmp.Diff(want, got, byKey); diff != "" || len(got[put.PackageIDs[0]]) != 2 {
			t.Errorf("findings (-want +got):\n%s", diff)
		}
		checkHeaders(t, s, got[put.PackageIDs[0]])
	})
}

func checkHeaders(t *testing.T, s *store.Store, findings []store.FindingRow) {
	t.Helper()
	var ids []int64
	for _, f := range findings {
		ids = append(ids, f.AdvisoryID)
	}
	headers, err := s.Headers(t.Context(), append(ids, 1<<40))
	if err != nil {
		t.Fatal(err)
	}
	if len(headers) != len(ids) {
		t.Errorf("%d headers, want %d", len(headers), len(ids))
	}
	for _, f := range findings {
		if !strings.Contains(string(headers[f.AdvisoryID]), "summary of "+f.Advisory) {
			t.Errorf("header of %s is %s", f.Advisory, headers[f.AdvisoryID])
		}
	}
}

var errFeed = errors.New("the feed broke")

func isErr(t *testing.T, err error, code seaworthy.Code, words ...string) {
	t.Helper()
	if seaworthy.CodeOf(err) != code {
		t.Errorf("error is %v of code %s, want code %s", err, seaworthy.CodeOf(err), code)
	}
	for _, w := range words {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("error is %v, want it to say %q", err, w)
		}
	}
}

func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
