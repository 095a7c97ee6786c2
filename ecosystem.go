package seaworthy

import "strings"

// Ecosystem is where a package comes from and by whose rules its versions
// compare: a family, and for distributions the release behind a colon, as in
// "Debian:12", "Alpine:v3.18", "npm". The names are OSV's
// (https://ossf.github.io/osv-schema/#affectedpackage-field) in the canonical
// form of [CanonicalEcosystem].
type Ecosystem string

// Families of ecosystems that Seaworthy reads packages of.
const (
	AlmaLinux  = "AlmaLinux"
	Alpine     = "Alpine"
	Amazon     = "Amazon Linux"
	Azure      = "Azure Linux"
	Chainguard = "Chainguard"
	Crates     = "crates.io"
	Debian     = "Debian"
	Fedora     = "Fedora"
	Go         = "Go"
	Maven      = "Maven"
	NPM        = "npm"
	NuGet      = "NuGet"
	OpenSUSE   = "openSUSE"
	Packagist  = "Packagist"
	Photon     = "Photon OS"
	PyPI       = "PyPI"
	RedHat     = "Red Hat"
	Rocky      = "Rocky Linux"
	RubyGems   = "RubyGems"
	SUSE       = "SUSE"
	Ubuntu     = "Ubuntu"
	Wolfi      = "Wolfi"
)

// Formats of operating system packages. In a layer's contents they stand in
// the place of the ecosystem, because only the merged image knows the
// distribution; a merge replaces them, unless the distribution is unknown.
const (
	FormatAPK  Ecosystem = "apk"
	FormatDpkg Ecosystem = "dpkg"
	FormatRPM  Ecosystem = "rpm"
)

// Family is the part before the first colon.
func (e Ecosystem) Family() string {
	family, _, _ := strings.Cut(string(e), ":")
	return family
}

// Release is the part behind the first colon, empty for language ecosystems.
func (e Ecosystem) Release() string {
	_, release, _ := strings.Cut(string(e), ":")
	return release
}

// Distribution reports whether packages of e belong to an operating system.
func (e Ecosystem) Distribution() bool {
	switch e.Family() {
	case AlmaLinux, Alpine, Amazon, Azure, Chainguard, Debian, Fedora, OpenSUSE, Photon, RedHat,
		Rocky, SUSE, Ubuntu, Wolfi, string(FormatAPK), string(FormatDpkg), string(FormatRPM):
		return true
	}
	return false
}

// CanonicalEcosystem folds the spellings that feeds use for one release into
// one, so that an exact comparison finds it:
//
//   - "Ubuntu:22.04:LTS" is "Ubuntu:22.04"; "Ubuntu:Pro:14.04:LTS" stays apart
//     as "Ubuntu:Pro:14.04", for its fixes need a subscription;
//   - "Red Hat:enterprise_linux:9::baseos" is "Red Hat:9": packages do not tell
//     the repository they came from. Other Red Hat products stay as they are;
//   - "Packagist:https://packages.drupal.org/8" is "Packagist": installed
//     packages do not tell the repository either.
//
// A bare distribution without a release stays bare and equals no release.
func CanonicalEcosystem(s string) Ecosystem {
	family, release, _ := strings.Cut(s, ":")
	switch family {
	case Ubuntu:
		return Ecosystem(strings.TrimSuffix(s, ":LTS"))
	case Packagist:
		return Packagist
	case RedHat:
		if rest, ok := strings.CutPrefix(release, "enterprise_linux:"); ok {
			major, _, _ := strings.Cut(rest, ":")
			major, _, _ = strings.Cut(major, ".")
			return Ecosystem(RedHat + ":" + major)
		}
	}
	return Ecosystem(s)
}
