package version

import "strings"

// dpkg is a version by deb-version(7).
type dpkg struct{ epoch, upstream, revision string }

// parseDpkg is as lax as dpkg is on versions that are already installed: it
// takes an upstream version that does not begin with a digit.
func parseDpkg(s string) (order, bool) {
	v := &dpkg{upstream: s}
	if epoch, rest, ok := strings.Cut(s, ":"); ok {
		if !allDigits(epoch) {
			return nil, false
		}
		v.epoch, v.upstream = epoch, rest
	}
	if i := strings.LastIndexByte(v.upstream, '-'); i >= 0 {
		v.upstream, v.revision = v.upstream[:i], v.upstream[i+1:]
	}
	if v.upstream == "" || !isDigit(v.upstream[0]) && !isLetter(v.upstream[0]) {
		return nil, false
	}
	for i := range len(s) {
		if c := s[i]; !isDigit(c) && !isLetter(c) && strings.IndexByte(".+-~:_", c) < 0 {
			return nil, false
		}
	}
	return v, true
}

func (*dpkg) rules() rules { return rulesDpkg }

func (v *dpkg) compare(o order) int {
	w := o.(*dpkg)
	if c := compareNumbers(v.epoch, w.epoch); c != 0 {
		return c
	}
	if c := compareDpkgPart(v.upstream, w.upstream); c != 0 {
		return c
	}
	return compareDpkgPart(v.revision, w.revision)
}

// compareDpkgPart compares runs of non-digits and of digits by turns.
func compareDpkgPart(a, b string) int {
	for a != "" || b != "" {
		for a != "" && !isDigit(a[0]) || b != "" && !isDigit(b[0]) {
			if c := dpkgWeight(a) - dpkgWeight(b); c != 0 {
				return sign(c)
			}
			a, b = a[1:], b[1:]
		}
		var m, n string
		m, a = digits(a)
		n, b = digits(b)
		if c := compareNumbers(m, n); c != 0 {
			return c
		}
	}
	return 0
}

// dpkgWeight is the rank of the first character of s: "~" is before the end,
// the end (and a digit) before letters, and letters before the rest.
func dpkgWeight(s string) int {
	switch {
	case s == "" || isDigit(s[0]):
		return 0
	case s[0] == '~':
		return -1
	case isLetter(s[0]):
		return int(s[0])
	}
	return int(s[0]) + 256
}
