package inflate

import (
	"bytes"
	stdlib "compress/gzip"
	"io"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// BenchmarkGzip compares this package with the general ones.
func BenchmarkGzip(b *testing.B) {
	content := layerLike(16 << 20)
	packed := gzipped(b, content, 6)
	run := func(name string, unpack func() error) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			for b.Loop() {
				if err := unpack(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	own := new(Reader)
	run("inflate", func() error {
		own.Reset(inRuns(packed))
		for {
			if _, err := own.Next(); err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
		}
	})
	buf := make([]byte, 128<<10)
	drain := func(r io.Reader) error {
		for {
			if _, err := r.Read(buf); err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
		}
	}
	var theirs gzip.Reader
	run("klauspost", func() error {
		if err := theirs.Reset(bytes.NewReader(packed)); err != nil {
			return err
		}
		return drain(&theirs)
	})
	var standard stdlib.Reader
	run("standard", func() error {
		if err := standard.Reset(bytes.NewReader(packed)); err != nil {
			return err
		}
		return drain(&standard)
	})
}

func inRuns(b []byte) func() ([]byte, error) {
	return func() ([]byte, error) {
		if len(b) == 0 {
			return nil, io.EOF
		}
		run := b[:min(len(b), 256<<10)]
		b = b[len(run):]
		return run, nil
	}
}

// BenchmarkSmallBlocks is of streams that are nothing but the headers of blocks,
// where a decoder of large tables is at its worst.
func BenchmarkSmallBlocks(b *testing.B) {
	for name, block := range map[string]func(*bitWriter){
		"fixed": func(w *bitWriter) { w.write(0, 1).write(1, 2).fixedSymbol(256) },
		"dynamic": func(w *bitWriter) {
			w.write(0, 1).write(2, 2).write(0, 10).write(14, 4)
			for i := range 18 { // codes of the lengths 18 and 1
				w.write(boolBit(i == 2 || i == 17), 3)
			}
			w.code(1, 1).write(127, 7).code(1, 1).write(107, 7).code(0, 1).code(0, 1).code(0, 1)
		},
	} {
		b.Run(name, func(b *testing.B) {
			w := begin()
			for range 10000 {
				block(w)
			}
			w.write(1, 1).write(1, 2).fixedSymbol(256)
			packed := wrap(w.bytes(), nil)
			b.SetBytes(int64(len(packed)))
			run := func(name string, unpack func() error) {
				b.Run(name, func(b *testing.B) {
					b.SetBytes(int64(len(packed)))
					for b.Loop() {
						if err := unpack(); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
			own := new(Reader)
			run("inflate", func() error {
				own.Reset(inRuns(packed))
				_, err := readAll(b, own)
				return err
			})
			run("klauspost", func() error {
				z, err := gzip.NewReader(bytes.NewReader(packed))
				if err == nil {
					_, err = io.ReadAll(z)
				}
				return err
			})
		})
	}
}
