// Package packed gives the store's values the forms in which they lie in the
// database, and reads them back. What it reads may be corrupt: that is an error,
// never a panic, and costs no more memory than a bound. It knows no database.
package packed

import (
	"encoding/binary"
	"errors"

	"github.com/seaworthy-dev/seaworthy"
)

// ErrCorrupt says that bytes are not what this package wrote.
var ErrCorrupt = errors.New("stored value is corrupt")

// Writer writes values one behind the other: numbers as varints, strings with
// their length in front. It is for what is read by the thousand, where JSON
// would cost more than the query.
type Writer struct{ B []byte }

// Num writes a number.
func (p *Writer) Num(n int) { p.B = binary.AppendVarint(p.B, int64(n)) }

// Flag writes a boolean.
func (p *Writer) Flag(b bool) {
	if b {
		p.Num(1)
		return
	}
	p.Num(0)
}

// Size writes a length or a count.
func (p *Writer) Size(n int) { p.B = binary.AppendUvarint(p.B, uint64(n)) }

// Text writes a string.
func (p *Writer) Text(s string) { p.Size(len(s)); p.B = append(p.B, s...) }

// List writes strings, each without the prefix that it shares with the one
// before: versions in their order share most of themselves.
func (p *Writer) List(list []string) {
	p.Size(len(list))
	last := ""
	for _, s := range list {
		shared := 0
		for shared < len(s) && shared < len(last) && s[shared] == last[shared] {
			shared++
		}
		p.Size(shared)
		p.Text(s[shared:])
		last = s
	}
}

// Reader reads what a Writer wrote. After the first mistake it yields zeros and
// Bad is set. Strings are parts of the text, so they keep all of it alive.
type Reader struct {
	S   string // what is left
	Bad bool
}

func (u *Reader) fail() { u.S, u.Bad = "", true }

// Num reads a number.
func (u *Reader) Num() int {
	n := u.uvarint()
	return int(n>>1) ^ -int(n&1)
}

// Flag reads what Writer.Flag wrote.
func (u *Reader) Flag() bool { return u.Num() != 0 }

func (u *Reader) uvarint() uint64 {
	var n uint64
	for i := 0; i < len(u.S) && i < binary.MaxVarintLen64; i++ {
		c := u.S[i]
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			u.S = u.S[i+1:]
			return n
		}
	}
	u.fail()
	return 0
}

// Size reads a count of things that take at least a byte each, or a length.
func (u *Reader) Size() int {
	n := u.uvarint()
	if n > uint64(len(u.S)) {
		u.fail()
		return 0
	}
	return int(n)
}

// Text reads a string.
func (u *Reader) Text() string {
	n := u.Size()
	s := u.S[:n]
	u.S = u.S[n:]
	return s
}

// maxList bounds the bytes of a list whose packed form lies about itself.
const maxList = 64 << 20

// List reads strings.
func (u *Reader) List() []string {
	n := u.Size()
	if n == 0 {
		return nil
	}
	list := make([]string, 0, n)
	last, total := "", 0
	for range n {
		shared := u.uvarint()
		rest := u.Text()
		if shared > uint64(len(last)) {
			u.fail()
		}
		total += int(shared) + len(rest)
		if u.Bad || total > maxList {
			u.fail()
			return nil
		}
		last = last[:shared] + rest
		list = append(list, last)
	}
	return list
}

// Err tells whether all was read, to the end, without a mistake.
func (u *Reader) Err() error {
	if u.Bad || u.S != "" {
		return ErrCorrupt
	}
	return nil
}

// Ratings writes ratings.
func (p *Writer) Ratings(ratings []seaworthy.Rating) {
	p.Size(len(ratings))
	for _, r := range ratings {
		p.Text(r.Source)
		p.Text(r.Type)
		p.Text(r.Value)
	}
}

// Ratings reads ratings.
func (u *Reader) Ratings() []seaworthy.Rating {
	n := u.Size()
	if n == 0 {
		return nil
	}
	ratings := make([]seaworthy.Rating, 0, min(n, 1024))
	for range n {
		ratings = append(ratings, seaworthy.Rating{Source: u.Text(), Type: u.Text(), Value: u.Text()})
		if u.Bad {
			return nil
		}
	}
	return ratings
}
