package sbom

import (
	"path"
	"strings"

	"github.com/package-url/packageurl-go"

	"github.com/seaworthy-dev/seaworthy"
)

// PURL is the package URL of p in an image of distribution d (ECMA-427,
// https://github.com/package-url/purl-spec), in canonical form. It is empty for
// a package that has none, such as one without a name.
func PURL(p seaworthy.Package, d seaworthy.Distribution) string {
	u := packageurl.PackageURL{Name: p.Name, Version: p.Version}
	switch family := p.Ecosystem.Family(); family {
	case seaworthy.NPM:
		u.Type = packageurl.TypeNPM
		u.Namespace, u.Name = splitLast(p.Name)
	case seaworthy.PyPI:
		u.Type = packageurl.TypePyPi
	case seaworthy.RubyGems:
		u.Type = packageurl.TypeGem
	case seaworthy.NuGet:
		u.Type = packageurl.TypeNuget
	case seaworthy.Crates:
		u.Type = packageurl.TypeCargo
	case seaworthy.Packagist:
		u.Type = packageurl.TypeComposer
		u.Namespace, u.Name = splitLast(p.Name)
	case seaworthy.Maven:
		u.Type = packageurl.TypeMaven
		if group, artifact, ok := strings.Cut(p.Name, ":"); ok {
			u.Namespace, u.Name = group, artifact
		}
	case seaworthy.Go:
		u.Type = packageurl.TypeGolang
		u.Namespace, u.Name = splitLast(p.Name)
		u.Version = goVersion(p)
	default:
		if !p.Ecosystem.Distribution() {
			return ""
		}
		operatingSystem(&u, p, d)
	}
	return written(u)
}

// ImagePURL is the package URL of an assessment's image, of type oci. It is
// empty when the image has no digest.
func ImagePURL(a seaworthy.Assessment) string {
	if a.Image.Digest == "" {
		return ""
	}
	repository, tag := splitReference(a.Reference)
	u := packageurl.PackageURL{
		Type:    packageurl.TypeOCI,
		Name:    strings.ToLower(path.Base(repository)),
		Version: string(a.Image.Digest),
	}
	q := qualifiers{}
	q.add("arch", a.Image.Platform.Architecture)
	q.add("tag", tag)
	if !local(a.Reference) {
		q.add("repository_url", strings.ToLower(repository))
	}
	u.Qualifiers = q.list
	return written(u)
}

// written is u in canonical form; empty if the rules of its type forbid it.
func written(u packageurl.PackageURL) string {
	if err := u.Normalize(); err != nil {
		return ""
	}
	return u.ToString()
}

// qualifiers collects those that have a value.
type qualifiers struct{ list packageurl.Qualifiers }

func (q *qualifiers) add(key, value string) {
	if value != "" {
		q.list = append(q.list, packageurl.Qualifier{Key: key, Value: value})
	}
}

func operatingSystem(u *packageurl.PackageURL, p seaworthy.Package, d seaworthy.Distribution) {
	var q qualifiers
	q.add("arch", p.Arch)
	q.add("distro", distro(p.Ecosystem, d))
	switch p.Ecosystem.Family() {
	case seaworthy.Debian, seaworthy.Ubuntu, string(seaworthy.FormatDpkg):
		u.Type = packageurl.TypeDebian
	case seaworthy.Alpine, seaworthy.Wolfi, seaworthy.Chainguard, string(seaworthy.FormatAPK):
		u.Type = packageurl.TypeApk
	default:
		u.Type = packageurl.TypeRPM
		// An epoch of an RPM is a qualifier (purl-spec, types/rpm-definition), one
		// of a Debian package is a part of its version.
		if epoch, rest, ok := strings.Cut(p.Version, ":"); ok && digits(epoch) {
			u.Version = rest
			if strings.Trim(epoch, "0") != "" {
				q.add("epoch", epoch)
			}
		}
		q.add("rpmmod", p.Module)
	}
	u.Namespace = vendor(p.Ecosystem, d)
	u.Qualifiers = q.list
}

// vendor is the namespace that purl-spec and the vendors themselves use for
// their packages.
func vendor(e seaworthy.Ecosystem, d seaworthy.Distribution) string {
	switch e.Family() {
	case seaworthy.AlmaLinux:
		return "almalinux"
	case seaworthy.Alpine:
		return "alpine"
	case seaworthy.Amazon:
		return "amzn"
	case seaworthy.Azure:
		return "azurelinux"
	case seaworthy.Chainguard:
		return "chainguard"
	case seaworthy.Debian:
		return "debian"
	case seaworthy.Fedora:
		return "fedora"
	case seaworthy.OpenSUSE:
		return "opensuse"
	case seaworthy.Photon:
		return "photon"
	case seaworthy.RedHat:
		return "redhat"
	case seaworthy.Rocky:
		return "rocky"
	case seaworthy.SUSE:
		return "suse"
	case seaworthy.Ubuntu:
		return "ubuntu"
	case seaworthy.Wolfi:
		return "wolfi"
	}
	return strings.ReplaceAll(d.ID, "/", "-")
}

// distro is os-release's ID and VERSION_ID, as in debian-12; without an
// os-release, what the ecosystem says.
func distro(e seaworthy.Ecosystem, d seaworthy.Distribution) string {
	id, version := d.ID, d.VersionID
	if id == "" {
		id, version = vendor(e, d), strings.TrimPrefix(e.Release(), "v")
	}
	if id == "" || version == "" {
		return id
	}
	return id + "-" + version
}

// goVersion puts the "v" back that module versions have, and advisories leave
// out. The standard library's versions have none.
func goVersion(p seaworthy.Package) string {
	if p.Name == "stdlib" || p.Version == "" || p.Version[0] < '0' || p.Version[0] > '9' {
		return p.Version
	}
	return "v" + p.Version
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// splitLast splits at the last slash; what is before may be empty.
func splitLast(s string) (before, last string) {
	i := strings.LastIndexByte(s, '/')
	if i < 0 {
		return "", s
	}
	return s[:i], s[i+1:]
}

// local reports whether a reference names a file or directory.
func local(ref string) bool {
	return strings.HasPrefix(ref, "oci:") || strings.HasPrefix(ref, "tar:")
}

// splitReference gives what of a reference stays the same when its tag moves,
// and the tag.
func splitReference(ref string) (repository, tag string) {
	if strings.HasPrefix(ref, "tar:") {
		return strings.TrimPrefix(ref, "tar:"), ""
	}
	ref = strings.TrimPrefix(ref, "oci:")
	if at := strings.LastIndexByte(ref, '@'); at > 0 {
		ref = ref[:at]
	}
	if colon := strings.LastIndexByte(ref, ':'); colon > strings.LastIndexByte(ref, '/') && colon > 0 {
		return ref[:colon], ref[colon+1:]
	}
	return ref, ""
}
