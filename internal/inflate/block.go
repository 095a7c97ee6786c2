package inflate

// block reads the header of a block, or finds that there is none left.
func (r *Reader) block() error {
	head, err := r.take(3)
	if err != nil {
		return err
	}
	r.last = head&1 != 0
	switch head >> 1 {
	case 0:
		return r.storedBlock()
	case 1:
		r.stage = inCodes
		return r.fixedTables()
	case 2:
		r.stage = inCodes
		return r.dynamicTables()
	}
	return corrupt("a block is of the reserved kind")
}

// endBlock goes on to what follows a block.
func (r *Reader) endBlock() {
	r.stage = atBlock
	if r.last {
		r.stage = atTrailer
	}
}

func (r *Reader) storedBlock() error {
	r.align()
	var head [4]byte
	if r.read(head[:]) < len(head) {
		return r.short()
	}
	if head[0] != ^head[2] || head[1] != ^head[3] {
		return corrupt("the lengths of a stored block disagree")
	}
	r.stored = int(head[0]) | int(head[1])<<8
	r.stage = inStored
	return nil
}

// copyStored copies until the block ends or the window is full.
func (r *Reader) copyStored() error {
	into := r.window[r.at:min(r.at+r.stored, fullAt)]
	n := r.read(into)
	r.at += n
	r.stored -= n
	if n < len(into) {
		return r.short()
	}
	if r.stored == 0 {
		r.endBlock()
	}
	return nil
}

// fixedTables sets the tables that blocks without tables of their own use.
func (r *Reader) fixedTables() error {
	if r.fixed {
		return nil
	}
	var lengths [288 + 32]uint8
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		case i < 288:
			lengths[i] = 8
		default:
			lengths[i] = 5
		}
	}
	return r.setTables(lengths[:288], lengths[288:], true)
}

// dynamicTables reads the code lengths of a block and sets its tables.
func (r *Reader) dynamicTables() error {
	head, err := r.take(14)
	if err != nil {
		return err
	}
	symbols := int(head&31) + 257
	distances := int(head>>5&31) + 1
	if symbols > maxSymbols || distances > maxDistances {
		return corrupt("a block has too many codes")
	}
	var table [1 << lengthBits]entry
	if err := r.lengthTable(&table, int(head>>10)+4); err != nil {
		return err
	}
	lengths := r.lengths[:symbols+distances]
	if err := r.readLengths(&table, lengths); err != nil {
		return err
	}
	return r.setTables(lengths[:symbols], lengths[symbols:], false)
}

// lengthTable reads the code that code lengths are written in.
func (r *Reader) lengthTable(table *[1 << lengthBits]entry, n int) error {
	var lengths [19]uint8
	order := [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
	for _, i := range order[:n] {
		v, err := r.take(3)
		if err != nil {
			return err
		}
		lengths[i] = uint8(v)
	}
	if !build(table[:], lengthBits, 0, lengths[:], symbolEntries) {
		return corrupt("the code of a block's code lengths is invalid")
	}
	return nil
}

// readLengths reads code lengths, which are written in runs.
func (r *Reader) readLengths(table *[1 << lengthBits]entry, lengths []uint8) error {
	for i := 0; i < len(lengths); {
		if r.count < lengthBits+7 {
			r.fill()
		}
		e := table[r.bits&(1<<lengthBits-1)]
		if e&isLiteral == 0 {
			return corrupt("a code length is invalid")
		}
		if r.count < e.bits() {
			return r.short()
		}
		r.drop(e.bits())
		v := uint8(e >> 16)
		if v < 16 {
			lengths[i] = v
			i++
			continue
		}
		n, err := r.repeat(v)
		if err != nil {
			return err
		}
		if n > len(lengths)-i || v == 16 && i == 0 {
			return corrupt("a run of code lengths is invalid")
		}
		fill := uint8(0)
		if v == 16 {
			fill = lengths[i-1]
		}
		for end := i + n; i < end; i++ {
			lengths[i] = fill
		}
	}
	return nil
}

// repeat reads the length of a run of code lengths.
func (r *Reader) repeat(symbol uint8) (int, error) {
	bits, least := uint(2), 3
	switch symbol {
	case 17:
		bits = 3
	case 18:
		bits, least = 7, 11
	}
	more, err := r.take(bits)
	return least + int(more), err
}

// setTables makes both tables of a block.
func (r *Reader) setTables(symbols, distances []uint8, fixed bool) error {
	r.fixed = false
	if symbols[endOfBlock] == 0 {
		return corrupt("a block cannot end")
	}
	if !build(r.symbols[:], symbolBits, symbolMore, symbols, symbolEntries) {
		return corrupt("the code of a block's symbols is invalid")
	}
	if !build(r.distances[:], distanceBits, distanceMore, distances, distanceEntries) {
		return corrupt("the code of a block's distances is invalid")
	}
	r.fixed = fixed
	return nil
}
