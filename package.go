package seaworthy

import (
	"cmp"
	"strings"
)

// Package is one installed package, by what identifies it for advisories.
// Two packages are the same when all fields are equal, wherever they lie.
type Package struct {
	Ecosystem Ecosystem `json:"ecosystem"`
	Name      string    `json:"name"`
	Version   string    `json:"version"` // "" when unknown; with the epoch, as the package manager prints it
	Arch      string    `json:"arch,omitempty"`

	// Source and SourceVersion name the source package of an operating system
	// package: dpkg's Source field, apk's origin, RPM's SOURCERPM. They are
	// always set for dpkg and apk, and empty for language packages.
	Source        string `json:"source,omitempty"`
	SourceVersion string `json:"sourceVersion,omitempty"`

	// Module is the RPM module stream, as in "nodejs:18"; empty elsewhere.
	Module string `json:"module,omitempty"`
}

// Compare orders packages by ecosystem, name, version and the rest.
func (p Package) Compare(q Package) int {
	return cmp.Or(
		strings.Compare(string(p.Ecosystem), string(q.Ecosystem)),
		strings.Compare(p.Name, q.Name),
		strings.Compare(p.Version, q.Version),
		strings.Compare(p.Arch, q.Arch),
		strings.Compare(p.Source, q.Source),
		strings.Compare(p.SourceVersion, q.SourceVersion),
		strings.Compare(p.Module, q.Module),
	)
}

// Location is where a package lies in an image.
type Location struct {
	Layer int    `json:"layer"` // index in the image's layers, 0 is the lowest
	Path  string `json:"path"`  // without a leading slash; of the file that says so, such as var/lib/dpkg/status
}

// Placed is a package of an image with the places where it was found.
type Placed struct {
	Package
	Locations []Location `json:"locations"`

	// OwnedBy names the operating system package that installed this language
	// package. Its fixes come by the distribution's advisories, so it is listed
	// but not matched by itself.
	OwnedBy string `json:"ownedBy,omitempty"`
}

// Distribution is what an image's os-release says of it.
type Distribution struct {
	ID        string    `json:"id"`                  // os-release ID, as in "debian"
	VersionID string    `json:"versionId,omitempty"` // as in "12"
	Name      string    `json:"name"`                // PRETTY_NAME
	Ecosystem Ecosystem `json:"ecosystem,omitempty"` // empty when no ecosystem is known for it
}

// Gap is something that an assessment could not see, so that absence of a
// finding is no proof: a file that could not be read, an unknown distribution,
// a foreign layer.
type Gap struct {
	Kind   GapKind `json:"kind"`
	Layer  int     `json:"layer"` // index in the image's layers; -1 for the image as a whole
	Path   string  `json:"path,omitempty"`
	Reason string  `json:"reason"` // one sentence for a person

	// Ecosystem is the one whose advisories are missing or a part.
	Ecosystem Ecosystem `json:"ecosystem,omitempty"`
}

// GapKind says what sort of thing was not seen.
type GapKind string

// The kinds of gaps.
const (
	GapFile         GapKind = "file"          // a package database or archive that could not be read
	GapForeignLayer GapKind = "foreign-layer" // a layer that is not to be fetched from the registry
	GapDistribution GapKind = "distribution"  // operating system packages of an unknown distribution
	GapPartial      GapKind = "partial"       // only single records of an ecosystem's advisories were imported
	GapAdvisories   GapKind = "advisories"    // no advisories were imported for an ecosystem in the image
	GapVersion      GapKind = "version"       // a package whose version is unknown or cannot be compared
	GapLink         GapKind = "link"          // a hard link into another layer to a file that was not kept
)
