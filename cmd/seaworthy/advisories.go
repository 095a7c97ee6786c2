package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/advisory"
	"github.com/seaworthy-dev/seaworthy/internal/store"
	"github.com/seaworthy-dev/seaworthy/internal/version"
)

func advisoriesCommand(t terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "advisories",
		Short: "Fetch, import and inspect the advisories that images are matched against",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(advisoriesUpdateCommand(t), advisoriesImportCommand(t), advisoriesStatusCommand(t))
	return cmd
}

// updateFlags are the flags of advisories update.
type updateFlags struct {
	dataDir    string
	source     string
	ecosystems []string
	kev        string
	epss       string
	limits     []string
	quiet      bool
}

// none switches a feed off.
const none = "none"

func advisoriesUpdateCommand(t terminal) *cobra.Command {
	var f updateFlags
	cmd := &cobra.Command{
		Use:   "update",
		Short: "Fetch advisories, known exploited vulnerabilities and exploit probabilities",
		Long: `Fetch what changed since the last update: OSV advisories of the ecosystems that
the assessed images need, CISA's known exploited vulnerabilities, and FIRST's
exploit probabilities. An update that breaks off leaves the old set whole.

Sources are https:// or file:// URLs, or http:// on this machine's loopback.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runUpdate(cmd.Context(), t, f) },
	}
	flags := cmd.Flags()
	dataDirFlag(flags, &f.dataDir)
	flags.StringVar(&f.source, "source", advisory.DefaultOSV, "URL of a bucket in OSV's layout, or none")
	flags.StringSliceVar(&f.ecosystems, "ecosystem", nil, "OSV ecosystem, such as Debian or npm (repeatable), or all (default: those of the assessed images)")
	flags.StringVar(&f.kev, "kev", advisory.DefaultKEV, "URL of CISA's catalogue of known exploited vulnerabilities, or none")
	flags.StringVar(&f.epss, "epss", advisory.DefaultEPSS, "URL of FIRST's exploit probabilities, or none")
	flags.StringArrayVar(&f.limits, "limit", nil, "raise or lower a limit, as in advisory-file=32GiB (repeatable)")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "say only what failed")
	return cmd
}

func runUpdate(ctx context.Context, t terminal, f updateFlags) (err error) {
	limits, err := limitsOf(f.limits)
	if err != nil {
		return err
	}
	st, err := openStore(ctx, f.dataDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	u := newUpdater(st, limits)
	if !f.quiet {
		u.Progress = said(t.err, time.Now)
	}

	var results []advisory.Result
	failed := false
	take := func(got []advisory.Result, err error) {
		results = append(results, got...)
		if err != nil {
			failed = true
			fmt.Fprintln(t.err, "seaworthy: "+oneLine(ctx, err))
		}
	}
	if f.source != none {
		families, err := wantedFamilies(ctx, st, u, f)
		if err != nil {
			return err
		}
		for _, family := range families {
			take(u.OSV(ctx, f.source, []string{family}))
		}
	}
	if f.kev != none {
		take(one(u.KEV(ctx, f.kev)))
	}
	if f.epss != none {
		take(one(u.EPSS(ctx, f.epss)))
	}
	if !f.quiet && len(results) > 0 {
		if err := printResults(t, results); err != nil {
			return err
		}
	}
	if failed {
		return errSaid
	}
	return nil
}

func one(r advisory.Result, err error) ([]advisory.Result, error) {
	if err != nil {
		return nil, err
	}
	return []advisory.Result{r}, nil
}

func newUpdater(st *store.Store, limits seaworthy.Limits) *advisory.Updater {
	return &advisory.Updater{Keeper: st, Limits: limits, Canonical: version.CanonicalName}
}

// wantedFamilies are the ecosystems asked for, or those of the stored images.
func wantedFamilies(ctx context.Context, st *store.Store, u *advisory.Updater, f updateFlags) ([]string, error) {
	if slices.Contains(f.ecosystems, "all") {
		return u.Ecosystems(ctx, f.source)
	}
	if len(f.ecosystems) > 0 {
		return f.ecosystems, nil
	}
	stored, err := st.Families(ctx)
	if err != nil {
		return nil, err
	}
	families := slices.DeleteFunc(stored, func(family string) bool { return !advisory.Covers(family) })
	if len(families) == 0 {
		return nil, usagef("no assessed image needs advisories yet: assess one first, or name ecosystems, as in --ecosystem Debian --ecosystem npm, or --ecosystem all")
	}
	return families, nil
}

func printResults(t terminal, results []advisory.Result) error {
	w := tabwriter.NewWriter(t.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "SOURCE\tECOSYSTEM\tRECORDS\tWITHDRAWN\tCHANGED\tSKIPPED\tNEWEST\tHOW")
	for _, r := range results {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t%s\t%s\n", r.Source, dash(r.Ecosystem), r.Records, r.Withdrawn, r.Changed,
			r.Skipped, day(r.Newest), how(r))
		for _, m := range r.Malformed {
			fmt.Fprintf(t.err, "seaworthy: skipped %s\n", clean(m))
		}
	}
	return w.Flush()
}

// how says what was read, in a few words.
func how(r advisory.Result) string {
	took := r.Took.Round(time.Millisecond)
	switch {
	case r.Unchanged:
		return "nothing new"
	case r.Full:
		return fmt.Sprintf("the whole set in %s", took)
	default:
		return fmt.Sprintf("only what changed in %s", took)
	}
}

func advisoriesImportCommand(t terminal) *cobra.Command {
	var dataDir string
	var assignments []string
	cmd := &cobra.Command{
		Use:   "import PATH",
		Short: "Import advisories from files, with no network",
		Long: `Import OSV records from a directory or zip of .json files, a single record, or a
copy of an OSV bucket (directories with an all.zip); CISA's catalogue as JSON or
CSV; or exploit probabilities as CSV. What a file is, its content says.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("advisories import needs one path")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			limits, err := limitsOf(assignments)
			if err != nil {
				return err
			}
			st, err := openStore(cmd.Context(), dataDir)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, st.Close()) }()
			results, err := newUpdater(st, limits).Import(cmd.Context(), args[0])
			if len(results) > 0 {
				err = errors.Join(printResults(t, results), err)
			}
			return err
		},
	}
	dataDirFlag(cmd.Flags(), &dataDir)
	cmd.Flags().StringArrayVar(&assignments, "limit", nil, "raise or lower a limit, as in advisory-bytes=32MiB (repeatable)")
	return cmd
}

