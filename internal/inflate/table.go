package inflate

import "math/bits"

// Symbols, as RFC 1951 counts them.
const (
	endOfBlock   = 256
	maxSymbols   = 286
	maxDistances = 30
	maxBits      = 15 // of a code
)

// A table is looked up with the first bits of the input, and where a code is
// longer, with the further ones in a table of its own. As each such table is full
// it holds at least two codes, so half as many tables as codes suffice.
const (
	lengthBits    = 7
	symbolBits    = 11
	symbolMore    = maxBits - symbolBits
	symbolTable   = 1<<symbolBits + maxSymbols/2<<symbolMore
	distanceBits  = 8
	distanceMore  = maxBits - distanceBits
	distanceTable = 1<<distanceBits + maxDistances/2<<distanceMore
)

// An entry holds all that is to be known of a symbol:
//
//	bits 0–5    how many bits it takes in all
//	bits 8–11   how many of them are the code, of a length or distance
//	bits 12–15  flags
//	bits 16–31  the literal; the least distance; the place of a further table
//	bits 16–24  the least length
//	bits 25–31  of a length, the mask of the bits that follow the code
//
// One of isSpecial with neither isEnd nor isFurther is of a code that does not
// exist.
type entry uint32

const (
	isLiteral entry = 1 << 15
	isSpecial entry = 1 << 14 // neither a literal nor a length nor a distance
	isEnd     entry = 1 << 13 // of the block
	isFurther entry = 1 << 12 // longer codes are in a further table
)

func (e entry) bits() uint { return uint(e & 63) }

// length is that of a match; b begins with the code.
func (e entry) length(b uint64) int {
	return int(e>>16&511) + int(entry(b>>(e>>8&15))&(e>>25))
}

// distance is that of a match; b begins with the code.
func (e entry) distance(b uint64) int {
	return int(e>>16) + int(b&(1<<(e&63)-1)>>(e>>8&15))
}

func literal(symbol int) entry { return isLiteral | entry(symbol)<<16 }

// symbolEntry is the entry of a literal or length, but for its code.
func symbolEntry(symbol int) entry {
	switch {
	case symbol < endOfBlock:
		return literal(symbol)
	case symbol == endOfBlock:
		return isSpecial | isEnd
	case symbol < 265:
		return entry(symbol-254) << 16
	case symbol < 285:
		more := entry(symbol-261) / 4
		base := (4+entry(symbol-261)%4)<<more + 3
		return more | base<<16 | (1<<more-1)<<25
	case symbol == 285:
		return 258 << 16
	}
	return isSpecial
}

// distanceEntry is the entry of a distance, but for its code.
func distanceEntry(symbol int) entry {
	switch {
	case symbol < 2:
		return entry(symbol+1) << 16
	case symbol < maxDistances:
		more := entry(symbol)/2 - 1
		base := (2+entry(symbol)%2)<<more + 1
		return more | base<<16
	}
	return isSpecial
}

// coded adds the bits of a code to an entry.
func (e entry) coded(bits int) entry {
	e += entry(bits)
	if e&(isLiteral|isSpecial) == 0 {
		e += entry(bits) << 8
	}
	return e
}

// The entries of all symbols, but for their codes.
var (
	symbolEntries   = entries(288, symbolEntry)
	distanceEntries = entries(32, distanceEntry)
)

func entries(n int, of func(int) entry) []entry {
	list := make([]entry, n)
	for i := range list {
		list[i] = of(i)
	}
	return list
}

// build makes a table of codes of the lengths given: first 1<<width entries, then
// tables of 1<<more entries for codes that are longer. It is false if there are
// too many codes or too few; but there may be a single code, of one bit, or none
// at all.
func build(table []entry, width, more int, lengths []uint8, symbols []entry) bool {
	var sorted [288]uint16
	count, complete := sortCodes(&sorted, lengths)
	if !complete {
		if count[0] > 1 || count[1] != count[0] {
			return false
		}
		table[0], table[1] = isSpecial, isSpecial
		if count[0] == 1 {
			table[0] = symbols[sorted[0]].coded(1)
		}
		double(table, 1, width)
		return true
	}
	code, n := 0, 0 // the code, first bit lowest
	for length := 1; length <= width; length++ {
		double(table, length-1, length)
		for range count[length] {
			table[code] = symbols[sorted[n]].coded(length)
			code = following(code, length)
			n++
		}
	}
	last, place := -1, 1<<width-1<<more // the first bits, and the table for what follows them
	for length := width + 1; length <= maxBits; length++ {
		for range count[length] {
			if prefix := code & (1<<width - 1); prefix != last {
				last, place = prefix, place+1<<more
				table[prefix] = isSpecial | isFurther | entry(width) | entry(place)<<16
			}
			e := symbols[sorted[n]].coded(length - width)
			for i := code >> width; i < 1<<more; i += 1 << (length - width) {
				table[place+i] = e
			}
			code = following(code, length)
			n++
		}
	}
	return true
}

// double repeats the first 1<<from entries to make them 1<<to.
func double(table []entry, from, to int) {
	for ; from < to; from++ {
		copy(table[1<<from:2<<from], table[:1<<from])
	}
}

// following is the code after one of the same length. After the last of all
// codes there is none, and zero will do.
func following(code, length int) int {
	free := bits.Len(uint(code ^ (1<<length - 1)))
	if free == 0 {
		return 0
	}
	bit := 1 << (free - 1)
	return code&(bit-1) | bit
}

// sortCodes sorts the symbols that have a code by its length and counts the
// codes of each length, and all of them at 0. It is false unless the codes use
// up all there can be.
func sortCodes(sorted *[288]uint16, lengths []uint8) (count [maxBits + 1]int, ok bool) {
	for _, n := range lengths {
		count[n&maxBits]++
	}
	count[0] = len(lengths) - count[0]
	var offset [maxBits + 1]int
	used, sum := 0, 0
	for n := 1; n <= maxBits; n++ {
		offset[n] = sum
		sum += count[n]
		used += count[n] << (maxBits - n)
	}
	for symbol, n := range lengths {
		if n != 0 {
			sorted[offset[n&maxBits]] = uint16(symbol)
			offset[n&maxBits]++
		}
	}
	return count, used == 1<<maxBits
}
