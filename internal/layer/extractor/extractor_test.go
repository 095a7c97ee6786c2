package extractor

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/layer"
)

// info is that of a tar entry.
func info(size int, mode fs.FileMode) fs.FileInfo {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: "f", Size: int64(size), Mode: int64(mode.Perm())}
	if mode&fs.ModeSymlink != 0 {
		h.Typeflag = tar.TypeSymlink
	}
	return h.FileInfo()
}

func byFormat(t testing.TB, format seaworthy.Format, l seaworthy.Limits) layer.Extractor {
	t.Helper()
	for _, e := range All(l) {
		if e.Format() == format {
			return e
		}
	}
	t.Fatalf("no extractor of %s", format)
	return nil
}

// extract runs one extractor, as a layer's stream does.
func extract(t testing.TB, format seaworthy.Format, path string, content []byte) (seaworthy.Record, error) {
	t.Helper()
	return extractWithin(t, format, path, content, seaworthy.DefaultLimits())
}

func extractWithin(t testing.TB, format seaworthy.Format, path string, content []byte, l seaworthy.Limits) (seaworthy.Record, error) {
	t.Helper()
	i := info(len(content), 0o755)
	e := byFormat(t, format, l)
	if !e.Wants(path, i) {
		t.Fatalf("%s does not want %s", format, path)
	}
	r, err := e.Extract(t.Context(), &layer.File{Path: path, Info: i, Content: bytes.NewReader(content), Size: int64(len(content))})
	if r.Path != path || r.Format != format {
		t.Errorf("record is of %q, %q; want %q, %q", r.Path, r.Format, path, format)
	}
	return r, err
}

// fixture reads a file of testdata, unpacked if it is packed.
func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(name, ".gz") {
		return b
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if b, err = io.ReadAll(z); err != nil {
		t.Fatal(err)
	}
	return b
}

