package inflate

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// lengthsOf makes a list of n code lengths: pairs of symbol and length.
func lengthsOf(n int, pairs ...int) []int {
	lengths := make([]int, n)
	for i := 0; i < len(pairs); i += 2 {
		lengths[pairs[i]] = pairs[i+1]
	}
	return lengths
}

func begin() *bitWriter { return new(bitWriter) }

func fixedBlock() *bitWriter { return begin().write(1, 1).write(1, 2) }

// blocks are deflate streams made by hand, with the error that is due.
func blocks() map[string]struct {
	b   []byte
	err error
} {
	type stream = struct {
		b   []byte
		err error
	}
	two := lengthsOf(257, 'a', 1, 256, 1)
	match := lengthsOf(258, 'a', 1, 256, 2, 257, 2) // literal, end, match of 3
	overlong := begin().write(1, 1).write(2, 2).write(29, 5).write(29, 5).codeLengths()
	for range 2 {
		overlong.lengthSymbol(18).write(127, 7)
	}
	return map[string]stream{
		"no bytes":                 {nil, io.ErrUnexpectedEOF},
		"reserved kind":            {begin().write(1, 1).write(3, 2).bytes(), ErrCorrupt},
		"reserved kind, not last":  {begin().write(0, 1).write(3, 2).bytes(), ErrCorrupt},
		"stored, empty":            {[]byte{1, 0, 0, 0xff, 0xff}, nil},
		"stored":                   {[]byte{1, 1, 0, 0xfe, 0xff, 'x'}, nil},
		"stored, wrong complement": {[]byte{1, 1, 0, 0xfe, 0xfe, 'x'}, ErrCorrupt},
		"stored, same lengths":     {[]byte{1, 1, 0, 1, 0, 'x'}, ErrCorrupt},
		"stored, short":            {[]byte{1, 2, 0, 0xfd, 0xff, 'x'}[:5], io.ErrUnexpectedEOF},
		"no last block":            {[]byte{0, 1, 0, 0xfe, 0xff, 'x'}, io.ErrUnexpectedEOF},

		"fixed, empty":               {fixedBlock().fixedSymbol(256).bytes(), nil},
		"fixed, longest match":       {fixedBlock().fixedSymbol('a').fixedSymbol(285).code(0, 5).fixedSymbol(256).bytes(), nil},
		"fixed, 258 written as 284":  {fixedBlock().fixedSymbol('a').fixedSymbol(284).write(31, 5).code(0, 5).fixedSymbol(256).bytes(), nil},
		"fixed, symbol 286":          {fixedBlock().fixedSymbol('a').fixedSymbol(286).code(0, 5).fixedSymbol(256).bytes(), ErrCorrupt},
		"fixed, symbol 287":          {fixedBlock().fixedSymbol('a').fixedSymbol(287).code(0, 5).fixedSymbol(256).bytes(), ErrCorrupt},
		"fixed, distance 30":         {fixedBlock().fixedSymbol('a').fixedSymbol(257).code(30, 5).write(0, 14).fixedSymbol(256).bytes(), ErrCorrupt},
		"fixed, distance 31":         {fixedBlock().fixedSymbol('a').fixedSymbol(257).code(31, 5).write(0, 14).fixedSymbol(256).bytes(), ErrCorrupt},
		"match at the very start":    {fixedBlock().fixedSymbol(257).code(0, 5).fixedSymbol(256).bytes(), ErrCorrupt},
		"match before the start":     {fixedBlock().fixedSymbol('a').fixedSymbol(257).code(1, 5).fixedSymbol(256).bytes(), ErrCorrupt},
		"match far before the start": {fixedBlock().fixedSymbol('a').fixedSymbol(257).code(29, 5).write(1<<13-1, 13).fixedSymbol(256).bytes(), ErrCorrupt},

		"one code":                {begin().dynamic(lengthsOf(257, 256, 1), []int{0}).code(0, 1).bytes(), nil},
		"one code, the other bit": {begin().dynamic(lengthsOf(257, 256, 1), []int{0}).code(1, 1).bytes(), ErrCorrupt},
		"one code of two bits":    {begin().dynamic(lengthsOf(257, 256, 2), []int{0}).code(0, 2).bytes(), ErrCorrupt},
		"two codes":               {begin().dynamic(two, []int{0}).code(0, 1).code(1, 1).bytes(), nil},
		"no end of block":         {begin().dynamic(lengthsOf(257, 'a', 1, 'b', 1), []int{0}).write(0, 64).bytes(), ErrCorrupt},
		"no codes":                {begin().dynamic(lengthsOf(257), []int{0}).write(0, 64).bytes(), ErrCorrupt},
		"too many codes":          {begin().dynamic(lengthsOf(257, 'a', 1, 'b', 1, 256, 1), []int{0}).write(0, 64).bytes(), ErrCorrupt},
		"too many long codes":     {begin().dynamic(lengthsOf(257, 'a', 1, 'b', 2, 'c', 15, 256, 2), []int{0}).write(0, 64).bytes(), ErrCorrupt},
		"too few codes":           {begin().dynamic(lengthsOf(257, 'a', 1, 256, 2), []int{0}).code(2, 2).bytes(), ErrCorrupt},
		"too few long codes":      {begin().dynamic(lengthsOf(257, 'a', 1, 'b', 14, 256, 15), []int{0}).write(0, 64).bytes(), ErrCorrupt},
		"too many at first":       {begin().dynamic(lengthsOf(257, 'a', 1, 'b', 1, 'c', 1, 256, 15), []int{0}).write(0, 64).bytes(), ErrCorrupt},

		"one distance":             {begin().dynamic(match, []int{1}).code(0, 1).code(3, 2).code(0, 1).code(2, 2).bytes(), nil},
		"one distance, other bit":  {begin().dynamic(match, []int{1}).code(0, 1).code(3, 2).code(1, 1).code(2, 2).bytes(), ErrCorrupt},
		"one distance of two bits": {begin().dynamic(match, []int{2}).code(0, 1).code(2, 2).bytes(), ErrCorrupt},
		"no distances, not used":   {begin().dynamic(match, []int{0}).code(0, 1).code(2, 2).bytes(), nil},
		"no distances, but used":   {begin().dynamic(match, []int{0}).code(0, 1).code(3, 2).write(0, 40).bytes(), ErrCorrupt},
		"too many distances":       {begin().dynamic(match, []int{1, 1, 1}).code(0, 1).code(2, 2).bytes(), ErrCorrupt},
		"too few distances":        {begin().dynamic(match, []int{1, 2}).code(0, 1).code(2, 2).bytes(), ErrCorrupt},
		"all distances":            {begin().dynamic(match, append(slices.Repeat([]int{5}, 28), 4, 4)).code(0, 1).code(2, 2).bytes(), nil},

		"287 symbols":                {begin().write(1, 1).write(2, 2).write(30, 5).write(0, 60).bytes(), ErrCorrupt},
		"31 distances":               {begin().write(1, 1).write(2, 2).write(0, 5).write(30, 5).write(0, 60).bytes(), ErrCorrupt},
		"32 distances":               {begin().write(1, 1).write(2, 2).write(0, 5).write(31, 5).write(0, 60).bytes(), ErrCorrupt},
		"repeat of nothing":          {begin().write(1, 1).write(2, 2).write(0, 10).codeLengths().lengthSymbol(16).write(0, 60).bytes(), ErrCorrupt},
		"zeros beyond the end":       {overlong.lengthSymbol(18).write(127, 7).bytes(), ErrCorrupt},
		"repeat beyond the end":      {overlong.lengthSymbol(18).write(19, 7).lengthSymbol(1).lengthSymbol(16).write(3, 2).bytes(), ErrCorrupt},
		"no code of lengths":         {begin().write(1, 1).write(2, 2).write(0, 10).write(15, 4).write(0, 57).write(0, 60).bytes(), ErrCorrupt},
		"one code of lengths":        {begin().write(1, 1).write(2, 2).write(0, 10).write(0, 4).write(1, 3).write(0, 9).write(0, 60).bytes(), ErrCorrupt},
		"one code of lengths, zeros": {begin().write(1, 1).write(2, 2).write(0, 10).write(0, 4).write(0, 6).write(1, 3).write(0, 3).write(0, 60).bytes(), ErrCorrupt},
		"too few codes of lengths":   {begin().write(1, 1).write(2, 2).write(0, 10).write(0, 4).write(2, 3).write(0, 9).write(0, 60).bytes(), ErrCorrupt},
		"too many codes of lengths":  {begin().write(1, 1).write(2, 2).write(0, 10).write(0, 4).write(1, 3).write(1, 3).write(1, 3).write(1, 3).write(0, 60).bytes(), ErrCorrupt},
	}
}

