package demo

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// goModule is one module that a Go program was linked from.
type goModule struct{ path, version string }

// goBinary is an ELF file with nothing in it but the build information that the
// Go linker leaves (debug/buildinfo; cmd/link/internal/ld, "buildinfo"): enough
// for "go version -m" to read, not to run.
func goBinary(machine elf.Machine, goVersion, main string, modules []goModule) []byte {
	var info strings.Builder
	fmt.Fprintf(&info, "path\t%s\nmod\t%s\tv1.0.0\t\n", main, main)
	for _, m := range modules {
		fmt.Fprintf(&info, "dep\t%s\t%s\th1:%s=\n", m.path, m.version, strings.Repeat("A", 43))
	}
	// The module data stands between two markers of 16 bytes.
	marked := "\x30\x77\xaf\x0c\x92\x74\x08\x02\x41\xe1\xc1\x07\xe6\xd6\x18\xe6" + info.String() +
		"\xf9\x32\x43\x31\x86\x18\x20\x72\x00\x82\x42\x10\x41\x16\xd8\xf2"

	data := []byte("\xff Go buildinf:\x08\x02") // pointer size, flag: strings stand inline
	data = append(data, make([]byte, 32-len(data))...)
	for _, s := range []string{goVersion, marked} {
		data = binary.AppendUvarint(data, uint64(len(s)))
		data = append(data, s...)
	}
	return elfWith(machine, append(data, make([]byte, 4096)...)) // no real program is smaller than a page
}

// elfWith is an ELF file with one writable segment, which is also the section
// .go.buildinfo.
func elfWith(machine elf.Machine, data []byte) []byte {
	const (
		headerSize, programSize, sectionSize = 64, 56, 64
		start                                = 0x400000
	)
	names := []byte("\x00.go.buildinfo\x00.shstrtab\x00")
	offset := uint64(headerSize + programSize + 8) // 16-byte aligned, as the marker must be
	namesAt := offset + uint64(len(data))
	sections := namesAt + uint64(len(names))
	header := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: 1, Entry: start + offset,
		Phoff: headerSize, Shoff: sections, Ehsize: headerSize,
		Phentsize: programSize, Phnum: 1, Shentsize: sectionSize, Shnum: 3, Shstrndx: 2,
	}
	copy(header.Ident[:], "\x7fELF\x02\x01\x01")
	var b bytes.Buffer
	for _, part := range []any{
		header,
		elf.Prog64{
			Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_W), Off: offset, Vaddr: start + offset, Paddr: start + offset,
			Filesz: uint64(len(data)), Memsz: uint64(len(data)), Align: 16,
		},
		[8]byte{}, data, names,
		elf.Section64{},
		elf.Section64{
			Name: 1, Type: uint32(elf.SHT_PROGBITS), Flags: uint64(elf.SHF_ALLOC | elf.SHF_WRITE), Addr: start + offset, Off: offset,
			Size: uint64(len(data)), Addralign: 16,
		},
		elf.Section64{Name: 15, Type: uint32(elf.SHT_STRTAB), Off: namesAt, Size: uint64(len(names)), Addralign: 1},
	} {
		// A bytes.Buffer does not fail, and all parts are of fixed size.
		_ = binary.Write(&b, binary.LittleEndian, part)
	}
	return b.Bytes()
}

// goIndex is a Go program for two platforms, with the attestation that BuildKit
// puts into the index beside them.
func goIndex() (Sample, error) {
	modules := []goModule{
		{"github.com/golang-jwt/jwt/v4", "v4.4.2"},
		{"golang.org/x/crypto", "v0.14.0"},
		{"golang.org/x/net", "v0.7.0"},
		{"golang.org/x/text", "v0.3.7"},
		{"google.golang.org/grpc", "v1.53.0"},
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	var first v1.Image
	for _, machine := range []elf.Machine{elf.EM_X86_64, elf.EM_AARCH64} {
		architecture := map[elf.Machine]string{elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64"}[machine]
		program := goBinary(machine, "go1.20.3", "shop.example/gateway", modules)
		image, err := build(scratch(), architecture,
			step{"COPY gateway /gateway # buildkit", newTree().addBytes("gateway", program, 0o755)},
			step{`ENTRYPOINT ["/gateway"]`, nil})
		if err != nil {
			return Sample{}, err
		}
		if architecture == "amd64" {
			first = image
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{
			MediaType: types.OCIManifestSchema1, Platform: &v1.Platform{OS: "linux", Architecture: architecture},
		}})
	}
	index, err := withAttestation(index, first)
	return Sample{Repository: "shop/gateway", Tag: "1.9", Name: "gateway", Index: index}, err
}

// withAttestation adds a provenance statement as BuildKit does
// (https://docs.docker.com/build/metadata/attestations/attestation-storage/).
func withAttestation(index v1.ImageIndex, of v1.Image) (v1.ImageIndex, error) {
	digest, err := of.Digest()
	if err != nil {
		return nil, err
	}
	statement := static.NewLayer([]byte(`{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://slsa.dev/provenance/v0.2"}`), "application/vnd.in-toto+json")
	attestation, err := mutate.Append(scratch(), mutate.Addendum{Layer: statement, MediaType: "application/vnd.in-toto+json"})
	if err != nil {
		return nil, err
	}
	descriptor, err := partial.Descriptor(attestation)
	if err != nil {
		return nil, err
	}
	descriptor.Platform = &v1.Platform{OS: "unknown", Architecture: "unknown"}
	descriptor.Annotations = map[string]string{
		"vnd.docker.reference.type":   "attestation-manifest",
		"vnd.docker.reference.digest": digest.String(),
	}
	return mutate.AppendManifests(index, mutate.IndexAddendum{Add: attestation, Descriptor: *descriptor}), nil
}
