package extractor

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/layer"
)

// rpmPackages are those of testdata/rpm/rpm-qa.txt, with what a layer keeps.
func rpmPackages() []seaworthy.Package {
	pkg := func(name, version, arch, sourceVersion, module string) seaworthy.Package {
		return seaworthy.Package{
			Ecosystem: seaworthy.FormatRPM, Name: name, Version: version, Arch: arch,
			Source: "openssl", SourceVersion: sourceVersion, Module: module,
		}
	}
	return []seaworthy.Package{
		pkg("nodejs", "18.18.2-2.module+el9.3.0+20408", "x86_64", "3.0.7-25.el9_3", "nodejs:18"),
		pkg("openssl", "1:3.0.7-25.el9_3", "x86_64", "1:3.0.7-25.el9_3", ""),
		pkg("openssl-libs", "1:3.0.7-25.el9_3", "x86_64", "1:3.0.7-25.el9_3", ""),
		pkg("python3-setuptools", "53.0.0-12.el9", "noarch", "3.0.7-25.el9_3", ""),
	}
}

func rpmOwned() map[string][]string {
	return map[string][]string{
		"openssl":            {"usr/bin/openssl"},
		"nodejs":             {"usr/bin/node", "usr/lib/node_modules/npm/package.json"},
		"python3-setuptools": {"usr/lib/python3.9/site-packages/setuptools-53.0.0.dist-info/METADATA"},
	}
}

// rpmDatabases are the same packages in each kind of database.
func rpmDatabases(t testing.TB) map[string][]byte {
	t.Helper()
	sqlite := fixture(t, "rpm/rpmdb.sqlite.gz")
	blobs := headerBlobs(t, sqlite)
	return map[string][]byte{
		"var/lib/rpm/rpmdb.sqlite":         sqlite,
		"var/lib/rpm/Packages":             fixture(t, "rpm/Packages.gz"),
		"usr/lib/sysimage/rpm/Packages.db": ndbDatabase(blobs),
		"usr/share/rpm/Packages":           bdbDatabase(binary.BigEndian, 512, blobs),
	}
}

func headerBlobs(t testing.TB, db []byte) (blobs [][]byte) {
	t.Helper()
	headers, err := rpmHeaders(bytes.NewReader(db), int64(len(db)), seaworthy.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	for b, err := range headers {
		if err != nil {
			t.Fatal(err)
		}
		blobs = append(blobs, bytes.Clone(b))
	}
	return blobs
}

// ndbDatabase lays the headers out as rpmpkg.c does.
func ndbDatabase(blobs [][]byte) []byte {
	le := binary.LittleEndian
	db := make([]byte, ndbPage)
	copy(db, "RpmP")
	le.PutUint32(db[12:], 1)
	for at := ndbHead; at < ndbPage; at += ndbSlot {
		copy(db[at:], "Slot")
	}
	for i, b := range blobs {
		slot, index := db[ndbHead+(2*i+1)*ndbSlot:], uint32(i+1) // every other one is free
		le.PutUint32(slot[4:], index)
		le.PutUint32(slot[8:], uint32(len(db)/ndbBlock))
		block := append([]byte("BlbS"), make([]byte, 12)...)
		le.PutUint32(block[4:], index)
		le.PutUint32(block[12:], uint32(len(b)))
		block = append(block, b...)
		block = append(block, make([]byte, ndbBlock-len(block)%ndbBlock)...)
		le.PutUint32(slot[12:], uint32(len(block)/ndbBlock))
		db = append(db, block...)
	}
	return db
}

// bdbDatabase is a Berkeley DB hash of one hash page, which libdb would have
// split, and a chain of overflow pages for each header.
func bdbDatabase(order binary.AppendByteOrder, size int, blobs [][]byte) []byte {
	put16 := func(b []byte, n int) { copy(b, order.AppendUint16(nil, uint16(n))) }
	put32 := func(b []byte, n int) { copy(b, order.AppendUint32(nil, uint32(n))) }
	pages := [][]byte{make([]byte, size), make([]byte, size)}
	meta, hash := pages[0], pages[1]
	put32(meta[12:], bdbHashMagic)
	put32(meta[20:], size)
	meta[25] = bdbMetaPage
	hash[25] = bdbHashPage
	end, items := size, 0
	item := func(b []byte) {
		end -= len(b)
		copy(hash[end:], b)
		put16(hash[bdbPageHead+2*items:], end)
		items++
		put16(hash[20:], items)
	}
	item([]byte{bdbItemInline, 0, 0, 0, 0})
	item([]byte{bdbItemInline, 9, 0, 0, 0}) // rpm's counter
	for i, b := range blobs {
		item([]byte{bdbItemInline, byte(i + 1), 0, 0, 0})
		entry := make([]byte, 12)
		entry[0] = bdbItemOffPage
		put32(entry[4:], len(pages))
		put32(entry[8:], len(b))
		item(entry)
		for len(b) > 0 {
			page := make([]byte, size)
			page[25] = bdbOverflow
			n := copy(page[bdbPageHead:], b)
			put16(page[22:], n)
			if b = b[n:]; len(b) > 0 {
				put32(page[16:], len(pages)+1)
			}
			pages = append(pages, page)
		}
	}
	put32(meta[32:], len(pages)-1)
	return bytes.Join(pages, nil)
}

func TestRPMDatabases(t *testing.T) {
	t.Parallel()
	for path, db := range rpmDatabases(t) {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			r, err := extract(t, seaworthy.RecordRPM, path, db)
			if err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(rpmPackages(), r.Packages); diff != "" {
				t.Errorf("packages (-want +got):\n%s", diff)
			}
			owned := make(map[string][]string)
			for _, o := range r.Owns {
				owned[o.Package] = o.Paths
			}
			if diff := cmp.Diff(rpmOwned(), owned); diff != "" {
				t.Errorf("owned (-want +got):\n%s", diff)
			}
		})
	}
}

