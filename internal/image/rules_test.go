package image

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seaworthy-dev/seaworthy"
)

const debian12 = "os usr/lib/os-release ID=debian VERSION_ID=12\nlink etc/os-release -> ../usr/lib/os-release\n"

func TestMergeHardLinks(t *testing.T) {
	runAll(t, []mergeCase{
		{"by name", []string{"pkg a/x.pkg p", "hard b/x.pkg -> a/x.pkg"}, []string{"npm p 0:a/x.pkg 1:b/x.pkg"}, nil},
		{"by another name of the format", []string{"pkg a/x.pkg p", "hard b/y.pkg -> a/x.pkg"}, []string{"npm p 0:a/x.pkg 1:b/y.pkg"}, nil},
		{"by a name of no format", []string{"pkg a/x.pkg p", "hard b/y -> a/x.pkg"}, []string{"npm p 0:a/x.pkg"}, nil},
		{"by content", []string{"exe a/x p", "hard b/y -> a/x"}, []string{"Go p 0:a/x 1:b/y"}, nil},
		{"survives its target", []string{"exe a/x p", "hard b/y -> a/x", "whiteout a"}, []string{"Go p 1:b/y"}, nil},
		{"hides what was there", []string{"exe a/x p\nexe b/y q", "hard b/y -> a/x"}, []string{"Go p 0:a/x 1:b/y"}, nil},
		{"through links", []string{"link lib -> usr/lib\nexe usr/lib/x p", "hard lib/y -> lib/x"}, []string{"Go p 0:usr/lib/x 1:usr/lib/y"}, nil},
		{"to a symbolic link is one", []string{"pkg d/x.pkg p\nlink l -> d", "hard m -> l", "pkg m/y.pkg q"}, []string{"npm p 0:d/x.pkg", "npm q 2:d/y.pkg"}, nil},
		{"the target at that moment", []string{"exe a p", "hard b -> a\nexe a q"}, []string{"Go p 1:b", "Go q 1:a"}, nil},
		{"nothing known, by name", []string{"file a/z", "hard b/x.pkg -> a/z"}, nil, []string{"link 1 b/x.pkg"}},
		{"nothing known, by content alone", []string{"file a/z", "hard b/z -> a/z"}, nil, nil},
		{"nothing known, and gone again", []string{"file a/z", "hard b/x.pkg -> a/z", "whiteout b"}, nil, nil},
		{"nothing known, and linked again", []string{"file a/z", "hard b/x.pkg -> a/z", "hard c/x.pkg -> b/x.pkg"}, nil, []string{"link 1 b/x.pkg", "link 2 c/x.pkg"}},
		{"of a file that could not be read", []string{"corrupt a/x.pkg", "hard b/x.pkg -> a/x.pkg", "whiteout a"}, nil, []string{"file 1 b/x.pkg"}},
		{"to itself", []string{"pkg a/x.pkg p", "hard a/x.pkg -> a/x.pkg"}, []string{"npm p 1:a/x.pkg"}, nil},
		// Found by the property test: the first x.pkg is not yet the link.
		{"after a file of its name", []string{"pkg d/y.pkg p\nlink a -> d\nlink u -> x.pkg", "file x.pkg\npkg u/l/z.pkg q\nhard x.pkg -> a"}, []string{"npm p 0:d/y.pkg"}, nil},
		{"in a loop", []string{"pkg x.pkg p\nlink l -> l", "hard l/y.pkg -> x.pkg"}, []string{"npm p 0:x.pkg"}, []string{"file 1 l/y.pkg"}},
	})
}

func TestMergeLinkWithoutEntry(t *testing.T) {
	t.Parallel()
	upper := contents(t, "hard b/y -> a/x")
	upper.Entries = seaworthy.Entries{}
	inv := Merge([]*seaworthy.Contents{contents(t, "exe a/x p"), upper})
	if diff := cmp.Diff([]string{"Go p 0:a/x 1:b/y"}, show(inv)); diff != "" {
		t.Error(diff)
	}
}

