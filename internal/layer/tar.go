package layer

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
)

// The walk over tar headers is our own: archive/tar spends a tenth of a layer's
// time on headers, 14 allocations each, and reads what it skips in small pieces.
// Whatever archive/tar accepts means the same here; a fuzz test holds that.

const (
	tarBlock      = 512
	tarSpecialMax = 1 << 20 // one pax header or GNU long name, as in archive/tar and libarchive
)

// Types of entries, as in the header's type flag.
const (
	tarRegular    = '0'
	tarOldRegular = 0
	tarLink       = '1'
	tarSymlink    = '2'
	tarChar       = '3'
	tarBlockDev   = '4'
	tarDir        = '5'
	tarFifo       = '6'
	tarContiguous = '7'
	tarPax        = 'x'
	tarPaxGlobal  = 'g'
	tarGNUName    = 'L'
	tarGNULink    = 'K'
	tarGNUSparse  = 'S'
)

// header is one entry of a tar stream. It is valid until the next.
type header struct {
	name, link   []byte // as written
	kind         byte
	size         int64 // of the content as a reader of the file sees it
	stored       int64 // of the content in the stream; less than size for a sparse file
	mode         int64
	modified     int64 // seconds since 1970
	major, minor int64
	sparse       bool
}

// hasContent is false for the types that no content follows, though some
// writers set a size.
func (h *header) hasContent() bool { return h.kind < tarLink || h.kind > tarFifo }

func (h *header) isFile() bool { return h.kind == tarRegular || h.kind == tarContiguous }

// tarReader walks the headers of a tar stream.
type tarReader struct {
	in   *unpacker
	left int64 // content that was not taken
	pad  int64 // zeros behind it
	err  error // of reading content

	block  [tarBlock]byte
	joined []byte // prefix and name
	h      header

	pax               pax
	longName, longRef []byte // of GNU headers
	nameBuf, refBuf   []byte
	extension         []byte // blocks of an old GNU sparse map
}

// next gives the next entry, io.EOF at the end of the archive. What is left of
// the content before is skipped.
func (t *tarReader) next() (*header, error) {
	t.pax.reset()
	t.longName, t.longRef = nil, nil
	t.extension = t.extension[:0]
	for {
		size, err := t.advance()
		if err != nil {
			return nil, err
		}
		switch t.block[156] {
		case tarPax:
			t.pax.block = t.block
			if t.pax.data, err = t.special(t.pax.data, size); err == nil {
				err = t.pax.parse()
			}
		case tarPaxGlobal:
			// It would set fields of all entries that follow; engines ignore it, and
			// drop what stands before it.
			if t.pax.data, err = t.special(t.pax.data, size); err == nil {
				err = t.pax.parse()
			}
			t.pax.reset()
			t.longName, t.longRef = nil, nil
		case tarGNUName:
			t.nameBuf, err = t.special(t.nameBuf, size)
			t.longName = text(t.nameBuf)
		case tarGNULink:
			t.refBuf, err = t.special(t.refBuf, size)
			t.longRef = text(t.refBuf)
		default:
			return t.entry(size)
		}
		if err != nil {
			return nil, err
		}
	}
}

// advance goes to the next header block and gives its size field.
func (t *tarReader) advance() (size int64, err error) {
	if err := t.in.skip(t.left); err != nil {
		return 0, tarEnds(err)
	}
	// An archive may end without its last padding.
	if err := t.in.skip(t.pad); err != nil {
		return 0, err
	}
	t.left, t.pad = 0, 0
	if err := t.in.full(t.block[:]); err != nil {
		return 0, unexpected(err)
	}
	if t.block == [tarBlock]byte{} {
		return 0, t.end()
	}
	if !looksLikeTar(t.block[:]) {
		return 0, &damage{what: "a header of its tar archive is damaged, or it is no tar archive"}
	}
	size, ok := number(t.block[124:136])
	if !ok {
		return 0, badSize()
	}
	return size, nil
}

func badSize() error { return &damage{what: "a header of its tar archive has no valid size"} }

// end is called behind a block of zeros. Two of them end an archive, and so
// does one if nothing follows.
func (t *tarReader) end() error {
	if err := t.in.full(t.block[:]); err != nil {
		return unexpected(err)
	}
	if t.block != [tarBlock]byte{} {
		return &damage{what: "its tar archive has a block of zeros between its headers"}
	}
	return io.EOF
}

func unexpected(err error) error {
	if err == io.ErrUnexpectedEOF {
		return tarEnds(io.EOF)
	}
	return err
}

// tarEnds turns the end of the stream into damage, and lets other errors pass.
func tarEnds(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return &damage{what: "its tar archive ends early", err: io.ErrUnexpectedEOF}
	}
	return err
}

// special reads the content of a header that speaks of the next one.
func (t *tarReader) special(buf []byte, size int64) ([]byte, error) {
	if size < 0 {
		return buf, badSize()
	}
	if size > tarSpecialMax {
		return buf, &damage{what: "a header of its tar archive is longer than 1 MiB"}
	}
	if int64(cap(buf)) < size {
		buf = make([]byte, size)
	}
	buf = buf[:size]
	t.pad = padding(size)
	return buf, tarEnds(t.in.full(buf))
}

