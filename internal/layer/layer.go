// Package layer reads one layer of an image, as a stream, once, and says what
// it holds: the packages its files name and what its entries do to the layers
// below ([seaworthy.Contents]). It knows nothing of other layers; package image
// merges them.
//
// The stream is hostile input. Limits bound its bytes, entries, ratio and
// paths; passing one ends the analysis with a *seaworthy.LimitError. A file that
// cannot be read is a gap in the contents and nothing else. Nothing is written
// to disk but files too large to keep in memory, in unlinked temporary files.
package layer

import (
	"context"
	"io"
	"io/fs"

	"github.com/seaworthy-dev/seaworthy"
)

// Version is the analyser's version. Contents are kept by layer digest and this
// number: raise it with each change that can change a layer's contents.
const Version = 1

// Blob is the layer to read.
type Blob struct {
	Digest    seaworthy.Digest
	MediaType string
	Size      int64

	// Open starts the layer's stream as stored, from its first byte. Reading to
	// io.EOF verifies it. It is called a second time in the rare case that a hard
	// link turns out to name a file that was not kept. A Read that blocks must
	// return when the context ends: the analysis waits for it.
	Open func(context.Context) (io.ReadCloser, error)
}

// Progress is told of work as it happens, from several goroutines. Its methods
// must be quick.
type Progress interface {
	Bytes(n int)    // stored bytes read; those of a second reading are not counted again
	Packages(n int) // packages found
}

// Extractor reads files of one format. Its methods may run at the same time, for
// several layers.
type Extractor interface {
	Format() seaworthy.Format

	// Wants reports whether a file of this name may be of the format. Path is
	// clean, without a leading slash. It decides by name and mode alone; info is
	// valid during the call only, and its size is 0 for a hard link.
	Wants(path string, info fs.FileInfo) bool

	// Extract reads the file, which is valid until it returns. An error becomes a
	// gap with its text as the reason. A record that says nothing, without an
	// error, means that the file is not of the format after all.
	Extract(ctx context.Context, f *File) (seaworthy.Record, error)
}

// Sniffer is an Extractor that recognises files by their first bytes, whatever
// their name. Wants of a Sniffer selects candidates, such as executables.
type Sniffer interface {
	Extractor

	// Sniff decides by the first bytes, at least 16 unless the file is shorter.
	// They are valid during the call only.
	Sniff(head []byte) bool
}