func TestMergeGaps(t *testing.T) {
	runAll(t, []mergeCase{
		{"stays", []string{"corrupt a/x.pkg", "file b"}, nil, []string{"file 0 a/x.pkg"}},
		{"overwritten", []string{"corrupt a/x.pkg", "pkg a/x.pkg p"}, []string{"npm p 1:a/x.pkg"}, nil},
		{"deleted", []string{"corrupt a/x.pkg", "whiteout a"}, nil, nil},
		{"of each layer that has one", []string{"corrupt a.pkg", "corrupt a.pkg\ncorrupt b.pkg"}, nil, []string{"file 1 a.pkg", "file 1 b.pkg"}},
		{"through a link", []string{"link a -> b", "corrupt a/x.pkg"}, nil, []string{"file 1 b/x.pkg"}},
	})
}

func TestMergeGapWithoutEntry(t *testing.T) {
	t.Parallel()
	c := contents(t, "")
	c.Gaps = []seaworthy.Gap{
		{Kind: seaworthy.GapFile, Reason: "of the layer as a whole"},
		{Kind: seaworthy.GapFile, Path: "app.jar!/inner.jar", Reason: "within a file"},
	}
	inv := Merge([]*seaworthy.Contents{nil, c})
	want := []string{"foreign-layer 0", "file 1", "file 1 app.jar!/inner.jar"}
	if diff := cmp.Diff(want, showGaps(inv)); diff != "" {
		t.Error(diff)
	}
}