// What rpm itself says, kept when the fixtures were made.
func TestRPMAgreesWithRPM(t *testing.T) {
	t.Parallel()
	var want, got []string
	for line := range strings.Lines(string(fixture(t, "rpm/rpm-qa.txt"))) {
		f := strings.Split(strings.TrimSpace(line), "|")
		if f[0] != "gpg-pubkey" {
			want = append(want, f[0]+" "+strings.TrimPrefix(f[1], "0:")+" "+f[2]) // an epoch of 0 may be written or not
		}
	}
	r, err := extract(t, seaworthy.RecordRPM, "var/lib/rpm/rpmdb.sqlite", fixture(t, "rpm/rpmdb.sqlite.gz"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Packages {
		got = append(got, p.Name+" "+p.Version+" "+p.Arch)
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got))); diff != "" || len(want) == 0 {
		t.Errorf("%d packages (-rpm +got):\n%s", len(want), diff)
	}
}

func TestRPMWriteAheadLog(t *testing.T) {
	t.Parallel()
	r, err := extract(t, seaworthy.RecordRPM, "var/lib/rpm/rpmdb.sqlite-wal", []byte("x"))
	check(t, r, err, nil, "was not written back into the database before the layer was made, "+
		"so that the last changes to the installed packages are not seen")
}

func TestRPMUnknownKinds(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                              "is too short for an RPM database",
		"this is not a database at all": "is not an RPM database of a known kind (SQLite, ndb, Berkeley DB hash)",
		sqliteMagic:                     "is too short for an SQLite database",
		"RpmP0000000000000":             "is too short for an ndb database",
	} {
		r, err := extract(t, seaworthy.RecordRPM, "var/lib/rpm/Packages", []byte(text))
		check(t, r, err, nil, want)
	}
	other := bytes.ReplaceAll(fixture(t, "rpm/rpmdb.sqlite.gz"), []byte("Packages"), []byte("Pockages"))
	r, err := extract(t, seaworthy.RecordRPM, "var/lib/rpm/rpmdb.sqlite", other)
	check(t, r, err, nil, "is an SQLite database without the table Packages")
}

// Whatever is cut off or overwritten, reading ends soon, without a panic, with
// an error or with packages that are all real ones.
func TestRPMCorruptDatabases(t *testing.T) {
	t.Parallel()
	genuine := make(map[string]bool)
	for _, p := range rpmPackages() {
		genuine[p.Name] = true
	}
	e := rpmDatabase(seaworthy.DefaultLimits())
	for path, db := range rpmDatabases(t) {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			read := func(b []byte) (int, error) {
				start := time.Now()
				r, err := e.Extract(t.Context(), &layer.File{Path: path, Content: bytes.NewReader(b), Size: int64(len(b))})
				if d := time.Since(start); d > 5*time.Second {
					t.Fatalf("took %v", d)
				}
				return len(r.Packages), err
			}
			for cut := 0; cut < len(db); cut += 1 + len(db)/61 {
				if n, err := read(db[:cut]); err == nil && n < len(rpmPackages()) {
					t.Errorf("cut at %d of %d: %d packages and no error", cut, len(db), n)
				}
			}
			for at := 0; at < len(db); at += 1 + len(db)/251 {
				for _, x := range []byte{0, 1, 0xff} {
					b := bytes.Clone(db)
					b[at] = x
					_, _ = read(b)
				}
			}
		})
	}
}

func TestRPMPagesInCircles(t *testing.T) {
	t.Parallel()
	blobs := headerBlobs(t, fixture(t, "rpm/rpmdb.sqlite.gz"))
	db := bdbDatabase(binary.LittleEndian, 512, blobs)
	binary.LittleEndian.PutUint32(db[2*512+16:], 2) // the first chain's first page goes on with itself
	r, err := extract(t, seaworthy.RecordRPM, "var/lib/rpm/Packages", db)
	if err == nil && len(r.Packages) == len(rpmPackages()) {
		t.Error("a chain in a circle gives all packages")
	}
}

func TestSplitSourceRPM(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][3]string{
		"bash-5.1.8-6.el9.src.rpm":               {"bash", "5.1.8", "6.el9"},
		"java-1.8.0-openjdk-1.8.0.1-2.nosrc.rpm": {"java-1.8.0-openjdk", "1.8.0.1", "2"},
		"(none)":                                 {},
		"":                                       {},
		"a-1.src.rpm":                            {},
		"-1-2.src.rpm":                           {},
		"a-1-2.x86.rpm":                          {},
	} {
		name, version, release, _ := splitSourceRPM(text)
		if got := [3]string{name, version, release}; got != want {
			t.Errorf("splitSourceRPM(%q) = %q, want %q", text, got, want)
		}
	}
}
