package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/sbom"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; -update accepts it):\n%s", path, diff)
	}
}

func rendered(t *testing.T, o renderOptions, as ...seaworthy.Assessment) string {
	t.Helper()
	var b bytes.Buffer
	if err := renderAssessments(&b, o, as); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func alphabetical(_ seaworthy.Ecosystem, a, b string) int { return strings.Compare(a, b) }

func TestTables(t *testing.T) {
	t.Parallel()
	clean := sampleAssessment()
	clean.Vulnerabilities, clean.Inventory.Gaps = nil, nil
	clean.Advisories = append(clean.Advisories, seaworthy.Feed{Source: "osv", Ecosystem: "PyPI", Records: 1})
	unfed := sampleAssessment()
	unfed.Vulnerabilities, unfed.Advisories, unfed.Inventory.Gaps = nil, nil, nil
	partly := clean
	partly.Advisories = clean.Advisories[:1]
	subscription := sampleAssessment()
	subscription.Vulnerabilities = subscription.Vulnerabilities[:1]
	subscription.Vulnerabilities[0].FixState = seaworthy.FixSubscription
	tests := []struct {
		name string
		o    renderOptions
		as   []seaworthy.Assessment
	}{
		{"vulnerability.txt", renderOptions{Compare: alphabetical}, []seaworthy.Assessment{sampleAssessment()}},
		{"package.txt", renderOptions{By: byPackage, Compare: alphabetical}, []seaworthy.Assessment{sampleAssessment()}},
		{"package-incomparable.txt", renderOptions{By: byPackage}, []seaworthy.Assessment{sampleAssessment()}},
		{"hidden.txt", renderOptions{ShowHidden: true, Limit: 5}, []seaworthy.Assessment{sampleAssessment()}},
		{"packages.txt", renderOptions{Packages: true}, []seaworthy.Assessment{clean}},
		{"narrow.txt", renderOptions{Width: 80, Compare: alphabetical}, []seaworthy.Assessment{sampleAssessment()}},
		{"colour.txt", renderOptions{Width: 120, Colour: true}, []seaworthy.Assessment{sampleAssessment()}},
		{"none-found.txt", renderOptions{}, []seaworthy.Assessment{clean}},
		{"no-advisories.txt", renderOptions{}, []seaworthy.Assessment{unfed}},
		{"some-advisories.txt", renderOptions{}, []seaworthy.Assessment{partly}},
		{"nothing-known.txt", renderOptions{}, []seaworthy.Assessment{{}}},
		{"subscription.txt", renderOptions{By: byPackage}, []seaworthy.Assessment{subscription}},
		{"two.txt", renderOptions{}, []seaworthy.Assessment{clean, unfed}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			golden(t, "table-"+test.name, rendered(t, test.o, test.as...))
		})
	}
}

// A count of nothing is a claim; what was not looked at is not nothing.
func TestUnknownIsNotZero(t *testing.T) {
	t.Parallel()
	a := sampleAssessment()
	a.Vulnerabilities = nil
	for _, a := range []seaworthy.Assessment{
		{}, a, {Inventory: a.Inventory}, {Inventory: a.Inventory, Advisories: []seaworthy.Feed{{Source: "osv", Ecosystem: "Debian"}}},
	} {
		text := rendered(t, renderOptions{}, a)
		if strings.Contains(text, "No vulnerabilities found.") || strings.Contains(text, "0 vulnerabilities") {
			t.Errorf("this says that there is none:\n%s", text)
		}
	}
	text := rendered(t, renderOptions{}, seaworthy.Assessment{Inventory: a.Inventory})
	if want := "no advisories for Debian yet: run seaworthy advisories update"; !strings.Contains(text, want) {
		t.Errorf("%q is missing in:\n%s", want, text)
	}
	a.Inventory.Gaps = []seaworthy.Gap{{Kind: seaworthy.GapAdvisories, Layer: -1, Reason: "no advisories for PyPI were imported"}}
	if text := rendered(t, renderOptions{}, a); strings.Count(text, "PyPI") != 2 { // in the packages' counts, and once as a gap
		t.Errorf("PyPI's gap is not said once:\n%s", text)
	}
}

