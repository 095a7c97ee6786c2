package match

import (
	"fmt"
	"testing"

	"github.com/seaworthy-dev/seaworthy"
)

// BenchmarkMatch compares one package with 1000 advisories of one interval each,
// half of them fixed.
func BenchmarkMatch(b *testing.B) {
	for _, bb := range []struct {
		ecosystem seaworthy.Ecosystem
		installed string
		fixed     string // with one verb, the number of the advisory
	}{
		{"Debian:12", "3.0.500-1~deb12u2", "3.0.%d-1~deb12u1"},
		{"AlmaLinux:9", "1:3.0.500-1.el9_3", "1:3.0.%d-1.el9_3"},
		{"Alpine:v3.20", "3.0.500-r1", "3.0.%d-r0"},
		{"npm", "3.0.500", "3.0.%d"},
		{"RubyGems", "3.0.500", "3.0.%d"},
		{"PyPI", "3.0.500", "3.0.%d"},
		{"Go", "v3.0.500", "3.0.%d"},
		{"Maven", "3.0.500", "3.0.%d.Final"},
		{"Packagist", "v3.0.500", "3.0.%d"},
	} {
		b.Run(bb.ecosystem.Family(), func(b *testing.B) {
			p := seaworthy.Package{Ecosystem: bb.ecosystem, Name: "p", Version: bb.installed}
			candidates := make([]Candidate, 1000)
			for i := range candidates {
				candidates[i] = Candidate{Advisory: fmt.Sprintf("A-%04d", i), Source: "osv", Affected: entry(bb.ecosystem, "p", span("0", fmt.Sprintf(bb.fixed, i)))}
			}
			if n := len(Match(p, candidates)); n < 498 || n > 502 {
				b.Fatalf("%d findings, want half of 1000", n)
			}
			b.ReportAllocs()
			for b.Loop() {
				Match(p, candidates)
			}
			b.ReportMetric(float64(b.N)*float64(len(candidates))/b.Elapsed().Seconds(), "comparisons/s")
		})
	}
}
