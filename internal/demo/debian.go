package demo

import (
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// deb is one Debian package: what dpkg's status file says of it, and its files.
type deb struct {
	name, version, arch string
	source              string // "name" or "name (version)"; empty when both are the package's own
	section             string
	depends             string
	description         string
	files               []string
}

// debian12u4 is a slim Debian 12.4, without what no advisory speaks of.
func debian12u4() []deb {
	return []deb{
		{name: "base-files", version: "12.4+deb12u4", section: "admin", description: "Debian base system miscellaneous files", files: []string{"usr/lib/os-release"}},
		{name: "bash", version: "5.2.15-2+b2", source: "bash (5.2.15-2)", section: "shells", description: "GNU Bourne Again SHell", files: []string{"bin/bash"}},
		{name: "ca-certificates", version: "20230311", arch: "all", section: "misc", description: "Common CA certificates", files: []string{"etc/ca-certificates.conf"}},
		{name: "curl", version: "7.88.1-10+deb12u4", section: "web", depends: "libc6 (>= 2.34), libcurl4 (= 7.88.1-10+deb12u4)", description: "command line tool for transferring data with URL syntax", files: []string{"usr/bin/curl"}},
		{name: "libc6", version: "2.36-9+deb12u3", source: "glibc", section: "libs", description: "GNU C Library: Shared libraries", files: []string{"lib/x86_64-linux-gnu/libc.so.6"}},
		{name: "libcurl4", version: "7.88.1-10+deb12u4", source: "curl", section: "libs", depends: "libc6 (>= 2.36), libssl3 (>= 3.0.0)", description: "easy-to-use client-side URL transfer library", files: []string{"usr/lib/x86_64-linux-gnu/libcurl.so.4.8.0"}},
		{name: "libexpat1", version: "2.5.0-1", source: "expat", section: "libs", depends: "libc6 (>= 2.25)", description: "XML parsing C library - runtime library", files: []string{"lib/x86_64-linux-gnu/libexpat.so.1.8.10"}},
		{name: "libgnutls30", version: "3.7.9-2+deb12u1", source: "gnutls28", section: "libs", description: "GNU TLS library - main runtime library", files: []string{"usr/lib/x86_64-linux-gnu/libgnutls.so.30.34.3"}},
		{name: "liblzma5", version: "5.4.1-0.2", source: "xz-utils", section: "libs", description: "XZ-format compression library", files: []string{"lib/x86_64-linux-gnu/liblzma.so.5.4.1"}},
		{name: "libssl3", version: "3.0.11-1~deb12u2", source: "openssl", section: "libs", depends: "libc6 (>= 2.34)", description: "Secure Sockets Layer toolkit - shared libraries", files: []string{"usr/lib/x86_64-linux-gnu/libssl.so.3"}},
		{name: "libsystemd0", version: "252.19-1~deb12u1", source: "systemd", section: "libs", description: "systemd utility library", files: []string{"lib/x86_64-linux-gnu/libsystemd.so.0.35.0"}},
		{name: "linux-libc-dev", version: "6.1.69-1", source: "linux", section: "devel", description: "Linux support headers for userspace development", files: []string{"usr/include/linux/version.h"}},
		{name: "openssl", version: "3.0.11-1~deb12u2", section: "utils", depends: "libc6 (>= 2.34), libssl3 (>= 3.0.9)", description: "Secure Sockets Layer toolkit - cryptographic utility", files: []string{"usr/bin/openssl"}},
		{name: "perl-base", version: "5.36.0-7+deb12u1", source: "perl", section: "perl", description: "minimal Perl system", files: []string{"usr/bin/perl"}},
		{name: "tar", version: "1.34+dfsg-1.2", section: "utils", description: "GNU version of the tar archiving utility", files: []string{"bin/tar"}},
		{name: "zlib1g", version: "1:1.2.13.dfsg-1", source: "zlib", section: "libs", depends: "libc6 (>= 2.14)", description: "compression library - runtime", files: []string{"lib/x86_64-linux-gnu/libz.so.1.2.13"}},
	}
}

// debian12u5 is the same after the point release: some packages are newer.
func debian12u5() []deb {
	newer := map[string]string{
		"base-files":     "12.4+deb12u5",
		"curl":           "7.88.1-10+deb12u5",
		"libc6":          "2.36-9+deb12u4",
		"libcurl4":       "7.88.1-10+deb12u5",
		"libgnutls30":    "3.7.9-2+deb12u2",
		"libssl3":        "3.0.13-1~deb12u1",
		"libsystemd0":    "252.22-1~deb12u1",
		"linux-libc-dev": "6.1.76-1",
		"openssl":        "3.0.13-1~deb12u1",
		"tar":            "1.34+dfsg-1.2+deb12u1",
	}
	packages := debian12u4()
	for i, p := range packages {
		if version, ok := newer[p.name]; ok {
			packages[i].version = version
			packages[i].depends = strings.ReplaceAll(p.depends, p.version, version)
		}
	}
	return packages
}

// status writes dpkg's database (deb-control(5), dpkg's status file).
func status(packages []deb) string {
	var b strings.Builder
	for _, p := range packages {
		fmt.Fprintf(&b, "Package: %s\nStatus: install ok installed\nPriority: optional\nSection: %s\nInstalled-Size: 1024\n", p.name, p.section)
		fmt.Fprintf(&b, "Maintainer: Debian Maintainers <debian-devel@lists.debian.org>\nArchitecture: %s\n", p.architecture())
		if p.arch != "all" {
			b.WriteString("Multi-Arch: same\n")
		}
		if p.source != "" {
			fmt.Fprintf(&b, "Source: %s\n", p.source)
		}
		fmt.Fprintf(&b, "Version: %s\n", p.version)
		if p.depends != "" {
			fmt.Fprintf(&b, "Depends: %s\n", p.depends)
		}
		fmt.Fprintf(&b, "Description: %s\n\n", p.description)
	}
	return b.String()
}

func (p deb) architecture() string {
	if p.arch == "" {
		return "amd64"
	}
	return p.arch
}

// install writes the files of packages and dpkg's lists of them.
func install(t *tree, packages []deb) {
	for _, p := range packages {
		var list strings.Builder
		list.WriteString("/.\n")
		for _, name := range p.files {
			if _, made := t.files[name]; !made {
				t.addf(name, "%s of %s %s\n", name, p.name, p.version)
			}
			fmt.Fprintf(&list, "/%s\n", name)
		}
		qualified := p.name
		if p.arch != "all" {
			qualified += ":" + p.architecture()
		}
		t.add("var/lib/dpkg/info/"+qualified+".list", list.String())
	}
}

const debianRelease = `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
HOME_URL="https://www.debian.org/"
SUPPORT_URL="https://www.debian.org/support"
BUG_REPORT_URL="https://bugs.debian.org/"
`

// debianBase is one layer with the packages given.
func debianBase(packages []deb) (v1.Image, error) {
	t := newTree().
		add("usr/lib/os-release", debianRelease).
		symlink("etc/os-release", "../usr/lib/os-release").
		add("etc/debian_version", "12.5\n").
		add("var/lib/dpkg/available", "").
		add("var/lib/dpkg/status", status(packages))
	install(t, packages)
	return build(scratch(), "amd64",
		step{"ADD rootfs.tar.xz / # buildkit", t},
		step{`CMD ["bash"]`, nil})
}

// withPackages is the layer that apt-get leaves when it installs more on top.
func withPackages(base, more []deb) *tree {
	t := newTree().add("var/lib/dpkg/status", status(append(base[:len(base):len(base)], more...)))
	install(t, more)
	return t
}
