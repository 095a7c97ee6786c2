package version

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/seaworthy-dev/seaworthy"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	tests := []struct {
		ecosystem seaworthy.Ecosystem
		ascending string // with " = " between equal ones, " < " between others
	}{
		{"Debian:12", "0~ < 0 = 0-0 = 0:0 < 0.1~rc1 < 0.1 = 00.01 < 1 = 1-0 < 1+b1 < 1.0 < 1:0"},
		{"Debian:12", "2.36-9+deb12u2 < 2.36-9+deb12u10 < 2.36-10"},
		{"Debian:12", "1.0-1~bpo12+1 < 1.0-1 < 1.0a < 1.0+"},
		{"Ubuntu:22.04", "3.0.2-0ubuntu1 < 3.0.2-0ubuntu1.2 < 3.0.2-0ubuntu1.10"},
		{"AlmaLinux:9", "1 = (none):1 < 9:0 < 10:0"},
		{"AlmaLinux:9", "1.0~rc1-1 < 1.0 < 1.0-1.el9 < 1.0-1.el9_3 < 1.0-2.el9 < 1.0^git1-1 < 1.0.1-1 < 1:0.1-1 = 01:0.1-1"},
		{"Red Hat:9", "0:3.0.7-2.el9 = 3.0.7-2.el9"},
		{"Alpine:v3.20", "1.2_alpha < 1.2_rc1 < 1.2 < 1.2-r0 < 1.2-r1 < 1.2_p1 < 1.2a < 1.2.0 < 1.2.01 < 1.2.1"},
		{"Alpine:v3.20", "0.8.20-r9 < 0.8.21.r2 = 0.8.21..9 < 0.8.21-r0 < 0.8.22"},
		{"Wolfi", "9.0-r1 < 10.0-r0"},
		{"Chainguard", "9.0-r1 < 10.0-r0"},
		{"npm", "1.0.0-0 < 1.0.0-alpha < 1.0.0-alpha.1 < 1.0.0-alpha.beta < 1.0.0-beta.2 < 1.0.0-beta.11 < 1.0.0-rc.1 < 1.0.0 = v1.0.0 = 1.0.0+x < 1.0.1"},
		{"npm", "2.0.0-9 < 2.0.0--1 < 2.0.0-rc.1 < 2.0.0"},
		{"crates.io", "0.9.9 < 0.10.0-beta.1 < 0.10.0"},
		{"crates.io", "1.0.0 < 18446744073709551616.0.0 < 18446744073709551617.0.0"},
		{"Go", "1.22.0-0 < go1.22beta1 < go1.22rc1 = 1.22.0-rc.1 < go1.22rc2 < go1.22rc10 < go1.22 = go1.22.0 < go1.22.1"},
		{"Go", "go1.22.1 = 1.22.1 = v1.22.1 = go1.22.1-vendor = go1.22.1"},
		{"Go", "v2.0.0 = v2.0.0+incompatible"},
		{"Go", "v0.0.0-20230101000000-ffffffffffff < v0.0.0-20240101000000-000000000000 < v0.0.1"},
		{"RubyGems", "1.15.0.rc1 < 1.15.0 = 1.15.0-java = 1.15.0-x86_64-linux-gnu = 1.15 = 1.15.0-arm64-darwin < 1.15.1"},
		{"RubyGems", "1.0.0-rc1 < 1.0.0-rc2 < 1.0.0-1 < 1.0.0 < 1.0.0.1"},
		{"PyPI", "1.0a = 1.0.0-alpha.0 < 1.0-1 = 1.0.post1 = 01.0r1"},
		{"PyPI", "unknown-2 < 1.0.dev1 < 1.0a1 < 1.0b1 < 1.0rc1 = 1.0c1 < 1.0 = 1.0.0 = v1.0 < 1.0+local < 1.0.post1 < 1.1 < 1!0.1"},
		{"Maven", "1-alpha < 1-beta < 1-m1 < 1-rc < 1-snapshot < 1 = 1.0 = 1.Final = 1-ga < 1-sp < 1-jre < 1-1 < 1.1 < 1.10"},
		{"NuGet", "1.0.0-ALPHA = 1.0.0-alpha < 1.0.0-beta < 1 = 1.0 = 1.0.0.0 < 1.0.0.1 < 1.0.1"},
		{"Packagist", "1.0-dev < 1.0-alpha1 = v1.0.0a1 < 1.0-beta2 < 1.0RC1 < 1 = 1.0 = 1.0.0.0 < 1.0-p1 < 1.0.1 < 1.x-dev < 2.0"},
	}
	for _, e := range []seaworthy.Ecosystem{
		"SUSE:Linux Enterprise Server 15 SP5", "openSUSE:Leap 15.5", "Amazon Linux:2023", "Azure Linux:3", "Fedora:40", "Photon OS:5.0",
	} {
		tests = append(tests, struct {
			ecosystem seaworthy.Ecosystem
			ascending string
		}{e, "1.0~rc1-1 < 1.0-1 = 1:1.0-1 < 1.0-1.1 < 1.0-150400.3.6.1"})
	}
	for _, tt := range tests {
		t.Run(string(tt.ecosystem), func(t *testing.T) {
			t.Parallel()
			words := strings.Fields(tt.ascending)
			level := make([]int, 0, len(words))
			versions := make([]string, 0, len(words))
			for i := 0; i < len(words); i += 2 {
				n := 0
				if i > 0 {
					n = level[len(level)-1]
					if words[i-1] == "<" {
						n++
					}
				}
				level, versions = append(level, n), append(versions, words[i])
			}
			for i := range versions {
				for j := range i {
					checkEqual(t, tt.ecosystem, versions[j], versions[i], level[j] == level[i])
					check(t, tt.ecosystem, versions[j], versions[i], sign(level[j]-level[i]))
				}
			}
		})
	}
}

