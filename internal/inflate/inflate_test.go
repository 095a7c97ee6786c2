package inflate

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// whole are streams that are as they should be.
func whole(t testing.TB) map[string][]byte {
	contents := map[string][]byte{
		"nothing":       nil,
		"a byte":        {'x'},
		"noise":         noise(100<<10, 1),
		"layer":         layerLike(700 << 10),
		"zeros":         make([]byte, 1<<20),
		"short matches": bytes.Repeat([]byte("abc"), 1000),
		"far matches":   bytes.Repeat(noise(32<<10, 3), 12),
		"every byte":    everyByte(),
	}
	for distance := 1; distance < 40; distance++ {
		contents[fmt.Sprint("period of ", distance)] = bytes.Repeat(noise(distance, 4), 700/distance)
	}
	streams := map[string][]byte{}
	for name, b := range contents {
		for level := gzip.HuffmanOnly; level <= gzip.BestCompression; level++ {
			if len(b) < 2000 || level <= 1 || level == 6 || level == 9 {
				streams[fmt.Sprintf("%s at level %d", name, level)] = gzipped(t, b, level)
			}
		}
	}
	for name, b := range headers(t) {
		streams[name] = b
	}
	a, z := gzipped(t, contents["layer"][:100<<10], 6), gzipped(t, nil, 6)
	streams["members"] = slices.Concat(a, z, z, a, gzipped(t, contents["noise"], 0), z)
	streams["many members"] = bytes.Repeat(gzipped(t, []byte("a small member, a small member"), 6), 20000)
	streams["no members"] = nil
	return streams
}

func everyByte() []byte {
	b := make([]byte, 0, 256*256)
	for i := range 256 {
		b = append(b, bytes.Repeat([]byte{byte(i)}, i)...)
	}
	return b
}

// headers are streams with each kind of field in the header.
func headers(t testing.TB) map[string][]byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Name, w.Comment, w.Extra = "näme", "a comment", noise(2000, 7)
	io.WriteString(w, "content")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	rest := gzipped(t, []byte("content"), 6)[10:]
	start := "\x1f\x8b\x08"
	return map[string][]byte{
		"all fields":       out.Bytes(),
		"text":             append([]byte(start+"\x01\x01\x02\x03\x04\x02\x03"), rest...),
		"header checksum":  append(withSum(start+"\x1a\x00\x00\x00\x00\x00\xffname\x00comment\x00"), rest...),
		"empty extra":      append([]byte(start+"\x04\x00\x00\x00\x00\x00\xff\x00\x00"), rest...),
		"empty name":       append([]byte(start+"\x08\x00\x00\x00\x00\x00\xff\x00"), rest...),
		"longest name":     append([]byte(start+"\x08\x00\x00\x00\x00\x00\xff"+strings.Repeat("n", 511)+"\x00"), rest...),
		"longest comment":  append([]byte(start+"\x10\x00\x00\x00\x00\x00\xff"+strings.Repeat("n", 511)+"\x00"), rest...),
		"longest of extra": append([]byte(start+"\x04\x00\x00\x00\x00\x00\xff\xff\xff"+strings.Repeat("n", 65535)), rest...),
	}
}

// withSum appends the checksum of a header.
func withSum(header string) []byte {
	return binary.LittleEndian.AppendUint16([]byte(header), uint16(crc32.ChecksumIEEE([]byte(header))))
}

