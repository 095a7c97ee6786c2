package extractor

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// Tags of an RPM header that matter here, by rpmtag.h.
const (
	tagName         = 1000
	tagVersion      = 1001
	tagRelease      = 1002
	tagEpoch        = 1003
	tagArch         = 1022
	tagOldFileNames = 1027
	tagFileModes    = 1030
	tagSourceRPM    = 1044
	tagDirIndexes   = 1116
	tagBaseNames    = 1117
	tagDirNames     = 1118
	tagModularity   = 5096
)

// Types of their values.
const (
	rpmInt16       = 3
	rpmInt32       = 4
	rpmString      = 6
	rpmStringArray = 8
	rpmI18NString  = 9
)

// rpmHeader is what matters of one installed package. The lists point into the
// header.
type rpmHeader struct {
	name, version, release, arch, source, module string

	epoch     uint32
	oldNames  []byte // NUL-terminated full paths
	baseNames []byte // NUL-terminated
	dirNames  [][]byte
	dirIndex  []byte // big-endian uint32 each
	modes     []byte // big-endian uint16 each
}

const (
	headerIntro = 8  // two counts
	headerEntry = 16 // tag, type, offset, count

	maxRPMPath = 4 << 10   // as Linux has it; without it, a header could name one long directory a million times
	maxRPMDirs = 128 << 10 // of one package; kernel sources have some 5,000
)

// parseRPMHeader reads a header as databases hold it: two counts, an index and
// a store of values (https://rpm-software-management.github.io/rpm/manual/format_header.html).
// All offsets count from the store's begin, those of the immutable region and
// those of tags that were added at installation alike.
func parseRPMHeader(b []byte) (*rpmHeader, error) {
	if len(b) < headerIntro {
		return nil, errors.New("a header is cut short")
	}
	entries, bytes := uint64(binary.BigEndian.Uint32(b)), uint64(binary.BigEndian.Uint32(b[4:]))
	if entries == 0 || headerIntro+entries*headerEntry+bytes > uint64(len(b)) {
		return nil, errors.New("a header is cut short")
	}
	index := b[headerIntro : headerIntro+entries*headerEntry]
	store := b[headerIntro+entries*headerEntry:][:bytes]
	h := &rpmHeader{}
	for ; len(index) > 0; index = index[headerEntry:] {
		if err := h.set(index[:headerEntry], store); err != nil {
			return nil, fmt.Errorf("the header of %.60q has %w", h.name, err)
		}
	}
	return h, nil
}

func (h *rpmHeader) set(entry, store []byte) error {
	tag, kind := binary.BigEndian.Uint32(entry), binary.BigEndian.Uint32(entry[4:])
	offset, count := binary.BigEndian.Uint32(entry[8:]), binary.BigEndian.Uint32(entry[12:])
	var text *string
	switch tag {
	case tagName:
		text = &h.name
	case tagVersion:
		text = &h.version
	case tagRelease:
		text = &h.release
	case tagArch:
		text = &h.arch
	case tagSourceRPM:
		text = &h.source
	case tagModularity:
		text = &h.module
	case tagEpoch, tagOldFileNames, tagFileModes, tagDirIndexes, tagBaseNames, tagDirNames:
	default:
		return nil
	}
	value, err := rpmValue(kind, offset, count, store)
	if err != nil {
		return fmt.Errorf("tag %d, %w", tag, err)
	}
	switch {
	case text != nil && kind == rpmString:
		*text = string(bytes.TrimSuffix(value, []byte{0}))
	case tag == tagEpoch && kind == rpmInt32 && count == 1:
		h.epoch = binary.BigEndian.Uint32(value)
	case tag == tagOldFileNames && kind == rpmStringArray:
		h.oldNames = value
	case tag == tagBaseNames && kind == rpmStringArray:
		h.baseNames = value
	case tag == tagDirNames && kind == rpmStringArray && count > maxRPMDirs:
		return fmt.Errorf("%d directories, more than the %d that are read", count, maxRPMDirs)
	case tag == tagDirNames && kind == rpmStringArray:
		h.dirNames = bytes.SplitN(value, []byte{0}, int(count)+1)[:count]
	case tag == tagDirIndexes && kind == rpmInt32:
		h.dirIndex = value
	case tag == tagFileModes && kind == rpmInt16:
		h.modes = value
	default:
		return fmt.Errorf("tag %d of the wrong type %d", tag, kind)
	}
	return nil
}

// rpmValue is the bytes of a value; of strings, with their ends.
func rpmValue(kind, offset, count uint32, store []byte) ([]byte, error) {
	if uint64(offset) > uint64(len(store)) {
		return nil, errors.New("which lies outside of it")
	}
	store = store[offset:]
	var size uint64
	switch kind {
	case rpmInt16:
		size = uint64(count) * 2
	case rpmInt32:
		size = uint64(count) * 4
	case rpmString, rpmStringArray, rpmI18NString:
		for range count {
			end := bytes.IndexByte(store[size:], 0)
			if end < 0 {
				return nil, errors.New("which has no end")
			}
			size += uint64(end) + 1
		}
	default:
		return nil, fmt.Errorf("which is of an unexpected type %d", kind)
	}
	if size > uint64(len(store)) {
		return nil, errors.New("which reaches beyond it")
	}
	return store[:size], nil
}

// files yields the paths of the package's files, directories left out.
func (h *rpmHeader) files(yield func(string) bool) {
	const kindMask, kindDir = 0o170000, 0o040000
	names, split := h.oldNames, false
	if len(h.baseNames) > 0 {
		names, split = h.baseNames, true
	}
	for i := 0; len(names) > 0; i++ {
		end := bytes.IndexByte(names, 0)
		if end < 0 {
			return
		}
		name := names[:end]
		names = names[end+1:]
		if 2*i+2 <= len(h.modes) && binary.BigEndian.Uint16(h.modes[2*i:])&kindMask == kindDir {
			continue
		}
		if !split {
			if !yield(string(name)) {
				return
			}
			continue
		}
		if 4*i+4 > len(h.dirIndex) {
			return
		}
		dir := binary.BigEndian.Uint32(h.dirIndex[4*i:])
		if uint64(dir) >= uint64(len(h.dirNames)) {
			return
		}
		if len(h.dirNames[dir])+len(name) > maxRPMPath {
			continue
		}
		if !yield(string(h.dirNames[dir]) + string(name)) {
			return
		}
	}
}