func TestNarrowTablesFit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		a     seaworthy.Assessment
		width int
	}{{sampleAssessment(), 80}, {sampleAssessment(), 120}, {hostileAssessment(), 120}}
	for _, test := range tests {
		test.a.Reference = "short"
		for _, by := range []string{byVulnerability, byPackage} {
			for _, colour := range []bool{false, true} {
				o := renderOptions{Width: test.width, By: by, Packages: true, Colour: colour}
				for line := range strings.Lines(rendered(t, o, test.a)) {
					if w := visibleWidth(strings.TrimSuffix(line, "\n")); w > test.width {
						t.Errorf("%d of %d columns: %.150q", w, test.width, line)
					}
				}
			}
		}
	}
}

// assertInert fails if text could do more than be read.
func assertInert(t *testing.T, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Error("not UTF-8")
	}
	for i, r := range text {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Fatalf("%U at %d, in %q", r, i, text[max(0, i-30):min(len(text), i+30)])
		}
	}
}

func TestHostileTables(t *testing.T) {
	t.Parallel()
	for _, o := range []renderOptions{
		{}, {Packages: true, ShowHidden: true}, {By: byPackage, ShowHidden: true}, {Width: 80, ShowHidden: true, Packages: true}, {Width: 1, ShowHidden: true, Packages: true},
		{Width: 30, By: byPackage, Limit: 1},
	} {
		text := rendered(t, o, hostileAssessment())
		assertInert(t, text)
		if len(text) > 200_000 {
			t.Errorf("%d bytes", len(text))
		}
		for line := range strings.Lines(text) {
			if strings.HasPrefix(strings.TrimSpace(line), "click") || strings.HasPrefix(strings.TrimSpace(line), "31m") {
				t.Errorf("data made a line of its own: %q", line)
			}
		}
	}
	if err := renderAssessments(&bytes.Buffer{}, renderOptions{Format: attack}, nil); err == nil {
		t.Error("an unknown format is no error")
	} else {
		assertInert(t, err.Error())
	}
}

func TestColourIsOursAlone(t *testing.T) {
	t.Parallel()
	text := rendered(t, renderOptions{Width: 100, Colour: true, ShowHidden: true, Packages: true}, hostileAssessment())
	for _, colour := range []string{bold, dim, red, yellow, blue, magenta, boldRed, boldGreen, "0"} {
		text = strings.ReplaceAll(text, "\x1b["+colour+"m", "")
	}
	assertInert(t, text)
}

func TestClean(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{
		{"plain text 1.2-3~x", "plain text 1.2-3~x"},
		{" a\n\n\tb \r\n", "a b"},
		{"\x1b[31mred\x1b[0m", `\x1b[31mred\x1b[0m`},
		{"\u009b31m", `\u009b31m`},
		{"a\u202eb\u2066\u200b", `a\u202eb\u2066\u200b`},
		{"\x00\x7f\xff", `\x00\x7f\xff`},
		{"naïve 漢字 Ünïcode", "naïve 漢字 Ünïcode"},
		{"e\u0301", "e\u0301"},
		{"e" + strings.Repeat("\u0301", 50), "e\u0301\u0301\u0301"},
		{"\U000e0041", `\U000e0041`},
		{"\ufffd", "\ufffd"},
		{"", ""},
	}
	for _, test := range tests {
		if got := clean(test.in); got != test.want {
			t.Errorf("clean(%q) = %q, want %q", test.in, got, test.want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add(attack)
	f.Add("\u0301a\xc3\x28")
	f.Fuzz(func(t *testing.T, s string) {
		got := clean(s)
		assertInert(t, got)
		if strings.Contains(got, "\n") {
			t.Errorf("clean(%q) has lines", s)
		}
		if w := textWidth(fit(got, 12)); w > 12 {
			t.Errorf("fit(%q, 12) takes %d columns", got, w)
		}
	})
}

func TestFit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in    string
		width int
		want  string
	}{
		{"abcdef", 6, "abcdef"}, {"abcdef", 5, "abcd…"}, {"漢字漢字", 8, "漢字漢字"}, {"漢字漢字", 7, "漢字漢…"}, {"漢字漢字", 6, "漢字…"},
	}
	for _, test := range tests {
		if got := fit(test.in, test.width); got != test.want {
			t.Errorf("fit(%q, %d) = %q, want %q", test.in, test.width, got, test.want)
		}
	}
}

func TestFitMiddle(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in    string
		width int
		want  string
	}{
		{"3.7.9-2+deb12u1", 15, "3.7.9-2+deb12u1"}, {"3.7.9-2+deb12u1", 12, "3.7.9-2…12u1"}, {"3.7.9-2+deb12u13", 12, "3.7.9-2…2u13"},
		{"漢字漢字", 7, "漢字…字"}, {"漢字漢字", 6, "漢…字"}, {"abcdef", 3, "a…f"}, {"abcdef", 2, "a…"}, {"abcdef", 1, "…"},
	}
	for _, test := range tests {
		if got := fitMiddle(test.in, test.width); got != test.want {
			t.Errorf("fitMiddle(%q, %d) = %q, want %q", test.in, test.width, got, test.want)
		}
	}
}

