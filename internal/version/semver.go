package version

import "strings"

// semver is a semantic version (https://semver.org/spec/v2.0.0.html#spec-item-11)
// with any count of numbers; those that are missing are zero.
type semver struct {
	numbers, pre string // with dots between
	by           rules
}

func parseSemver(s string, by rules) (order, bool) {
	s = strings.TrimPrefix(strings.TrimPrefix(s, "="), "v")
	s, _, _ = strings.Cut(s, "+")
	v := &semver{by: by}
	var pre bool
	v.numbers, v.pre, pre = strings.Cut(s, "-")
	if pre && v.pre == "" {
		return nil, false
	}
	for rest := v.numbers; ; rest = rest[1:] {
		var number string
		number, rest = digits(rest)
		switch {
		case number == "":
			return nil, false
		case rest == "":
			return v, printable(v.pre)
		case rest[0] != '.':
			return nil, false
		}
	}
}

// printable reports whether s is of the letters, digits, hyphens and dots that
// a prerelease may have, or of the few more that registries let pass.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

func (v *semver) rules() rules { return v.by }

func (v *semver) compare(o order) int {
	w := o.(*semver)
	for a, b := v.numbers, w.numbers; a != "" || b != ""; {
		var m, n string
		m, a, _ = strings.Cut(a, ".")
		n, b, _ = strings.Cut(b, ".")
		if c := compareNumbers(m, n); c != 0 {
			return c
		}
	}
	if v.pre == "" || w.pre == "" { // a release is newer than its prereleases
		return sign(len(w.pre) - len(v.pre))
	}
	return comparePrerelease(v.pre, w.pre)
}

func comparePrerelease(a, b string) int {
	for moreA, moreB := true, true; moreA || moreB; {
		if !moreA || !moreB {
			return before(moreB) // the longer is newer
		}
		var x, y string
		x, a, moreA = strings.Cut(a, ".")
		y, b, moreB = strings.Cut(b, ".")
		var c int
		switch m, n := allDigits(x), allDigits(y); {
		case m && n:
			c = compareNumbers(x, y)
		case m || n:
			c = before(m)
		default:
			c = strings.Compare(x, y)
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// goVersion turns what the Go toolchain says of itself ("go1.22rc1",
// "go1.22.3 X:boringcrypto", "go1.22.3-vendor") into a semantic version as the
// Go vulnerability database writes it ("1.22.0-rc.1"). Others it returns as
// they are.
func goVersion(s string) string {
	release, ok := strings.CutPrefix(s, "go")
	if !ok {
		return splitGoPrerelease(s)
	}
	release, _, _ = strings.Cut(release, " ")
	release, _, _ = strings.Cut(release, "-") // what a vendor has added
	return splitGoPrerelease(release)
}

func splitGoPrerelease(s string) string {
	i := 0
	for i < len(s) && (isDigit(s[i]) || s[i] == '.') {
		i++
	}
	word, number := letters(s[i:])
	if i == 0 || word != "rc" && word != "beta" || !allDigits(number) {
		return s
	}
	numbers := s[:i] + strings.Repeat(".0", max(0, 2-strings.Count(s[:i], ".")))
	return numbers + "-" + word + "." + number
}
