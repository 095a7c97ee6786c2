package form

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
)

const (
	maxLine  = 1024
	maxLines = 64 << 10
	maxItems = 1000
	maxWhole = 1<<53 - 1 // the largest that every JSON reader keeps exact
)

type definition struct {
	choices map[string][]string
	fields  []field
}

func define(t reflect.Type, options []Option) (*Form, error) {
	d := &definition{choices: map[string][]string{}}
	for _, o := range options {
		o(d)
	}
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("form of %s: it is not a struct", t)
	}
	if err := d.structure(t, nil); err != nil {
		return nil, fmt.Errorf("form of %s: %w", t, err)
	}
	f := assemble(t, d.fields)
	if len(f.byName) != len(f.inner) {
		return nil, fmt.Errorf("form of %s: two fields have one name", t)
	}
	if err := errors.Join(f.conditions(), f.defaults()); err != nil {
		return nil, fmt.Errorf("form of %s: %w", t, err)
	}
	return assemble(t, f.inner), nil
}

func (d *definition) structure(t reflect.Type, at []int) error {
	for i := range t.NumField() {
		sf := t.Field(i)
		if sf.Tag.Get("json") == "-" {
			continue
		}
		index := append(slices.Clone(at), i)
		var err error
		if sf.Anonymous && sf.Type.Kind() == reflect.Struct && sf.IsExported() {
			err = d.structure(sf.Type, index)
		} else {
			err = d.field(sf, index)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", sf.Name, err)
		}
	}
	return nil
}

func (d *definition) field(sf reflect.StructField, index []int) error {
	if !sf.IsExported() {
		return errors.New("it is not exported; tag it json:\"-\" if it is no setting")
	}
	tags, err := readTags(string(sf.Tag))
	if err != nil {
		return err
	}
	f := field{index: index, Field: Field{
		Title: tags["title"], Help: tags["help"], Group: tags["group"], Placeholder: tags["placeholder"],
		Pattern: tags["pattern"], Shape: tags["shape"], Scope: tags["scope"],
	}}
	name, jsonOptions, _ := strings.Cut(tags["json"], ",")
	f.Name = name
	switch {
	case !fieldName.MatchString(name):
		return errors.New("its json name must be letters and digits, lower case first")
	case jsonOptions != "" && jsonOptions != "omitempty" && jsonOptions != "omitzero":
		return fmt.Errorf("json option %q is not supported", jsonOptions)
	case f.Title == "":
		return errors.New("it has no title")
	case f.Scope != "" && f.Scope != ScopeCredential:
		return fmt.Errorf("there is no scope %q", f.Scope)
	}
	for _, set := range []func(*field, reflect.Type, map[string]string) error{d.flags, d.kind, bounds, compile, condition} {
		if err := set(&f, sf.Type, tags); err != nil {
			return err
		}
	}
	d.fields = append(d.fields, f)
	return nil
}

func (d *definition) flags(f *field, _ reflect.Type, tags map[string]string) error {
	for name, to := range map[string]*bool{"required": &f.Required, "trust": &f.Trust, "multiline": &f.Lines} {
		switch tags[name] {
		case "true":
			*to = true
		case "", "false":
		default:
			return fmt.Errorf("%s must be true or false", name)
		}
	}
	enum := tags["enum"]
	if list, named := strings.CutPrefix(enum, "@"); named {
		f.Enum = d.choices[list]
		if len(f.Enum) == 0 {
			return fmt.Errorf("there are no choices named %q", list)
		}
	} else if enum != "" {
		f.Enum = strings.Split(enum, ",")
	}
	for i, v := range f.Enum {
		if v == "" || v != strings.TrimSpace(v) || slices.Contains(f.Enum[:i], v) {
			return errors.New("its choices must be different, without spaces around them, and none empty")
		}
	}
	return nil
}

func (d *definition) kind(f *field, t reflect.Type, tags map[string]string) error {
	switch {
	case t == reflect.TypeFor[Secret]():
		f.Kind = Hidden
		if f.Enum != nil || f.Trust || tags["default"] != "" {
			return errors.New("a secret has no choices, no default and no trust of its own")
		}
	case t.Kind() == reflect.String && f.Enum != nil:
		f.Kind = Choice
	case t.Kind() == reflect.String && f.Lines:
		f.Kind = Multiline
	case t.Kind() == reflect.String:
		f.Kind = Text
	case t.Kind() == reflect.Bool:
		f.Kind = Bool
		if f.Required {
			return errors.New("a bool is never missing, so it cannot be required")
		}
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.String && t.Elem() != reflect.TypeFor[Secret]():
		f.Kind = List
	case reflect.Int <= t.Kind() && t.Kind() <= reflect.Uint64 && t.PkgPath() == "": // not a time.Duration
		f.Kind = Number
	default:
		return fmt.Errorf("no form can show a %s", t)
	}
	if f.Lines && f.Kind != Multiline && f.Kind != Hidden {
		return fmt.Errorf("a %s has no lines", f.Kind)
	}
	if (f.Kind == Number || f.Kind == Bool) && (f.Enum != nil || f.Pattern != "") {
		return fmt.Errorf("a %s has neither choices nor a pattern", f.Kind)
	}
	return nil
}

