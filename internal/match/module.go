package match

import (
	"slices"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/version"
)

// moduleAgrees holds packages of RPM module streams and packages outside of
// modules apart: nodejs:18 must not be flagged by the fix of nodejs:20, though
// both are called nodejs. Streams are compared where both are known.
func (c *comparer) moduleAgrees(a *seaworthy.Affected) bool {
	modular := c.pkg.Module != "" || isModular(c.pkg.Version)
	if modular != isModularEntry(a) {
		return false
	}
	return c.pkg.Module == "" || len(a.Modules) == 0 || slices.ContainsFunc(a.Modules, func(label string) bool {
		return stream(label) == stream(c.pkg.Module)
	})
}

func isModularEntry(a *seaworthy.Affected) bool {
	if len(a.Modules) > 0 {
		return true
	}
	for _, r := range a.Ranges {
		for _, e := range r.Events {
			if isModular(e.Fixed) || isModular(e.LastAffected) || isModular(e.Introduced) {
				return true
			}
		}
	}
	return false
}

// isModular reports whether a version's release is of a module build:
// ".module_el9.3.0+…" of AlmaLinux, ".module+el9.3.0+…" of Red Hat and Rocky.
func isModular(v string) bool {
	return strings.Contains(v, ".module_el") || strings.Contains(v, ".module+el")
}

// stream is the name and stream of a module label, which may go on with version,
// context and architecture.
func stream(label string) string {
	name, rest, _ := strings.Cut(label, ":")
	s, _, _ := strings.Cut(rest, ":")
	return name + ":" + s
}

// builds recognises entries that name several builds of one fix, each from "0":
// AlmaLinux lists what each of its repositories and minor releases has, as in
// 91.3.0-2.el8_4.alma and 91.3.0-2.el8_4.alma.plus. Each carries the fix, so the
// entry with the lowest decides; ORed, the other builds would be flagged for
// ever.
func (c *comparer) builds(entries []*seaworthy.Affected) ([]*seaworthy.Affected, bool) {
	var lowest version.Version
	var entry *seaworthy.Affected
	for _, a := range entries {
		if len(a.Versions) > 0 {
			return nil, false
		}
		for _, r := range a.Ranges {
			if !counts(r) || len(r.Events) != 2 || r.Events[0].Introduced != "0" || r.Events[1].Fixed == "" {
				return nil, false
			}
			v, err := version.Parse(c.pkg.Ecosystem, r.Events[1].Fixed)
			if err != nil {
				return nil, false
			}
			if entry == nil || v.Compare(lowest) < 0 {
				lowest, entry = v, a
			}
		}
	}
	if entry == nil || len(entry.Ranges) != 1 {
		return nil, false
	}
	return []*seaworthy.Affected{entry}, true
}
