package oracle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// packages is a set of "name version" of one ecosystem.
type packages map[string]bool

// run gives a program's output; the test fails if it is not there.
func run(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is not installed: run make setup", name)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && out.Len() == 0 {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, errs.String())
	}
	return out.String()
}

func lines(text string) packages {
	set := packages{}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			set[line] = true
		}
	}
	return set
}

// dpkg asks dpkg-query for what is installed, with source packages.
func dpkg(t *testing.T, root string) packages {
	t.Helper()
	set := packages{}
	out := run(t, "", nil, "dpkg-query", "--admindir="+filepath.Join(root, "var/lib/dpkg"), "-W",
		"-f", "${db:Status-Abbrev}|${Package} ${Version} ${Architecture} ${source:Package} ${source:Version}\n")
	for line := range lines(out) {
		status, p, _ := strings.Cut(line, "|")
		if strings.HasPrefix(status, "ii") {
			set[p] = true
		}
	}
	return set
}

// rpm asks rpm for what is installed.
func rpm(t *testing.T, root string) packages {
	t.Helper()
	for _, dir := range []string{"var/lib/rpm", "usr/lib/sysimage/rpm"} {
		if _, err := os.Stat(filepath.Join(root, dir)); err == nil {
			return lines(run(t, "", nil, "rpm", "--dbpath", filepath.Join(root, dir), "-qa", "--qf", "%{NAME} %{EVR} %{ARCH}\n"))
		}
	}
	return packages{}
}

// gem asks RubyGems for what is in each place of the root that holds gems.
func gem(t *testing.T, root string) packages {
	t.Helper()
	set := packages{}
	for _, home := range parents(t, root, "specifications") {
		env := []string{"GEM_HOME=" + home, "GEM_PATH=" + home}
		script := `Gem::Specification.dirs.each { |d| next unless d.start_with?(ARGV[0]); Dir[d + "/**/*.gemspec"].each { |f| s = Gem::Specification.load(f); puts "#{s.name} #{s.version}" } }`
		for p := range lines(run(t, "", env, "ruby", "-e", script, home)) {
			set[p] = true
		}
	}
	return set
}

// npm asks npm ls for each project of the root.
func npm(t *testing.T, root string) packages {
	t.Helper()
	set := packages{}
	for _, project := range parents(t, root, "node_modules") {
		if strings.Contains(strings.TrimPrefix(project, root), "/node_modules") {
			continue
		}
		var tree dependency
		out := run(t, project, []string{"npm_config_update_notifier=false"}, "npm", "ls", "--all", "--json", "--long")
		if err := json.Unmarshal([]byte(out), &tree); err != nil {
			t.Fatalf("npm ls in %s: %v", project, err)
		}
		tree.collect(set)
	}
	return set
}

// modules asks node for every package root under a node_modules directory,
// which is more than npm ls walks: it leaves out what packages bring along in
// node_modules of their own without naming it.
func modules(t *testing.T, root string) packages {
	t.Helper()
	const script = `
const fs = require("fs"), path = require("path");
function walk(dir, inModules) {
  for (const e of fs.readdirSync(dir, {withFileTypes: true})) {
    if (!e.isDirectory()) continue;
    const at = path.join(dir, e.name);
    if (inModules && e.name.startsWith("@")) { walk(at, true); continue; }
    if (inModules) {
      try {
        const p = JSON.parse(fs.readFileSync(path.join(at, "package.json"), "utf8"));
        if (p.name && p.version) console.log(p.name + " " + p.version);
      } catch {}
    }
    walk(at, e.name === "node_modules");
  }
}
walk(process.argv[1], false);`
	return lines(run(t, "", nil, "node", "-e", script, root))
}

type dependency struct {
	Name         string                `json:"name"`
	Version      string                `json:"version"`
	Missing      bool                  `json:"missing"`
	Dependencies map[string]dependency `json:"dependencies"`
}

func (d dependency) collect(set packages) {
	for _, child := range d.Dependencies {
		if child.Name != "" && child.Version != "" && !child.Missing {
			set[child.Name+" "+child.Version] = true
		}
		child.collect(set)
	}
}

// parents lists the directories of root that hold a directory of this name.
func parents(t *testing.T, root, name string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == name {
			found = append(found, filepath.Dir(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(fmt.Errorf("walk the root: %w", err))
	}
	return found
}
