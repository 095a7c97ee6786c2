package extractor

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/seaworthy-dev/seaworthy"
)

// smallHeader is an RPM header of few bytes: fuzzing gets nowhere with those of
// real packages.
func smallHeader(name string) []byte {
	var index, store []byte
	entry := func(tag, kind, count uint32, value string) {
		for _, n := range []uint32{tag, kind, uint32(len(store)), count} {
			index = binary.BigEndian.AppendUint32(index, n)
		}
		store = append(store, value...)
	}
	entry(tagEpoch, rpmInt32, 1, "\x00\x00\x00\x01")
	entry(tagDirIndexes, rpmInt32, 2, "\x00\x00\x00\x00\x00\x00\x00\x00")
	entry(tagFileModes, rpmInt16, 2, "\x81\xed\x41\xed")
	entry(tagName, rpmString, 1, name+"\x00")
	entry(tagVersion, rpmString, 1, "2\x00")
	entry(tagRelease, rpmString, 1, "3\x00")
	entry(tagSourceRPM, rpmString, 1, "s-2-3.src.rpm\x00")
	entry(tagModularity, rpmString, 1, "m:1:x\x00")
	entry(tagBaseNames, rpmStringArray, 2, "x\x00dir\x00")
	entry(tagDirNames, rpmStringArray, 1, "/usr/bin/\x00")
	b := binary.BigEndian.AppendUint32(nil, uint32(len(index)/headerEntry))
	b = binary.BigEndian.AppendUint32(b, uint32(len(store)))
	return slices.Concat(b, index, store)
}

// smallSQLite is a database of two pages of 512 bytes.
func smallSQLite(blob []byte) []byte {
	const size = 512
	db := make([]byte, 2*size)
	copy(db, sqliteMagic)
	binary.BigEndian.PutUint16(db[16:], size)
	varint := func(n int) []byte { return []byte{byte(0x80 | n>>7), byte(n & 0x7f)} }
	leaf := func(page, head []byte, record []byte) {
		cell := slices.Concat(varint(len(record)), []byte{1}, record)
		at := size - len(cell)
		copy(page[at:], cell)
		head[0] = sqliteLeaf
		binary.BigEndian.PutUint16(head[3:], 1)
		binary.BigEndian.PutUint16(head[8:], uint16(at))
	}
	schema := []byte{6, 12 + 1 + 2*5, 12 + 1 + 2*8, 12 + 1 + 2*8, 1, 12 + 1}
	schema = append(schema, "tablePackagesPackages\x02"...)
	leaf(db[:size], db[100:], schema)
	leaf(db[size:], db[size:], slices.Concat([]byte{4, 0}, varint(12+2*len(blob)), blob))
	return db
}

func smallRPMDatabases() map[string][]byte {
	blob := smallHeader("a")
	return map[string][]byte{
		"sqlite":         smallSQLite(blob),
		"ndb":            ndbDatabase([][]byte{blob}),
		"bdb":            bdbDatabase(binary.LittleEndian, 512, [][]byte{blob}),
		"bdb big-endian": bdbDatabase(binary.BigEndian, 512, [][]byte{blob}),
	}
}

func TestSmallRPMDatabases(t *testing.T) {
	t.Parallel()
	for name, db := range smallRPMDatabases() {
		r, err := extract(t, seaworthy.RecordRPM, "var/lib/rpm/Packages", db)
		check(t, r, err, []string{"a 1:2-3"}, "")
		if len(r.Owns) != 1 || len(r.Owns[0].Paths) != 1 || r.Owns[0].Paths[0] != "usr/bin/x" {
			t.Errorf("%s: owned %v", name, r.Owns)
		}
	}
}

func FuzzRPM(f *testing.F) {
	var seeds [][]byte
	for _, db := range smallRPMDatabases() {
		seeds = append(seeds, db)
	}
	fuzz(f, seaworthy.RecordRPM, "var/lib/rpm/Packages", seeds...)
}

func FuzzRPMHeader(f *testing.F) {
	f.Add(smallHeader("a"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := parseRPMHeader(b)
		if err != nil {
			return
		}
		for file := range h.files {
			if len(file) > maxRPMPath+len(b) {
				t.Errorf("a path of %d bytes", len(file))
			}
		}
	})
}
