package layer

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/seaworthy-dev/seaworthy"
)

// sample is a layer with something of everything.
func sample(t testing.TB) []byte {
	noise := make([]byte, 40<<10)
	for i, r := 0, rand.New(rand.NewPCG(1, 2)); i < len(noise); i++ {
		noise[i] = byte(r.Uint32())
	}
	return archive(t, dir("a"), file("a/pkg.txt", "one\ntwo"), symlink("s", "a"), file("noise", string(noise)),
		executable("bin/tool", "#go tool"), hardlink("bin/again", "bin/tool"), file(".wh.gone", ""), file("last", strings.Repeat("z", 3000)))
}

func TestAnalyseReadsEachCompression(t *testing.T) {
	t.Parallel()
	plain := sample(t)
	half := len(plain) / 2
	var joined, frames []byte
	joined = append(append(joined, gzipped(t, plain[:half])...), gzipped(t, plain[half:])...)
	frames = append(frames, 0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 'n', 'o', 't', 'e') // a skippable frame
	frames = append(append(frames, zstandard(t, plain[:half])...), zstandard(t, plain[half:])...)
	want := viewOf(analyse(t, analyser(t), plain))
	if len(want.Records) != 3 || len(want.Entries) != 8 {
		t.Fatalf("plain layer has %d records and %d entries, want 3 and 8", len(want.Records), len(want.Entries))
	}
	for name, stored := range map[string][]byte{
		"gzip":                        gzipped(t, plain),
		"gzip of two members":         joined,
		"gzip with an empty member":   append(gzipped(t, plain), gzipped(t, nil)...),
		"zstd":                        zstandard(t, plain),
		"zstd of several frames":      frames,
		"garbage after the end":       append(bytes.Clone(plain), "garbage"...),
		"garbage after the end, gzip": gzipped(t, append(bytes.Clone(plain), strings.Repeat("garbage", 1e5)...)),
		"without an end":              plain[:len(plain)-2*tarBlock],
		"with half an end":            plain[:len(plain)-tarBlock],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, mediaType := range []string{"", "application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.oci.image.layer.v1.tar+zstd"} {
				layer, _ := blob(stored)
				layer.MediaType = mediaType
				c, err := analyser(t).Analyse(t.Context(), layer, nil)
				if err != nil {
					t.Fatalf("%s: %v", mediaType, err)
				}
				if d := diff(want, viewOf(c)); d != "" {
					t.Errorf("%s: contents (-want +got):\n%s", mediaType, d)
				}
			}
		})
	}
}

func TestAnalyseOfNothing(t *testing.T) {
	t.Parallel()
	for name, stored := range map[string][]byte{"no bytes": nil, "an end": make([]byte, 1024), "gzip": gzipped(t, nil), "zstd": zstandard(t, nil)} {
		c := analyse(t, analyser(t), stored)
		if d := diff(view{}, viewOf(c)); d != "" {
			t.Errorf("%s: contents (-want +got):\n%s", name, d)
		}
	}
}

