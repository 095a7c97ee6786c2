package inflate

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
)

// seeds are small streams of all kinds.
func seeds(t testing.TB) [][]byte {
	content := layerLike(4 << 10)
	var list [][]byte
	for level := -2; level <= 9; level++ {
		list = append(list, gzipped(t, content[:600*(level+3)%4000], level))
	}
	for name, b := range headers(t) {
		if name != "longest of extra" {
			list = append(list, b)
		}
	}
	for _, b := range blocks() {
		list = append(list, wrapWhatever(b.b))
	}
	for seed := range uint64(20) {
		list = append(list, wrapWhatever(randomBlocks(rand.New(rand.NewPCG(seed, 9)), 100)))
	}
	list = append(list, nil, gzipped(t, nil, 6), bytes.Repeat(gzipped(t, []byte("member"), 6), 3),
		gzipped(t, bytes.Repeat(noise(100, 1), 400), 9), gzipped(t, make([]byte, 100<<10), 9))
	return list
}

// FuzzGzip: whatever the stream and its pieces, the bytes and the verdict are
// those of the standard library. As few changed streams have the right checksum,
// a second try puts it right.
func FuzzGzip(f *testing.F) {
	for i, b := range seeds(f) {
		f.Add(b, uint64(i))
	}
	reader := new(Reader)
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		random := rand.New(rand.NewPCG(seed, 0))
		sizes := [...]int{0, len(b) + 64, 1 + random.IntN(40)}
		streams := [][]byte{b}
		if len(b) > len(plainHeader) {
			streams = append(streams, wrapWhatever(b[len(plainHeader):]))
		}
		for _, b := range streams {
			want, wantErr := reference(b)
			for _, size := range sizes {
				reader.Reset(inPieces(b, size, random))
				got, err := readAll(t, reader)
				if errors.Is(err, ErrHeader) && wantErr == nil && hasReservedFlags(b) {
					return
				}
				sameAs(t, "stream", want, wantErr, got, err)
			}
		}
	})
}

// hasReservedFlags is true if a header anywhere in b may have them.
func hasReservedFlags(b []byte) bool {
	for i := 0; i+3 < len(b); i++ {
		if b[i] == 0x1f && b[i+1] == 0x8b && b[i+2] == 8 && b[i+3]&flagReserved != 0 {
			return true
		}
	}
	return false
}
