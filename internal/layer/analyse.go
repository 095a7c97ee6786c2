package layer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"unicode/utf8"

	"github.com/seaworthy-dev/seaworthy"
)

// Analyser reads layers. It may read several at once; what it reuses between
// them is a few MiB for each. It must not be copied after its first use.
type Analyser struct {
	Extractors []Extractor
	Limits     seaworthy.Limits
	TempDir    string // for files too large for memory; "" is the system's

	runs      sync.Pool // of *[runBytes]byte
	inflaters sync.Pool // of *inflater
	memory    sync.Pool // of *[]byte
}

// Analyse reads a layer once, as a stream, and in the rare case of hard links to
// files that were not kept, a second time. The layer's bytes are verified by the
// blob's reader to their end. p may be nil.
//
// Bytes that are no layer are an error with the code corrupt; if the blob's
// reader says that they are not the right bytes, its error comes first. Files
// that cannot be read are gaps. Entries keep names as bytes; records, links and
// gaps are text, so that a file of interest whose name is not UTF-8 is a gap.
func (a *Analyser) Analyse(ctx context.Context, b Blob, p Progress) (*seaworthy.Contents, error) {
	if p == nil {
		p = silent{}
	}
	r := &analysis{
		a: a, blob: b, progress: p, name: "layer " + b.Digest.Short(), readers: a.readers(),
		found: found{limits: a.Limits, what: "layer " + b.Digest.Short()},
	}
	if err := r.walk(ctx, p.Bytes, r.visitor(ctx)); err != nil {
		return nil, err
	}
	r.resolve()
	links := r.outsideLinks()
	if err := r.readLinks(ctx); err != nil {
		return nil, err
	}
	c := &seaworthy.Contents{Entries: r.entries, Links: links, Size: r.stored, Unpacked: r.unpacked}
	c.Records, c.Gaps = r.found.list()
	c.Limited = r.found.limited
	return c, nil
}

type silent struct{}

func (silent) Bytes(int)    {}
func (silent) Packages(int) {}

// analysis is the reading of one layer.
type analysis struct {
	a        *Analyser
	blob     Blob
	progress Progress
	name     string
	readers  []*reader

	entries          seaworthy.Entries
	found            found
	links            []*link
	linkAt           map[string]*link // the last of each path
	linkBytes        int64
	stored, unpacked int64
	leftBytes        int64 // memory of extractors that were left behind

	info    info
	scratch []*reader
	head    []byte // first bytes of a file's content that were read before the rest
}

// errEnough ends a walk that has seen what it wanted.
var errEnough = errors.New("enough")

// visit is called for each entry; the content can be read while it lasts.
type visit func(*tarReader, *header, placed) error

// walk reads the layer from its first byte to its last.
func (r *analysis) walk(ctx context.Context, told func(int), see visit) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	rc, err := r.blob.Open(inner)
	if err != nil {
		return fmt.Errorf("open %s: %w", r.name, err)
	}
	in := newReadAhead(inner, cancel, &r.a.runs, rc, told)
	defer in.close()
	err = r.verdict(in, r.unpack(ctx, in, see))
	if ctx.Err() != nil {
		return fmt.Errorf("analyse %s: %w", r.name, context.Cause(ctx))
	}
	r.stored = in.count.Load()
	return err
}

// verdict turns the end of a walk into an error for the caller. A stream that
// cannot be unpacked is read to its end nevertheless: if it is not the right
// stream at all, that is the cause.
func (r *analysis) verdict(in *readAhead, err error) error {
	broken, isDamage := errors.AsType[*damage](err)
	if err == nil || errors.Is(err, errEnough) || isDamage {
		if err := in.drain(); err != nil {
			return fmt.Errorf("read %s: %w", r.name, err)
		}
		if !isDamage {
			return nil
		}
		return r.corrupt(broken)
	}
	if _, ok := errors.AsType[*seaworthy.LimitError](err); ok {
		return err
	}
	return fmt.Errorf("read %s: %w", r.name, err)
}

