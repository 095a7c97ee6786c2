package version

import "strings"

// rpm is [epoch:]version[-release], by rpm-version(7).
type rpm struct {
	epoch, version, release string
	by                      rules
}

func parseRPM(s string, by rules) (order, bool) {
	v := &rpm{version: s, by: by}
	if epoch, rest, ok := strings.Cut(s, ":"); ok {
		if epoch != "(none)" && !allDigits(epoch) {
			return nil, false
		}
		v.epoch, v.version = strings.TrimPrefix(epoch, "(none)"), rest
	}
	if by == rulesRPMNoEpoch {
		v.epoch = ""
	}
	v.version, v.release, _ = strings.Cut(v.version, "-")
	if strings.IndexFunc(v.version, isAlphanumeric) < 0 {
		return nil, false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return nil, false
		}
	}
	return v, true
}

func isAlphanumeric(r rune) bool { return r < 0x80 && (isDigit(byte(r)) || isLetter(byte(r))) }

func (v *rpm) rules() rules { return v.by }

func (v *rpm) compare(o order) int {
	w := o.(*rpm)
	if c := compareNumbers(v.epoch, w.epoch); c != 0 {
		return c
	}
	if c := compareRPMPart(v.version, w.version); c != 0 {
		return c
	}
	if v.release == "" || w.release == "" { // none is before any, even before "~1"
		return sign(len(v.release) - len(w.release))
	}
	return compareRPMPart(v.release, w.release)
}

// compareRPMPart is rpmvercmp: runs of digits and of letters compare one by
// one, "~" sorts before the end and "^" just behind it, all else separates.
func compareRPMPart(a, b string) int {
	for {
		a, b = strings.TrimLeftFunc(a, isRPMSeparator), strings.TrimLeftFunc(b, isRPMSeparator)
		if x, y := startsWith(a, '~'), startsWith(b, '~'); x || y {
			if x != y {
				return before(x)
			}
			a, b = a[1:], b[1:]
			continue
		}
		if x, y := startsWith(a, '^'), startsWith(b, '^'); x || y {
			switch {
			case x && y:
				a, b = a[1:], b[1:]
				continue
			case a == "" || b == "":
				return before(a == "")
			}
			return before(x)
		}
		if a == "" || b == "" {
			return sign(len(a) - len(b))
		}
		if isDigit(a[0]) != isDigit(b[0]) { // a number is newer than a word
			return before(isDigit(b[0]))
		}
		var m, n string
		var c int
		if isDigit(a[0]) {
			m, a = digits(a)
			n, b = digits(b)
			c = compareNumbers(m, n)
		} else {
			m, a = letters(a)
			n, b = letters(b)
			c = strings.Compare(m, n)
		}
		if c != 0 {
			return c
		}
	}
}

func isRPMSeparator(r rune) bool { return r != '~' && r != '^' && !isAlphanumeric(r) }

func startsWith(s string, c byte) bool { return s != "" && s[0] == c }

// before is the comparison of two things of which the first is before the other
// if first, and behind it if not.
func before(first bool) int {
	if first {
		return -1
	}
	return +1
}

func letters(s string) (word, rest string) {
	i := 0
	for i < len(s) && isLetter(s[i]) {
		i++
	}
	return s[:i], s[i:]
}
