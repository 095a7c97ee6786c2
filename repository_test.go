package seaworthy_test

// The repository tests itself: what may import what, that each package says
// what it is for, and which modules it stands on.

import (
	"encoding/json"
	"errors"
	"go/doc"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

const module = "github.com/seaworthy-dev/seaworthy"

// tiers lists the packages from the bottom up: a package imports only those of
// tiers below its own, and the neighbours that it names behind its own name.
var tiers = [][]string{
	{""},
	{"internal/oci", "internal/form", "internal/version", "internal/inflate"},
	{"internal/layer", "internal/layer/extractor > internal/layer", "internal/secret", "internal/image", "internal/sbom", "internal/advisory", "internal/match"},
	{"internal/store/sqldb", "internal/store/packed"},
	{"internal/store"},
	{"internal/assess"},
	{"internal/demo"},
	{"cmd/seaworthy"},
}

// tests are packages that only tests import; they may use whatever they test.
var tests = []string{"internal/store/storetest"}

// pure packages do no I/O and take no context.
var pure = []string{"internal/image", "internal/match", "internal/version"}

type listed struct {
	ImportPath  string
	Dir         string
	Name        string
	Imports     []string
	TestImports []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Dir,Name,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 5 {
		t.Fatalf("go list gave %d packages", len(all))
	}
	return all
}

func relative(importPath string) (string, bool) {
	if importPath == module {
		return "", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

func TestImportDirection(t *testing.T) {
	t.Parallel()
	tier := map[string]int{}
	neighbours := map[string][]string{}
	for i, names := range tiers {
		for _, entry := range names {
			name, rest, _ := strings.Cut(entry, " > ")
			tier[name] = i
			neighbours[name] = strings.Fields(rest)
		}
	}
	for _, p := range packages(t) {
		from, _ := relative(p.ImportPath)
		if slices.Contains(tests, from) {
			continue
		}
		own, ok := tier[from]
		if !ok {
			t.Errorf("%s has no place in the tiers: add it to this test's list, and to docs/architecture.md", p.ImportPath)
			continue
		}
		for _, path := range p.Imports {
			to, ours := relative(path)
			if !ours {
				continue
			}
			below, known := tier[to]
			if slices.Contains(neighbours[from], to) {
				continue
			}
			if !known || below >= own {
				t.Errorf("%s imports %s, which is not below it", from, to)
			}
		}
	}
}

func TestPurePackagesDoNoIO(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		name, _ := relative(p.ImportPath)
		if !slices.Contains(pure, name) {
			continue
		}
		for _, path := range p.Imports {
			switch path {
			case "context", "os", "net", "net/http", "database/sql", "io/ioutil", "log", "log/slog":
				t.Errorf("%s is pure, yet imports %s", name, path)
			}
		}
	}
}

func TestEachPackageHasADoc(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		found := ""
		files, err := filepath.Glob(filepath.Join(p.Dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			if f.Doc != nil {
				found = f.Doc.Text()
			}
		}
		first := doc.Synopsis(found) //nolint:staticcheck // the function is all that is needed here
		want := "Package " + p.Name
		if p.Name == "main" {
			want = "Command "
		}
		if !strings.HasPrefix(first, want) || len(first) < 30 {
			t.Errorf("%s has no package doc that begins with %q", p.ImportPath, want)
		}
	}
}

// TestDependencies holds go.mod to tools/deps.txt, where each module stands with
// its reason.
func TestDependencies(t *testing.T) {
	t.Parallel()
	list, err := os.ReadFile("tools/deps.txt")
	if err != nil {
		t.Fatal(err)
	}
	allowed := map[string]bool{}
	for line := range strings.Lines(string(list)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, reason, ok := strings.Cut(line, " ")
		if !ok || len(strings.TrimSpace(reason)) < 10 {
			t.Errorf("tools/deps.txt: %s has no reason", name)
		}
		allowed[name] = false
	}
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	f, err := modfile.Parse("go.mod", mod, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Replace) > 0 {
		t.Error("go.mod replaces modules, so others cannot install the program with go install")
	}
	for _, r := range f.Require {
		if r.Indirect {
			continue
		}
		if _, ok := allowed[r.Mod.Path]; !ok {
			t.Errorf("go.mod requires %s, which tools/deps.txt does not list", r.Mod.Path)
		}
		allowed[r.Mod.Path] = true
	}
	for name, used := range allowed {
		if !used {
			t.Errorf("tools/deps.txt lists %s, which go.mod does not require", name)
		}
	}
}

var emptyNames = regexp.MustCompile(`(^|/)(utils?|commons?|helpers?|types|models?|misc)(/|\.go$)`)

func TestNamesSaySomething(t *testing.T) {
	t.Parallel()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") && emptyNames.MatchString(filepath.ToSlash(path)) {
			t.Errorf("%s: the name does not say what is in it", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A merge that was not finished leaves its marks in files that no compiler reads.
func TestNoMergeMarks(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "git", "grep", "-lE", "^(<{7} |>{7} )").Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 1 {
		return
	}
	if err != nil {
		t.Skipf("NOT CHECKED: this is no git checkout: %v", err)
	}
	t.Errorf("conflict marks are left in %s", out)
}