func TestMergeDatabases(t *testing.T) {
	const status, lib, usr = "var/lib/dpkg/status", "lib/apk/db/installed", "usr/lib/apk/db/installed"
	const rpmVar, rpmUsr = "var/lib/rpm/", "usr/lib/sysimage/rpm/"
	alpine, alma := "os etc/os-release ID=alpine VERSION_ID=3.18.4\n", "os etc/os-release ID=almalinux VERSION_ID=9.3\n"
	runAll(t, []mergeCase{
		{"dpkg, each since its layer", []string{
			debian12 + "dpkg " + status + " a@1 b@1",
			"dpkg " + status + " a@1 b@2 c@1",
			"file x",
			"dpkg " + status + " a@1 b@2 c@1 d@1",
		}, []string{
			"Debian:12 a@1 0:" + status, "Debian:12 b@2 1:" + status, "Debian:12 c@1 1:" + status, "Debian:12 d@1 3:" + status,
		}, nil},
		{"dpkg, back to an older version", []string{
			debian12 + "dpkg " + status + " a@1", "dpkg " + status + " a@2", "dpkg " + status + " a@1",
		}, []string{"Debian:12 a@1 2:" + status}, nil},
		{"dpkg, removed", []string{debian12 + "dpkg " + status + " a@1 b@1", "dpkg " + status + " b@1"}, []string{"Debian:12 b@1 0:" + status}, nil},
		{"dpkg, removed and recreated", []string{
			debian12 + "dpkg " + status + " a@1", "whiteout var/lib/dpkg", "dpkg " + status + " a@1",
		}, []string{"Debian:12 a@1 2:" + status}, nil},
		{"dpkg, rewritten over its own whiteout", []string{
			debian12 + "dpkg " + status + " a@1", "whiteout " + status + "\ndpkg " + status + " a@1 b@1",
		}, []string{"Debian:12 a@1 0:" + status, "Debian:12 b@1 1:" + status}, nil},
		{"dpkg, parts", []string{
			debian12 + "part var/lib/dpkg/status.d/a a@1\npart var/lib/dpkg/status.d/b b@1",
			"part var/lib/dpkg/status.d/b b@2\npart var/lib/dpkg/status.d/c c@1\ndpkg " + status + " a@1",
		}, []string{
			"Debian:12 a@1 0:var/lib/dpkg/status.d/a 1:" + status,
			"Debian:12 b@2 1:var/lib/dpkg/status.d/b", "Debian:12 c@1 1:var/lib/dpkg/status.d/c",
		}, nil},
		{"dpkg, a part rewritten", []string{
			debian12 + "part var/lib/dpkg/status.d/a a@1", "part var/lib/dpkg/status.d/a a@1",
		}, []string{"Debian:12 a@1 1:var/lib/dpkg/status.d/a"}, nil},
		{"dpkg, through a link to its directory", []string{
			debian12 + "link var/lib/dpkg -> ../../data\n", "dpkg " + status + " a@1",
		}, []string{"Debian:12 a@1 1:data/status"}, nil},
		{"dpkg, in a directory that is no longer its own", []string{
			debian12 + "link var/lib/dpkg -> ../../data\n", "dpkg " + status + " a@1", "dir var/lib/dpkg\ndpkg " + status + " b@1",
		}, []string{"Debian:12 b@1 2:" + status}, nil},
		{"dpkg, parts in a directory that is no longer their own", []string{
			debian12 + "link var/lib/dpkg/status.d -> /s", "part var/lib/dpkg/status.d/a a@1", "dir var/lib/dpkg/status.d\npart var/lib/dpkg/status.d/b b@1",
		}, []string{"Debian:12 b@1 2:var/lib/dpkg/status.d/b"}, nil},
		{"apk, one file by two names", []string{
			alpine + "link lib -> usr/lib\napk " + usr + " a@1", "apk " + lib + " a@1 b@1",
		}, []string{"Alpine:v3.18 a@1 0:" + usr, "Alpine:v3.18 b@1 1:" + usr}, nil},
		{"apk, its link replaced", []string{
			alpine + "link lib -> usr/lib", "apk " + lib + " a@1", "dir lib",
		}, []string{"Alpine:v3.18 a@1 1:" + usr}, nil},
		{"apk, two files", []string{
			alpine + "apk " + usr + " a@1\napk " + lib + " a@1 b@1",
		}, []string{"Alpine:v3.18 a@1 0:" + lib + " 0:" + usr, "Alpine:v3.18 b@1 0:" + lib}, nil},
		{"rpm, through a link", []string{
			alma + "link var/lib/rpm -> ../../usr/lib/sysimage/rpm\nrpm " + rpmUsr + "rpmdb.sqlite a@1", "rpm " + rpmVar + "rpmdb.sqlite a@1 b@1",
		}, []string{"AlmaLinux:9 a@1 0:" + rpmUsr + "rpmdb.sqlite", "AlmaLinux:9 b@1 1:" + rpmUsr + "rpmdb.sqlite"}, nil},
		{"rpm, the newest backend", []string{
			alma + "rpm " + rpmVar + "Packages old@1 a@1", "rpm " + rpmVar + "rpmdb.sqlite a@1\nrpm " + rpmVar + "Packages.db older@1",
		}, []string{"AlmaLinux:9 a@1 0:" + rpmVar + "rpmdb.sqlite"}, nil},
		{"rpm, ndb over Berkeley DB", []string{
			alma + "rpm " + rpmVar + "Packages old@1\nrpm " + rpmVar + "Packages.db a@1",
		}, []string{"AlmaLinux:9 a@1 0:" + rpmVar + "Packages.db"}, nil},
		{"rpm, two directories", []string{
			alma + "rpm " + rpmVar + "rpmdb.sqlite a@1 b@1\nrpm " + rpmUsr + "rpmdb.sqlite b@1 c@1",
		}, []string{
			"AlmaLinux:9 a@1 0:" + rpmVar + "rpmdb.sqlite",
			"AlmaLinux:9 b@1 0:" + rpmUsr + "rpmdb.sqlite 0:" + rpmVar + "rpmdb.sqlite",
			"AlmaLinux:9 c@1 0:" + rpmUsr + "rpmdb.sqlite",
		}, nil},
		{"rpm, moved to another directory", []string{
			alma + "rpm " + rpmVar + "Packages a@1", "whiteout var/lib/rpm\nrpm " + rpmUsr + "rpmdb.sqlite a@1 b@1",
		}, []string{"AlmaLinux:9 a@1 0:" + rpmUsr + "rpmdb.sqlite", "AlmaLinux:9 b@1 1:" + rpmUsr + "rpmdb.sqlite"}, nil},
		{"a foreign layer breaks nothing", []string{debian12 + "dpkg " + status + " a@1", foreign, "dpkg " + status + " a@1"},
			[]string{"Debian:12 a@1 0:" + status}, []string{"foreign-layer 1"}},
	})
}