func checkEqual(t *testing.T, e seaworthy.Ecosystem, a, b string, want bool) {
	t.Helper()
	v, err := Parse(e, a)
	if err != nil {
		t.Fatal(err)
	}
	if got := v.Equal(e, b); got != want {
		t.Errorf("%s: equal(%q, %q) = %v", e, a, b, got)
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		ecosystem seaworthy.Ecosystem
		texts     []string
	}{
		{"Debian:12", []string{"", "  ", "<unfixed>", "a:1", ":1", "1 2", "-1", "1\x00", "1é", strings.Repeat("1", 1025)}},
		{"AlmaLinux:9", []string{"", "a:1", "1 2", "-1", "…"}},
		{"Alpine:v3.20", []string{"", "a", ".1", "$pkgver"}},
		{"npm", []string{"", "latest", "1.x", "1.2.", "1.2.3-", "^1.2.3", "1.2.3 - 2"}},
		{"Go", []string{"", "(devel)", "devel", "devel +abcdef Mon", "master"}},
		{"RubyGems", []string{"", "a", "1..2", "1.", "1-", "1.0 beta", ">= 1", "1.0_1"}},
		{"PyPI", []string{"", "unknown"}},
		{"Maven", []string{"", "unknown", "${revision}", "${project.version}-2"}},
		{"NuGet", []string{"", "*", "1.*"}},
		{"Packagist", []string{"", "dev-main", "dev-1.0", "1.2.3.4.5", "1.0-foo", "x-dev", ".x-dev"}},
		{"NoSuchThing", []string{"1"}},
		{"", []string{"1"}},
	}
	for _, tt := range tests {
		for _, text := range tt.texts {
			v, err := Parse(tt.ecosystem, text)
			if err == nil {
				t.Errorf("Parse(%s, %.40q) is no error", tt.ecosystem, text)
			}
			if !v.IsZero() || v.String() != "" {
				t.Errorf("Parse(%s, %.40q) = %v beside the error", tt.ecosystem, text, v)
			}
		}
	}
}

func TestZeroVersionIsFirst(t *testing.T) {
	t.Parallel()
	v, err := Parse("Debian:12", "0~~")
	if err != nil {
		t.Fatal(err)
	}
	var zero Version
	if zero.Compare(v) != -1 || v.Compare(zero) != 1 || zero.Compare(zero) != 0 {
		t.Error("the zero Version is not before 0~~")
	}
}

