package extractor

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/layer"
)

// apkDatabase reads the installed database of apk-tools:
// https://wiki.alpinelinux.org/wiki/Apk_spec#Installed_Database_V2
func apkDatabase(l seaworthy.Limits) layer.Extractor {
	return &parser{
		format: seaworthy.RecordAPK,
		named:  oneOf("lib/apk/db/installed", "usr/lib/apk/db/installed"),
		parse: func(ctx context.Context, f *layer.File) (seaworthy.Record, error) {
			return readAPK(ctx, f.Reader(), f.Size, l)
		},
	}
}

// apkEntry is one paragraph of the database.
type apkEntry struct {
	name, version, arch, origin string

	dir   string   // of the files that follow
	files []string // that matter
	bytes int64    // of files

	line int
	err  error
}

func (e *apkEntry) set(key byte, value string, c *collector) {
	switch key {
	case 'P':
		e.name = value
	case 'V':
		e.version = value
	case 'A':
		e.arch = value
	case 'o':
		e.origin = value
	case 'F':
		e.dir = value
	case 'R':
		e.file(value, c)
	}
}

// file notes a file of the current directory. Names of directories are short
// in the database and long in a list of paths, so the list is bounded here.
func (e *apkEntry) file(name string, c *collector) {
	if int64(len(e.dir)+len(name)) >= c.limits.PathBytes {
		return
	}
	file := name
	if e.dir != "" {
		file = e.dir + "/" + name
	}
	if !ownable(file) {
		return
	}
	if e.bytes += int64(len(file)); e.bytes > c.limits.DocumentBytes {
		c.over = c.limits.Exceeded(seaworthy.LimitDocumentBytes, "the list of files that "+firstWord(e.name)+" owns")
		return
	}
	e.files = append(e.files, file)
}

func (e *apkEntry) finish(c *collector) {
	switch {
	case e.line == 0:
		return
	case e.err != nil:
		c.fault(fmt.Errorf("the one at line %d %w", e.line, e.err))
		return
	case e.name == "":
		c.fault(fmt.Errorf("the one at line %d has no name (P:)", e.line))
		return
	case e.version == "":
		c.fault(fmt.Errorf("the one at line %d has no version (V:)", e.line))
		return
	}
	p := seaworthy.Package{
		Ecosystem: seaworthy.FormatAPK, Name: e.name, Version: e.version, Arch: e.arch,
		Source: e.origin, SourceVersion: e.version,
	}
	if p.Source == "" {
		p.Source = e.name
	}
	c.add(p)
	for _, file := range e.files {
		c.own(e.name, file)
	}
}

func readAPK(ctx context.Context, r io.Reader, size int64, l seaworthy.Limits) (seaworthy.Record, error) {
	c, in := collect(l), newLineReader(r, size)
	var e apkEntry
	for !c.full() {
		line, err := in.next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				return c.broken(err)
			}
			break
		}
		if len(line) == 0 {
			e.finish(c)
			e = apkEntry{}
			if err := ctx.Err(); err != nil {
				return c.broken(err)
			}
			continue
		}
		if e.line == 0 {
			e.line = in.number
		}
		if len(line) < 2 || line[1] != ':' {
			e.err = fmt.Errorf("has no key in line %d", in.number)
			continue
		}
		e.set(line[0], string(line[2:]), c)
	}
	e.finish(c)
	return c.done()
}