func TestMergeOSRelease(t *testing.T) {
	const db = "dpkg var/lib/dpkg/status a@1\n"
	const a = " a@1 0:var/lib/dpkg/status"
	ubuntu := func(path string) string { return "os " + path + " ID=ubuntu VERSION_ID=22.04\n" }
	runAll(t, []mergeCase{
		{"in another layer", []string{db, debian12}, []string{"Debian:12" + a}, nil},
		{"etc before usr/lib", []string{db + debian12, ubuntu("etc/os-release")}, []string{"Ubuntu:22.04" + a}, nil},
		{"through the link", []string{db + debian12, ubuntu("etc/os-release") + "whiteout etc/os-release\n", "link etc/os-release -> /usr/lib/os-release"}, []string{"Debian:12" + a}, nil},
		{"of usr/lib rewritten", []string{db + debian12, ubuntu("usr/lib/os-release")}, []string{"Ubuntu:22.04" + a}, nil},
		{"etc in a link", []string{db + "link etc -> config", ubuntu("etc/os-release")}, []string{"Ubuntu:22.04" + a}, nil},
		{"a link to nowhere", []string{db + debian12 + "link etc/os-release -> gone"}, []string{"Debian:12" + a}, nil},
		{"none", []string{db}, []string{"dpkg" + a}, []string{"distribution image"}},
		{"deleted", []string{db + debian12, "whiteout usr/lib/os-release"}, []string{"dpkg" + a}, []string{"distribution image"}},
		{"a derivative", []string{db + "os etc/os-release ID=raspbian ID_LIKE=debian VERSION_ID=12"}, []string{"dpkg" + a}, []string{"distribution image"}},
		{"without a version", []string{db + "os etc/os-release ID=debian"}, []string{"dpkg" + a}, []string{"distribution image"}},
		{"packages of another format", []string{db + "rpm var/lib/rpm/Packages b@1\n" + debian12},
			[]string{"Debian:12" + a, "rpm b@1 0:var/lib/rpm/Packages"}, []string{"distribution image"}},
		{"no packages of a system", []string{"exe app p"}, []string{"Go p 0:app"}, nil},
		{"an unknown system without packages", []string{"exe app p\nos etc/os-release ID=mine"}, []string{"Go p 0:app"}, nil},
	})
}

func TestDistributionGapSaysWhy(t *testing.T) {
	t.Parallel()
	const db = "dpkg var/lib/dpkg/status a@1\n"
	for _, c := range []struct{ release, want string }{
		{"", "no os-release"},
		{"os etc/os-release ID=raspbian ID_LIKE=debian VERSION_ID=12", `"raspbian" version "12"; it is like "debian"`},
		{"os etc/os-release ID=centos VERSION_ID=7", `"centos" version "7"`},
		{"os etc/os-release ID=debian", `"debian" without a version`},
		{"os etc/os-release ID=alpine VERSION_ID=3.18.4", "the image is Alpine:v3.18 but has dpkg packages"},
	} {
		inv := Merge([]*seaworthy.Contents{contents(t, db+c.release)})
		if len(inv.Gaps) != 1 || !strings.Contains(inv.Gaps[0].Reason, c.want) {
			t.Errorf("with %q: gaps %+v, want one with %q", c.release, inv.Gaps, c.want)
		}
	}
}