func TestAnalyseOfDamage(t *testing.T) {
	t.Parallel()
	plain := sample(t)
	gz, zs := gzipped(t, plain), zstandard(t, plain)
	flipped := func(b []byte, at int) []byte {
		b = bytes.Clone(b)
		b[at] ^= 0x10
		return b
	}
	for name, test := range map[string]struct {
		stored    []byte
		mediaType string
		want      string
		code      seaworthy.Code
	}{
		"gzip header":           {gz[:7], "", "its gzip stream ends early", seaworthy.CodeCorrupt},
		"gzip in the middle":    {gz[:len(gz)/2], "", "its gzip stream ends early", seaworthy.CodeCorrupt},
		"gzip trailer":          {gz[:len(gz)-1], "", "its gzip stream ends early", seaworthy.CodeCorrupt},
		"gzip checksum":         {flipped(gz, len(gz)-6), "", "the checksum of its gzip stream is wrong", seaworthy.CodeCorrupt},
		"gzip length":           {flipped(gz, len(gz)-2), "", "the checksum of its gzip stream is wrong", seaworthy.CodeCorrupt},
		"gzip and garbage":      {append(bytes.Clone(gz), "garbage garbage"...), "", "its gzip stream is damaged", seaworthy.CodeCorrupt},
		"zstd in the middle":    {zs[:len(zs)/2], "", "its zstd stream ends early", seaworthy.CodeCorrupt},
		"zstd checksum":         {flipped(zs, len(zs)-1), "", "the checksum of its zstd stream is wrong", seaworthy.CodeCorrupt},
		"tar in a header":       {plain[:700], "", "its tar archive ends early", seaworthy.CodeCorrupt},
		"tar in a file":         {plain[:20<<10], "", "its tar archive ends early", seaworthy.CodeCorrupt},
		"tar header":            {flipped(plain, tarBlock+3), "", "a header of its tar archive is damaged, or it is no tar archive", seaworthy.CodeCorrupt},
		"no tar":                {[]byte(strings.Repeat("<html>", 200)), "", "a header of its tar archive is damaged, or it is no tar archive", seaworthy.CodeCorrupt},
		"a short text":          {[]byte("{}"), "", "its tar archive ends early", seaworthy.CodeCorrupt},
		"zeros before files":    {append(make([]byte, tarBlock), plain...), "", "its tar archive has a block of zeros between its headers", seaworthy.CodeCorrupt},
		"xz":                    {[]byte("\xfd7zXZ\x00\x00\x04"), "", "it is compressed with xz", seaworthy.CodeInvalid},
		"bzip2":                 {[]byte("BZh91AY&SY"), "", "it is compressed with bzip2", seaworthy.CodeInvalid},
		"an encrypted layer":    {[]byte(strings.Repeat("\x80noise", 200)), "application/vnd.oci.image.layer.v1.tar+gzip+encrypted", "it is encrypted", seaworthy.CodeInvalid},
		"a link to an x header": {append(paxHeader("no length\n"), plain...), "", "an extended header of its tar archive is damaged", seaworthy.CodeCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			layer, _ := blob(test.stored)
			layer.MediaType = test.mediaType
			_, err := analyser(t).Analyse(t.Context(), layer, nil)
			if seaworthy.CodeOf(err) != test.code {
				t.Fatalf("error = %v, want the code %s", err, test.code)
			}
			if !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), layer.Digest.Short()) {
				t.Errorf("error = %v, want %q and the layer's digest in it", err, test.want)
			}
		})
	}
}

// paxHeader is an extended header with any data, followed by nothing.
func paxHeader(data string) []byte {
	b := make([]byte, 2*tarBlock)
	copy(b, "pax")
	copy(b[124:], "00000000000")
	for i, n := 134, len(data); n > 0; i, n = i-1, n/8 {
		b[i] = byte('0' + n%8)
	}
	b[156] = tarPax
	copy(b[257:], "ustar\x0000")
	checksum(b[:tarBlock])
	copy(b[tarBlock:], data)
	return b
}

// checksum makes a header's checksum right.
func checksum(b []byte) {
	copy(b[148:156], "        ")
	sum := 0
	for _, c := range b {
		sum += int(c)
	}
	for i := 153; i >= 148; i, sum = i-1, sum/8 {
		b[i] = byte('0' + sum%8)
	}
	b[154] = 0
}

// A layer cut at any of 16 places is corrupt or, if the cut is at the border of
// two entries of a plain archive, that much of the layer.
func TestAnalyseOfTruncation(t *testing.T) {
	t.Parallel()
	plain := sample(t)
	for name, stored := range map[string][]byte{"plain": plain, "gzip": gzipped(t, plain), "zstd": zstandard(t, plain)} {
		for i := 1; i < 16; i++ {
			at := len(stored) * i / 16
			layer, _ := blob(stored[:at])
			_, err := analyser(t).Analyse(t.Context(), layer, nil)
			if name == "plain" && err == nil && at%tarBlock == 0 {
				continue
			}
			if seaworthy.CodeOf(err) != seaworthy.CodeCorrupt {
				t.Errorf("%s cut at %d of %d: error = %v, want corrupt", name, at, len(stored), err)
			}
		}
	}
}