// Two versions are shown to be told apart.
func TestNarrowTablesTellVersionsApart(t *testing.T) {
	t.Parallel()
	for _, by := range []string{byVulnerability, byPackage} {
		a := sampleAssessment()
		text := rendered(t, renderOptions{Width: 80, By: by, Compare: alphabetical}, a)
		for _, want := range []string{"3.0.11-…12u2  3.0.15-…12u1", "2.36-9+…12u4  2.36-9+…12u5"} {
			whole := strings.NewReplacer("3.0.11-…12u2", "3.0.11-1~deb12u2", "3.0.15-…12u1", "3.0.15-1~deb12u1",
				"2.36-9+…12u4", "2.36-9+deb12u4", "2.36-9+…12u5", "2.36-9+deb12u5").Replace(want)
			if squashed := strings.Join(strings.Fields(text), "  "); !strings.Contains(squashed, want) && !strings.Contains(squashed, whole) {
				t.Errorf("by %s, neither %q nor %q is in:\n%s", by, want, whole, text)
			}
		}
	}
}

func TestOwnedPackagesAreCounted(t *testing.T) {
	t.Parallel()
	a := sampleAssessment()
	for i := range a.Inventory.Packages {
		a.Inventory.Packages[i].OwnedBy = "an-owner"
	}
	text := rendered(t, renderOptions{Packages: true}, a)
	if !strings.Contains(text, "1 PyPI (all owned by the distribution's packages") || strings.Count(text, "owned by an-owner") != len(a.Inventory.Packages) {
		t.Errorf("packages are not said to be owned:\n%s", text)
	}
}

// An image of few layers has them all listed; of many, those of interest.
func TestLayersAreListedOrCounted(t *testing.T) {
	t.Parallel()
	for layers, want := range map[int]struct {
		listed string
		rows   int
	}{12: {"", 12}, 13: {"… and 11 layers that brought none of the above.", 2}} {
		a := sampleAssessment()
		for len(a.Image.Layers) < layers {
			a.Image.Layers = append(a.Image.Layers, seaworthy.Layer{Digest: base, Instruction: "ENV X=Y"})
		}
		_, text, _ := strings.Cut(rendered(t, renderOptions{}, a), "MADE BY\n")
		if rows := strings.Count(text, "  #"); rows != want.rows || !strings.Contains(text, want.listed) {
			t.Errorf("of %d layers %d are listed, want %d and %q:\n%s", layers, rows, want.rows, want.listed, text)
		}
	}
}

