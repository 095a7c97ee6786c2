package packed

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/seaworthy-dev/seaworthy"
)

// contentsFormat is the first byte of stored contents. Behind it is a zstd
// frame of parts, each with its length in front: the Contents without records
// and entries as JSON, the number of records, each record as JSON, and the
// packed entries. Each record is a part of its own so that neither side holds
// the JSON of all at once.
const contentsFormat = 1

// Bounds of decoding, far above what the analyser's limits let through.
const (
	maxContents     = 4 << 30
	maxContentsPart = 512 << 20
	maxRecords      = 50_000_000
)

// Contents is the stored form of c.
func Contents(c *seaworthy.Contents) ([]byte, error) {
	encoder, err := newEncoder()
	if err != nil {
		return nil, err
	}
	var body bytes.Buffer
	body.WriteByte(contentsFormat)
	encoder.Reset(&body)
	if err := writeContents(encoder, c); err != nil {
		return nil, errors.Join(err, encoder.Close())
	}
	if err := encoder.Close(); err != nil {
		return nil, err
	}
	return body.Bytes(), nil
}

func writeContents(w io.Writer, c *seaworthy.Contents) error {
	var length []byte
	part := func(b []byte) error {
		length = binary.AppendUvarint(length[:0], uint64(len(b)))
		if _, err := w.Write(length); err != nil {
			return err
		}
		_, err := w.Write(b)
		return err
	}
	value := func(v any) error {
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		return part(b)
	}
	head := *c
	head.Records, head.Entries = nil, seaworthy.Entries{}
	if err := value(&head); err != nil {
		return err
	}
	if _, err := w.Write(binary.AppendUvarint(nil, uint64(len(c.Records)))); err != nil {
		return err
	}
	for i := range c.Records {
		if err := value(&c.Records[i]); err != nil {
			return err
		}
	}
	return part(c.Entries.Packed())
}

// ReadContents reads what Contents gave.
func ReadContents(body []byte) (*seaworthy.Contents, error) {
	if len(body) == 0 || body[0] != contentsFormat {
		return nil, errors.New("contents are of an unknown format")
	}
	decoder, err := zstd.NewReader(bytes.NewReader(body[1:]), zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8*maxWindow))
	if err != nil {
		return nil, err
	}
	defer decoder.Close()
	return readContents(bufio.NewReader(io.LimitReader(decoder, maxContents)))
}

func readContents(r *bufio.Reader) (*seaworthy.Contents, error) {
	var c seaworthy.Contents
	var part bytes.Buffer
	if err := readPart(r, &part); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(part.Bytes(), &c); err != nil {
		return nil, err
	}
	count, err := binary.ReadUvarint(r)
	if err != nil {
		return nil, err
	}
	if count > maxRecords {
		return nil, ErrCorrupt
	}
	c.Records = make([]seaworthy.Record, 0, min(count, 4096))
	for range count {
		if err := readPart(r, &part); err != nil {
			return nil, err
		}
		var record seaworthy.Record
		if err := json.Unmarshal(part.Bytes(), &record); err != nil {
			return nil, err
		}
		c.Records = append(c.Records, record)
	}
	var packed bytes.Buffer // the entries keep it
	if err := readPart(r, &packed); err != nil {
		return nil, err
	}
	if c.Entries, err = seaworthy.UnpackEntries(packed.Bytes()); err != nil {
		return nil, err
	}
	if _, err := r.ReadByte(); err != io.EOF {
		return nil, ErrCorrupt
	}
	return &c, nil
}

// readPart reads a part into b, growing with what is there and not with what
// its length promises.
func readPart(r *bufio.Reader, b *bytes.Buffer) error {
	n, err := binary.ReadUvarint(r)
	if err != nil {
		return err
	}
	if n > maxContentsPart {
		return ErrCorrupt
	}
	b.Reset()
	b.Grow(int(min(n, 1<<20)))
	if _, err := io.CopyN(b, r, int64(n)); err != nil {
		return ErrCorrupt
	}
	return nil
}
