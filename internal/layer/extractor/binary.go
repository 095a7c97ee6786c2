package extractor

import (
	"context"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"encoding/binary"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/layer"
)

// executable is a layer.Sniffer for programs.
type executable struct {
	format seaworthy.Format
	parse  func(ctx context.Context, f *layer.File, c *collector) error
	limits seaworthy.Limits
}

func (e *executable) Format() seaworthy.Format { return e.format }

// smallest is less than any program with something in it.
const smallest = 1 << 10

// Wants goes by the executable bit, which some builders set on every file, so
// that the first bytes decide; files of Windows images have no such bit.
func (e *executable) Wants(file string, info fs.FileInfo) bool {
	if info == nil || !regular(info) || info.Size() < smallest {
		return false
	}
	return info.Mode().Perm()&0o111 != 0 || strings.EqualFold(path.Ext(file), ".exe")
}

// Sniff takes programs and shared libraries in ELF, PE and Mach-O.
func (e *executable) Sniff(head []byte) bool {
	if len(head) < 16 {
		return false
	}
	switch string(head[:4]) {
	case "\x7fELF":
		order := binary.ByteOrder(binary.LittleEndian)
		if elf.Data(head[elf.EI_DATA]) == elf.ELFDATA2MSB {
			order = binary.BigEndian
		}
		if len(head) < 18 {
			return true
		}
		kind := elf.Type(order.Uint16(head[16:]))
		return kind == elf.ET_EXEC || kind == elf.ET_DYN
	case "\xfe\xed\xfa\xce", "\xfe\xed\xfa\xcf", "\xce\xfa\xed\xfe", "\xcf\xfa\xed\xfe":
		return true
	case "\xca\xfe\xba\xbe":
		// A Mach-O for several processors begins as a Java class; there, the class's version stands, 45 or more.
		return binary.BigEndian.Uint32(head[4:]) < 45
	}
	return string(head[:2]) == "MZ"
}

func (e *executable) Extract(ctx context.Context, f *layer.File) (seaworthy.Record, error) {
	c := collect(e.limits)
	if err := e.parse(ctx, f, c); err != nil {
		return seaworthy.Record{Path: f.Path, Format: e.format}, err
	}
	r, err := c.done()
	r.Path, r.Format = f.Path, e.format
	return r, err
}

// program is an executable of any kind.
type program struct {
	elf   *elf.File
	pe    *pe.File
	macho *macho.File
}

func openProgram(r io.ReaderAt) (program, error) {
	head := make([]byte, 4)
	if _, err := r.ReadAt(head, 0); err != nil {
		return program{}, err
	}
	var (
		p   program
		err error
	)
	switch {
	case string(head) == elf.ELFMAG:
		p.elf, err = elf.NewFile(r)
	case string(head[:2]) == "MZ":
		p.pe, err = pe.NewFile(r)
	case string(head) == "\xca\xfe\xba\xbe":
		var fat *macho.FatFile
		if fat, err = macho.NewFatFile(r); err == nil {
			p.macho = fat.Arches[0].File
		}
	default:
		p.macho, err = macho.NewFile(r)
	}
	return p, err
}

// section is the named section's content, nil if there is none.
func (p program) section(name string) io.Reader {
	switch {
	case p.elf != nil:
		if s := p.elf.Section(name); s != nil {
			return s.Open()
		}
	case p.pe != nil:
		if s := p.pe.Section(name); s != nil {
			return s.Open()
		}
	case p.macho != nil:
		if s := p.macho.Section(name); s != nil {
			return s.Open()
		}
	}
	return nil
}
