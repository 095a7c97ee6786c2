// Package version orders versions by the rules of each ecosystem and knows by
// which name and version advisories speak of a package. It is pure, and reads
// any bytes without panic: what is no version of an ecosystem is an error.
//
// The order of PyPI is osv-scalibr's. The others are written here: versions are
// compared millions of times in one update of advisories, osv-scalibr's cost
// some microseconds each, and they differ from the package managers in places
// (testdata/README.md).
package version

import (
	"fmt"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
)

// Version is a parsed version. The zero value is before all others.
type Version struct {
	text  string
	order order
}

// order is a version in the terms of one set of rules.
type order interface {
	// compare is a total order over versions of the same rules, equal when the
	// package manager takes them for equal.
	compare(order) int
	rules() rules
}

// rules name an order; ecosystems that share one share the constant.
type rules uint8

const (
	rulesNone rules = iota
	rulesDpkg
	rulesRPM
	rulesRPMNoEpoch
	rulesAPK
	rulesSemver
	rulesGo
	rulesNuGet
	rulesGem
	rulesComposer
	rulesPyPI
	rulesMaven
)

func rulesOf(e seaworthy.Ecosystem) rules {
	switch e.Family() {
	case seaworthy.Debian, seaworthy.Ubuntu, string(seaworthy.FormatDpkg):
		return rulesDpkg
	case seaworthy.AlmaLinux, seaworthy.RedHat, seaworthy.Rocky, string(seaworthy.FormatRPM):
		return rulesRPM
	case seaworthy.Amazon, seaworthy.Azure, seaworthy.Fedora, seaworthy.OpenSUSE, seaworthy.Photon, seaworthy.SUSE,
		"Mageia", "openEuler":
		return rulesRPMNoEpoch
	case seaworthy.Alpine, seaworthy.Wolfi, seaworthy.Chainguard, string(seaworthy.FormatAPK),
		"Alpaquita", "BellSoft Hardened Containers", "MinimOS":
		return rulesAPK
	case seaworthy.NPM, seaworthy.Crates:
		return rulesSemver
	case seaworthy.Go:
		return rulesGo
	case seaworthy.NuGet:
		return rulesNuGet
	case seaworthy.RubyGems:
		return rulesGem
	case seaworthy.Packagist:
		return rulesComposer
	case seaworthy.PyPI:
		return rulesPyPI
	case seaworthy.Maven:
		return rulesMaven
	}
	return rulesNone
}

// maxLength bounds the work that one version can cause. The longest in the
// public feeds has 130 bytes.
const maxLength = 1024

// Parse reads a version by the rules of e's family; the release behind the
// colon does not matter. The errors are for what cannot be compared: an empty
// version, a Go program's "(devel)", a branch ("dev-main"), and all that the
// package manager itself would not take.
//
// Epochs are ignored for the RPM families whose advisories carry none: SUSE,
// openSUSE, Amazon Linux, Azure Linux, Fedora, Photon OS.
func Parse(e seaworthy.Ecosystem, s string) (v Version, err error) {
	text := strings.TrimSpace(s)
	if text == "" {
		return Version{}, fmt.Errorf("the %s version is empty", e.Family())
	}
	if len(text) > maxLength {
		return Version{}, fmt.Errorf("the %s version %.40q… has more than %d bytes", e.Family(), text, maxLength)
	}
	defer func() { // for the order that is not ours
		if r := recover(); r != nil {
			v, err = Version{}, fmt.Errorf("%.80q is not a version of %s", text, e.Family())
		}
	}()
	parsed, ok := parse(rulesOf(e), text)
	if !ok {
		return Version{}, fmt.Errorf("%.80q is not a version of %s", text, e.Family())
	}
	return Version{text: text, order: parsed}, nil
}

func parse(r rules, s string) (order, bool) {
	switch r {
	case rulesDpkg:
		return parseDpkg(s)
	case rulesRPM, rulesRPMNoEpoch:
		return parseRPM(s, r)
	case rulesAPK:
		return parseAPK(s)
	case rulesSemver:
		return parseSemver(s, r)
	case rulesGo:
		return parseSemver(goVersion(s), r)
	case rulesNuGet:
		return parseSemver(strings.ToLower(s), r)
	case rulesGem:
		return parseGem(s)
	case rulesComposer:
		return parseComposer(s)
	case rulesPyPI:
		return parsePyPI(s)
	case rulesMaven:
		return parseMaven(s)
	}
	return nil, false
}

// Compare is a total order among versions of ecosystems with the same rules:
// -1, 0 or +1. Versions that the package manager takes for equal are equal.
// Versions of different rules have an order too, but it means nothing.
func (v Version) Compare(w Version) int {
	if v.order == nil || w.order == nil || v.order.rules() != w.order.rules() {
		return sign(int(v.ruleset()) - int(w.ruleset()))
	}
	return v.order.compare(w.order)
}

// Equal reports whether s is a version of e equal to v. It is cheap for most
// that are not, for advisories list versions by the hundred.
func (v Version) Equal(e seaworthy.Ecosystem, s string) bool {
	if v.order == nil {
		return false
	}
	if s == v.text {
		return true
	}
	if r := v.order.rules(); !sameNumbers(significant(v.text, r), significant(s, r)) {
		return false
	}
	w, err := Parse(e, s)
	return err == nil && w.order.rules() == v.order.rules() && v.order.compare(w.order) == 0
}

// significant is the part of s whose numbers take part in the order, empty if
// that is not to be told at a glance.
func significant(s string, r rules) string {
	switch r {
	case rulesAPK, rulesRPMNoEpoch:
		return ""
	case rulesGem:
		return cutPlatform(s)
	case rulesGo:
		s = goVersion(s)
	case rulesComposer:
		if strings.HasSuffix(s, "x-dev") {
			return ""
		}
	case rulesSemver, rulesNuGet:
	default:
		return s
	}
	s, _, _ = strings.Cut(s, "+")
	return s
}

// sameNumbers reports whether a and b hold the same numbers in the same order,
// zeros aside: no rules take two versions for equal that do not. An empty one
// may be any.
func sameNumbers(a, b string) bool {
	if a == "" || b == "" {
		return true
	}
	for a != "" || b != "" {
		var m, n string
		m, a = nextNumber(a)
		n, b = nextNumber(b)
		if m != n {
			return false
		}
	}
	return true
}

// nextNumber is the first number in s that is not zero, without leading zeros.
func nextNumber(s string) (number, rest string) {
	i := 0
	for i < len(s) && (s[i] == '0' || !isDigit(s[i])) {
		i++
	}
	return digits(s[i:])
}

// String is the version as it was given to Parse.
func (v Version) String() string { return v.text }

// IsZero reports whether v is the zero Version.
func (v Version) IsZero() bool { return v.order == nil }

func (v Version) ruleset() rules {
	if v.order == nil {
		return rulesNone
	}
	return v.order.rules()
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return +1
	}
	return 0
}
