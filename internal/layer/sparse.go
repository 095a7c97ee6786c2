package layer

import (
	"archive/tar"
	"bytes"
	"io"
)

// oldSparse reads the headers of GNU's old sparse format: the map of the file's
// data begins in its header, and blocks that the size does not count continue
// it.
func (t *tarReader) oldSparse(h *header) error {
	size, ok := number(t.block[483:495])
	if !ok || size < 0 || formatOf(&t.block) != formatGNU {
		return &damage{what: "the header of a sparse file in its tar archive is damaged"}
	}
	h.kind, h.sparse, h.size = tarRegular, true, size
	var block [tarBlock]byte
	for more := t.block[482]; more != 0; more = block[504] {
		if err := t.in.full(block[:]); err != nil {
			return tarEnds(err)
		}
		t.extension = append(t.extension, block[:]...)
		if len(t.extension) > tarSpecialMax {
			return &damage{what: "the map of a sparse file in its tar archive is longer than 1 MiB"}
		}
	}
	return nil
}

// sparseContent reads a sparse file with its holes. Such files are rare, so
// archive/tar does it, over the headers that were read and the content that
// was not.
func (t *tarReader) sparseContent() (io.Reader, error) {
	var headers []byte
	if t.pax.present {
		headers = append(headers, t.pax.block[:]...)
		headers = append(headers, t.pax.data...)
		headers = append(headers, make([]byte, padding(int64(len(t.pax.data))))...)
	}
	headers = append(headers, t.block[:]...)
	headers = append(headers, t.extension...)
	r := tar.NewReader(io.MultiReader(bytes.NewReader(headers), t))
	if _, err := r.Next(); err != nil {
		return nil, err
	}
	return r, nil
}