// No flipped bit of a compressed layer goes by: the checksums see to it.
func TestAnalyseOfFlippedBits(t *testing.T) {
	t.Parallel()
	plain := sample(t)
	want := viewOf(analyse(t, analyser(t), plain))
	for name, stored := range map[string][]byte{"gzip": gzipped(t, plain), "zstd": zstandard(t, plain)} {
		failed := 0
		for at := 0; at < len(stored); at += 397 {
			b := bytes.Clone(stored)
			b[at] ^= 1 << (at % 8)
			layer, _ := blob(b)
			c, err := analyser(t).Analyse(t.Context(), layer, nil)
			if err != nil {
				failed++
				continue
			}
			if d := diff(want, viewOf(c)); d != "" {
				t.Errorf("%s: a bit flipped at %d changed the contents (-want +got):\n%s", name, at, d)
			}
		}
		if failed < len(stored)/397-2 {
			t.Errorf("%s: only %d of %d flips were found", name, failed, len(stored)/397)
		}
	}
}

// faulty gives b and then err.
type faulty struct {
	io.Reader
	err    error
	closed *bool
}

func (f faulty) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err == io.EOF {
		err = f.err
	}
	return n, err
}

func (f faulty) Close() error { *f.closed = true; return nil }

// What the blob's reader says comes before what its bytes made the decoder say.
func TestAnalyseTellsTheReadersError(t *testing.T) {
	t.Parallel()
	plain := sample(t)
	gz := gzipped(t, plain)
	wrong := &seaworthy.Error{Code: seaworthy.CodeProtocol, Public: "wrong digest"}
	for name, stored := range map[string][]byte{
		"a whole layer": gz, "plain": plain, "zstd": zstandard(t, plain), "cut": gz[:len(gz)/2], "cut in the header": gz[:5], "nothing": nil,
		"damage and much behind it": append([]byte("\x1f\x8b\x08garbage"), make([]byte, 10*runBytes)...),
		"damage in tar":             append(make([]byte, tarBlock), plain...),
	} {
		layer, _ := blob(stored)
		closed := false
		layer.Open = func(context.Context) (io.ReadCloser, error) {
			return faulty{bytes.NewReader(stored), wrong, &closed}, nil
		}
		_, err := analyser(t).Analyse(t.Context(), layer, nil)
		if !errors.Is(err, wrong) || seaworthy.CodeOf(err) != seaworthy.CodeProtocol {
			t.Errorf("%s: error = %v, want the reader's", name, err)
		}
		if !closed {
			t.Errorf("%s: the blob was not closed", name)
		}
	}
	layer := Blob{Open: func(context.Context) (io.ReadCloser, error) { return nil, wrong }}
	if _, err := analyser(t).Analyse(t.Context(), layer, nil); !errors.Is(err, wrong) {
		t.Errorf("error = %v, want that of Open", err)
	}
	layer.Open = func(context.Context) (io.ReadCloser, error) { return io.NopCloser(idle{}), nil }
	if _, err := analyser(t).Analyse(t.Context(), layer, nil); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("error = %v, want that of a reader that gives nothing", err)
	}
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