// entry puts together what the header and those before it say.
func (t *tarReader) entry(size int64) (*header, error) {
	b := &t.block
	t.h = header{kind: b[156], size: size, name: text(b[0:100]), link: text(b[157:257])}
	h := &t.h
	h.mode, _ = number(b[100:108])
	h.modified, _ = number(b[136:148])
	if format := formatOf(b); format != formatV7 {
		h.major, _ = number(b[329:337])
		h.minor, _ = number(b[337:345])
		if prefix := prefixOf(b, format); len(prefix) > 0 {
			t.joined = append(append(append(t.joined[:0], prefix...), '/'), h.name...)
			h.name = t.joined
		}
	}
	if err := t.pax.apply(h); err != nil {
		return nil, err
	}
	if len(t.longName) > 0 {
		h.name = t.longName
	}
	if len(t.longRef) > 0 {
		h.link = t.longRef
	}
	if h.kind == tarOldRegular {
		h.kind = tarRegular
		if bytes.HasSuffix(h.name, []byte("/")) {
			h.kind = tarDir // as archives older than the type for directories have it
		}
	}
	return h, t.content(h)
}

// content makes ready to read or skip the entry's content.
func (t *tarReader) content(h *header) error {
	if !h.hasContent() {
		h.size = 0
	}
	if h.size < 0 {
		return badSize()
	}
	t.left = h.size
	t.pad = padding(t.left)
	h.stored = t.left
	if h.kind == tarGNUSparse {
		return t.oldSparse(h)
	}
	return t.pax.applySparse(h)
}

// take gives the next run of the entry's content.
func (t *tarReader) take() ([]byte, error) {
	if t.left == 0 {
		return nil, io.EOF
	}
	return t.takeUpTo(t.left)
}

// Read reads the entry's content as stored.
func (t *tarReader) Read(p []byte) (int, error) {
	if t.left == 0 {
		return 0, io.EOF
	}
	run, err := t.takeUpTo(min(t.left, int64(len(p))))
	return copy(p, run), err
}

func (t *tarReader) takeUpTo(n int64) ([]byte, error) {
	run, err := t.in.take(n)
	if err != nil {
		t.err = tarEnds(err)
		return nil, t.err
	}
	t.left -= int64(len(run))
	return run, nil
}

func padding(n int64) int64 { return -n & (tarBlock - 1) }

type tarFormat int

const (
	formatV7 tarFormat = iota
	formatUSTAR
	formatSTAR
	formatGNU
)

func formatOf(b *[tarBlock]byte) tarFormat {
	switch magic := string(b[257:265]); {
	case magic[:6] == "ustar\x00" && string(b[508:512]) == "tar\x00":
		return formatSTAR
	case magic[:6] == "ustar\x00":
		return formatUSTAR
	case magic == "ustar  \x00":
		return formatGNU
	}
	return formatV7
}

// prefixOf is the part of the name that did not fit into its field.
func prefixOf(b *[tarBlock]byte, format tarFormat) []byte {
	switch format {
	case formatUSTAR:
		return text(b[345:500])
	case formatSTAR:
		return text(b[345:476])
	case formatGNU:
		// GNU has times there. Go before 1.8 wrote a prefix nevertheless, which
		// archive/tar finds out in this way.
		if isTime(b[345:357]) && isTime(b[357:369]) {
			return nil
		}
		prefix := text(b[345:500])
		for _, c := range prefix {
			if c >= 0x80 {
				return nil
			}
		}
		return prefix
	}
	return nil
}

func isTime(field []byte) bool {
	if field[0] == 0 {
		return true
	}
	_, ok := number(field)
	return ok
}

// text is a field up to its first zero byte.
func text(field []byte) []byte {
	if i := bytes.IndexByte(field, 0); i >= 0 {
		return field[:i]
	}
	return field
}

// number reads a field in octal digits or, with its first bit set, in binary.
func number(field []byte) (int64, bool) {
	if field[0]&0x80 != 0 {
		return binaryNumber(field)
	}
	field = text(bytes.Trim(field, " \x00"))
	n := int64(0)
	for _, c := range field {
		if c < '0' || c > '7' || n > math.MaxInt64>>3 {
			return 0, false
		}
		n = n<<3 | int64(c-'0')
	}
	return n, true
}

// binaryNumber reads two's complement, the first bit of which is a mark.
func binaryNumber(field []byte) (int64, bool) {
	flip := byte(0)
	if field[0]&0x40 != 0 {
		flip = 0xff
	}
	n := uint64(0)
	for i, c := range field {
		c ^= flip
		if i == 0 {
			c &= 0x7f
		}
		if n>>56 > 0 {
			return 0, false
		}
		n = n<<8 | uint64(c)
	}
	if n>>63 > 0 {
		return 0, false
	}
	if flip != 0 {
		return ^int64(n), true
	}
	return int64(n), true
}

// looksLikeTar reports whether the checksum of a header block is right. It is
// the sum of its bytes with blanks in its own field; Sun's tar took the bytes
// as signed.
func looksLikeTar(block []byte) bool {
	want, ok := number(block[148:156])
	if !ok || block[148]&0x80 != 0 {
		return false
	}
	var sum, high uint64 // in four lanes of 16 bits, which cannot overflow
	for b := block; len(b) >= 8; b = b[8:] {
		word := binary.LittleEndian.Uint64(b)
		sum += word&0x00ff00ff00ff00ff + word>>8&0x00ff00ff00ff00ff
		high += word >> 7 & 0x0101010101010101 // bytes of 0x80 and more, in eight lanes of 8 bits
	}
	unsigned := int64(lanes(sum))
	negative := int64(0)
	for ; high > 0; high >>= 8 {
		negative += int64(high & 0xff)
	}
	for _, c := range block[148:156] {
		unsigned += ' ' - int64(c)
		negative -= int64(c >> 7)
	}
	return want == unsigned || want == unsigned-256*negative
}

func lanes(sum uint64) uint64 {
	return sum&0xffff + sum>>16&0xffff + sum>>32&0xffff + sum>>48
}
