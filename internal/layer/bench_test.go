package layer

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/seaworthy-dev/seaworthy"
)

// application is a layer like those of node_modules: many small files of text,
// every tenth of interest, and some large ones.
func application(t testing.TB) []byte {
	r := rand.New(rand.NewPCG(3, 4))
	words := make([]string, 4000)
	for i := range words {
		words[i] = fmt.Sprintf("%x", r.Uint32()>>(r.Uint32()%24))
	}
	prose := func(n int) string {
		var b strings.Builder
		for b.Len() < n {
			b.WriteString(words[r.IntN(len(words))])
			b.WriteByte(" \n.;"[r.IntN(4)])
		}
		return b.String()
	}
	var entries []entry
	for i := range 8000 {
		base := fmt.Sprintf("app/node_modules/package-%d/lib/", i/20)
		switch {
		case i%20 == 0:
			entries = append(entries, dir(base), file(base+"pkg.txt", words[i%len(words)]))
		case i%2000 == 1:
			entries = append(entries, executable(base+"tool", "#go "+prose(4<<20)))
		default:
			entries = append(entries, file(fmt.Sprintf("%sfile-%d.js", base, i), prose(r.IntN(10<<10))))
		}
	}
	return archive(t, entries...)
}

func BenchmarkAnalyse(b *testing.B) {
	plain := application(b)
	for _, format := range []struct {
		name   string
		stored []byte
	}{{"plain", plain}, {"gzip", gzipped(b, plain)}, {"zstd", zstandard(b, plain)}} {
		b.Run(format.name, func(b *testing.B) {
			a := &Analyser{Extractors: []Extractor{lines{}, program{}}, Limits: seaworthy.DefaultLimits(), TempDir: b.TempDir()}
			layer, _ := blob(format.stored)
			b.SetBytes(int64(len(plain)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := a.Analyse(context.Background(), layer, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkWalk is the walk over headers alone.
func BenchmarkWalk(b *testing.B) {
	plain := application(b)
	b.SetBytes(int64(len(plain)))
	b.ReportAllocs()
	for b.Loop() {
		t := &tarReader{in: &unpacker{from: &whole{b: plain}, admit: func(int64) error { return nil }}}
		for n := 0; ; n++ {
			if _, err := t.next(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}

type whole struct{ b []byte }

func (w *whole) next() ([]byte, error) {
	if w.b == nil {
		return nil, io.EOF
	}
	b := w.b
	w.b = nil
	return b, nil
}

func (w *whole) close() {}
