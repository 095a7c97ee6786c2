// Package advisory reads feeds: OSV buckets, CISA's catalogue of known exploited
// vulnerabilities and FIRST's exploit probabilities. It downloads, bounds,
// decodes and normalises records; the store keeps them. A malformed record is
// skipped and counted, a broken feed is an error and changes nothing.
package advisory

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/seaworthy-dev/seaworthy"
)

// Sources of feeds, as seaworthy.Feed names them.
const (
	SourceOSV  = "osv"
	SourceKEV  = "kev"
	SourceEPSS = "epss"
)

// Where the feeds are published.
const (
	// DefaultOSV is the bucket of https://google.github.io/osv.dev/data/#data-dumps.
	DefaultOSV = "https://osv-vulnerabilities.storage.googleapis.com"
	// DefaultKEV is the catalogue of https://www.cisa.gov/known-exploited-vulnerabilities-catalog.
	DefaultKEV = "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"
	// DefaultEPSS is today's file of https://www.first.org/epss/data_stats. The
	// older host epss.cyentia.com redirects to it.
	DefaultEPSS = "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz"
)

// Keeper is where feeds are kept.
type Keeper interface {
	// Feed gives what is known of a feed; the zero Feed if it was never updated.
	Feed(ctx context.Context, source, family string) (seaworthy.Feed, error)

	// Replace upserts records in one transaction, with full it also removes those
	// not named, and it updates the feed's row: Records and Withdrawn by its own
	// count, the rest as f says. An error from records or ctx rolls back all.
	// Changed counts the records that were new, different or removed.
	Replace(ctx context.Context, f seaworthy.Feed, full bool, records iter.Seq2[seaworthy.Advisory, error]) (changed int, err error)

	// ReplaceKEV replaces the whole catalogue, by CVE, in one transaction.
	ReplaceKEV(ctx context.Context, f seaworthy.Feed, entries map[string]seaworthy.KEV) error

	// ReplaceEPSS replaces all scores in one transaction; f.Newest is their date.
	ReplaceEPSS(ctx context.Context, f seaworthy.Feed, rows iter.Seq2[EPSSRow, error]) error
}

// Dater is an ability that a [Keeper] may have: to tell when the records that it
// keeps were last modified. With it an update does not fetch again what it has.
type Dater interface {
	// Modified gives the modification times of those of ids that the feed has.
	Modified(ctx context.Context, source, family string, ids []string) (map[string]time.Time, error)
}

// Event says how far an update is.
type Event struct {
	Feed  string // the family, or "KEV" or "EPSS"
	Stage Stage
	Done  int64 // bytes while downloading, records otherwise
	Total int64 // 0 if not known
}

// Stage is a part of an update.
type Stage string

// The stages of an update.
const (
	StageDownload Stage = "download"
	StageRecords  Stage = "records"
)

// Result is the outcome of one feed's update.
type Result struct {
	Source    string
	Ecosystem string // the family; "" for KEV and EPSS
	URL       string
	Full      bool // the whole set was read, not just what changed
	Unchanged bool // the source said that nothing is new

	Records   int // read that take part in matching
	Withdrawn int // read that were withdrawn
	Changed   int // as the store counts them
	Skipped   int // malformed, or gone while being fetched
	Misnamed  int // read from a file that another record's name was on

	Malformed []string // the first few of the skipped, with the reason
	Newest    time.Time
	Bytes     int64 // read from the source
	Took      time.Duration
}

// Updater brings feeds up to date. Its Keeper must be set and its Limits valid;
// all else has a default. Families are updated one after another, so that
// Progress is never called twice at once.
type Updater struct {
	Keeper Keeper
	Limits seaworthy.Limits

	// Client's transport and jar are used; redirects and timeouts follow this
	// package's rules. Nil means a transport that refuses link-local addresses.
	Client *http.Client

	// Canonical folds a package name in an advisory to the one by which packages
	// are looked up; nil keeps names as they are.
	Canonical func(seaworthy.Ecosystem, string) string

	TempDir   string // for downloads; "" = the system's
	UserAgent string // "" = "seaworthy"
	Progress  func(Event)
	Now       func() time.Time

	// For tests, which must not wait.
	pause func(context.Context, time.Duration) error
	idle  time.Duration
}

func (u *Updater) now() time.Time {
	if u.Now != nil {
		return u.Now()
	}
	return time.Now()
}

func (u *Updater) progress(e Event) {
	if u.Progress != nil {
		u.Progress(e)
	}
}

func (u *Updater) decoder() Decoder {
	return Decoder{Limits: u.Limits, Canonical: u.Canonical}
}
