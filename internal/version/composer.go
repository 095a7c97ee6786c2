package version

import "strings"

// composer is a version as composer/semver normalises it, in the tokens of
// PHP's version_compare: four numbers, then a stability with its numbers, then
// perhaps "dev".
type composer []composerToken

type composerToken struct {
	rank   composerRank
	number string
}

type composerRank uint8

const (
	composerDev composerRank = iota
	composerAlpha
	composerBeta
	composerRC
	composerEnd
	composerNumber
	composerPatch
)

// composerBranch stands for the x of "1.x-dev": a branch is newer than all
// versions made from it.
const composerBranch = "9999999"

func parseComposer(s string) (order, bool) {
	s = strings.TrimPrefix(strings.ToLower(s), "v")
	s, _, _ = strings.Cut(s, "+")
	base, branch := strings.CutSuffix(s, ".x-dev")
	missing := ""
	if branch {
		s, missing = base+"-dev", composerBranch
	}
	v := make(composer, 0, 6)
	for {
		number, rest := digits(s)
		if number == "" || len(v) == 4 {
			return nil, false
		}
		v, s = append(v, composerToken{composerNumber, number}), rest
		if !startsWith(s, '.') || len(s) < 2 || !isDigit(s[1]) {
			break
		}
		s = s[1:]
	}
	for len(v) < 4 {
		v = append(v, composerToken{composerNumber, missing})
	}
	return v.stability(s)
}

func (v composer) stability(s string) (order, bool) {
	s, dev := strings.CutSuffix(s, "dev")
	if dev {
		s = strings.TrimRight(s, ".-")
	}
	if s != "" && strings.IndexByte("._-", s[0]) >= 0 {
		s = s[1:]
	}
	word, count := letters(s)
	rank := composerNumber
	switch word {
	case "", "stable":
		rank = composerEnd
	case "alpha", "a":
		rank = composerAlpha
	case "beta", "b":
		rank = composerBeta
	case "rc":
		rank = composerRC
	case "patch", "pl", "p":
		rank = composerPatch
	}
	if rank == composerNumber || word == "" && count != "" {
		return nil, false
	}
	if word != "" && word != "stable" {
		v = append(v, composerToken{rank: rank})
		for rest := count; rest != ""; {
			var number string
			if number, rest = digits(strings.TrimLeft(rest, ".-")); number == "" {
				return nil, false
			}
			v = append(v, composerToken{composerNumber, number})
		}
	}
	if dev {
		v = append(v, composerToken{rank: composerDev})
	}
	return v, true
}

func (composer) rules() rules { return rulesComposer }

func (v composer) compare(o order) int {
	w := o.(composer)
	for i := 0; i < len(v) || i < len(w); i++ {
		a, b := v.at(i), w.at(i)
		if a.rank != b.rank {
			return sign(int(a.rank) - int(b.rank))
		}
		if c := compareNumbers(a.number, b.number); c != 0 {
			return c
		}
	}
	return 0
}

func (v composer) at(i int) composerToken {
	if i < len(v) {
		return v[i]
	}
	return composerToken{rank: composerEnd}
}