func TestAnalyseHoldsLimits(t *testing.T) {
	t.Parallel()
	zeros := func(n int64) []byte {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		if err := w.WriteHeader(&tar.Header{Name: "zeros", Size: n}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(make([]byte, n)); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	many := make([]entry, 100)
	for i := range many {
		many[i] = dir("d" + strings.Repeat("x", i))
	}
	bomb := gzipped(t, zeros(66<<20))
	for name, test := range map[string]struct {
		stored []byte
		set    string
		limit  string
	}{
		"bytes":              {archive(t, file("a", strings.Repeat("x", 1<<20))), "layer-bytes=1MiB", seaworthy.LimitLayerBytes},
		"bytes behind":       {append(archive(t), make([]byte, 2<<20)...), "layer-bytes=1MiB", seaworthy.LimitLayerBytes},
		"bytes of holes":     {oldSparse("a", 5<<30, 0, "0123"), "layer-bytes=4GiB", seaworthy.LimitLayerBytes},
		"bytes of all holes": {append(oldSparse("a", 5<<30, 0, "0123"), oldSparse("b", 5<<30, 0, "0123")...), "layer-bytes=8GiB", seaworthy.LimitLayerBytes},
		"ratio":              {bomb, "layer-ratio=200", seaworthy.LimitLayerRatio},
		"ratio, zstd":        {zstandard(t, zeros(66<<20)), "layer-ratio=200", seaworthy.LimitLayerRatio},
		"entries":            {archive(t, many...), "layer-entries=99", seaworthy.LimitLayerEntries},
		"a path":             {archive(t, file(strings.Repeat("p", 101), "")), "path-bytes=100", seaworthy.LimitPathBytes},
		"a target":           {archive(t, symlink("a", strings.Repeat("p", 101))), "path-bytes=100", seaworthy.LimitPathBytes},
		"packages":           {archive(t, file("a/pkg.txt", "1\n2\n3"), file("b/pkg.txt", "1\n2\n3")), "packages=5", seaworthy.LimitPackages},
		"packages of links":  {archive(t, executable("a", "#go a"), hardlink("b", "a"), hardlink("c", "a")), "packages=2", seaworthy.LimitPackages},
		"a zstd window":      {zstandard(t, zeros(2<<20), zstd.WithWindowSize(1<<20)), "zstd-window=512KiB", seaworthy.LimitZstdWindow},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := analyser(t)
			if err := a.Limits.Set(test.set); err != nil {
				t.Fatal(err)
			}
			layer, _ := blob(test.stored)
			_, err := a.Analyse(t.Context(), layer, nil)
			over, ok := errors.AsType[*seaworthy.LimitError](err)
			if !ok || over.Limit != test.limit {
				t.Fatalf("error = %v, want the limit %s", err, test.limit)
			}
			if !strings.Contains(err.Error(), layer.Digest.Short()) {
				t.Errorf("error = %v, want the layer's digest in it", err)
			}
		})
	}
}

// What stays within each limit passes: entries that share a path, 64 MiB of
// blanks at any ratio, packages that were overwritten.
func TestAnalyseWithinLimits(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		stored []byte
		set    string
	}{
		"bytes":    {archive(t, file("a", strings.Repeat("x", 1<<20))), "layer-bytes=1050112"},
		"ratio":    {gzipped(t, archive(t, file("a", strings.Repeat("x", 63<<20)))), "layer-ratio=1"},
		"entries":  {archive(t, file("a", ""), file("a", "")), "layer-entries=2"},
		"paths":    {archive(t, file(strings.Repeat("p", 100), ""), symlink("l", strings.Repeat("p", 100))), "path-bytes=100"},
		"packages": {archive(t, file("pkg.txt", "1\n2\n3"), file("pkg.txt", "1\n2\n3")), "packages=3"},
	} {
		a := analyser(t)
		if err := a.Limits.Set(test.set); err != nil {
			t.Fatal(err)
		}
		layer, _ := blob(test.stored)
		if _, err := a.Analyse(t.Context(), layer, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A list of paths that share nothing does not grow without bound.
func TestAnalyseBoundsPaths(t *testing.T) {
	t.Parallel()
	var entries []entry
	for i := range 400 {
		entries = append(entries, symlink(string(rune('a'+i%26)), strings.Repeat("p", 4000)))
	}
	a := analyser(t)
	a.Limits.LayerEntries = 1000
	layer, _ := blob(archive(t, entries...))
	_, err := a.Analyse(t.Context(), layer, nil)
	if over, ok := errors.AsType[*seaworthy.LimitError](err); !ok || over.Limit != seaworthy.LimitLayerEntries {
		t.Errorf("error = %v, want the limit of entries", err)
	}
}

// stuck gives b and then blocks until its context ends.
type stuck struct {
	ctx context.Context
	in  *bytes.Reader
}

func (s stuck) Read(p []byte) (int, error) {
	if s.in.Len() > 0 {
		return s.in.Read(p)
	}
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

// The bubble fails if a goroutine is left.
func TestAnalyseEndsWithItsContext(t *testing.T) {
	t.Parallel()
	stored := gzipped(t, sample(t))
	for _, have := range []int{0, 5, len(stored) / 2, len(stored)} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			layer, _ := blob(stored)
			layer.Open = func(ctx context.Context) (io.ReadCloser, error) {
				return io.NopCloser(stuck{ctx, bytes.NewReader(stored[:have])}), nil
			}
			start := time.Now()
			_, err := analyser(t).Analyse(ctx, layer, nil)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("with %d bytes: error = %v, want the context's", have, err)
			}
			if late := time.Since(start) - time.Hour; late > 100*time.Millisecond {
				t.Errorf("with %d bytes: ended %v late", have, late)
			}
		})
	}
}

