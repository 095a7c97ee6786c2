package layer

import (
	"io"
	"io/fs"
)

// File is a file of the layer that an extractor asked for, whole, in memory or
// in a temporary file.
type File struct {
	Path    string // clean, without a leading slash
	Info    fs.FileInfo
	Content io.ReaderAt
	Size    int64
}

// Reader reads the file from its first byte.
func (f *File) Reader() *io.SectionReader { return io.NewSectionReader(f.Content, 0, f.Size) }