func TestBytesText(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		-1: "0 B", 0: "0 B", 999: "999 B", 1000: "1.0 kB", 29_150_000: "29.1 MB", 999_960: "1.0 MB", 1_500_000_000: "1.5 GB", 1 << 62: "4.6 EB",
	} {
		if got := bytesText(n); got != want {
			t.Errorf("bytesText(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	golden(t, "assessments.json", rendered(t, renderOptions{Format: formatJSON}, sampleAssessment(), seaworthy.Assessment{}))
	golden(t, "no-assessments.json", rendered(t, renderOptions{Format: formatJSON}))

	var doc struct {
		Assessments []struct {
			Reference       string
			Vulnerabilities []seaworthy.Vulnerability
			Summary         struct {
				Packages, Findings, Problems, Fixable, KnownExploited, Undecided, Gaps int
				Severities                                                             map[string]int
				Hidden                                                                 map[string]int
				Unmatched                                                              []string
			}
		}
	}
	if err := json.Unmarshal([]byte(rendered(t, renderOptions{Format: formatJSON}, sampleAssessment())), &doc); err != nil {
		t.Fatal(err)
	}
	got := doc.Assessments[0].Summary
	want := got
	want.Packages, want.Findings, want.Problems, want.Fixable, want.KnownExploited, want.Undecided, want.Gaps = 7, 23, 6, 4, 1, 1, 1
	want.Severities = map[string]int{"critical": 1, "high": 2, "medium": 1, "low": 1, "none": 0, "unknown": 1}
	want.Hidden = map[string]int{"kernel-headers": 14, "unimportant": 1}
	want.Unmatched = []string{"PyPI"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	if n := len(doc.Assessments[0].Vulnerabilities); n != 23 {
		t.Errorf("%d vulnerabilities, want all, the hidden ones too", n)
	}
	if !json.Valid([]byte(rendered(t, renderOptions{Format: formatJSON}, hostileAssessment()))) {
		t.Error("hostile strings make the document invalid")
	}
}

func TestOtherFormats(t *testing.T) {
	t.Parallel()
	tool := sbom.Tool{Name: "seaworthy", Version: "test"}
	for _, test := range []struct{ format, marker string }{
		{formatCycloneDX, `"specVersion": "1.6"`}, {formatSPDX, `"spdxVersion": "SPDX-2.3"`}, {formatSARIF, `"version": "2.1.0"`},
	} {
		text := rendered(t, renderOptions{Format: test.format, Tool: tool}, sampleAssessment())
		if !json.Valid([]byte(text)) || !strings.Contains(text, test.marker) {
			t.Errorf("%s gives %.200s", test.format, text)
		}
	}
	const noise = `"ruleId": "CVE-2010-4756"`
	if text := rendered(t, renderOptions{Format: formatSARIF}, sampleAssessment()); strings.Contains(text, noise) {
		t.Error("SARIF has what is hidden by default")
	}
	if text := rendered(t, renderOptions{Format: formatSARIF, ShowHidden: true}, sampleAssessment()); !strings.Contains(text, noise) {
		t.Error("SARIF leaves out what was asked for")
	}
}

func TestNoColourWithoutTerminal(t *testing.T) {
	t.Parallel()
	environment := func(string) (string, bool) { return "", false }
	if o := (renderOptions{}).forTerminal(&bytes.Buffer{}, environment); o.Colour || o.Width != 0 {
		t.Errorf("a buffer is a terminal: %+v", o)
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if o := (renderOptions{}).forTerminal(file, environment); o.Colour || o.Width != 0 {
		t.Errorf("a file is a terminal: %+v", o)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriteErrorsAreTold(t *testing.T) {
	t.Parallel()
	for _, format := range formats() {
		if err := renderAssessments(fullDisk{}, renderOptions{Format: format}, []seaworthy.Assessment{sampleAssessment()}); err == nil {
			t.Errorf("%s: a full disk is no error", format)
		}
	}
}

func TestWorstFirst(t *testing.T) {
	t.Parallel()
	p := debianPackage("x", "x", "1")
	a := seaworthy.Assessment{Vulnerabilities: []seaworthy.Vulnerability{
		{ID: "none", Package: p, Severity: seaworthy.SeverityNone},
		{ID: "unknown", Package: p},
		{ID: "high", Package: p, Severity: seaworthy.SeverityHigh},
		{ID: "high-likely", Package: p, Severity: seaworthy.SeverityHigh, EPSS: &seaworthy.EPSS{Score: 0.5}},
		{ID: "high-exploited", Package: p, Severity: seaworthy.SeverityHigh, KEV: &seaworthy.KEV{}},
		{ID: "low", Package: p, Severity: seaworthy.SeverityLow},
		{ID: "critical", Package: p, Severity: seaworthy.SeverityCritical},
	}}
	var got []string
	for _, p := range problemsOf(&a) {
		got = append(got, p.ID)
	}
	want := []string{"critical", "high-exploited", "high-likely", "high", "low", "unknown", "none"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}
