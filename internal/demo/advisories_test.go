package demo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/advisory"
	"github.com/seaworthy-dev/seaworthy/internal/demo"
	"github.com/seaworthy-dev/seaworthy/internal/image"
	"github.com/seaworthy-dev/seaworthy/internal/layer"
	"github.com/seaworthy-dev/seaworthy/internal/layer/extractor"
	"github.com/seaworthy-dev/seaworthy/internal/match"
	"github.com/seaworthy-dev/seaworthy/internal/oci"
	"github.com/seaworthy-dev/seaworthy/internal/version"
)

// raw is an OSV record as an independent reader sees it. All fields that the
// samples use are named: another one is one that nobody has thought of.
type raw struct {
	SchemaVersion string        `json:"schema_version"`
	ID            string        `json:"id"`
	Modified      time.Time     `json:"modified"`
	Published     time.Time     `json:"published"`
	Aliases       []string      `json:"aliases"`
	Upstream      []string      `json:"upstream"`
	Related       []string      `json:"related"`
	Summary       string        `json:"summary"`
	Severity      []rawSeverity `json:"severity"`
	Affected      []rawAffected `json:"affected"`

	References       json.RawMessage `json:"references"`
	DatabaseSpecific json.RawMessage `json:"database_specific"`
}

type rawSeverity struct {
	Type  string `json:"type"`
	Score string `json:"score"`
}

type rawAffected struct {
	Package struct {
		Ecosystem string `json:"ecosystem"`
		Name      string `json:"name"`
	} `json:"package"`
	Ranges            []rawRange      `json:"ranges"`
	Versions          []string        `json:"versions"`
	EcosystemSpecific json.RawMessage `json:"ecosystem_specific"`
}

type rawRange struct {
	Type   string `json:"type"`
	Events []struct {
		Introduced   string `json:"introduced"`
		Fixed        string `json:"fixed"`
		LastAffected string `json:"last_affected"`
		Limit        string `json:"limit"`
	} `json:"events"`
}

// sampleRecords reads the sample advisories, raw and decoded, by their ids.
func sampleRecords(t *testing.T) (map[string]raw, map[string]seaworthy.Advisory) {
	t.Helper()
	paths, err := demo.WriteAdvisories(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	plain, decoded := map[string]raw{}, map[string]seaworthy.Advisory{}
	decoder := advisory.Decoder{Limits: seaworthy.DefaultLimits(), Canonical: version.CanonicalName}
	err = fs.WalkDir(os.DirFS(paths[0]), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(paths[0], path))
		if err != nil {
			return err
		}
		var r raw
		strict := json.NewDecoder(bytes.NewReader(b))
		strict.DisallowUnknownFields()
		if err := strict.Decode(&r); err != nil {
			t.Errorf("%s: %v", path, err)
			return nil
		}
		a, err := decoder.Decode(b)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return nil
		}
		if d.Name() != strings.ReplaceAll(r.ID, ":", "-")+".json" {
			t.Errorf("%s holds %s", path, r.ID)
		}
		plain[r.ID], decoded[r.ID] = r, a
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(plain) < 50 {
		t.Fatalf("there are %d sample advisories", len(plain))
	}
	return plain, decoded
}

// Nothing that a record says of versions, severities and other ids is lost.
func TestSampleAdvisoriesDecodeWithoutLoss(t *testing.T) {
	t.Parallel()
	plain, decoded := sampleRecords(t)
	for id, r := range plain {
		a := decoded[id]
		if a.ID != r.ID || a.Summary != r.Summary || !a.Modified.Equal(r.Modified) || !a.Published.Equal(r.Published) || !a.Withdrawn.IsZero() {
			t.Errorf("%s: decoded as %s, %q, modified %s, published %s, withdrawn %s", id, a.ID, a.Summary, a.Modified, a.Published, a.Withdrawn)
		}
		for name, lists := range map[string][2][]string{
			"aliases": {r.Aliases, a.Aliases}, "upstream": {r.Upstream, a.Upstream}, "related": {r.Related, a.Related},
		} {
			for _, list := range lists {
				slices.Sort(list)
			}
			if d := cmp.Diff(slices.Compact(lists[0]), slices.Compact(lists[1])); d != "" {
				t.Errorf("%s: %s (-record +decoded):\n%s", id, name, d)
			}
		}
		var vectors, rated []string
		for _, s := range r.Severity {
			vectors = append(vectors, s.Type+" "+s.Score)
		}
		for _, rating := range a.Ratings {
			if rating.Type != "word" {
				rated = append(rated, rating.Type+" "+rating.Value)
			}
		}
		if d := cmp.Diff(vectors, rated); d != "" {
			t.Errorf("%s: vectors (-record +decoded):\n%s", id, d)
		}
		if d := cmp.Diff(saysRaw(r), says(a)); d != "" {
			t.Errorf("%s: affected (-record +decoded):\n%s", id, d)
		}
	}
}

