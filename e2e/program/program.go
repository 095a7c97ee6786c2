// Package program runs bin/seaworthy as people do, each test with a home, a
// temporary directory and a data directory of its own.
package program

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Path is the binary under test; make builds it.
func Path(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		path := filepath.Join(dir, "bin", "seaworthy")
		if _, err := os.Stat(path); err == nil {
			return path
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("bin/seaworthy is not built: run make build")
		}
		dir = filepath.Dir(dir)
	}
}

// Home is where one user's runs happen.
type Home struct {
	Dir  string   // HOME
	Temp string   // TMPDIR
	Data string   // the data directory, which is not made
	Env  []string // more variables

	Program string // in the place of [Path]
}

// NewHome makes one.
func NewHome(t *testing.T) *Home {
	t.Helper()
	h := &Home{Dir: t.TempDir(), Temp: t.TempDir()}
	h.Data = filepath.Join(h.Dir, "data")
	return h
}

// Command is a run that has not started.
func (h *Home) Command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), cmp.Or(h.Program, Path(t)), args...)
	cmd.Dir = h.Dir
	cmd.Env = append([]string{
		"HOME=" + h.Dir, "TMPDIR=" + h.Temp, "SEAWORTHY_DATA_DIR=" + h.Data, "PATH=" + os.Getenv("PATH"),
	}, h.Env...)
	return cmd
}

// Result is what a run said.
type Result struct {
	Out, Err string
	Code     int
	Took     time.Duration
}

// Run runs the program to its end.
func (h *Home) Run(t *testing.T, args ...string) Result {
	t.Helper()
	return Wait(t, h.Command(t, args...), nil)
}

// Succeed runs the program, which must exit with 0.
func (h *Home) Succeed(t *testing.T, args ...string) string {
	t.Helper()
	r := h.Run(t, args...)
	if r.Code != 0 {
		t.Fatalf("seaworthy %s exits with %d:\n%s", strings.Join(args, " "), r.Code, r.Err)
	}
	return r.Out
}

// Wait starts a command, lets meanwhile do something to it, and waits for its
// end. Took is the time from meanwhile's end.
func Wait(t *testing.T, cmd *exec.Cmd, meanwhile func(*os.Process)) Result {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if meanwhile != nil {
		meanwhile(cmd.Process)
	}
	start := time.Now()
	err := cmd.Wait()
	r := Result{Out: out.String(), Err: errs.String(), Took: time.Since(start)}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		r.Code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return r
}

// Assessment is what the program says of one image, as far as tests look at it.
type Assessment struct {
	Reference string
	Image     struct {
		Digest string
		Layers []struct{ Digest, Instruction string }
	}
	Inventory struct {
		Packages []Package
		Gaps     []struct{ Kind, Path, Reason string }
	}
	Vulnerabilities []struct {
		ID      string
		Package Package
	}
}

// Package is one package of an assessment.
type Package struct {
	Ecosystem, Name, Version, Arch, Source, SourceVersion, OwnedBy string

	Locations []struct {
		Layer int
		Path  string
	}
}

// Assess assesses images, all of which must succeed.
func (h *Home) Assess(t *testing.T, args ...string) []Assessment {
	t.Helper()
	return Decode(t, h.Succeed(t, append([]string{"assess", "--quiet", "--format", "json"}, args...)...))
}

// Decode reads what --format json writes.
func Decode(t *testing.T, out string) []Assessment {
	t.Helper()
	var doc struct{ Assessments []Assessment }
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatalf("%v in %.200s", err, out)
	}
	return doc.Assessments
}

// Of lists "name version" of an ecosystem's packages, sorted.
func (a Assessment) Of(family string) []string {
	var list []string
	for _, p := range a.Inventory.Packages {
		if of, _, _ := strings.Cut(p.Ecosystem, ":"); of == family {
			list = append(list, p.Name+" "+p.Version)
		}
	}
	slices.Sort(list)
	return list
}

// Found lists "package version id" of the vulnerabilities, sorted.
func (a Assessment) Found() []string {
	var list []string
	for _, v := range a.Vulnerabilities {
		list = append(list, v.Package.Name+" "+v.Package.Version+" "+v.ID)
	}
	slices.Sort(list)
	return list
}

// Samples writes the sample images into a layout.
func (h *Home) Samples(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "samples")
	h.Succeed(t, "demo", "--write", dir)
	return dir
}

// Left lists what is in a directory besides the names given.
func Left(t *testing.T, dir string, besides ...string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if !slices.Contains(besides, e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names
}

// Database are the names of the files that a data directory may hold.
func Database() []string {
	return []string{"seaworthy.db", "seaworthy.db-wal", "seaworthy.db-shm", "seaworthy.db-migrate"}
}
