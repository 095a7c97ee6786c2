package extractor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"
)

// value is one value of a JSON text that is known to be valid. Walking it takes
// no memory, whatever it holds; and unlike encoding/json, it goes by the exact
// names of members, so that no "Version" can hide a "version".
type value []byte

// parseJSON checks the text.
func parseJSON(b []byte) (value, error) {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if json.Valid(b) {
		return value(bytes.TrimSpace(b)), nil
	}
	var v json.RawMessage
	if e, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(b, &v)); ok {
		return nil, fmt.Errorf("is not valid JSON at byte %d", e.Offset)
	}
	return nil, errors.New("is not valid JSON")
}

func (v value) isObject() bool { return len(v) > 0 && v[0] == '{' }
func (v value) isArray() bool  { return len(v) > 0 && v[0] == '[' }

// text is a string's content, "" of anything else.
func (v value) text() string {
	if len(v) < 2 || v[0] != '"' {
		return ""
	}
	if bytes.IndexByte(v, '\\') < 0 && utf8.Valid(v) {
		return string(v[1 : len(v)-1])
	}
	var s string
	if json.Unmarshal(v, &s) != nil {
		return ""
	}
	return s
}

// members yields an object's members in order, none of anything else. Of a
// repeated name the last counts, as for the readers that the files are for.
func (v value) members() iter.Seq2[string, value] {
	return func(yield func(string, value) bool) {
		if !v.isObject() {
			return
		}
		for rest := v[1:].skip(); rest[0] != '}'; {
			name := rest.first()
			rest = rest[len(name):].skip()[1:].skip() // the colon
			member := rest.first()
			rest = rest[len(member):].skip()
			if !yield(name.text(), member) {
				return
			}
			if rest[0] == ',' {
				rest = rest[1:].skip()
			}
		}
	}
}

// elements yields an array's elements in order, none of anything else.
func (v value) elements() iter.Seq[value] {
	return func(yield func(value) bool) {
		if !v.isArray() {
			return
		}
		for rest := v[1:].skip(); rest[0] != ']'; {
			element := rest.first()
			rest = rest[len(element):].skip()
			if !yield(element) {
				return
			}
			if rest[0] == ',' {
				rest = rest[1:].skip()
			}
		}
	}
}

// skip leaves out white space.
func (v value) skip() value { return bytes.TrimLeft(v, " \t\r\n") }

// first is the value that v begins with.
func (v value) first() value {
	depth := 0
	for i := 0; i < len(v); i++ {
		switch v[i] {
		case '"':
			for i++; v[i] != '"'; i++ {
				if v[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
		case ' ', '\t', '\r', '\n', ',', ':':
			continue
		default: // a number or a word, up to what cannot be of it
			for i+1 < len(v) && strings.IndexByte(" \t\r\n,]}", v[i+1]) < 0 {
				i++
			}
		}
		if depth == 0 {
			return v[:i+1]
		}
	}
	return v
}
