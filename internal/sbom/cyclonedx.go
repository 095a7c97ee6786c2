package sbom

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/seaworthy-dev/seaworthy"
)

// CycloneDX writes a BOM with vulnerabilities, CycloneDX 1.6 as JSON
// (https://cyclonedx.org/docs/1.6/json/).
//
// What the format has no field for is in properties: "seaworthy:reference",
// "seaworthy:gap", "seaworthy:layer:digest", ":index", ":instruction" and ":path"
// (where a package was found first; evidence.occurrences has all places),
// "seaworthy:source:name", ":version", "seaworthy:ecosystem", "seaworthy:module",
// "seaworthy:ownedBy", and of vulnerabilities "seaworthy:fixState", ":class",
// ":undecided", "seaworthy:epss:score", ":percentile", ":date",
// "seaworthy:kev:added", ":due", ":ransomware". What an assessment could not
// see makes the image's composition incomplete; without gaps it is unknown, for
// nobody can know that an image holds nothing else.
func CycloneDX(w io.Writer, as []seaworthy.Assessment, tool Tool) error {
	bom := &cdx.BOM{
		JSONSchema:   "http://cyclonedx.org/schema/bom-1.6.schema.json",
		BOMFormat:    cdx.BOMFormat,
		SpecVersion:  cdx.SpecVersion1_6,
		SerialNumber: "urn:uuid:" + documentUUID(as, tool, "cyclonedx"),
		Version:      1,
		Metadata: &cdx.Metadata{
			Tools: &cdx.ToolsChoice{Components: &[]cdx.Component{{
				Type: cdx.ComponentTypeApplication, Name: tool.Name, Version: cut(tool.Version, maxText),
				ExternalReferences: &[]cdx.ExternalReference{{Type: cdx.ERTypeWebsite, URL: home}},
			}}},
			Properties: feedProperties(as),
		},
	}
	if t := latest(as); !t.IsZero() {
		bom.Metadata.Timestamp = stamp(t)
	}
	all := subjects(as)
	components := []cdx.Component{}
	graph := []cdx.Dependency{}
	compositions := []cdx.Composition{}
	for i := range all {
		s := &all[i]
		container := containerComponent(s)
		if len(all) == 1 {
			bom.Metadata.Component = &container
		} else {
			components = append(components, container)
		}
		components = append(components, s.components()...)
		graph = append(graph, s.graph()...)
		compositions = append(compositions, cdx.Composition{
			Aggregate:  s.aggregate(),
			Assemblies: &[]cdx.BOMReference{cdx.BOMReference(s.ref())},
		})
	}
	bom.Components = &components
	bom.Dependencies = &graph
	bom.Compositions = &compositions
	bom.Vulnerabilities = cdxVulnerabilities(all)
	if err := cdx.NewBOMEncoder(w, cdx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false).Encode(bom); err != nil {
		return fmt.Errorf("write CycloneDX: %w", err)
	}
	return nil
}

func (s *subject) ref() string   { return "image:" + s.id }
func (s *subject) osRef() string { return "os:" + s.id }
func (e *element) ref() string   { return "package:" + e.id }

// properties collects those that have a value.
type properties struct{ list []cdx.Property }

func (p *properties) add(name, value string) {
	if value != "" {
		p.list = append(p.list, cdx.Property{Name: "seaworthy:" + name, Value: short(value)})
	}
}

func (p *properties) pointer() *[]cdx.Property {
	if len(p.list) == 0 {
		return nil
	}
	return &p.list
}

func containerComponent(s *subject) cdx.Component {
	repository, _ := splitReference(s.Reference)
	c := cdx.Component{
		BOMRef:     s.ref(),
		Type:       cdx.ComponentTypeContainer,
		Name:       cut(clean(repository), maxText),
		Version:    string(s.Image.Digest),
		PackageURL: ImagePURL(*s.Assessment),
	}
	if algorithm, ok := map[string]cdx.HashAlgorithm{
		"sha256": cdx.HashAlgoSHA256, "sha512": cdx.HashAlgoSHA512,
	}[s.Image.Digest.Algorithm()]; ok {
		c.Hashes = &[]cdx.Hash{{Algorithm: algorithm, Value: s.Image.Digest.Hex()}}
	}
	var p properties
	for _, ref := range s.references {
		p.add("reference", ref)
	}
	p.add("platform", s.Image.Platform.String())
	for i, l := range s.Image.Layers {
		p.add("layer", fmt.Sprintf("%d %s %s", i, l.Digest, l.Instruction))
	}
	for _, g := range s.Inventory.Gaps {
		p.add("gap", gapText(g))
	}
	c.Properties = p.pointer()
	return c
}

