package form_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/seaworthy-dev/seaworthy/internal/form"
)

func schemaOf(t *testing.T, f *form.Form) *jsonschema.Schema {
	t.Helper()
	b, err := f.Schema()
	if err != nil {
		t.Fatal(err)
	}
	again, _ := f.Schema()
	if !bytes.Equal(b, again) {
		t.Error("the schema is not the same each time")
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("form.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("form.json") // also holds it to the metaschema
	if err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	return s
}

// candidates are values of all sorts for each field, right and wrong ones about
// equally often.
func candidates() map[string][]any {
	long := strings.Repeat("ä", 1024)
	other := []any{nil, true, false, 5, "", "x", []any{}, []any{"x"}, map[string]any{"a": 1}}
	values := map[string][]any{
		"host":     {"h.example", "a-b", "UPPER", "a b", " h ", long, strings.Repeat("h", 1024), strings.Repeat("h", 1025)},
		"port":     {0, 1, 443, 65535, 65536, json.Number("1.0"), json.Number("1.5"), json.Number("1e2"), json.Number("1E+5"), json.Number("-0"), json.Number("500e-2"), "443"},
		"account":  {"123456789012", "12345678901", "١٢٣٤٥٦٧٨٩٠١٢"},
		"auth":     {"keys", "ambient", "none", "Keys", " keys"},
		"user":     {"u", "u v", "u\nv", "\u0085", long, long + "ä"},
		"password": {"p", " p ", "p\n", "p\nq", form.Mask, strings.Repeat("p", 65536), strings.Repeat("p", 65537)},
		"token":    {"t", form.Mask, "\x7f"},
		"ca":       {"a\nb\tc\r\n", "a\x00", "\x0b", "\u009f"},
		"regions":  {[]any{"eu-1"}, []any{"eu-1", "eu-2", "us-1"}, []any{"eu-1", "eu-1", "eu-2", "us-1"}, []any{"eu-1", nil}, []any{" eu-1 ", ""}, []any{5}, []any{"xx"}, "eu-1"},
		"strict":   {"true", 1, 0},
		"level":    {-5, -6, 0, 1000, 1001, json.Number("9007199254740993"), json.Number("1e400")},
		"note":     {"n", strings.Repeat("ä", 20), strings.Repeat("ä", 21), " " + strings.Repeat("ä", 20)},
		"other":    {1},
	}
	for name := range values {
		values[name] = append(values[name], other...)
	}
	return values
}

// settle does to a document what Decode promises to do before it looks at it.
func settle(f *form.Form, doc map[string]any) map[string]any {
	settled := map[string]any{}
	for name, v := range doc {
		d, _ := f.Lookup(name)
		known := d.Name != ""
		switch value := v.(type) {
		case nil:
			if known {
				continue
			}
		case string:
			switch {
			case d.Kind == form.Hidden:
				value = strings.TrimRight(value, "\r\n")
			case known && d.Kind != form.Number && d.Kind != form.Bool:
				value = strings.TrimSpace(value)
			}
			isText := known && d.Kind != form.Number && d.Kind != form.Bool && d.Kind != form.List
			if isText && value == "" || d.Kind == form.Hidden && value == form.Mask {
				continue
			}
			v = value
		case []any:
			if d.Kind == form.List {
				var items []any
				for _, item := range value {
					if text, ok := item.(string); ok {
						if item = strings.TrimSpace(text); item == "" {
							continue
						}
					}
					items = append(items, item)
				}
				if items == nil {
					continue
				}
				v = items
			}
		}
		settled[name] = v
	}
	return settled
}

// TestDecodeAgreesWithSchema: a document is right by the schema exactly if it is
// by Decode.
func TestDecodeAgreesWithSchema(t *testing.T) {
	t.Parallel()
	f := sampleForm(t)
	schema := schemaOf(t, f)
	values := candidates()
	right, wrong := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		doc := map[string]any{}
		if rapid.Bool().Draw(t, "from full") {
			if err := json.Unmarshal([]byte(full), &doc); err != nil {
				t.Fatal(err)
			}
		} else {
			doc["host"] = "h"
		}
		names := rapid.SampledFrom(append([]string{"other"}, namesOf(f)...))
		for range rapid.IntRange(0, 4).Draw(t, "changes") {
			name := names.Draw(t, "name")
			if rapid.IntRange(0, 3).Draw(t, "leave out") == 0 {
				delete(doc, name)
				continue
			}
			doc[name] = rapid.SampledFrom(values[name]).Draw(t, "value")
		}
		agree(t, f, schema, doc, &right, &wrong)
	})
	if right == 0 || wrong == 0 {
		t.Errorf("%d right and %d wrong documents: one sort was never tried", right, wrong)
	}
	for name, each := range values { // and each candidate by itself
		for _, v := range each {
			doc := map[string]any{}
			_ = json.Unmarshal([]byte(full), &doc)
			doc[name] = v
			agree(t, f, schema, doc, &right, &wrong)
		}
	}
}

