package assess_test

import (
	"testing"

	"github.com/seaworthy-dev/seaworthy"
)

// What advisories say anew shows on images that are known, and no blob is read
// for it.
func TestAdvisoriesChangeBetweenRuns(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	axios := about("GHSA-aaaa-aaaa-aaaa", "axios", "0.21.2")
	minimist := about("GHSA-bbbb-bbbb-bbbb", "minimist", "1.2.6")
	lodash := about("GHSA-cccc-cccc-cccc", "lodash", "4.17.21") // the image has the fixed one
	narrowed := about("GHSA-bbbb-bbbb-bbbb", "minimist", "1.2.5")
	withdrawn := axios
	withdrawn.Withdrawn = now
	later := func(a seaworthy.Advisory) seaworthy.Advisory {
		a.Modified = now.AddDate(0, 0, 1)
		return a
	}
	l.good(t, "node-app")
	l.reads.take()
	for _, step := range []struct {
		what    string
		records []seaworthy.Advisory
		want    []string
	}{
		{"none", nil, nil},
		{"the first", []seaworthy.Advisory{axios, lodash}, []string{"axios GHSA-aaaa-aaaa-aaaa"}},
		{"another", []seaworthy.Advisory{axios, minimist}, []string{"axios GHSA-aaaa-aaaa-aaaa", "minimist GHSA-bbbb-bbbb-bbbb"}},
		{"one withdrawn", []seaworthy.Advisory{later(withdrawn), minimist}, []string{"minimist GHSA-bbbb-bbbb-bbbb"}},
		{"one that was narrowed", []seaworthy.Advisory{later(narrowed)}, nil},
		{"one that is back", []seaworthy.Advisory{later(axios)}, []string{"axios GHSA-aaaa-aaaa-aaaa"}},
		{"one that was removed", nil, nil},
	} {
		advise(t, l.store, step.records...)
		a := l.good(t, "node-app")[0]
		diff(t, "findings with "+step.what, step.want, ids(a))
		_, manifests, blobs := l.reads.take()
		diff(t, "manifests read with "+step.what, once(), manifests)
		diff(t, "blobs read with "+step.what, once(), blobs)
	}
}

// Where there are no advisories, that is said: no findings mean nothing there.
func TestMissingAdvisoriesAreGaps(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	gaps := func() map[string]bool {
		said := map[string]bool{}
		for _, g := range l.good(t, "node-app")[0].Inventory.Gaps {
			if g.Kind == seaworthy.GapAdvisories {
				said[g.Reason] = true
			}
		}
		return said
	}
	debian := "no advisories for Debian yet: run seaworthy advisories update"
	diff(t, "gaps", map[string]bool{debian: true, "no advisories for npm yet: run seaworthy advisories update": true}, gaps())
	advise(t, l.store, about("GHSA-aaaa-aaaa-aaaa", "left-pad", "9.0.0"))
	diff(t, "gaps with advisories of npm", map[string]bool{debian: true}, gaps())
}
