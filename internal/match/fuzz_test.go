package match

import (
	"fmt"
	"testing"

	"github.com/seaworthy-dev/seaworthy"
)

// FuzzMatch holds that no advisory and no installed version makes Match or
// Vulnerabilities fail, that a finding's fix is above the installed version, and
// that an unknown version is never called vulnerable unless it is listed.
func FuzzMatch(f *testing.F) {
	ecosystems := []seaworthy.Ecosystem{
		"Debian:12", "Ubuntu:22.04", "AlmaLinux:9", "SUSE:15", "Alpine:v3.20", "npm", "Go", "crates.io", "RubyGems", "PyPI", "Maven", "NuGet", "Packagist", "x",
	}
	for i := range ecosystems {
		f.Add(uint8(i), "1.0-1", "0", "1.0-2", "2.0", uint16(0x1b), "1.0", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
		f.Add(uint8(i), "", "0", "", "zzz", uint16(0xffff), "", "AV:N/AC:L/Au:N/C:C/I:C/A:C")
		f.Add(uint8(i), "(devel)", "1~", "1..2", "é\x00", uint16(0x0f0f), "(devel)", "CVSS:4.0/")
		f.Add(uint8(i), "1:18.1-1.module_el9+1", "0", "1:18.2-1.module_el9+2", "1:20-1.module_el9+3", uint16(2), "0", "low")
	}
	f.Fuzz(func(t *testing.T, which uint8, installed, a, b, c string, kinds uint16, listed, rating string) {
		e := ecosystems[int(which)%len(ecosystems)]
		r := seaworthy.Range{Type: seaworthy.RangeEcosystem}
		for _, text := range [...]string{a, b, c, a} {
			var event seaworthy.Event
			switch kinds & 3 {
			case 0:
				event.Introduced = text
			case 1:
				event.Fixed = text
			case 2:
				event.LastAffected = text
			case 3:
				event.Limit = text
			}
			kinds >>= 2
			r.Events = append(r.Events, event)
		}
		p := seaworthy.Package{Ecosystem: e, Name: "p", Version: installed}
		var candidates []Candidate
		for i := range 4 {
			entry := seaworthy.Affected{Ecosystem: e, Name: "p", Ranges: []seaworthy.Range{r}}
			if i%2 == 1 {
				entry.Versions = []string{listed}
				entry.Ratings = []seaworthy.Rating{{Source: "x", Type: "CVSS_V2", Value: rating}}
			}
			if kinds>>i&1 == 1 {
				entry.Ecosystem = seaworthy.Ecosystem(fmt.Sprint(ubuntuPro, e.Release()))
			}
			candidates = append(candidates, Candidate{Advisory: fmt.Sprint("A-", i/2), Source: "osv", Affected: entry})
		}
		findings := Match(p, candidates)
		if len(findings) > 2 {
			t.Fatalf("%d findings for 2 advisories", len(findings))
		}
		installedVersion := newComparer(p)
		for _, finding := range findings {
			switch {
			case finding.Fixed != "" && lower(e, finding.Fixed, installedVersion.text):
				t.Fatalf("%q is fixed in %q", installed, finding.Fixed)
			case installedVersion.version.IsZero() && finding.Verdict == seaworthy.Vulnerable && installedVersion.text != listed:
				t.Fatalf("%q, which is no version, is called vulnerable", installed)
			}
		}
		Vulnerabilities(p, findings, map[string]Header{"osv/A-0": {Aliases: []string{a, b, c}, Related: []string{listed}, Summary: rating}}, nil, nil)
	})
}
