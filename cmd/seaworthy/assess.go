package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/assess"
	"github.com/seaworthy-dev/seaworthy/internal/layer"
	"github.com/seaworthy-dev/seaworthy/internal/layer/extractor"
	"github.com/seaworthy-dev/seaworthy/internal/oci"
	"github.com/seaworthy-dev/seaworthy/internal/sbom"
	"github.com/seaworthy-dev/seaworthy/internal/version"
)

// assessFlags are the flags of assess, as typed.
type assessFlags struct {
	dataDir       string
	noCache       bool
	platform      string
	format        string
	by            string
	failOn        string
	plainHTTP     bool
	ca            string
	username      string
	passwordStdin bool
	limits        []string
	showHidden    bool
	packages      bool
	quiet         bool
}

func assessCommand(t terminal) *cobra.Command {
	var f assessFlags
	cmd := &cobra.Command{
		Use:   "assess REF… | oci:DIR[:TAG] | tar:FILE",
		Short: "Show what is vulnerable in images, which layer brought it, and what fixes it",
		Long: `Assess images straight from a registry, an OCI layout or an archive, with no server.

  REF             an image in a registry, as docker pull takes it
  oci:DIR[:TAG]   an OCI image layout on disk
  tar:FILE        what docker save or skopeo copy oci-archive: wrote

Layers are read as a stream, each once: what is known of a layer or an image is
kept in the data directory and never read again. Advisories come from there too:
"seaworthy advisories update" fetches them.

Exit codes: 0 assessed, 1 failed, 2 wrong usage, 3 --fail-on says no.`,
		Example: `  seaworthy assess debian:12 ghcr.io/example/app:1.4
  seaworthy assess --format sarif --fail-on high registry.example.com/team/app:latest
  docker save app:dev -o app.tar && seaworthy assess tar:app.tar`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("assess needs an image: a reference such as debian:12, oci:DIR or tar:FILE")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return runAssess(cmd.Context(), t, f, args) },
	}
	flags := cmd.Flags()
	dataDirFlag(flags, &f.dataDir)
	flags.BoolVar(&f.noCache, "no-cache", false, "read all layers anew and remember nothing")
	flags.StringVar(&f.platform, "platform", seaworthy.HostPlatform().String(), "the platform to take from an index, or all")
	flags.StringVar(&f.format, "format", "table", strings.Join(formats(), ", "))
	flags.StringVar(&f.by, "by", "vulnerability", "rows of the table: vulnerability or package")
	flags.StringVar(&f.failOn, "fail-on", "", "exit with 3 if a vulnerability of this severity or worse is found: low, medium, high, critical")
	flags.BoolVar(&f.plainHTTP, "plain-http", false, "talk plain HTTP to a registry on this machine's loopback")
	flags.StringVar(&f.ca, "ca", "", "PEM file of certificates to trust beside the system's")
	flags.StringVar(&f.username, "username", "", "user for the registry; without it, Docker's config file and credential helpers are asked")
	flags.BoolVar(&f.passwordStdin, "password-stdin", false, "read the password from standard input")
	flags.StringArrayVar(&f.limits, "limit", nil, "raise or lower a limit, as in layer-bytes=128GiB (repeatable): "+strings.Join(seaworthy.LimitNames(), ", "))
	flags.BoolVar(&f.showHidden, "show-hidden", false, "show what is hidden by default: kernel headers, unimportant, documentation")
	flags.BoolVar(&f.packages, "packages", false, "list the packages too")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "no progress")
	choices(cmd, "format", formats()...)
	choices(cmd, "by", "vulnerability", "package")
	choices(cmd, "fail-on", "low", "medium", "high", "critical")
	return cmd
}

// assessPlan is a command line of assess, checked.
type assessPlan struct {
	wish    oci.Wish
	failOn  seaworthy.Severity
	fails   bool
	limits  seaworthy.Limits
	options oci.Options
}