// TestTotalOrder holds for each ecosystem that its order is one.
func TestTotalOrder(t *testing.T) {
	t.Parallel()
	for e, g := range generators() {
		t.Run(e.Family(), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				var v [3]Version
				for i := range v {
					var err error
					if v[i], err = Parse(e, g.Draw(t, "version")); err != nil {
						t.Fatal(err)
					}
					if v[i].Compare(v[i]) != 0 {
						t.Fatalf("%s is not equal to itself", v[i])
					}
				}
				checkOrder(t, v)
			})
		})
	}
}

type fataler interface{ Fatalf(string, ...any) }

func checkOrder(t fataler, v [3]Version) {
	for i := range v {
		for j := range v {
			if v[i].Compare(v[j]) != -v[j].Compare(v[i]) {
				t.Fatalf("compare(%q, %q) = %d, but turned around %d", v[i], v[j], v[i].Compare(v[j]), v[j].Compare(v[i]))
			}
			for k := range v {
				if a, b, c := v[i].Compare(v[j]), v[j].Compare(v[k]), v[i].Compare(v[k]); a <= 0 && b <= 0 && (c > 0 || c == 0 && a+b < 0) {
					t.Fatalf("%q <= %q <= %q, but the first to the last is %d", v[i], v[j], v[k], c)
				}
			}
		}
	}
}

// TestEqual holds that the short cut of Equal never differs from the long way.
func TestEqual(t *testing.T) {
	t.Parallel()
	for e, g := range generators() {
		t.Run(e.Family(), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				a, b := g.Draw(t, "a"), g.Draw(t, "b")
				v, err := Parse(e, a)
				if err != nil {
					t.Fatal(err)
				}
				w, err := Parse(e, b)
				if err != nil {
					t.Fatal(err)
				}
				if got, want := v.Equal(e, b), v.Compare(w) == 0; got != want {
					t.Fatalf("equal(%q, %q) = %v, want %v", a, b, got, want)
				}
			})
		})
	}
}

// FuzzParse holds that no text panics, in any ecosystem, and that what parses
// has its place in a total order.
func FuzzParse(f *testing.F) {
	families := []seaworthy.Ecosystem{
		"Debian", "AlmaLinux", "SUSE", "Alpine", "npm", "Go", "crates.io", "RubyGems", "PyPI", "Maven", "NuGet", "Packagist", "none",
	}
	for i := range families {
		f.Add(uint8(i), "1:2.3~rc1-4.el9", "1.0.0-alpha.1+b", "v2.x-dev")
		f.Add(uint8(i), "1.0_p1~abc-r2", "go1.22rc1", "1!2.0.post1.dev3+x.1")
		f.Add(uint8(i), "1..-a0é\x00", "-", "99999999999999999999999999.01")
	}
	f.Fuzz(func(t *testing.T, family uint8, a, b, c string) {
		e := families[int(family)%len(families)]
		var v [3]Version
		for i, s := range [...]string{a, b, c} {
			var err error
			if v[i], err = Parse(e, s); err != nil {
				return
			}
		}
		checkOrder(t, v)
		if got, want := v[0].Equal(e, b), v[0].Compare(v[1]) == 0; got != want {
			t.Fatalf("equal(%q, %q) = %v, want %v", a, b, got, want)
		}
	})
}

func BenchmarkCompare(b *testing.B) {
	for _, bb := range []struct {
		ecosystem seaworthy.Ecosystem
		a, b      string
	}{
		{"Debian:12", "1:2.36-9+deb12u3", "1:2.36-9+deb12u10"},
		{"AlmaLinux:9", "1:2.36-9.el9_3.2", "1:2.36-9.el9_3.3"},
		{"Alpine:v3.20", "1.2.3_p4-r1", "1.2.3_p4-r2"},
		{"npm", "1.2.3-rc.1", "1.2.3-rc.2"},
		{"RubyGems", "1.2.3.rc1", "1.2.3.rc2"},
		{"PyPI", "1.2.3.post1", "1.2.3.post2"},
		{"Maven", "1.2.3-rc1", "1.2.3-rc2"},
		{"Packagist", "1.2.3-beta1", "1.2.3-beta2"},
	} {
		b.Run(bb.ecosystem.Family(), func(b *testing.B) {
			v, err := Parse(bb.ecosystem, bb.a)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() { // an event is parsed and compared with the installed version
				w, err := Parse(bb.ecosystem, bb.b)
				if err != nil || v.Compare(w) != -1 {
					b.Fatal("not in order")
				}
			}
		})
	}
}
