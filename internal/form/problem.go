package form

import (
	"slices"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
)

// Problem is what is wrong with one field.
type Problem struct {
	Field string `json:"field"` // its name; empty if it is the document as a whole
	Text  string `json:"text"`  // what is wrong, to be read behind the name, as "must be 12 digits"; never with the value
}

// Problems are all that is wrong with a document, in the order of the form.
type Problems []Problem

// String joins the problems into one line.
func (p Problems) String() string {
	parts := make([]string, len(p))
	for i, one := range p {
		name := one.Field
		if name == "" {
			name = "the settings"
		}
		parts[i] = name + " " + one.Text
	}
	return strings.Join(parts, "; ")
}

// Err is an error that says them all, nil if there are none.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	return &seaworthy.Error{Code: seaworthy.CodeInvalid, Public: p.String()}
}

// Of are the problems of one field.
func (p Problems) Of(name string) Problems {
	var of Problems
	for _, one := range p {
		if one.Field == name {
			of = append(of, one)
		}
	}
	return of
}

// without masks texts in the problems: those that a struct's own Validate
// wrote, in which a secret could stand by mistake.
func (p Problems) without(secrets map[string]Secret) Problems {
	cleaned := slices.Clone(p)
	for i := range cleaned {
		for _, s := range secrets {
			if s != "" {
				cleaned[i].Text = strings.ReplaceAll(cleaned[i].Text, s.Reveal(), Mask)
			}
		}
	}
	return cleaned
}

// sorted puts problems into the order of the form, the document's first and
// unknown fields last.
func (f *Form) sorted(p Problems) Problems {
	place := func(name string) int {
		if name == "" {
			return -1
		}
		if i, ok := f.byName[name]; ok {
			return i
		}
		return len(f.inner)
	}
	slices.SortStableFunc(p, func(a, b Problem) int {
		if d := place(a.Field) - place(b.Field); d != 0 {
			return d
		}
		return strings.Compare(a.Field, b.Field)
	})
	return p
}
