package inflate

// decode goes on until the block ends or the window is full.
func (r *Reader) decode() error {
	for r.at < fullAt && r.stage == inCodes {
		var err error
		if len(r.run)-r.pos >= fastInput {
			err = r.fast()
		} else {
			err = r.turn()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// turn decodes one symbol, wherever its bits come from.
func (r *Reader) turn() error {
	r.fill()
	e, err := r.lookUp(r.symbols[:], symbolBits, symbolMore)
	if err != nil {
		return err
	}
	switch {
	case e&isLiteral != 0:
		r.window[r.at] = byte(e >> 16)
		r.at++
		r.drop(e.bits())
		return nil
	case e&isEnd != 0:
		r.drop(e.bits())
		r.endBlock()
		return nil
	}
	length := e.length(r.bits)
	r.drop(e.bits())
	d, err := r.lookUp(r.distances[:], distanceBits, distanceMore)
	if err != nil {
		return err
	}
	distance := d.distance(r.bits)
	r.drop(d.bits())
	from := r.at - distance
	if from < r.base {
		return corrupt("a match begins before the stream")
	}
	for i := range length {
		r.window[r.at+i] = r.window[from+i]
	}
	r.at += length
	return nil
}

// lookUp finds the entry of the next code and drops its first bits if it is of a
// further table. All bits of the entry count.
func (r *Reader) lookUp(table []entry, width, more uint) (entry, error) {
	e := table[r.bits&(1<<width-1)]
	if e&isFurther != 0 && r.count > width {
		r.drop(width)
		e = table[uint64(e>>16)+r.bits&(1<<more-1)]
	}
	if e&isSpecial != 0 && e&isEnd == 0 {
		if e&isFurther != 0 {
			return 0, r.short()
		}
		return 0, corrupt("a code does not exist")
	}
	if e.bits() > r.count {
		return 0, r.short()
	}
	return e, nil
}
