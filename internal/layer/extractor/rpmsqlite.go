package extractor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/seaworthy-dev/seaworthy"
)

const sqliteMagic = "SQLite format 3\x00"

// Kinds of pages of a table (https://www.sqlite.org/fileformat2.html#b_tree_pages).
const (
	sqliteInterior = 0x05
	sqliteLeaf     = 0x0d
)

// sqliteFile reads whole tables of an SQLite database, in the order of their
// keys. It takes any bytes, needs no file by name, and holds one page for each
// level of the tree; the engine itself is made for databases that are trusted.
type sqliteFile struct {
	r      io.ReaderAt
	size   int64
	page   int64 // bytes
	usable int64 // bytes of a page without the reserved ones at its end
	left   int64 // pages that may still be visited: a tree has each but once
	l      seaworthy.Limits
}

// sqliteHeaders gives the column blob of the table Packages.
func sqliteHeaders(r io.ReaderAt, size int64, l seaworthy.Limits) (iter.Seq2[[]byte, error], error) {
	head := make([]byte, 100)
	if _, err := r.ReadAt(head, 0); err != nil {
		return nil, errors.New("is too short for an SQLite database")
	}
	f := &sqliteFile{r: r, size: size, page: int64(binary.BigEndian.Uint16(head[16:])), l: l}
	if f.page == 1 {
		f.page = 64 << 10
	}
	f.usable = f.page - int64(head[20])
	if f.page < 512 || f.page&(f.page-1) != 0 || f.usable < 480 {
		return nil, fmt.Errorf("is a corrupt SQLite database: pages of %d bytes", f.page)
	}
	root, err := f.table("Packages")
	if err != nil {
		return nil, err
	}
	return func(yield func([]byte, error) bool) {
		f.left = size/f.page + 1
		f.rows(root, 0, func(row []byte, err error) bool {
			if err != nil {
				return yield(nil, err)
			}
			return yield(lastBlob(row))
		})
	}, nil
}

// table finds a table's root page in the schema.
func (f *sqliteFile) table(name string) (root int64, err error) {
	f.left = f.size/f.page + 1
	f.rows(1, 0, func(row []byte, rowErr error) bool {
		if rowErr != nil {
			err = rowErr
			return false
		}
		columns, rowErr := sqliteColumns(row, 4)
		if rowErr != nil {
			err = rowErr
			return false
		}
		if string(columns[0].value) == "table" && string(columns[1].value) == name {
			for _, b := range columns[3].value {
				root = root<<8 | int64(b)
			}
			return false
		}
		return true
	})
	if err != nil {
		return 0, fmt.Errorf("has a schema that cannot be read: %w", err)
	}
	if root <= 0 {
		return 0, fmt.Errorf("is an SQLite database without the table %s", name)
	}
	return root, nil
}

const sqliteMaxDepth = 20 // SQLite's own bound

// rows yields the records of a table's tree; false to end. After an error, the
// rest of the tree is still read.
func (f *sqliteFile) rows(n int64, depth int, yield func([]byte, error) bool) bool {
	if f.left--; f.left < 0 || depth > sqliteMaxDepth {
		yield(nil, errors.New("its pages run in circles"))
		return false
	}
	page, err := f.read(n)
	if err != nil {
		return yield(nil, err)
	}
	head := page
	if n == 1 {
		head = page[100:]
	}
	kind, cells := head[0], int(binary.BigEndian.Uint16(head[3:]))
	intro := 8
	if kind == sqliteInterior {
		intro = 12
	}
	if (kind != sqliteInterior && kind != sqliteLeaf) || intro+2*cells > len(head) {
		return yield(nil, fmt.Errorf("page %d is not of a table", n))
	}
	for i := range cells {
		at := int(binary.BigEndian.Uint16(head[intro+2*i:]))
		if at+4 > len(page) {
			if !yield(nil, fmt.Errorf("page %d has a cell outside of it", n)) {
				return false
			}
			continue
		}
		if kind == sqliteInterior {
			if !f.rows(int64(binary.BigEndian.Uint32(page[at:])), depth+1, yield) {
				return false
			}
			continue
		}
		if !yield(f.payload(page[at:f.usable])) {
			return false
		}
	}
	if kind == sqliteInterior {
		return f.rows(int64(binary.BigEndian.Uint32(head[8:])), depth+1, yield)
	}
	return true
}