func (r *analysis) corrupt(d *damage) error {
	if d.unsupported {
		return &seaworthy.Error{Code: seaworthy.CodeInvalid, Public: r.name + " cannot be read: " + d.what, Err: d}
	}
	return &seaworthy.Error{
		Code: seaworthy.CodeCorrupt, Public: r.name + " is corrupt: " + d.what,
		Hint: "it is stored as it was pushed, so build and push the image again", Err: d,
	}
}

// unpack goes through the entries, and then to the end of the stream.
func (r *analysis) unpack(ctx context.Context, in *readAhead, see visit) error {
	d, err := r.a.decompress(in, r.blob)
	if err != nil {
		return err
	}
	defer d.close()
	budget := &budget{limits: r.a.Limits, what: r.name, size: r.blob.Size, stored: &in.count}
	u := &unpacker{from: d, admit: func(total int64) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return budget.admit(total)
	}}
	t := &tarReader{in: u}
	for {
		h, err := t.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if err := budget.entry(h); err != nil {
			return err
		}
		if err := see(t, h, place(h)); err != nil {
			return err
		}
	}
	err = u.drain()
	r.unpacked = u.total
	return err
}

// visitor is the first reading: it lists entries and reads what is wanted.
func (r *analysis) visitor(ctx context.Context) visit {
	return func(t *tarReader, h *header, p placed) error {
		if p.refused != "" {
			r.found.refuse(string(h.name), p.refused)
			return nil
		}
		if p.Kind == 0 {
			return nil
		}
		r.entries.Add(p.Entry)
		if err := r.fits(); err != nil {
			return err
		}
		if p.marker {
			return nil
		}
		r.forget(p.Path)
		switch {
		case h.kind == tarLink:
			return r.link(h, p)
		case h.isFile():
			return r.file(ctx, t, h, p.Path)
		}
		return nil
	}
}

// entryBytes bounds what is remembered of entries. Their paths take some 20
// bytes each, packed; a hostile layer's can take thousands.
const entryBytes = 64

func (r *analysis) fits() error {
	most := 1<<20 + entryBytes*r.a.Limits.LayerEntries
	if int64(len(r.entries.Packed()))+r.linkBytes > most {
		return r.a.Limits.Exceeded(seaworthy.LimitLayerEntries,
			fmt.Sprintf("the list of paths in %s, at %d bytes an entry,", r.name, entryBytes))
	}
	return nil
}

// forget drops what an earlier entry of the path gave.
func (r *analysis) forget(path string) {
	r.found.forget(path)
	if l := r.linkAt[path]; l != nil {
		l.stale = true
		delete(r.linkAt, path)
	}
}

// file reads a regular file if an extractor wants it.
func (r *analysis) file(ctx context.Context, t *tarReader, h *header, path string) error {
	r.info = info{name: path, size: h.size, mode: h.mode, modified: h.modified}
	r.head = r.head[:0]
	wanted := r.wanting(&r.info)
	if len(wanted) == 0 {
		return nil
	}
	var err error
	if !h.sparse {
		if wanted, err = r.sniffStream(t, wanted); err != nil || len(wanted) == 0 {
			return err
		}
	}
	k, refused, err := r.keep(t, h)
	if err != nil {
		return err
	}
	if refused != "" {
		r.found.limited = true
		for _, x := range wanted {
			r.found.fail(path, x.format, refused)
		}
		return nil
	}
	defer k.release()
	if h.sparse {
		wanted = r.sniffKept(k, path, h.size, wanted)
	}
	return r.extractAll(ctx, wanted, &r.info, k)
}

// wanting asks the extractors for a file by its name. The list is valid until
// the next call.
func (r *analysis) wanting(i *info) []*reader {
	wanted, err := wanting(r.scratch[:0], r.readers, i)
	r.scratch = wanted[:0]
	if err == nil && len(wanted) > 0 && !utf8.ValidString(i.name) {
		err = errors.New("its name is not UTF-8")
	}
	if err != nil {
		r.found.fail(i.name, "", err.Error())
		return nil
	}
	return wanted
}

