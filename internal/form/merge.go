package form

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Merge applies an edit, a JSON object, to stored settings and their secrets.
// Fields that the edit leaves out stay as stored; null or an empty text or list
// takes a value away. A secret that is left out, empty or masked stays too, but
// only while every field of trust stays: else whoever may edit could send it to
// a host of their own, so it must be typed again, which is a problem of its
// field. A secret that the changed settings no longer show is then dropped. null
// takes a secret away. T never holds a stored secret that must be typed again.
func Merge[T any](f *Form, doc []byte, secrets map[string]Secret, edit []byte) (T, Problems) {
	stored, broken := members(doc)
	changes, problems := members(edit)
	if stored == nil || changes == nil {
		var none T
		return none, append(broken, problems...)
	}
	merged := f.overlay(stored, changes)
	kept, again := f.keep(stored, merged, secrets, changes)
	for name, s := range kept {
		raw, err := json.Marshal(s.Reveal())
		if err != nil {
			return *new(T), Problems{{Field: name, Text: "cannot be read"}}
		}
		merged[name] = raw
	}
	t, more := DecodeFields[T](f, merged)
	for _, p := range more {
		if len(again.Of(p.Field)) == 0 { // "is required" says less than "type it again"
			problems = append(problems, p)
		}
	}
	return t, f.sorted(append(problems, again...))
}

// Copy is T of another connection's settings with an edit applied: never its
// secrets.
func Copy[T any](f *Form, doc []byte, edit []byte) (T, Problems) {
	return Merge[T](f, doc, nil, edit)
}

// overlay puts an edit over stored fields. Stored ones that the form no longer
// has fall away; such in the edit stay, to be told. Secrets are never in a stored
// document, so one that is there is not taken.
func (f *Form) overlay(stored, changes map[string]json.RawMessage) map[string]json.RawMessage {
	merged := map[string]json.RawMessage{}
	for name, raw := range stored {
		if i, ok := f.byName[name]; ok && f.inner[i].Kind != Hidden {
			merged[name] = raw
		}
	}
	maps.Copy(merged, changes)
	return merged
}

// keep chooses the stored secrets that stay under an edit, and says which must
// be typed again.
func (f *Form) keep(stored, merged map[string]json.RawMessage, secrets map[string]Secret, changes map[string]json.RawMessage) (map[string]Secret, Problems) {
	changed := f.distrusted(stored, merged)
	values, _ := f.values(merged)
	kept := map[string]Secret{}
	var again Problems
	for i := range f.inner {
		d := &f.inner[i]
		if d.Kind != Hidden || secrets[d.Name] == "" {
			continue
		}
		v, wrong := d.read(changes[d.Name])
		removed := string(bytes.TrimSpace(changes[d.Name])) == "null"
		switch {
		case v != nil || wrong != "" || removed:
		case len(changed) == 0:
			kept[d.Name] = secrets[d.Name]
		case f.shown(d, values):
			again = append(again, Problem{Field: d.Name, Text: Again(changed)})
		}
	}
	return kept, again
}

// Again says that a secret must be typed again because the fields named have
// changed.
func Again(changed []string) string {
	if len(changed) == 1 {
		return "type it again: " + changed[0] + " has changed"
	}
	last := len(changed) - 1
	return "type it again: " + strings.Join(changed[:last], ", ") + " and " + changed[last] + " have changed"
}

// distrusted names the fields of trust that differ. One that cannot be read has
// changed.
func (f *Form) distrusted(before, after map[string]json.RawMessage) []string {
	was, wrongBefore := f.values(before)
	is, wrongAfter := f.values(after)
	unread := slices.Concat(wrongBefore, wrongAfter)
	return f.changed(was, is, func(name string) bool { return len(unread.Of(name)) > 0 })
}

// Changed names the fields of trust in which two filled structs differ. Secrets
// that belong to the one, such as those of a connection's repository
// configurations, must not serve the other unless it is empty.
func Changed[T any](f *Form, a, b T) []string {
	was, is := map[string]any{}, map[string]any{}
	va, vb := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range f.inner {
		d := &f.inner[i]
		was[d.Name], is[d.Name] = d.value(va), d.value(vb)
	}
	return f.changed(was, is, func(string) bool { return false })
}

// changed compares what fields of trust hold, and also what they do: a proxy
// that was there all along, but not shown, begins to matter once it is.
func (f *Form) changed(was, is map[string]any, unread func(name string) bool) []string {
	var names []string
	for i := range f.inner {
		d := &f.inner[i]
		if !d.Trust {
			continue
		}
		before, after := settled(d, was), settled(d, is)
		same := reflect.DeepEqual(before, after)
		idle := reflect.DeepEqual(after, settled(d, nil))
		shows := f.shown(d, was) == f.shown(d, is)
		if unread(d.Name) || !same || !shows && !idle {
			names = append(names, d.Name)
		}
	}
	return names
}

// settled is a value with the zero that stands for its absence.
func settled(d *field, values map[string]any) any {
	if v := values[d.Name]; v != nil {
		return v
	}
	switch d.Kind {
	case Bool:
		return false
	case Number:
		return int64(0)
	}
	return nil
}

// Override gives base the credential of c: all fields of that scope, also the
// empty ones, so that one user's name never goes with another's password.
func Override[T any](f *Form, base, c T) T {
	to, from := reflect.ValueOf(&base).Elem(), reflect.ValueOf(c)
	for i := range f.inner {
		if d := &f.inner[i]; d.Scope == ScopeCredential {
			to.FieldByIndex(d.index).Set(from.FieldByIndex(d.index))
		}
	}
	return base
}

// Secrets names the fields that are secret.
func (f *Form) Secrets() []string {
	var names []string
	for _, d := range f.inner {
		if d.Kind == Hidden {
			names = append(names, d.Name)
		}
	}
	return slices.Clip(names)
}
