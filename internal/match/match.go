// Package match decides which advisories concern a package, and joins what
// several advisories say of one problem into one vulnerability. It is pure, and
// no advisory, however odd, makes it fail: what cannot be read is skipped, what
// cannot be decided is undecided. The rules are OSV's
// (https://ossf.github.io/osv-schema/#evaluation), with the distributions' own
// words before the general databases'.
//
// Only what matches comes in. So where Debian's record of a CVE says that a
// release is not affected and a security announcement that names the CVE says
// that it is, the announcement is believed.
package match

import (
	"cmp"
	"slices"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/version"
)

// Candidate is what one advisory says of one package name, to be compared with
// installed packages of that name. Withdrawn advisories are never candidates.
type Candidate struct {
	Advisory string // its id
	Source   string // of the feed, "osv"
	Affected seaworthy.Affected
}

// Key is what candidates are looked up by.
type Key struct {
	Ecosystem seaworthy.Ecosystem
	Name      string
}

// Rules is the version of what this package and package version decide: findings
// made by another are made anew. Raise it with each change that can change one.
const Rules = 1

// Concerns gives the ecosystems of packages that an advisory for e can concern:
// the inverse of [Keys].
func Concerns(e seaworthy.Ecosystem) []seaworthy.Ecosystem {
	if release, ok := strings.CutPrefix(string(e), ubuntuPro); ok {
		return []seaworthy.Ecosystem{e, seaworthy.Ecosystem(seaworthy.Ubuntu + ":" + release)}
	}
	return []seaworthy.Ecosystem{e}
}

const ubuntuPro = seaworthy.Ubuntu + ":Pro:"

// Keys are those of all candidates that can concern p: its own, and for Ubuntu
// those of Ubuntu Pro, where the fixes for subscribers are.
func Keys(p seaworthy.Package) []Key {
	name, _ := version.AdvisoryName(p)
	keys := []Key{{p.Ecosystem, name}}
	if pro := proEcosystem(p.Ecosystem); pro != "" {
		keys = append(keys, Key{pro, name})
	}
	return keys
}

func proEcosystem(e seaworthy.Ecosystem) seaworthy.Ecosystem {
	release := e.Release()
	if e.Family() != seaworthy.Ubuntu || release == "" || strings.HasPrefix(string(e), ubuntuPro) {
		return ""
	}
	return seaworthy.Ecosystem(ubuntuPro + release)
}

// Match compares p with candidates for its [Keys]; others it passes over. There
// is at most one finding for an advisory, sorted by source and id: Vulnerable,
// or Undecided when p's version is unknown or cannot be compared.
func Match(p seaworthy.Package, candidates []Candidate) []seaworthy.Finding {
	c := newComparer(p)
	applicable := make([]*Candidate, 0, len(candidates))
	for i := range candidates {
		if c.applies(&candidates[i].Affected) {
			applicable = append(applicable, &candidates[i])
		}
	}
	if !slices.IsSortedFunc(applicable, compareCandidates) {
		slices.SortStableFunc(applicable, compareCandidates)
	}
	var findings []seaworthy.Finding
	for len(applicable) > 0 {
		n := 1
		for n < len(applicable) && compareCandidates(applicable[0], applicable[n]) == 0 {
			n++
		}
		if o := c.decide(applicable[:n]); o.verdict != seaworthy.Unaffected {
			findings = append(findings, o.finding(applicable[0]))
		}
		applicable = applicable[n:]
	}
	return findings
}

func compareCandidates(a, b *Candidate) int {
	return cmp.Or(strings.Compare(a.Source, b.Source), strings.Compare(a.Advisory, b.Advisory))
}

// outcome is what the entries of one advisory say.
type outcome struct {
	verdict      seaworthy.Verdict
	entry        *seaworthy.Affected // the first that says so
	fixed        string
	subscription bool
	repaired     bool // unaffected, because the installed version has a fix
}

func (o outcome) finding(c *Candidate) seaworthy.Finding {
	return seaworthy.Finding{
		Advisory: c.Advisory, Source: c.Source, Verdict: o.verdict, Fixed: o.fixed, Subscription: o.subscription,
		Urgency: o.entry.Urgency, Ratings: o.entry.Ratings,
	}
}

// comparer is one installed package, parsed once for all its candidates.
type comparer struct {
	pkg     seaworthy.Package
	name    string
	pro     seaworthy.Ecosystem
	text    string
	version version.Version // zero if it cannot be compared
	rpm     bool
}

func newComparer(p seaworthy.Package) *comparer {
	c := &comparer{pkg: p, pro: proEcosystem(p.Ecosystem)}
	c.name, c.text = version.AdvisoryName(p)
	c.version, _ = version.Parse(p.Ecosystem, c.text) // an error leaves it zero: undecided
	switch p.Ecosystem.Family() {
	case seaworthy.AlmaLinux, seaworthy.RedHat, seaworthy.Rocky:
		c.rpm = true
	}
	return c
}

// applies reports whether the entry speaks of the package at all.
func (c *comparer) applies(a *seaworthy.Affected) bool {
	switch {
	case a.Name != c.name || a.Ecosystem == "":
		return false
	case a.Ecosystem != c.pkg.Ecosystem && a.Ecosystem != c.pro:
		return false
	case len(a.Binaries) > 0 && !slices.Contains(a.Binaries, c.pkg.Name):
		return false
	}
	return !c.rpm || c.moduleAgrees(a)
}

// decide is the verdict of one advisory's entries. Those for Ubuntu Pro come
// second: a fix for all is better, and an installed fix of Pro's is a fix.
func (c *comparer) decide(run []*Candidate) outcome {
	var own, pro []*seaworthy.Affected
	for _, candidate := range run {
		if a := &candidate.Affected; a.Ecosystem == c.pkg.Ecosystem {
			own = append(own, a)
		} else {
			pro = append(pro, a)
		}
	}
	o := c.evaluate(own)
	if len(pro) == 0 || o.fixed != "" {
		return o
	}
	s := c.evaluate(pro)
	switch {
	case s.verdict == seaworthy.Unaffected && s.repaired:
		return s
	case s.verdict == seaworthy.Unaffected:
		return o
	case o.verdict == seaworthy.Unaffected && len(own) > 0:
		return o
	}
	s.subscription = s.fixed != ""
	if o.entry != nil {
		s.entry = o.entry
	}
	return s
}
