// Package inflate reads gzip streams as fast as Go allows: it takes about half
// the time of the general libraries, and the reading of an image is mostly the
// unpacking of its layers.
//
// The decoder works on 64 bits at a time, looks symbols up in wide tables whose
// entries hold all that is to be known of a symbol, and hands out its own window
// in runs, so that nothing is copied. What cannot be done that way, at the seams
// of the input, goes one symbol at a time.
//
// A stream cannot be rewound to try another decoder on any doubt, so the package
// is held to [compress/gzip] instead: tests and fuzzing demand the same bytes of
// both, and an error of one if and only if there is one of the other. There is
// one difference: streams whose header has reserved flags are refused, as RFC
// 1952 demands.
//
// The package uses neither assembly nor unsafe.
package inflate

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// What can be wrong with a stream, besides an early end, which is
// [io.ErrUnexpectedEOF]. Errors wrap these and say more.
var (
	ErrHeader   = errors.New("gzip header is invalid")
	ErrChecksum = errors.New("gzip checksum or length is wrong")
	ErrCorrupt  = errors.New("deflate stream is corrupt")
)

func corrupt(what string) error { return fmt.Errorf("%w: %s", ErrCorrupt, what) }

// The window holds the history that a match can reach back to, and what follows
// it, until that is full. The slack is for the last turn of a loop, which writes
// some literals and a match, and for copies in whole words, which run over.
const (
	history     = 32 << 10
	windowBytes = 128 << 10
	windowSlack = 512
	fullAt      = windowBytes - windowSlack
)

// A Reader unpacks a gzip stream of one or more members. It takes some 170 KiB
// and allocates nothing while it reads. The zero Reader is of no bytes.
type Reader struct {
	source func() ([]byte, error)
	run    []byte // the input in hand
	pos    int    // how much of it was taken
	ended  error  // why there is no more input

	bits  uint64 // input that was taken and is not yet used, from the low end
	count uint   // how many bits of it count; those above are zero or the next ones

	stage  stage
	err    error
	member bool // a member was read
	last   bool // the block is the last of its member
	fixed  bool // the tables are those of fixed blocks
	stored int  // what is left of a stored block

	base  int    // where the member begins, or what is left of its history
	at    int    // the end of what was unpacked
	given int    // the end of what was handed out
	sumAt int    // the end of what is in sum
	sum   uint32 // CRC-32 of the member
	size  uint32 // its length

	symbols   [symbolTable]entry
	distances [distanceTable]entry
	lengths   [maxSymbols + maxDistances]uint8
	buf       [textBytes]byte // what is looked at of headers
	window    window
}

type stage uint8

const (
	atMember stage = iota
	atBlock
	inStored
	inCodes
	atTrailer
)

// NewReader makes a reader of source, see [Reader.Reset].
func NewReader(source func() ([]byte, error)) *Reader {
	r := new(Reader)
	r.Reset(source)
	return r
}

// Reset makes r begin anew with the stream that source gives in runs, each of
// which is used until the next call. At the end, source gives [io.EOF]. A nil
// source is at its end.
func (r *Reader) Reset(source func() ([]byte, error)) {
	r.source = source
	r.run, r.pos, r.ended = nil, 0, nil
	r.bits, r.count = 0, 0
	r.stage, r.err, r.member = atMember, nil, false
	r.base, r.at, r.given, r.sumAt = 0, 0, 0, 0
}

// Next gives the next run of at least one byte, valid until the call after.
// [io.EOF] comes when the stream has ended and all checksums were right; what
// was given before is not verified. Errors of the source come as they are.
func (r *Reader) Next() ([]byte, error) {
	if r.err == nil {
		r.slide()
		r.err = r.unpack()
	}
	if r.given == r.at {
		return nil, r.err
	}
	run := r.window[r.given:r.at]
	r.given = r.at
	return run, nil
}

// slide makes room when the window is full.
func (r *Reader) slide() {
	if r.at < fullAt {
		return
	}
	gone := r.at - history
	copy(r.window[:history], r.window[gone:r.at])
	r.base = max(0, r.base-gone)
	r.at, r.given, r.sumAt = history, history, history
}

// unpack goes on until the window is full or the stream ends.
func (r *Reader) unpack() error {
	for r.at < fullAt {
		var err error
		switch r.stage {
		case atMember:
			err = r.header()
		case atBlock:
			err = r.block()
		case inStored:
			err = r.copyStored()
		case inCodes:
			err = r.decode()
		case atTrailer:
			err = r.trailer()
		}
		if err != nil {
			return err
		}
	}
	r.addUp()
	return nil
}

// addUp brings the checksum up to date.
func (r *Reader) addUp() {
	fresh := r.window[r.sumAt:r.at]
	r.sum = crc32.Update(r.sum, crc32.IEEETable, fresh)
	r.size += uint32(len(fresh))
	r.sumAt = r.at
}

// short is the error of a stream that ends where it must not.
func (r *Reader) short() error {
	if r.ended == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return r.ended
}
