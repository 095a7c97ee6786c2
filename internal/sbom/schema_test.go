package sbom

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/seaworthy-dev/seaworthy"
)

// The published schemas come with Go modules: CycloneDX's with its library,
// SARIF's in the source of its library, SPDX's with Syft, of which nothing else
// is used. They are read by another program's validator than the libraries'.
const (
	syftVersion = "v1.30.0"
	syftSum     = "h1:gphJZugA2hbmneNxSetdZkfXTsaiWNb0JUdS6pWcU+w="
)

// moduleDir is where the source of a module that this one requires lies.
func moduleDir(t *testing.T, module string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		t.Fatalf("go list -m %s: %v", module, err)
	}
	return strings.TrimSpace(string(out))
}

// syftDir is where the source of Syft lies, fetched through the module proxy
// if it is not in the cache.
func syftDir(t *testing.T) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", "github.com/anchore/syft@"+syftVersion)
	cmd.Dir = t.TempDir() // away from go.mod, which must not learn of it
	out, err := cmd.Output()
	var module struct{ Dir, Sum, Error string }
	if jsonErr := json.Unmarshal(out, &module); err != nil || jsonErr != nil || module.Dir == "" {
		reason := "SPDX output is NOT validated: the module with its schema cannot be had; " +
			"run: go mod download github.com/anchore/syft@" + syftVersion
		if os.Getenv("SEAWORTHY_REQUIRE_SCHEMAS") != "" {
			t.Fatalf("%s\n%v %v %s", reason, err, jsonErr, module.Error)
		}
		t.Skipf("%s\n%v %v %s", reason, err, jsonErr, module.Error)
	}
	if module.Sum != syftSum {
		t.Fatalf("github.com/anchore/syft %s has the sum %s, want %s", syftVersion, module.Sum, syftSum)
	}
	return module.Dir
}

func compile(t *testing.T, location string, resources map[string][]byte) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for url, b := range resources {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("%s: %v", url, err)
		}
		if err := c.AddResource(url, doc); err != nil {
			t.Fatalf("%s: %v", url, err)
		}
	}
	s, err := c.Compile(location)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func read(t *testing.T, elements ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(elements...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func cycloneDXSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	dir := filepath.Join(moduleDir(t, "github.com/CycloneDX/cyclonedx-go"), "schema")
	const base = "http://cyclonedx.org/schema/"
	return compile(t, base+"bom-1.6.schema.json", map[string][]byte{
		base + "bom-1.6.schema.json":  read(t, dir, "bom-1.6.schema.json"),
		base + "spdx.schema.json":     read(t, dir, "spdx.schema.json"),
		base + "jsf-0.82.schema.json": read(t, dir, "jsf-0.82.schemax.json"),
	})
}

func spdxSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	const url = "http://spdx.org/rdf/terms/2.3"
	return compile(t, url, map[string][]byte{url: read(t, syftDir(t), "schema", "spdx-json", "spdx-schema-2.3.json")})
}

// sarifSchema reads the schema out of a constant of the library's source.
func sarifSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	file := filepath.Join(moduleDir(t, "github.com/owenrumney/go-sarif/v3"), "pkg", "report", "v210", "sarif", "schema.go")
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var schema string
	ast.Inspect(tree, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING && len(l.Value) > len(schema) {
			schema = l.Value
		}
		return true
	})
	text, err := strconv.Unquote(schema)
	if err != nil || len(text) < 50_000 {
		t.Fatalf("no schema in %s: %v", file, err)
	}
	const url = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	return compile(t, url, map[string][]byte{url: []byte(text)})
}

type format struct {
	name   string
	write  func(*bytes.Buffer, []seaworthy.Assessment) error
	schema func(*testing.T) *jsonschema.Schema
	breaks string // a value without which, or with which, no document is valid
}

func formats() []format {
	return []format{
		{
			"CycloneDX", func(b *bytes.Buffer, as []seaworthy.Assessment) error { return CycloneDX(b, as, testTool) },
			cycloneDXSchema, `"bomFormat"`,
		},
		{
			"SPDX", func(b *bytes.Buffer, as []seaworthy.Assessment) error { return SPDX(b, as, testTool) },
			spdxSchema, `"spdxVersion"`,
		},
		{
			"SARIF", func(b *bytes.Buffer, as []seaworthy.Assessment) error { return SARIF(b, as, testTool) },
			sarifSchema, `"runs"`,
		},
	}
}

func TestPublishedSchemas(t *testing.T) {
	t.Parallel()
	for _, f := range formats() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			schema := f.schema(t)
			for name, as := range inputs() {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					var b bytes.Buffer
					if err := f.write(&b, as); err != nil {
						t.Fatal(err)
					}
					if !utf8.Valid(b.Bytes()) {
						t.Error("the document is not UTF-8")
					}
					if at := bytes.IndexFunc(b.Bytes(), func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f || r == 0x202e }); at >= 0 {
						t.Errorf("a control character at %d", at)
					}
					if bytes.Contains(b.Bytes(), []byte(`\u001b`)) || bytes.Contains(b.Bytes(), []byte(`\u0000`)) {
						t.Error("the document holds an escaped control character")
					}
					doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b.Bytes()))
					if err != nil {
						t.Fatal(err)
					}
					if err := schema.Validate(doc); err != nil {
						t.Errorf("%.3000v", err)
					}
					// The validator does look at the document.
					broken, err := jsonschema.UnmarshalJSON(strings.NewReader(strings.Replace(b.String(), f.breaks, `"x"`, 1)))
					if err != nil {
						t.Fatal(err)
					}
					if schema.Validate(broken) == nil {
						t.Errorf("the schema allows a document without %s", f.breaks)
					}
				})
			}
		})
	}
}

func TestSameInputSameBytes(t *testing.T) {
	t.Parallel()
	for _, f := range formats() {
		for name, as := range inputs() {
			var first bytes.Buffer
			if err := f.write(&first, as); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				var again bytes.Buffer
				if err := f.write(&again, inputs()[name]); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(first.Bytes(), again.Bytes()) {
					t.Fatalf("%s of %s differs from run to run", f.name, name)
				}
			}
		}
	}
}
