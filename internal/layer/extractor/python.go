package extractor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/layer"
)

// pythonPackage reads the core metadata of installed distributions
// (https://packaging.python.org/en/latest/specifications/core-metadata/):
// METADATA of a .dist-info, PKG-INFO of an .egg-info or EGG-INFO directory, an
// .egg-info file, and the PKG-INFO in a zipped .egg. A wheel file is not
// installed and not read.
func pythonPackage(l seaworthy.Limits) layer.Extractor {
	return &parser{
		format: FormatPyPI,
		named:  isPythonPackage,
		parse: func(ctx context.Context, f *layer.File) (seaworthy.Record, error) {
			c := collect(l)
			if strings.HasSuffix(f.Path, ".egg") {
				if err := readEgg(ctx, f, c); err != nil {
					return c.record, err
				}
				return c.done()
			}
			if err := readPythonMetadata(f.Reader(), f.Size, c); err != nil {
				return c.record, err
			}
			return c.done()
		},
	}
}

func isPythonPackage(file string) bool {
	return strings.HasSuffix(file, ".dist-info/METADATA") || strings.HasSuffix(file, ".egg-info/PKG-INFO") ||
		strings.HasSuffix(file, ".egg-info") || strings.HasSuffix(file, ".egg") || isEggMetadata(file)
}

func isEggMetadata(file string) bool {
	return file == "EGG-INFO/PKG-INFO" || strings.HasSuffix(file, "/EGG-INFO/PKG-INFO")
}

// readPythonMetadata reads the header up to the empty line; the description
// follows it. Files exist whose header is broken by a stray line, behind the
// fields that count, so such lines are passed over.
func readPythonMetadata(r io.Reader, size int64, c *collector) error {
	p := seaworthy.Package{Ecosystem: seaworthy.PyPI}
	in := newLineReader(r, min(size, 4<<10))
	for p.Name == "" || p.Version == "" {
		line, err := in.next()
		if errors.Is(err, io.EOF) || (err == nil && len(line) == 0) {
			break
		}
		if err != nil {
			return fmt.Errorf("cannot be read to its end: %w", err)
		}
		name, value, ok := field(line)
		if !ok || line[0] == ' ' || line[0] == '\t' {
			continue
		}
		switch {
		case p.Name == "" && strings.EqualFold(string(name), "Name"):
			p.Name = string(value)
		case p.Version == "" && strings.EqualFold(string(name), "Version"):
			p.Version = string(value)
		}
	}
	if p.Name == "" {
		return errors.New("has no Name field")
	}
	c.add(p)
	return nil
}

func readEgg(ctx context.Context, f *layer.File, c *collector) error {
	for e, err := range zipEntries(f.Content, f.Size) {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if !isEggMetadata(e.name) {
			continue
		}
		r, err := e.open(f.Content, f.Size)
		if err != nil {
			return fmt.Errorf("has a %s that cannot be read: %w", e.name, err)
		}
		if err := readPythonMetadata(bounded(ctx, r, c.limits), e.size, c); err != nil {
			return fmt.Errorf("has a %s that %w", e.name, err)
		}
	}
	return nil
}
