package version

import (
	"testing"

	"github.com/seaworthy-dev/seaworthy"
)

func TestAdvisoryName(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		give        seaworthy.Package
		wantName    string
		wantVersion string
	}{
		{"Debian: source package and version, not the binary rebuild's",
			seaworthy.Package{Ecosystem: "Debian:12", Name: "libc6", Version: "2.36-9+deb12u3+b1", Source: "glibc", SourceVersion: "2.36-9+deb12u3"}, "glibc", "2.36-9+deb12u3"},
		{"Debian: an epoch of the binary's own",
			seaworthy.Package{Ecosystem: "Debian:12", Name: "libcap2-bin", Version: "1:2.66-4", Source: "libcap2", SourceVersion: "2.66-4"}, "libcap2", "2.66-4"},
		{"Debian without a source", seaworthy.Package{Ecosystem: "Debian:12", Name: "bash", Version: "5.2"}, "bash", "5.2"},
		{"Ubuntu", seaworthy.Package{Ecosystem: "Ubuntu:22.04", Name: "libssl3", Version: "3.0.2-0ubuntu1", Source: "openssl", SourceVersion: "3.0.2-0ubuntu1"}, "openssl", "3.0.2-0ubuntu1"},
		{"Alpine: origin", seaworthy.Package{Ecosystem: "Alpine:v3.18", Name: "libcrypto3", Version: "3.1.3-r0", Source: "openssl", SourceVersion: "3.1.3-r0"}, "openssl", "3.1.3-r0"},
		{"Wolfi: origin", seaworthy.Package{Ecosystem: "Wolfi", Name: "libcrypto3", Version: "3.1.3-r0", Source: "openssl"}, "openssl", "3.1.3-r0"},
		{"AlmaLinux: binary with epoch", seaworthy.Package{Ecosystem: "AlmaLinux:9", Name: "openssl-libs", Version: "1:3.0.7-24.el9", Source: "openssl"}, "openssl-libs", "1:3.0.7-24.el9"},
		{"SUSE: without epoch", seaworthy.Package{Ecosystem: "SUSE:Linux Enterprise Server 15 SP5", Name: "vim", Version: "1:9.0-1"}, "vim", "9.0-1"},
		{"Fedora: no epoch to remove", seaworthy.Package{Ecosystem: "Fedora:40", Name: "vim", Version: "9.0-1"}, "vim", "9.0-1"},
		{"PyPI: PEP 503", seaworthy.Package{Ecosystem: "PyPI", Name: "Flask_SQL.._Alchemy", Version: "2.0"}, "flask-sql-alchemy", "2.0"},
		{"NuGet: lower case", seaworthy.Package{Ecosystem: "NuGet", Name: "Newtonsoft.Json", Version: "12.0.1"}, "newtonsoft.json", "12.0.1"},
		{"Packagist: lower case", seaworthy.Package{Ecosystem: "Packagist", Name: "Drupal/Core", Version: "v10.0.0"}, "drupal/core", "v10.0.0"},
		{"npm: as is", seaworthy.Package{Ecosystem: "npm", Name: "@Babel/Core", Version: "7.0.0"}, "@Babel/Core", "7.0.0"},
		{"Maven: as is", seaworthy.Package{Ecosystem: "Maven", Name: "org.Foo:bar", Version: "1"}, "org.Foo:bar", "1"},
		{"RubyGems: platform", seaworthy.Package{Ecosystem: "RubyGems", Name: "nokogiri", Version: "1.15.0-x86_64-linux"}, "nokogiri", "1.15.0"},
		{"RubyGems: a prerelease is no platform", seaworthy.Package{Ecosystem: "RubyGems", Name: "rails", Version: "7.0.0-rc1"}, "rails", "7.0.0-rc1"},
		{"Go module", seaworthy.Package{Ecosystem: "Go", Name: "golang.org/x/net", Version: "v0.17.0"}, "golang.org/x/net", "0.17.0"},
		{"Go module: its own prerelease scheme", seaworthy.Package{Ecosystem: "Go", Name: "example.com/m", Version: "v1.0.0-rc1"}, "example.com/m", "1.0.0-rc1"},
		{"Go standard library", seaworthy.Package{Ecosystem: "Go", Name: "stdlib", Version: "go1.21.0"}, "stdlib", "1.21.0"},
		{"Go release candidate as the toolchain says it", seaworthy.Package{Ecosystem: "Go", Name: "stdlib", Version: "go1.22rc1"}, "stdlib", "1.22.0-rc.1"},
		{"Go release candidate as a reader may have it", seaworthy.Package{Ecosystem: "Go", Name: "stdlib", Version: "1.22.0-rc1"}, "stdlib", "1.22.0-rc.1"},
		{"Go with experiments", seaworthy.Package{Ecosystem: "Go", Name: "stdlib", Version: "go1.22.3 X:boringcrypto"}, "stdlib", "1.22.3"},
		{"no version", seaworthy.Package{Ecosystem: "Go", Name: "example.com/m"}, "example.com/m", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			name, version := AdvisoryName(tt.give)
			if name != tt.wantName || version != tt.wantVersion {
				t.Errorf("AdvisoryName = %q, %q, want %q, %q", name, version, tt.wantName, tt.wantVersion)
			}
			if again := CanonicalName(tt.give.Ecosystem, name); again != name {
				t.Errorf("CanonicalName(%q) = %q, want it unchanged", name, again)
			}
		})
	}
}

func TestModuleOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		ecosystem     seaworthy.Ecosystem
		summary, want string
	}{
		{"AlmaLinux:8", "Important: nodejs:18 security update", "nodejs:18"},
		{"AlmaLinux:8", "Moderate: mariadb:10.5 security, bug fix, and enhancement update", "mariadb:10.5"},
		{"AlmaLinux:8", "Important: container-tools:rhel8 security update", "container-tools:rhel8"},
		{"Red Hat:8", "Red Hat Security Advisory: postgresql:12 security update", "postgresql:12"},
		{"AlmaLinux:9", "Important: firefox security update", ""},
		{"Debian:12", "Important: nodejs:18 security update", ""},
	} {
		if got := ModuleOf(tt.ecosystem, tt.summary); got != tt.want {
			t.Errorf("ModuleOf(%s, %q) = %q, want %q", tt.ecosystem, tt.summary, got, tt.want)
		}
	}
}
