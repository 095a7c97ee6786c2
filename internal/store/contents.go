package store

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/store/sqldb"
)

// Contents gives what an analyser version found in the layers, of those for
// which it is known.
func (s *Store) Contents(ctx context.Context, digests []seaworthy.Digest, analyser int) (map[seaworthy.Digest]*seaworthy.Contents, error) {
	found := make(map[seaworthy.Digest]*seaworthy.Contents, len(digests))
	rows, err := digestRows(digests)
	if err != nil {
		return nil, err
	}
	err = s.db.View(ctx, func(tx *sqldb.Tx) error {
		return tx.Each(ctx, func(scan sqldb.Scan) error {
			var sum, body []byte
			if err := scan(&sum, &body); err != nil {
				return err
			}
			d := digest(sum)
			c, err := decodeContents(body)
			if err != nil {
				return s.corrupt("layer "+d.Short(), err)
			}
			found[d] = c
			return nil
		}, `
			select l.digest, c.body
			from {{rows}} cross join layer l join contents c on c.layer_id = l.id
			where l.digest = {{blob 0}} and c.analyser = $3`, rows.Rows(), rows.Bytes(), analyser)
	})
	if err != nil {
		return nil, fmt.Errorf("read contents of layers: %w", err)
	}
	return found, nil
}

// HaveContents tells of which layers [Store.Contents] knows something.
func (s *Store) HaveContents(ctx context.Context, digests []seaworthy.Digest, analyser int) (map[seaworthy.Digest]bool, error) {
	have := make(map[seaworthy.Digest]bool, len(digests))
	rows, err := digestRows(digests)
	if err != nil {
		return nil, err
	}
	err = s.db.View(ctx, func(tx *sqldb.Tx) error {
		return tx.Each(ctx, func(scan sqldb.Scan) error {
			var sum []byte
			if err := scan(&sum); err != nil {
				return err
			}
			have[digest(sum)] = true
			return nil
		}, `
			select l.digest
			from {{rows}} cross join layer l join contents c on c.layer_id = l.id
			where l.digest = {{blob 0}} and c.analyser = $3`, rows.Rows(), rows.Bytes(), analyser)
	})
	if err != nil {
		return nil, fmt.Errorf("look for contents of layers: %w", err)
	}
	return have, nil
}

// PutContents keeps what an analyser version found in a layer, in the place of
// what it found before.
func (s *Store) PutContents(ctx context.Context, d seaworthy.Digest, analyser int, c *seaworthy.Contents) error {
	sum, err := sumOf(d)
	if err != nil {
		return err
	}
	body, err := encodeContents(c)
	if err != nil {
		return fmt.Errorf("encode contents of layer %s: %w", d.Short(), err)
	}
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, "insert into layer(digest, size) values ($1, $2) on conflict do nothing", sum, c.Size); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `
			insert into contents(layer_id, analyser, body) select id, $2, $3 from layer where digest = $1
			on conflict(layer_id, analyser) do update set body = excluded.body`, sum, analyser, body)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep contents of layer %s: %w", d.Short(), err)
	}
	return nil
}

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

func encodeContents(c *seaworthy.Contents) ([]byte, error) {
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

func decodeContents(body []byte) (*seaworthy.Contents, error) {
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
		return nil, errPacked
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
		return nil, errPacked
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
		return errPacked
	}
	b.Reset()
	b.Grow(int(min(n, 1<<20)))
	if _, err := io.CopyN(b, r, int64(n)); err != nil {
		return errPacked
	}
	return nil
}