// components is the operating system, if one is known, and each package.
func (s *subject) components() []cdx.Component {
	list := make([]cdx.Component, 0, len(s.packages)+1)
	if d := s.Inventory.Distribution; d.ID != "" {
		var p properties
		p.add("ecosystem", string(d.Ecosystem))
		list = append(list, cdx.Component{
			BOMRef: s.osRef(), Type: cdx.ComponentTypeOS, Name: short(d.ID), Version: short(d.VersionID),
			Description: short(d.Name), Properties: p.pointer(),
		})
	}
	for i := range s.packages {
		list = append(list, s.component(&s.packages[i]))
	}
	return list
}

func (s *subject) component(e *element) cdx.Component {
	c := cdx.Component{
		BOMRef:     e.ref(),
		Type:       cdx.ComponentTypeLibrary,
		Name:       clean(e.Name),
		Version:    short(e.Version), // the schema allows 1024 characters
		PackageURL: e.purl,
	}
	switch e.Ecosystem.Family() {
	case seaworthy.NPM, seaworthy.Packagist:
		c.Group, c.Name = splitLast(c.Name)
	case seaworthy.Maven:
		if group, artifact, ok := strings.Cut(c.Name, ":"); ok {
			c.Group, c.Name = group, artifact
		}
	}
	var p properties
	p.add("ecosystem", string(e.Ecosystem))
	p.add("source:name", e.Source)
	p.add("source:version", e.SourceVersion)
	p.add("module", e.Module)
	p.add("ownedBy", e.OwnedBy)
	var occurrences []cdx.EvidenceOccurrence
	for i, l := range e.Locations {
		layer := s.layer(l.Layer)
		if i == 0 {
			p.add("layer:digest", string(layer.Digest))
			p.add("layer:index", strconv.Itoa(l.Layer))
			p.add("layer:instruction", layer.Instruction)
			p.add("layer:path", l.Path)
		}
		occurrences = append(occurrences, cdx.EvidenceOccurrence{
			Location:          cmp.Or(clean(l.Path), "."),
			AdditionalContext: "layer " + strconv.Itoa(l.Layer) + " " + string(layer.Digest),
		})
	}
	c.Properties = p.pointer()
	if occurrences != nil {
		c.Evidence = &cdx.Evidence{Occurrences: &occurrences}
	}
	return c
}

// graph says that an image holds its operating system and language packages,
// the operating system its packages, and these the language packages they
// installed.
func (s *subject) graph() []cdx.Dependency {
	holders := []string{s.ref()}
	held := map[string][]string{}
	system := s.ref()
	if s.Inventory.Distribution.ID != "" {
		system = s.osRef()
		holders = append(holders, system)
		held[s.ref()] = []string{system}
	}
	owners := make(map[string]string)
	for i := range s.packages {
		if e := &s.packages[i]; e.Ecosystem.Distribution() && owners[e.Name] == "" {
			owners[e.Name] = e.ref()
		}
	}
	for i := range s.packages {
		e := &s.packages[i]
		holder := s.ref()
		switch {
		case e.Ecosystem.Distribution():
			holder = system
		case e.OwnedBy != "" && owners[e.OwnedBy] != "":
			holder = owners[e.OwnedBy]
		}
		if held[holder] == nil && !slices.Contains(holders[:min(2, len(holders))], holder) {
			holders = append(holders, holder)
		}
		held[holder] = append(held[holder], e.ref())
	}
	list := make([]cdx.Dependency, 0, len(holders))
	for _, ref := range holders {
		d := cdx.Dependency{Ref: ref}
		if refs := held[ref]; len(refs) > 0 {
			d.Dependencies = &refs
		}
		list = append(list, d)
	}
	return list
}

func (s *subject) aggregate() cdx.CompositionAggregate {
	for _, g := range s.Inventory.Gaps {
		switch g.Kind {
		case seaworthy.GapAdvisories, seaworthy.GapVersion: // of vulnerabilities, not of packages
		default:
			return cdx.CompositionAggregateIncomplete
		}
	}
	return cdx.CompositionAggregateUnknown
}

func feedProperties(as []seaworthy.Assessment) *[]cdx.Property {
	var p properties
	for _, text := range feedTexts(as) {
		p.add("advisories", text)
	}
	return p.pointer()
}
