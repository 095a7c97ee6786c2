package store

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/store/packed"
	"github.com/seaworthy-dev/seaworthy/internal/store/sqldb"
)

// record is an advisory in the form in which it is stored.
type record struct {
	key                 string
	modified, withdrawn int64
	hash                []byte // see recordHash
	header, body        []byte
	affected            []affectedRow
}

type affectedRow struct {
	ecosystem, name string
	detail          []byte
}

// hashHalf is the length of each half of a record's hash. The second half is of
// what matching reads, so that a record whose words alone have changed makes no
// package due.
const hashHalf = 12

func sameForMatching(a, b []byte) bool {
	return len(a) == 2*hashHalf && len(b) == 2*hashHalf && bytes.Equal(a[hashHalf:], b[hashHalf:])
}

// encode appends a to p as a record.
func (s *Store) encode(p *packed.Writer, a seaworthy.Advisory, source string) error {
	header, err := s.header(a, source)
	if err != nil {
		return fmt.Errorf("header of %s: %w", a.ID, err)
	}
	var matching, stored packed.Writer
	count := 0
	if a.Withdrawn.IsZero() {
		count = len(a.Affected)
		for _, affected := range a.Affected {
			rest, versions := packed.Affected(affected)
			matching.Text(string(affected.Ecosystem))
			matching.Text(affected.Name)
			matching.Text(string(rest))
			matching.Text(string(versions))
			detail, err := s.codec.StoreAffected(rest, versions)
			if err != nil {
				return fmt.Errorf("compress %s: %w", a.ID, err)
			}
			stored.Text(sqldb.Text(string(affected.Ecosystem)))
			stored.Text(sqldb.Text(affected.Name))
			stored.Text(string(detail))
		}
	}
	a.Affected = nil
	words, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("encode %s: %w", a.ID, err)
	}
	body, err := s.codec.Compress(nil, words)
	if err != nil {
		return fmt.Errorf("compress %s: %w", a.ID, err)
	}
	p.Text(sqldb.Text(a.ID))
	p.Num(int(millis(a.Modified)))
	p.Num(int(millis(a.Withdrawn)))
	p.B = recordHash(p.B, header, words, matching.B)
	p.Text(string(header))
	p.Text(string(body))
	p.Size(count)
	p.B = append(p.B, stored.B...)
	return nil
}

// recordHash appends the hash of the whole record and that of its part for
// matching.
func recordHash(to, header, words, matching []byte) []byte {
	part := sha256.Sum256(matching)
	h := sha256.New()
	for _, b := range [...][]byte{part[:], header, words} {
		_, _ = h.Write(binary.AppendUvarint(nil, uint64(len(b)))) // a hash takes all
		_, _ = h.Write(b)
	}
	to = append(to, h.Sum(nil)[:hashHalf]...)
	return append(to, part[:hashHalf]...)
}

// decodeRecord reads what encode wrote. The record keeps frame.
func decodeRecord(frame []byte) (record, error) {
	u := packed.Reader{S: string(frame)}
	r := record{key: u.Text(), modified: int64(u.Num()), withdrawn: int64(u.Num())}
	if len(u.S) < 2*hashHalf {
		return r, packed.ErrCorrupt
	}
	r.hash, u.S = []byte(u.S[:2*hashHalf]), u.S[2*hashHalf:]
	r.header, r.body = []byte(u.Text()), []byte(u.Text())
	for range u.Size() {
		r.affected = append(r.affected, affectedRow{u.Text(), u.Text(), []byte(u.Text())})
		if u.Bad {
			return r, packed.ErrCorrupt
		}
	}
	return r, u.Err()
}

// spool holds records in a file without a name. A feed is read into it to its
// end before the database is touched: it may come from a slow network, and as
// long as a transaction is open no other program can write.
type spool struct {
	file *os.File
	path string // set where an open file cannot be removed
}

// newSpool reads the records into a spool.
func (s *Store) newSpool(ctx context.Context, source string, records iter.Seq2[seaworthy.Advisory, error]) (*spool, error) {
	dir := "" // the system's
	if path := s.db.Path(); path != "" {
		dir = filepath.Dir(path)
	}
	file, err := os.CreateTemp(dir, "advisories-*.tmp")
	if err != nil {
		return nil, err
	}
	sp := &spool{file: file}
	if os.Remove(file.Name()) != nil { // Windows
		sp.path = file.Name()
	}
	if err := s.fill(ctx, file, source, records); err != nil {
		sp.close()
		return nil, err
	}
	return sp, nil
}

func (s *Store) fill(ctx context.Context, to io.Writer, source string, records iter.Seq2[seaworthy.Advisory, error]) error {
	w := bufio.NewWriterSize(to, 1<<16)
	var p packed.Writer
	var length []byte
	for a, err := range records {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return err
		}
		p.B = p.B[:0]
		if err := s.encode(&p, a, source); err != nil {
			return err
		}
		length = binary.AppendUvarint(length[:0], uint64(len(p.B)))
		if _, err := w.Write(length); err != nil {
			return err
		}
		if _, err := w.Write(p.B); err != nil {
			return err
		}
	}
	return cmp.Or(ctx.Err(), w.Flush())
}

// all yields the records, from the first.
func (sp *spool) all() iter.Seq2[record, error] {
	return func(yield func(record, error) bool) {
		if _, err := sp.file.Seek(0, io.SeekStart); err != nil {
			yield(record{}, err)
			return
		}
		r := bufio.NewReaderSize(sp.file, 1<<16)
		var frame []byte
		for {
			n, err := binary.ReadUvarint(r)
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil {
				frame = append(frame[:0], make([]byte, n)...)
				_, err = io.ReadFull(r, frame)
			}
			var next record
			if err == nil {
				next, err = decodeRecord(frame)
			}
			if !yield(next, err) || err != nil {
				return
			}
		}
	}
}

func (sp *spool) close() {
	_ = sp.file.Close() // nothing in it is wanted any more
	if sp.path != "" {
		_ = os.Remove(sp.path)
	}
}
