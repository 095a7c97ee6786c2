package image

import (
	"strconv"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
)

// Distribution reads the fields of an os-release file
// (https://www.freedesktop.org/software/systemd/man/os-release.html). The
// ecosystem is empty when no advisories are published under a name of its own.
// A derivative never inherits that of the distribution it is like (ID_LIKE): it
// rebuilds packages and fixes them at other versions.
func Distribution(fields map[string]string) seaworthy.Distribution {
	d := seaworthy.Distribution{ID: fields["ID"], VersionID: fields["VERSION_ID"], Name: fields["PRETTY_NAME"]}
	if d.Name == "" {
		d.Name = strings.TrimSpace(fields["NAME"] + " " + fields["VERSION"])
	}
	if d.Name == "" {
		d.Name = d.ID
	}
	family, release := release(fields)
	switch {
	case family == "":
	case release == "":
		d.Ecosystem = seaworthy.Ecosystem(family)
	default:
		d.Ecosystem = seaworthy.Ecosystem(family + ":" + release)
	}
	return d
}

// release gives the family and the release as OSV writes them: no family when
// there is none, no release where the family has none.
func release(fields map[string]string) (family, release string) {
	version := fields["VERSION_ID"]
	switch fields["ID"] {
	case "wolfi":
		return seaworthy.Wolfi, ""
	case "chainguard":
		return seaworthy.Chainguard, ""
	case "opensuse-tumbleweed":
		return seaworthy.OpenSUSE, "Tumbleweed"
	case "debian":
		return known(seaworthy.Debian, debian(version, fields["VERSION_CODENAME"]))
	case "alpine":
		return known(seaworthy.Alpine, alpine(version, fields["PRETTY_NAME"]))
	case "ubuntu":
		return known(seaworthy.Ubuntu, numeric(version, 2))
	case "almalinux":
		return known(seaworthy.AlmaLinux, major(version))
	case "rocky":
		return known(seaworthy.Rocky, major(version))
	case "rhel":
		return known(seaworthy.RedHat, major(version))
	case "fedora":
		return known(seaworthy.Fedora, major(version))
	case "amzn":
		return known(seaworthy.Amazon, numeric(version, 0))
	case "azurelinux":
		return known(seaworthy.Azure, major(version))
	case "mariner":
		return known(seaworthy.Azure, mariner(version))
	case "photon":
		return known(seaworthy.Photon, numeric(version, 2))
	case "sles":
		return known(seaworthy.SUSE, sles(version))
	case "opensuse-leap":
		return known(seaworthy.OpenSUSE, prefixed("Leap ", numeric(version, 2)))
	}
	return "", ""
}

// known gives up the family too when its release could not be told: the bare
// family is that of no release.
func known(family, release string) (string, string) {
	if release == "" {
		return "", ""
	}
	return family, release
}

func prefixed(prefix, release string) string {
	if release == "" {
		return ""
	}
	return prefix + release
}

// numeric gives a version that is made of that many numbers, or of any many if
// parts is 0; else nothing.
func numeric(version string, parts int) string {
	numbers := strings.Split(version, ".")
	if parts != 0 && len(numbers) != parts {
		return ""
	}
	for _, n := range numbers {
		if _, err := strconv.ParseUint(n, 10, 32); err != nil {
			return ""
		}
	}
	return version
}

// major is the first number of a version.
func major(version string) string {
	first, _, _ := strings.Cut(numeric(version, 0), ".")
	return first
}

// debian goes by the code name where there is no number: testing and unstable
// say only which release they will be.
func debian(version, codename string) string {
	if version != "" {
		return major(version)
	}
	switch codename {
	case "duke":
		return "15"
	case "forky":
		return "14"
	case "trixie":
		return "13"
	case "bookworm":
		return "12"
	case "bullseye":
		return "11"
	}
	return ""
}

// alpine has branches of the first two numbers, and edge, whose version is a
// snapshot on the way to a branch, as in 3.21.0_alpha20240807.
func alpine(version, name string) string {
	if strings.Contains(version, "_alpha") || strings.HasSuffix(name, " edge") {
		return "edge"
	}
	numbers := strings.SplitN(numeric(version, 0), ".", 3)
	if len(numbers) < 2 {
		return ""
	}
	return "v" + numbers[0] + "." + numbers[1]
}

// mariner was the name of Azure Linux 1 and 2. Only of the latter there are
// advisories under the new name.
func mariner(version string) string {
	if major(version) != "2" {
		return ""
	}
	return "2"
}

// sles has service packs behind the dot up to 15, and minor releases since.
func sles(version string) string {
	const name = "Linux Enterprise Server "
	first, second, dotted := strings.Cut(numeric(version, 0), ".")
	number, err := strconv.Atoi(first)
	switch {
	case err != nil || strings.Contains(second, "."):
		return ""
	case number >= 16:
		return name + version
	case !dotted || second == "0":
		return name + first
	}
	return name + first + " SP" + second
}

// packageFormat is the sort of packages that an ecosystem's advisories concern,
// empty if it is not that of a distribution.
func packageFormat(e seaworthy.Ecosystem) seaworthy.Ecosystem {
	switch e.Family() {
	case seaworthy.Debian, seaworthy.Ubuntu:
		return seaworthy.FormatDpkg
	case seaworthy.Alpine, seaworthy.Wolfi, seaworthy.Chainguard:
		return seaworthy.FormatAPK
	case seaworthy.AlmaLinux, seaworthy.Amazon, seaworthy.Azure, seaworthy.Fedora, seaworthy.OpenSUSE,
		seaworthy.Photon, seaworthy.RedHat, seaworthy.Rocky, seaworthy.SUSE:
		return seaworthy.FormatRPM
	}
	return ""
}
