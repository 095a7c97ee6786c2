package inflate

import "encoding/binary"

// fastInput is what the fast loop may take of the input in one turn and what it
// reads past that.
const fastInput = 24

// refill takes input until at least 56 bits count.
func refill(in []byte, bits uint64, count uint) ([]byte, uint64, uint) {
	bits |= binary.LittleEndian.Uint64(in) << (count & 63)
	return in[(63-count)>>3&7:], bits, count | 56
}

// fast decodes while there is input enough for a whole turn, until the block
// ends or the window is full.
func (r *Reader) fast() error {
	err := error(nil)
	at, base := r.at, r.base
	in, bits, count := refill(r.run[r.pos:], r.bits, r.count)
	e := r.symbols[bits&(1<<symbolBits-1)]

turns:
	for len(in) >= fastInput && at < fullAt {
		if e&isLiteral != 0 {
			r.window.put(at, byte(e>>16))
			at++
			bits >>= e & 63
			count -= uint(e & 63)
			e = r.symbols[bits&(1<<symbolBits-1)]
			if e&isLiteral != 0 {
				r.window.put(at, byte(e>>16))
				at++
				bits >>= e & 63
				count -= uint(e & 63)
				e = r.symbols[bits&(1<<symbolBits-1)]
				if e&isLiteral != 0 {
					r.window.put(at, byte(e>>16))
					at++
					bits >>= e & 63
					count -= uint(e & 63)
					in, bits, count = refill(in, bits, count)
					e = r.symbols[bits&(1<<symbolBits-1)]
					continue
				}
			}
		}
		if e&isSpecial != 0 {
			if e&isFurther != 0 {
				bits >>= symbolBits
				count -= symbolBits
				e = r.symbols[uint64(e>>16)+bits&(1<<symbolMore-1)]
			}
			switch {
			case e&isLiteral != 0:
				r.window.put(at, byte(e>>16))
				at++
				bits >>= e & 63
				count -= uint(e & 63)
				in, bits, count = refill(in, bits, count)
				e = r.symbols[bits&(1<<symbolBits-1)]
				continue
			case e&isEnd != 0:
				bits >>= e & 63
				count -= uint(e & 63)
				r.endBlock()
				break turns
			case e&isSpecial != 0:
				err = corrupt("a code does not exist")
				break turns
			}
		}
		length := e.length(bits)
		bits >>= e & 63
		count -= uint(e & 63)

		if count < 28 {
			in, bits, count = refill(in, bits, count)
		}
		d := r.distances[bits&(1<<distanceBits-1)]
		if d&isSpecial != 0 {
			if d&isFurther == 0 {
				err = corrupt("a code does not exist")
				break
			}
			bits >>= distanceBits
			count -= distanceBits
			d = r.distances[uint64(d>>16)+bits&(1<<distanceMore-1)]
			if d&isSpecial != 0 {
				err = corrupt("a code does not exist")
				break
			}
		}
		from := at - d.distance(bits)
		bits >>= d & 63
		count -= uint(d & 63)
		if from < base {
			err = corrupt("a match begins before the stream")
			break
		}
		in, bits, count = refill(in, bits, count)
		e = r.symbols[bits&(1<<symbolBits-1)]
		r.window.repeat(at, from, length)
		at += length
	}
	r.pos, r.bits, r.count, r.at = len(r.run)-len(in), bits, count, at
	return err
}
