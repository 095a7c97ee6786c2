// Package extractor reads the files that say which packages a layer holds: the
// databases of operating system package managers, the metadata that language
// package managers leave beside what they install, and what compilers write
// into executables. Each format is one [layer.Extractor].
//
// A file that cannot be read gives an error of one plain sentence without its
// subject, as in "is not valid JSON at byte 312". A file of which a part can be
// read gives a record of that part and an error that says what is missing; the
// record stands. Nothing panics on hostile input, and memory is bounded by
// [seaworthy.Limits], whatever a file claims of its own size.
//
// Every parser here is our own, over the standard library: the readers that
// exist for these formats trust their input, and read nested archives, sections
// and headers whole, at the size that the file names.
package extractor

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/layer"
)

// Formats of language packages. A merge knows them by no name.
const (
	FormatNPM          seaworthy.Format = "npm"           // package.json of an installed package
	FormatPyPI         seaworthy.Format = "python"        // METADATA, PKG-INFO, .egg
	FormatGem          seaworthy.Format = "gem"           // .gemspec of an installed gem
	FormatJar          seaworthy.Format = "jar"           // Java archives, with those within
	FormatNuGet        seaworthy.Format = "nuget"         // .deps.json of a published .NET program
	FormatComposer     seaworthy.Format = "composer"      // vendor/composer/installed.json
	FormatComposerLock seaworthy.Format = "composer-lock" // composer.lock: what should be installed
)

// All is one extractor of each format, bounded by l.
func All(l seaworthy.Limits) []layer.Extractor {
	return []layer.Extractor{
		dpkgStatus(l), dpkgPart(l), dpkgFiles(l),
		apkDatabase(l),
		rpmDatabase(l),
		osRelease(l),
		npmPackage(l),
		pythonPackage(l),
		installedGem(l),
		javaArchive(l),
		dotnetDependencies(l),
		composerInstalled(l), composerLock(l),
		goBinary(l),
		rustBinary(l),
	}
}

// parser is a layer.Extractor for files that are known by their name.
type parser struct {
	format seaworthy.Format
	named  func(path string) bool
	parse  func(ctx context.Context, f *layer.File) (seaworthy.Record, error)
}

func (p *parser) Format() seaworthy.Format { return p.format }

func (p *parser) Wants(path string, info fs.FileInfo) bool {
	return regular(info) && p.named(path)
}

func (p *parser) Extract(ctx context.Context, f *layer.File) (seaworthy.Record, error) {
	r, err := p.parse(ctx, f)
	r.Path, r.Format = f.Path, p.format
	return r, err
}

func regular(info fs.FileInfo) bool { return info == nil || info.Mode().IsRegular() }

// oneOf makes a predicate of names that are known in full.
func oneOf(names ...string) func(string) bool {
	return func(path string) bool {
		for _, n := range names {
			if path == n {
				return true
			}
		}
		return false
	}
}

// isIn reports whether file lies directly in dir, which ends in a slash.
func isIn(file, dir string) bool {
	name, ok := strings.CutPrefix(file, dir)
	return ok && strings.IndexByte(name, '/') < 0
}

// document reads the file whole, for formats that need it so.
func document(f *layer.File, l seaworthy.Limits) ([]byte, error) {
	if f.Size > l.DocumentBytes {
		return nil, l.Exceeded(seaworthy.LimitDocumentBytes, "the file")
	}
	b := make([]byte, f.Size)
	if n, err := f.Content.ReadAt(b, 0); err != nil && (err != io.EOF || int64(n) < f.Size) {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	return b, nil
}

// hasParent reports whether one of the directories above the file is called name.
func hasParent(file, name string) bool {
	for {
		dir, rest, ok := strings.Cut(file, "/")
		if !ok || dir == name {
			return ok
		}
		file = rest
	}
}

// firstWord is s up to its first blank.
func firstWord(s string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(s), " ")
	return word
}

// field cuts a "Name: value" line.
func field(line []byte) (name, value []byte, ok bool) {
	name, value, ok = bytes.Cut(line, []byte(":"))
	return bytes.TrimSpace(name), bytes.TrimSpace(value), ok && len(bytes.TrimSpace(name)) > 0
}