func TestReaderReadsWhole(t *testing.T) {
	t.Parallel()
	for name, b := range whole(t) {
		if err := check(t, name, b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The lengths of pieces put the seams everywhere.
func TestReaderSeams(t *testing.T) {
	t.Parallel()
	content := layerLike(20 << 10)
	b := gzipped(t, content, 6)
	r := new(Reader)
	for size := 1; size < 300; size++ {
		r.Reset(inPieces(b, size, nil))
		if got, err := readAll(t, r); err != nil || !bytes.Equal(got, content) {
			t.Fatalf("pieces of %d: %v, or other content", size, err)
		}
	}
	for at := range b {
		rest := [][]byte{b[:at], nil, b[at:]}
		r.Reset(func() ([]byte, error) {
			if len(rest) == 0 {
				return nil, io.EOF
			}
			piece := rest[0]
			rest = rest[1:]
			return piece, nil
		})
		if got, err := readAll(t, r); err != nil || !bytes.Equal(got, content) {
			t.Fatalf("cut at %d: %v, or other content", at, err)
		}
	}
}

// A stream that is cut anywhere ends early, and says so.
func TestReaderTruncated(t *testing.T) {
	t.Parallel()
	small := gzipped(t, layerLike(3000), 6)
	for name, b := range map[string][]byte{
		"dynamic":    small,
		"fixed":      gzipped(t, []byte("hello, hello, hello"), 6),
		"stored":     gzipped(t, []byte("hello, hello, hello"), 0),
		"members":    append(gzipped(t, []byte("first"), 6), small[:300]...),
		"fields":     headers(t)["all fields"],
		"long codes": longCodes(),
	} {
		for n := 1; n < len(b); n++ {
			err := check(t, fmt.Sprintf("%s cut at %d", name, n), b[:n])
			if err == nil && (name != "members" || n != len(gzipped(t, []byte("first"), 6))) {
				t.Errorf("%s cut at %d is read without error", name, n)
			}
			if err != nil && err != io.ErrUnexpectedEOF {
				t.Errorf("%s cut at %d: error = %v, want an early end", name, n, err)
			}
		}
	}
}

// Whichever bit is flipped, the verdict is that of the standard library.
func TestReaderFlipped(t *testing.T) {
	t.Parallel()
	for name, b := range map[string][]byte{
		"dynamic":    gzipped(t, layerLike(1500), 6),
		"fixed":      gzipped(t, []byte("hello, hello, hello"), 6),
		"stored":     gzipped(t, []byte("hello, hello, hello"), 0),
		"fields":     headers(t)["header checksum"],
		"long codes": longCodes(),
	} {
		for i := range 8 * len(b) {
			if i/8 == 3 && i%8 >= 5 {
				continue // reserved flags, see TestReaderReservedFlags
			}
			damaged := bytes.Clone(b)
			damaged[i/8] ^= 1 << (i % 8)
			check(t, fmt.Sprintf("%s with bit %d flipped", name, i), damaged)
			if start := len(plainHeader); i/8 > start && name != "fields" {
				check(t, fmt.Sprintf("%s with bit %d flipped and new checksums", name, i), wrapWhatever(damaged[start:]))
			}
		}
	}
}

func TestReaderReservedFlags(t *testing.T) {
	t.Parallel()
	for bit := 5; bit < 8; bit++ {
		b := gzipped(t, []byte("content"), 6)
		b[3] |= 1 << bit
		if _, err := readAll(t, NewReader(inPieces(b, len(b), nil))); !errors.Is(err, ErrHeader) {
			t.Errorf("flag %d: error = %v, want %v", bit, err, ErrHeader)
		}
	}
}

// longCodes is a whole stream with codes of all lengths.
func longCodes() []byte {
	for seed := uint64(0); ; seed++ {
		b := wrapWhatever(randomBlocks(rand.New(rand.NewPCG(seed, 1)), 300))
		if content, err := reference(b); err == nil && len(content) > 2000 {
			return b
		}
	}
}

// randomBlocks is a deflate stream of blocks whose codes are random, so that all
// lengths of codes come up, and whose symbols are random as well.
func randomBlocks(r *rand.Rand, symbols int) []byte {
	var w bitWriter
	written := 0
	for blocks := 1 + r.IntN(3); blocks > 0; blocks-- {
		lits, dists := randomLengths(r, 286, 256), randomLengths(r, 30, -1)
		if r.IntN(8) == 0 {
			dists = make([]int, 1+r.IntN(30))
			dists[r.IntN(len(dists))] = r.IntN(2)
		}
		w.write(boolBit(blocks == 1), 1).write(2, 2).write(len(lits)-257, 5).write(len(dists)-1, 5).codeLengths()
		w.lengthRuns(r, append(slices.Clone(lits), dists...))
		written += w.tokens(r, lits, dists, symbols, written)
	}
	return w.bytes()
}

func boolBit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// randomLengths splits codes until they are all given away, must included.
func randomLengths(r *rand.Rand, most, must int) []int {
	n := 2 + r.IntN(most-1)
	leaves := []int{1, 1}
	deep := r.IntN(2) == 0
	for tries := 0; len(leaves) < n && tries < 10000; tries++ {
		i := r.IntN(len(leaves))
		if deep {
			i = len(leaves) - 1 - min(i, r.IntN(4))
		}
		if leaves[i] < 15 {
			leaves[i]++
			leaves = append(leaves, leaves[i])
		}
	}
	lengths := make([]int, most)
	places := r.Perm(most)
	if must >= 0 {
		at := slices.Index(places, must)
		places[0], places[at] = places[at], places[0]
	}
	r.Shuffle(len(leaves), func(i, j int) { leaves[i], leaves[j] = leaves[j], leaves[i] })
	for i, n := range leaves {
		lengths[places[i]] = n
	}
	return lengths
}

// lengthRuns writes code lengths, some of them in runs.
func (w *bitWriter) lengthRuns(r *rand.Rand, lengths []int) {
	for i := 0; i < len(lengths); {
		run := 1
		for i+run < len(lengths) && lengths[i+run] == lengths[i] {
			run++
		}
		switch {
		case lengths[i] == 0 && run >= 11 && r.IntN(3) > 0:
			run = min(run, 138)
			w.lengthSymbol(18).write(run-11, 7)
		case lengths[i] == 0 && run >= 3 && r.IntN(3) > 0:
			run = min(run, 10)
			w.lengthSymbol(17).write(run-3, 3)
		case run >= 4 && r.IntN(3) > 0:
			run = min(run-1, 6)
			w.lengthSymbol(lengths[i]).lengthSymbol(16).write(run-3, 2)
			run++
		default:
			w.lengthSymbol(lengths[i])
			run = 1
		}
		i += run
	}
}

// tokens writes symbols that the codes have, and the end. Now and then a match
// begins before the stream.
func (w *bitWriter) tokens(r *rand.Rand, lits, dists []int, n, before int) (written int) {
	litCodes, distCodes := codes(lits), codes(dists)
	for range n {
		s := r.IntN(len(lits))
		if lits[s] == 0 || s == endOfBlock {
			continue
		}
		if s < endOfBlock {
			w.code(litCodes[s], lits[s])
			written++
			continue
		}
		d := r.IntN(len(dists))
		e := distanceEntry(d)
		base, more := int(e>>16), int(e.bits())
		if dists[d] == 0 || base > before+written && r.IntN(2000) > 0 {
			continue
		}
		extra := r.IntN(1 << more)
		if base+extra > before+written && r.IntN(2000) > 0 {
			extra = 0
		}
		l := symbolEntry(s)
		lengthExtra := r.IntN(1 << l.bits())
		w.code(litCodes[s], lits[s]).write(lengthExtra, int(l.bits()))
		w.code(distCodes[d], dists[d]).write(extra, more)
		written += int(l>>16&511) + lengthExtra
	}
	w.code(litCodes[endOfBlock], lits[endOfBlock])
	return written
}

func TestReaderRandomBlocks(t *testing.T) {
	t.Parallel()
	whole := 0
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 9))
		if check(t, fmt.Sprint("seed ", seed), wrapWhatever(randomBlocks(r, 10<<r.IntN(12)))) == nil {
			whole++
		}
	}
	if whole < 200 {
		t.Errorf("only %d streams of 400 are whole, which tests little", whole)
	}
}

