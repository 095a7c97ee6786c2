package packed

import (
	"sync"

	"github.com/klauspost/compress/zstd"
)

const (
	maxWindow = 1 << 20 // of the frames that Codec writes: it bounds what either side allocates
	maxBody   = 64 << 20
)

// Codec compresses what is stored whole. Its memory is made at the first use
// and bounded: one call at a time works, the others wait.
type Codec struct {
	encoderOnce, decoderOnce sync.Once
	encoder                  *zstd.Encoder
	decoder                  *zstd.Decoder
	encoderErr, decoderErr   error
}

func newEncoder() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithWindowSize(maxWindow), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
}

// Compress appends the compressed form of b to to.
func (c *Codec) Compress(to, b []byte) ([]byte, error) {
	c.encoderOnce.Do(func() { c.encoder, c.encoderErr = newEncoder() })
	if c.encoderErr != nil {
		return nil, c.encoderErr
	}
	return c.encoder.EncodeAll(b, to), nil
}

// Expand reads what Compress wrote.
func (c *Codec) Expand(b []byte) ([]byte, error) {
	c.decoderOnce.Do(func() {
		c.decoder, c.decoderErr = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxMemory(maxBody), zstd.WithDecoderMaxWindow(8*maxWindow))
	})
	if c.decoderErr != nil {
		return nil, c.decoderErr
	}
	return c.decoder.DecodeAll(b, nil)
}

// Close gives the memory back.
func (c *Codec) Close() error {
	if c.decoder != nil {
		c.decoder.Close()
	}
	if c.encoder != nil {
		return c.encoder.Close()
	}
	return nil
}
