package inflate

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"
	"math/rand/v2"
	"strings"
	"testing"
)

// inPieces is a source of b in pieces of at most the size given, or of random
// sizes if it is 0. A piece turns into noise once the next is asked for.
func inPieces(b []byte, size int, r *rand.Rand) func() ([]byte, error) {
	var piece []byte
	return func() ([]byte, error) {
		for i := range piece {
			piece[i] ^= 0xa5
		}
		if len(b) == 0 {
			return nil, io.EOF
		}
		n := size
		if n == 0 {
			n = r.IntN(2 << r.IntN(18))
		}
		piece = bytes.Clone(b[:min(n, len(b))])
		b = b[len(piece):]
		return piece, nil
	}
}

// readAll gives what r gives until it ends, and why it ended.
func readAll(t testing.TB, r *Reader) ([]byte, error) {
	t.Helper()
	var all []byte
	for {
		run, err := r.Next()
		if err != nil {
			if len(run) > 0 {
				t.Errorf("a run of %d bytes came with the error %v", len(run), err)
			}
			if again, err2 := r.Next(); len(again) > 0 || err2 != err {
				t.Errorf("after the error %v came %d bytes, %v", err, len(again), err2)
			}
			if err == io.EOF {
				err = nil
			}
			return all, err
		}
		if len(run) == 0 {
			t.Fatal("Next gave an empty run")
		}
		all = append(all, run...)
	}
}

// reference is what the standard library makes of b.
func reference(b []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err == io.EOF {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// sameAs demands of the bytes and the error of this package that they are those
// of the reference. If both fail, one may have got further than the other.
func sameAs(t testing.TB, what string, want []byte, wantErr error, got []byte, err error) {
	t.Helper()
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("%s: error = %v, but compress/gzip says %v", what, err, wantErr)
	}
	n := min(len(got), len(want))
	if err == nil && len(got) != len(want) || !bytes.Equal(got[:n], want[:n]) {
		for n = 0; n < min(len(got), len(want)) && got[n] == want[n]; n++ {
		}
		t.Fatalf("%s: %d bytes that differ at %d from the %d of compress/gzip", what, len(got), n, len(want))
	}
}

// check compares this package with the standard library, over whole input and
// over input in pieces.
func check(t testing.TB, what string, b []byte) error {
	t.Helper()
	want, wantErr := reference(b)
	r := new(Reader)
	random := rand.New(rand.NewPCG(uint64(len(b)), 1))
	var first error
	for i, size := range [...]int{len(b) + 1, 1, 7, 0} {
		if size == 1 && len(b) > 1<<17 {
			continue
		}
		r.Reset(inPieces(b, size, random))
		got, err := readAll(t, r)
		sameAs(t, fmt.Sprintf("%s, pieces of %d", what, size), want, wantErr, got, err)
		if i == 0 {
			first = err
		}
	}
	return first
}

// bitWriter writes a deflate stream by hand.
type bitWriter struct {
	out  []byte
	bits uint64
	n    uint
}

func (w *bitWriter) write(v, n int) *bitWriter {
	w.bits |= uint64(v) << w.n
	for w.n += uint(n); w.n >= 8; w.n -= 8 {
		w.out = append(w.out, byte(w.bits))
		w.bits >>= 8
	}
	return w
}

// code writes a Huffman code, first bit first.
func (w *bitWriter) code(c, n int) *bitWriter {
	return w.write(int(bits.Reverse32(uint32(c))>>(32-n)), n)
}

func (w *bitWriter) bytes() []byte {
	out := bytes.Clone(w.out)
	if w.n > 0 {
		out = append(out, byte(w.bits))
	}
	return out
}

// fixedSymbol writes a symbol of a fixed block.
func (w *bitWriter) fixedSymbol(symbol int) *bitWriter {
	switch {
	case symbol < 144:
		return w.code(0x30+symbol, 8)
	case symbol < 256:
		return w.code(0x190+symbol-144, 9)
	case symbol < 280:
		return w.code(symbol-256, 7)
	}
	return w.code(0xc0+symbol-280, 8)
}

// dynamic begins a last block with the lengths given, in the code of codeLengths.
func (w *bitWriter) dynamic(symbols, distances []int) *bitWriter {
	w.write(1, 1).write(2, 2).write(len(symbols)-257, 5).write(len(distances)-1, 5)
	w.codeLengths()
	for _, n := range append(append([]int{}, symbols...), distances...) {
		w.lengthSymbol(n)
	}
	return w
}

// codeLengths writes a code in which 0 to 12 are of 4 bits, 13 to 18 of 5.
func (w *bitWriter) codeLengths() *bitWriter {
	w.write(19-4, 4)
	for _, symbol := range [...]int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15} {
		if symbol < 13 {
			w.write(4, 3)
		} else {
			w.write(5, 3)
		}
	}
	return w
}

func (w *bitWriter) lengthSymbol(symbol int) *bitWriter {
	if symbol < 13 {
		return w.code(symbol, 4)
	}
	return w.code(26+symbol-13, 5)
}

// codes gives the canonical codes of lengths.
func codes(lengths []int) []int {
	out := make([]int, len(lengths))
	code := 0
	for n := 1; n <= 15; n++ {
		code <<= 1
		for i, l := range lengths {
			if l == n {
				out[i] = code
				code++
			}
		}
	}
	return out
}

const plainHeader = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"

// wrap makes a deflate stream a gzip member, of the content given.
func wrap(deflated, content []byte) []byte {
	b := append([]byte(plainHeader), deflated...)
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(content))
	return binary.LittleEndian.AppendUint32(b, uint32(len(content)))
}

// wrapWhatever wraps as much of a deflate stream as there is, with the right
// checksum if the standard library can read it.
func wrapWhatever(deflated []byte) []byte {
	in := bytes.NewReader(deflated)
	content, err := io.ReadAll(flate.NewReader(in))
	if err == nil {
		deflated = deflated[:len(deflated)-in.Len()]
	}
	return wrap(deflated, content)
}

func gzipped(t testing.TB, b []byte, level int) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, level)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func noise(n int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// layerLike is a mix of what is in layers: text, code, tables of numbers, zeros
// and what cannot be compressed.
func layerLike(n int) []byte {
	r := rand.New(rand.NewPCG(5, 6))
	words := make([]string, 3000)
	for i := range words {
		for range 1 + r.IntN(9) {
			words[i] += string("etaoinshrdlucmfwypvbgkjqxz_ETS01"[min(r.IntN(32), r.IntN(32))])
		}
	}
	joints := []string{" ", " ", " ", ", ", ".", "(", ");\n    ", " = ", "\n\n\tfunction ", "\": \"", " => {\n        return "}
	var b bytes.Buffer
	for b.Len() < n {
		switch kind := r.IntN(10); {
		case kind < 6:
			for range 2000 {
				at := min(r.IntN(len(words)), r.IntN(len(words)), r.IntN(len(words)))
				b.WriteString(words[at])
				b.WriteString(joints[min(r.IntN(len(joints)), r.IntN(len(joints)))])
			}
		case kind < 9:
			for i := range uint32(4000) {
				b.Write([]byte{0x48, 0x8b, byte(r.IntN(6)) << 3, 0x24})
				b.Write(binary.LittleEndian.AppendUint32(nil, i<<4+r.Uint32N(1<<r.IntN(20))))
			}
		case r.IntN(2) == 0:
			b.Write(noise(4<<10, r.Uint64()))
		default:
			b.WriteString(strings.Repeat("\x00", 10<<10))
		}
	}
	return b.Bytes()[:n]
}
