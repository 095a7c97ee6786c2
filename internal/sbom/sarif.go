package sbom

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/seaworthy-dev/seaworthy"
)

// imageRoot is the uriBaseId of paths in an image. Its URI is left open, as
// SARIF allows: the file system exists in no one place.
const imageRoot = "IMAGE"

// maxLocations bounds the places that one result names.
const maxLocations = 100

// SARIF writes a log with one run for each assessment, SARIF 2.1.0
// (https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html).
//
// A rule is a vulnerability, a result is a vulnerability in a package. All of
// an assessment's vulnerabilities are written: who wants to leave out the hidden
// classes does so before. A result's partial fingerprints name the
// vulnerability and the package without version, layer and tag, so that a
// rebuilt image keeps its alerts, and automationDetails.id names the repository
// and the platform without the tag. Gaps are notifications of the run's
// invocation.
func SARIF(w io.Writer, as []seaworthy.Assessment, tool Tool) error {
	report := sarif.NewReport()
	report.Schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	for i := range as {
		report.AddRun(newRun(&as[i], tool))
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(report); err != nil {
		return fmt.Errorf("write SARIF: %w", err)
	}
	return nil
}

// run collects one run.
type run struct {
	*sarif.Run
	subject subject
	rules   map[string]int
	logical map[string]int // index in LogicalLocations by full name
	seen    map[string]int // results of one fingerprint
}

func newRun(a *seaworthy.Assessment, tool Tool) *sarif.Run {
	r := &run{
		Run:     sarif.NewRunWithInformationURI(tool.Name, home),
		subject: subjects([]seaworthy.Assessment{*a})[0],
		rules:   make(map[string]int),
		logical: make(map[string]int),
		seen:    make(map[string]int),
	}
	repository, _ := splitReference(a.Reference)
	r.Tool.Driver.Version = &tool.Version
	r.AutomationDetails = &sarif.RunAutomationDetails{
		ID: pointer("seaworthy/" + short(repository) + "/" + short(a.Image.Platform.String()) + "/"),
	}
	r.OriginalUriBaseIds = map[string]sarif.ArtifactLocation{imageRoot: {
		Index: -1, Description: text("The root of the file system of " + a.Reference),
	}}
	r.Properties = bag(map[string]any{
		"reference": a.Reference,
		"digest":    string(a.Image.Digest),
		"platform":  short(a.Image.Platform.String()),
	})
	r.AddInvocation(invocation(&r.subject))

	found := make([]*seaworthy.Vulnerability, 0, len(a.Vulnerabilities))
	for i := range a.Vulnerabilities {
		found = append(found, &a.Vulnerabilities[i])
	}
	slices.SortStableFunc(found, func(v, u *seaworthy.Vulnerability) int {
		return cmp.Or(strings.Compare(v.ID, u.ID), v.Package.Compare(u.Package))
	})
	r.addRules(found)
	for _, v := range found {
		r.AddResult(r.result(v))
	}
	return r.Run
}

// invocation says that the run ended well, and what it could not see.
func invocation(s *subject) *sarif.Invocation {
	in := sarif.NewInvocation()
	in.ExecutionSuccessful = pointer(true)
	if !s.Assessed.IsZero() {
		in.EndTimeUtc = pointer(stamp(s.Assessed))
	}
	for _, g := range s.Inventory.Gaps {
		n := sarif.NewNotification()
		n.Message = text("Not seen: " + gapText(g))
		n.Properties = bag(map[string]any{"kind": string(g.Kind), "layer": g.Layer})
		if g.Path != "" {
			n.Locations = []*sarif.Location{{
				ID: -1, PhysicalLocation: physical(g.Path),
				Annotations: []*sarif.Region{}, LogicalLocations: []*sarif.LogicalLocation{},
				Relationships: []*sarif.LocationRelationship{},
			}}
		}
		in.ToolExecutionNotifications = append(in.ToolExecutionNotifications, n)
	}
	return in
}

func (r *run) result(v *seaworthy.Vulnerability) *sarif.Result {
	out := sarif.NewResult()
	out.RuleIndex = r.rules[v.ID]
	out.RuleID = r.Tool.Driver.Rules[out.RuleIndex].ID
	out.Level = level(v.Severity)
	out.Message = r.message(v)
	out.Locations = r.locations(v)
	out.Properties = r.resultProperties(v)

	sum := r.fingerprint(v)
	out.PartialFingerprints = map[string]string{
		"seaworthy/v1": sum,
		// The name that GitHub looks for.
		"primaryLocationLineHash": sum + ":1",
	}
	return out
}

// fingerprint is the same for a vulnerability in a package whatever the tag,
// the release and the version. A second one in the same image, as of two
// versions of one npm package, is told apart by its number.
func (r *run) fingerprint(v *seaworthy.Vulnerability) string {
	key := hashed("seaworthy/v1", v.ID, v.Package.Ecosystem.Family(), v.Package.Name)
	n := r.seen[key]
	r.seen[key]++
	if n > 0 {
		key = hashed(key, strconv.Itoa(n))
	}
	return key
}

func (r *run) message(v *seaworthy.Vulnerability) *sarif.Message {
	verb := "is affected by"
	if v.Undecided {
		verb = "may be affected by"
	}
	p := v.Package
	plain := fmt.Sprintf("%s %s %s %s (%s).", message(p.Name), message(installed(p)), verb, message(v.ID), message(rated(v)))
	styled := fmt.Sprintf("%s %s %s %s (%s).", code(p.Name), code(p.Version), verb, code(v.ID), markdown(rated(v)))
	if a := advice(v); a != "" {
		plain += " " + message(a)
		styled += " " + markdown(a)
	}
	m := sarif.NewMessage()
	m.Text, m.Markdown = &plain, &styled
	return m
}

func rated(v *seaworthy.Vulnerability) string {
	if v.RatedBy == "" {
		return v.Severity.String()
	}
	return v.Severity.String() + " by " + short(v.RatedBy)
}

func (r *run) resultProperties(v *seaworthy.Vulnerability) *sarif.PropertyBag {
	p := v.Package
	values := map[string]any{
		"severity":  v.Severity.String(),
		"ecosystem": string(p.Ecosystem),
		"package":   p.Name,
		"installed": p.Version,
		"fixState":  string(v.FixState),
	}
	optional := map[string]string{
		"ratedBy": v.RatedBy, "fixed": v.Fixed, "class": string(v.Class), "source": p.Source, "arch": p.Arch,
	}
	if e := r.subject.byPackage[p]; e != nil {
		optional["purl"] = e.purl
		if len(e.Locations) > 0 {
			layer := r.subject.layer(e.Locations[0].Layer)
			values["layerIndex"] = e.Locations[0].Layer
			optional["layer"], optional["instruction"] = string(layer.Digest), short(layer.Instruction)
		}
	}
	for name, value := range optional {
		if value != "" {
			values[name] = value
		}
	}
	exploitation(values, v)
	return bag(values)
}

// exploitation adds what is known of attacks.
func exploitation(values map[string]any, v *seaworthy.Vulnerability) {
	if e := v.EPSS; e != nil && finite(e.Score) && finite(e.Percentile) {
		values["epss"] = map[string]any{
			"score": e.Score, "percentile": e.Percentile, "date": e.Date.UTC().Format("2006-01-02"),
		}
	}
	if k := v.KEV; k != nil {
		values["kev"] = map[string]any{
			"added": k.Added.UTC().Format("2006-01-02"), "ransomware": k.Ransomware,
		}
	}
}

// locations is each place of v's package: its file, and the package in its
// layer in the image.
func (r *run) locations(v *seaworthy.Vulnerability) []*sarif.Location {
	var places []seaworthy.Location
	purl := ""
	if e := r.subject.byPackage[v.Package]; e != nil {
		places, purl = e.Locations, e.purl
	}
	if len(places) == 0 {
		places = []seaworthy.Location{{Layer: -1}}
	}
	list := make([]*sarif.Location, 0, len(places))
	for _, place := range places[:min(len(places), maxLocations)] {
		l := sarif.NewLocation()
		l.PhysicalLocation = physical(place.Path)
		l.LogicalLocations = []*sarif.LogicalLocation{r.logicalLocation(v.Package, purl, place.Layer)}
		list = append(list, l)
	}
	return list
}

// physical is a file in the image. It names its first line, because consumers
// drop results without a region.
func physical(path string) *sarif.PhysicalLocation {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		// A colon in the first segment would make the rest of it a scheme.
		segments[i] = strings.ReplaceAll(url.PathEscape(s), ":", "%3A")
	}
	uri := cmp.Or(strings.TrimLeft(strings.Join(segments, "/"), "/"), ".")
	l := sarif.NewArtifactLocation()
	l.URI, l.URIBaseID = &uri, pointer(imageRoot)
	region := sarif.NewRegion()
	region.StartLine = pointer(1)
	return &sarif.PhysicalLocation{ArtifactLocation: l, Region: region}
}

