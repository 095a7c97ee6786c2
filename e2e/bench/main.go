// Command bench prints how fast and how small the program is, as ratios to what
// stands beside it in the same run. It is run by hand; it is no test.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/seaworthy-dev/seaworthy/e2e/layoutserver"
)

// bench is one run of all measurements.
type bench struct {
	seaworthy string
	root      string // of the repository
	osv       string
	runs      int
	scratch   string
	server    *layoutserver.Server
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var b bench
	var images string
	flag.StringVar(&b.seaworthy, "seaworthy", "../bin/seaworthy", "the program")
	flag.StringVar(&b.root, "root", "..", "the repository")
	flag.StringVar(&images, "images", "", "OCI layout with images to assess (default: small ones, made now)")
	flag.StringVar(&b.osv, "osv", "", "OSV bucket layout to import (default: none)")
	flag.IntVar(&b.runs, "runs", 3, "runs of each measurement; the median counts")
	flag.Parse()

	var err error
	if b.scratch, err = os.MkdirTemp("", "seaworthy-bench"); err != nil {
		return err
	}
	defer os.RemoveAll(b.scratch)
	if images == "" {
		images = filepath.Join(b.scratch, "images")
		if _, err := measure(ctx, b.seaworthy, "demo", "--write", images); err != nil {
			return err
		}
	}
	if _, err := os.Stat(filepath.Join(images, "oci")); err == nil {
		images = filepath.Join(images, "oci")
	}
	if b.server, err = layoutserver.Start(images); err != nil {
		return err
	}
	defer b.server.Close()

	for _, step := range []func(context.Context) error{b.advisories, b.images, b.family, b.startUp, b.micro} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func section(title string) { fmt.Printf("\n%s\n", title) }

func row(what, format string, args ...any) {
	fmt.Printf("  %-46s %s\n", what, fmt.Sprintf(format, args...))
}

func ratio(a, b time.Duration) string { return fmt.Sprintf("%.2f×", a.Seconds()/b.Seconds()) }

func mib(n int64) string { return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20)) }

// advisories imports the bucket, so that later steps match against it.
func (b *bench) advisories(ctx context.Context) error {
	if b.osv == "" {
		return nil
	}
	section("Advisories")
	absolute, err := filepath.Abs(b.osv)
	if err != nil {
		return err
	}
	u, err := measure(ctx, b.seaworthy, "advisories", "update", "--data-dir", b.data("filled"), "--source", "file://"+absolute,
		"--ecosystem", "all", "--kev", "none", "--epss", "none")
	if err != nil {
		return err
	}
	status, err := measure(ctx, b.seaworthy, "advisories", "status", "--data-dir", b.data("filled"), "--output", "json")
	if err != nil {
		return err
	}
	var feeds struct {
		Feeds []struct{ Records, Withdrawn int }
	}
	if err := json.Unmarshal(status.output, &feeds); err != nil {
		return err
	}
	records := 0
	for _, f := range feeds.Feeds {
		records += f.Records + f.Withdrawn
	}
	row("full import", "%.1f s for %d records (%.0f a second), peak RSS %s, anonymous %s", u.wall.Seconds(), records,
		float64(records)/u.wall.Seconds(), mib(u.rss), mib(u.anon))
	return nil
}

func (b *bench) data(name string) string { return filepath.Join(b.scratch, name) }

// baseline fetches and unpacks an image's layers one after the other.
func (b *bench) baseline(ctx context.Context, tag string) (usage, error) {
	urls, err := b.server.Layers(tag)
	if err != nil {
		return usage{}, err
	}
	var script strings.Builder
	for _, url := range urls {
		fmt.Fprintf(&script, "curl -s '%s' | gzip -dc >/dev/null || exit 1\n", url)
	}
	return median(ctx, b.runs, "bash", "-c", "set -o pipefail\n"+script.String())
}

// images measures each single image cold, against curl | gzip -dc and whatever
// peers are there.
func (b *bench) images(ctx context.Context) error {
	section("One image, cold, nothing remembered")
	for _, tag := range []string{"small", "medium", "large", "zstd", "debian-app", "node-app"} {
		if !slices.Contains(b.server.Tags(), tag) {
			continue
		}
		u, err := median(ctx, b.runs, b.seaworthy, "assess", "--plain-http", "--no-cache", "--quiet", "--format", "json",
			"--data-dir", b.data("filled"), b.server.Reference(tag))
		if err != nil {
			return err
		}
		packages := countPackages(u.output)
		row(tag, "wall %.2f s, CPU %.2f s, RSS %s, anonymous %s, %d packages (%.0f a second)", u.wall.Seconds(), u.cpu.Seconds(),
			mib(u.rss), mib(u.anon), packages, float64(packages)/u.wall.Seconds())
		if tag == "zstd" {
			continue
		}
		base, err := b.baseline(ctx, tag)
		if err != nil {
			return err
		}
		row("  against curl | gzip -dc", "wall %s (%.2f s), CPU %s", ratio(u.wall, base.wall), base.wall.Seconds(), ratio(u.cpu, base.cpu))
		b.peers(ctx, tag, u)
	}
	return nil
}

