package assess_test

import "github.com/seaworthy-dev/seaworthy"

func in(ecosystem seaworthy.Ecosystem) func(name, version string) seaworthy.Package {
	return func(name, version string) seaworthy.Package {
		return seaworthy.Package{Ecosystem: ecosystem, Name: name, Version: version}
	}
}

func languageRows() []verdict {
	npm, pypi, gem := in(seaworthy.NPM), in(seaworthy.PyPI), in(seaworthy.RubyGems)
	golang, maven, crate := in(seaworthy.Go), in(seaworthy.Maven), in(seaworthy.Crates)
	return []verdict{
		// npm: several entries, each an interval.
		{npm("qs", "6.7.0"), "CVE-2022-24999", affected, "6.7.3", "its own line's fix, not a later line's"},
		{npm("qs", "6.2.4"), "CVE-2022-24999", silent, "", "between two lines"},
		{npm("qs", "6.10.3-beta.1"), "CVE-2022-24999", affected, "6.10.3", "a prerelease is before the fix"},
		{npm("lodash", "4.17.20"), "CVE-2020-28500", affected, "4.17.21", "one below"},
		{npm("lodash", "4.17.21"), "CVE-2020-28500", silent, "", "the fix"},
		{npm("lodash", "3.10.1"), "CVE-2020-28500", silent, "", "before 4.0.0"},
		{npm("minimist", "0.2.4"), "CVE-2021-44906", silent, "", "fixed on the old line"},
		{npm("minimist", "1.2.5"), "CVE-2021-44906", affected, "1.2.6", "the other line"},
		{npm("node-fetch", "2.6.5"), "CVE-2022-0235", affected, "2.6.7", "not 3.1.1"},
		{npm("request", "2.88.2"), "CVE-2023-28155", affected, "", "the last affected version is affected, and no fix is named"},
		{npm("path-to-regexp", "0.1.7"), "CVE-2024-45296", affected, "0.1.10", "0.1.7 is below 0.1.10"},
		{npm("path-to-regexp", "6.3.0"), "CVE-2024-45296", silent, "", "6.3.0 ends the fourth line, 7.0.0 begins the fifth"},

		// PyPI: folded names, commits beside versions, intervals in any order.
		{pypi("Flask_Cors", "4.0.2"), "CVE-2024-6221", affected, "5.0.0", "Flask_Cors is flask-cors"},
		{pypi("jw-util", "2.2"), "CVE-2020-13388", affected, "2.3", "the record says jw.util"},
		{pypi("Jinja2", "2.8"), "CVE-2016-10745", affected, "2.8.1", "a range of commits stands first"},
		{pypi("Jinja2", "2.8.1"), "CVE-2016-10745", silent, "", "the fix"},
		{pypi("Pillow", "2.5.1"), "CVE-2014-3589", affected, "2.5.2", "second interval of a range behind one of commits"},
		{pypi("Pillow", "2.3.2"), "CVE-2014-3589", silent, "", "between the intervals"},
		{pypi("requests", "2.0.1"), "CVE-2015-2296", silent, "", "before 2.1.0; the commits' range begins with 0 and does not count"},
		{pypi("ansible-core", "2.15.1"), "CVE-2024-0690", affected, "2.15.9", "the record's events are not in order"},
		{pypi("ansible-core", "2.14.4"), "CVE-2024-0690", silent, "", "fixed on the oldest line"},
		{pypi("PyYAML", "5.2b1"), "CVE-2019-20477", silent, "", "the fix is a beta"},
		{pypi("PyYAML", "5.4b2"), "CVE-2020-14343", affected, "5.4", "a beta is before its release"},
		{pypi("PyYAML", "5.4.post1"), "CVE-2020-14343", silent, "", "a post-release is behind"},
		{pypi("PyYAML", ""), "CVE-2020-14343", undecided, "", "no version, no verdict"},

		// RubyGems: platforms, several intervals with ".a" as the lowest prerelease.
		{gem("nokogiri", "1.11.3-x86_64-linux"), "CVE-2021-3537", affected, "1.11.4", "the platform is no prerelease of 1.11.3"},
		{gem("nokogiri", "1.11.4-x86_64-linux"), "CVE-2021-3537", silent, "", "the platform is no prerelease of the fix"},
		{gem("nokogiri", "1.6.7.rc4"), "CVE-2015-1819", silent, "", "the fix is a release candidate"},
		{gem("nokogiri", "1.6.7.rc3"), "CVE-2015-1819", affected, "1.6.7.rc4", "the one before"},
		{gem("nokogiri", "1.6.6.4"), "CVE-2015-1819", silent, "", "between the intervals"},
		{gem("rack", "2.2.6.2"), "CVE-2023-27530", affected, "2.2.6.3", "third of four intervals"},
		{gem("rack", "2.2.6.3"), "CVE-2023-27530", silent, "", "between the third and the fourth"},
		{gem("rack", "3.0.0.beta1"), "CVE-2024-25126", affected, "3.0.9.1", "a prerelease of the fourth line"},

		// Go: the standard library, pseudo-versions, +incompatible.
		{golang("stdlib", "go1.19.5"), "CVE-2022-41723", affected, "1.19.6", "go1.19.5 is 1.19.5"},
		{golang("stdlib", "1.19.6"), "CVE-2022-41723", silent, "", "between the intervals"},
		{golang("stdlib", "go1.20rc1"), "CVE-2022-41723", affected, "1.20.1", "1.20.0-0 takes the release candidates in"},
		{golang("toolchain", "1.24rc1"), "CVE-2024-45340", affected, "1.24.0-rc.2", "1.24rc1 is 1.24.0-rc.1"},
		{golang("toolchain", "1.24rc10"), "CVE-2024-45340", silent, "", "rc10 is behind rc2"},
		{golang("golang.org/x/net", "0.6.0"), "CVE-2022-41723", affected, "0.7.0", "Go's record and GitHub's are one problem; another feed's urgency hides nothing here"},
		{golang("golang.org/x/crypto", "0.0.0-20200219234226-1ad67e1f0ef4"), "CVE-2020-9283", affected, "0.0.0-20200220183623-bac4c82f6975", "pseudo-versions go by their time"},
		{golang("golang.org/x/crypto", "0.0.0-20200221231518-2aa609cf4a9d"), "CVE-2020-9283", silent, "", "a day after the fix"},
		{golang("golang.org/x/crypto", ""), "CVE-2020-9283", undecided, "", "(devel) is no version"},
		{golang("github.com/docker/docker", "20.10.17+incompatible"), "CVE-2023-28840", affected, "20.10.24+incompatible", "+incompatible does not count"},
		{golang("github.com/docker/docker", "20.10.24"), "CVE-2023-28840", silent, "", "nor does its absence"},
		{golang("github.com/containerd/containerd", "1.6.0-rc.1"), "CVE-2022-23648", silent, "", "before 1.6.0, behind 1.5.10: what the record says of a prerelease"},
		{golang("github.com/containerd/containerd", "1.6.6"), "CVE-2022-23471", affected, "1.6.12", "second interval"},

		// Maven: qualifiers.
		{maven("com.google.guava:guava", "31.1-jre"), "CVE-2023-2976", affected, "32.0.0-android", "31.1 is below 32"},
		{maven("com.google.guava:guava", "32.0.0-jre"), "CVE-2023-2976", silent, "", "jre is behind android"},
		{maven("io.netty:netty-codec-http", "4.1.70.Final"), "CVE-2021-43797", affected, "4.1.71.Final", "one below"},
		{maven("io.netty:netty-codec-http", "4.1.71"), "CVE-2021-43797", silent, "", "Final is the release itself"},
		{maven("io.netty:netty-codec-http", "4.0.0.CR1"), "CVE-2021-43797", silent, "", "a candidate is before 4.0.0"},
		{maven("org.apache.tomcat.embed:tomcat-embed-core", "10.0.0-M9"), "CVE-2021-24122", affected, "10.0.0-M10", "milestone 9 is below 10"},
		{maven("org.apache.tomcat.embed:tomcat-embed-core", "10.0.0"), "CVE-2021-24122", silent, "", "a milestone is before its release"},
		{maven("org.apache.logging.log4j:log4j-core", "2.0-rc2"), "CVE-2026-34480", affected, "2.25.4", "alpha, beta, rc, in this order"},
		{maven("org.apache.logging.log4j:log4j-core", "3.0.0-beta3"), "CVE-2026-34480", affected, "", "the last affected version, with no fix"},
		{maven("org.apache.logging.log4j:log4j-core", "3.0.0-rc1"), "CVE-2026-34480", silent, "", "behind the last affected"},

		// Crates: two databases' records of one problem, several intervals.
		{crate("regex", "1.5.4"), "CVE-2022-24713", affected, "1.5.5", "RustSec's and GitHub's record"},
		{crate("regex", "1.5.5"), "CVE-2022-24713", silent, "", "the fix in both"},
		{crate("tokio", "1.6.2"), "CVE-2021-38191", affected, "1.6.3", "second of four intervals"},
		{crate("tokio", "1.5.1"), "CVE-2021-38191", silent, "", "between the first and the second"},
		{crate("smallvec", "0.6.13"), "CVE-2021-25900", affected, "0.6.14", "the old line's own fix"},
		{crate("smallvec", "0.6.14"), "CVE-2021-25900", silent, "", "between the lines"},
	}
}
