package inflate

import "encoding/binary"

// A window's positions are cut to its size, which costs less than to check them,
// and what is beyond is for words that begin at the last.
type window [windowBytes + 8]byte

func (w *window) get8(at int) uint64 {
	at &= windowBytes - 1
	return binary.LittleEndian.Uint64(w[at : at+8])
}

func (w *window) put8(at int, v uint64) {
	at &= windowBytes - 1
	binary.LittleEndian.PutUint64(w[at:at+8], v)
}

func (w *window) put(at int, v byte) { w[at&(windowBytes-1)] = v }

// repeat copies length bytes at from to at, byte after byte as it were. It may
// write some bytes more.
func (w *window) repeat(at, from, length int) {
	distance := at - from
	end := at + length
	if distance >= 8 {
		w.put8(at, w.get8(from))
		w.put8(at+8, w.get8(from+8))
		for at += 16; at < end; at += 16 {
			from += 16
			w.put8(at, w.get8(from))
			w.put8(at+8, w.get8(from+8))
		}
		return
	}
	w.repeatShort(at, from, length)
}

// repeatShort repeats fewer than 8 bytes, as many times as fit into a word.
func (w *window) repeatShort(at, from, length int) {
	distance := at - from
	word := w.get8(from) & (1<<(8*distance) - 1)
	step := distance
	for step <= 4 {
		word |= word << (8 * step)
		step *= 2
	}
	for end := at + length; at < end; at += step {
		w.put8(at, word)
	}
}
