package version

import "github.com/google/osv-scalibr/semantic"

// pypi is a version by PEP 440, with what came before it sorted lowest.
type pypi struct{ semantic.PyPIVersion }

func parsePyPI(s string) (order, bool) {
	if !hasDigit(s) {
		return nil, false
	}
	v, err := semantic.ParsePyPIVersion(s)
	return pypi{v}, err == nil
}

func (pypi) rules() rules { return rulesPyPI }

func (v pypi) compare(o order) int {
	c, _ := v.Compare(o.(pypi).PyPIVersion) // fails for other rules only
	return sign(c)
}
