package extractor

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"iter"
)

// The ZIP format, by APPNOTE.TXT 6.3.10 §4.3. archive/zip keeps each entry of a
// directory; a few jars of 100,000 classes at once would be most of the memory
// that an assessment has. Here the directory is a stream, and what is not
// wanted is forgotten.
const (
	zipEndLen       = 22
	zipEnd64Len     = 56
	zipLocatorLen   = 20
	zipDirectoryLen = 46
	zipLocalLen     = 30
	zipMaxComment   = 1<<16 - 1

	zipEntryMagic = "PK\x01\x02"

	zipStored   = 0
	zipDeflated = 8
)

var errZip = errors.New("is not a ZIP archive")

// zipEntry is a file in an archive.
type zipEntry struct {
	name   string
	method uint16
	locked bool // encrypted
	crc    uint32
	packed int64
	size   int64 // as the directory says
	local  int64 // where its local header begins
}

// zipDirectory is where an archive's directory lies.
type zipDirectory struct {
	at, length int64
	base       int64 // of all offsets: the length of what was put before the archive, such as a script
	entries    uint64
}

// zipEntries yields the directory of an archive that is r's first size bytes.
// An error ends it.
func zipEntries(r io.ReaderAt, size int64) iter.Seq2[zipEntry, error] {
	return func(yield func(zipEntry, error) bool) {
		d, err := findZipDirectory(r, size)
		if err != nil {
			yield(zipEntry{}, err)
			return
		}
		in := bufio.NewReaderSize(io.NewSectionReader(r, d.at, size-d.at), int(min(d.length+zipEndLen, 32<<10)))
		n := uint64(0)
		for ; ; n++ {
			e, err := readZipEntry(in, d.base)
			if errors.Is(err, io.EOF) {
				break
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
		// Old tools put more entries into a directory than 16 bits can count, and only the rest into the end record.
		if uint16(n) != uint16(d.entries) {
			yield(zipEntry{}, fmt.Errorf("is a damaged ZIP archive: %d of %d entries of its directory can be read", n, d.entries))
		}
	}
}

func findZipDirectory(r io.ReaderAt, size int64) (zipDirectory, error) {
	tail, end := []byte(nil), -1
	for _, length := range []int64{1 << 10, zipEndLen + zipMaxComment} {
		tail = make([]byte, min(length, size))
		if n, err := r.ReadAt(tail, size-int64(len(tail))); n < len(tail) {
			return zipDirectory{}, fmt.Errorf("cannot be read: %w", err)
		}
		if end = findZipEnd(tail); end >= 0 || int64(len(tail)) == size {
			break
		}
	}
	if end < 0 {
		return zipDirectory{}, errZip
	}
	endAt := size - int64(len(tail)) + int64(end)
	b := tail[end:]
	d := zipDirectory{
		entries: uint64(binary.LittleEndian.Uint16(b[10:])),
		length:  int64(binary.LittleEndian.Uint32(b[12:])),
		at:      int64(binary.LittleEndian.Uint32(b[16:])),
	}
	if d.entries == 0xffff || d.length == 0xffff_ffff || d.at == 0xffff_ffff {
		if at, ok := d.read64(r, endAt); ok {
			endAt = at
		}
	}
	if d.length < 0 || d.at < 0 || d.length > endAt {
		return d, errors.New("is a damaged ZIP archive: its directory is larger than it")
	}
	// The directory ends where the end record begins; the difference to where it says that it lies is the base.
	// Where that would be more than nothing and yet a directory lies where it says, the length is wrong.
	if base := endAt - d.length - d.at; base < 0 || base > 0 && !isZipDirectory(r, d.at) {
		d.base, d.at = base, d.at+base
	}
	return d, nil
}

func isZipDirectory(r io.ReaderAt, at int64) bool {
	b := make([]byte, 4)
	_, err := r.ReadAt(b, at)
	return err == nil && string(b) == zipEntryMagic
}

// findZipEnd is where the last end record begins in tail.
func findZipEnd(tail []byte) int {
	for i := len(tail) - zipEndLen; i >= 0; i-- {
		if tail[i] == 'P' && string(tail[i:i+4]) == "PK\x05\x06" {
			comment := int(binary.LittleEndian.Uint16(tail[i+20:]))
			if i+zipEndLen+comment <= len(tail) {
				return i
			}
		}
	}
	return -1
}

// read64 takes the numbers from the end record of ZIP64, and says where it is.
func (d *zipDirectory) read64(r io.ReaderAt, endAt int64) (at int64, ok bool) {
	b := make([]byte, zipEnd64Len)
	if _, err := r.ReadAt(b[:zipLocatorLen], endAt-zipLocatorLen); err != nil || string(b[:4]) != "PK\x06\x07" {
		return 0, false
	}
	at = int64(binary.LittleEndian.Uint64(b[8:]))
	if at < 0 || at > endAt-zipEnd64Len {
		return 0, false
	}
	if _, err := r.ReadAt(b, at); err != nil || string(b[:4]) != "PK\x06\x06" {
		return 0, false
	}
	d.entries = binary.LittleEndian.Uint64(b[32:])
	d.length = int64(binary.LittleEndian.Uint64(b[40:]))
	d.at = int64(binary.LittleEndian.Uint64(b[48:]))
	return at, true
}

// readZipEntry is the next entry of a directory; io.EOF where there is none.
func readZipEntry(in *bufio.Reader, base int64) (zipEntry, error) {
	b := make([]byte, zipDirectoryLen)
	if _, err := io.ReadFull(in, b); err != nil {
		return zipEntry{}, io.EOF
	}
	if string(b[:4]) != zipEntryMagic {
		return zipEntry{}, io.EOF
	}
	name := make([]byte, binary.LittleEndian.Uint16(b[28:]))
	if _, err := io.ReadFull(in, name); err != nil {
		return zipEntry{}, io.EOF
	}
	e := zipEntry{
		name:   string(name),
		locked: b[8]&1 != 0,
		method: binary.LittleEndian.Uint16(b[10:]),
		crc:    binary.LittleEndian.Uint32(b[16:]),
		packed: int64(binary.LittleEndian.Uint32(b[20:])),
		size:   int64(binary.LittleEndian.Uint32(b[24:])),
		local:  int64(binary.LittleEndian.Uint32(b[42:])),
	}
	extra, comment := int(binary.LittleEndian.Uint16(b[30:])), int(binary.LittleEndian.Uint16(b[32:]))
	if e.packed != 0xffff_ffff && e.size != 0xffff_ffff && e.local != 0xffff_ffff {
		extra, comment = 0, extra+comment
	}
	fields := make([]byte, extra)
	if _, err := io.ReadFull(in, fields); err != nil {
		return zipEntry{}, io.EOF
	}
	e.read64(fields)
	if e.local += base; e.packed < 0 || e.size < 0 {
		return zipEntry{}, errors.New("is a damaged ZIP archive: an entry has a negative size")
	}
	if _, err := in.Discard(comment); err != nil {
		return zipEntry{}, io.EOF
	}
	return e, nil
}

// read64 takes numbers of 64 bits from the extra fields of an entry.
func (e *zipEntry) read64(fields []byte) {
	for len(fields) >= 4 {
		id, length := binary.LittleEndian.Uint16(fields), int(binary.LittleEndian.Uint16(fields[2:]))
		if fields = fields[4:]; length > len(fields) {
			return
		}
		if id != 1 {
			fields = fields[length:]
			continue
		}
		numbers := fields[:length]
		for _, n := range []*int64{&e.size, &e.packed, &e.local} {
			if *n == 0xffff_ffff && len(numbers) >= 8 {
				*n = int64(binary.LittleEndian.Uint64(numbers))
				numbers = numbers[8:]
			}
		}
		return
	}
}

// section is the entry's bytes as they lie in the archive.
func (e zipEntry) section(r io.ReaderAt, size int64) (*io.SectionReader, error) {
	b := make([]byte, zipLocalLen)
	if _, err := r.ReadAt(b, e.local); err != nil || string(b[:4]) != "PK\x03\x04" {
		return nil, errors.New("it is not where the directory says")
	}
	at := e.local + zipLocalLen + int64(binary.LittleEndian.Uint16(b[26:])) + int64(binary.LittleEndian.Uint16(b[28:]))
	if e.packed > size-at {
		return nil, errors.New("it reaches beyond the end of the archive")
	}
	return io.NewSectionReader(r, at, e.packed), nil
}

// open reads the entry's content, which may be larger than e.size says, so the
// caller bounds it. The checksum is looked at, at its end.
func (e zipEntry) open(r io.ReaderAt, size int64) (io.Reader, error) {
	if e.locked {
		return nil, errors.New("it is encrypted")
	}
	s, err := e.section(r, size)
	if err != nil {
		return nil, err
	}
	content := io.Reader(s)
	switch e.method {
	case zipStored:
	case zipDeflated:
		content = flate.NewReader(bufio.NewReaderSize(s, int(min(e.packed+1, 16<<10))))
	default:
		return nil, fmt.Errorf("it is packed by the unknown method %d", e.method)
	}
	return &checkedReader{r: content, sum: crc32.NewIEEE(), want: e.crc}, nil
}

// checkedReader fails at the end of content that is not what its checksum says.
type checkedReader struct {
	r    io.Reader
	sum  hash.Hash32
	want uint32
}

func (c *checkedReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.sum.Write(p[:n])
	if err == io.EOF && c.sum.Sum32() != c.want {
		return n, errors.New("its checksum is wrong")
	}
	return n, err
}

// looksZipped reports whether the file begins as archives do that nothing was
// put before.
func looksZipped(r io.ReaderAt) bool {
	b := make([]byte, 4)
	_, err := r.ReadAt(b, 0)
	return err == nil && bytes.HasPrefix(b, []byte("PK"))
}
