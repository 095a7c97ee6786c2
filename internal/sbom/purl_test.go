package sbom

import (
	"testing"

	"github.com/package-url/packageurl-go"

	"github.com/seaworthy-dev/seaworthy"
)

// The wanted values are those of the purl-spec's type definitions, in the
// encoding of ECMA-427, which leaves colons as they are.
func TestPURL(t *testing.T) {
	t.Parallel()
	debian := seaworthy.Distribution{ID: "debian", VersionID: "12"}
	none := seaworthy.Distribution{}
	type pkg = seaworthy.Package
	tests := []struct {
		name string
		p    pkg
		d    seaworthy.Distribution
		want string
	}{
		{"deb", pkg{Ecosystem: "Debian:12", Name: "curl", Version: "7.50.3-1", Arch: "i386"}, debian, "pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=debian-12"},
		{"deb without os-release", pkg{Ecosystem: "Debian:12", Name: "dpkg", Version: "1.19.0.4", Arch: "amd64"}, none, "pkg:deb/debian/dpkg@1.19.0.4?arch=amd64&distro=debian-12"},
		{"deb with epoch, tilde and plus", pkg{Ecosystem: "Debian:12", Name: "libstdc++6", Version: "1:12.2.0-14+deb12u1~x"}, debian, "pkg:deb/debian/libstdc%2B%2B6@1:12.2.0-14%2Bdeb12u1~x?distro=debian-12"},
		{"deb of Ubuntu", pkg{Ecosystem: "Ubuntu:22.04", Name: "bash", Version: "5.1-6ubuntu1", Arch: "amd64"}, seaworthy.Distribution{ID: "ubuntu", VersionID: "22.04"}, "pkg:deb/ubuntu/bash@5.1-6ubuntu1?arch=amd64&distro=ubuntu-22.04"},
		{"deb of nobody", pkg{Ecosystem: "dpkg", Name: "bash", Version: "5"}, none, "pkg:deb/bash@5"},
		{"deb of a distribution without advisories", pkg{Ecosystem: "dpkg", Name: "bash", Version: "5"}, seaworthy.Distribution{ID: "kali", VersionID: "2026.1"}, "pkg:deb/kali/bash@5?distro=kali-2026.1"},
		{"apk", pkg{Ecosystem: "Alpine:v3.18", Name: "curl", Version: "7.83.0-r0", Arch: "x86"}, seaworthy.Distribution{ID: "alpine", VersionID: "3.18.4"}, "pkg:apk/alpine/curl@7.83.0-r0?arch=x86&distro=alpine-3.18.4"},
		{"apk without os-release", pkg{Ecosystem: "Alpine:v3.18", Name: "apk", Version: "2.12.9-r3", Arch: "x86"}, none, "pkg:apk/alpine/apk@2.12.9-r3?arch=x86&distro=alpine-3.18"},
		{"apk of Wolfi", pkg{Ecosystem: "Wolfi", Name: "go-1.22", Version: "1.22.1-r0"}, seaworthy.Distribution{ID: "wolfi", VersionID: "20230201"}, "pkg:apk/wolfi/go-1.22@1.22.1-r0?distro=wolfi-20230201"},
		{"apk of Chainguard", pkg{Ecosystem: "Chainguard", Name: "curl", Version: "8"}, none, "pkg:apk/chainguard/curl@8?distro=chainguard"},
		{"rpm", pkg{Ecosystem: "Fedora:25", Name: "curl", Version: "7.50.3-1.fc25", Arch: "i386"}, seaworthy.Distribution{ID: "fedora", VersionID: "25"}, "pkg:rpm/fedora/curl@7.50.3-1.fc25?arch=i386&distro=fedora-25"},
		{"rpm with epoch", pkg{Ecosystem: "AlmaLinux:9", Name: "openssl", Version: "1:3.0.7-24.el9", Arch: "x86_64"}, seaworthy.Distribution{ID: "almalinux", VersionID: "9.3"}, "pkg:rpm/almalinux/openssl@3.0.7-24.el9?arch=x86_64&distro=almalinux-9.3&epoch=1"},
		{"rpm with epoch 0", pkg{Ecosystem: "Rocky Linux:9", Name: "bash", Version: "0:5.1.8-6.el9"}, none, "pkg:rpm/rocky/bash@5.1.8-6.el9?distro=rocky-9"},
		{"rpm of a module", pkg{Ecosystem: "Red Hat:8", Name: "nodejs", Version: "1:18.1-1", Module: "nodejs:18"}, seaworthy.Distribution{ID: "rhel", VersionID: "8.9"}, "pkg:rpm/redhat/nodejs@18.1-1?distro=rhel-8.9&epoch=1&rpmmod=nodejs:18"},
		{"rpm of SUSE", pkg{Ecosystem: "SUSE:Linux Enterprise Server 15 SP5", Name: "zypper", Version: "1"}, seaworthy.Distribution{ID: "sles", VersionID: "15.5"}, "pkg:rpm/suse/zypper@1?distro=sles-15.5"},
		{"rpm of openSUSE", pkg{Ecosystem: "openSUSE:Tumbleweed", Name: "curl", Version: "7.56.1-1.1"}, none, "pkg:rpm/opensuse/curl@7.56.1-1.1?distro=opensuse-Tumbleweed"},
		{"rpm of Amazon", pkg{Ecosystem: "Amazon Linux:2023", Name: "glibc", Version: "2.34"}, seaworthy.Distribution{ID: "amzn", VersionID: "2023"}, "pkg:rpm/amzn/glibc@2.34?distro=amzn-2023"},
		{"rpm of Azure", pkg{Ecosystem: "Azure Linux:3", Name: "glibc", Version: "2.38"}, none, "pkg:rpm/azurelinux/glibc@2.38?distro=azurelinux-3"},
		{"rpm of Photon", pkg{Ecosystem: "Photon OS:5.0", Name: "glibc", Version: "2.36"}, none, "pkg:rpm/photon/glibc@2.36?distro=photon-5.0"},
		{"npm", pkg{Ecosystem: "npm", Name: "foobar", Version: "12.3.1"}, debian, "pkg:npm/foobar@12.3.1"},
		{"npm with scope", pkg{Ecosystem: "npm", Name: "@angular/animation", Version: "12.3.1"}, debian, "pkg:npm/%40angular/animation@12.3.1"},
		{"PyPI", pkg{Ecosystem: "PyPI", Name: "django", Version: "1.11.1"}, debian, "pkg:pypi/django@1.11.1"},
		{"PyPI, as written by its author", pkg{Ecosystem: "PyPI", Name: "Typing_Extensions", Version: "4.1"}, debian, "pkg:pypi/typing-extensions@4.1"},
		{"gem", pkg{Ecosystem: "RubyGems", Name: "ruby-advisory-db-check", Version: "0.12.4"}, debian, "pkg:gem/ruby-advisory-db-check@0.12.4"},
		{"Maven", pkg{Ecosystem: "Maven", Name: "org.apache.xmlgraphics:batik-anim", Version: "1.9.1"}, debian, "pkg:maven/org.apache.xmlgraphics/batik-anim@1.9.1"},
		{"Maven without group", pkg{Ecosystem: "Maven", Name: "batik-anim", Version: "1.9.1"}, debian, "pkg:maven/batik-anim@1.9.1"},
		{"NuGet", pkg{Ecosystem: "NuGet", Name: "EnterpriseLibrary.Common", Version: "6.0.1304"}, debian, "pkg:nuget/EnterpriseLibrary.Common@6.0.1304"},
		{"cargo", pkg{Ecosystem: "crates.io", Name: "structopt", Version: "0.3.11"}, debian, "pkg:cargo/structopt@0.3.11"},
		{"composer", pkg{Ecosystem: "Packagist", Name: "Laravel/laravel", Version: "5.5.0"}, debian, "pkg:composer/laravel/laravel@5.5.0"},
		{"golang", pkg{Ecosystem: "Go", Name: "google.golang.org/genproto", Version: "0.1.0"}, debian, "pkg:golang/google.golang.org/genproto@v0.1.0"},
		{"golang, capitals", pkg{Ecosystem: "Go", Name: "github.com/BurntSushi/toml", Version: "v1.2.0+incompatible"}, debian, "pkg:golang/github.com/burntsushi/toml@v1.2.0%2Bincompatible"},
		{"golang, a development build", pkg{Ecosystem: "Go", Name: "example.com/app", Version: "(devel)"}, debian, "pkg:golang/example.com/app@%28devel%29"},
		{"golang, the standard library", pkg{Ecosystem: "Go", Name: "stdlib", Version: "1.22.1"}, debian, "pkg:golang/stdlib@1.22.1"},
		{"no version", pkg{Ecosystem: "npm", Name: "x"}, none, "pkg:npm/x"},
		{"hostile", pkg{Ecosystem: "npm", Name: "a b?c#d@e\x00\xff", Version: "1&2/3"}, none, "pkg:npm/a%20b%3Fc%23d%40e%00%FF@1%262%2F3"},
		{"no name", pkg{Ecosystem: "npm", Version: "1"}, none, ""},
		{"no ecosystem", pkg{Name: "x"}, none, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := PURL(test.p, test.d)
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if got == "" {
				return
			}
			if u, err := packageurl.FromString(got); err != nil || u.ToString() != got {
				t.Errorf("%s reads back as %s, %v", got, u, err)
			}
		})
	}
}

