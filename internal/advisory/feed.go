package advisory

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
)

// A feed is refused as broken when more than a twentieth of its records, and
// more than tolerated of them, are malformed.
const (
	tolerated     = 10
	tolerateShare = 20
	namedSkipped  = 5 // of the malformed records, these many are named
)

// skipped counts malformed records and remembers the first few.
type skipped struct {
	count int
	first []string
}

func (s *skipped) add(why string) {
	s.count++
	if len(s.first) < namedSkipped {
		s.first = append(s.first, shorten(oneLine(why), 300))
	}
}

// verdict is an error if there were too many beside the good ones.
func (s *skipped) verdict(good int) error {
	if s.count <= tolerated || s.count*tolerateShare <= s.count+good {
		return nil
	}
	return fmt.Errorf("%d of its %d records are malformed, as in: %s", s.count, s.count+good, s.first[0])
}

var errWebPage = errors.New("it is a web page (HTML) instead of data")

// broken is the error of a feed whose content cannot be used. Errors that already
// speak to a person pass, and so does a cancelled context.
func broken(where string, err error) error {
	if _, ok := errors.AsType[*seaworthy.Error](err); ok {
		return err
	}
	if limit, ok := errors.AsType[*seaworthy.LimitError](err); ok {
		return &seaworthy.Error{Code: seaworthy.CodeLimit, Public: where + ": " + limit.Error(), Err: err}
	}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, errWebPage):
		return webPage(where)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return corrupt(where, "ends before its end", err)
	}
	return corrupt(where, "cannot be used: "+err.Error(), err)
}

func webPage(where string) error {
	return &seaworthy.Error{
		Code: seaworthy.CodeProtocol, Public: where + " answered with a web page (HTML) instead of data",
		Hint: "a proxy or a login page may stand in between; check the address", Err: errWebPage,
	}
}

func corrupt(where, why string, err error) error {
	return &seaworthy.Error{
		Code: seaworthy.CodeCorrupt, Public: where + " " + why,
		Hint: "nothing was changed; try again", Err: err,
	}
}

// bounded reads at most left bytes and then fails with err.
type bounded struct {
	r    io.Reader
	left int64
	err  error
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, b.err
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, b.err
	}
	return n, err
}

// lines reads text by lines of bounded length.
type lines struct {
	r *bufio.Reader
}

func newLines(r io.Reader) *lines {
	return &lines{r: bufio.NewReaderSize(r, maxLine)}
}

// next gives the next line without its end and surrounding space; io.EOF behind
// the last. A line that is too long to be one is an error.
func (l *lines) next() (string, error) {
	b, err := l.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return "", fmt.Errorf("it has a line of more than %d bytes", maxLine)
	}
	if err == io.EOF && len(b) > 0 {
		err = nil
	}
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(strings.TrimPrefix(string(b), "\ufeff")), nil
}