func (f *sqliteFile) read(n int64) ([]byte, error) {
	if n < 1 || n > f.size/f.page {
		return nil, fmt.Errorf("page %d of the database is not there", n)
	}
	page := make([]byte, f.page)
	if got, err := f.r.ReadAt(page, (n-1)*f.page); got < len(page) {
		return nil, fmt.Errorf("page %d of the database: %w", n, err)
	}
	return page, nil
}

// payload is the record of a leaf's cell, with what overflow pages hold of it.
func (f *sqliteFile) payload(cell []byte) ([]byte, error) {
	length, w := sqliteVarint(cell)
	_, w2 := sqliteVarint(cell[w:])
	cell = cell[w+w2:]
	switch {
	case w == 0 || w2 == 0 || length < 0 || length > f.size:
		return nil, errors.New("a row is corrupt")
	case length > f.l.DocumentBytes:
		return nil, f.l.Exceeded(seaworthy.LimitDocumentBytes, "a package header")
	}
	local, most := length, f.usable-35
	if length > most {
		least := (f.usable-12)*32/255 - 23
		if local = least + (length-least)%(f.usable-4); local > most {
			local = least
		}
	}
	if local > int64(len(cell)) || (local < length && local+4 > int64(len(cell))) {
		return nil, errors.New("a row is corrupt")
	}
	if local == length {
		return cell[:local], nil
	}
	b := append(make([]byte, 0, length), cell[:local]...)
	for next := int64(binary.BigEndian.Uint32(cell[local:])); int64(len(b)) < length; {
		page, err := f.read(next)
		if err != nil {
			return nil, err
		}
		b = append(b, page[4:4+min(f.usable-4, length-int64(len(b)))]...)
		next = int64(binary.BigEndian.Uint32(page))
	}
	return b, nil
}

// sqliteColumn is a value of a record with its serial type.
type sqliteColumn struct {
	kind  int64
	value []byte
}

// sqliteColumns are the first n columns of a record at least, all if n is 0
// (https://www.sqlite.org/fileformat2.html#record_format).
func sqliteColumns(record []byte, n int) ([]sqliteColumn, error) {
	size, w := sqliteVarint(record)
	if w == 0 || size < int64(w) || size > int64(len(record)) {
		return nil, errors.New("a row is corrupt")
	}
	kinds, body := record[w:size], record[size:]
	var columns []sqliteColumn
	for len(kinds) > 0 && len(columns) < 64 {
		kind, w := sqliteVarint(kinds)
		length := sqliteLength(kind)
		if w == 0 || length < 0 || length > int64(len(body)) {
			return nil, errors.New("a row is corrupt")
		}
		columns = append(columns, sqliteColumn{kind, body[:length]})
		kinds, body = kinds[w:], body[length:]
	}
	if len(columns) < n {
		return nil, errors.New("a row is corrupt")
	}
	return columns, nil
}

func sqliteLength(kind int64) int64 {
	switch {
	case kind < 0, kind == 10, kind == 11:
		return -1
	case kind >= 12:
		return (kind - 12) / 2
	}
	return []int64{0, 1, 2, 3, 4, 6, 8, 8, 0, 0}[kind]
}

// lastBlob is the last column of a record that holds bytes.
func lastBlob(record []byte) ([]byte, error) {
	columns, err := sqliteColumns(record, 0)
	if err != nil {
		return nil, err
	}
	for i := len(columns) - 1; i >= 0; i-- {
		if c := columns[i]; c.kind >= 12 && c.kind%2 == 0 {
			return c.value, nil
		}
	}
	return nil, errors.New("a row holds no package header")
}

// sqliteVarint reads a big-endian variable-length integer; its width is 0 if
// there is none.
func sqliteVarint(b []byte) (n int64, width int) {
	var v uint64
	for i := range min(len(b), 9) {
		if i == 8 {
			return int64(v<<8 | uint64(b[i])), 9
		}
		v = v<<7 | uint64(b[i]&0x7f)
		if b[i] < 0x80 {
			return int64(v), i + 1
		}
	}
	return 0, 0
}
