package seaworthy

import "time"

// Feed is one set of advisories: a source's records for one ecosystem family.
type Feed struct {
	Source    string    `json:"source"`            // "osv", "kev", "epss"
	Ecosystem string    `json:"ecosystem"`         // the family; "" for kev and epss
	URL       string    `json:"url"`               // where it was read from, without credentials
	Records   int       `json:"records"`           // that take part in matching
	Withdrawn int       `json:"withdrawn"`         // remembered, not matched
	Partial   bool      `json:"partial,omitempty"` // only single records were imported: what they do not name is unknown
	Skipped   int       `json:"skipped"`           // malformed in the last full read
	Newest    time.Time `json:"newest,omitzero"`   // of the records' modification times
	Updated   time.Time `json:"updated,omitzero"`  // when the last update ended well
}

// Advisory is one record of a feed, in OSV's terms
// (https://ossf.github.io/osv-schema/).
type Advisory struct {
	ID         string     `json:"id"`
	Aliases    []string   `json:"aliases,omitempty"`
	Upstream   []string   `json:"upstream,omitempty"`
	Related    []string   `json:"related,omitempty"`
	Summary    string     `json:"summary,omitempty"`
	Details    string     `json:"details,omitempty"`
	Published  time.Time  `json:"published,omitzero"`
	Modified   time.Time  `json:"modified,omitzero"`
	Withdrawn  time.Time  `json:"withdrawn,omitzero"`
	Ratings    []Rating   `json:"ratings,omitempty"`
	References []string   `json:"references,omitempty"` // URLs
	Affected   []Affected `json:"affected,omitempty"`
}

// Affected is one package that an advisory speaks of.
type Affected struct {
	Ecosystem Ecosystem `json:"ecosystem"` // canonical
	Name      string    `json:"name"`      // canonical, as version.AdvisoryName gives it for a package
	Ranges    []Range   `json:"ranges,omitempty"`
	Versions  []string  `json:"versions,omitempty"`
	Ratings   []Rating  `json:"ratings,omitempty"` // over the advisory's own

	// Urgency is the distribution's word for this release, in lower case:
	// Debian's urgency ("unimportant", "low", "not yet assigned" …).
	Urgency  string   `json:"urgency,omitempty"`
	Binaries []string `json:"binaries,omitempty"` // Ubuntu: the binary packages that are affected; empty means all

	// Modules are the RPM module streams that the fix was built in, as in
	// "nodejs:18"; a package of another stream is not spoken of. Empty when the
	// entry is not modular or does not tell.
	Modules []string `json:"modules,omitempty"`
}

// RangeType says by which rules a range's versions compare.
type RangeType string

// The range types of OSV. Git ranges name commits and take no part in matching.
const (
	RangeEcosystem RangeType = "ECOSYSTEM"
	RangeSemver    RangeType = "SEMVER"
	RangeGit       RangeType = "GIT"
)

// Range is a list of events that open and close intervals of versions.
type Range struct {
	Type   RangeType `json:"type"`
	Events []Event   `json:"events"`
}

// Event is one event of a range; just one of its fields is set.
type Event struct {
	Introduced   string `json:"introduced,omitempty"` // "0" is before all versions
	Fixed        string `json:"fixed,omitempty"`
	LastAffected string `json:"lastAffected,omitempty"`
	Limit        string `json:"limit,omitempty"`
}

// Rating is one source's word on how bad an advisory is: a CVSS vector or a
// severity in the source's own terms.
type Rating struct {
	Source string `json:"source"` // "Debian", "Ubuntu", "AlmaLinux", "GitHub", "NVD" …; the feed's family if it does not say
	Type   string `json:"type"`   // "CVSS_V2", "CVSS_V3", "CVSS_V4", or "word"
	Value  string `json:"value"`  // the vector, or the word in lower case
}
