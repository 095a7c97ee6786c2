package version

import (
	"strings"

	"pgregory.net/rapid"

	"github.com/seaworthy-dev/seaworthy"
)

// generators make versions as people write them, from few enough parts that two
// of them often agree up to a point.
func generators() map[seaworthy.Ecosystem]*rapid.Generator[string] {
	number := rapid.SampledFrom([]string{"0", "1", "2", "3", "9", "10", "11", "20", "100", "2024", "20240115"})
	small := number.Filter(func(s string) bool { return len(s) < 5 })
	padded := rapid.OneOf(number, rapid.SampledFrom([]string{"00", "01", "010", "001"}))
	dots := func(least, most int) *rapid.Generator[string] { return joined(number, ".", least, most) }
	optional := func(g *rapid.Generator[string]) *rapid.Generator[string] {
		return rapid.OneOf(rapid.Just(""), g)
	}
	pre := rapid.SampledFrom([]string{
		"-alpha", "-alpha.1", "-alpha.beta", "-beta", "-beta.2", "-beta.11", "-rc.1", "-rc1", "-rc10", "-rc2", "-0", "-1",
		"-0.20240115120000-abcdef123456", "-0.20230115120000-0123456789ab", "-SNAPSHOT", "--1", "-1.-1", "-a-b",
	})
	debian := concat(optional(rapid.SampledFrom([]string{"0:", "1:", "2:", "10:"})), joined(padded, ".", 1, 4),
		optional(rapid.SampledFrom([]string{
			"~rc1", "~rc2", "~", "~~", "+dfsg", "+dfsg1", "+ds", "a", "b", "rc1", "+git20240115.abcdef", "-a", ".orig", "~beta+dfsg",
			"+really1.0", ".a", "+b", "_1",
		})),
		optional(concat(rapid.Just("-"), number, optional(rapid.SampledFrom([]string{
			"+deb12u1", "+deb12u2", "+deb12u10", "~deb11u1", "~bpo12+1", "+b1", "ubuntu1", "ubuntu1.2", "ubuntu0.22.04.1", ".1", "build1", "~",
		})))))
	rpmVersion := concat(joined(padded, ".", 1, 4), optional(rapid.SampledFrom([]string{
		"~rc1", "~rc2", "~", "^git1", "^", "^20240115git", "a", "b", "rc1", "_1", "+git", "p1", "~^1", "^~1", ".a1", "..1", "A", "Z1",
	})))
	rpm := concat(optional(rapid.SampledFrom([]string{"0:", "1:", "2:"})), rpmVersion, optional(concat(rapid.Just("-"), number,
		optional(rapid.SampledFrom([]string{
			".el9", ".el9_3", ".el9_3.2", ".el9_10", ".el8_9.alma", ".module_el8.9.0+3633+e453b53a", ".module_el8.10.0+88+29afeaa2",
			".fc39", ".fc40", ".1", "~1", "^1", ".amzn2023",
		})))))
	semver := concat(dots(3, 3), optional(pre), optional(rapid.SampledFrom([]string{"+incompatible", "+build.1", "+2"})))
	return map[seaworthy.Ecosystem]*rapid.Generator[string]{
		"Debian:12":   debian,
		"AlmaLinux:9": rpm,
		"Alpine:v3.20": concat(number, optional(concat(rapid.Just("."), joined(padded, ".", 1, 3))), optional(rapid.SampledFrom([]string{"a", "b", "z"})),
			optional(joined(rapid.SampledFrom([]string{
				"_alpha", "_alpha1", "_beta", "_pre2", "_rc", "_rc1", "_rc10", "_cvs", "_svn20", "_git20240115", "_hg", "_p", "_p0", "_p1", "_p10",
			}), "", 1, 2)),
			optional(rapid.SampledFrom([]string{"~abc", "~0123", "~abcd"})), optional(concat(rapid.Just("-r"), number))),
		"npm": semver,
		"Go":  concat(optional(rapid.Just("v")), semver),
		"RubyGems": concat(dots(2, 4), optional(rapid.SampledFrom([]string{
			".a", ".b", ".rc1", ".rc.1", ".rc2", ".pre", ".pre.1", ".beta", ".beta10", "-rc1", "-1", "-beta.1", ".0.a", "a", "b1", ".a.0", ".A",
		}))),
		"PyPI": concat(optional(rapid.SampledFrom([]string{"1!", "v"})), joined(padded, ".", 1, 4), optional(rapid.SampledFrom([]string{
			"a1", "b2", "rc1", "rc10", ".rc1", "-alpha", "alpha0", "c1", "pre", "preview2", "_beta_2",
		})), optional(rapid.SampledFrom([]string{".post1", "-1", ".post", "rev2", "-r3"})), optional(rapid.SampledFrom([]string{".dev0", ".dev10", "dev"})),
			optional(rapid.SampledFrom([]string{"+local", "+1", "+ubuntu.1", "+abc.1", "+abc-2", "+10"}))),
		"Maven": concat(joined(padded, ".", 1, 4), optional(rapid.SampledFrom([]string{
			"-alpha-1", "-alpha1", "-a1", "-beta", "-b2", "-M1", "-milestone-2", "-rc1", "-RC2", "-CR1", "-SNAPSHOT", "-final", ".Final", ".GA",
			".RELEASE", "-sp", "-sp1", ".SP2", "-jre", "-android", "-1", "-2", ".1-alpha", ".v20240115", "-b01", ".redhat-1", "-incubating", "-x",
			".jre8", ".jre11", "-beta.2", "-alpha.10", "-rc.1",
		}))),
		"NuGet": concat(dots(2, 4), optional(pre)),
		"Packagist": concat(optional(rapid.Just("v")), joined(small, ".", 1, 4), optional(rapid.SampledFrom([]string{
			"-alpha", "-alpha1", "-alpha.2", "-beta", "-beta2", "-beta.10", "b3", "-RC1", "rc2", "-dev", "-beta1-dev", "-p1", "-pl2", "-patch", "-stable",
		}))),
	}
}

func concat(parts ...*rapid.Generator[string]) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		for _, part := range parts {
			b.WriteString(part.Draw(t, "part"))
		}
		return b.String()
	})
}

func joined(part *rapid.Generator[string], separator string, least, most int) *rapid.Generator[string] {
	return rapid.Map(rapid.SliceOfN(part, least, most), func(parts []string) string { return strings.Join(parts, separator) })
}
