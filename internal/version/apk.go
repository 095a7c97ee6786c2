package version

import "strings"

// apk is a version by apk-package(5):
// number{.number}[letter]{_suffix[number]}[~hash][-r number].
type apk []apkToken

type apkToken struct {
	kind  apkKind
	value string
	rank  int8 // of a suffix
}

type apkKind uint8

// The kinds of tokens. Of two versions that are equal up to a point and go on
// with different kinds, the one with the lower kind is newer.
const (
	apkFirst apkKind = iota // the leading number
	apkNumber
	apkLetter
	apkSuffix
	apkSuffixNumber
	apkHash
	apkRevision
	apkEnd
	apkInvalid // as in 0.8.21.r2, which advisories have
)

// parseAPK takes a version that goes wrong behind its first number, as apk does
// when it compares: what comes before still tells most versions apart.
func parseAPK(s string) (order, bool) {
	number, rest := digits(s)
	if number == "" {
		return nil, false
	}
	v := make(apk, 1, 8)
	v[0] = apkToken{kind: apkFirst, value: number}
	for rest != "" {
		var t apkToken
		t, rest = nextAPK(v[len(v)-1].kind, rest)
		v = append(v, t)
		if t.kind == apkInvalid {
			break
		}
	}
	return v, true
}

// nextAPK reads the token behind one of kind last. One that cannot be there is
// invalid, and what follows it counts for nothing.
func nextAPK(last apkKind, s string) (apkToken, string) {
	c, t := s[0], apkToken{kind: apkInvalid}
	switch {
	case c == '.' && last <= apkNumber:
		if t.value, s = digits(s[1:]); t.value != "" {
			t.kind = apkNumber
		}
	case isDigit(c) && last == apkSuffix:
		t.value, s = digits(s)
		t.kind = apkSuffixNumber
	case 'a' <= c && c <= 'z' && last <= apkNumber:
		t.value, s = s[:1], s[1:]
		t.kind = apkLetter
	case c == '_' && last <= apkSuffixNumber:
		t.value, s = letters(s[1:])
		if t.rank = apkSuffixRank(t.value); t.rank != 0 {
			t.kind = apkSuffix
		}
	case c == '~' && last < apkHash:
		hash := strings.TrimLeft(s[1:], "0123456789abcdef")
		if t.value, s = s[1:len(s)-len(hash)], hash; t.value != "" {
			t.kind = apkHash
		}
	case strings.HasPrefix(s, "-r") && last < apkRevision:
		if t.value, s = digits(s[2:]); t.value != "" {
			t.kind = apkRevision
		}
	}
	return t, s
}

// apkSuffixRank is negative for what comes before the version without a suffix,
// and zero for what is no suffix.
func apkSuffixRank(suffix string) int8 {
	switch suffix {
	case "alpha":
		return -4
	case "beta":
		return -3
	case "pre":
		return -2
	case "rc":
		return -1
	case "cvs":
		return 1
	case "svn":
		return 2
	case "git":
		return 3
	case "hg":
		return 4
	case "p":
		return 5
	}
	return 0
}

func (apk) rules() rules { return rulesAPK }

func (v apk) compare(o order) int {
	w := o.(apk)
	for i := 0; i < len(v) || i < len(w); i++ {
		a, b := v.at(i), w.at(i)
		if a.kind != b.kind {
			switch {
			case a.rank < 0:
				return -1
			case b.rank < 0:
				return +1
			}
			return sign(int(b.kind) - int(a.kind))
		}
		if c := a.compare(b); c != 0 {
			return c
		}
	}
	return 0
}

func (v apk) at(i int) apkToken {
	if i < len(v) {
		return v[i]
	}
	return apkToken{kind: apkEnd}
}

func (a apkToken) compare(b apkToken) int {
	switch a.kind {
	case apkNumber:
		if a.value[0] == '0' || b.value[0] == '0' { // as fractions, like Gentoo
			return strings.Compare(a.value, b.value)
		}
	case apkSuffix:
		return sign(int(a.rank) - int(b.rank))
	case apkLetter, apkHash:
		return strings.Compare(a.value, b.value)
	case apkInvalid:
		return 0
	}
	return compareNumbers(a.value, b.value)
}
