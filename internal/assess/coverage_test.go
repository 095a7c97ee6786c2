package assess

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seaworthy-dev/seaworthy"
)

// Absence of findings is an answer only where advisories speak of the release.
func TestUnadvised(t *testing.T) {
	t.Parallel()
	k := knowledge{
		feeds: []seaworthy.Feed{
			{Source: "osv", Ecosystem: "Debian", Records: 40000},
			{Source: "osv", Ecosystem: "npm", Records: 5, Partial: true},
			{Source: "osv", Ecosystem: "PyPI", Records: 2000},
			{Source: "kev", Records: 1400},
		},
		covered: map[seaworthy.Ecosystem]bool{"Debian:12": true, "npm": true, "PyPI": true},
	}
	for _, tc := range []struct {
		ecosystem seaworthy.Ecosystem
		want      seaworthy.GapKind
	}{
		{"Debian:12", ""},
		{"Debian:99", seaworthy.GapAdvisories},
		{"Debian:6", seaworthy.GapAdvisories},
		{"npm", seaworthy.GapPartial},
		{"PyPI", ""},
		{"Go", seaworthy.GapAdvisories},
		{"Fedora:40", seaworthy.GapAdvisories},
		{"dpkg", ""}, // the merge says that the distribution is unknown
	} {
		var got seaworthy.GapKind
		for _, g := range k.unadvised(map[seaworthy.Ecosystem]bool{tc.ecosystem: true}) {
			got = g.Kind
			if g.Ecosystem != tc.ecosystem || g.Layer != -1 || g.Reason == "" {
				t.Errorf("%s: the gap is %+v", tc.ecosystem, g)
			}
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.ecosystem, diff)
		}
	}
}