// endless is a tar stream that never ends and never waits.
type endless struct{ block []byte }

func (e endless) Read(p []byte) (n int, err error) {
	for len(p)-n >= len(e.block) {
		n += copy(p[n:], e.block)
	}
	return n, nil
}

func TestAnalyseEndsAmidWork(t *testing.T) {
	t.Parallel()
	header := archive(t, dir("d"))[:tarBlock]
	ctx, cancel := context.WithCancel(t.Context())
	layer := Blob{Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(endless{header}), nil }}
	var p stopper
	p.stop = cancel
	_, err := analyser(t).Analyse(ctx, layer, &p)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want the context's", err)
	}
}

// A layer that was read whole, and unpacks to much more, ends as well.
func TestAnalyseEndsAmidUnpacking(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	layer, _ := blob(gzipped(t, archive(t, file("zeros", strings.Repeat("\x00", 4<<20)), file("last", ""))))
	asked := false
	x := scripted{format: "x", wants: func(p string, _ fs.FileInfo) bool {
		asked = asked || p == "last"
		return false
	}}
	_, err := analyser(t, x).Analyse(ctx, layer, &stopper{stop: cancel, n: 9})
	if !errors.Is(err, context.Canceled) || asked {
		t.Errorf("error = %v, want the context's; it unpacked to the end: %t", err, asked)
	}
}

type stopper struct {
	silent
	stop context.CancelFunc
	n    int
}

func (s *stopper) Bytes(int) {
	if s.n++; s.n == 10 {
		s.stop()
	}
}

// Errors, limits and ends leave no goroutine behind and no file.
func TestAnalyseLeavesNothing(t *testing.T) {
	t.Parallel()
	big := strings.Repeat(strings.Repeat("x", 999)+"\n", memoryBytes/900)
	layers := map[string][]byte{
		"whole":   archive(t, file("pkg.txt", big), executable("tool", "#go "+big), hardlink("b/pkg.txt", "pkg.txt")),
		"corrupt": append(archive(t, file("pkg.txt", big)), 1)[:2*tarBlock+len(big)],
		"limit":   archive(t, file("pkg.txt", big), file(strings.Repeat("p", 5000), "")),
	}
	for name, stored := range layers {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			a := analyser(t)
			a.TempDir = dir
			layer, _ := blob(append(stored, bytes.Repeat([]byte("rest"), 5*runBytes)...))
			_, err := a.Analyse(t.Context(), layer, nil)
			if (err == nil) != (name == "whole") {
				t.Errorf("%s: error = %v", name, err)
			}
		})
		left, err := os.ReadDir(dir)
		if err != nil || len(left) > 0 {
			t.Errorf("%s: the temporary folder holds %v, %v", name, left, err)
		}
	}
}

func TestAnalyseClosesFiles(t *testing.T) {
	t.Parallel()
	var held io.ReaderAt
	x := scripted{"x", named("big"), func(_ context.Context, f *File) (seaworthy.Record, error) {
		held = f.Content
		return seaworthy.Record{}, nil
	}}
	analyse(t, analyser(t, x), archive(t, file("big", strings.Repeat("x", memoryBytes+1))))
	if _, err := held.ReadAt(make([]byte, 1), 0); !errors.Is(err, os.ErrClosed) {
		t.Errorf("reading a file afterwards gives %v, want that it is closed", err)
	}
}

// A full disk is no property of the layer: it is an error, not a gap.
func TestAnalyseWithoutDisk(t *testing.T) {
	t.Parallel()
	a := analyser(t)
	a.TempDir = t.TempDir() + "/missing"
	layer, _ := blob(archive(t, file("pkg.txt", strings.Repeat("line\n", memoryBytes))))
	if _, err := a.Analyse(t.Context(), layer, nil); !errors.Is(err, os.ErrNotExist) || seaworthy.CodeOf(err) != seaworthy.CodeInternal {
		t.Errorf("error = %v, want that of the temporary folder", err)
	}
}