func agree(t rapid.TB, f *form.Form, schema *jsonschema.Schema, doc map[string]any, right, wrong *int) {
	t.Helper()
	b, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	settled, err := json.Marshal(settle(f, doc))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(settled))
	if err != nil {
		t.Fatal(err)
	}
	byForm, problems := form.Decode[sample](f, b)
	invalid := schema.Validate(parsed)
	if (invalid == nil) != (problems == nil) {
		t.Fatalf("%.500s\nschema: %v\ndecode: %v", b, invalid, problems)
	}
	if problems != nil {
		*wrong++
		return
	}
	*right++
	open, secrets, err := f.Split(byForm)
	if err != nil {
		t.Fatal(err)
	}
	again, problems := form.Join[sample](f, open, secrets)
	if diff := cmp.Diff(byForm, again); diff != "" || problems != nil {
		t.Fatalf("split and joined: %v (-want +got):\n%s", problems, diff)
	}
	for _, s := range secrets {
		if len(s) > 3 && bytes.Contains(open, []byte(s.Reveal())) {
			t.Fatalf("a secret stands in the settings: %s", open)
		}
	}
}

// TestConditionsAgree: all documents of a form whose fields depend on others.
func TestConditionsAgree(t *testing.T) {
	t.Parallel()
	type dependent struct {
		Mode string   `json:"mode" title:"Mode" enum:"a,b,c"`
		On   bool     `json:"on" title:"On"`
		Off  bool     `json:"off" title:"Off" default:"true"`
		X    string   `json:"x" title:"X" required:"true" when:"mode=a|b"`
		Y    int      `json:"y" title:"Y" required:"true" when:"on=true"`
		Z    []string `json:"z" title:"Z" required:"true" when:"off=true"`
	}
	f, err := form.Of[dependent]()
	if err != nil {
		t.Fatal(err)
	}
	schema := schemaOf(t, f)
	docs := []string{`"x-":0`}
	for _, values := range [][]string{
		{`"mode":"a"`, `"mode":"b"`, `"mode":"c"`}, {`"on":true`, `"on":false`}, {`"off":true`, `"off":false`}, {`"x":"x"`}, {`"y":0`}, {`"z":["z"]`},
	} {
		for _, doc := range docs {
			for _, v := range values {
				docs = append(docs, doc+","+v)
			}
		}
	}
	right := 0
	for _, doc := range docs {
		doc = "{" + strings.TrimPrefix(strings.TrimPrefix(doc, `"x-":0`), ",") + "}"
		parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(doc))
		if err != nil {
			t.Fatal(err)
		}
		_, problems := form.Decode[dependent](f, []byte(doc))
		if invalid := schema.Validate(parsed); (invalid == nil) != (problems == nil) {
			t.Errorf("%s\nschema: %v\ndecode: %v", doc, invalid, problems)
		}
		if problems == nil {
			right++
		}
	}
	if len(docs) != 4*3*3*8 || right == 0 || right == len(docs) {
		t.Errorf("%d of %d documents are right", right, len(docs))
	}
}

func namesOf(f *form.Form) []string {
	var names []string
	for _, d := range f.Fields {
		names = append(names, d.Name)
	}
	return names
}

func TestSchemaSays(t *testing.T) {
	t.Parallel()
	b, err := sampleForm(t).Schema()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Schema     string `json:"$schema"`
		Properties map[string]map[string]any
		Required   []string
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if got.Schema != "https://json-schema.org/draft/2020-12/schema" || !cmp.Equal(got.Required, []string{"host"}) {
		t.Errorf("schema %q, required %v", got.Schema, got.Required)
	}
	for name, want := range map[string]map[string]any{
		"password": {
			"type": "string", "title": "Password", "format": "password", "writeOnly": true, "minLength": 1.0, "maxLength": 65536.0,
			"x-kind": "secret", "x-scope": "credential", "x-order": 5.0, "not": map[string]any{"pattern": `[\x00-\x1f\x7f-\x9f]`},
			"x-when": map[string]any{"field": "auth", "values": []any{"keys"}},
		},
		"port": {
			"type": "integer", "title": "Port", "minimum": 1.0, "maximum": 65535.0, "default": 443.0,
			"x-kind": "number", "x-group": "Network", "x-order": 1.0, "x-trust": true,
		},
	} {
		if diff := cmp.Diff(want, got.Properties[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// FuzzDecode: no document makes it panic, and none is told back.
func FuzzDecode(f *testing.F) {
	for _, doc := range []string{full, `{}`, `{"level":1e99}`, `{"a":{"b":[]}}`, `[`, `{"host":"\ud800"}`} {
		f.Add([]byte(doc))
	}
	described := sampleForm(f)
	f.Fuzz(func(t *testing.T, doc []byte) {
		got, problems := form.Decode[sample](described, doc)
		if problems != nil {
			return
		}
		open, secrets, err := described.Split(got)
		if err != nil {
			t.Fatal(err)
		}
		if again, problems := form.Join[sample](described, open, secrets); !cmp.Equal(got, again) || problems != nil {
			t.Errorf("%q: %v, %v", doc, problems, cmp.Diff(got, again))
		}
	})
}