func TestReaderHostileBlocks(t *testing.T) {
	t.Parallel()
	for name, test := range blocks() {
		b := wrapWhatever(test.b)
		if test.err == io.ErrUnexpectedEOF {
			b = append([]byte(plainHeader), test.b...)
		}
		if err := check(t, name, b); !errors.Is(err, test.err) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: error = %v, want %v", name, err, test.err)
		}
		if test.err != ErrCorrupt {
			continue
		}
		// With more to come, it is not the end that is missing.
		b = slices.Concat([]byte(plainHeader), test.b, make([]byte, 64))
		if err := check(t, name+" and zeros", b); !errors.Is(err, test.err) {
			t.Errorf("%s and zeros: error = %v, want %v", name, err, test.err)
		}
	}
}

// stored writes b in stored blocks.
func (w *bitWriter) stored(b []byte) *bitWriter {
	for ; len(b) > 0; b = b[min(len(b), 65535):] {
		n := min(len(b), 65535)
		w.write(0, 8).write(n, 16).write(^n&0xffff, 16)
		w.out = append(w.out, b[:n]...)
	}
	return w
}

// reach writes a last block of one match, of 258 bytes at a distance.
func (w *bitWriter) reach(distance int) []byte {
	w.write(1, 1).write(1, 2).fixedSymbol(285)
	symbol, base, more := 31, 3<<14+1, 14
	for base > distance {
		symbol--
		more = max(0, symbol/2-1)
		base = symbol + 1
		if symbol > 1 {
			base = (2+symbol%2)<<more + 1
		}
	}
	return w.code(symbol, 5).write(distance-base, more).fixedSymbol(256).bytes()
}

