package extractor

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seaworthy-dev/seaworthy"
)

func deb(name, version, arch, source, sourceVersion string) seaworthy.Package {
	return seaworthy.Package{
		Ecosystem: seaworthy.FormatDpkg, Name: name, Version: version, Arch: arch, Source: source, SourceVersion: sourceVersion,
	}
}

func TestDpkgStatus(t *testing.T) {
	t.Parallel()
	r, err := extract(t, seaworthy.RecordDpkg, "var/lib/dpkg/status", fixture(t, "dpkg/status"))
	if err != nil {
		t.Error(err)
	}
	want := []seaworthy.Package{
		deb("bash", "5.2.15-2+b2", "amd64", "bash", "5.2.15-2"),
		deb("gcc-12-base", "12.2.0-14", "amd64", "gcc-12", "12.2.0-14"),
		deb("libssl3", "3.0.11-1~deb12u2", "amd64", "openssl", "3.0.11-1~deb12u2"),
		deb("nginx", "1.22.1-9", "all", "nginx", "1.22.1-9"),
		deb("postfix", "3.7.6-0+deb12u2", "amd64", "postfix", "3.7.6-0+deb12u2"),
		deb("tar", "1.34+dfsg-1.2+deb12u1", "amd64", "tar", "1.34+dfsg-1.2+deb12u1"),
	}
	if diff := cmp.Diff(want, r.Packages); diff != "" {
		t.Errorf("packages (-want +got):\n%s", diff)
	}
}

func TestDpkgStatusPart(t *testing.T) {
	t.Parallel()
	r, err := extract(t, seaworthy.RecordDpkgPart, "var/lib/dpkg/status.d/tzdata", fixture(t, "dpkg/part"))
	if err != nil {
		t.Error(err)
	}
	want := []seaworthy.Package{deb("tzdata", "2024a-0+deb12u1", "all", "tzdata", "2024a-0+deb12u1")}
	if diff := cmp.Diff(want, r.Packages); diff != "" {
		t.Errorf("packages (-want +got):\n%s", diff)
	}
}

func TestDpkgBrokenStanzas(t *testing.T) {
	t.Parallel()
	const good = "Package: good\nStatus: install ok installed\nVersion: 1\n"
	tests := []struct{ name, text, want string }{
		{"no version", "Package: a\nStatus: install ok installed\n", "has an entry that cannot be read: the one at line 1 has no Version field"},
		{"no name", "\n\nStatus: install ok installed\nVersion: 1\n", "has an entry that cannot be read: the one at line 3 has no Package field"},
		{"no status", "Package: a\nVersion: 1\n", `has an entry that cannot be read: the one at line 1 has the status "", which is not three words`},
		{"not a field", "Package: a\n\x00\x01\x02\nVersion: 1\n", "has an entry that cannot be read: the one at line 1 has no field name in line 2"},
		{"several", "garbage\n\nPackage: a\n", "has 2 entries that cannot be read, the first: the one at line 1 has no field name in line 1"},
		{"terminal codes", "Package: a\x1b[2J\nStatus: install ok installed\nVersion: 1\n",
			`has an entry that cannot be read: "a\x1b[2J" has a name or version that is not plain text`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r, err := extract(t, seaworthy.RecordDpkg, "var/lib/dpkg/status", []byte(test.text+"\n"+good))
			check(t, r, err, []string{"good 1"}, test.want)
		})
	}
}

func TestDpkgFiles(t *testing.T) {
	t.Parallel()
	list := "/.\n/usr\n/usr/bin\n/usr/bin/bash\n/usr/share\n/usr/share/doc\n/usr/share/doc/bash\n/usr/share/doc/bash/copyright\n" +
		"/usr/lib\n/usr/lib/python3\n/usr/lib/python3/dist-packages\n/usr/lib/python3/dist-packages/a.py\n" +
		"/usr/lib/python3/dist-packages/a-1.dist-info\n/usr/lib/python3/dist-packages/a-1.dist-info/METADATA\n/bin/sh\n"
	sums := "d41d8cd98f00b204e9800998ecf8427e  usr/bin/bash\nd41d8cd98f00b204e9800998ecf8427e  usr/lib/x.so.1\n"
	tests := []struct {
		path, text string
		want       []seaworthy.Owned
	}{
		{"var/lib/dpkg/info/bash:amd64.list", list, []seaworthy.Owned{
			{Package: "bash", Paths: []string{"usr/bin/bash", "usr/lib/python3/dist-packages/a-1.dist-info/METADATA", "bin/sh"}},
		}},
		{"var/lib/dpkg/info/libx1.0.list", "/.\n/usr/bin/x\n", []seaworthy.Owned{{Package: "libx1.0", Paths: []string{"usr/bin/x"}}}},
		{"var/lib/dpkg/status.d/bash.md5sums", sums, []seaworthy.Owned{{Package: "bash", Paths: []string{"usr/bin/bash"}}}},
		{"var/lib/dpkg/info/evil.list", "/../../etc/x\n..\n/\n\n" + strings.Repeat("/a", 9000) + "\n", nil},
		{"var/lib/dpkg/info/empty.list", "", nil},
	}
	for _, test := range tests {
		t.Run(test.path, func(t *testing.T) {
			t.Parallel()
			r, err := extract(t, seaworthy.RecordDpkgFiles, test.path, []byte(test.text))
			if err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(test.want, r.Owns); diff != "" {
				t.Errorf("owned (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzDpkg(f *testing.F) {
	fuzz(f, seaworthy.RecordDpkg, "var/lib/dpkg/status", fixture(f, "dpkg/status"), fixture(f, "dpkg/part"))
}

func FuzzDpkgFiles(f *testing.F) {
	fuzz(f, seaworthy.RecordDpkgFiles, "var/lib/dpkg/info/a.list", []byte("/.\n/usr\n/usr/bin\n/usr/bin/a\n"), []byte("//0"))
}
