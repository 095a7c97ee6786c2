package extractor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/seaworthy-dev/seaworthy"
)

// The ndb format, by rpm's lib/backend/ndb/rpmpkg.c: a header of 32 bytes, then
// slots up to the end of the slot pages, each of 16 bytes: magic, package
// index, offset and count of blocks. A block has 16 bytes; the first of a
// package is magic, index, generation, length, and then comes its RPM header.
const (
	ndbPage     = 4096
	ndbHead     = 32
	ndbSlot     = 16
	ndbBlock    = 16
	ndbMaxPages = 2048 // rpm's own bound
)

func ndbHeaders(r io.ReaderAt, size int64, l seaworthy.Limits) (iter.Seq2[[]byte, error], error) {
	head := make([]byte, ndbHead)
	if _, err := r.ReadAt(head, 0); err != nil {
		return nil, errors.New("is too short for an ndb database")
	}
	version, pages := binary.LittleEndian.Uint32(head[4:]), int64(binary.LittleEndian.Uint32(head[12:]))
	if version != 0 {
		return nil, fmt.Errorf("is an ndb database of the unknown version %d", version)
	}
	if pages == 0 || pages > ndbMaxPages || pages*ndbPage > size {
		return nil, fmt.Errorf("is a corrupt ndb database: %d pages of slots", pages)
	}
	return func(yield func([]byte, error) bool) {
		page := make([]byte, ndbPage)
		for n := range pages {
			if _, err := r.ReadAt(page, n*ndbPage); err != nil {
				yield(nil, fmt.Errorf("page %d of slots: %w", n, err))
				return
			}
			slots := page
			if n == 0 {
				slots = page[ndbHead:]
			}
			for ; len(slots) > 0; slots = slots[ndbSlot:] {
				blob, err := ndbPackage(r, slots[:ndbSlot], size, l)
				if (blob != nil || err != nil) && !yield(blob, err) {
					return
				}
			}
		}
	}, nil
}

// ndbPackage is the header that a slot points to; nil of a free slot.
func ndbPackage(r io.ReaderAt, slot []byte, size int64, l seaworthy.Limits) ([]byte, error) {
	word := binary.LittleEndian.Uint32
	index := word(slot[4:])
	if string(slot[:4]) != "Slot" {
		return nil, errors.New("a slot is corrupt")
	}
	if index == 0 {
		return nil, nil
	}
	at := int64(word(slot[8:])) * ndbBlock
	head := make([]byte, ndbBlock)
	if _, err := r.ReadAt(head, at); err != nil {
		return nil, fmt.Errorf("package %d lies outside of the file", index)
	}
	if string(head[:4]) != "BlbS" || word(head[4:]) != index {
		return nil, fmt.Errorf("package %d has a corrupt block", index)
	}
	return readBlob(r, at+ndbBlock, int64(word(head[12:])), size, l)
}

// readBlob reads one RPM header of a known place.
func readBlob(r io.ReaderAt, at, length, size int64, l seaworthy.Limits) ([]byte, error) {
	if length > l.DocumentBytes {
		return nil, l.Exceeded(seaworthy.LimitDocumentBytes, "a package header")
	}
	if at < 0 || length < 0 || at > size-length {
		return nil, errors.New("a package header reaches beyond the end of the file")
	}
	b := make([]byte, length)
	if n, err := r.ReadAt(b, at); int64(n) < length {
		return nil, fmt.Errorf("a package header: %w", err)
	}
	return b, nil
}
