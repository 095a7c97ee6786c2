package extractor

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seaworthy-dev/seaworthy"
)

// maxField is how long a name or a version may be. Real ones have less than
// 300 bytes, Go's pseudo-versions of long module paths being the longest.
const maxField = 1 << 10

// collector gathers what a file says into a record. It keeps out what no
// package manager writes, and remembers the first thing that was wrong and how
// many there were, so that the rest of the file stands.
type collector struct {
	limits seaworthy.Limits
	record seaworthy.Record
	owned  map[string]int // index in record.Owns
	bytes  int64          // of all owned paths
	bad    int
	first  error
	over   error // the limit that ended the gathering, if one did
}

func collect(l seaworthy.Limits) *collector {
	return &collector{limits: l, owned: make(map[string]int)}
}

// add takes one package.
func (c *collector) add(p seaworthy.Package) {
	switch {
	case p.Name == "":
		c.fault(errors.New("has no name"))
	case !plain(p.Name) || !plain(p.Version) || !plain(p.Arch) || !plain(p.Source) || !plain(p.SourceVersion) || !plain(p.Module):
		c.fault(fmt.Errorf("%.60q has a name or version that is not plain text", p.Name))
	case int64(len(c.record.Packages)) >= c.limits.Packages:
		c.over = c.limits.Exceeded(seaworthy.LimitPackages, "the file")
	default:
		c.record.Packages = append(c.record.Packages, p)
	}
}

// own notes that the package installed the file, if it matters (see ownable).
func (c *collector) own(pkg, file string) {
	file = strings.TrimLeft(file, "/")
	if !ownable(file) || !plain(pkg) || int64(len(file)) > c.limits.PathBytes || !printable(file) {
		return
	}
	if file = path.Clean(file); file == "." || file == ".." || strings.HasPrefix(file, "../") {
		return
	}
	c.bytes += int64(len(file)) + 16
	if c.bytes > c.limits.DocumentBytes {
		c.over = c.limits.Exceeded(seaworthy.LimitDocumentBytes, "the list of files that packages own")
		return
	}
	i, ok := c.owned[pkg]
	if !ok {
		i = len(c.record.Owns)
		c.owned[pkg] = i
		c.record.Owns = append(c.record.Owns, seaworthy.Owned{Package: pkg})
	}
	c.record.Owns[i].Paths = append(c.record.Owns[i].Paths, file)
}

// fault notes one entry that is left out.
func (c *collector) fault(err error) {
	if c.bad++; c.first == nil {
		c.first = err
	}
}

// full reports whether a limit was reached, so that reading on is in vain.
func (c *collector) full() bool { return c.over != nil }

// done is the record, in order and each package once, and what was wrong.
func (c *collector) done() (seaworthy.Record, error) {
	slices.SortFunc(c.record.Packages, seaworthy.Package.Compare)
	c.record.Packages = slices.Compact(c.record.Packages)
	switch {
	case c.over != nil:
		return c.record, c.over
	case c.bad == 1:
		return c.record, fmt.Errorf("has an entry that cannot be read: %w", c.first)
	case c.bad > 1:
		return c.record, fmt.Errorf("has %d entries that cannot be read, the first: %w", c.bad, c.first)
	}
	return c.record, nil
}

// broken is done for a file whose reading ended early.
func (c *collector) broken(err error) (seaworthy.Record, error) {
	r, _ := c.done()
	return r, fmt.Errorf("cannot be read to its end: %w", err)
}

// plain reports whether s can be a name or version: text on one line.
func plain(s string) bool {
	return len(s) <= maxField && printable(s)
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
