package sqldb

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Bulk is any number of rows for one statement. The rows are one parameter, $1,
// a JSON array that {{rows}} unfolds; the bytes values of all rows are another,
// $2, which is there only if the text names it, by a {{blob N}}:
//
//	insert into layer(digest, size) select {{blob 0}}, {{int 1}} from {{rows}} where true
//	on conflict do nothing
//
// SQLite's parser needs the "where true" before an "on conflict". A join reads
// "from {{rows}} cross join layer l where l.digest = {{blob 0}}": the cross join
// keeps SQLite from turning the order round.
//
// PostgreSQL keeps no NUL in text, so a NUL in a string, as any invalid UTF-8,
// becomes U+FFFD in both databases.
//
// The zero value is empty and ready.
type Bulk struct {
	rows []byte
	blob []byte
	n    int
}

// Add appends a row of strings, ints, int64s and byte slices.
func (b *Bulk) Add(values ...any) {
	b.open()
	for i, value := range values {
		if i == 0 {
			b.rows = append(b.rows, '[')
		} else {
			b.rows = append(b.rows, ',')
		}
		switch v := value.(type) {
		case string:
			b.rows = appendString(b.rows, v)
		case int:
			b.rows = strconv.AppendInt(b.rows, int64(v), 10)
		case int64:
			b.rows = strconv.AppendInt(b.rows, v, 10)
		case []byte:
			b.rows = strconv.AppendInt(b.rows, b.place(v), 10)
		default:
			panic(fmt.Sprintf("sqldb: a row cannot hold a %T", value))
		}
	}
	b.rows = append(b.rows, ']')
	b.n++
}

// AddInt appends a row that is a number and nothing else, which {{int}} reads.
// It is cheaper to read than a row with one value.
func (b *Bulk) AddInt(n int64) {
	b.open()
	b.rows = strconv.AppendInt(b.rows, n, 10)
	b.n++
}

func (b *Bulk) open() {
	if b.n == 0 {
		b.rows = append(b.rows[:0], '[')
		b.blob = append(b.blob[:0], 0) // never empty: an empty value would arrive as null
		return
	}
	b.rows = append(b.rows, ',')
}

// place appends v to the blob and gives its start, counted from 1, and its
// length in one number, as {{blob N}} takes them apart.
func (b *Bulk) place(v []byte) int64 {
	start := len(b.blob) + 1
	b.blob = append(b.blob, v...)
	return int64(start)<<32 | int64(len(v))
}

// Len is the number of rows.
func (b *Bulk) Len() int { return b.n }

// Size is the number of bytes that the parameters take.
func (b *Bulk) Size() int { return len(b.rows) + len(b.blob) }

// Reset empties b and keeps its memory.
func (b *Bulk) Reset() { b.n = 0 }

// Rows is the parameter $1.
func (b *Bulk) Rows() string {
	if b.n == 0 {
		return "[]"
	}
	return string(b.rows) + "]"
}

// Bytes is the parameter $2. It is valid until the next Add.
func (b *Bulk) Bytes() []byte {
	if b.n == 0 {
		return []byte{0}
	}
	return b.blob
}

// Text is s as the database will hold it.
func Text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
}

// JSON is v as a value for a column of type {{json}}, with U+FFFD for NUL as in
// all text.
func JSON(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil || !bytes.Contains(b, []byte(`\u0000`)) {
		return string(b), err
	}
	clean := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] != '\\':
			clean = append(clean, b[i])
		case bytes.HasPrefix(b[i:], []byte(`\u0000`)):
			clean = append(clean, `\ufffd`...)
			i += len(`\u0000`) - 1
		default: // some other escape: both of its bytes, so that the next is not taken for a backslash of its own
			clean = append(clean, b[i], b[i+1])
			i++
		}
	}
	return string(clean), nil
}

func appendString(to []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			quoted, err := json.Marshal(Text(s))
			if err != nil {
				panic(err) // a string always has a JSON form
			}
			return append(to, quoted...)
		}
	}
	to = append(to, '"')
	to = append(to, s...)
	return append(to, '"')
}