func TestImagePURL(t *testing.T) {
	t.Parallel()
	digest := sampleDigest("x")
	tests := []struct{ reference, want string }{
		{"registry.example:5000/Shop/web:1.4", "pkg:oci/web@" + string(digest) + "?arch=arm64&repository_url=registry.example:5000%2Fshop%2Fweb&tag=1.4"},
		{"registry.example/shop/web@" + string(digest), "pkg:oci/web@" + string(digest) + "?arch=arm64&repository_url=registry.example%2Fshop%2Fweb"},
		{"localhost:5000/web", "pkg:oci/web@" + string(digest) + "?arch=arm64&repository_url=localhost:5000%2Fweb"},
		{"oci:images/out:edge", "pkg:oci/out@" + string(digest) + "?arch=arm64&tag=edge"},
		{"oci:images/out", "pkg:oci/out@" + string(digest) + "?arch=arm64"},
		{"tar:/tmp/web.tar", "pkg:oci/web.tar@" + string(digest) + "?arch=arm64"},
	}
	for _, test := range tests {
		got := ImagePURL(seaworthy.Assessment{Reference: test.reference, Image: seaworthy.Image{
			Digest: digest, Platform: seaworthy.Platform{OS: "linux", Architecture: "arm64"},
		}})
		if got != test.want {
			t.Errorf("%s: got %s, want %s", test.reference, got, test.want)
		}
	}
	if got := ImagePURL(seaworthy.Assessment{Reference: "x"}); got != "" {
		t.Errorf("an image without digest: got %s", got)
	}
}