// saysRaw and says list what is affected, an event a line. Names are folded and
// releases canonical in what is decoded, so that a record's are, too.
func saysRaw(r raw) []string {
	var list []string
	for _, e := range r.Affected {
		ecosystem := seaworthy.CanonicalEcosystem(e.Package.Ecosystem)
		of := string(ecosystem) + " " + version.CanonicalName(ecosystem, e.Package.Name) + " "
		for _, v := range e.Versions {
			list = append(list, of+"version "+v)
		}
		for _, x := range e.Ranges {
			for _, ev := range x.Events {
				list = append(list, strings.Join([]string{of + x.Type, ev.Introduced, ev.Fixed, ev.LastAffected, ev.Limit}, "|"))
			}
		}
	}
	slices.Sort(list)
	return list
}

func says(a seaworthy.Advisory) []string {
	var list []string
	for _, e := range a.Affected {
		of := string(e.Ecosystem) + " " + e.Name + " "
		for _, v := range e.Versions {
			list = append(list, of+"version "+v)
		}
		for _, x := range e.Ranges {
			for _, ev := range x.Events {
				list = append(list, strings.Join([]string{of + string(x.Type), ev.Introduced, ev.Fixed, ev.LastAffected, ev.Limit}, "|"))
			}
		}
	}
	slices.Sort(list)
	return list
}

func TestSampleAdvisoryIDs(t *testing.T) {
	t.Parallel()
	plain, _ := sampleRecords(t)
	forms := []*regexp.Regexp{
		regexp.MustCompile(`^(DEBIAN-|ALPINE-|CURL-|)CVE-(19|20)\d\d-\d{4,7}$`),
		regexp.MustCompile(`^GHSA(-[23456789cfghjmpqrvwx]{4}){3}$`),
		regexp.MustCompile(`^GO-20\d\d-\d{4}$`),
		regexp.MustCompile(`^ALSA-20\d\d:\d{4,}$`),
		regexp.MustCompile(`^BIT-[a-z-]+-20\d\d-\d{4,7}$`),
		regexp.MustCompile(`^CGA(-[23456789cfghjmpqrvwx]{4}){3}$`),
	}
	sane := func(id string) bool {
		return slices.ContainsFunc(forms, func(f *regexp.Regexp) bool { return f.MatchString(id) })
	}
	for id, r := range plain {
		for _, other := range slices.Concat([]string{id}, r.Aliases, r.Upstream, r.Related) {
			if !sane(other) {
				t.Errorf("%s names %q, which is no id", id, other)
			}
		}
		if r.Summary == "" {
			t.Errorf("%s says nothing", id)
		}
		if len(r.Affected) == 0 {
			t.Errorf("%s speaks of no package", id)
		}
	}
}

// Each sample advisory concerns a package of a sample: one that is affected, or
// one that is fixed in another version. Most must find something.
func TestEachSampleAdvisoryConcernsASample(t *testing.T) {
	t.Parallel()
	_, decoded := sampleRecords(t)
	packages := samplePackages(t)
	byKey := map[match.Key][]seaworthy.Package{}
	for p := range packages {
		for _, key := range match.Keys(p) {
			byKey[key] = append(byKey[key], p)
		}
	}
	findings := 0
	for id, a := range decoded {
		concerned, found := 0, 0
		for _, e := range a.Affected {
			for _, p := range byKey[match.Key{Ecosystem: e.Ecosystem, Name: e.Name}] {
				concerned++
				found += len(match.Match(p, []match.Candidate{{Advisory: id, Source: "osv", Affected: e}}))
			}
		}
		if concerned == 0 {
			t.Errorf("%s concerns no package of any sample", id)
		}
		if found > 0 {
			findings++
		}
	}
	if findings*2 < len(decoded) || findings == len(decoded) {
		t.Errorf("%d of %d sample advisories find something, want most, and some that are fixed in all samples", findings, len(decoded))
	}
	t.Logf("%d of %d sample advisories find something in %d packages", findings, len(decoded), len(packages))
}

