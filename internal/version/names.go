package version

import (
	"strings"

	"github.com/seaworthy-dev/seaworthy"
)

// AdvisoryName is the name by which the advisories of p's ecosystem speak of p,
// and the version to compare with theirs:
//
//   - Debian, Ubuntu: the source package and its version, which a binary
//     rebuild or an epoch of the binary's own does not change;
//   - Alpine, Wolfi, Chainguard: the origin;
//   - RPM: the binary package. The version keeps its epoch for Red Hat,
//     AlmaLinux and Rocky Linux, whose advisories give it, and loses it for the
//     others;
//   - Go's standard library and toolchain: the version as a semantic one;
//   - RubyGems: the version without the platform.
//
// The name is canonical ([CanonicalName]).
func AdvisoryName(p seaworthy.Package) (name, version string) {
	name, version = p.Name, strings.TrimSpace(p.Version)
	switch rulesOf(p.Ecosystem) {
	case rulesDpkg, rulesAPK:
		if p.Source != "" {
			name = p.Source
		}
		if p.SourceVersion != "" {
			version = p.SourceVersion
		}
	case rulesRPMNoEpoch:
		if epoch, rest, ok := strings.Cut(version, ":"); ok && (allDigits(epoch) || epoch == "(none)") {
			version = rest
		}
	case rulesGo:
		version = goPackageVersion(name, version)
	case rulesGem:
		version = cutPlatform(version)
	}
	return CanonicalName(p.Ecosystem, name), version
}

// goPackageVersion knows that stdlib and toolchain are numbered by the Go
// project's own scheme, in which rc10 is behind rc2: vendors' suffixes go, and
// prereleases are written as the database writes them.
func goPackageVersion(name, version string) string {
	if name != "stdlib" && name != "toolchain" {
		return strings.TrimPrefix(version, "v")
	}
	version = strings.TrimPrefix(strings.TrimPrefix(version, "go"), "v")
	if numbers, pre, ok := strings.Cut(version, "-"); ok {
		word, number := letters(pre)
		number = strings.TrimPrefix(number, ".")
		if (word == "rc" || word == "beta") && allDigits(number) {
			return numbers + "-" + word + "." + number
		}
	}
	return goVersion("go" + version)
}

// CanonicalName folds the spellings of a package name that e's registry takes
// for the same: PyPI's by PEP 503, NuGet's and Composer's in lower case.
func CanonicalName(e seaworthy.Ecosystem, name string) string {
	switch e.Family() {
	case seaworthy.PyPI:
		return normalisePyPI(name)
	case seaworthy.NuGet, seaworthy.Packagist:
		return strings.ToLower(name)
	}
	return name
}

// normalisePyPI writes runs of "-", "_" and "." as one "-", in lower case
// (https://peps.python.org/pep-0503/#normalized-names).
func normalisePyPI(name string) string {
	var b strings.Builder
	b.Grow(len(name))
	gap := false
	for i := range len(name) {
		c := name[i]
		if c == '-' || c == '_' || c == '.' {
			gap = true
			continue
		}
		if gap {
			b.WriteByte('-')
			gap = false
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		b.WriteByte(c)
	}
	if gap {
		b.WriteByte('-')
	}
	return b.String()
}

// ModuleOf is the RPM module stream that an advisory of e speaks of, by its
// summary: "nodejs:18" for "Important: nodejs:18 security update". It is empty
// when the summary names none.
func ModuleOf(e seaworthy.Ecosystem, summary string) string {
	if rulesOf(e) != rulesRPM {
		return ""
	}
	for _, word := range strings.Fields(summary) {
		name, stream, ok := strings.Cut(strings.TrimRight(word, ",;."), ":")
		if ok && name != "" && stream != "" && strings.Trim(stream, streamLetters) == "" {
			return name + ":" + stream
		}
	}
	return ""
}

const streamLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-"