// sniffStream looks at the first bytes before a file is kept.
func (r *analysis) sniffStream(t *tarReader, wanted []*reader) ([]*reader, error) {
	if !anySniffer(wanted) {
		return wanted, nil
	}
	if r.head == nil {
		r.head = make([]byte, 0, headBytes)
	}
	r.head = r.head[:min(headBytes, t.left)]
	if _, err := io.ReadFull(t, r.head); err != nil {
		return nil, err
	}
	return r.sniff(r.info.name, r.head, wanted), nil
}

// sniffKept looks at the first bytes of a kept file.
func (r *analysis) sniffKept(k *kept, path string, size int64, wanted []*reader) []*reader {
	if !anySniffer(wanted) {
		return wanted
	}
	head := make([]byte, min(headBytes, size))
	if _, err := k.content.ReadAt(head, 0); err != nil && err != io.EOF {
		r.found.fail(path, "", err.Error())
		return nil
	}
	return r.sniff(path, head, wanted)
}

func (r *analysis) sniff(path string, head []byte, wanted []*reader) []*reader {
	wanted, err := sniffing(wanted, head)
	if err != nil {
		r.found.fail(path, "", err.Error())
		return nil
	}
	return wanted
}

// keep takes a file's content, of which r.head was read before, or says why
// not.
func (r *analysis) keep(t *tarReader, h *header) (k *kept, refused string, err error) {
	limits := &r.a.Limits
	switch {
	case h.size > limits.FileBytes:
		return nil, limits.Exceeded(seaworthy.LimitFileBytes, "its size").Error(), nil
	case h.size+r.leftBytes > limits.KeptBytes:
		return nil, limits.Exceeded(seaworthy.LimitKeptBytes, "its size, with other files in use,").Error(), nil
	case h.sparse:
		return r.keepSparse(t, h)
	}
	k, err = r.a.keep(r.head, t, h.size)
	return k, "", err
}

// keepSparse lets a map that makes no sense be the file's fault.
func (r *analysis) keepSparse(t *tarReader, h *header) (k *kept, refused string, err error) {
	content, err := t.sparseContent()
	if err == nil {
		k, err = r.a.keepAll(content, h.size)
	}
	switch {
	case t.err != nil:
		return nil, "", t.err
	case errors.Is(err, errTemporary):
		return nil, "", err
	case err != nil:
		return nil, "it is stored as a sparse file whose map is damaged", nil
	}
	return k, "", nil
}

// extractAll lets extractors read a file.
func (r *analysis) extractAll(ctx context.Context, wanted []*reader, i *info, k *kept) error {
	for _, x := range wanted {
		own := *i
		e := r.a.extract(ctx, x, &File{Path: i.name, Info: &own, Content: k.content, Size: i.size})
		if e.left && !k.left {
			k.left = true
			r.leftBytes += i.size
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if e.err != nil {
			r.found.fail(i.name, x.format, e.err.Error())
			_, limit := errors.AsType[*seaworthy.LimitError](e.err)
			r.found.limited = r.found.limited || limit
		}
		e.record.Format = x.format
		if saysNothing(e.record) || e.err != nil && isEmpty(e.record) {
			continue // beside an error, what was read until then counts
		}
		if err := r.found.add(i.name, e.record); err != nil {
			return err
		}
		if n := len(e.record.Packages); n > 0 {
			r.progress.Packages(n)
		}
	}
	return nil
}

// saysNothing is true of a file that turned out to be of another kind. An empty
// database of an operating system is a statement: nothing is installed.
func saysNothing(rec seaworthy.Record) bool {
	switch rec.Format {
	case seaworthy.RecordDpkg, seaworthy.RecordDpkgPart, seaworthy.RecordDpkgFiles, seaworthy.RecordAPK,
		seaworthy.RecordRPM, seaworthy.RecordOSRelease:
		return false
	}
	return isEmpty(rec)
}

func isEmpty(rec seaworthy.Record) bool {
	return len(rec.Packages) == 0 && len(rec.Owns) == 0 && len(rec.OSRelease) == 0
}
