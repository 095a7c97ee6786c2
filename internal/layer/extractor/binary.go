package extractor

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"context"
	"debug/buildinfo"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"runtime/debug"
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

// goBinary reads what the Go linker writes into each program: its main module,
// the modules in it, and the version of Go, which is that of the standard
// library.
func goBinary(l seaworthy.Limits) layer.Extractor {
	return &executable{format: seaworthy.RecordGo, limits: l, parse: readGoBinary}
}

func readGoBinary(ctx context.Context, f *layer.File, c *collector) error {
	info, err := buildinfo.Read(f.Content)
	if err != nil {
		return damagedGo(ctx, f)
	}
	if info.GoVersion != "" {
		c.add(seaworthy.Package{Ecosystem: seaworthy.Go, Name: "stdlib", Version: goVersion(info.GoVersion)})
	}
	if info.Main.Path != "" {
		c.add(goModule(&info.Main))
	}
	for _, m := range info.Deps {
		if c.add(goModule(m)); c.full() {
			break
		}
	}
	return nil
}

// goVersion takes the version of Go out of "go1.22.3 X:boringcrypto". That of a
// build from Go's own repository, "devel go1.23-…", is unknown.
func goVersion(s string) string {
	v, ok := strings.CutPrefix(firstWord(s), "go")
	if !ok || v == "" || v[0] < '0' || v[0] > '9' {
		return ""
	}
	return v
}

// goModule is a module as it was linked. One that a directory replaces keeps
// its name, and its version is unknown.
func goModule(m *debug.Module) seaworthy.Package {
	p := seaworthy.Package{Ecosystem: seaworthy.Go, Name: m.Path}
	version := m.Version
	if m.Replace != nil {
		if version = m.Replace.Version; version != "" {
			p.Name = m.Replace.Path
		}
	}
	if version != "(devel)" {
		p.Version = strings.TrimPrefix(version, "v")
	}
	return p
}

// damagedGo tells a program of another language, which is no error, from one of
// Go whose build information cannot be read.
func damagedGo(ctx context.Context, f *layer.File) error {
	damaged := errors.New("is a Go program whose build information cannot be read")
	switch program, err := openProgram(f.Content); {
	case err != nil:
		// Headers that cannot be read say nothing; the marker does.
		found, err := contains(ctx, f.Reader(), []byte("\xff Go buildinf:"))
		if err != nil {
			return fmt.Errorf("cannot be read to its end: %w", err)
		}
		if found {
			return damaged
		}
	case program.section(".go.buildinfo") != nil, program.section("__go_buildinfo") != nil:
		return damaged
	}
	return nil
}

// contains searches a stream.
func contains(ctx context.Context, r io.Reader, marker []byte) (bool, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	for {
		b, err := in.Peek(64 << 10)
		if bytes.Contains(b, marker) {
			return true, nil
		}
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return false, err
		}
		if _, err := in.Discard(len(b) - len(marker) + 1); err != nil {
			return false, err
		}
	}
}

// rustBinary reads the list of crates that "cargo auditable" puts into a
// program (https://github.com/rust-secure-code/cargo-auditable/blob/master/PARSING.md).
// Crates that only took part in the build are left out.
func rustBinary(l seaworthy.Limits) layer.Extractor {
	return &executable{format: seaworthy.RecordRust, limits: l, parse: readRustBinary}
}

func readRustBinary(_ context.Context, f *layer.File, c *collector) error {
	program, err := openProgram(f.Content)
	if err != nil {
		return nil
	}
	section := program.section(".dep-v0")
	if section == nil {
		return nil
	}
	b, err := unpackRust(section, c.limits)
	if err != nil {
		return err
	}
	v, err := parseJSON(b)
	if err != nil {
		return fmt.Errorf("holds a list of Rust crates that %w", err)
	}
	for member, list := range v.members() {
		if member != "packages" {
			continue
		}
		for crate := range list.elements() {
			p, kind := seaworthy.Package{Ecosystem: seaworthy.Crates}, ""
			for member, v := range crate.members() {
				switch member {
				case "name":
					p.Name = v.text()
				case "version":
					p.Version = v.text()
				case "kind":
					kind = v.text()
				}
			}
			if kind == "build" {
				continue
			}
			if c.add(p); c.full() {
				break
			}
		}
	}
	return nil
}

func unpackRust(section io.Reader, l seaworthy.Limits) ([]byte, error) {
	z, err := zlib.NewReader(section)
	if err != nil {
		return nil, fmt.Errorf("holds a list of Rust crates that is not compressed with zlib: %w", err)
	}
	b, err := io.ReadAll(io.LimitReader(z, l.DocumentBytes+1))
	if int64(len(b)) > l.DocumentBytes {
		return nil, l.Exceeded(seaworthy.LimitDocumentBytes, "the list of Rust crates in it")
	}
	if err != nil {
		return nil, fmt.Errorf("holds a list of Rust crates that cannot be unpacked: %w", err)
	}
	return b, nil
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
