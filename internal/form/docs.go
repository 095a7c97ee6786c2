package form

import (
	"fmt"
	"strings"
)

// Docs is the form as a table in Markdown, for the guides.
func (f *Form) Docs() string {
	var b strings.Builder
	b.WriteString("| Setting | Label | What | Needed | Default |\n|---|---|---|---|---|\n")
	for i := range f.inner {
		d := &f.inner[i]
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", d.Name, cell(d.Title), cell(d.what()), d.needed(), d.shownDefault())
	}
	return b.String()
}

func (d *field) what() string {
	var parts []string
	if d.Help != "" {
		parts = append(parts, strings.TrimSuffix(d.Help, "."))
	}
	if d.Kind == Hidden {
		parts = append(parts, "Secret")
	}
	if d.Shape != "" {
		parts = append(parts, "Must be "+d.Shape)
	}
	switch {
	case d.Kind == Bool:
		parts = append(parts, "true or false")
	case d.Enum != nil:
		parts = append(parts, "One of "+strings.Join(d.Enum, ", "))
	case d.Kind == Number:
		parts = append(parts, fmt.Sprintf("%d to %d", d.Min, d.Max))
	case d.Kind == List:
		parts = append(parts, "A list, parted by commas")
	}
	if d.Trust {
		parts = append(parts, "When it changes, secrets must be typed again")
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, ". ") + "."
}

func (d *field) needed() string {
	when := ""
	if d.When != nil {
		when = "if `" + d.When.Field + "` is " + strings.Join(d.When.Values, " or ")
	}
	switch {
	case d.Required && when == "":
		return "yes"
	case d.Required:
		return "yes, " + when
	case when != "":
		return "no; only " + when
	}
	return "no"
}

func (d *field) shownDefault() string {
	switch v := d.Default.(type) {
	case nil:
		return ""
	case []string:
		return "`" + cell(strings.Join(v, ",")) + "`"
	default:
		return "`" + cell(fmt.Sprint(v)) + "`"
	}
}

// cell keeps a text within its cell of the table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(text)
}
