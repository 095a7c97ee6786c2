package layer

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seaworthy-dev/seaworthy"
)

// oldSparse is a file in GNU's old sparse format: data at an offset, a hole
// elsewhere. The last byte of the data is followed by padding, and nothing else.
func oldSparse(name string, size, offset int64, data string) []byte {
	b := make([]byte, tarBlock)
	copy(b, name)
	copy(b[100:], "0000755")
	copy(b[124:], fmt.Sprintf("%011o", len(data)))
	b[156] = tarGNUSparse
	copy(b[257:], "ustar  \x00")
	copy(b[386:], fmt.Sprintf("%011o", offset))
	copy(b[398:], fmt.Sprintf("%011o", len(data)))
	copy(b[483:], fmt.Sprintf("%011o", size))
	checksum(b)
	b = append(b, data...)
	return append(b, make([]byte, padding(int64(len(data))))...)
}

// longSparse has its map continued in a second block.
func longSparse(name string, size, offset int64, data string) []byte {
	b := oldSparse(name, size, offset, data)
	b[482] = 1
	copy(b[386:410], make([]byte, 24))
	checksum(b[:tarBlock])
	more := make([]byte, tarBlock)
	copy(more, fmt.Sprintf("%011o", offset))
	copy(more[12:], fmt.Sprintf("%011o", len(data)))
	return append(append(b[:tarBlock:tarBlock], more...), b[tarBlock:]...)
}

// paxSparse is a file in one of GNU's sparse formats in extended headers.
func paxSparse(t testing.TB, version, name string, size, offset int64, data string) []byte {
	major, minor, _ := strings.Cut(version, ".")
	fields := []string{"GNU.sparse.major=" + major, "GNU.sparse.minor=" + minor, "GNU.sparse.name=" + name}
	stored := data
	switch version {
	case "0.0":
		fields = []string{fmt.Sprintf("GNU.sparse.size=%d", size), "GNU.sparse.numblocks=1", fmt.Sprintf("GNU.sparse.offset=%d", offset), fmt.Sprintf("GNU.sparse.numbytes=%d", len(data)), "path=" + name}
	case "0.1":
		fields = append(fields, fmt.Sprintf("GNU.sparse.size=%d", size), "GNU.sparse.numblocks=1", fmt.Sprintf("GNU.sparse.map=%d,%d", offset, len(data)))
	case "1.0":
		fields = append(fields, fmt.Sprintf("GNU.sparse.realsize=%d", size))
		stored = fmt.Sprintf("1\n%d\n%d\n", offset, len(data))
		stored += strings.Repeat("\x00", int(padding(int64(len(stored))))) + data
	}
	var records strings.Builder
	for _, f := range fields {
		n := len(f) + 3
		for len(fmt.Sprint(n))+len(f)+2 != n {
			n = len(fmt.Sprint(n)) + len(f) + 2
		}
		fmt.Fprintf(&records, "%d %s\n", n, f)
	}
	b := paxHeader(records.String())
	main := archive(t, executable("GNUSparseFile.1/x", stored))
	return append(b, main[:len(main)-2*tarBlock]...)
}

func TestAnalyseReadsSparseFiles(t *testing.T) {
	t.Parallel()
	const size = memoryBytes + 5000
	for name, make := range map[string]func(string, int64, int64, string) []byte{
		"old":      oldSparse,
		"old, two": longSparse,
		"0.0":      func(n string, s, o int64, d string) []byte { return paxSparse(t, "0.0", n, s, o, d) },
		"0.1":      func(n string, s, o int64, d string) []byte { return paxSparse(t, "0.1", n, s, o, d) },
		"1.0":      func(n string, s, o int64, d string) []byte { return paxSparse(t, "1.0", n, s, o, d) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stored []byte
			stored = append(stored, make("huge/pkg.txt", 10<<30, 0, "0123")...)
			stored = append(stored, make("huge/data", 10<<30, 0, "0123")...)
			stored = append(stored, make("small/pkg.txt", 10, 4, "012345")...)
			stored = append(stored, make("tool", size, 0, "#go tool")...)
			stored = append(stored, archive(t, file("last/pkg.txt", "x"), hardlink("other/pkg.txt", "small/pkg.txt"))...)
			a := analyser(t)
			c := analyse(t, a, stored)
			if len(c.Entries.Packed()) == 0 || c.Unpacked != int64(len(stored)) {
				t.Errorf("Unpacked = %d, want %d", c.Unpacked, len(stored))
			}
			over := a.Limits.Exceeded(seaworthy.LimitFileBytes, "its size").Error()
			want := view{
				Entries: []seaworthy.Entry{ef("huge/pkg.txt"), ef("huge/data"), ef("small/pkg.txt"), ef("tool"), ef("last/pkg.txt"), ef("other/pkg.txt")},
				Records: []seaworthy.Record{
					lineRecord("last/pkg.txt", "x"), lineRecord("other/pkg.txt", "\x00\x00\x00\x00012345"),
					lineRecord("small/pkg.txt", "\x00\x00\x00\x00012345"), goRecord("tool", "tool"),
				},
				Gaps: []seaworthy.Gap{fileGap("huge/data", over), fileGap("huge/pkg.txt", over)},
			}
			if d := diff(want, viewOf(c)); d != "" {
				t.Errorf("contents (-want +got):\n%s", d)
			}
		})
	}
}

func TestAnalyseOfSparseDamage(t *testing.T) {
	t.Parallel()
	outside := append(oldSparse("pkg.txt", 3, 10, "0123"), archive(t, file("last/pkg.txt", "x"))...)
	c := analyse(t, analyser(t), outside)
	want := view{
		Entries: []seaworthy.Entry{ef("pkg.txt"), ef("last/pkg.txt")},
		Records: []seaworthy.Record{lineRecord("last/pkg.txt", "x")},
		Gaps:    []seaworthy.Gap{fileGap("pkg.txt", "it is stored as a sparse file whose map is damaged")},
	}
	if d := diff(want, viewOf(c)); d != "" {
		t.Errorf("contents (-want +got):\n%s", d)
	}
	for name, stored := range map[string][]byte{
		"cut in its data": oldSparse("pkg.txt", 10<<20, 0, strings.Repeat("x", 2000))[:1500],
		"cut in its map":  longSparse("pkg.txt", 10<<20, 0, strings.Repeat("x", 2000))[:1000],
	} {
		layer, _ := blob(stored)
		if _, err := analyser(t).Analyse(t.Context(), layer, nil); seaworthy.CodeOf(err) != seaworthy.CodeCorrupt {
			t.Errorf("%s: error = %v, want corrupt", name, err)
		}
	}
}
