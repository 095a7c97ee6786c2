package extractor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/layer"
)

// dpkgStatus reads dpkg's database of installed packages, in the form of
// deb822(5) with the fields of dpkg-query(1).
func dpkgStatus(l seaworthy.Limits) layer.Extractor {
	return &parser{
		format: seaworthy.RecordDpkg,
		named:  oneOf("var/lib/dpkg/status"),
		parse: func(ctx context.Context, f *layer.File) (seaworthy.Record, error) {
			return readDpkg(ctx, f.Reader(), f.Size, l, true)
		},
	}
}

// dpkgPart reads one package's stanza, as distroless images keep them.
func dpkgPart(l seaworthy.Limits) layer.Extractor {
	return &parser{
		format: seaworthy.RecordDpkgPart,
		named: func(file string) bool {
			return isIn(file, "var/lib/dpkg/status.d/") && !strings.HasSuffix(file, ".md5sums")
		},
		parse: func(ctx context.Context, f *layer.File) (seaworthy.Record, error) {
			return readDpkg(ctx, f.Reader(), f.Size, l, false)
		},
	}
}

// dpkgFiles reads which files one package installed.
func dpkgFiles(l seaworthy.Limits) layer.Extractor {
	return &parser{
		format: seaworthy.RecordDpkgFiles,
		named: func(file string) bool {
			return isIn(file, "var/lib/dpkg/info/") && strings.HasSuffix(file, ".list") ||
				isIn(file, "var/lib/dpkg/status.d/") && strings.HasSuffix(file, ".md5sums")
		},
		parse: func(ctx context.Context, f *layer.File) (seaworthy.Record, error) {
			return readDpkgFiles(ctx, f, l)
		},
	}
}

// stanza holds the fields of one deb822 paragraph that matter here.
type stanza struct {
	name, version, arch, source, status string

	line int // where it begins
	err  error
}

// empty reports whether nothing of the stanza was seen yet.
func (s *stanza) empty() bool { return s.line == 0 }

func (s *stanza) set(name, value []byte) {
	switch {
	case len(name) > len("Architecture"):
	case strings.EqualFold(string(name), "Package"):
		s.name = string(value)
	case strings.EqualFold(string(name), "Version"):
		s.version = string(value)
	case strings.EqualFold(string(name), "Architecture"):
		s.arch = string(value)
	case strings.EqualFold(string(name), "Source"):
		s.source = string(value)
	case strings.EqualFold(string(name), "Status"):
		s.status = string(value)
	}
}

// installed reports whether files of the package are there. All states but two
// mean that: a package that was unpacked and never configured is as vulnerable.
func (s *stanza) installed(statusNeeded bool) (bool, error) {
	words := strings.Fields(s.status)
	switch {
	case len(words) == 0 && !statusNeeded:
		return true, nil
	case len(words) != 3:
		return false, fmt.Errorf("has the status %.60q, which is not three words", s.status)
	}
	return words[2] != "not-installed" && words[2] != "config-files", nil
}

// pkg is the stanza as a package; none if it is not installed.
func (s *stanza) pkg(statusNeeded bool) (p seaworthy.Package, ok bool, err error) {
	if s.err != nil {
		return p, false, s.err
	}
	if s.name == "" {
		return p, false, errors.New("has no Package field")
	}
	here, err := s.installed(statusNeeded)
	if err != nil || !here {
		return p, false, err
	}
	if s.version == "" {
		return p, false, errors.New("has no Version field")
	}
	p = seaworthy.Package{
		Ecosystem: seaworthy.FormatDpkg, Name: s.name, Version: s.version, Arch: s.arch,
		Source: s.name, SourceVersion: s.version,
	}
	source, version, ok := strings.Cut(s.source, "(")
	if source = strings.TrimSpace(source); source != "" {
		p.Source = source
	}
	if version = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(version), ")")); ok && version != "" {
		p.SourceVersion = version
	}
	return p, true, nil
}

func readDpkg(ctx context.Context, r io.Reader, size int64, l seaworthy.Limits, statusNeeded bool) (seaworthy.Record, error) {
	c, in := collect(l), newLineReader(r, size)
	var s stanza
	finish := func() {
		if s.empty() {
			return
		}
		p, ok, err := s.pkg(statusNeeded)
		if err != nil {
			c.fault(fmt.Errorf("the one at line %d %w", s.line, err))
		} else if ok {
			c.add(p)
		}
		s = stanza{}
	}
	for !c.full() {
		line, err := in.next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				return c.broken(err)
			}
			break
		}
		if len(strings.TrimSpace(string(line))) == 0 {
			finish()
			if err := ctx.Err(); err != nil {
				return c.broken(err)
			}
			continue
		}
		if s.empty() {
			s.line = in.number
		}
		if line[0] == ' ' || line[0] == '\t' {
			continue
		}
		name, value, ok := field(line)
		if !ok {
			s.err = fmt.Errorf("has no field name in line %d", in.number)
			continue
		}
		s.set(name, value)
	}
	finish()
	return c.done()
}

func readDpkgFiles(ctx context.Context, f *layer.File, l seaworthy.Limits) (seaworthy.Record, error) {
	c, in := collect(l), newLineReader(f.Reader(), f.Size)
	base := path.Base(f.Path)
	pkg := strings.TrimSuffix(base, path.Ext(base))
	pkg, _, _ = strings.Cut(pkg, ":")
	sums := path.Ext(base) == ".md5sums"
	last := ""
	for !c.full() && ctx.Err() == nil {
		line, err := in.next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				return c.broken(err)
			}
			break
		}
		file := strings.TrimRight(string(line), " ")
		if sums {
			_, file, _ = strings.Cut(file, " ")
			file = strings.TrimLeft(file, " ")
		}
		// A directory comes right before what it holds, so most are known.
		if last != "" && !strings.HasPrefix(file, last+"/") {
			c.own(pkg, last)
		}
		last = file
	}
	c.own(pkg, last)
	if err := ctx.Err(); err != nil {
		return c.broken(err)
	}
	return c.done()
}