// repeated is b with 258 more bytes, which are those at a distance.
func repeated(b []byte, distance int) []byte {
	b = bytes.Clone(b)
	for range 258 {
		if distance > len(b) {
			return b
		}
		b = append(b, b[len(b)-distance])
	}
	return b
}

// A match reaches back to the first byte of its member at most, wherever in the
// window that is, and 32 KiB at most. The checksums are those of a decoder that
// lets it reach further.
func TestReaderHistory(t *testing.T) {
	t.Parallel()
	for _, before := range []int{0, 1, history, fullAt - history, fullAt - 1, fullAt, windowBytes, 3 * windowBytes} {
		for _, n := range []int{1, 2, 1000, history - 1, history, history + 1, fullAt - 1, fullAt, fullAt + 1, 2 * windowBytes} {
			first, content := noise(before, 1), noise(n, 2)
			for _, distance := range []int{min(n, history), min(n+1, history), history + 1, 3<<14 + 1} {
				all := repeated(slices.Concat(first, content), distance)
				b := wrap(begin().stored(content).reach(distance), all[before:])
				err := check(t, "history", append(gzipped(t, first, 0), b...))
				if fits := distance <= min(n, history); fits != (err == nil) {
					t.Errorf("%d bytes, then a member of %d and a match at %d: error = %v", before, n, distance, err)
				}
			}
		}
	}
}

func TestReaderHostileMembers(t *testing.T) {
	t.Parallel()
	good := gzipped(t, []byte("content"), 6)
	changed := func(at int, to byte) []byte {
		b := bytes.Clone(good)
		b[(at+len(b))%len(b)] = to
		return b
	}
	start, rest := "\x1f\x8b\x08", string(good[10:])
	for name, test := range map[string]struct {
		b   []byte
		err error
	}{
		"first byte":          {changed(0, 0x1e), ErrHeader},
		"second byte":         {changed(1, 0x8a), ErrHeader},
		"method":              {changed(2, 7), ErrHeader},
		"checksum":            {changed(-8, good[len(good)-8]+1), ErrChecksum},
		"last of checksum":    {changed(-5, good[len(good)-5]+1), ErrChecksum},
		"length":              {changed(-4, good[len(good)-4]+1), ErrChecksum},
		"last of length":      {changed(-1, 1), ErrChecksum},
		"header checksum":     {[]byte(start + "\x02\x00\x00\x00\x00\x00\xff\x00\x00" + rest), ErrHeader},
		"long name":           {[]byte(start + "\x08\x00\x00\x00\x00\x00\xff" + strings.Repeat("n", 512) + "\x00" + rest), ErrHeader},
		"long comment":        {[]byte(start + "\x10\x00\x00\x00\x00\x00\xff" + strings.Repeat("n", 512) + "\x00" + rest), ErrHeader},
		"endless name":        {[]byte(start + "\x08\x00\x00\x00\x00\x00\xff" + strings.Repeat("n", 100)), io.ErrUnexpectedEOF},
		"short extra":         {[]byte(start + "\x04\x00\x00\x00\x00\x00\xff\xff\x00" + strings.Repeat("n", 254)), io.ErrUnexpectedEOF},
		"zeros follow":        {append(bytes.Clone(good), make([]byte, 100)...), ErrHeader},
		"a zero follows":      {append(bytes.Clone(good), 0), io.ErrUnexpectedEOF},
		"garbage follows":     {append(bytes.Clone(good), "garbage garbage"...), ErrHeader},
		"a header follows":    {append(bytes.Clone(good), good[:10]...), io.ErrUnexpectedEOF},
		"half a name follows": {append(bytes.Clone(good), start+"\x08\x00\x00\x00\x00\x00\xffname"...), io.ErrUnexpectedEOF},
	} {
		if err := check(t, name, test.b); !errors.Is(err, test.err) {
			t.Errorf("%s: error = %v, want %v", name, err, test.err)
		}
	}
}
