package assess_test

import "github.com/seaworthy-dev/seaworthy"

func alma(name, version, module string) seaworthy.Package {
	return seaworthy.Package{Ecosystem: "AlmaLinux:9", Name: name, Version: version, Arch: "x86_64", Module: module}
}

func alpine(name, version, origin string) seaworthy.Package {
	return seaworthy.Package{Ecosystem: "Alpine:v3.18", Name: name, Version: version, Arch: "x86_64", Source: origin, SourceVersion: version}
}

func otherDistributionRows() []verdict {
	return []verdict{
		// AlmaLinux: binary names, epochs, announcements on several CVEs.
		{alma("glibc", "2.34-83.el9.12", ""), "CVE-2024-2961", affected, "2.34-100.el9_4.2", "83 is below 100"},
		{alma("glibc-common", "2.34-83.el9.12", ""), "CVE-2024-33602", affected, "2.34-100.el9_4.2", "the announcement lists each binary, and counts for each of its CVEs"},
		{alma("glibc", "2.34-100.el9_4.2", ""), "CVE-2024-2961", silent, "", "the fix itself"},
		{alma("openssl-libs", "1:3.0.7-24.el9", ""), "CVE-2025-15467", affected, "1:3.5.1-7.el9_7", "epoch 1 on both sides"},
		{alma("openssl-libs", "3.5.1-7.el9_7", ""), "CVE-2025-15467", affected, "1:3.5.1-7.el9_7", "no epoch is epoch 0"},
		{alma("openssl-libs", "2:1.0-1.el9", ""), "CVE-2025-15467", silent, "", "a higher epoch is a later version"},
		{alma("libxml2", "2.9.13-5.el9_3", ""), "CVE-2022-49043", affected, "2.9.13-6.el9_5.1", "release 5 is below 6"},
		{alma("libnghttp2", "1.43.0-5.el9_3.1", ""), "CVE-2023-44487", silent, "", "the fix for 9.3"},
		{alma("libnghttp2", "1.43.0-5.el9_3.1", ""), "CVE-2024-28182", affected, "1.43.0-5.el9_4.3", "el9_3.1 is below el9_4.3"},
		{alma("shadow-utils", "2:4.9-8.el9", ""), "CVE-2023-4641", silent, "", "fixed in this very release"},
		{alma("shadow-utils", "2:4.9-8.el9", ""), "CVE-2024-56433", affected, "2:4.9-15.el9", "8 is below 15, though not as text"},
		{alma("vim-minimal", "2:8.2.2637-20.el9_1", ""), "CVE-2022-1785", silent, "", "release 20 is above 16"},

		// Module streams.
		{alma("nodejs", "1:18.17.1-1.module_el9.2.0+36+853e48f5", "nodejs:18"), "CVE-2024-22019", affected, "1:18.19.1-1.module_el9.3.0+59+28b95644", "ALSA-2024:1503 is for nodejs:18; nodejs:20's and the plain fix are not its own"},
		{alma("nodejs", "1:18.19.1-1.module_el9.3.0+59+28b95644", "nodejs:18"), "CVE-2024-22019", silent, "", "fixed in its stream, though below nodejs:20's fix"},
		{alma("nodejs", "1:18.19.1-1.module_el9.3.0+59+28b95644", "nodejs:18"), "CVE-2024-21896", silent, "", "ALSA-2024:1688 is for nodejs:20 alone"},
		{alma("nodejs", "1:20.9.0-1.module_el9.3.0+50+1e9b1fdd", "nodejs:20"), "CVE-2024-21896", affected, "1:20.11.1-1.module_el9.3.0+88+29afeaa2", "the stream agrees"},
		{alma("nodejs", "1:16.20.2-3.el9_2", ""), "CVE-2024-22019", affected, "1:16.20.2-4.el9_3", "outside of modules, ALSA-2024:1438"},
		{alma("nodejs", "1:16.20.2-4.el9_3", ""), "CVE-2024-21892", silent, "", "only modules' announcements name it"},

		// Alpine: origin, revisions.
		{alpine("libssl3", "3.1.3-r0", "openssl"), "CVE-2023-5363", affected, "3.1.4-r0", "origin openssl"},
		{alpine("libssl3", "3.1.3-r0", "openssl"), "CVE-2023-2650", silent, "", "3.1.1-r0 is below"},
		{alpine("ssl_client", "1.36.1-r2", "busybox"), "CVE-2023-42363", affected, "1.36.1-r7", "origin busybox, r2 below r7"},
		{alpine("ssl_client", "1.36.1-r10", "busybox"), "CVE-2023-42363", silent, "", "r10 is above r7"},
		{alpine("busybox", "1.36.1-r2", "busybox"), "CVE-2022-28391", silent, "", "1.35.0-r7 is below"},
		{alpine("musl-utils", "1.2.4-r1", "musl"), "CVE-2025-26519", affected, "1.2.4-r3", "from 0.9.13 on"},
		{alpine("musl", "0.9.12-r0", "musl"), "CVE-2025-26519", silent, "", "before it was introduced"},
		{alpine("musl", "1.2.4_git20230717-r4", "musl"), "CVE-2025-26519", silent, "", "_git is behind the release"},
		{alpine("musl", "1.2.4_rc1-r5", "musl"), "CVE-2025-26519", affected, "1.2.4-r3", "_rc is before the release"},
		{alpine("zlib", "1.2.13-r1", "zlib"), "CVE-2022-37434", silent, "", "1.2.12-r2 is below"},
		{seaworthy.Package{Ecosystem: "Alpine:v3.19", Name: "libssl3", Version: "3.1.3-r0", Source: "openssl", SourceVersion: "3.1.3-r0"}, "CVE-2023-5363", silent, "", "v3.18's entry does not speak of v3.19"},
	}
}