// logicalLocation is a package in a layer in the image, by its index in the run.
func (r *run) logicalLocation(p seaworthy.Package, purl string, layer int) *sarif.LogicalLocation {
	full := clean(r.subject.Reference)
	parent := r.place(full, full, "container image", -1)
	if layer >= 0 {
		name := cmp.Or(string(r.subject.layer(layer).Digest), "layer "+strconv.Itoa(layer))
		full += "/layers/" + strconv.Itoa(layer)
		parent = r.place(full, name, "layer", parent)
	}
	full += "/" + cmp.Or(purl, clean(p.Name)+"@"+clean(p.Version))
	l := sarif.NewLogicalLocation()
	l.Index = r.place(full, clean(p.Name), "package", parent)
	l.FullyQualifiedName = &full
	return l
}

func (r *run) place(full, name, kind string, parent int) int {
	if i, ok := r.logical[full]; ok {
		return i
	}
	l := sarif.NewLogicalLocation()
	l.FullyQualifiedName, l.Name, l.Kind = &full, &name, &kind
	l.Index = len(r.LogicalLocations)
	l.ParentIndex = parent
	r.logical[full] = l.Index
	r.AddLogicalLocation(l)
	return l.Index
}

func pointer[T any](v T) *T { return &v }

func text(s string) *sarif.Message {
	m := sarif.NewMessage()
	m.Text = pointer(message(s))
	return m
}

// bag holds values, of which strings are cleaned.
func bag(values map[string]any) *sarif.PropertyBag {
	for name, value := range values {
		if s, ok := value.(string); ok {
			values[name] = clean(s)
		}
	}
	return &sarif.PropertyBag{Properties: values, Tags: []string{}}
}
