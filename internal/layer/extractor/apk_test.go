package extractor

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seaworthy-dev/seaworthy"
)

func TestAPK(t *testing.T) {
	t.Parallel()
	got, err := extract(t, seaworthy.RecordAPK, "lib/apk/db/installed", fixture(t, "apk/installed"))
	if err != nil {
		t.Error(err)
	}
	pkg := func(name, version, origin string) seaworthy.Package {
		return seaworthy.Package{
			Ecosystem: seaworthy.FormatAPK, Name: name, Version: version, Arch: "x86_64", Source: origin, SourceVersion: version,
		}
	}
	want := seaworthy.Record{
		Path: "lib/apk/db/installed", Format: seaworthy.RecordAPK,
		Packages: []seaworthy.Package{
			pkg("busybox", "1.36.1-r2", "busybox"), pkg("libcrypto3", "3.1.4-r0", "openssl"),
			pkg("musl", "1.2.4-r2", "musl"), pkg("npm", "9.6.6-r0", "npm"),
		},
		Owns: []seaworthy.Owned{
			{Package: "npm", Paths: []string{"usr/bin/npm", "usr/lib/node_modules/npm/package.json"}},
			{Package: "busybox", Paths: []string{"init", "bin/busybox"}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

func TestAPKBrokenEntries(t *testing.T) {
	t.Parallel()
	text := "P:a\n\nV:1\n\nP:b\nx\nV:1\n\nP:c\nV:2\n"
	r, err := extract(t, seaworthy.RecordAPK, "lib/apk/db/installed", []byte(text))
	check(t, r, err, []string{"c 2"}, "has 3 entries that cannot be read, the first: the one at line 1 has no version (V:)")
}

// A directory is written once and stands before each of its files in a list of
// paths, so the list can be far larger than the database.
func TestAPKBoundsOwnedPaths(t *testing.T) {
	t.Parallel()
	l := seaworthy.DefaultLimits()
	l.DocumentBytes = 100_000
	text := "P:a\nV:1\nF:usr/bin/" + strings.Repeat("d", 3000) + "\n" + strings.Repeat("R:x\n", 1000)
	_, err := extractWithin(t, seaworthy.RecordAPK, "lib/apk/db/installed", []byte(text), l)
	if e, ok := errors.AsType[*seaworthy.LimitError](err); !ok || e.Limit != seaworthy.LimitDocumentBytes {
		t.Errorf("error %v; want the limit %s", err, seaworthy.LimitDocumentBytes)
	}
}

func FuzzAPK(f *testing.F) {
	fuzz(f, seaworthy.RecordAPK, "lib/apk/db/installed", fixture(f, "apk/installed"))
}
