package extractor

import (
	"bytes"
	"compress/zlib"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/layer"
)

// thisProgram is the Go program that is surely at hand.
func thisProgram(t testing.TB) []byte {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// elfWith is a program of nothing but one section.
func elfWith(section string, content []byte) []byte {
	strtab := "\x00" + section + "\x00.shstrtab\x00"
	var b bytes.Buffer
	h := elf.Header64{
		Type: uint16(elf.ET_DYN), Machine: uint16(elf.EM_X86_64), Version: 1, Ehsize: 64, Shentsize: 64, Shnum: 3, Shstrndx: 2,
		Shoff: 2048 + uint64(len(content)+len(strtab)), Phentsize: 56,
		Phoff: 64, Phnum: 1,
	}
	copy(h.Ident[:], elf.ELFMAG+"\x02\x01\x01")
	put := func(v any) {
		if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}
	put(h)
	loaded := 2048 + uint64(len(content))
	put(elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_W), Filesz: loaded, Memsz: loaded, Align: 4096})
	b.Write(make([]byte, 2048-b.Len()))
	b.Write(content)
	b.WriteString(strtab)
	put(elf.Section64{})
	put(elf.Section64{Name: 1, Type: uint32(elf.SHT_PROGBITS), Flags: uint64(elf.SHF_ALLOC), Addr: 2048, Off: 2048, Size: uint64(len(content))})
	put(elf.Section64{Name: uint32(len(section) + 2), Type: uint32(elf.SHT_STRTAB), Off: 2048 + uint64(len(content)), Size: uint64(len(strtab))})
	return b.Bytes()
}

func deflated(t testing.TB, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	if _, err := z.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// goProgram is a program with the build information that the linker writes:
// https://go.dev/src/debug/buildinfo/buildinfo.go, the form of Go 1.18 and later.
func goProgram(version, modules string) []byte {
	sentinel := strings.Repeat("\x00", 16)
	blob := append([]byte("\xff Go buildinf:\x08\x02"), make([]byte, 16)...)
	for _, s := range []string{version, sentinel + modules + sentinel} {
		blob = append(binary.AppendUvarint(blob, uint64(len(s))), s...)
	}
	return elfWith(".go.buildinfo", append(blob, make([]byte, 16)...))
}

func TestGoBinary(t *testing.T) {
	t.Parallel()
	modules := "path\texample.org/app/cmd/app\n" +
		"mod\texample.org/app\t(devel)\t\n" +
		"dep\tgolang.org/x/net\tv0.7.0\th1:xxx=\n" +
		"dep\tgithub.com/old/name\tv1.0.0\n" +
		"=>\tgithub.com/new/name\tv1.5.0\th1:xxx=\n" +
		"dep\tgithub.com/local/copy\tv1.0.0\n" +
		"=>\t./copy\t\t\n" +
		"dep\tgithub.com/docker/docker\tv20.10.7+incompatible\th1:xxx=\n" +
		"build\t-compiler=gc\n"
	r, err := extract(t, seaworthy.RecordGo, "usr/bin/x", goProgram("go1.20.1", modules))
	check(t, r, err, []string{
		"example.org/app ", "github.com/docker/docker 20.10.7+incompatible", "github.com/local/copy ",
		"github.com/new/name 1.5.0", "golang.org/x/net 0.7.0", "stdlib 1.20.1",
	}, "")
	for _, p := range r.Packages {
		if p.Ecosystem != seaworthy.Go {
			t.Errorf("%s is of %s", p.Name, p.Ecosystem)
		}
	}
}

// What a real linker wrote. Programs of tests name no modules but their own.
func TestGoBinaryOfThisProgram(t *testing.T) {
	t.Parallel()
	version, _, _ := strings.Cut(strings.TrimPrefix(runtime.Version(), "go"), " ")
	r, err := extract(t, seaworthy.RecordGo, "usr/bin/x", thisProgram(t))
	check(t, r, err, []string{"github.com/seaworthy-dev/seaworthy ", "stdlib " + version}, "")
}

func TestDamagedGoBinary(t *testing.T) {
	t.Parallel()
	const damaged = "is a Go program whose build information cannot be read"
	program := thisProgram(t)
	at := bytes.Index(program, []byte("\xff Go buildinf:"))
	if at < 0 {
		t.Fatal("this program has no build information")
	}
	cut := bytes.Clone(program[:at+14]) // behind the marker, before the sections' table
	for name, b := range map[string][]byte{
		"cut": cut, "section of nothing": elfWith(".go.buildinfo", []byte("x")),
	} {
		r, err := extract(t, seaworthy.RecordGo, "usr/bin/x", b)
		if err == nil || err.Error() != damaged || len(r.Packages) != 0 {
			t.Errorf("%s: %d packages, error %v", name, len(r.Packages), err)
		}
	}
	for name, b := range map[string][]byte{
		"another language": elfWith(".text", []byte("x")),
		"no headers":       append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 2000)...),
	} {
		if r, err := extract(t, seaworthy.RecordGo, "usr/bin/x", b); err != nil || len(r.Packages) != 0 {
			t.Errorf("%s: %d packages, error %v", name, len(r.Packages), err)
		}
	}
}

