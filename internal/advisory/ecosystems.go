package advisory

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/seaworthy-dev/seaworthy"
)

// maxEcosystems bounds the list of a bucket; OSV's has some forty.
const maxEcosystems = 1000

// Covers reports whether OSV has advisories for packages of a family: there are
// none for the formats that stand in for an unknown distribution, nor for
// distributions that publish none there.
func Covers(family string) bool {
	switch e := seaworthy.Ecosystem(family); e {
	case seaworthy.FormatAPK, seaworthy.FormatDpkg, seaworthy.FormatRPM, seaworthy.Amazon, seaworthy.Fedora:
		return false
	}
	return true
}

// Ecosystems lists the families that the bucket at baseURL has; "" is
// [DefaultOSV].
func (u *Updater) Ecosystems(ctx context.Context, baseURL string) ([]string, error) {
	p, err := u.place(cmp.Or(baseURL, DefaultOSV))
	if err != nil {
		return nil, err
	}
	defer p.close()
	const name = "ecosystems.txt"
	c, err := p.open(ctx, name, time.Time{})
	if err != nil {
		return nil, fmt.Errorf("list the ecosystems: %w", err)
	}
	defer c.Close()
	var families []string
	lines := bufio.NewScanner(io.LimitReader(c, 1<<20))
	for lines.Scan() && len(families) < maxEcosystems {
		// Older lists have releases behind a colon; they are not families.
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.Contains(line, ":") {
			continue
		}
		if !validFamily(line) {
			return nil, &seaworthy.Error{
				Code:   seaworthy.CodeProtocol,
				Public: fmt.Sprintf("%s is not a list of ecosystems: it has the line %.60q", p.url(name), line),
			}
		}
		families = append(families, line)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("list the ecosystems: %w", err)
	}
	slices.Sort(families)
	return slices.Compact(families), nil
}
