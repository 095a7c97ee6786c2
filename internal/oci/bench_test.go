package oci

import (
	"fmt"
	"io"
	"testing"

	"github.com/seaworthy-dev/seaworthy"
)

// BenchmarkBlob reads 64 MB from a registry on loopback over plain HTTP and TLS,
// hashing it.
func BenchmarkBlob(b *testing.B) {
	content := randomBytes(64 << 20)
	d := Descriptor{Digest: seaworthy.DigestOf(content), Size: int64(len(content))}
	server := blobServer{content: content}
	for _, plain := range []bool{true, false} {
		b.Run(fmt.Sprint("plain ", plain), func(b *testing.B) {
			r := newTestRegistry(b)
			r.interfere(server.handle)
			o, host := r.options(b), r.host
			if plain {
				o.PlainHTTP, host = true, serveHTTP(b, r.Config.Handler)
			}
			s := open(b, host+"/lab/app:1", o)
			b.SetBytes(d.Size)
			b.ReportAllocs()
			for b.Loop() {
				blob, err := s.Blob(b.Context(), d)
				if err != nil {
					b.Fatal(err)
				}
				if n, err := io.CopyBuffer(io.Discard, onlyReader{blob}, make([]byte, 256<<10)); err != nil || n != d.Size {
					b.Fatal(n, err)
				}
				blob.Close()
			}
		})
	}
}

// onlyReader hides the other methods of a reader.
type onlyReader struct{ io.Reader }
