package sbom

import (
	"bytes"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seaworthy-dev/seaworthy"
)

// decode reads what f writes with a reader that knows nothing of the library.
func decode[T any](t *testing.T, write func(*bytes.Buffer) error) T {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	var v T
	if err := json.Unmarshal(b.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

type property struct{ Name, Value string }

func values(properties []property, name string) []string {
	var list []string
	for _, p := range properties {
		if p.Name == "seaworthy:"+name {
			list = append(list, p.Value)
		}
	}
	return list
}

type cdxComponent struct {
	Ref                              string `json:"bom-ref"`
	Type, Group, Name, Version, PURL string
	Hashes                           []struct{ Alg, Content string }
	Properties                       []property
	Evidence                         struct{ Occurrences []struct{ Location string } }
}

type cdxDocument struct {
	SpecVersion, SerialNumber string
	Metadata                  struct {
		Timestamp  string
		Component  *cdxComponent
		Properties []property
	}
	Components   []cdxComponent
	Dependencies []struct {
		Ref       string
		DependsOn []string
	}
	Compositions []struct {
		Aggregate  string
		Assemblies []string
	}
	Vulnerabilities []struct {
		Ref        string `json:"bom-ref"`
		ID         string
		References []struct{ ID string }
		Ratings    []struct {
			Source                   struct{ Name string }
			Score                    float64
			Severity, Method, Vector string
		}
		Analysis       any
		Recommendation string
		Affects        []struct {
			Ref      string
			Versions []struct{ Version, Status string }
		}
		Properties []property
	}
}

func cycloneDX(t *testing.T, as ...seaworthy.Assessment) cdxDocument {
	t.Helper()
	return decode[cdxDocument](t, func(b *bytes.Buffer) error { return CycloneDX(b, as, testTool) })
}

func TestCycloneDXContent(t *testing.T) {
	t.Parallel()
	a := sample("registry.example/shop/web:1.4")
	doc := cycloneDX(t, a)
	if doc.SpecVersion != "1.6" || doc.Metadata.Timestamp != "2026-03-05T05:07:08Z" {
		t.Errorf("specVersion %s, timestamp %s", doc.SpecVersion, doc.Metadata.Timestamp)
	}
	image := doc.Metadata.Component
	if image == nil || image.Type != "container" || image.Name != "registry.example/shop/web" ||
		len(image.Hashes) != 1 || image.Hashes[0].Content != a.Image.Digest.Hex() || !strings.HasPrefix(image.PURL, "pkg:oci/web@sha256:") {
		t.Errorf("the image is %+v", image)
	}
	if got := values(image.Properties, "gap"); len(got) != 2 || !strings.Contains(got[1], "app/broken.jar") {
		t.Errorf("gaps %q", got)
	}
	if doc.Compositions[0].Aggregate != "incomplete" || doc.Compositions[0].Assemblies[0] != image.Ref {
		t.Errorf("compositions %+v", doc.Compositions)
	}
	byName := make(map[string]cdxComponent)
	for _, c := range doc.Components {
		byName[strings.TrimPrefix(c.Group+"/"+c.Name, "/")] = c
	}
	if len(doc.Components) != 7 { // six packages and the operating system
		t.Errorf("%d components", len(doc.Components))
	}
	lodash := byName["lodash"]
	want := []property{
		{"seaworthy:ecosystem", "npm"},
		{"seaworthy:layer:digest", string(a.Image.Layers[1].Digest)},
		{"seaworthy:layer:index", "1"},
		{"seaworthy:layer:instruction", "RUN npm ci && pip install requests"},
		{"seaworthy:layer:path", "app/node_modules/lodash/package.json"},
	}
	if diff := cmp.Diff(want, lodash.Properties); diff != "" {
		t.Errorf("lodash (-want +got):\n%s", diff)
	}
	if n := len(lodash.Evidence.Occurrences); n != 2 {
		t.Errorf("lodash occurs %d times", n)
	}
	if got := values(byName["requests"].Properties, "ownedBy"); !slices.Equal(got, []string{"openssl"}) {
		t.Errorf("requests is owned by %q", got)
	}
	if byName["@babel/core"].Group != "@babel" || byName["org.example/odd"].Group != "org.example" {
		t.Errorf("groups: %v", byName)
	}
	if got := values(byName["libssl3"].Properties, "source:name"); !slices.Equal(got, []string{"openssl"}) {
		t.Errorf("libssl3 has the source %q", got)
	}
	holds := make(map[string][]string)
	for _, d := range doc.Dependencies {
		holds[d.Ref] = d.DependsOn
	}
	if got, want := holds[image.Ref], []string{byName["debian"].Ref, byName["org.example/odd"].Ref, byName["@babel/core"].Ref, lodash.Ref}; !slices.Equal(got, want) {
		t.Errorf("the image holds %q, want %q", got, want)
	}
	if got, want := holds[byName["debian"].Ref], []string{byName["libssl3"].Ref, byName["openssl"].Ref}; !slices.Equal(got, want) {
		t.Errorf("the operating system holds %q, want %q", got, want)
	}
	if got, want := holds[byName["openssl"].Ref], []string{byName["requests"].Ref}; !slices.Equal(got, want) {
		t.Errorf("openssl holds %q, want %q", got, want)
	}
}

func TestCycloneDXVulnerabilities(t *testing.T) {
	t.Parallel()
	doc := cycloneDX(t, sample("registry.example/shop/web:1.4"))
	if len(doc.Vulnerabilities) != 3 {
		t.Fatalf("%d vulnerabilities, want one for each id", len(doc.Vulnerabilities))
	}
	v := doc.Vulnerabilities[1]
	if v.ID != "CVE-2024-5535" || len(v.Affects) != 2 || v.Analysis != nil {
		t.Fatalf("got %+v", v)
	}
	if got := v.Affects[0].Versions; len(got) != 2 || got[0].Status != "affected" || got[1].Version != "3.0.15-1~deb12u1" || got[1].Status != "unaffected" {
		t.Errorf("versions %+v", got)
	}
	if r := v.Ratings[0]; len(v.Ratings) != 2 || r.Source.Name != "NVD" || r.Score != 9.1 || r.Severity != "critical" || r.Method != "CVSSv31" {
		t.Errorf("ratings %+v", v.Ratings)
	}
	if want := "Upgrade openssl to 3.0.15-1~deb12u1.\nUpgrade libssl3 to 3.0.15-1~deb12u1."; v.Recommendation != want {
		t.Errorf("recommendation %q", v.Recommendation)
	}
	if got := values(v.Properties, "epss:score"); !slices.Equal(got, []string{"0.0421"}) {
		t.Errorf("EPSS %q", got)
	}
	if got := values(v.Properties, "kev:due"); !slices.Equal(got, []string{"2026-03-25"}) {
		t.Errorf("KEV %q", got)
	}
	odd := doc.Vulnerabilities[2]
	if odd.ID != "GHSA-aaaa-bbbb-cccc" || odd.Ratings[0].Severity != "unknown" || odd.Recommendation != "" || len(odd.Affects[0].Versions) != 0 {
		t.Errorf("a vulnerability of unknown severity in a package of unknown version: %+v", odd)
	}
}

func TestCycloneDXReferencesResolve(t *testing.T) {
	t.Parallel()
	for name, as := range inputs() {
		doc := cycloneDX(t, as...)
		known := make(map[string]bool)
		define := func(ref string) {
			if ref == "" || known[ref] {
				t.Errorf("%s: the bom-ref %q is empty or twice there", name, ref)
			}
			known[ref] = true
		}
		if doc.Metadata.Component != nil {
			define(doc.Metadata.Component.Ref)
		}
		for _, c := range doc.Components {
			define(c.Ref)
		}
		for _, v := range doc.Vulnerabilities {
			define(v.Ref)
			for _, a := range v.Affects {
				if !known[a.Ref] {
					t.Errorf("%s: %q affects %q, which is not there", name, v.ID, a.Ref)
				}
			}
		}
		from := make(map[string]bool)
		for _, d := range doc.Dependencies {
			if from[d.Ref] {
				t.Errorf("%s: the dependencies of %q are twice there", name, d.Ref)
			}
			from[d.Ref] = true
			for _, ref := range append(d.DependsOn, d.Ref) {
				if !known[ref] {
					t.Errorf("%s: a dependency on %q, which is not there", name, ref)
				}
			}
		}
	}
}

func TestSeveralReferencesOfOneImage(t *testing.T) {
	t.Parallel()
	doc := cycloneDX(t, inputs()["one by two names"]...)
	if doc.Metadata.Component == nil {
		t.Fatal("two references of one image are not one image")
	}
	want := []string{"registry.example/shop/web:1.4", "registry.example/shop/web:latest"}
	if diff := cmp.Diff(want, values(doc.Metadata.Component.Properties, "reference")); diff != "" {
		t.Errorf("references (-want +got):\n%s", diff)
	}
	several := cycloneDX(t, inputs()["several"]...)
	containers := 0
	for _, c := range several.Components {
		if c.Type == "container" {
			containers++
		}
	}
	if several.Metadata.Component != nil || containers != 2 {
		t.Errorf("two images: %d containers, subject %+v", containers, several.Metadata.Component)
	}
}

func TestDocumentsDifferInName(t *testing.T) {
	t.Parallel()
	one := sample("registry.example/shop/web:1.4")
	later := one
	later.Assessed = later.Assessed.AddDate(0, 0, 1)
	if a, b := cycloneDX(t, one).SerialNumber, cycloneDX(t, later).SerialNumber; a == b {
		t.Errorf("two assessments of one image have the serial number %s", a)
	}
}

type spdxDocument struct {
	SPDXID, SPDXVersion, Name, DocumentNamespace string
	CreationInfo                                 struct{ Created string }
	Packages                                     []struct {
		SPDXID, Name, VersionInfo, LicenseDeclared, SourceInfo, Comment string
		FilesAnalyzed                                                   *bool
		Checksums                                                       []struct{ Algorithm, ChecksumValue string }
		ExternalRefs                                                    []struct{ ReferenceCategory, ReferenceType, ReferenceLocator, Comment string }
	}
	Relationships []struct{ SPDXElementID, RelationshipType, RelatedSPDXElement string }
}

func TestSPDXContent(t *testing.T) {
	t.Parallel()
	for name, as := range inputs() {
		doc := decode[spdxDocument](t, func(b *bytes.Buffer) error { return SPDX(b, as, testTool) })
		if u, err := url.Parse(doc.DocumentNamespace); err != nil || !u.IsAbs() || u.Fragment != "" {
			t.Errorf("%s: namespace %s: %v", name, doc.DocumentNamespace, err)
		}
		known := map[string]bool{"SPDXRef-DOCUMENT": true}
		for _, p := range doc.Packages {
			if known[p.SPDXID] || strings.Trim(p.SPDXID, "-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
				t.Errorf("%s: the identifier %q is invalid or twice there", name, p.SPDXID)
			}
			known[p.SPDXID] = true
			if p.FilesAnalyzed == nil || *p.FilesAnalyzed || p.LicenseDeclared != "NOASSERTION" || p.Name == "" {
				t.Errorf("%s: package %+v", name, p)
			}
			for _, r := range p.ExternalRefs {
				if r.ReferenceLocator == "" || strings.ContainsAny(r.ReferenceLocator, " \n\t") {
					t.Errorf("%s: locator %q", name, r.ReferenceLocator)
				}
			}
		}
		described := 0
		for _, r := range doc.Relationships {
			if !known[r.SPDXElementID] || !known[r.RelatedSPDXElement] {
				t.Errorf("%s: relationship %+v of what is not there", name, r)
			}
			if r.RelationshipType == "DESCRIBES" {
				described++
			}
		}
		if want := len(subjects(as)); described != want {
			t.Errorf("%s: %d images are described, want %d", name, described, want)
		}
	}

	a := sample("registry.example/shop/web:1.4")
	doc := decode[spdxDocument](t, func(b *bytes.Buffer) error { return SPDX(b, []seaworthy.Assessment{a}, testTool) })
	image, libssl := doc.Packages[0], doc.Packages[2]
	if len(image.Checksums) != 1 || image.Checksums[0].Algorithm != "SHA256" || image.Checksums[0].ChecksumValue != a.Image.Digest.Hex() {
		t.Errorf("checksums %+v", image.Checksums)
	}
	if !strings.Contains(image.Comment, "Not seen: file, layer 1, app/broken.jar") {
		t.Errorf("comment %q", image.Comment)
	}
	if libssl.Name != "libssl3" || len(libssl.ExternalRefs) != 2 ||
		libssl.ExternalRefs[0].ReferenceLocator != "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12" ||
		libssl.ExternalRefs[1].ReferenceLocator != "https://nvd.nist.gov/vuln/detail/CVE-2024-5535" ||
		libssl.ExternalRefs[1].Comment != "critical (NVD). Upgrade libssl3 to 3.0.15-1~deb12u1." {
		t.Errorf("libssl3 is %+v", libssl)
	}
	if want := "Found in var/lib/dpkg/status of layer 0 " + string(a.Image.Layers[0].Digest) +
		", made by ADD rootfs.tar / # buildkit\nBuilt from source package openssl 3.0.11-1~deb12u2"; libssl.SourceInfo != want {
		t.Errorf("sourceInfo %q", libssl.SourceInfo)
	}
}

type sarifDocument struct {
	Version string
	Runs    []struct {
		Tool struct {
			Driver struct {
				Name, Version string
				Rules         []struct {
					ID, HelpURI string
					Help        struct{ Text, Markdown string }
					Properties  map[string]any
				}
			}
		}
		AutomationDetails struct{ ID string }
		LogicalLocations  []struct {
			FullyQualifiedName, Name, Kind string
			Index, ParentIndex             int
		}
		Invocations []struct {
			ExecutionSuccessful        bool
			ToolExecutionNotifications []struct{ Message struct{ Text string } }
		}
		Results []struct {
			RuleID, Level       string
			RuleIndex           int
			Message             struct{ Text, Markdown string }
			PartialFingerprints map[string]string
			Locations           []struct {
				PhysicalLocation struct {
					ArtifactLocation struct{ URI, URIBaseID string }
					Region           struct{ StartLine int }
				}
				LogicalLocations []struct{ Index int }
			}
			Properties map[string]any
		}
	}
}

func sarifLog(t *testing.T, as ...seaworthy.Assessment) sarifDocument {
	t.Helper()
	return decode[sarifDocument](t, func(b *bytes.Buffer) error { return SARIF(b, as, testTool) })
}

func TestSARIFContent(t *testing.T) {
	t.Parallel()
	a := sample("registry.example/shop/web:1.4")
	doc := sarifLog(t, a)
	if doc.Version != "2.1.0" || len(doc.Runs) != 1 {
		t.Fatalf("version %s, %d runs", doc.Version, len(doc.Runs))
	}
	r := doc.Runs[0]
	rules := r.Tool.Driver.Rules
	if len(rules) != 3 || len(r.Results) != 4 {
		t.Fatalf("%d rules, %d results", len(rules), len(r.Results))
	}
	if p := rules[1].Properties; rules[1].ID != "CVE-2024-5535" || p["security-severity"] != "9.1" || p["fixed"] != "3.0.15-1~deb12u1" ||
		p["epss"].(map[string]any)["score"] != 0.0421 || p["kev"].(map[string]any)["added"] != "2026-03-04" {
		t.Errorf("rule %+v", rules[1])
	}
	if _, has := rules[2].Properties["security-severity"]; has {
		t.Error("an unknown severity has a score")
	}
	if !strings.Contains(rules[1].Help.Markdown, "| `libssl3` | `3.0.11-1~deb12u2` | `3.0.15-1~deb12u1` |") {
		t.Errorf("help %s", rules[1].Help.Markdown)
	}
	levels := []string{"error", "error", "error", "warning"}
	for i, result := range r.Results {
		if result.Level != levels[i] || rules[result.RuleIndex].ID != result.RuleID {
			t.Errorf("result %d: level %s, rule %s is number %d", i, result.Level, result.RuleID, result.RuleIndex)
		}
	}
	libssl := r.Results[1]
	if want := "libssl3 3.0.11-1~deb12u2 is affected by CVE-2024-5535 (critical by NVD). Upgrade libssl3 to 3.0.15-1~deb12u1."; libssl.Message.Text != want {
		t.Errorf("message %q", libssl.Message.Text)
	}
	place := libssl.Locations[0].PhysicalLocation
	if place.ArtifactLocation.URI != "var/lib/dpkg/status" || place.ArtifactLocation.URIBaseID != "IMAGE" || place.Region.StartLine != 1 {
		t.Errorf("location %+v", place)
	}
	var path []string
	for i := libssl.Locations[0].LogicalLocations[0].Index; i >= 0; i = r.LogicalLocations[i].ParentIndex {
		path = append(path, r.LogicalLocations[i].Kind+" "+r.LogicalLocations[i].Name)
	}
	if want := []string{"package libssl3", "layer " + string(a.Image.Layers[0].Digest), "container image registry.example/shop/web:1.4"}; !slices.Equal(path, want) {
		t.Errorf("logical location %q", path)
	}
	if got := r.Invocations[0].ToolExecutionNotifications; len(got) != 2 || !strings.Contains(got[0].Message.Text, "not to be fetched") {
		t.Errorf("notifications %+v", got)
	}
	if got := r.Results[3]; !strings.Contains(got.Message.Text, "of unknown version may be affected by") {
		t.Errorf("message %q", got.Message.Text)
	}
}

// A new tag, a new build and a newer, still vulnerable version are no new
// alert; another package and another vulnerability are.
func TestSARIFFingerprints(t *testing.T) {
	t.Parallel()
	before := sample("registry.example/shop/web:1.4")
	after := sample("registry.example/shop/web:1.5")
	after.Image.Digest = sampleDigest("rebuilt")
	after.Image.Layers[1].Digest = sampleDigest("rebuilt layer")
	after.Vulnerabilities[2].Package.Version = "4.17.16"
	old, renewed := sarifLog(t, before).Runs[0], sarifLog(t, after).Runs[0]
	if old.AutomationDetails.ID != "seaworthy/registry.example/shop/web/linux/amd64/" || renewed.AutomationDetails.ID != old.AutomationDetails.ID {
		t.Errorf("automation details %s and %s", old.AutomationDetails.ID, renewed.AutomationDetails.ID)
	}
	seen := make(map[string]bool)
	for i := range old.Results {
		fingerprint := old.Results[i].PartialFingerprints["seaworthy/v1"]
		if fingerprint != renewed.Results[i].PartialFingerprints["seaworthy/v1"] {
			t.Errorf("the fingerprint of %s moved with the tag", old.Results[i].RuleID)
		}
		if seen[fingerprint] {
			t.Errorf("the fingerprint %s is twice there", fingerprint)
		}
		seen[fingerprint] = true
	}
}

func TestSARIFTwoVersionsOfOnePackage(t *testing.T) {
	t.Parallel()
	a := sample("registry.example/shop/web:1.4")
	second := a.Vulnerabilities[2]
	second.Package.Version = "4.17.20"
	a.Vulnerabilities = append(a.Vulnerabilities, second)
	results := sarifLog(t, a).Runs[0].Results
	if results[0].PartialFingerprints["seaworthy/v1"] == results[1].PartialFingerprints["seaworthy/v1"] {
		t.Error("two versions of lodash have one fingerprint")
	}
}

func TestSARIFHostile(t *testing.T) {
	t.Parallel()
	r := sarifLog(t, hostile()).Runs[0]
	ids := make(map[string]bool)
	spans := regexp.MustCompile("`[^`\n]*`|\\\\`")
	for _, rule := range r.Tool.Driver.Rules {
		if ids[rule.ID] {
			t.Errorf("the rule %.40q is twice there", rule.ID)
		}
		ids[rule.ID] = true
		if prose := spans.ReplaceAllString(rule.Help.Markdown, ""); strings.ContainsAny(prose, "<`") || strings.Contains(prose, "](") && !strings.Contains(prose, `\](`) {
			t.Errorf("markup in the help of %.40q:\n%s", rule.ID, prose)
		}
	}
	for _, result := range r.Results {
		for _, l := range result.Locations {
			uri := l.PhysicalLocation.ArtifactLocation.URI
			if u, err := url.Parse(uri); err != nil || u.IsAbs() || u.Host != "" || strings.HasPrefix(uri, "/") {
				t.Errorf("the location %.80q is no relative reference: %v", uri, err)
			}
		}
		if got := r.Tool.Driver.Rules[result.RuleIndex].ID; got != result.RuleID {
			t.Errorf("a result of %.40q names the rule %.40q", result.RuleID, got)
		}
	}
}

func TestMarkdownIsText(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{
		{"<script>alert(1)</script>", `&lt;script&gt;alert(1)&lt;/script&gt;`},
		{"[x](javascript:alert(1))", `\[x\](javascript:alert(1))`},
		{"![x](https://evil.example/)", `\!\[x\](https:\//evil.example/)`},
		{"*a* _b_ `c` # d | e", "\\*a\\* \\_b\\_ \\`c\\` \\# d \\| e"},
		{"a\nb\x1b[31m\u202ec", "a b\ufffd\\[31m\ufffdc"},
		{"&lt;", "&amp;lt;"},
	}
	for _, test := range tests {
		if got := markdown(test.in); got != test.want {
			t.Errorf("markdown(%q) = %q, want %q", test.in, got, test.want)
		}
	}
	if got := code("a`b\nc|<x>"); got != "`a'b c|<x>`" {
		t.Errorf("code span %q", got)
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	if got := cut("ééééé", 8); got != "éé…" {
		t.Errorf("got %q", got)
	}
	if got := cut("short", 5); got != "short" {
		t.Errorf("got %q", got)
	}
}