func TestMergeOwners(t *testing.T) {
	const status, info = "var/lib/dpkg/status", "var/lib/dpkg/info/"
	base := debian12 + "dpkg " + status + " python@1\n"
	python := "Debian:12 python@1 0:" + status
	runAll(t, []mergeCase{
		{"dpkg", []string{base + "list " + info + "python.list python usr/lib/x.pkg\npkg usr/lib/x.pkg p\npkg app/y.pkg q"},
			[]string{python, "npm p 0:usr/lib/x.pkg [python]", "npm q 0:app/y.pkg"}, nil},
		{"dpkg, by another name of the directory", []string{base + "link lib -> usr/lib\nlist " + info + "python.list python lib/x.pkg\npkg usr/lib/x.pkg p"},
			[]string{python, "npm p 0:usr/lib/x.pkg [python]"}, nil},
		{"dpkg, both by another name", []string{base + "link lib -> usr/lib\nlist " + info + "python.list python lib/x.pkg", "list " + info + "python.list python lib/x.pkg\npkg lib/x.pkg p"},
			[]string{python, "npm p 1:usr/lib/x.pkg [python]"}, nil},
		{"dpkg, with an architecture", []string{base + "list " + info + "python:amd64.list python:amd64 x.pkg\npkg x.pkg p"},
			[]string{python, "npm p 0:x.pkg [python]"}, nil},
		{"dpkg, rewritten later", []string{base + "list " + info + "python.list python x.pkg\npkg x.pkg p", "pkg x.pkg p2"},
			[]string{python, "npm p2 1:x.pkg"}, nil},
		{"dpkg, rewritten later and the database too", []string{base + "list " + info + "python.list python x.pkg\npkg x.pkg p", "pkg x.pkg p2", "dpkg " + status + " python@1 other@1"},
			[]string{"Debian:12 other@1 2:" + status, python, "npm p2 1:x.pkg"}, nil},
		{"dpkg, with the package upgraded", []string{base + "list " + info + "python.list python x.pkg\npkg x.pkg p", "list " + info + "python.list python x.pkg\npkg x.pkg p2"},
			[]string{python, "npm p2 1:x.pkg [python]"}, nil},
		{"dpkg, a list of a package not installed", []string{base + "list " + info + "gone.list gone x.pkg\npkg x.pkg p"},
			[]string{python, "npm p 0:x.pkg"}, nil},
		{"dpkg, a list deleted", []string{base + "list " + info + "python.list python x.pkg\npkg x.pkg p", "whiteout " + info + "python.list"},
			[]string{python, "npm p 0:x.pkg"}, nil},
		{"dpkg, a list in a directory that is no longer its own", []string{base + "link var/lib/dpkg/info -> /i", "list " + info + "python.list python x.pkg\npkg x.pkg p", "dir var/lib/dpkg/info"},
			[]string{python, "npm p 1:x.pkg"}, nil},
		{"dpkg, a list of a part", []string{debian12 + "part var/lib/dpkg/status.d/tz tz@1\nlist var/lib/dpkg/status.d/tz.md5sums tz x.pkg\npkg x.pkg p"},
			[]string{"Debian:12 tz@1 0:var/lib/dpkg/status.d/tz", "npm p 0:x.pkg [tz]"}, nil},
		{"apk", []string{"os etc/os-release ID=wolfi\napk lib/apk/db/installed ruby@3 owns:ruby@usr/lib/x.pkg\npkg usr/lib/x.pkg p"},
			[]string{"Wolfi ruby@3 0:lib/apk/db/installed", "npm p 0:usr/lib/x.pkg [ruby]"}, nil},
		{"rpm, of a backend that does not count", []string{"os etc/os-release ID=fedora VERSION_ID=39\nrpm var/lib/rpm/rpmdb.sqlite a@1\nrpm var/lib/rpm/Packages owns:a@x.pkg\npkg x.pkg p"},
			[]string{"Fedora:39 a@1 0:var/lib/rpm/rpmdb.sqlite", "npm p 0:x.pkg"}, nil},
		{"rpm", []string{"os etc/os-release ID=fedora VERSION_ID=39\npkg x.pkg p", "rpm var/lib/rpm/rpmdb.sqlite a@1 owns:a@x.pkg"},
			[]string{"Fedora:39 a@1 1:var/lib/rpm/rpmdb.sqlite", "npm p 0:x.pkg [a]"}, nil},
		{"of two places one", []string{base + "list " + info + "python.list python x.pkg\npkg x.pkg p\npkg y.pkg p"},
			[]string{python, "npm p 0:x.pkg 0:y.pkg"}, nil},
		{"of two places both", []string{base + "list " + info + "python.list python x.pkg y.pkg\npkg x.pkg p\npkg y.pkg p"},
			[]string{python, "npm p 0:x.pkg 0:y.pkg [python]"}, nil},
		{"of two owners the first", []string{debian12 + "dpkg " + status + " b@1 a@1\nlist " + info + "b.list b x.pkg\nlist " + info + "a.list a x.pkg\npkg x.pkg p"},
			[]string{"Debian:12 a@1 0:" + status, "Debian:12 b@1 0:" + status, "npm p 0:x.pkg [a]"}, nil},
	})
}