func bounds(f *field, t reflect.Type, tags map[string]string) error {
	f.Min, f.Max = 1, maxLine
	switch {
	case f.Lines:
		f.Max = maxLines
	case f.Kind == Hidden:
		f.Max = maxLines // tokens are long
	case f.Kind == List:
		f.Max = maxItems
	case f.Kind == Number:
		f.Min, f.Max = whole(t)
	case f.Kind == Bool:
		f.Min, f.Max = 0, 0
	}
	widestMin, widestMax := f.Min, f.Max
	for name, to := range map[string]*int64{"min": &f.Min, "max": &f.Max} {
		if tags[name] == "" {
			continue
		}
		n, err := strconv.ParseInt(tags[name], 10, 64)
		if err != nil {
			return fmt.Errorf("%s is not a whole number", name)
		}
		*to = n
	}
	if f.Kind != Number && f.Kind != Bool {
		widestMax = maxLines
	}
	if f.Min < widestMin || f.Max > widestMax || f.Min > f.Max {
		return fmt.Errorf("min and max must be %d to %d", widestMin, widestMax)
	}
	return nil
}

// whole is the range of an integer type that JSON keeps exact.
func whole(t reflect.Type) (least, most int64) {
	bits := t.Bits()
	if t.Kind() >= reflect.Uint {
		return 0, int64(min(uint64(1)<<(bits-1)<<1-1, maxWhole))
	}
	most = min(int64(uint64(1)<<(bits-1)-1), maxWhole)
	return max(-most-1, -maxWhole), most
}

func compile(f *field, _ reflect.Type, _ map[string]string) error {
	if f.Pattern == "" {
		if f.Shape != "" {
			return errors.New("it has a shape and no pattern")
		}
		return nil
	}
	parsed, err := syntax.Parse(f.Pattern, syntax.Perl)
	if err != nil {
		return fmt.Errorf("pattern: %w", err)
	}
	sub := parsed.Sub
	anchored := parsed.Op == syntax.OpConcat && len(sub) >= 2 &&
		sub[0].Op == syntax.OpBeginText && sub[len(sub)-1].Op == syntax.OpEndText
	if !anchored {
		return errors.New("its pattern must stand between ^ and $")
	}
	if notShared.MatchString(f.Pattern) {
		return errors.New("its pattern uses what RE2 and ECMA-262 do not share")
	}
	f.pattern, err = regexp.Compile(f.Pattern)
	return err
}

func condition(f *field, _ reflect.Type, tags map[string]string) error {
	if tags["when"] == "" {
		return nil
	}
	name, values, ok := strings.Cut(tags["when"], "=")
	if !ok || values == "" {
		return errors.New("when must be field=value, or field=value|value")
	}
	f.When = &When{Field: name, Values: strings.Split(values, "|")}
	return nil
}

// conditions checks what a field's condition says of another field.
func (f *Form) conditions() error {
	for _, d := range f.inner {
		if d.When == nil {
			continue
		}
		i, ok := f.byName[d.When.Field]
		if !ok || f.inner[i].When != nil || d.Name == d.When.Field {
			return fmt.Errorf("%s: when names %q, which is not a field that is always shown", d.Name, d.When.Field)
		}
		var possible []string
		switch on := f.inner[i]; on.Kind {
		case Bool:
			possible = []string{"true", "false"}
		case Choice:
			possible = on.Enum
		default:
			return fmt.Errorf("%s: when names %s, which is neither a bool nor a choice", d.Name, on.Name)
		}
		for _, v := range d.When.Values {
			if !slices.Contains(possible, v) {
				return fmt.Errorf("%s: %s is never %q", d.Name, d.When.Field, v)
			}
		}
	}
	return nil
}

// readTags splits a struct tag and refuses names that mean nothing here: a
// misspelt trust would otherwise be a hole.
func readTags(tag string) (map[string]string, error) {
	known := []string{"json", "title", "help", "group", "placeholder", "required", "default", "enum", "pattern",
		"shape", "min", "max", "multiline", "scope", "trust", "when"}
	tags := map[string]string{}
	for rest := strings.TrimSpace(tag); rest != ""; rest = strings.TrimSpace(rest) {
		name, after, ok := strings.Cut(rest, ":")
		quoted, err := strconv.QuotedPrefix(after)
		if !ok || err != nil {
			return nil, errors.New("its tag cannot be read")
		}
		if _, twice := tags[name]; twice || !slices.Contains(known, name) {
			return nil, fmt.Errorf("its tag %q is unknown or given twice", name)
		}
		if tags[name], err = strconv.Unquote(quoted); err != nil {
			return nil, errors.New("its tag cannot be read")
		}
		rest = after[len(quoted):]
	}
	return tags, nil
}

var (
	fieldName = regexp.MustCompile(`^[a-z][A-Za-z0-9]{0,63}$`)
	notShared = regexp.MustCompile(`\(\?[^:]|\\[AzCEQpPxa]|\[\[:`)
)

// defaults reads each default as if it had been given.
func (f *Form) defaults() error {
	for i := range f.inner {
		d := &f.inner[i]
		text, ok := f.settings.FieldByIndex(d.index).Tag.Lookup("default")
		if !ok {
			continue
		}
		raw, wrong := d.parse(text)
		if wrong != "" {
			return fmt.Errorf("%s: its default %s", d.Name, wrong)
		}
		v, wrong := d.read(raw)
		if v == nil && wrong == "" {
			wrong = "is empty"
		}
		if wrong != "" {
			return fmt.Errorf("%s: its default %s", d.Name, wrong)
		}
		if d.Required {
			return fmt.Errorf("%s: with a default it is never missing, so it cannot be required", d.Name)
		}
		d.Default = v
	}
	return nil
}