// peers runs what is on PATH over the same image.
func (b *bench) peers(ctx context.Context, tag string, ours usage) {
	ref := b.server.Reference(tag)
	for name, args := range map[string][]string{
		"trivy": {"image", "--insecure", "--scanners", "vuln", "--skip-db-update", "--offline-scan", "--format", "json", "--list-all-pkgs", ref},
		"syft":  {"registry:" + ref, "-q", "-o", "json"},
		"grype": {"registry:" + ref, "-q", "-o", "json"},
	} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		u, err := measure(ctx, path, args...)
		if err != nil {
			row("  against "+name, "failed: %s", lastLines(err.Error()))
			continue
		}
		row("  against "+name, "wall %s (%.2f s), CPU %s", ratio(ours.wall, u.wall), u.wall.Seconds(), ratio(ours.cpu, u.cpu))
	}
}

func countPackages(output []byte) int {
	var doc struct {
		Assessments []struct {
			Inventory struct{ Packages []struct{} }
		}
	}
	if json.Unmarshal(output, &doc) != nil {
		return 0
	}
	n := 0
	for _, a := range doc.Assessments {
		n += len(a.Inventory.Packages)
	}
	return n
}

// family assesses images that share a base: cold, and again.
func (b *bench) family(ctx context.Context) error {
	var refs []string
	for _, tag := range b.server.Tags() {
		if strings.HasPrefix(tag, "fam") && tag != "fambase" {
			refs = append(refs, b.server.Reference(tag))
		}
	}
	if len(refs) == 0 {
		return nil
	}
	section(fmt.Sprintf("%d images on one base, one assess", len(refs)))
	args := append([]string{"assess", "--plain-http", "--quiet", "--format", "json", "--data-dir", b.data("filled")}, refs...)
	b.server.Reset()
	cold, err := measure(ctx, b.seaworthy, args...)
	if err != nil {
		return err
	}
	row("cold", "wall %.2f s, CPU %.2f s, RSS %s, %d blobs", cold.wall.Seconds(), cold.cpu.Seconds(), mib(cold.rss), b.server.Blobs.Load())
	b.server.Reset()
	again, err := median(ctx, b.runs, b.seaworthy, args...)
	if err != nil {
		return err
	}
	row("again", "wall %.3f s, CPU %.3f s, RSS %s, %d blobs, %d manifests, %d heads a run", again.wall.Seconds(), again.cpu.Seconds(),
		mib(again.rss), b.server.Blobs.Load(), b.server.Manifests.Load(), b.server.Heads.Load()/int64(b.runs))
	if !bytes.Equal(findings(cold.output), findings(again.output)) {
		return fmt.Errorf("the second run found something else than the first")
	}
	return nil
}

// findings is what two runs must agree on: the output without its times.
func findings(output []byte) []byte {
	var doc struct {
		Assessments []struct {
			Image           struct{ Digest string }
			Vulnerabilities []struct{ ID, Fixed string }
		}
	}
	if err := json.Unmarshal(output, &doc); err != nil {
		return nil
	}
	b, _ := json.Marshal(doc)
	return b
}

// startUp measures the time from the start of the process to its first request.
func (b *bench) startUp(ctx context.Context) error {
	tags := b.server.Tags()
	if len(tags) == 0 {
		return nil
	}
	slices.Sort(tags)
	section("Start-up, until the first request, with the advisories of above")
	var times []time.Duration
	for range max(b.runs, 5) {
		b.server.Reset()
		u, err := measure(ctx, b.seaworthy, "assess", "--plain-http", "--quiet", "--format", "json", "--data-dir", b.data("filled"),
			"--platform", "all", b.server.Reference(tags[0]))
		if err != nil {
			return err
		}
		times = append(times, time.Unix(0, b.server.First.Load()).Sub(u.start))
	}
	slices.Sort(times)
	row("median", "%.0f ms", times[len(times)/2].Seconds()*1000)
	return nil
}

// micro runs the benchmarks of the packages.
func (b *bench) micro(ctx context.Context) error {
	section("Inside")
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", ".", "-benchtime", "300ms", "./internal/match", "./internal/layer", "./internal/image", "./internal/advisory")
	cmd.Dir = b.root
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, lastLines(string(out)))
	}
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "Benchmark") {
			fmt.Print("  " + line)
		}
	}
	return nil
}
