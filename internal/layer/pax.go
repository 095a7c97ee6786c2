package layer

import (
	"bytes"
	"strconv"
)

// pax is what an extended header says of the next entry. Only what a layer's
// contents need is looked at.
type pax struct {
	block [tarBlock]byte // the header's own
	data  []byte
	paxFields
}

type paxFields struct {
	present bool

	path, link, size                   []byte
	sparseMajor, sparseMinor           []byte
	sparseName, sparseSize, sparseReal []byte
	sparseMap                          bool
	offsets                            int // fields of a sparse map of format 0.0
}

func (p *pax) reset() { p.paxFields = paxFields{} }

func badPax() error { return &damage{what: "an extended header of its tar archive is damaged"} }

// parse reads records of the form "length key=value\n". A later header takes
// the place of an earlier one.
func (p *pax) parse() error {
	p.reset()
	p.present = true
	for b := p.data; len(b) > 0; {
		space := bytes.IndexByte(b, ' ')
		if space < 0 {
			return badPax()
		}
		n, err := strconv.ParseInt(string(b[:space]), 10, 64)
		if err != nil || n < 5 || n > int64(len(b)) || n <= int64(space)+1 || b[n-1] != '\n' {
			return badPax()
		}
		key, value, ok := bytes.Cut(b[space+1:n-1], []byte("="))
		if !ok || len(key) == 0 || !p.set(string(key), value) {
			return badPax()
		}
		b = b[n:]
	}
	return nil
}

func (p *pax) set(key string, value []byte) bool {
	switch key {
	case "path":
		p.path = value
	case "linkpath":
		p.link = value
	case "uname", "gname":
		return bytes.IndexByte(value, 0) < 0
	case "size":
		p.size = value
	case "GNU.sparse.major":
		p.sparseMajor = value
	case "GNU.sparse.minor":
		p.sparseMinor = value
	case "GNU.sparse.name":
		p.sparseName = value
	case "GNU.sparse.size":
		p.sparseSize = value
	case "GNU.sparse.realsize":
		p.sparseReal = value
	case "GNU.sparse.map":
		p.sparseMap = len(value) > 0
	case "GNU.sparse.offset", "GNU.sparse.numbytes":
		isOffset := key == "GNU.sparse.offset"
		if isOffset != (p.offsets%2 == 0) || bytes.IndexByte(value, ',') >= 0 {
			return false
		}
		p.offsets++
	default:
		return bytes.IndexByte([]byte(key), 0) < 0
	}
	return true
}

// apply puts the fields into h, all but those of sparse files. An empty value
// leaves the header's.
func (p *pax) apply(h *header) error {
	if !p.present {
		return nil
	}
	if len(p.path) > 0 {
		h.name = p.path
	}
	if len(p.link) > 0 {
		h.link = p.link
	}
	if len(p.size) > 0 {
		n, err := strconv.ParseInt(string(p.size), 10, 64)
		if err != nil {
			return badPax()
		}
		h.size = n
	}
	return nil
}

// applySparse looks whether the content is in one of GNU's sparse formats 0.0,
// 0.1 and 1.0 (GNU tar manual, "Storing Sparse Files").
func (p *pax) applySparse(h *header) error {
	if !p.present || !p.isSparse() {
		return nil
	}
	if !h.hasContent() {
		return badPax()
	}
	h.sparse = true
	if len(p.sparseName) > 0 {
		h.name = p.sparseName
	}
	size := p.sparseSize
	if len(size) == 0 {
		size = p.sparseReal
	}
	if len(size) > 0 {
		n, err := strconv.ParseInt(string(size), 10, 64)
		if err != nil || n < 0 {
			return badPax()
		}
		h.size = n
	}
	return nil
}

func (p *pax) isSparse() bool {
	switch version := string(p.sparseMajor) + "." + string(p.sparseMinor); version {
	case "0.0", "0.1", "1.0":
		return true
	case ".":
		return p.sparseMap || p.offsets > 0
	}
	return false
}
