package seaworthy

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Limits bounds what hostile input can cost. Each limit has a name, by which
// its error speaks and a user sets it; zero fields are invalid, so start from
// [DefaultLimits].
type Limits struct {
	ManifestBytes int64         // one manifest or index
	ConfigBytes   int64         // one image config
	IndexDepth    int64         // indexes within indexes
	IndexEntries  int64         // manifests of one index
	Layers        int64         // layers of one image
	LayerBytes    int64         // unpacked bytes of one layer
	LayerRatio    int64         // unpacked over stored bytes, looked at past 64 MiB
	LayerEntries  int64         // tar entries of one layer
	PathBytes     int64         // one path or link target
	FileBytes     int64         // one file that is kept to be read
	KeptBytes     int64         // files kept at once while one layer is read
	ArchiveDepth  int64         // jars within jars
	ArchiveBytes  int64         // unpacked bytes of one jar and all within
	DocumentBytes int64         // one JSON or text document that is read whole, as package.json, or one RPM header
	Packages      int64         // packages of one layer
	ZstdWindow    int64         // memory that a zstd frame may ask for
	ExtractTime   time.Duration // reading one file
	AdvisoryBytes int64         // one advisory record
	AdvisoryFile  int64         // one downloaded advisory file, unpacked
}

// DefaultLimits fit all images that people build on purpose.
func DefaultLimits() Limits {
	const kib, mib, gib = 1 << 10, 1 << 20, 1 << 30
	return Limits{
		ManifestBytes: 8 * mib,
		ConfigBytes:   8 * mib,
		IndexDepth:    2,
		IndexEntries:  1000,
		Layers:        1000,
		LayerBytes:    64 * gib,
		LayerRatio:    200,
		LayerEntries:  5_000_000,
		PathBytes:     4 * kib,
		FileBytes:     512 * mib,
		KeptBytes:     4 * gib,
		ArchiveDepth:  8,
		ArchiveBytes:  4 * gib,
		DocumentBytes: 32 * mib,
		Packages:      500_000,
		ZstdWindow:    128 * mib,
		ExtractTime:   time.Minute,
		AdvisoryBytes: 16 * mib,
		AdvisoryFile:  16 * gib,
	}
}

// Names of the limits, as errors and settings use them.
const (
	LimitManifestBytes = "manifest-bytes"
	LimitConfigBytes   = "config-bytes"
	LimitIndexDepth    = "index-depth"
	LimitIndexEntries  = "index-entries"
	LimitLayers        = "layers"
	LimitLayerBytes    = "layer-bytes"
	LimitLayerRatio    = "layer-ratio"
	LimitLayerEntries  = "layer-entries"
	LimitPathBytes     = "path-bytes"
	LimitFileBytes     = "file-bytes"
	LimitKeptBytes     = "kept-bytes"
	LimitArchiveDepth  = "archive-depth"
	LimitArchiveBytes  = "archive-bytes"
	LimitDocumentBytes = "document-bytes"
	LimitPackages      = "packages"
	LimitZstdWindow    = "zstd-window"
	LimitExtractTime   = "extract-time"
	LimitAdvisoryBytes = "advisory-bytes"
	LimitAdvisoryFile  = "advisory-file"
)

func (l *Limits) field(name string) (count *int64, duration *time.Duration) {
	switch name {
	case LimitManifestBytes:
		return &l.ManifestBytes, nil
	case LimitConfigBytes:
		return &l.ConfigBytes, nil
	case LimitIndexDepth:
		return &l.IndexDepth, nil
	case LimitIndexEntries:
		return &l.IndexEntries, nil
	case LimitLayers:
		return &l.Layers, nil
	case LimitLayerBytes:
		return &l.LayerBytes, nil
	case LimitLayerRatio:
		return &l.LayerRatio, nil
	case LimitLayerEntries:
		return &l.LayerEntries, nil
	case LimitPathBytes:
		return &l.PathBytes, nil
	case LimitFileBytes:
		return &l.FileBytes, nil
	case LimitKeptBytes:
		return &l.KeptBytes, nil
	case LimitArchiveDepth:
		return &l.ArchiveDepth, nil
	case LimitArchiveBytes:
		return &l.ArchiveBytes, nil
	case LimitDocumentBytes:
		return &l.DocumentBytes, nil
	case LimitPackages:
		return &l.Packages, nil
	case LimitZstdWindow:
		return &l.ZstdWindow, nil
	case LimitExtractTime:
		return nil, &l.ExtractTime
	case LimitAdvisoryBytes:
		return &l.AdvisoryBytes, nil
	case LimitAdvisoryFile:
		return &l.AdvisoryFile, nil
	}
	return nil, nil
}

// LimitNames lists the names, sorted.
func LimitNames() []string {
	names := []string{
		LimitManifestBytes, LimitConfigBytes, LimitIndexDepth, LimitIndexEntries, LimitLayers, LimitLayerBytes,
		LimitLayerRatio, LimitLayerEntries, LimitPathBytes, LimitFileBytes, LimitKeptBytes, LimitArchiveDepth,
		LimitArchiveBytes, LimitDocumentBytes, LimitPackages, LimitZstdWindow, LimitExtractTime, LimitAdvisoryBytes, LimitAdvisoryFile,
	}
	sort.Strings(names)
	return names
}

// Set reads "name=value": a positive number, with KiB, MiB or GiB behind it for
// bytes, or a duration such as 90s for times.
func (l *Limits) Set(assignment string) error {
	name, value, ok := strings.Cut(assignment, "=")
	count, duration := l.field(name)
	switch {
	case !ok:
		return fmt.Errorf("limit %.60q is not name=value", assignment)
	case count != nil:
		n, err := parseCount(value)
		if err != nil {
			return fmt.Errorf("limit %s: %w", name, err)
		}
		*count = n
	case duration != nil:
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 {
			return fmt.Errorf("limit %s: %.40q is not a positive duration, as in 90s", name, value)
		}
		*duration = d
	default:
		return fmt.Errorf("there is no limit %.60q; the limits are %s", name, strings.Join(LimitNames(), ", "))
	}
	return nil
}

func parseCount(s string) (int64, error) {
	digits, factor := s, int64(1)
	for i, unit := range []string{"KiB", "MiB", "GiB"} {
		if rest, ok := strings.CutSuffix(s, unit); ok {
			digits, factor = rest, 1<<(10*(i+1))
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n <= 0 || n > (1<<62)/factor {
		return 0, fmt.Errorf("%.40q is not a positive number, as in 5000 or 64MiB", s)
	}
	return n * factor, nil
}

// LimitError says that input went past a limit.
type LimitError struct {
	Limit string // its name
	Max   string // its value
	What  string // what went past it, as in "the manifest of lab/app:1"
}

// Error names the limit and how to raise it.
func (e *LimitError) Error() string {
	return fmt.Sprintf("%s exceeds the limit %s of %s (raise it with --limit %s=…)", e.What, e.Limit, e.Max, e.Limit)
}

// Exceeded makes the error of the named limit with its value in l.
func (l Limits) Exceeded(name, what string) *LimitError {
	count, duration := l.field(name)
	e := &LimitError{Limit: name, What: what}
	switch {
	case count != nil:
		e.Max = countText(*count)
	case duration != nil:
		e.Max = duration.String()
	}
	return e
}

// countText writes a count as Set reads it, in the largest unit that fits.
func countText(n int64) string {
	for _, unit := range []struct {
		name string
		size int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= unit.size && n%unit.size == 0 {
			return strconv.FormatInt(n/unit.size, 10) + unit.name
		}
	}
	return strconv.FormatInt(n, 10)
}
