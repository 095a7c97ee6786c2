package form

import (
	"encoding/json"
	"strings"
)

// Values gathers a document from settings that were given as text, such as
// flags.
type Values struct {
	form  *Form
	given map[string]json.RawMessage
	lists map[string][]string
}

// Values makes an empty gathering.
func (f *Form) Values() *Values {
	return &Values{form: f, given: map[string]json.RawMessage{}, lists: map[string][]string{}}
}

// Set gives a field its value. A list's items are parted by commas, and come
// together if it is set several times; an empty value takes away what is stored.
func (v *Values) Set(name, value string) Problems {
	i, ok := v.form.byName[name]
	if !ok {
		return v.form.unknown(map[string]json.RawMessage{name: nil})
	}
	d := &v.form.inner[i]
	if _, twice := v.given[name]; twice && d.Kind != List {
		return Problems{{Field: name, Text: "is given twice"}}
	}
	raw, wrong := d.parse(value)
	if wrong == "" && d.Kind == List {
		v.lists[name] = append(v.lists[name], strings.Split(value, ",")...)
		raw = text(v.lists[name])
	}
	if wrong == "" {
		_, wrong = d.read(raw)
	}
	if wrong != "" {
		return Problems{{Field: name, Text: wrong}}
	}
	v.given[name] = raw
	return nil
}

// JSON is the document, for [Decode] or [Merge]. It holds secrets in clear.
func (v *Values) JSON() []byte { return text(v.given) }

// parse writes a value given as text as JSON.
func (d *field) parse(value string) (raw json.RawMessage, wrong string) {
	trimmed := strings.TrimSpace(value)
	switch {
	case trimmed == "" && d.Kind != Hidden:
		return json.RawMessage("null"), ""
	case value == "":
		return json.RawMessage("null"), ""
	case d.Kind == Bool && trimmed != "true" && trimmed != "false":
		return nil, "must be true or false"
	case d.Kind == Number && !json.Valid([]byte(trimmed)):
		return nil, "must be a whole number"
	case d.Kind == Bool, d.Kind == Number:
		return json.RawMessage(trimmed), ""
	case d.Kind == List:
		return text(strings.Split(value, ",")), ""
	}
	return text(value), ""
}

// text is JSON of strings, lists and maps of them, which always have some.
func text(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return b
}
