package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/seaworthy-dev/seaworthy"
)

func debianPackage(name, source, version string) seaworthy.Package {
	return seaworthy.Package{
		Ecosystem: "Debian:12", Name: name, Version: version, Arch: "amd64", Source: source, SourceVersion: version,
	}
}

// sampleAssessment has each thing that a table shows.
func sampleAssessment() seaworthy.Assessment {
	day := time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
	const old, new13, new15 = "3.0.11-1~deb12u2", "3.0.13-1~deb12u1", "3.0.15-1~deb12u1"
	openssl, libssl := debianPackage("openssl", "openssl", old), debianPackage("libssl3", "openssl", old)
	libc := debianPackage("libc6", "glibc", "2.36-9+deb12u4")
	headers := debianPackage("linux-libc-dev", "linux", "6.1.67-1")
	lodash := seaworthy.Package{Ecosystem: "npm", Name: "lodash", Version: "4.17.15"}
	minimist := seaworthy.Package{Ecosystem: "npm", Name: "minimist", Version: "1.2.5"}
	requests := seaworthy.Package{Ecosystem: "PyPI", Name: "requests", Version: "2.28.1"}
	dpkg := []seaworthy.Location{{Layer: 0, Path: "var/lib/dpkg/status"}}
	a := seaworthy.Assessment{
		Reference: "registry.example/shop/web:1.4",
		Image: seaworthy.Image{
			Digest: seaworthy.DigestOf([]byte("manifest")), Platform: seaworthy.Platform{OS: "linux", Architecture: "amd64"},
			Layers: []seaworthy.Layer{
				{Digest: seaworthy.DigestOf([]byte("base")), Size: 29_150_000, Instruction: "ADD rootfs.tar / # buildkit"},
				{Digest: seaworthy.DigestOf([]byte("env")), Size: 32, Instruction: "ENV A=B"},
				{Digest: seaworthy.DigestOf([]byte("app")), Size: 4_200_000, Instruction: "RUN /bin/sh -c npm ci --omit=dev && \\\n    npm cache clean --force # buildkit"},
			},
		},
		Inventory: seaworthy.Inventory{
			Distribution: seaworthy.Distribution{ID: "debian", VersionID: "12", Name: "Debian GNU/Linux 12 (bookworm)", Ecosystem: "Debian:12"},
			Packages: []seaworthy.Placed{
				{Package: libc, Locations: dpkg}, {Package: libssl, Locations: dpkg}, {Package: headers, Locations: dpkg}, {Package: openssl, Locations: dpkg},
				{Package: requests, Locations: []seaworthy.Location{{Layer: 2, Path: "usr/local/lib/python3.11/site-packages/requests-2.28.1.dist-info/METADATA"}}},
				{Package: lodash, Locations: []seaworthy.Location{{Layer: 2, Path: "app/node_modules/lodash/package.json"}}},
				{Package: minimist, OwnedBy: "node-minimist", Locations: []seaworthy.Location{{Layer: 0, Path: "usr/share/nodejs/minimist/package.json"}}},
			},
			Gaps: []seaworthy.Gap{{Kind: seaworthy.GapFile, Layer: 2, Path: "app/lib/broken.jar", Reason: "zip: not a valid zip file"}},
		},
		Advisories: []seaworthy.Feed{
			{Source: "osv", Ecosystem: "Debian", Records: 41_000, Newest: day, Updated: day},
			{Source: "osv", Ecosystem: "npm", Records: 9_000, Newest: day, Updated: day},
		},
		Assessed: time.Date(2026, 3, 5, 6, 7, 8, 0, time.UTC),
	}
	found := func(id string, p seaworthy.Package, s seaworthy.Severity, by, fixed string) *seaworthy.Vulnerability {
		v := seaworthy.Vulnerability{ID: id, IDs: []string{id}, Package: p, Severity: s, RatedBy: by, Fixed: fixed, FixState: seaworthy.FixNone, Findings: []seaworthy.Finding{}}
		if fixed != "" {
			v.FixState = seaworthy.FixAvailable
		}
		a.Vulnerabilities = append(a.Vulnerabilities, v)
		return &a.Vulnerabilities[len(a.Vulnerabilities)-1]
	}
	for _, p := range []seaworthy.Package{libssl, openssl} {
		found("CVE-2024-0727", p, seaworthy.SeverityMedium, "NVD", new13)
		found("CVE-2024-5535", p, seaworthy.SeverityCritical, "NVD", new15).EPSS = &seaworthy.EPSS{Score: 0.0421, Percentile: 0.91, Date: day}
	}
	v := found("CVE-2023-4911", libc, seaworthy.SeverityHigh, "NVD", "2.36-9+deb12u5")
	v.KEV, v.EPSS = &seaworthy.KEV{Added: day}, &seaworthy.EPSS{Score: 0.912, Percentile: 0.99, Date: day}
	found("CVE-2019-1010022", libc, seaworthy.SeverityUnknown, "", "")
	found("CVE-2021-23337", lodash, seaworthy.SeverityHigh, "GitHub", "4.17.21").EPSS = &seaworthy.EPSS{Score: 0.0002}
	found("GHSA-xxxx-yyyy-zzzz", lodash, seaworthy.SeverityLow, "GitHub", "").Undecided = true
	for i := range 14 {
		found(fmt.Sprintf("CVE-2025-%05d", i), headers, seaworthy.SeverityHigh, "NVD", "6.1.90-1").Class = seaworthy.ClassKernelHeaders
	}
	found("CVE-2010-4756", libc, seaworthy.SeverityLow, "Debian", "").Class = seaworthy.ClassUnimportant
	return a
}

// attack is what a hostile image writes to take over a terminal.
const attack = "\x1b[2J\x1b[H\x1b]0;owned\x07\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\\r\n\u009b31m\x7f\u202etxt.exe\u2066\u200b\x00\xff\xfe"

// hostileAssessment has an attack, or too much of something, in each string.
func hostileAssessment() seaworthy.Assessment {
	long := strings.Repeat("漢a\u0301", 4000) + strings.Repeat("\u0489", 5000)
	a := sampleAssessment()
	a.Reference = attack + long
	a.Image.Digest = attack
	a.Image.Platform = seaworthy.Platform{OS: attack, Architecture: long}
	for i := range a.Image.Layers {
		a.Image.Layers[i].Instruction, a.Image.Layers[i].Digest = attack+long, "sha256:"+attack
	}
	a.Inventory.Distribution = seaworthy.Distribution{ID: attack, Name: attack + long}
	for _, s := range []string{attack, long, "", "\u0301\u0301"} {
		p := seaworthy.Package{Ecosystem: seaworthy.Ecosystem(s), Name: s, Version: s, Arch: s, Source: s, SourceVersion: s, Module: s}
		a.Inventory.Packages = append(a.Inventory.Packages, seaworthy.Placed{Package: p, OwnedBy: s, Locations: []seaworthy.Location{{Layer: 99, Path: s}, {Layer: -3}, {Layer: 1, Path: s}}})
		a.Inventory.Gaps = append(a.Inventory.Gaps, seaworthy.Gap{Kind: seaworthy.GapKind(s), Layer: 99, Path: s, Reason: s})
		a.Vulnerabilities = append(a.Vulnerabilities, seaworthy.Vulnerability{
			ID: s, Package: p, Severity: 99, RatedBy: s, Fixed: s, FixState: seaworthy.FixState(s), Class: seaworthy.Class(s), Summary: s,
		})
	}
	return a
}
