package sbom

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"

	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/common"
	spdx "github.com/spdx/tools-golang/spdx/v2/v2_3"

	"github.com/seaworthy-dev/seaworthy"
)

const noAssertion = "NOASSERTION"

// SPDX writes an SBOM, SPDX 2.3 as JSON (https://spdx.github.io/spdx-spec/v2.3/).
//
// The document describes each image, an image contains its operating system and
// its packages, and a package has a purl and, for each vulnerability, a
// reference of category SECURITY (annex K of the specification). Where a package
// was found is in its sourceInfo. Files were not analysed for licences, so all
// licences are NOASSERTION. What could not be seen is in the image's comment.
func SPDX(w io.Writer, as []seaworthy.Assessment, tool Tool) error {
	all := subjects(as)
	names := make([]string, 0, len(all))
	for i := range all {
		names = append(names, short(all[i].Reference))
	}
	doc := &spdx.Document{
		SPDXVersion:       spdx.Version,
		DataLicense:       spdx.DataLicense,
		SPDXIdentifier:    "DOCUMENT",
		DocumentName:      cut(cmp.Or(strings.Join(names, ", "), "no image"), maxText),
		DocumentNamespace: home + "/spdx/" + documentUUID(as, tool, "spdx"),
		CreationInfo: &spdx.CreationInfo{
			Creators: []common.Creator{{CreatorType: "Tool", Creator: tool.Name + "-" + tool.Version}},
			Created:  stamp(latest(as)),
		},
	}
	if feeds := feedTexts(as); feeds != nil {
		doc.CreationInfo.CreatorComment = "Advisories: " + strings.Join(feeds, "; ")
	}
	for i := range all {
		describe(doc, &all[i])
	}
	if err := spdxjson.Write(doc, w, spdxjson.Indent("  "), spdxjson.EscapeHTML(false)); err != nil {
		return fmt.Errorf("write SPDX: %w", err)
	}
	return nil
}

func describe(doc *spdx.Document, s *subject) {
	image := common.ElementID("Image-" + s.id)
	relate := func(a common.ElementID, kind string, b common.ElementID) {
		doc.Relationships = append(doc.Relationships, &spdx.Relationship{
			RefA: common.DocElementID{ElementRefID: a}, Relationship: kind,
			RefB: common.DocElementID{ElementRefID: b},
		})
	}
	doc.Packages = append(doc.Packages, spdxImage(s, image))
	relate("DOCUMENT", common.TypeRelationshipDescribe, image)
	if d := s.Inventory.Distribution; d.ID != "" {
		system := unlicensed(common.ElementID("OperatingSystem-"+s.id), short(d.ID), short(d.VersionID))
		system.PackageSummary = short(d.Name)
		system.PrimaryPackagePurpose = "OPERATING_SYSTEM"
		doc.Packages = append(doc.Packages, system)
		relate(image, common.TypeRelationshipContains, system.PackageSPDXIdentifier)
	}
	found := make(map[*element][]*seaworthy.Vulnerability)
	for n := range s.Vulnerabilities {
		v := &s.Vulnerabilities[n]
		if e := s.byPackage[v.Package]; e != nil {
			found[e] = append(found[e], v)
		}
	}
	for i := range s.packages {
		e := &s.packages[i]
		p := spdxPackage(s, e)
		for _, v := range found[e] {
			p.PackageExternalReferences = append(p.PackageExternalReferences, securityReference(v))
		}
		doc.Packages = append(doc.Packages, p)
		relate(image, common.TypeRelationshipContains, p.PackageSPDXIdentifier)
	}
}

// unlicensed is a package of which nothing but name and version is claimed.
func unlicensed(id common.ElementID, name, version string) *spdx.Package {
	return &spdx.Package{
		PackageSPDXIdentifier:     id,
		PackageName:               cmp.Or(name, noAssertion),
		PackageVersion:            version,
		PackageSupplier:           &common.Supplier{Supplier: noAssertion},
		PackageDownloadLocation:   noAssertion,
		FilesAnalyzed:             false,
		IsFilesAnalyzedTagPresent: true,
		PackageLicenseConcluded:   noAssertion,
		PackageLicenseDeclared:    noAssertion,
		PackageCopyrightText:      noAssertion,
	}
}

func spdxImage(s *subject, id common.ElementID) *spdx.Package {
	repository, _ := splitReference(s.Reference)
	p := unlicensed(id, short(repository), string(s.Image.Digest))
	p.PrimaryPackagePurpose = "CONTAINER"
	if algorithm, ok := map[string]common.ChecksumAlgorithm{
		"sha256": common.SHA256, "sha512": common.SHA512,
	}[s.Image.Digest.Algorithm()]; ok {
		p.PackageChecksums = []common.Checksum{{Algorithm: algorithm, Value: s.Image.Digest.Hex()}}
	}
	p.PackageExternalReferences = purlReference(ImagePURL(*s.Assessment))
	lines := []string{"Platform " + short(s.Image.Platform.String()) + "."}
	for _, ref := range s.references {
		lines = append(lines, "Reference "+short(ref)+".")
	}
	for _, g := range s.Inventory.Gaps {
		lines = append(lines, "Not seen: "+gapText(g))
	}
	p.PackageComment = strings.Join(lines, "\n")
	return p
}

func spdxPackage(s *subject, e *element) *spdx.Package {
	p := unlicensed(common.ElementID("Package-"+e.id), clean(e.Name), short(e.Version))
	p.PackageExternalReferences = purlReference(e.purl)
	var info []string
	for i, l := range e.Locations {
		layer := s.layer(l.Layer)
		text := "Found in " + clean(l.Path) + " of layer " + strconv.Itoa(l.Layer)
		if layer.Digest != "" {
			text += " " + string(layer.Digest)
		}
		if i == 0 && layer.Instruction != "" {
			text += ", made by " + short(layer.Instruction)
		}
		info = append(info, text)
	}
	if e.Source != "" {
		info = append(info, strings.TrimSpace("Built from source package "+clean(e.Source)+" "+clean(e.SourceVersion)))
	}
	if e.OwnedBy != "" {
		info = append(info, "Installed by operating system package "+clean(e.OwnedBy))
	}
	p.PackageSourceInfo = strings.Join(info, "\n")
	return p
}

func purlReference(purl string) []*spdx.PackageExternalReference {
	if purl == "" {
		return nil
	}
	return []*spdx.PackageExternalReference{{
		Category: common.CategoryPackageManager, RefType: common.TypePackageManagerPURL, Locator: purl,
	}}
}

func securityReference(v *seaworthy.Vulnerability) *spdx.PackageExternalReference {
	comment := v.Severity.String()
	if v.RatedBy != "" {
		comment += " (" + short(v.RatedBy) + ")"
	}
	if v.Undecided {
		comment += ", the package may be affected: its version cannot be compared"
	}
	if text := advice(v); text != "" {
		comment += ". " + text
	}
	return &spdx.PackageExternalReference{
		Category: common.CategorySecurity, RefType: common.TypeSecurityAdvisory,
		Locator: advisoryURL(v.ID), ExternalRefComment: comment,
	}
}
