package form

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const maxDocument = 4 << 20

// members splits a document into its members. Package json would take a name
// given twice for its last value, and so would hide one from who reads it.
func members(doc []byte) (map[string]json.RawMessage, Problems) {
	whole := func(format string, a ...any) Problems { return Problems{{Text: fmt.Sprintf(format, a...)}} }
	switch {
	case len(doc) > maxDocument:
		return nil, whole("are larger than %d bytes", maxDocument)
	case !utf8.Valid(doc):
		return nil, whole("are not UTF-8")
	case !json.Valid(doc):
		at := int64(len(doc))
		if e, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(doc, new(any))); ok {
			at = e.Offset
		}
		return nil, whole("are not JSON: there is an error at byte %d", at)
	}
	d := json.NewDecoder(bytes.NewReader(doc))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, whole("must be a JSON object")
	}
	found := map[string]json.RawMessage{}
	var problems Problems
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, whole("are not JSON")
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil && !errors.Is(err, io.EOF) {
			return nil, whole("are not JSON")
		}
		text, _ := name.(string)
		if _, twice := found[text]; twice {
			problems = append(problems, Problem{Field: nameable(text), Text: "is given twice"})
		}
		found[text] = raw
	}
	return found, problems
}

var readable = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// nameable is a name that can be told back: an unknown one is the sender's
// text, and could be anything.
func nameable(name string) string {
	if readable.MatchString(name) {
		return name
	}
	return "(a name that cannot be shown)"
}

func (f *Form) unknown(doc map[string]json.RawMessage) Problems {
	var problems Problems
	for _, name := range slices.Sorted(maps.Keys(doc)) {
		if _, ok := f.byName[name]; ok {
			continue
		}
		known := make([]string, len(f.inner))
		for i, d := range f.inner {
			known[i] = d.Name
		}
		problems = append(problems, Problem{Field: nameable(name), Text: "is not a setting here (there are " + strings.Join(known, ", ") + ")"})
	}
	return problems
}

// read gives a field's value: a string (also of a secret), int64, bool or
// []string, or nil if there is none: null, empty, or the mask of a secret. wrong
// says what is wrong, never with the value.
func (d *field) read(raw json.RawMessage) (v any, wrong string) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return nil, ""
	}
	switch d.Kind {
	case Number:
		return d.number(raw)
	case Bool:
		var b bool
		if json.Unmarshal(raw, &b) != nil {
			return nil, "must be true or false"
		}
		return b, ""
	case List:
		return d.list(raw)
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return nil, "must be a text"
	}
	if text = d.trim(text); text == "" {
		return nil, ""
	}
	if wrong := d.size(int64(utf8.RuneCountInString(text)), "characters"); wrong != "" {
		return nil, wrong
	}
	if wrong := d.text(text); wrong != "" {
		return nil, wrong
	}
	return text, ""
}

// trim removes what slips in at the ends when a text is pasted. A password may
// end in a space, but a file that holds one ends in a newline.
func (d *field) trim(text string) string {
	if d.Kind != Hidden {
		return strings.TrimSpace(text)
	}
	if text = strings.TrimRight(text, "\r\n"); text == Mask {
		return ""
	}
	return text
}

func (d *field) text(text string) string {
	control := lineControl
	if d.Lines {
		control = linesControl
	}
	switch {
	case control.MatchString(text) && d.Lines:
		return "must not have control characters"
	case control.MatchString(text):
		return "must be one line, without control characters"
	case d.Enum != nil && !slices.Contains(d.Enum, text):
		return "must be one of " + strings.Join(d.Enum, ", ")
	case d.pattern != nil && !d.pattern.MatchString(text) && d.Shape != "":
		return "must be " + d.Shape
	case d.pattern != nil && !d.pattern.MatchString(text):
		return "must have the form " + d.Pattern
	}
	return ""
}

// Control characters, as both RE2 and ECMA-262 write them.
const (
	lineControlPattern  = `[\x00-\x1f\x7f-\x9f]`
	linesControlPattern = `[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]` // not tab, line feed, carriage return
)

var (
	lineControl  = regexp.MustCompile(lineControlPattern)
	linesControl = regexp.MustCompile(linesControlPattern)
)

func (d *field) size(n int64, of string) string {
	if n < d.Min || n > d.Max {
		return fmt.Sprintf("must have %d to %d %s", d.Min, d.Max, of)
	}
	return ""
}

func (d *field) list(raw json.RawMessage) (any, string) {
	var given []*string
	if json.Unmarshal(raw, &given) != nil || slices.Contains(given, nil) {
		return nil, "must be a list of texts"
	}
	var items []string
	for i, item := range given {
		text := strings.TrimSpace(*item)
		if text == "" {
			continue
		}
		if utf8.RuneCountInString(text) > maxLine {
			return nil, fmt.Sprintf("item %d must have 1 to %d characters", i+1, maxLine)
		}
		if wrong := d.text(text); wrong != "" {
			return nil, fmt.Sprintf("item %d %s", i+1, wrong)
		}
		items = append(items, text)
	}
	if items == nil {
		return nil, ""
	}
	if wrong := d.size(int64(len(items)), "items"); wrong != "" {
		return nil, wrong
	}
	return items, ""
}

// number takes what JSON Schema calls an integer, so 1.0 and 1e2 too, of a
// length that costs nothing to read.
func (d *field) number(raw json.RawMessage) (any, string) {
	const wrong = "must be a whole number"
	text := string(raw)
	if len(text) > 64 || !json.Valid(raw) || text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		return nil, wrong
	}
	outside := fmt.Sprintf("must be %d to %d", d.Min, d.Max)
	if at := strings.IndexAny(text, "eE"); at >= 0 {
		if e, err := strconv.Atoi(strings.TrimPrefix(text[at+1:], "+")); err != nil || e > 99 || e < -99 {
			return nil, outside
		}
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok || !r.IsInt() {
		return nil, wrong
	}
	n := r.Num()
	if !n.IsInt64() || n.Int64() < d.Min || n.Int64() > d.Max {
		return nil, outside
	}
	return n.Int64(), ""
}