func TestGoVersion(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"go1.22.3":                     "1.22.3",
		"go1.22rc1":                    "1.22rc1",
		"go1.22.3 X:boringcrypto":      "1.22.3",
		"go1.20-pre3 +a813be86df":      "1.20-pre3",
		"devel go1.23-d5a1cbe Fri Jan": "",
		"unknown":                      "",
		"go":                           "",
	} {
		if got := goVersion(text); got != want {
			t.Errorf("goVersion(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestGoModule(t *testing.T) {
	t.Parallel()
	tests := []struct {
		module debug.Module
		want   string
	}{
		{debug.Module{Path: "a.b/c", Version: "v1.2.3"}, "a.b/c 1.2.3"},
		{debug.Module{Path: "a.b/c", Version: "v2.0.0+incompatible"}, "a.b/c 2.0.0+incompatible"},
		{debug.Module{Path: "a.b/c", Version: "(devel)"}, "a.b/c "},
		{debug.Module{Path: "a.b/c", Version: "v1.0.0", Replace: &debug.Module{Path: "d.e/f", Version: "v1.5.0"}}, "d.e/f 1.5.0"},
		{debug.Module{Path: "a.b/c", Version: "v1.0.0", Replace: &debug.Module{Path: "../c"}}, "a.b/c "},
	}
	for _, test := range tests {
		p := goModule(&test.module)
		if got := p.Name + " " + p.Version; got != test.want {
			t.Errorf("%+v is %q, want %q", test.module, got, test.want)
		}
	}
}

func TestRustBinary(t *testing.T) {
	t.Parallel()
	const list = `{"packages":[{"name":"time","version":"0.1.42","source":"crates.io"},` +
		`{"name":"cc","version":"1.0.79","source":"crates.io","kind":"build"},` +
		`{"name":"app","version":"0.1.0","source":"local","kind":"runtime","root":true,"dependencies":[0]}]}`
	tests := []struct {
		name    string
		content []byte
		want    []string
		err     string
	}{
		{"auditable", elfWith(".dep-v0", deflated(t, list)), []string{"app 0.1.0", "time 0.1.42"}, ""},
		{"another language", elfWith(".text", []byte("x")), nil, ""},
		{"not compressed", elfWith(".dep-v0", []byte("{}")), nil,
			"holds a list of Rust crates that is not compressed with zlib: zlib: invalid header"},
		{"cut short", elfWith(".dep-v0", deflated(t, list)[:40]), nil,
			"holds a list of Rust crates that cannot be unpacked: unexpected EOF"},
		{"not JSON", elfWith(".dep-v0", deflated(t, `{"packages":[`)), nil,
			"holds a list of Rust crates that is not valid JSON at byte 13"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r, err := extract(t, seaworthy.RecordRust, "usr/bin/x", test.content)
			check(t, r, err, test.want, test.err)
		})
	}
}

func TestRustBomb(t *testing.T) {
	t.Parallel()
	l := seaworthy.DefaultLimits()
	l.DocumentBytes = 1 << 20
	_, err := extractWithin(t, seaworthy.RecordRust, "usr/bin/x", elfWith(".dep-v0", deflated(t, strings.Repeat(" ", 4<<20))), l)
	if e, ok := errors.AsType[*seaworthy.LimitError](err); !ok || e.Limit != seaworthy.LimitDocumentBytes {
		t.Errorf("error %v; want the limit %s", err, seaworthy.LimitDocumentBytes)
	}
}

func TestSniff(t *testing.T) {
	t.Parallel()
	tail := strings.Repeat("\x00", 12)
	object := elfWith(".text", nil)
	object[16] = byte(elf.ET_REL)
	for name, test := range map[string]struct {
		head string
		want bool
	}{
		"ELF":                 {string(elfWith(".text", nil)), true},
		"ELF, 16 bytes of it": {string(elfWith(".text", nil)[:16]), true},
		"ELF object":          {string(object), false},
		"PE":                  {"MZ\x90\x00" + tail, true},
		"Mach-O":              {"\xcf\xfa\xed\xfe" + tail, true},
		"Mach-O, big-endian":  {"\xfe\xed\xfa\xcf" + tail, true},
		"Mach-O, several":     {"\xca\xfe\xba\xbe\x00\x00\x00\x02" + tail, true},
		"Java class":          {"\xca\xfe\xba\xbe\x00\x00\x00\x34" + tail, false},
		"script":              {"#!/bin/sh\nexit 0\n", false},
		"short":               {"\x7fELF", false},
		"empty":               {"", false},
	} {
		for _, format := range []seaworthy.Format{seaworthy.RecordGo, seaworthy.RecordRust} {
			s, ok := byFormat(t, format, seaworthy.DefaultLimits()).(layer.Sniffer)
			if !ok {
				t.Fatalf("%s is no Sniffer", format)
			}
			if got := s.Sniff([]byte(test.head)); got != test.want {
				t.Errorf("%s: %s is %t", format, name, got)
			}
		}
	}
}

func FuzzGoBinary(f *testing.F) {
	fuzz(f, seaworthy.RecordGo, "usr/bin/x", goProgram("go1.22.3", "mod\ta.b/c\tv1.0.0\n"), []byte("MZ"), []byte("\xca\xfe\xba\xbe\x00\x00\x00\x01"))
}

func FuzzRustBinary(f *testing.F) {
	fuzz(f, seaworthy.RecordRust, "usr/bin/x", elfWith(".dep-v0", deflated(f, `{"packages":[{"name":"a","version":"1"}]}`)), []byte("MZ"))
}