// limitsOf are the default limits with what --limit says.
func limitsOf(assignments []string) (seaworthy.Limits, error) {
	limits := seaworthy.DefaultLimits()
	for _, assignment := range assignments {
		if err := limits.Set(assignment); err != nil {
			return limits, usageError{err}
		}
	}
	return limits, nil
}

// sayEvery is how often an update says how far it is.
const sayEvery = 3 * time.Second

// said tells of an update in plain lines, at most one in a while.
func said(w io.Writer, now func() time.Time) func(advisory.Event) {
	last := now()
	return func(e advisory.Event) {
		if now().Sub(last) < sayEvery {
			return
		}
		last = now()
		text := fmt.Sprintf("%s: %s records read", clean(e.Feed), strconv.FormatInt(e.Done, 10))
		if e.Stage == advisory.StageDownload {
			text = fmt.Sprintf("%s: %s fetched", clean(e.Feed), bytesText(e.Done))
			if e.Total > 0 {
				text += " of " + bytesText(e.Total)
			}
		}
		fmt.Fprintln(w, text)
	}
}

func advisoriesStatusCommand(t terminal) *cobra.Command {
	var dataDir, output string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the advisories at hand: how many, how new, from where",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			st, err := openStore(cmd.Context(), dataDir)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, st.Close()) }()
			feeds, err := st.Feeds(cmd.Context())
			if err != nil {
				return err
			}
			if output == "json" {
				return json.NewEncoder(t.out).Encode(map[string]any{"feeds": append([]seaworthy.Feed{}, feeds...)})
			}
			return printFeeds(t, feeds)
		},
	}
	dataDirFlag(cmd.Flags(), &dataDir)
	outputFlag(cmd, &output)
	return cmd
}

func printFeeds(t terminal, feeds []seaworthy.Feed) error {
	if len(feeds) == 0 {
		_, err := fmt.Fprintln(t.out, "No advisories yet. Run: seaworthy advisories update")
		return err
	}
	w := tabwriter.NewWriter(t.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "SOURCE\tECOSYSTEM\tRECORDS\tWITHDRAWN\tSKIPPED\tNEWEST\tUPDATED\tFROM")
	for _, f := range feeds {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%s\t%s\t%s\n", f.Source, dash(f.Ecosystem), strconv.Itoa(f.Records), f.Withdrawn, f.Skipped,
			day(f.Newest), f.Updated.Local().Format("2006-01-02 15:04"), clean(f.URL))
	}
	return w.Flush()
}

func dash(s string) string {
	if strings.TrimSpace(s) == "" {
		return "-"
	}
	return clean(s)
}

func day(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02")
}
