package assess_test

import "github.com/seaworthy-dev/seaworthy"

// bookworm is a package of Debian 12.
func bookworm(name, version, source, sourceVersion string) seaworthy.Package {
	return seaworthy.Package{
		Ecosystem: "Debian:12", Name: name, Version: version, Arch: "amd64", Source: source, SourceVersion: sourceVersion,
	}
}

// same is a package whose version is its source's.
func same(name, source, version string) seaworthy.Package {
	return bookworm(name, version, source, version)
}

// debianRows hold what bookworm's packages say of themselves in
// changelog.Debian.gz against Debian's records, and the other way.
func debianRows() []verdict {
	libcap := bookworm("libcap2", "1:2.66-4+deb12u3+b1", "libcap2", "1:2.66-4+deb12u3")
	libcapBefore := bookworm("libcap2", "1:2.66-4+deb12u1+b3", "libcap2", "1:2.66-4+deb12u1")
	bsdutils := bookworm("bsdutils", "1:2.38.1-5+deb12u3", "util-linux", "2.38.1-5+deb12u3")
	bsdutilsBefore := bookworm("bsdutils", "1:2.38.1-5+b1", "util-linux", "2.38.1-5")
	bundler := bookworm("ruby-bundler", "2.3.15-2+deb12u1", "rubygems", "3.3.15-2+deb12u1")
	bundlerBefore := bookworm("ruby-bundler", "2.3.15-2", "rubygems", "3.3.15-2")
	return []verdict{
		// A rebuild does not change the source, and says so in Source.
		{libcap, "CVE-2026-4878", silent, "", "changelog of 1:2.66-4+deb12u3; +b1 is a rebuild of it"},
		{libcap, "CVE-2025-1390", silent, "", "changelog of 1:2.66-4+deb12u1"},
		{libcapBefore, "CVE-2026-4878", affected, "1:2.66-4+deb12u3", "the rebuild +b3 of deb12u1 has no more fixes than deb12u1"},
		{libcapBefore, "CVE-2025-1390", silent, "", "fixed in the very source that was rebuilt"},
		{bookworm("e2fsprogs", "1.47.0-2+b2", "e2fsprogs", "1.47.0-2"), "CVE-2022-1304", silent, "", "changelog of 1.46.6~rc1-1; ~rc1 is before 1.46.6"},
		{bookworm("libss2", "1.46.5-2+b1", "e2fsprogs", "1.46.5-2"), "CVE-2022-1304", affected, "1.46.6~rc1-1", "older than the release candidate that fixes it"},
		{bookworm("ruby-nokogiri", "1.13.10+dfsg-2+b1", "ruby-nokogiri", "1.13.10+dfsg-2"), "CVE-2022-24836", silent, "", "changelog of 1.13.5+dfsg-1; 10 is above 5"},

		// The binary's epoch and number are its own.
		{bsdutils, "CVE-2024-28085", silent, "", "changelog of util-linux 2.38.1-5+deb12u1; the epoch is bsdutils' own"},
		{bsdutilsBefore, "CVE-2024-28085", affected, "2.38.1-5+deb12u1", "1:2.38.1-5+b1 is source 2.38.1-5: the epoch must not hide it"},
		{bsdutils, "CVE-2022-0563", hidden, "", "open, and unimportant by Debian's word"},
		{bundler, "CVE-2025-27221", silent, "", "changelog of rubygems 3.3.15-2+deb12u1; the binary counts as 2.3.15"},
		{bundlerBefore, "CVE-2025-27221", affected, "3.3.15-2+deb12u1", "rubygems 3.3.15-2 lies behind the binary 2.3.15-2"},
		{same("libruby3.1", "ruby3.1", "3.1.7-1~deb12u2"), "CVE-2025-27221", silent, "", "changelog of 3.1.7-1~deb12u1: another source of the same record has its own fix"},
		{same("libruby3.1", "ruby3.1", "3.1.2-7+deb12u1"), "CVE-2025-27221", affected, "3.1.7-1~deb12u1", "rubygems' 3.3.15-2+deb12u1 is not ruby3.1's fix"},

		// Epochs of the source.
		{same("zlib1g", "zlib", "1:1.2.13.dfsg-1"), "CVE-2022-37434", silent, "", "changelog of 1:1.2.11.dfsg-4.1"},
		{same("zlib1g", "zlib", "1:1.2.13.dfsg-1"), "CVE-2023-45853", affected, "", "never fixed in bookworm: minizip is in the source, and no changelog entry names the id"},
		{same("python3-django", "python-django", "3:3.2.25-0+deb12u7"), "CVE-2023-36053", silent, "", "changelog of 3:3.2.25-0+deb12u1, after 3:3.2.19-1+deb12u1"},
		{same("python3-django", "python-django", "3:3.2.25-0+deb12u7"), "CVE-2019-14232", silent, "", "fixed in 2:2.2.4-1, of a lower epoch; the changelog names it again as the origin of a later problem"},
		{same("python3-django", "python-django", "3:3.2.19-1"), "CVE-2023-36053", affected, "3:3.2.19-1+deb12u1", "the version before the security upload"},
		{same("python3-django", "python-django", "3:3.2.25-0+deb12u7"), "CVE-2024-38875", affected, "", "no entry of the changelog names it, and the record has no fix"},
		{same("libnetty-java", "netty", "1:4.1.48-7+deb12u2"), "CVE-2021-37136", silent, "", "changelog of 1:4.1.48-6"},
		{same("libnetty-java", "netty", "1:4.1.48-7+deb12u2"), "CVE-2025-24970", affected, "", "open, and not in the changelog"},

		// An announcement on several CVEs is evidence for each.
		{same("libnetty-java", "netty", "1:4.1.48-7"), "CVE-2023-34462", affected, "1:4.1.48-7+deb12u1", "DSA-5558-1"},
		{same("libnetty-java", "netty", "1:4.1.48-7"), "CVE-2023-44487", affected, "1:4.1.48-7+deb12u1", "DSA-5558-1"},
		{same("libnetty-java", "netty", "1:4.1.48-7+deb12u2"), "CVE-2023-44487", silent, "", "changelog of 1:4.1.48-7+deb12u1"},
		{same("libc6", "glibc", "2.36-9+deb12u2"), "CVE-2023-4911", affected, "2.36-9+deb12u3", "DSA-5514-1 came between deb12u2 and deb12u3"},
		{same("libc6", "glibc", "2.36-9+deb12u14"), "CVE-2023-4911", silent, "", "changelog of 2.36-9+deb12u3; u14 is above u3"},
		{same("libc6", "glibc", "2.36-9+deb12u14"), "CVE-2026-0861", silent, "", "changelog of 2.36-9+deb12u14"},
		{same("libc-bin", "glibc", "2.36-9+deb12u9"), "CVE-2026-0861", affected, "2.36-9+deb12u14", "u9 is below u14, though not as text"},
		{same("libc-bin", "glibc", "2.36-9+deb12u14"), "CVE-2010-4756", hidden, "", "unimportant by Debian's word"},

		// "~deb12u1" is before the version it was taken from, "+deb12u1" behind it.
		{same("libssl3", "openssl", "3.0.22-1~deb12u2"), "CVE-2026-35189", silent, "", "changelog of 3.0.22-1~deb12u2"},
		{same("libssl3", "openssl", "3.0.22-1~deb12u1"), "CVE-2026-35189", affected, "3.0.22-1~deb12u2", "the upload before"},
		{same("openssl", "openssl", "3.0.22-1"), "CVE-2026-35189", silent, "", "3.0.22-1 is above all of its backports"},
		{same("libssl3", "openssl", "3.0.22-1~deb12u2"), "CVE-2010-0928", hidden, "", "an attack on hardware, unimportant by Debian's word"},
		{same("libexpat1", "expat", "2.5.0-1+deb12u5"), "CVE-2025-59375", silent, "", "changelog of 2.5.0-1+deb12u4"},
		{same("libexpat1", "expat", "2.5.0-1"), "CVE-2025-59375", affected, "2.5.0-1+deb12u4", "bookworm as it was released"},
		{same("libnode108", "nodejs", "18.20.4+dfsg-1~deb12u3"), "CVE-2026-48618", silent, "", "changelog of 18.20.4+dfsg-1~deb12u3"},
		{same("libnode108", "nodejs", "18.20.4+dfsg-1~deb12u3"), "CVE-2025-23083", affected, "", "open, and not in the changelog"},
		{same("openjdk-17-jre-headless", "openjdk-17", "17.0.21.1+2-1~deb12u1"), "CVE-2026-22016", silent, "", "changelog of 17.0.19+10-1; a backport of a later version"},
		{same("libpython3.11-stdlib", "python3.11", "3.11.2-6+deb12u9"), "CVE-2024-28085", silent, "", "another source's problem"},
		{same("perl-base", "perl", "5.36.0-7+deb12u4"), "CVE-2026-7017", silent, "", "changelog of 5.36.0-7+deb12u4"},
		{same("perl-base", "perl", "5.36.0-7"), "CVE-2023-31484", affected, "", "the changelog first names it in 5.36.0-7+deb12u3"},
		{same("libgssapi-krb5-2", "krb5", "1.20.1-2+deb12u5"), "CVE-2025-3576", silent, "", "changelog of 1.20.1-2+deb12u4"},
		{same("libgnutls30", "gnutls28", "3.7.9-2+deb12u7"), "CVE-2026-3833", silent, "", "changelog of 3.7.9-2+deb12u7"},
		{same("libsqlite3-0", "sqlite3", "3.40.1-2+deb12u2"), "CVE-2023-7104", silent, "", "changelog of 3.40.1-2+deb12u1"},
		{same("libsqlite3-0", "sqlite3", "3.40.1-2"), "CVE-2023-7104", affected, "3.40.1-2+deb12u1", "the version before"},
		{same("libtinfo6", "ncurses", "6.4-4"), "CVE-2023-29491", silent, "", "changelog of 6.4-3"},
		{same("libtinfo6", "ncurses", "6.4-4"), "CVE-2023-50495", affected, "", "open, and not in the changelog"},
		{same("coreutils", "coreutils", "9.1-1"), "CVE-2016-2781", affected, "", "open; low is a severity, and no reason to hide"},
		{same("libgcrypt20", "libgcrypt20", "1.10.1-3+deb12u1"), "CVE-2024-2236", affected, "", "open, and not in the changelog"},
		{same("tar", "tar", "1.34+dfsg-1.2+deb12u1"), "CVE-2005-2541", hidden, "", "documented behaviour, unimportant by Debian's word"},

		// Where the record and the changelog differ, the record decides.
		{same("libjetty9-java", "jetty9", "9.4.57-1.1~deb12u1"), "CVE-2025-5115", affected, "9.4.57-1.1", "by the record's number a backport of the fixed version comes before it"},
		{same("libtomcat10-java", "tomcat10", "10.1.60-1~deb12u1"), "CVE-2026-68569", affected, "10.1.60-1", "the changelog of 10.1.60-1~deb12u1 says fixed; the record names the version of unstable"},
		{same("perl-base", "perl", "5.36.0-7+deb12u4"), "CVE-2023-31484", affected, "", "the changelog of 5.36.0-7+deb12u3 says fixed; the record was made before"},

		// Classes, names and versions that say nothing.
		{same("linux-libc-dev", "linux", "6.1.69-1"), "CVE-2024-1086", hidden, "6.1.76-1", "kernel headers: no kernel runs from an image"},
		{same("linux-libc-dev", "linux", "6.1.76-1"), "CVE-2024-1086", silent, "", "fixed in this very version"},
		{same("linux-image-6.1.0-17-amd64", "linux", "6.1.69-1"), "CVE-2024-1086", affected, "6.1.76-1", "a kernel itself is no noise"},
		{same("zlib", "other", "1:1.2.13.dfsg-1"), "CVE-2023-45853", silent, "", "a binary with the source's name is of another source"},
		{seaworthy.Package{Ecosystem: "Debian:11", Name: "libc6", Version: "2.31-13", Source: "glibc", SourceVersion: "2.31-13"}, "CVE-2023-4911", silent, "", "bookworm's entry does not speak of bullseye"},
		{seaworthy.Package{Ecosystem: "Debian:12", Name: "libc6", Source: "glibc"}, "CVE-2026-0861", undecided, "", "no version, no verdict"},
	}
}