func (f assessFlags) plan(in io.Reader) (assessPlan, error) {
	p := assessPlan{limits: seaworthy.DefaultLimits()}
	if !knownFormat(f.format) {
		return p, usagef("--format %q is not one of %s", clean(f.format), strings.Join(formats(), ", "))
	}
	if f.by != "vulnerability" && f.by != "package" {
		return p, usagef("--by %q is neither vulnerability nor package", clean(f.by))
	}
	if f.platform == "all" {
		p.wish.All = true
	} else {
		platform, err := seaworthy.ParsePlatform(f.platform)
		if err != nil {
			return p, usagef("--platform: %w", err)
		}
		p.wish.Platform = platform
	}
	if f.failOn != "" {
		severity, err := seaworthy.ParseSeverity(f.failOn)
		if err != nil || severity < seaworthy.SeverityLow {
			return p, usagef("--fail-on %q is not one of low, medium, high, critical", clean(f.failOn))
		}
		p.failOn, p.fails = severity, true
	}
	for _, assignment := range f.limits {
		if err := p.limits.Set(assignment); err != nil {
			return p, usageError{err}
		}
	}
	return p, f.access(&p, in)
}

// access reads what the flags say of certificates and credentials.
func (f assessFlags) access(p *assessPlan, in io.Reader) error {
	p.options = oci.Options{PlainHTTP: f.plainHTTP, Username: f.username, Limits: p.limits, UserAgent: "seaworthy/" + thisBuild().Version}
	if f.passwordStdin != (f.username != "") {
		return usagef("--username and --password-stdin go together")
	}
	if f.passwordStdin {
		password, err := io.ReadAll(io.LimitReader(in, 64<<10))
		if err != nil {
			return fmt.Errorf("read the password from standard input: %w", err)
		}
		p.options.Password = strings.TrimRight(string(password), "\r\n")
		if p.options.Password == "" {
			return usagef("--password-stdin: standard input holds no password")
		}
	}
	if f.ca != "" {
		pem, err := os.ReadFile(f.ca)
		if err != nil {
			return usagef("--ca: %w", err)
		}
		p.options.CA = pem
	}
	return nil
}

