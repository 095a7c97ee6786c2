package extractor

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path"
	"strconv"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/layer"
)

// rpmDatabase reads the databases of RPM: SQLite (rpm 4.16 and later), ndb
// (SUSE) and the hash of Berkeley DB (before). Which one a file is, its first
// bytes say.
//
// Library readers of these files run in goroutines of their own, where a panic
// that a corrupt page causes ends the whole program, and follow page numbers in
// circles. So the three containers and the headers in them are read here.
func rpmDatabase(l seaworthy.Limits) layer.Extractor { return &rpmParser{limits: l} }

type rpmParser struct{ limits seaworthy.Limits }

func (*rpmParser) Format() seaworthy.Format { return seaworthy.RecordRPM }

const writeAheadLog = "-wal"

func (*rpmParser) Wants(file string, info fs.FileInfo) bool {
	if !isIn(file, "var/lib/rpm/") && !isIn(file, "usr/lib/sysimage/rpm/") && !isIn(file, "usr/share/rpm/") {
		return false
	}
	switch base := path.Base(file); base {
	case "rpmdb.sqlite", "Packages.db", "Packages":
		return regular(info)
	case "rpmdb.sqlite" + writeAheadLog:
		return regular(info) && info != nil && info.Size() > 0
	}
	return false
}

func (p *rpmParser) Extract(ctx context.Context, f *layer.File) (seaworthy.Record, error) {
	r, err := p.read(ctx, f)
	r.Path, r.Format = f.Path, p.Format()
	return r, err
}

func (p *rpmParser) read(ctx context.Context, f *layer.File) (seaworthy.Record, error) {
	if strings.HasSuffix(f.Path, writeAheadLog) {
		return seaworthy.Record{}, errors.New("was not written back into the database before the layer was made, " +
			"so that the last changes to the installed packages are not seen")
	}
	headers, err := rpmHeaders(f.Content, f.Size, p.limits)
	if err != nil {
		return seaworthy.Record{}, err
	}
	c := collect(p.limits)
	for blob, err := range headers {
		if err := ctx.Err(); err != nil {
			return c.broken(err)
		}
		if err != nil {
			c.fault(err)
			continue
		}
		h, err := parseRPMHeader(blob)
		if err != nil {
			c.fault(err)
			continue
		}
		h.collect(c)
		if c.full() {
			break
		}
	}
	return c.done()
}

// rpmHeaders tells the container by its magic numbers and gives the package
// headers in it. An error of the sequence is of one header; after one that
// makes the rest unreachable the sequence ends.
func rpmHeaders(r io.ReaderAt, size int64, l seaworthy.Limits) (iter.Seq2[[]byte, error], error) {
	head := make([]byte, 16)
	if _, err := r.ReadAt(head, 0); err != nil {
		return nil, errors.New("is too short for an RPM database")
	}
	switch {
	case string(head) == sqliteMagic:
		return sqliteHeaders(r, size, l)
	case string(head[:4]) == "RpmP":
		return ndbHeaders(r, size, l)
	case binary.LittleEndian.Uint32(head[12:]) == bdbHashMagic, binary.BigEndian.Uint32(head[12:]) == bdbHashMagic:
		return bdbHeaders(r, size, l)
	}
	return nil, errors.New("is not an RPM database of a known kind (SQLite, ndb, Berkeley DB hash)")
}

// evr is the version as rpm's %{EVR} prints it.
func evr(epoch uint32, version, release string) string {
	s := version
	if release != "" {
		s += "-" + release
	}
	if epoch > 0 {
		s = strconv.FormatUint(uint64(epoch), 10) + ":" + s
	}
	return s
}

func (h *rpmHeader) collect(c *collector) {
	if h.name == "gpg-pubkey" {
		return // a key that was imported, not a package
	}
	if h.name == "" || h.version == "" {
		c.fault(fmt.Errorf("the header of %.60q has no name or no version", h.name))
		return
	}
	p := seaworthy.Package{
		Ecosystem: seaworthy.FormatRPM, Name: h.name, Version: evr(h.epoch, h.version, h.release), Arch: h.arch,
		Module: moduleStream(h.module),
	}
	if name, version, release, ok := splitSourceRPM(h.source); ok {
		p.Source, p.SourceVersion = name, evr(h.epoch, version, release)
	}
	c.add(p)
	for file := range h.files {
		if c.own(h.name, file); c.full() {
			return
		}
	}
}

// splitSourceRPM cuts "bash-5.1.8-6.el9.src.rpm".
func splitSourceRPM(s string) (name, version, release string, ok bool) {
	s = strings.TrimSuffix(s, ".rpm")
	s, found := strings.CutSuffix(s, ".src")
	if !found {
		if s, found = strings.CutSuffix(s, ".nosrc"); !found {
			return "", "", "", false
		}
	}
	i := strings.LastIndexByte(s, '-')
	if i <= 0 {
		return "", "", "", false
	}
	s, release = s[:i], s[i+1:]
	if i = strings.LastIndexByte(s, '-'); i <= 0 {
		return "", "", "", false
	}
	return s[:i], s[i+1:], release, true
}

// moduleStream cuts "nodejs:18:8070020230801:a8a8d9a3" to "nodejs:18".
func moduleStream(label string) string {
	name, rest, ok := strings.Cut(label, ":")
	if !ok {
		return ""
	}
	stream, _, _ := strings.Cut(rest, ":")
	return name + ":" + stream
}
