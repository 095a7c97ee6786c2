// Package form describes a settings struct once, by its tags, and derives from
// that what else must agree with it: JSON Schema, the web form's fields,
// validation of documents and of flags, documentation, and which values are
// secret. What is wrong with a document is told as [Problems], all at once and
// never with the value that was rejected; what is wrong with a struct is an
// error when the form is made.
//
// The tags of a field, json and title being required:
//
//	json:"accountId"       its name: lower case first, letters and digits
//	title:"Account ID"     its label
//	help:"…"               a sentence under the input
//	group:"Network"        the heading it stands under
//	placeholder:"…"        an example shown in the empty input
//	required:"true"        it must be given, if it is shown
//	default:"443"          taken when it is not given
//	enum:"a,b" enum:"@x"   its only values, or those of [Choices] named x
//	pattern:"^[0-9]{12}$"  anchored, in what RE2 and ECMA-262 share
//	shape:"12 digits"      the pattern in words, for "must be 12 digits"
//	min:"1" max:"65535"    of a number; else of its characters, or of a list's items
//	multiline:"true"       a text or secret of several lines
//	scope:"credential"     a repository configuration may have its own
//	trust:"true"           stored secrets must be typed again when it changes
//	when:"auth=a|b"        shown only if another field has one of these values
//
// Fields are strings, [Secret], integers, bools and lists of strings; an
// embedded struct's fields count as the struct's own.
package form

import (
	"reflect"
	"regexp"
	"slices"
)

// Kind says how a field is entered.
type Kind string

// The kinds of fields.
const (
	Text      Kind = "text"
	Number    Kind = "number" // whole
	Bool      Kind = "bool"
	List      Kind = "list" // of texts
	Choice    Kind = "choice"
	Multiline Kind = "multiline"
	Hidden    Kind = "secret" // a Secret
)

// ScopeCredential is the scope of the fields that a repository configuration
// may have its own values of.
const ScopeCredential = "credential"

// Field is one setting.
type Field struct {
	Name        string   `json:"name"`
	Title       string   `json:"title"`
	Help        string   `json:"help,omitempty"`
	Kind        Kind     `json:"kind"`
	Lines       bool     `json:"lines,omitempty"` // takes several lines
	Pattern     string   `json:"pattern,omitempty"`
	Shape       string   `json:"shape,omitempty"` // Pattern in words, behind "must be"
	Required    bool     `json:"required,omitempty"`
	Enum        []string `json:"enum,omitempty"`
	Default     any      `json:"default,omitempty"` // nil, string, int64, bool or []string
	Placeholder string   `json:"placeholder,omitempty"`
	Scope       string   `json:"scope,omitempty"`
	Trust       bool     `json:"trust,omitempty"`
	Group       string   `json:"group,omitempty"`
	When        *When    `json:"when,omitempty"`
	Min         int64    `json:"min"` // of a number; characters of a text, items of a list
	Max         int64    `json:"max"`
}

// When is the condition under which a field is shown: the field named has one
// of the values, a bool being "true" or "false".
type When struct {
	Field  string   `json:"field"`
	Values []string `json:"values"`
}

// Form is the description of one settings struct. It does not change after
// [Of] has made it, and may be used by several goroutines.
type Form struct {
	Fields []Field

	settings reflect.Type
	inner    []field // as Fields, with what reading needs
	byName   map[string]int
	partial  bool // made by Only
}

// field is a Field with its place in the struct.
type field struct {
	Field
	index   []int
	pattern *regexp.Regexp
}

// Option changes how [Of] reads a struct.
type Option func(*definition)

// Choices gives the tag enum:"@name" its values, for lists that a tag cannot
// hold.
func Choices(name string, values ...string) Option {
	return func(d *definition) { d.choices[name] = slices.Clone(values) }
}

// Of describes T, a struct. Each mistake in it, such as a field of a type that
// no form can show, an unknown tag or a default that its own pattern refuses,
// is an error here, so that a test which makes the form finds them all.
func Of[T any](options ...Option) (*Form, error) {
	return define(reflect.TypeFor[T](), options)
}

// Lookup finds a field by its name.
func (f *Form) Lookup(name string) (Field, bool) {
	i, ok := f.byName[name]
	if !ok {
		return Field{}, false
	}
	return f.Fields[i], true
}

// Only is the form of the fields of one scope. A condition on a field outside
// the scope falls away, and with it the demand that the field be given. The
// struct's own Validate is not asked, as it would miss the other fields.
func (f *Form) Only(scope string) *Form {
	var kept []field
	for _, d := range f.inner {
		if d.Scope == scope {
			kept = append(kept, d)
		}
	}
	for i, d := range kept {
		if d.When == nil {
			continue
		}
		inside := slices.ContainsFunc(kept, func(o field) bool { return o.Name == d.When.Field })
		if !inside {
			kept[i].When, kept[i].Required = nil, false
		}
	}
	only := assemble(f.settings, kept)
	only.partial = true
	return only
}

func assemble(settings reflect.Type, inner []field) *Form {
	f := &Form{settings: settings, inner: inner, byName: make(map[string]int, len(inner))}
	for i, d := range inner {
		f.Fields = append(f.Fields, d.Field)
		f.byName[d.Name] = i
	}
	return f
}
