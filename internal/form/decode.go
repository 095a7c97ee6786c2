package form

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strconv"
)

// Validator is what a settings struct, or a pointer to it, may add: what no
// single field's tag can say. It is asked once all fields are right by
// themselves, does no I/O, and does not repeat values.
type Validator interface{ Validate() Problems }

// Decode reads a JSON object into T, the struct of the form. White space around
// texts and newlines behind secrets are dropped; null, an empty text or list, and
// a masked secret count as not given. With problems, T holds the fields that are
// right.
func Decode[T any](f *Form, doc []byte) (T, Problems) {
	fields, problems := members(doc)
	if fields == nil {
		var none T
		return none, problems
	}
	t, more := DecodeFields[T](f, fields)
	return t, f.sorted(append(problems, more...))
}

// DecodeFields is [Decode] of a document that was already split.
func DecodeFields[T any](f *Form, doc map[string]json.RawMessage) (T, Problems) {
	var t T
	if reflect.TypeFor[T]() != f.settings {
		return t, Problems{{Text: "are read with the form of another kind"}}
	}
	values, problems := f.values(doc)
	problems = append(problems, f.missing(values, problems)...)
	problems = append(problems, f.unknown(doc)...)
	f.fill(reflect.ValueOf(&t).Elem(), values)
	if len(problems) > 0 {
		return t, f.sorted(problems)
	}
	v, ok := any(&t).(Validator) // has the value's methods too
	if !ok || f.partial {
		return t, nil
	}
	_, secrets, err := f.Split(t)
	if err != nil {
		return t, Problems{{Text: "cannot be read"}}
	}
	return t, f.sorted(v.Validate().without(secrets))
}

// values reads the fields that are given, and the defaults of the others.
func (f *Form) values(doc map[string]json.RawMessage) (map[string]any, Problems) {
	values := make(map[string]any, len(f.inner))
	var problems Problems
	for i := range f.inner {
		d := &f.inner[i]
		v, wrong := d.read(doc[d.Name])
		switch {
		case wrong != "":
			problems = append(problems, Problem{Field: d.Name, Text: wrong})
		case v != nil:
			values[d.Name] = v
		case d.Default != nil:
			values[d.Name] = d.Default
		}
	}
	return values, problems
}

// missing finds required fields that are shown and not given; wrong ones are
// given.
func (f *Form) missing(values map[string]any, wrong Problems) Problems {
	var problems Problems
	for i := range f.inner {
		d := &f.inner[i]
		_, given := values[d.Name]
		if given || !d.Required || !f.shown(d, values) || len(wrong.Of(d.Name)) > 0 {
			continue
		}
		problems = append(problems, Problem{Field: d.Name, Text: "is required"})
	}
	return problems
}

func (f *Form) shown(d *field, values map[string]any) bool {
	if d.When == nil {
		return true
	}
	switch v := values[d.When.Field].(type) {
	case string:
		return slices.Contains(d.When.Values, v)
	case bool:
		return slices.Contains(d.When.Values, strconv.FormatBool(v))
	}
	on := f.inner[f.byName[d.When.Field]]
	return on.Kind == Bool && slices.Contains(d.When.Values, "false")
}

func (f *Form) fill(to reflect.Value, values map[string]any) {
	for i := range f.inner {
		d := &f.inner[i]
		field := to.FieldByIndex(d.index)
		switch v := values[d.Name].(type) {
		case string:
			field.SetString(v)
		case bool:
			field.SetBool(v)
		case int64:
			if field.CanUint() {
				field.SetUint(uint64(v)) // bounds made sure that it fits
			} else {
				field.SetInt(v)
			}
		case []string:
			list := reflect.MakeSlice(field.Type(), len(v), len(v))
			for i, item := range v {
				list.Index(i).SetString(item)
			}
			field.Set(list)
		}
	}
}

// value is a field of a filled struct, as read gives it.
func (d *field) value(from reflect.Value) any {
	field := from.FieldByIndex(d.index)
	switch d.Kind {
	case Number:
		if field.CanUint() {
			return int64(min(field.Uint(), maxWhole))
		}
		return field.Int()
	case Bool:
		return field.Bool()
	case List:
		var list []string
		for i := range field.Len() {
			list = append(list, field.Index(i).String())
		}
		if list == nil {
			return nil
		}
		return list
	}
	if field.Len() == 0 {
		return nil
	}
	return field.String()
}

// Split takes the secrets out of a filled struct. The settings are a JSON
// object whose fields are in the order of their names, without empty texts and
// lists; [Join] puts both together again.
func (f *Form) Split(settings any) (doc []byte, secrets map[string]Secret, err error) {
	from := reflect.ValueOf(settings)
	if !from.IsValid() || from.Type() != f.settings {
		return nil, nil, errors.New("the settings are those of another kind")
	}
	open := map[string]any{}
	secrets = map[string]Secret{}
	for i := range f.inner {
		d := &f.inner[i]
		v := d.value(from)
		switch text, _ := v.(string); {
		case v == nil:
		case d.Kind == Hidden:
			secrets[d.Name] = Secret(text)
		default:
			open[d.Name] = v
		}
	}
	doc, err = json.Marshal(open)
	return doc, secrets, err
}

// Join is T of stored settings and their secrets. Problems mean that the form
// has changed since they were stored; T holds what still is right.
func Join[T any](f *Form, doc []byte, secrets map[string]Secret) (T, Problems) {
	return Merge[T](f, doc, secrets, []byte("{}"))
}
