package main

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
)

// problem is one vulnerability in one package as it was built: the binary
// packages of one source package are one problem, for one action ends it. Two
// versions of a language package are two.
type problem struct {
	*seaworthy.Vulnerability                            // the worst of members
	members                  []*seaworthy.Vulnerability // in the order of the assessment
}

// name is what a person calls the package.
func (p problem) name() string {
	if len(p.members) == 1 {
		return p.Package.Name
	}
	return cmp.Or(p.Package.Source, p.Package.Name)
}

// installed is the version that the members share: theirs, or else that of
// their source package.
func (p problem) installed() string {
	for _, m := range p.members {
		if m.Package.Version != p.Package.Version {
			return cmp.Or(p.Package.SourceVersion, p.Package.Version)
		}
	}
	return p.Package.Version
}

// fixes lists the fixed versions that the members' advisories name.
func (p problem) fixes() []string {
	var list []string
	for _, m := range p.members {
		if m.Fixed != "" && !slices.Contains(list, m.Fixed) {
			list = append(list, m.Fixed)
		}
	}
	return list
}

func (p problem) fixable() bool {
	return p.Fixed != "" && p.FixState != seaworthy.FixSubscription
}

// problemKey is what members of one problem share.
type problemKey struct {
	id, source, version string
	ecosystem           seaworthy.Ecosystem
	class               seaworthy.Class
}

// problemsOf groups an assessment's vulnerabilities, the worst first.
func problemsOf(a *seaworthy.Assessment) []problem {
	at := make(map[problemKey]int)
	var list []problem
	for i := range a.Vulnerabilities {
		v := &a.Vulnerabilities[i]
		p := v.Package
		key := problemKey{
			id: v.ID, source: cmp.Or(p.Source, p.Name), version: cmp.Or(p.SourceVersion, p.Version),
			ecosystem: p.Ecosystem, class: v.Class,
		}
		n, ok := at[key]
		if !ok {
			at[key] = len(list)
			list = append(list, problem{Vulnerability: v, members: []*seaworthy.Vulnerability{v}})
			continue
		}
		list[n].members = append(list[n].members, v)
		if rank(v.Severity) > rank(list[n].Severity) {
			list[n].Vulnerability = v
		}
	}
	slices.SortStableFunc(list, worstFirst)
	return list
}

func worstFirst(p, q problem) int {
	return cmp.Or(
		-cmp.Compare(rank(p.Severity), rank(q.Severity)),
		-cmp.Compare(exploited(p), exploited(q)),
		-cmp.Compare(epssOf(p), epssOf(q)),
		strings.Compare(p.ID, q.ID),
		p.Package.Compare(q.Package),
	)
}

// rank orders severities by how much they want attention: one that nobody has
// rated stands above one rated as none.
func rank(s seaworthy.Severity) int {
	switch s {
	case seaworthy.SeverityNone:
		return 0
	case seaworthy.SeverityLow, seaworthy.SeverityMedium, seaworthy.SeverityHigh, seaworthy.SeverityCritical:
		return int(s)
	}
	return 1
}

func exploited(p problem) int {
	if p.KEV != nil {
		return 1
	}
	return 0
}

func epssOf(p problem) float64 {
	if p.EPSS == nil {
		return -1
	}
	return p.EPSS.Score
}

// severityCounts counts problems by severity.
type severityCounts struct {
	Critical int `json:"critical"`
	High     int `json:"high"`
	Medium   int `json:"medium"`
	Low      int `json:"low"`
	None     int `json:"none"`
	Unknown  int `json:"unknown"`
}

func (c *severityCounts) of(s seaworthy.Severity) *int {
	switch s {
	case seaworthy.SeverityCritical:
		return &c.Critical
	case seaworthy.SeverityHigh:
		return &c.High
	case seaworthy.SeverityMedium:
		return &c.Medium
	case seaworthy.SeverityLow:
		return &c.Low
	case seaworthy.SeverityNone:
		return &c.None
	}
	return &c.Unknown
}

// text lists what is not zero, the worst first.
func (c *severityCounts) text(paint painter) string {
	var parts []string
	for _, s := range []seaworthy.Severity{
		seaworthy.SeverityCritical, seaworthy.SeverityHigh, seaworthy.SeverityMedium, seaworthy.SeverityLow,
		seaworthy.SeverityUnknown, seaworthy.SeverityNone,
	} {
		if n := *c.of(s); n > 0 {
			parts = append(parts, paint.text(strconv.Itoa(n)+" "+s.String(), severityColour(s)))
		}
	}
	return strings.Join(parts, ", ")
}

// summary counts what an assessment found. Findings are entries of its
// vulnerabilities; the counts behind it are of problems, of which those that are
// hidden count in Hidden alone.
type summary struct {
	Packages       int                     `json:"packages"`
	Findings       int                     `json:"findings"` // id × package
	Problems       int                     `json:"problems"` // id × source package
	Severities     severityCounts          `json:"severities"`
	Fixable        int                     `json:"fixable"`
	KnownExploited int                     `json:"knownExploited"`
	Undecided      int                     `json:"undecided"` // no version could be compared: may be affected
	Hidden         map[seaworthy.Class]int `json:"hidden"`
	Gaps           int                     `json:"gaps"`
	Unmatched      []string                `json:"unmatched"` // ecosystems of packages for which no advisories are at hand
}

func summarise(a *seaworthy.Assessment, problems []problem) summary {
	s := summary{
		Packages:  len(a.Inventory.Packages),
		Findings:  len(a.Vulnerabilities),
		Hidden:    make(map[seaworthy.Class]int),
		Gaps:      len(a.Inventory.Gaps),
		Unmatched: unmatched(a),
	}
	for _, p := range problems {
		if p.Class != "" {
			s.Hidden[p.Class]++
			continue
		}
		s.Problems++
		*s.Severities.of(p.Severity)++
		if p.fixable() {
			s.Fixable++
		}
		if p.KEV != nil {
			s.KnownExploited++
		}
		if p.Undecided {
			s.Undecided++
		}
	}
	return s
}

// unmatched lists the ecosystems in the image for which no advisories are at
// hand, or none for the release, so that no finding means nothing.
func unmatched(a *seaworthy.Assessment) []string {
	fed := make(map[string]bool)
	for _, f := range a.Advisories {
		if f.Records > 0 {
			fed[f.Ecosystem] = true
		}
	}
	missing := []string{}
	for _, g := range a.Inventory.Gaps {
		if g.Kind == seaworthy.GapAdvisories && g.Ecosystem.Release() != "" && fed[g.Ecosystem.Family()] {
			missing = append(missing, string(g.Ecosystem))
		}
	}
	for _, p := range a.Inventory.Packages {
		family := p.Ecosystem.Family()
		if p.OwnedBy == "" && !fed[family] && !slices.Contains(missing, family) {
			missing = append(missing, family)
		}
	}
	slices.Sort(missing)
	return missing
}
