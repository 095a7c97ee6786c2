package extractor

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// keptLine is how much of one line is kept. The fields that packages are known
// by are far shorter; what is longer, such as a list of dependencies, is only
// passed over.
const keptLine = 32 << 10

// lineReader gives the lines of a text of any size in constant memory.
type lineReader struct {
	r      *bufio.Reader
	number int // of the line last given, from 1
}

func newLineReader(r io.Reader, size int64) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, int(min(max(size, 0)+1, keptLine)))}
}

// next is the next line without its end, cut at keptLine bytes, valid until
// the next call; io.EOF after the last.
func (l *lineReader) next() ([]byte, error) {
	line, err := l.r.ReadSlice('\n')
	for rest := err; errors.Is(rest, bufio.ErrBufferFull); {
		line = bytes.Clone(line)
		_, rest = l.r.ReadSlice('\n')
		for errors.Is(rest, bufio.ErrBufferFull) {
			_, rest = l.r.ReadSlice('\n')
		}
		err = rest
	}
	if len(line) == 0 && err != nil {
		return nil, err
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	l.number++
	return bytes.TrimRight(line, "\r\n"), nil
}
