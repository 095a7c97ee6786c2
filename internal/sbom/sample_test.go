package sbom

import (
	"math"
	"strings"
	"time"

	"github.com/seaworthy-dev/seaworthy"
)

var testTool = Tool{Name: "seaworthy", Version: "1.2.3"}

func sampleDigest(seed string) seaworthy.Digest { return seaworthy.DigestOf([]byte(seed)) }

// sample is an image with a bit of everything.
func sample(reference string) seaworthy.Assessment {
	openssl := seaworthy.Package{
		Ecosystem: "Debian:12", Name: "openssl", Version: "3.0.11-1~deb12u2", Arch: "amd64",
		Source: "openssl", SourceVersion: "3.0.11-1~deb12u2",
	}
	libssl := openssl
	libssl.Name = "libssl3"
	requests := seaworthy.Package{Ecosystem: "PyPI", Name: "requests", Version: "2.28.1"}
	lodash := seaworthy.Package{Ecosystem: "npm", Name: "lodash", Version: "4.17.15"}
	core := seaworthy.Package{Ecosystem: "npm", Name: "@babel/core", Version: "7.1.0"}
	odd := seaworthy.Package{Ecosystem: "Maven", Name: "org.example:odd", Version: ""}
	day := time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
	return seaworthy.Assessment{
		Reference: reference,
		Image: seaworthy.Image{
			Digest:   sampleDigest("manifest"),
			Platform: seaworthy.Platform{OS: "linux", Architecture: "amd64"},
			Layers: []seaworthy.Layer{
				{Digest: sampleDigest("base"), Size: 29_150_000, Instruction: "ADD rootfs.tar / # buildkit"},
				{Digest: sampleDigest("app"), Size: 4_200_000, Instruction: "RUN npm ci && pip install requests"},
				{Digest: sampleDigest("foreign"), Size: 7, Foreign: true},
			},
		},
		Inventory: seaworthy.Inventory{
			Distribution: seaworthy.Distribution{ID: "debian", VersionID: "12", Name: "Debian GNU/Linux 12 (bookworm)", Ecosystem: "Debian:12"},
			Packages: []seaworthy.Placed{
				{Package: libssl, Locations: []seaworthy.Location{{Layer: 0, Path: "var/lib/dpkg/status"}}},
				{Package: openssl, Locations: []seaworthy.Location{{Layer: 0, Path: "var/lib/dpkg/status"}}},
				{Package: odd, Locations: []seaworthy.Location{{Layer: 1, Path: "app/odd.jar"}}},
				{Package: requests, OwnedBy: "openssl", Locations: []seaworthy.Location{{Layer: 0, Path: "usr/lib/python3/dist-packages/requests-2.28.1.dist-info/METADATA"}}},
				{Package: core, Locations: []seaworthy.Location{{Layer: 1, Path: "app/node_modules/@babel/core/package.json"}}},
				{Package: lodash, Locations: []seaworthy.Location{
					{Layer: 1, Path: "app/node_modules/lodash/package.json"},
					{Layer: 1, Path: "app/node_modules/a/node_modules/lodash/package.json"},
				}},
			},
			Gaps: []seaworthy.Gap{
				{Kind: seaworthy.GapForeignLayer, Layer: 2, Reason: "the layer is not to be fetched from the registry"},
				{Kind: seaworthy.GapFile, Layer: 1, Path: "app/broken.jar", Reason: "zip: not a valid zip file"},
			},
		},
		Vulnerabilities: []seaworthy.Vulnerability{
			{
				ID: "CVE-2024-5535", IDs: []string{"CVE-2024-5535", "DEBIAN-CVE-2024-5535", "DSA-5764-1"}, Package: openssl,
				Severity: seaworthy.SeverityCritical, RatedBy: "NVD", FixState: seaworthy.FixAvailable, Fixed: "3.0.15-1~deb12u1",
				Scores: []seaworthy.Score{
					{Source: "Red Hat", Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:N/A:N", Base: 5.9},
					{Source: "NVD", Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:H", Base: 9.1},
				},
				Summary: "A buffer overread in SSL_select_next_proto", EPSS: &seaworthy.EPSS{Score: 0.0421, Percentile: 0.91, Date: day},
				KEV: &seaworthy.KEV{Added: day, Due: day.AddDate(0, 0, 21), Ransomware: true},
			},
			{
				ID: "CVE-2024-5535", IDs: []string{"CVE-2024-5535", "DEBIAN-CVE-2024-5535", "DSA-5764-1"}, Package: libssl,
				Severity: seaworthy.SeverityCritical, RatedBy: "NVD", FixState: seaworthy.FixAvailable, Fixed: "3.0.15-1~deb12u1",
				Scores: []seaworthy.Score{
					{Source: "Red Hat", Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:N/A:N", Base: 5.9},
					{Source: "NVD", Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:H", Base: 9.1},
				},
				Summary: "A buffer overread in SSL_select_next_proto", EPSS: &seaworthy.EPSS{Score: 0.0421, Percentile: 0.91, Date: day},
				KEV: &seaworthy.KEV{Added: day, Due: day.AddDate(0, 0, 21), Ransomware: true},
			},
			{
				ID: "CVE-2021-23337", IDs: []string{"CVE-2021-23337", "GHSA-35jh-r3h4-6jhm"}, Package: lodash, Severity: seaworthy.SeverityHigh,
				RatedBy: "GitHub", FixState: seaworthy.FixAvailable, Fixed: "4.17.21",
				Scores:  []seaworthy.Score{{Source: "GitHub", Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:H/I:H/A:H", Base: 7.2}},
				Summary: "Command injection by template",
			},
			{
				ID: "GHSA-aaaa-bbbb-cccc", IDs: []string{"GHSA-aaaa-bbbb-cccc"}, Package: odd, FixState: seaworthy.FixNone, Undecided: true,
			},
		},
		Advisories: []seaworthy.Feed{{Source: "osv", Ecosystem: "Debian", Records: 41_000, Newest: day, Updated: day}},
		Assessed:   time.Date(2026, 3, 5, 6, 7, 8, 999, time.FixedZone("CET", 3600)),
	}
}

// hostile is an image in which every string is one that an attacker chose.
func hostile() seaworthy.Assessment {
	evil := "\x00\x1b[2J\x1b]0;pwn\x07</script><script>alert(1)</script>\u202e\xff\xfe{0}[x](javascript:alert(1))`|\r\n\"'\\ ://#?%zz"
	long := strings.Repeat("A\U0001f6a2", 2000)
	a := sample("registry.example:5000/" + evil + ":" + evil)
	a.Image.Platform = seaworthy.Platform{OS: evil, Architecture: evil, Variant: long}
	a.Image.Labels = map[string]string{evil: evil}
	for i := range a.Image.Layers {
		a.Image.Layers[i].Instruction = evil + long
	}
	d := &a.Inventory.Distribution
	d.ID, d.VersionID, d.Name = evil, evil, evil+long
	families := []seaworthy.Ecosystem{
		"Debian:12", "npm", "PyPI", "Maven", "Go", "NuGet", "RubyGems", "crates.io", "Packagist", "AlmaLinux:9",
		"Alpine:v3.18", "rpm", "dpkg", "apk", seaworthy.Ecosystem(evil), "",
	}
	a.Inventory.Packages, a.Vulnerabilities = nil, nil
	for _, e := range families {
		names := []string{evil, ""}
		if e == "npm" || e == "Maven" {
			names = []string{evil, long, "", "/", "//", "@", ":", "..", "@" + evil + "/" + evil, "a:" + long}
		}
		for _, s := range names {
			p := seaworthy.Package{Ecosystem: e, Name: s, Version: s, Arch: s, Source: s, SourceVersion: s, Module: s}
			a.Inventory.Packages = append(a.Inventory.Packages, seaworthy.Placed{
				Package: p, OwnedBy: s,
				Locations: []seaworthy.Location{{Layer: 0, Path: s}, {Layer: 99, Path: "c:/../" + s}, {Layer: -1}},
			})
			for _, id := range []string{s, "CVE-" + s} {
				a.Vulnerabilities = append(a.Vulnerabilities, seaworthy.Vulnerability{
					ID: id, IDs: []string{s, id, ""}, Package: p, Severity: 77, RatedBy: s, Fixed: s, FixState: seaworthy.FixState(s),
					Class: seaworthy.Class(s), Summary: s, EPSS: &seaworthy.EPSS{Score: math.NaN(), Percentile: math.Inf(1)},
					KEV: &seaworthy.KEV{Name: s},
					Scores: []seaworthy.Score{
						{Source: s, Version: s, Vector: s, Base: math.NaN()}, {Source: s, Version: "3.1", Vector: s, Base: math.Inf(-1)},
					},
				})
			}
		}
	}
	a.Inventory.Packages = append(a.Inventory.Packages, a.Inventory.Packages...) // twice, against the promise
	a.Vulnerabilities = append(a.Vulnerabilities, a.Vulnerabilities[:8]...)
	for _, id := range []string{"CVE-\x01", "CVE-\x02"} { // the same once they are cleaned
		a.Vulnerabilities = append(a.Vulnerabilities, seaworthy.Vulnerability{ID: id})
	}
	a.Vulnerabilities = append(a.Vulnerabilities, seaworthy.Vulnerability{ID: "CVE-1", Package: seaworthy.Package{Name: "not in the inventory"}})
	for _, s := range []string{evil, long, ""} {
		a.Inventory.Gaps = append(a.Inventory.Gaps, seaworthy.Gap{Kind: seaworthy.GapKind(s), Layer: 12345, Path: s, Reason: s})
		a.Advisories = append(a.Advisories, seaworthy.Feed{Source: s, Ecosystem: s, URL: s})
	}
	a.Assessed = time.Time{}
	return a
}

// inputs are the assessments that each format must be able to write.
func inputs() map[string][]seaworthy.Assessment {
	bare := seaworthy.Assessment{}
	other := sample("registry.example/shop/other:2")
	other.Image.Digest = sampleDigest("other manifest")
	return map[string][]seaworthy.Assessment{
		"none":             nil,
		"nothing known":    {bare},
		"one":              {sample("registry.example/shop/web:1.4")},
		"several":          {sample("registry.example/shop/web:1.4"), other},
		"one by two names": {sample("registry.example/shop/web:1.4"), sample("registry.example/shop/web:latest")},
		"hostile":          {hostile()},
		"hostile and good": {hostile(), other, bare},
	}
}