// samplePackages are those of all samples and platforms.
func samplePackages(t *testing.T) map[seaworthy.Package]bool {
	t.Helper()
	samples, err := demo.Samples()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "layout")
	if err := demo.Write(dir, samples); err != nil {
		t.Fatal(err)
	}
	limits := seaworthy.DefaultLimits()
	analyser := layer.Analyser{Extractors: extractor.All(limits), Limits: limits}
	packages := map[seaworthy.Package]bool{}
	for _, s := range samples {
		source, err := oci.Open("oci:"+dir+":"+s.Name, oci.Options{})
		if err != nil {
			t.Fatal(err)
		}
		before := len(packages)
		for _, p := range packagesOf(t, source, &analyser) {
			if p.OwnedBy == "" {
				packages[p.Package] = true
			}
		}
		if err := source.Close(); err != nil {
			t.Error(err)
		}
		if len(packages) == before && s.Name != "debian-old" { // the same image as debian-12.4
			t.Errorf("%s adds no package", s.Name)
		}
	}
	return packages
}

// packagesOf analyses all images of a source.
func packagesOf(t *testing.T, source oci.Source, analyser *layer.Analyser) []seaworthy.Placed {
	t.Helper()
	root, err := source.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	descriptors, err := oci.Select(t.Context(), source, root, oci.Wish{All: true}, analyser.Limits)
	if err != nil {
		t.Fatal(err)
	}
	var packages []seaworthy.Placed
	for _, d := range descriptors {
		loaded, err := oci.Load(t.Context(), source, d, analyser.Limits)
		if err != nil {
			t.Fatal(err)
		}
		var layers []*seaworthy.Contents
		for _, l := range loaded.Layers {
			contents, err := analyser.Analyse(t.Context(), layer.Blob{
				Digest: l.Digest, MediaType: l.MediaType, Size: l.Size,
				Open: func(ctx context.Context) (io.ReadCloser, error) {
					return source.Blob(ctx, oci.Descriptor{MediaType: l.MediaType, Digest: l.Digest, Size: l.Size})
				},
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
			layers = append(layers, contents)
		}
		inventory := image.Merge(layers)
		if len(inventory.Gaps) > 0 {
			t.Errorf("%s has gaps: %v", source.Reference(), inventory.Gaps)
		}
		packages = append(packages, inventory.Packages...)
	}
	return packages
}

// Each entry of the sample of CISA's catalogue is of a CVE that a sample advisory
// is about.
func TestSampleKEV(t *testing.T) {
	t.Parallel()
	paths, err := demo.WriteAdvisories(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(paths[1])
	if err != nil {
		t.Fatal(err)
	}
	var catalogue struct {
		Count           int `json:"count"`
		Vulnerabilities []struct {
			CVE       string `json:"cveID"`
			DateAdded string `json:"dateAdded"`
		} `json:"vulnerabilities"`
	}
	if err := json.Unmarshal(b, &catalogue); err != nil {
		t.Fatal(err)
	}
	if catalogue.Count != len(catalogue.Vulnerabilities) || catalogue.Count == 0 {
		t.Errorf("the catalogue says %d entries and has %d", catalogue.Count, len(catalogue.Vulnerabilities))
	}
	_, decoded := sampleRecords(t)
	for _, entry := range catalogue.Vulnerabilities {
		about := false
		for id, a := range decoded {
			about = about || strings.HasSuffix(id, entry.CVE) || slices.Contains(a.Aliases, entry.CVE) ||
				slices.Contains(a.Upstream, entry.CVE) || slices.Contains(a.Related, entry.CVE)
		}
		if !about {
			t.Errorf("no sample advisory is about %s", entry.CVE)
		}
	}
}