// An error of the source comes as it is, after all that came before it.
func TestReaderSourceFails(t *testing.T) {
	t.Parallel()
	content := layerLike(300 << 10)
	b := gzipped(t, content, 6)
	broken := errors.New("connection lost")
	for _, n := range []int{0, 1, 10, 15, len(b) / 2, len(b) - 1, len(b)} {
		source := inPieces(b[:n], 1000, nil)
		got, err := readAll(t, NewReader(func() ([]byte, error) {
			piece, err := source()
			if err == io.EOF {
				err = broken
			}
			return piece, err
		}))
		if err != broken || !bytes.HasPrefix(content, got) || n == len(b) && len(got) != len(content) {
			t.Errorf("after %d bytes: %d bytes and the error %v", n, len(got), err)
		}
	}
	_, err := readAll(t, NewReader(func() ([]byte, error) { return nil, nil }))
	if err != io.ErrNoProgress {
		t.Errorf("a source of nothing: error = %v, want %v", err, io.ErrNoProgress)
	}
}

func TestReaderResets(t *testing.T) {
	t.Parallel()
	a, z := gzipped(t, layerLike(300<<10), 6), gzipped(t, []byte("fixed"), 6)
	r := new(Reader)
	for _, n := range []int{0, 5, 12, 40, len(a) / 2, len(a)} {
		for _, b := range [][]byte{a[:n], z} {
			want, wantErr := reference(b)
			r.Reset(inPieces(b, 999, nil))
			got, err := readAll(t, r)
			sameAs(t, fmt.Sprint("after ", n, " bytes"), want, wantErr, got, err)
		}
		r.Reset(nil)
		if _, err := r.Next(); err != io.EOF {
			t.Errorf("with no source: error = %v, want %v", err, io.EOF)
		}
	}
	if _, err := new(Reader).Next(); err != io.EOF {
		t.Errorf("the zero Reader: error = %v, want %v", err, io.EOF)
	}
}

func TestReaderTakesLittleMemory(t *testing.T) {
	t.Parallel()
	if size := reflect.TypeFor[Reader]().Size(); size > 512<<10 {
		t.Errorf("a Reader takes %d bytes", size)
	}
}

func TestReaderAllocatesNothing(t *testing.T) {
	b := gzipped(t, layerLike(1<<20), 6)
	r, rest := new(Reader), []byte(nil)
	source := func() ([]byte, error) {
		if len(rest) == 0 {
			return nil, io.EOF
		}
		piece := rest[:min(len(rest), 10<<10)]
		rest = rest[len(piece):]
		return piece, nil
	}
	n := testing.AllocsPerRun(3, func() {
		rest = b
		r.Reset(source)
		for {
			if _, err := r.Next(); err != nil {
				break
			}
		}
	})
	if n > 0 {
		t.Errorf("reading a stream allocates %v times", n)
	}
}
