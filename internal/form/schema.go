package form

import (
	"encoding/json"
	"slices"
)

// Schema is the form as JSON Schema 2020-12, the same bytes each time. It is
// exact for documents as [Decode] leaves them: without white space around texts,
// and without null or empty values, which Decode takes for missing ones. What
// JSON Schema has no word for stands behind x-: order, kind, scope, group, trust,
// when, placeholder, shape.
func (f *Form) Schema() ([]byte, error) {
	properties := map[string]any{}
	required := []string{}
	var conditions []any
	for i := range f.inner {
		d := &f.inner[i]
		property := d.schema()
		property["x-order"] = i
		properties[d.Name] = property
		if !d.Required {
			continue
		}
		if d.When == nil {
			required = append(required, d.Name)
			continue
		}
		conditions = append(conditions, map[string]any{
			"if":   f.shownSchema(d.When),
			"then": map[string]any{"required": []string{d.Name}},
		})
	}
	schema := map[string]any{
		"$schema":              "https://json-schema.org/draft/2020-12/schema",
		"type":                 "object",
		"additionalProperties": false,
		"properties":           properties,
		"required":             required,
	}
	if conditions != nil {
		schema["allOf"] = conditions
	}
	return json.MarshalIndent(schema, "", "  ")
}

func (d *field) schema() map[string]any {
	s := map[string]any{"title": d.Title, "x-kind": d.Kind}
	switch d.Kind {
	case Number:
		s["type"], s["minimum"], s["maximum"] = "integer", d.Min, d.Max
	case Bool:
		s["type"] = "boolean"
	case List:
		item := map[string]any{"type": "string", "minLength": 1, "maxLength": maxLine}
		d.textSchema(item)
		s["type"], s["items"], s["minItems"], s["maxItems"] = "array", item, d.Min, d.Max
	default:
		s["type"], s["minLength"], s["maxLength"] = "string", d.Min, d.Max
		d.textSchema(s)
	}
	if d.Kind == Hidden {
		s["format"], s["writeOnly"] = "password", true
	}
	for name, v := range map[string]string{
		"description": d.Help, "x-scope": d.Scope, "x-group": d.Group, "x-placeholder": d.Placeholder, "x-shape": d.Shape,
	} {
		if v != "" {
			s[name] = v
		}
	}
	if d.Default != nil {
		s["default"] = d.Default
	}
	if d.When != nil {
		s["x-when"] = d.When
	}
	if d.Trust {
		s["x-trust"] = true
	}
	return s
}

func (d *field) textSchema(s map[string]any) {
	if d.Enum != nil {
		s["enum"] = d.Enum
	}
	if d.Pattern != "" {
		s["pattern"] = d.Pattern
	}
	control := lineControlPattern
	if d.Lines {
		control = linesControlPattern
	}
	s["not"] = map[string]any{"pattern": control}
}

// shownSchema accepts documents that show a field. A field that is not given has
// its default; without one, a bool is false and a choice is nothing.
func (f *Form) shownSchema(w *When) map[string]any {
	on := f.inner[f.byName[w.Field]]
	values := make([]any, len(w.Values))
	for i, v := range w.Values {
		values[i] = v
		if on.Kind == Bool {
			values[i] = v == "true"
		}
	}
	s := map[string]any{"properties": map[string]any{w.Field: map[string]any{"enum": values}}}
	absent := on.Default
	if absent == nil && on.Kind == Bool {
		absent = false
	}
	if absent == nil || !slices.Contains(values, absent) {
		s["required"] = []string{w.Field}
	}
	return s
}