func runAssess(ctx context.Context, t terminal, f assessFlags, args []string) (err error) {
	plan, err := f.plan(t.in)
	if err != nil {
		return err
	}
	requests, unopened, err := openAll(args, plan)
	if err != nil {
		return err
	}
	defer func() {
		for _, r := range requests {
			err = errors.Join(err, r.Source.Close())
		}
	}()
	st, err := openStore(ctx, f.dataDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()

	a := assess.Assessor{
		Store:    st,
		Analyser: &layer.Analyser{Extractors: extractor.All(plan.limits), Limits: plan.limits},
		Limits:   plan.limits,
		Forget:   f.noCache,
	}
	if !f.quiet {
		a.Progress = newProgress(t.err)
	}
	outcomes, err := a.Assess(ctx, requests)
	if err != nil {
		return err
	}
	return report(ctx, t, f, plan, append(outcomes, unopened...))
}

// openAll opens the references. One that cannot be read as such is wrong usage;
// one that is not there fails by itself.
func openAll(args []string, plan assessPlan) (requests []assess.Request, unopened []assess.Outcome, err error) {
	if err := oneRegistry(args, plan.options.Username); err != nil {
		return nil, nil, err
	}
	for _, arg := range args {
		source, err := oci.Open(arg, plan.options)
		switch {
		case err == nil:
			requests = append(requests, assess.Request{Source: source, Wish: plan.wish})
		case seaworthy.CodeOf(err) == seaworthy.CodeInvalid:
			for _, r := range requests {
				_ = r.Source.Close()
			}
			return nil, nil, usageError{err}
		default:
			unopened = append(unopened, assess.Outcome{Reference: arg, Err: err})
		}
	}
	return requests, unopened, nil
}

// oneRegistry keeps a typed password from going to more than one registry.
func oneRegistry(args []string, username string) error {
	first := ""
	for _, arg := range args {
		if username == "" || strings.HasPrefix(arg, "oci:") || strings.HasPrefix(arg, "tar:") {
			continue
		}
		ref, err := oci.ParseReference(arg)
		if err != nil {
			return usageError{err}
		}
		if first != "" && ref.Host() != first {
			return usagef("--username and its password are for one registry, not for both %s and %s: assess them apart, or log in with docker login", first, ref.Host())
		}
		first = ref.Host()
	}
	return nil
}

// report writes what was found, then says what failed, and decides the exit.
func report(ctx context.Context, t terminal, f assessFlags, plan assessPlan, outcomes []assess.Outcome) error {
	var all []seaworthy.Assessment
	failed := false
	for _, o := range outcomes {
		all = append(all, o.Assessments...)
	}
	options := renderOptions{
		Failed: failures(ctx, outcomes), Format: f.format, By: f.by, ShowHidden: f.showHidden, Packages: f.packages,
		Tool: sbom.Tool{Name: "seaworthy", Version: thisBuild().Version}, Compare: compareVersions,
	}
	// A document of no image at all would read like one of a clean image.
	if len(all) > 0 || f.format == formatTable || f.format == formatJSON {
		if err := renderAssessments(t.out, options.forTerminal(t.out, os.LookupEnv), all); err != nil {
			return err
		}
	}
	for _, o := range outcomes {
		warnOfPlatform(t, plan.wish, o)
		if o.Err != nil {
			failed = true
			fmt.Fprintln(t.err, "seaworthy: "+about(clean(o.Reference), oneLine(ctx, o.Err)))
		}
	}
	if failed {
		return errSaid
	}
	if worst := worstOf(all); plan.fails && worst >= plan.failOn {
		fmt.Fprintf(t.err, "seaworthy: the worst finding is %s; --fail-on %s says no\n", worst, plan.failOn)
		return errPolicy
	}
	if blind := unjudged(all); plan.fails && blind != "" {
		fmt.Fprintf(t.err, "seaworthy: --fail-on cannot decide: %s\n", clean(blind))
		return errSaid
	}
	return nil
}

// failures lists the outcomes with an error, for programs.
func failures(ctx context.Context, outcomes []assess.Outcome) []failure {
	var failed []failure
	for _, o := range outcomes {
		if o.Err != nil {
			failed = append(failed, failure{o.Reference, seaworthy.CodeOf(o.Err), oneLine(ctx, o.Err)})
		}
	}
	return failed
}

// about puts a reference before what is said of it, once.
func about(reference, text string) string {
	if strings.HasPrefix(text, reference) {
		return text
	}
	return reference + ": " + text
}

// unjudged gives the first reason for which packages could not be matched at
// all, so that no finding is no answer; "" if there is none.
func unjudged(all []seaworthy.Assessment) string {
	for _, a := range all {
		for _, g := range a.Inventory.Gaps {
			if g.Kind == seaworthy.GapAdvisories || g.Kind == seaworthy.GapDistribution {
				return a.Reference + ": " + g.Reason
			}
		}
	}
	return ""
}

// warnOfPlatform says when the only image that there is runs on another platform
// than the one asked for: it is assessed all the same, as docker pull takes it.
func warnOfPlatform(t terminal, wish oci.Wish, o assess.Outcome) {
	if wish.All {
		return
	}
	for _, a := range o.Assessments {
		if p := a.Image.Platform; p.OS != "" && !wish.Platform.Runs(p) {
			fmt.Fprintf(t.err, "seaworthy: %s is for %s alone, not for %s\n", clean(o.Reference), clean(p.String()), wish.Platform)
		}
	}
}

// compareVersions orders versions; those that cannot be read come first.
func compareVersions(e seaworthy.Ecosystem, a, b string) int {
	v, errV := version.Parse(e, a)
	w, errW := version.Parse(e, b)
	switch {
	case errV != nil && errW != nil:
		return strings.Compare(a, b)
	case errV != nil:
		return -1
	case errW != nil:
		return 1
	}
	return v.Compare(w)
}

// worstOf is the highest severity that is shown: noise and what could not be
// decided do not count.
func worstOf(all []seaworthy.Assessment) seaworthy.Severity {
	worst := seaworthy.SeverityUnknown
	for _, a := range all {
		for _, v := range a.Vulnerabilities {
			if v.Class == "" && !v.Undecided {
				worst = max(worst, v.Severity)
			}
		}
	}
	return worst
}
