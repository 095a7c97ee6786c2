package extractor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/seaworthy-dev/seaworthy"
)

// The hash format of Berkeley DB, by its src/dbinc/db_page.h. The first page
// tells the size and number of pages; hash pages hold offsets of their items,
// keys and values in turn; a long value lies in a chain of overflow pages.
const (
	bdbHashMagic = 0x061561

	bdbPageHead     = 26
	bdbMetaPage     = 8
	bdbHashUnsorted = 2 // pages of Berkeley DB before 4.6
	bdbHashPage     = 13
	bdbOverflow     = 7

	bdbItemInline  = 1 // in the page itself
	bdbItemOffPage = 3 // in overflow pages: type, 3 unused, page, length
)

// bdbFile reads a Berkeley DB hash.
type bdbFile struct {
	r     io.ReaderAt
	order binary.ByteOrder
	page  int64 // bytes
	pages int64
	l     seaworthy.Limits
}

func bdbHeaders(r io.ReaderAt, size int64, l seaworthy.Limits) (iter.Seq2[[]byte, error], error) {
	meta := make([]byte, 72)
	if _, err := r.ReadAt(meta, 0); err != nil {
		return nil, errors.New("is too short for a Berkeley DB database")
	}
	f := &bdbFile{r: r, order: binary.LittleEndian, l: l}
	if f.order.Uint32(meta[12:]) != bdbHashMagic {
		f.order = binary.BigEndian
	}
	f.page = int64(f.order.Uint32(meta[20:]))
	if f.page < 512 || f.page > 64<<10 || f.page&(f.page-1) != 0 {
		return nil, fmt.Errorf("is a corrupt Berkeley DB database: pages of %d bytes", f.page)
	}
	if meta[24] != 0 || meta[25] != bdbMetaPage {
		return nil, errors.New("is a Berkeley DB database that is encrypted or not a hash")
	}
	f.pages = int64(f.order.Uint32(meta[32:])) + 1
	if whole := size / f.page; f.pages > whole {
		return f.headers(whole, fmt.Errorf("the file ends after %d of %d pages", whole, f.pages)), nil
	}
	return f.headers(f.pages, nil), nil
}

// headers yields the values of all hash pages that can be RPM headers, and last
// the error if there is one.
func (f *bdbFile) headers(pages int64, last error) iter.Seq2[[]byte, error] {
	f.pages = pages
	return func(yield func([]byte, error) bool) {
		page := make([]byte, f.page)
		for n := range pages {
			if err := f.read(n, page); err != nil {
				yield(nil, err)
				return
			}
			if kind := page[25]; kind != bdbHashPage && kind != bdbHashUnsorted {
				continue
			}
			if !f.values(page, yield) {
				return
			}
		}
		if last != nil {
			yield(nil, last)
		}
	}
}

func (f *bdbFile) read(n int64, page []byte) error {
	if got, err := f.r.ReadAt(page, n*f.page); got < len(page) {
		return fmt.Errorf("page %d: %w", n, err)
	}
	return nil
}

// values yields the values of one page; false to end.
func (f *bdbFile) values(page []byte, yield func([]byte, error) bool) bool {
	items := int(f.order.Uint16(page[20:]))
	if items%2 != 0 || bdbPageHead+2*items > len(page) {
		return yield(nil, fmt.Errorf("a hash page claims %d items", items))
	}
	item := func(i int) int { return int(f.order.Uint16(page[bdbPageHead+2*i:])) }
	for i := 1; i < items; i += 2 {
		// Items are laid down from the end of the page, so each ends where the one before begins.
		begin, end := item(i), item(i-1)
		if begin >= end || end > len(page) {
			if !yield(nil, errors.New("a hash page has items that overlap")) {
				return false
			}
			continue
		}
		value, err := f.value(page[begin:end])
		if (value != nil || err != nil) && !yield(value, err) {
			return false
		}
	}
	return true
}

// value is an item's content; nil for the counter that rpm keeps beside the
// headers and for kinds that rpm does not use.
func (f *bdbFile) value(item []byte) ([]byte, error) {
	switch {
	case item[0] == bdbItemInline && len(item) > 1+headerIntro+headerEntry:
		return item[1:], nil
	case item[0] == bdbItemOffPage && len(item) >= 12:
		return f.chain(int64(f.order.Uint32(item[4:])), int64(f.order.Uint32(item[8:])))
	}
	return nil, nil
}

// chain reads a value of the length from overflow pages.
func (f *bdbFile) chain(n, length int64) ([]byte, error) {
	if length > f.l.DocumentBytes {
		return nil, f.l.Exceeded(seaworthy.LimitDocumentBytes, "a package header")
	}
	if length > f.pages*f.page {
		return nil, fmt.Errorf("a package header claims %d bytes, more than the file has", length)
	}
	value, page := make([]byte, 0, length), make([]byte, f.page)
	for int64(len(value)) < length {
		if n <= 0 || n >= f.pages {
			return nil, fmt.Errorf("a package header continues on page %d, which is not there", n)
		}
		if err := f.read(n, page); err != nil {
			return nil, err
		}
		used := int64(f.order.Uint16(page[22:]))
		if page[25] != bdbOverflow || used == 0 || bdbPageHead+used > f.page {
			return nil, fmt.Errorf("a package header continues on page %d, which is no overflow page", n)
		}
		value = append(value, page[bdbPageHead:bdbPageHead+used]...)
		n = int64(f.order.Uint32(page[16:]))
	}
	return value[:length], nil
}
