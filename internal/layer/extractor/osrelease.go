package extractor

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"context"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/layer"
)

// osRelease reads os-release(5).
func osRelease(seaworthy.Limits) layer.Extractor {
	return &parser{
		format: seaworthy.RecordOSRelease,
		named:  oneOf("etc/os-release", "usr/lib/os-release"),
		parse: func(_ context.Context, f *layer.File) (seaworthy.Record, error) {
			return readOSRelease(f.Reader(), f.Size)
		},
	}
}

// maxOSFields is several times what any distribution writes.
const maxOSFields = 200

func readOSRelease(r io.Reader, size int64) (seaworthy.Record, error) {
	in, fields := newLineReader(r, size), make(map[string]string)
	record := seaworthy.Record{OSRelease: fields}
	var first error
	for {
		line, err := in.next()
		if errors.Is(err, io.EOF) {
			return record, first
		}
		if err != nil {
			return record, fmt.Errorf("cannot be read to its end: %w", err)
		}
		text := strings.TrimSpace(string(line))
		if text == "" || text[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(text, "=")
		if ok {
			value, ok = unquote(value)
		}
		if !ok || !variableName(name) || !plain(value) {
			if first == nil {
				first = fmt.Errorf("has no NAME=value in line %d", in.number)
			}
			continue
		}
		if len(fields) == maxOSFields {
			return record, fmt.Errorf("has more than %d fields; those after line %d are not read", maxOSFields, in.number)
		}
		fields[name] = value
	}
}

func variableName(s string) bool {
	for i, c := range []byte(s) {
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c == '_':
		case c >= '0' && c <= '9' && i > 0:
		default:
			return false
		}
	}
	return s != "" && len(s) <= 100
}

// unquote undoes a shell's quoting: '…' as is, "…" with \ before $, `, ", \,
// and \ before anything elsewhere. Blanks outside of quotes belong to the
// value, as systemd has it. It is false for a quote that is not closed.
func unquote(s string) (string, bool) {
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quote != '\'':
			if i++; i == len(s) {
				return "", false
			}
			if quote == '"' && !strings.ContainsRune("$`\"\\", rune(s[i])) {
				b.WriteByte('\\')
			}
			b.WriteByte(s[i])
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), quote == 0
}
