package match

import (
	"slices"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/version"
)

// evaluate compares the installed version with all that an advisory says of the
// package. Entries, their ranges and their versions are ORed.
func (c *comparer) evaluate(entries []*seaworthy.Affected) outcome {
	if c.version.IsZero() {
		return c.withoutVersion(entries)
	}
	if c.rpm && len(entries) > 1 {
		if lowest, ok := c.builds(entries); ok {
			entries = lowest
		}
	}
	var o outcome
	var fixes []version.Version
	for _, a := range entries {
		var in, repaired bool
		in, repaired, fixes = c.inEntry(a, fixes)
		o.repaired = o.repaired || repaired
		if in && o.entry == nil {
			o.verdict, o.entry = seaworthy.Vulnerable, a
		}
	}
	if o.entry != nil {
		o.fixed = c.lowestFix(entries, fixes)
	}
	return o
}

// withoutVersion never says affected, unless the list of versions has the very
// text.
func (c *comparer) withoutVersion(entries []*seaworthy.Affected) outcome {
	var o outcome
	for _, a := range entries {
		switch {
		case c.text != "" && slices.Contains(a.Versions, c.text):
			return outcome{verdict: seaworthy.Vulnerable, entry: a}
		case o.entry == nil && isComparable(a):
			o = outcome{verdict: seaworthy.Undecided, entry: a}
		}
	}
	return o
}

// isComparable reports whether a has anything to compare a version with.
func isComparable(a *seaworthy.Affected) bool {
	return len(a.Versions) > 0 || slices.ContainsFunc(a.Ranges, func(r seaworthy.Range) bool { return counts(r) && len(r.Events) > 0 })
}

// counts reports whether r's events are versions. Git ranges are passed over;
// those beside them still count.
func counts(r seaworthy.Range) bool {
	return r.Type == seaworthy.RangeEcosystem || r.Type == seaworthy.RangeSemver
}

// inEntry reports whether the installed version is affected, and if it is not,
// whether that is because an interval below it has ended. It adds the versions
// that end the intervals it lies in.
func (c *comparer) inEntry(a *seaworthy.Affected, fixes []version.Version) (in, repaired bool, all []version.Version) {
	for _, r := range a.Ranges {
		if !counts(r) {
			continue
		}
		ok, end, closed := c.inRange(c.version, r.Events)
		in, repaired = in || ok, repaired || closed
		if !end.IsZero() {
			fixes = append(fixes, end)
		}
	}
	if in || c.listed(a.Versions) {
		return true, false, fixes
	}
	return false, repaired, fixes
}

// listed compares parsed: "1.0" lists 1.0.0 where the ecosystem takes them for
// equal.
func (c *comparer) listed(versions []string) bool {
	for _, s := range versions {
		if c.version.Equal(c.pkg.Ecosystem, s) {
			return true
		}
	}
	return false
}

// kind is an event's kind, in the order in which events of one version happen.
type kind uint8

const (
	kindNone kind = iota
	introduced
	lastAffected
	fixed
)

// eventOf reads an event. Limits are for commits and count for nothing here.
func eventOf(e seaworthy.Event) (kind, string) {
	switch {
	case e.Introduced != "":
		return introduced, e.Introduced
	case e.Fixed != "":
		return fixed, e.Fixed
	case e.LastAffected != "":
		return lastAffected, e.LastAffected
	}
	return kindNone, ""
}

// inRange reports whether v lies in an interval of the range, the fixed version
// that ends this interval, and if v lies in none, whether the nearest below it
// has ended. Events need no order: the latest of those that have happened at v
// decides. An event that cannot be read is passed over.
func (c *comparer) inRange(v version.Version, events []seaworthy.Event) (in bool, end version.Version, closed bool) {
	var last, next version.Version // zero is also the version of introduced "0"
	var lastKind, nextKind kind
	for _, e := range events {
		k, text := eventOf(e)
		if k == kindNone {
			continue
		}
		var at version.Version
		if k != introduced || text != "0" {
			var err error
			if at, err = version.Parse(c.pkg.Ecosystem, text); err != nil {
				continue
			}
		}
		if order := at.Compare(v); order < 0 || order == 0 && k != lastAffected {
			if d := at.Compare(last); lastKind == kindNone || d > 0 || d == 0 && k > lastKind {
				last, lastKind = at, k
			}
		} else if k != introduced {
			if d := at.Compare(next); nextKind == kindNone || d < 0 || d == 0 && k > nextKind {
				next, nextKind = at, k
			}
		}
	}
	switch {
	case lastKind != introduced:
		return false, version.Version{}, lastKind != kindNone
	case nextKind != fixed:
		return true, version.Version{}, false
	}
	return true, next, false
}

// lowestFix is the lowest of the fixes that the advisory does not itself call
// affected, as where two of its ranges overlap.
func (c *comparer) lowestFix(entries []*seaworthy.Affected, fixes []version.Version) string {
	slices.SortFunc(fixes, version.Version.Compare)
	for _, fix := range fixes {
		if len(fixes) == 1 || !c.affected(fix, entries) {
			return fix.String()
		}
	}
	return ""
}

func (c *comparer) affected(v version.Version, entries []*seaworthy.Affected) bool {
	for _, a := range entries {
		for _, r := range a.Ranges {
			if !counts(r) {
				continue
			}
			if in, _, _ := c.inRange(v, r.Events); in {
				return true
			}
		}
	}
	return false
}
