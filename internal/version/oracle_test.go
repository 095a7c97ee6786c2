package version

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/seaworthy-dev/seaworthy"
)

var update = flag.Bool("update", false, "write the tables in testdata anew with the tools that are installed")

// oracle is a program that knows an order better than we do. Its command reads
// lines "A B" and writes -1, 0 or 1 for each; it is found by its first word.
type oracle struct {
	ecosystem seaworthy.Ecosystem
	table     string
	needs     string // a file besides the program
	command   []string
}

func oracles() []oracle {
	const (
		sign     = `case $c in "<") echo -1;; ">") echo 1;; "=") echo 0;; *) echo "$a $b: $c" >&2; exit 1;; esac`
		maven    = "/usr/share/java/maven-artifact-3.x.jar"
		composer = "/usr/share/php/Composer/Semver/autoload.php"
	)
	return []oracle{
		{"Debian:12", "dpkg.txt", "", []string{"dpkg", "sh", "-c", `while read -r a b; do
			if dpkg --compare-versions "$a" lt "$b" 2>/dev/null; then echo -1
			elif dpkg --compare-versions "$a" eq "$b" 2>/dev/null; then echo 0
			else echo 1; fi; done`}},
		{"AlmaLinux:9", "rpm.txt", "", []string{"rpm", "sh", "-c", `cat >"$TMPDIR/pairs"; export PAIRS="$TMPDIR/pairs"
			rpm --eval '%{lua:local answers = {}
				for line in io.lines(os.getenv("PAIRS")) do
					local a, b = line:match("([^ ]+) ([^ ]+)")
					table.insert(answers, string.format("%d", rpm.vercmp(a, b))) end
				print(table.concat(answers, " "))}'`}},
		{"Alpine:v3.20", "apk.txt", "", []string{"apk", "sh", "-c", `while read -r a b; do c=$(apk version -t "$a" "$b"); ` + sign + `; done`}},
		{"npm", "npm.txt", "", []string{"npm", "sh", "-c", `NODE_PATH=$(npm root -g)/npm/node_modules node -e '
			const semver = require("semver")
			for (const line of require("fs").readFileSync(0, "utf8").trim().split("\n")) {
				const [a, b] = line.split(" "); console.log(semver.compare(a, b)) }'`}},
		{"RubyGems", "gem.txt", "", []string{"ruby", "ruby", "-e", `STDIN.each_line { |line|
			a, b = line.split; puts Gem::Version.new(a) <=> Gem::Version.new(b) }`}},
		{"PyPI", "pypi.txt", "", []string{"python3", "python3", "-c", `import sys
try: from packaging.version import Version
except ImportError: from pip._vendor.packaging.version import Version
for line in sys.stdin:
    a, b = map(Version, line.split()); print((a > b) - (a < b))`}},
		{"Maven", "maven.txt", maven, []string{"java", "sh", "-c", `xargs java -cp ` + maven + `:/usr/share/java/commons-lang3.jar \
			org.apache.maven.artifact.versioning.ComparableVersion |
			grep '^   ' | awk 'NR % 2 == 1 { if ($2 == "<") print -1; else if ($2 == ">") print 1; else print 0 }'`}},
		{"Packagist", "composer.txt", composer, []string{"php", "php", "-r", `require "` + composer + `"; $p = new Composer\Semver\VersionParser;
			while (($line = fgets(STDIN)) !== false) { [$a, $b] = explode(" ", trim($line));
				echo version_compare($p->normalize($a), $p->normalize($b)), "\n"; }`}},
	}
}

// compare asks the program about all pairs. It fails the test if the program
// answers less than it was asked, and skips it if there is no such program.
func (o oracle) compare(t *testing.T, pairs [][2]string) []int {
	t.Helper()
	if _, err := exec.LookPath(o.command[0]); err != nil {
		t.Skipf("NOT COMPARED: %s is not installed; the table in testdata was made with it", o.command[0])
	}
	if _, err := os.Stat(o.needs); o.needs != "" && err != nil {
		t.Skipf("NOT COMPARED: %s is not installed; the table in testdata was made with it", o.needs)
	}
	var in, errs bytes.Buffer
	for _, p := range pairs {
		fmt.Fprintln(&in, p[0], p[1])
	}
	c := exec.CommandContext(t.Context(), o.command[1], o.command[2:]...)
	c.Stdin, c.Stderr = &in, &errs
	c.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", o.command[0], err, errs.Bytes())
	}
	answers := strings.Fields(string(out))
	if len(answers) != len(pairs) {
		t.Fatalf("%s answered %d of %d pairs\n%s", o.command[0], len(answers), len(pairs), errs.Bytes())
	}
	signs := make([]int, len(answers))
	for i, a := range answers {
		if signs[i], err = strconv.Atoi(a); err != nil {
			t.Fatalf("%s answered %q", o.command[0], a)
		}
	}
	return signs
}

func check(t *testing.T, e seaworthy.Ecosystem, a, b string, want int) {
	t.Helper()
	v, err := Parse(e, a)
	if err != nil {
		t.Errorf("Parse(%s, %q): %v", e, a, err)
		return
	}
	w, err := Parse(e, b)
	if err != nil {
		t.Errorf("Parse(%s, %q): %v", e, b, err)
		return
	}
	if got := v.Compare(w); got != want {
		t.Errorf("%s: compare(%q, %q) = %d, want %d", e, a, b, got, want)
	}
	if got := w.Compare(v); got != -want {
		t.Errorf("%s: compare(%q, %q) = %d, want %d", e, b, a, got, -want)
	}
}

// generate draws pairs that differ, the same ones for the same seed.
func generate(e seaworthy.Ecosystem, n, seed int) [][2]string {
	g := generators()[e]
	pair := rapid.Custom(func(t *rapid.T) [2]string { return [2]string{g.Draw(t, "a"), g.Draw(t, "b")} }).
		Filter(func(p [2]string) bool { return p[0] != p[1] })
	pairs := make([][2]string, n)
	for i := range pairs {
		pairs[i] = pair.Example(seed + i)
	}
	return pairs
}

// TestTables compares us with the answers that the real programs gave once.
func TestTables(t *testing.T) {
	t.Parallel()
	for _, o := range oracles() {
		t.Run(o.table, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join("testdata", o.table)
			if *update {
				o.write(t, path)
			}
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			rows := 0
			for s := bufio.NewScanner(f); s.Scan(); {
				if strings.HasPrefix(s.Text(), "#") {
					continue
				}
				row := strings.Fields(s.Text())
				check(t, o.ecosystem, row[0], row[2], strings.Index("<=>", row[1])-1)
				rows++
			}
			if rows < 300 {
				t.Errorf("the table has %d rows, want some hundred", rows)
			}
		})
	}
}

func (o oracle) write(t *testing.T, path string) {
	pairs := generate(o.ecosystem, 500, 1)
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s: what %s says; see README.md\n", o.ecosystem.Family(), o.command[0])
	for i, sign := range o.compare(t, pairs) {
		fmt.Fprintf(&b, "%s %c %s\n", pairs[i][0], "<=>"[sign+1], pairs[i][1])
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestPrograms compares us with the real programs on this machine, over other
// versions than the tables have.
func TestPrograms(t *testing.T) {
	t.Parallel()
	for _, o := range oracles() {
		t.Run(o.command[0], func(t *testing.T) {
			t.Parallel()
			pairs := generate(o.ecosystem, 400, 100_000)
			for i, want := range o.compare(t, pairs) {
				check(t, o.ecosystem, pairs[i][0], pairs[i][1], want)
			}
		})
	}
}
