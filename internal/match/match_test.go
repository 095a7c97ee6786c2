package match

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seaworthy-dev/seaworthy"
)

// span is an ECOSYSTEM range from "introduced, fixed" pairs; a pair's second may
// be empty.
func span(pairs ...string) seaworthy.Range {
	r := seaworthy.Range{Type: seaworthy.RangeEcosystem}
	for i, v := range pairs {
		switch {
		case i%2 == 0:
			r.Events = append(r.Events, seaworthy.Event{Introduced: v})
		case v != "":
			r.Events = append(r.Events, seaworthy.Event{Fixed: v})
		}
	}
	return r
}

func events(e ...seaworthy.Event) seaworthy.Range {
	return seaworthy.Range{Type: seaworthy.RangeEcosystem, Events: e}
}

func entry(e seaworthy.Ecosystem, name string, ranges ...seaworthy.Range) seaworthy.Affected {
	return seaworthy.Affected{Ecosystem: e, Name: name, Ranges: ranges}
}

func listing(e seaworthy.Ecosystem, name string, versions ...string) seaworthy.Affected {
	return seaworthy.Affected{Ecosystem: e, Name: name, Versions: versions}
}

func language(e seaworthy.Ecosystem, version string) seaworthy.Package {
	return seaworthy.Package{Ecosystem: e, Name: "p", Version: version}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	type want struct {
		verdict      seaworthy.Verdict
		fixed        string
		subscription bool
	}
	vulnerable := func(fixed string) want { return want{seaworthy.Vulnerable, fixed, false} }
	unaffected, undecided := want{}, want{verdict: seaworthy.Undecided}
	binary := seaworthy.Package{Ecosystem: "Debian:12", Name: "libssl3", Version: "3.0.9-1+b1", Source: "openssl", SourceVersion: "3.0.9-1"}
	jammy := seaworthy.Package{Ecosystem: "Ubuntu:22.04", Name: "libfoo1", Version: "1.0-1", Source: "foo", SourceVersion: "1.0-1"}
	jammyPatched := jammy
	jammyPatched.Version, jammyPatched.SourceVersion = "1.0-1+esm1", "1.0-1+esm1"
	const proJammy = "Ubuntu:Pro:22.04"
	git := seaworthy.Range{Type: seaworthy.RangeGit, Events: []seaworthy.Event{{Introduced: "0"}, {Fixed: "a4d08fd2ade1cfd0ef2c29dc221e649345f23580"}}}
	semver := span("0", "2.0.0")
	semver.Type = seaworthy.RangeSemver
	restricted := entry("Ubuntu:22.04", "foo", span("0", "1.0-2"))
	restricted.Binaries = []string{"foo-bin", "foo-tools"}
	restrictedToOurs := entry("Ubuntu:22.04", "foo", span("0", "1.0-2"))
	restrictedToOurs.Binaries = []string{"foo-bin", "libfoo1"}

	tests := []struct {
		name    string
		pkg     seaworthy.Package
		entries []seaworthy.Affected
		want    want
	}{
		// Rule 1: ecosystem, release and name.
		{"same release", binary, []seaworthy.Affected{entry("Debian:12", "openssl", span("0", "3.0.11-1"))}, vulnerable("3.0.11-1")},
		{"another release", binary, []seaworthy.Affected{entry("Debian:11", "openssl", span("0", ""))}, unaffected},
		{"a bare distribution equals no release", binary, []seaworthy.Affected{entry("Debian", "openssl", span("0", ""))}, unaffected},
		{"no ecosystem", binary, []seaworthy.Affected{entry("", "openssl", span("0", ""))}, unaffected},
		{"the binary's name is not the source's", binary, []seaworthy.Affected{entry("Debian:12", "libssl3", span("0", ""))}, unaffected},
		{"the source's version counts, not the rebuild's", binary, []seaworthy.Affected{entry("Debian:12", "openssl", span("0", "3.0.9-1"))}, unaffected},
		{"a name in its canonical form", seaworthy.Package{Ecosystem: "PyPI", Name: "Flask_Cors", Version: "1"}, []seaworthy.Affected{entry("PyPI", "flask-cors", span("0", "2"))}, vulnerable("2")},

		// Rule 2: versions and ranges are ORed, versions compare parsed.
		{"listed", language("PyPI", "1.0"), []seaworthy.Affected{listing("PyPI", "p", "0.9", "1.0")}, vulnerable("")},
		{"listed in another spelling", language("PyPI", "1.0"), []seaworthy.Affected{listing("PyPI", "p", "1.0.0")}, vulnerable("")},
		{"not listed", language("PyPI", "1.1"), []seaworthy.Affected{listing("PyPI", "p", "1.0", "1.11")}, unaffected},
		{"listed, though no range has it", language("PyPI", "3.0"), []seaworthy.Affected{{Ecosystem: "PyPI", Name: "p", Versions: []string{"3.0"}, Ranges: []seaworthy.Range{span("0", "2.0")}}}, vulnerable("")},
		{"in a range, though not listed", language("PyPI", "1.5"), []seaworthy.Affected{{Ecosystem: "PyPI", Name: "p", Versions: []string{"1.0"}, Ranges: []seaworthy.Range{span("0", "2.0")}}}, vulnerable("2.0")},
		{"second range", language("npm", "6.5.0"), []seaworthy.Affected{entry("npm", "p", span("0", "5.28.4"), span("6.0.0", "6.11.1"))}, vulnerable("6.11.1")},
		{"second entry", language("npm", "6.5.0"), []seaworthy.Affected{entry("npm", "p", span("0", "5.28.4")), entry("npm", "p", span("6.0.0", "6.11.1"))}, vulnerable("6.11.1")},
		{"between ranges", language("npm", "5.28.4"), []seaworthy.Affected{entry("npm", "p", span("0", "5.28.4")), entry("npm", "p", span("6.0.0", "6.11.1"))}, unaffected},
		{"several intervals in one range", language("Go", "v1.21.5"), []seaworthy.Affected{entry("Go", "p", span("0", "1.20.10", "1.21.0-0", "1.21.6", "1.22.0-0", "1.22.1"))}, vulnerable("1.21.6")},
		{"a Git range is passed over", language("PyPI", "1.0"), []seaworthy.Affected{entry("PyPI", "p", git, span("0", "2.0"))}, vulnerable("2.0")},
		{"a Git range alone decides nothing", language("PyPI", "1.0"), []seaworthy.Affected{entry("PyPI", "p", git)}, unaffected},
		{"a range of an unknown type", language("PyPI", "1.0"), []seaworthy.Affected{entry("PyPI", "p", seaworthy.Range{Type: "NEW", Events: []seaworthy.Event{{Introduced: "0"}}})}, unaffected},
		{"SEMVER in npm", language("npm", "2.0.0-rc.1"), []seaworthy.Affected{entry("npm", "p", semver)}, vulnerable("2.0.0")},
		{"SEMVER by the ecosystem's order", language("RubyGems", "2.0.0.rc1"), []seaworthy.Affected{entry("RubyGems", "p", semver)}, vulnerable("2.0.0")},

		// Rule 3: intervals.
		{"fixed is exclusive", language("npm", "2.0.0"), []seaworthy.Affected{entry("npm", "p", span("0", "2.0.0"))}, unaffected},
		{"introduced is inclusive", language("npm", "1.0.0"), []seaworthy.Affected{entry("npm", "p", span("1.0.0", "2.0.0"))}, vulnerable("2.0.0")},
		{"before introduced", language("npm", "0.9.9"), []seaworthy.Affected{entry("npm", "p", span("1.0.0", "2.0.0"))}, unaffected},
		{"last affected is inclusive", language("npm", "1.5.0"), []seaworthy.Affected{entry("npm", "p", events(seaworthy.Event{Introduced: "0"}, seaworthy.Event{LastAffected: "1.5.0"}))}, vulnerable("")},
		{"behind last affected", language("npm", "1.5.1"), []seaworthy.Affected{entry("npm", "p", events(seaworthy.Event{Introduced: "0"}, seaworthy.Event{LastAffected: "1.5.0"}))}, unaffected},
		{"last affected is the first too", language("npm", "1.5.0"), []seaworthy.Affected{entry("npm", "p", events(seaworthy.Event{Introduced: "1.5.0"}, seaworthy.Event{LastAffected: "1.5.0"}))}, vulnerable("")},
		{"never fixed", language("npm", "99.0.0"), []seaworthy.Affected{entry("npm", "p", span("0", ""))}, vulnerable("")},
		{"introduced 0 is below 0~", seaworthy.Package{Ecosystem: "Debian:12", Name: "p", Version: "0~git1-1"}, []seaworthy.Affected{entry("Debian:12", "p", span("0", "1"))}, vulnerable("1")},
		{"introduced 0 is below prereleases", language("npm", "0.0.0-alpha"), []seaworthy.Affected{entry("npm", "p", span("0", "1.0.0"))}, vulnerable("1.0.0")},
		{"introduced 0 is below legacy versions", language("PyPI", "legacy-1"), []seaworthy.Affected{entry("PyPI", "p", span("0", "1.0"))}, vulnerable("1.0")},
		{"fixed 0 is nobody's", language("npm", "1.0.0"), []seaworthy.Affected{entry("npm", "p", span("0", "0"))}, unaffected},
		{"events out of order", language("npm", "2.5.0"), []seaworthy.Affected{entry("npm", "p", events(
			seaworthy.Event{Fixed: "3.0.0"}, seaworthy.Event{Introduced: "2.0.0"}, seaworthy.Event{Fixed: "1.5.0"}, seaworthy.Event{Introduced: "0"}))}, vulnerable("3.0.0")},
		{"events out of order, between", language("npm", "1.7.0"), []seaworthy.Affected{entry("npm", "p", events(
			seaworthy.Event{Fixed: "3.0.0"}, seaworthy.Event{Introduced: "2.0.0"}, seaworthy.Event{Fixed: "1.5.0"}, seaworthy.Event{Introduced: "0"}))}, unaffected},
		{"sorted as versions, not as text", language("npm", "10.0.0"), []seaworthy.Affected{entry("npm", "p", span("9.0.0", "11.0.0"))}, vulnerable("11.0.0")},
		{"a tie: introduced, then fixed", language("npm", "1.0.0"), []seaworthy.Affected{entry("npm", "p", events(seaworthy.Event{Fixed: "1.0.0"}, seaworthy.Event{Introduced: "1.0.0"}))}, unaffected},
		{"a tie in that order", language("npm", "1.0.0"), []seaworthy.Affected{entry("npm", "p", span("1.0.0", "1.0.0"))}, unaffected},
		{"a tie: last affected, then fixed", language("npm", "1.0.0"), []seaworthy.Affected{entry("npm", "p", events(
			seaworthy.Event{Introduced: "0"}, seaworthy.Event{Fixed: "1.0.0"}, seaworthy.Event{LastAffected: "1.0.0"}))}, unaffected},
		{"a limit is for commits", language("npm", "3.0.0"), []seaworthy.Affected{entry("npm", "p", events(seaworthy.Event{Introduced: "0"}, seaworthy.Event{Limit: "2.0.0"}))}, vulnerable("")},
		{"Go prereleases by introduced -0", language("Go", "1.22.0-rc.1"), []seaworthy.Affected{entry("Go", "p", span("1.22.0-0", "1.22.1"))}, vulnerable("1.22.1")},
		{"Go release candidates have the database's order", seaworthy.Package{Ecosystem: "Go", Name: "stdlib", Version: "go1.27rc1"},
			[]seaworthy.Affected{entry("Go", "stdlib", span("1.27.0-0", "1.27.0-rc.3"))}, vulnerable("1.27.0-rc.3")},

		// Rule 4: what cannot be read.
		{"an unreadable fixed is passed over", language("npm", "1.0.0"), []seaworthy.Affected{entry("npm", "p", span("0", "soon"))}, vulnerable("")},
		{"an unreadable introduced is passed over", language("npm", "1.5.0"), []seaworthy.Affected{entry("npm", "p", span("?", "1.0.0", "1.2.0", "2.0.0"))}, vulnerable("2.0.0")},
		{"an empty event", language("npm", "1.5.0"), []seaworthy.Affected{entry("npm", "p", events(seaworthy.Event{}, seaworthy.Event{Introduced: "0"}))}, vulnerable("")},
		{"neither ranges nor versions", language("npm", "1.0.0"), []seaworthy.Affected{entry("npm", "p")}, unaffected},
		{"a range without events", language("npm", "1.0.0"), []seaworthy.Affected{entry("npm", "p", events())}, unaffected},

		// Rule 5: unknown installed versions.
		{"no version", language("npm", ""), []seaworthy.Affected{entry("npm", "p", span("0", "1.0.0"))}, undecided},
		{"no version, never fixed", language("npm", ""), []seaworthy.Affected{entry("npm", "p", span("0", ""))}, undecided},
		{"no version, listed", language("npm", ""), []seaworthy.Affected{listing("npm", "p", "1.0.0", "")}, undecided},
		{"(devel)", language("Go", "(devel)"), []seaworthy.Affected{entry("Go", "p", span("0", "1.0.0"))}, undecided},
		{"a branch", language("Packagist", "dev-main"), []seaworthy.Affected{entry("Packagist", "p", span("0", "1.0.0"))}, undecided},
		{"an unreadable version that is listed as it is", language("Packagist", "dev-main"), []seaworthy.Affected{listing("Packagist", "p", "dev-main")}, vulnerable("")},
		{"no version, nothing to compare with", language("npm", ""), []seaworthy.Affected{entry("npm", "p"), entry("npm", "p", git)}, unaffected},
		{"no version, another name", language("npm", ""), []seaworthy.Affected{entry("npm", "q", span("0", ""))}, unaffected},

		// Fixed.
		{"the fix of the same branch", language("npm", "1.1.0"), []seaworthy.Affected{entry("npm", "p", span("1.0.0", "1.2.0"), span("2.0.0", "2.3.0"))}, vulnerable("1.2.0")},
		{"no fix on this branch", language("npm", "1.1.0"), []seaworthy.Affected{entry("npm", "p", events(
			seaworthy.Event{Introduced: "1.0.0"}, seaworthy.Event{LastAffected: "1.9.9"}, seaworthy.Event{Introduced: "2.0.0"}, seaworthy.Event{Fixed: "2.3.0"}))}, vulnerable("")},
		{"a fix that another range calls affected is none", language("npm", "1.1.0"), []seaworthy.Affected{entry("npm", "p", span("0", "1.2.0"), span("0", "1.4.0"))}, vulnerable("1.4.0")},

		// Ubuntu.
		{"not one of the affected binaries", jammy, []seaworthy.Affected{restricted}, unaffected},
		{"one of the affected binaries", jammy, []seaworthy.Affected{restrictedToOurs}, vulnerable("1.0-2")},
		{"Pro has the only fix", jammy, []seaworthy.Affected{entry("Ubuntu:22.04", "foo", span("0", "")), entry(proJammy, "foo", span("0", "1.0-1+esm1"))}, want{seaworthy.Vulnerable, "1.0-1+esm1", true}},
		{"Pro alone speaks of it", jammy, []seaworthy.Affected{entry(proJammy, "foo", span("0", "1.0-1+esm1"))}, want{seaworthy.Vulnerable, "1.0-1+esm1", true}},
		{"Pro has no fix either", jammy, []seaworthy.Affected{entry("Ubuntu:22.04", "foo", span("0", "")), entry(proJammy, "foo", span("0", ""))}, vulnerable("")},
		{"a fix for all is better", jammy, []seaworthy.Affected{entry(proJammy, "foo", span("0", "1.0-1+esm1")), entry("Ubuntu:22.04", "foo", span("0", "1.0-2"))}, vulnerable("1.0-2")},
		{"Pro's fix is installed", jammyPatched, []seaworthy.Affected{entry("Ubuntu:22.04", "foo", span("0", "")), entry(proJammy, "foo", span("0", "1.0-1+esm1"))}, unaffected},
		{"fixed for all, open in Pro", jammy, []seaworthy.Affected{entry("Ubuntu:22.04", "foo", span("0", "1.0-1")), entry(proJammy, "foo", span("0", ""))}, unaffected},
		{"Pro of another release", jammy, []seaworthy.Affected{entry("Ubuntu:Pro:20.04", "foo", span("0", ""))}, unaffected},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var candidates []Candidate
			for _, a := range tt.entries {
				candidates = append(candidates, Candidate{Advisory: "A-1", Source: "osv", Affected: a})
			}
			var got want
			switch findings := Match(tt.pkg, candidates); len(findings) {
			case 0:
			case 1:
				got = want{findings[0].Verdict, findings[0].Fixed, findings[0].Subscription}
			default:
				t.Fatalf("%d findings for one advisory", len(findings))
			}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestMatchRPM(t *testing.T) {
	t.Parallel()
	const (
		fix18 = "1:18.18.2-2.module_el9.2.0+43+3ebc9e20"
		fix20 = "1:20.11.1-1.module_el9.3.0+88+29afeaa2"
	)
	modular := func(fixed, module string) seaworthy.Affected {
		a := entry("AlmaLinux:9", "nodejs", span("0", fixed))
		if module != "" {
			a.Modules = []string{module}
		}
		return a
	}
	node := func(version, module string) seaworthy.Package {
		return seaworthy.Package{Ecosystem: "AlmaLinux:9", Name: "nodejs", Version: version, Module: module}
	}
	tests := []struct {
		name    string
		pkg     seaworthy.Package
		entries []seaworthy.Affected
		fixed   string // "" is no finding
	}{
		{"the binary's name", seaworthy.Package{Ecosystem: "AlmaLinux:9", Name: "openssl-libs", Source: "openssl", Version: "1:3.0.7-24.el9"},
			[]seaworthy.Affected{entry("AlmaLinux:9", "openssl-libs", span("0", "1:3.0.7-25.el9_3"))}, "1:3.0.7-25.el9_3"},
		{"the epoch counts", seaworthy.Package{Ecosystem: "AlmaLinux:9", Name: "p", Version: "1:3.0-1.el9"},
			[]seaworthy.Affected{entry("AlmaLinux:9", "p", span("0", "4.0-1.el9"))}, ""},
		{"no epoch is zero", seaworthy.Package{Ecosystem: "Rocky Linux:9", Name: "p", Version: "3.0-1.el9"},
			[]seaworthy.Affected{entry("Rocky Linux:9", "p", span("0", "0:3.0-2.el9"))}, "0:3.0-2.el9"},
		{"SUSE's advisories have no epoch", seaworthy.Package{Ecosystem: "SUSE:Linux Enterprise Server 15 SP5", Name: "p", Version: "1:3.0-1"},
			[]seaworthy.Affected{entry("SUSE:Linux Enterprise Server 15 SP5", "p", span("0", "3.0-2"))}, "3.0-2"},
		{"openSUSE's neither", seaworthy.Package{Ecosystem: "openSUSE:Leap 15.5", Name: "p", Version: "1:3.0-2"},
			[]seaworthy.Affected{entry("openSUSE:Leap 15.5", "p", span("0", "3.0-2"))}, ""},
		{"modular advisory, package of no module", node("1:16.20.2-8.el9_4", ""), []seaworthy.Affected{modular(fix18, "nodejs:18")}, ""},
		{"modular advisory without a stream, package of no module", node("1:16.20.2-8.el9_4", ""), []seaworthy.Affected{modular(fix18, "")}, ""},
		{"advisory of no module, modular package", node("1:18.17.1-1.module_el9.2.0+36+853e48f5", "nodejs:18"),
			[]seaworthy.Affected{modular("1:22.0.0-1.el9", "")}, ""},
		{"same stream", node("1:18.17.1-1.module_el9.2.0+36+853e48f5", "nodejs:18"), []seaworthy.Affected{modular(fix18, "nodejs:18")}, fix18},
		{"same stream, with its version and context", node("1:18.17.1-1.module_el9.2.0+36+853e48f5", "nodejs:18:9020020230825:rhel9"),
			[]seaworthy.Affected{modular(fix18, "nodejs:18")}, fix18},
		{"another stream", node("1:18.17.1-1.module_el9.2.0+36+853e48f5", "nodejs:18"), []seaworthy.Affected{modular(fix20, "nodejs:20")}, ""},
		{"the advisory's stream is unknown", node("1:18.17.1-1.module_el9.2.0+36+853e48f5", "nodejs:18"), []seaworthy.Affected{modular(fix18, "")}, fix18},
		{"the package's stream is unknown, its release is modular", node("1:18.17.1-1.module_el9.2.0+36+853e48f5", ""),
			[]seaworthy.Affected{modular(fix18, "nodejs:18")}, fix18},
		{"Red Hat's spelling of modular releases", seaworthy.Package{Ecosystem: "Red Hat:8", Name: "nodejs", Version: "1:10.1-1.el8"},
			[]seaworthy.Affected{entry("Red Hat:8", "nodejs", span("0", "1:12.1-1.module+el8.1.0+3369+37ae6a45"))}, ""},
		{"one of several builds of the fix is installed", seaworthy.Package{Ecosystem: "AlmaLinux:8", Name: "thunderbird", Version: "91.3.0-2.el8_4.alma"},
			[]seaworthy.Affected{entry("AlmaLinux:8", "thunderbird", span("0", "91.3.0-2.el8_4.alma.plus")), entry("AlmaLinux:8", "thunderbird", span("0", "91.3.0-2.el8_4.alma"))}, ""},
		{"below all builds of the fix", seaworthy.Package{Ecosystem: "AlmaLinux:8", Name: "thunderbird", Version: "91.2.0-1.el8_4.alma"},
			[]seaworthy.Affected{entry("AlmaLinux:8", "thunderbird", span("0", "91.3.0-2.el8_4.alma.plus")), entry("AlmaLinux:8", "thunderbird", span("0", "91.3.0-2.el8_4.alma"))}, "91.3.0-2.el8_4.alma"},
		{"entries of other shapes are ORed", seaworthy.Package{Ecosystem: "AlmaLinux:8", Name: "p", Version: "2.0-1"},
			[]seaworthy.Affected{entry("AlmaLinux:8", "p", span("0", "1.0-1")), entry("AlmaLinux:8", "p", span("1.5-1", "3.0-1"))}, "3.0-1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var candidates []Candidate
			for _, a := range tt.entries {
				candidates = append(candidates, Candidate{Advisory: "ALSA-1", Source: "osv", Affected: a})
			}
			findings := Match(tt.pkg, candidates)
			if tt.fixed == "" {
				if len(findings) > 0 {
					t.Errorf("got %+v, want no finding", findings)
				}
				return
			}
			if len(findings) != 1 || findings[0].Fixed != tt.fixed || findings[0].Verdict != seaworthy.Vulnerable {
				t.Errorf("got %+v, want one finding fixed in %s", findings, tt.fixed)
			}
		})
	}
}

// TestMatchTakesTheMatchedEntry holds that urgency and ratings are those of our
// release and version, and that findings come sorted, one for each advisory.
func TestMatchTakesTheMatchedEntry(t *testing.T) {
	t.Parallel()
	p := seaworthy.Package{Ecosystem: "Debian:12", Name: "p", Version: "1-1", Source: "p", SourceVersion: "1-1"}
	other, ours, past := entry("Debian:11", "p", span("0", "")), entry("Debian:12", "p", span("0", "2-1")), entry("Debian:12", "p", span("0", "0.5-1"))
	other.Urgency, ours.Urgency, past.Urgency = "unimportant", "high", "low"
	ours.Ratings = []seaworthy.Rating{{Source: "NVD", Type: "CVSS_V3", Value: "x"}}
	got := Match(p, []Candidate{
		{"B", "osv", past}, {"A", "zzz", ours}, {"B", "osv", other}, {"A", "osv", ours}, {"B", "osv", ours}, {"C", "osv", other}, {"A", "osv", ours},
	})
	finding := seaworthy.Finding{Advisory: "A", Source: "osv", Verdict: seaworthy.Vulnerable, Fixed: "2-1", Urgency: "high", Ratings: ours.Ratings}
	want := []seaworthy.Finding{finding, finding, finding}
	want[1].Advisory, want[2].Source = "B", "zzz"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pkg  seaworthy.Package
		want []Key
	}{
		{seaworthy.Package{Ecosystem: "Debian:12", Name: "libc6", Source: "glibc"}, []Key{{"Debian:12", "glibc"}}},
		{seaworthy.Package{Ecosystem: "Ubuntu:22.04", Name: "libc6", Source: "glibc"}, []Key{{"Ubuntu:22.04", "glibc"}, {"Ubuntu:Pro:22.04", "glibc"}}},
		{seaworthy.Package{Ecosystem: "Ubuntu:Pro:22.04", Name: "bash"}, []Key{{"Ubuntu:Pro:22.04", "bash"}}},
		{seaworthy.Package{Ecosystem: "Ubuntu", Name: "bash"}, []Key{{"Ubuntu", "bash"}}},
		{seaworthy.Package{Ecosystem: "PyPI", Name: "Flask_Cors"}, []Key{{"PyPI", "flask-cors"}}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, Keys(tt.pkg)); diff != "" {
			t.Errorf("Keys(%v) (-want +got):\n%s", tt.pkg, diff)
		}
	}
}

func TestConcernsIsTheInverseOfKeys(t *testing.T) {
	t.Parallel()
	for _, p := range []seaworthy.Package{
		{Ecosystem: "Ubuntu:22.04", Name: "a", Version: "1", Source: "a", SourceVersion: "1"},
		{Ecosystem: "Debian:12", Name: "a", Version: "1", Source: "a", SourceVersion: "1"},
		{Ecosystem: "npm", Name: "a", Version: "1"},
	} {
		for _, key := range Keys(p) {
			if !slices.Contains(Concerns(key.Ecosystem), p.Ecosystem) {
				t.Errorf("an advisory for %s is looked up for %s, yet Concerns gives %v", key.Ecosystem, p.Ecosystem, Concerns(key.Ecosystem))
			}
		}
	}
}
