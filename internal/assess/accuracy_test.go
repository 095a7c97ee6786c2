package assess_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/advisory"
	"github.com/seaworthy-dev/seaworthy/internal/match"
	"github.com/seaworthy-dev/seaworthy/internal/version"
)

// result is what a listing makes of one package and one problem.
type result string

const (
	affected  result = "affected"
	hidden    result = "hidden" // affected, but of a class that is counted and not shown
	undecided result = "undecided"
	silent    result = "" // nothing is said
)

// judged is the result with the version to go to.
type judged struct {
	Result result
	Fixed  string
}

// verdict is one row: a package as it lies in an image, a problem by the id it
// is shown under, and what must be said. The reasons were checked by hand,
// Debian's against the changelogs of the packages of these very versions.
type verdict struct {
	pkg  seaworthy.Package
	id   string
	want result
	fix  string // "" when there is none
	why  string
}

// TestAccuracy runs the rows through all that stands between a decoded record
// and a listing. The records in testdata are real, with what is not a fact that
// matching needs left out: texts, other releases, most lists of versions.
func TestAccuracy(t *testing.T) {
	t.Parallel()
	known := readRecords(t)
	for _, row := range slices.Concat(debianRows(), otherDistributionRows(), languageRows()) {
		t.Run(string(row.pkg.Ecosystem)+"/"+row.pkg.Name+"@"+row.pkg.Version+"/"+row.id, func(t *testing.T) {
			t.Parallel()
			got := known.judge(row.pkg, row.id)
			if diff := cmp.Diff(judged{row.want, row.fix}, got); diff != "" {
				t.Errorf("%s\n(-want +got):\n%s", row.why, diff)
			}
			if row.want == silent && !known.speakOf(row.id) {
				t.Errorf("no record speaks of %s: the row shows nothing", row.id)
			}
		})
	}
}

// TestAccuracyAtTheFix moves each package that an advisory has a fix for to that
// fix: nothing may be left of the problem, and one step before it is there.
func TestAccuracyAtTheFix(t *testing.T) {
	t.Parallel()
	known := readRecords(t)
	checked := 0
	for _, row := range slices.Concat(debianRows(), otherDistributionRows(), languageRows()) {
		if row.fix == "" {
			continue
		}
		checked++
		p := row.pkg
		p.Version = row.fix
		if p.SourceVersion != "" {
			p.SourceVersion = row.fix
		}
		if got := known.judge(p, row.id); got != (judged{}) {
			t.Errorf("%s %s still has %s at the version that fixes it: %+v", p.Name, p.Version, row.id, got)
		}
	}
	if checked < 20 {
		t.Errorf("only %d rows have a fix", checked)
	}
}

// records are advisories as the store gives them out.
type records struct {
	candidates map[match.Key][]match.Candidate
	headers    map[string]match.Header
	names      map[string]bool // every id that a record goes by
}

const accuracySource = "osv"

func readRecords(t *testing.T) records {
	t.Helper()
	r := records{candidates: map[match.Key][]match.Candidate{}, headers: map[string]match.Header{}, names: map[string]bool{}}
	files, err := filepath.Glob(filepath.Join("testdata", "accuracy", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no records: %v", err)
	}
	decoder := advisory.Decoder{Limits: seaworthy.DefaultLimits(), Canonical: version.CanonicalName}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var raw []json.RawMessage
		if err := json.Unmarshal(b, &raw); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, record := range raw {
			a, err := decoder.Decode(record)
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			r.add(a)
		}
	}
	return r
}

func (r records) add(a seaworthy.Advisory) {
	r.headers[accuracySource+"/"+a.ID] = match.HeaderOf(a, accuracySource)
	for _, ids := range [][]string{{a.ID}, a.Aliases, a.Upstream, a.Related} {
		for _, id := range ids {
			r.names[id] = true
		}
	}
	for _, entry := range a.Affected {
		key := match.Key{Ecosystem: entry.Ecosystem, Name: entry.Name}
		r.candidates[key] = append(r.candidates[key], match.Candidate{Advisory: a.ID, Source: accuracySource, Affected: entry})
	}
}

func (r records) speakOf(id string) bool { return r.names[id] }

func (r records) judge(p seaworthy.Package, id string) judged {
	var candidates []match.Candidate
	for _, key := range match.Keys(p) {
		candidates = append(candidates, r.candidates[key]...)
	}
	for _, v := range match.Vulnerabilities(p, match.Match(p, candidates), r.headers, nil, nil) {
		switch {
		case v.ID != id:
			continue
		case v.Undecided:
			return judged{undecided, v.Fixed}
		case v.Class != "":
			return judged{hidden, v.Fixed}
		}
		return judged{affected, v.Fixed}
	}
	return judged{}
}