// zipped is an archive; a name that begins with "stored:" is not compressed.
func zipped(t testing.TB, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	names := make([]string, 0, len(files))
	for n := range files {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		h := &zip.FileHeader{Name: strings.TrimPrefix(n, "stored:"), Method: zip.Deflate}
		if strings.HasPrefix(n, "stored:") {
			h.Method = zip.Store
		}
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(files[n]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// names are "name version" of a record's packages.
func names(r seaworthy.Record) []string {
	var s []string
	for _, p := range r.Packages {
		s = append(s, p.Name+" "+p.Version)
	}
	return s
}

// check compares packages and the error's text, "" for none.
func check(t *testing.T, r seaworthy.Record, err error, want []string, wantErr string) {
	t.Helper()
	if diff := cmp.Diff(want, names(r)); diff != "" {
		t.Errorf("packages (-want +got):\n%s", diff)
	}
	got := ""
	if err != nil {
		got = err.Error()
	}
	if diff := cmp.Diff(wantErr, got); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

// fuzz feeds an extractor anything. It must not panic, and whatever it says
// must be fit to be shown and stored.
func fuzz(f *testing.F, format seaworthy.Format, path string, seeds ...[]byte) {
	l := seaworthy.DefaultLimits()
	l.DocumentBytes, l.ArchiveBytes, l.Packages = 1<<20, 1<<22, 1000
	e := byFormat(f, format, l)
	for _, s := range seeds {
		f.Add(s)
		for _, cut := range []int{1, 2, 3, 8} {
			f.Add(s[:len(s)-len(s)/cut])
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := e.Extract(t.Context(), &layer.File{Path: path, Content: bytes.NewReader(b), Size: int64(len(b))})
		if err != nil && (err.Error() == "" || strings.ContainsAny(err.Error(), "\n\x1b")) {
			t.Errorf("error %q is no plain sentence", err)
		}
		if !slices.IsSortedFunc(r.Packages, seaworthy.Package.Compare) || len(r.Packages) > 1000 {
			t.Errorf("packages are not in order or too many: %d", len(r.Packages))
		}
		for _, p := range r.Packages {
			if p.Name == "" || p.Ecosystem == "" || !plain(p.Name) || !plain(p.Version) {
				t.Errorf("package %+v is not fit to be shown", p)
			}
		}
		for _, o := range r.Owns {
			for _, file := range o.Paths {
				if strings.HasPrefix(file, "/") || strings.HasPrefix(file, "../") {
					t.Errorf("owned path %q is not clean", file)
				}
			}
		}
	})
}

func TestAllHasEachFormatOnce(t *testing.T) {
	t.Parallel()
	seen := make(map[seaworthy.Format]bool)
	for _, e := range All(seaworthy.DefaultLimits()) {
		if seen[e.Format()] {
			t.Errorf("format %s twice", e.Format())
		}
		seen[e.Format()] = true
		if _, ok := e.(layer.Sniffer); ok != e.Format().ByContent() {
			t.Errorf("format %s: Sniffer is %t, ByContent %t", e.Format(), ok, e.Format().ByContent())
		}
	}
	if len(seen) != 15 {
		t.Errorf("%d formats, want 15", len(seen))
	}
}

func TestWants(t *testing.T) {
	t.Parallel()
	const (
		dpkg, part, files = seaworthy.RecordDpkg, seaworthy.RecordDpkgPart, seaworthy.RecordDpkgFiles
		apk, rpm, os      = seaworthy.RecordAPK, seaworthy.RecordRPM, seaworthy.RecordOSRelease
	)
	tests := map[string][]seaworthy.Format{
		"var/lib/dpkg/status":                                {dpkg},
		"var/lib/dpkg/status-old":                            nil,
		"rootfs/var/lib/dpkg/status":                         nil,
		"var/lib/dpkg/status.d/tzdata":                       {part},
		"var/lib/dpkg/status.d/tzdata.md5sums":               {files},
		"var/lib/dpkg/info/libc6:amd64.list":                 {files},
		"var/lib/dpkg/info/libc6:amd64.md5sums":              nil,
		"lib/apk/db/installed":                               {apk},
		"usr/lib/apk/db/installed":                           {apk},
		"lib/apk/db/scripts.tar":                             nil,
		"var/lib/rpm/rpmdb.sqlite":                           {rpm},
		"var/lib/rpm/rpmdb.sqlite-wal":                       {rpm},
		"var/lib/rpm/rpmdb.sqlite-shm":                       nil,
		"usr/lib/sysimage/rpm/Packages.db":                   {rpm},
		"usr/share/rpm/Packages":                             {rpm},
		"var/lib/rpm/Name":                                   nil,
		"etc/os-release":                                     {os},
		"usr/lib/os-release":                                 {os},
		"app/node_modules/a/package.json":                    {FormatNPM},
		"node_modules/@s/a/package.json":                     {FormatNPM},
		"node_modules/.pnpm/a@1/node_modules/a/package.json": {FormatNPM},
		"usr/local/lib/node_modules/npm/package.json":        {FormatNPM},
		"node_modules/a/node_modules/@s/b/package.json":      {FormatNPM},
		"app/package.json":                                   nil,
		"package.json":                                       nil,
		"node_modules/package.json":                          nil,
		"node_modules/@s/package.json":                       nil,
		"node_modules/.bin/package.json":                     nil,
		"node_modules/a/dist/package.json":                   nil,
		"node_modules/a/@s/package.json":                     nil,
		"my_node_modules/a/package.json":                     nil,
		"s/a-1.dist-info/METADATA":                           {FormatPyPI},
		"s/a-1.egg-info/PKG-INFO":                            {FormatPyPI},
		"s/a-1.egg-info":                                     {FormatPyPI},
		"s/a-1-py3.11.egg":                                   {FormatPyPI},
		"s/a-1-py3.11.egg/EGG-INFO/PKG-INFO":                 {FormatPyPI},
		"s/PKG-INFO":                                         nil,
		"s/METADATA":                                         nil,
		"s/a-1-py3-none-any.whl":                             nil,
		"gems/specifications/a-1.gemspec":                    {FormatGem},
		"gems/specifications/default/a-1.gemspec":            {FormatGem},
		"gems/a-1/a.gemspec":                                 nil,
		"a/b.jar":                                            {FormatJar},
		"a/b.WAR":                                            {FormatJar},
		"a/b.hpi":                                            {FormatJar},
		"b/a.jar/c":                                          nil,
		".jar":                                               nil,
		"a/jar":                                              nil,
		"a/app.deps.json":                                    {FormatNuGet},
		"a/vendor/composer/installed.json":                   {FormatComposer},
		"a/installed.json":                                   nil,
		"a/composer.lock":                                    {FormatComposerLock},
		"a/vendor/x/y/composer.lock":                         nil,
	}
	all := All(seaworthy.DefaultLimits())
	wanted := func(path string, i fs.FileInfo) (formats []seaworthy.Format) {
		for _, e := range all {
			if e.Wants(path, i) {
				formats = append(formats, e.Format())
			}
		}
		return formats
	}
	for path, want := range tests {
		if diff := cmp.Diff(want, wanted(path, info(5000, 0o644))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
		if got := wanted(path, info(5000, fs.ModeSymlink|0o777)); got != nil {
			t.Errorf("%s as a symbolic link is wanted by %v", path, got)
		}
	}
	programs := []seaworthy.Format{seaworthy.RecordGo, seaworthy.RecordRust}
	for _, test := range []struct {
		path string
		size int
		mode fs.FileMode
		want []seaworthy.Format
	}{
		{"usr/bin/x", 5000, 0o755, programs},
		{"usr/bin/x", 5000, 0o100, programs},
		{"usr/lib/x.so", 5000, 0o755, programs},
		{"usr/bin/x", 5000, 0o644, nil},
		{"usr/bin/x", 1000, 0o755, nil},
		{"Files/x.EXE", 5000, 0o644, programs},
	} {
		if diff := cmp.Diff(test.want, wanted(test.path, info(test.size, test.mode))); diff != "" {
			t.Errorf("%s of %d bytes, %v (-want +got):\n%s", test.path, test.size, test.mode, diff)
		}
	}
	if got := wanted("var/lib/rpm/rpmdb.sqlite-wal", info(0, 0o644)); got != nil {
		t.Errorf("an empty write-ahead log is wanted by %v", got)
	}
}

func TestOwnable(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		"usr/bin/docker":                                                true,
		"usr/bin/update-alternatives.sh":                                true,
		"usr/libexec/git-core/git-add":                                  true,
		"opt/tool/bin/run.bin":                                          true,
		"usr/lib/docker/cli-plugins/buildx":                             true,
		"usr/lib/python3/dist-packages/six-1.16.0.egg-info/PKG-INFO":    true,
		"usr/lib/python3/dist-packages/six-1.16.0.egg-info":             true,
		"usr/share/java/guava.jar":                                      true,
		"usr/share/rubygems-integration/all/specifications/a-1.gemspec": true,
		"usr/lib/node_modules/npm/package.json":                         true,
		"usr/lib/x86_64-linux-gnu/libc.so.6":                            false,
		"usr/lib/python3/dist-packages/six.py":                          false,
		"usr/share/doc/bash/copyright":                                  false,
		"usr/share/man/man1/bash.1.gz":                                  false,
		"usr/share/zoneinfo/Europe/Berlin":                              false,
		"usr/share/nodejs/npm/package.json":                             false,
		"etc/bash.bashrc":                                               false,
	} {
		if got := ownable(path); got != want {
			t.Errorf("ownable(%q) = %t", path, got)
		}
	}
}

func TestDocumentBytes(t *testing.T) {
	t.Parallel()
	l := seaworthy.DefaultLimits()
	l.DocumentBytes = 10
	_, err := extractWithin(t, FormatNPM, "node_modules/a/package.json", []byte(`{"name":"a"}`), l)
	e, ok := errors.AsType[*seaworthy.LimitError](err)
	if !ok || e.Limit != seaworthy.LimitDocumentBytes {
		t.Errorf("error %v; want the limit %s", err, seaworthy.LimitDocumentBytes)
	}
}

func TestPackagesLimit(t *testing.T) {
	t.Parallel()
	l := seaworthy.DefaultLimits()
	l.Packages = 2
	r, err := extractWithin(t, seaworthy.RecordAPK, "lib/apk/db/installed", fixture(t, "apk/installed"), l)
	e, ok := errors.AsType[*seaworthy.LimitError](err)
	if !ok || e.Limit != seaworthy.LimitPackages || len(r.Packages) != 2 {
		t.Errorf("%d packages, error %v; want 2 and the limit %s", len(r.Packages), err, seaworthy.LimitPackages)
	}
}

func TestLongLinesAreCutAndPassedOver(t *testing.T) {
	t.Parallel()
	text := "short\n" + strings.Repeat("x", 3*keptLine) + "\r\nlast"
	in := newLineReader(strings.NewReader(text), int64(len(text)))
	var got []int
	for {
		line, err := in.next()
		if err != nil {
			break
		}
		got = append(got, len(line))
	}
	if diff := cmp.Diff([]int{5, keptLine, 4}, got); diff != "" {
		t.Errorf("lengths of lines (-want +got):\n%s", diff)
	}
	if in.number != 3 {
		t.Errorf("%d lines, want 3", in.number)
	}
}
