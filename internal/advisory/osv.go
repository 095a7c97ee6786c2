package advisory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seaworthy-dev/seaworthy"
)

// Within a record that is itself bounded, these bound what its JSON can blow up
// to in memory: "{}," is three bytes and an entry of some two hundred. 50,000
// packages have some 350,000 objects.
const (
	maxObjects = 500_000
	maxValues  = 4_000_000
)

// Decoder reads OSV records. Its zero value has no limits to go by; start from
// seaworthy.DefaultLimits.
type Decoder struct {
	Limits seaworthy.Limits

	// Canonical folds a package name to the one by which packages are looked up;
	// nil keeps it.
	Canonical func(seaworthy.Ecosystem, string) string
}

// DecodeOSV reads one OSV record (https://ossf.github.io/osv-schema/, schemas up
// to 1.7) with names as they are. See [Decoder.Decode].
func DecodeOSV(b []byte, l seaworthy.Limits) (seaworthy.Advisory, error) {
	return Decoder{Limits: l}.Decode(b)
}

// Decode reads one OSV record. Ecosystems come out canonical. What matching
// cannot use is dropped: ranges of commits, and affected entries that then have
// neither ranges nor versions. Texts come out without control characters and
// cut to a length that can be shown. An error says in plain words why the record
// is malformed.
func (d Decoder) Decode(b []byte) (seaworthy.Advisory, error) {
	if int64(len(b)) > d.Limits.AdvisoryBytes {
		return seaworthy.Advisory{}, d.Limits.Exceeded(seaworthy.LimitAdvisoryBytes, "an advisory record")
	}
	if len(b) > 1<<20 && (bytes.Count(b, []byte("{")) > maxObjects || bytes.Count(b, []byte(",")) > maxValues) {
		return seaworthy.Advisory{}, fmt.Errorf("it has more than %d objects or %d values", maxObjects, maxValues)
	}
	var r osvRecord
	if err := json.Unmarshal(b, &r); err != nil {
		return seaworthy.Advisory{}, jsonError(err)
	}
	if !validID(r.ID) {
		return seaworthy.Advisory{}, fmt.Errorf("its id %.60q is not one", r.ID)
	}
	return d.advisory(&r)
}

// jsonError says what is wrong without the names of Go types.
func jsonError(err error) error {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("its field %.100q is a %s, which it cannot be", e.Field, e.Value)
	}
	return fmt.Errorf("it is not JSON: %w", err)
}

// The parts of a record that are used.
type osvRecord struct {
	ID               string         `json:"id"`
	Aliases          []string       `json:"aliases"`
	Upstream         []string       `json:"upstream"`
	Related          []string       `json:"related"`
	Summary          string         `json:"summary"`
	Details          string         `json:"details"`
	Published        string         `json:"published"`
	Modified         string         `json:"modified"`
	Withdrawn        string         `json:"withdrawn"`
	Severity         []osvSeverity  `json:"severity"`
	References       []osvReference `json:"references"`
	Affected         []osvAffected  `json:"affected"`
	DatabaseSpecific free           `json:"database_specific"`
}

type osvSeverity struct {
	Type   string `json:"type"`
	Score  string `json:"score"`
	Source string `json:"source"` // not in all schemas
}

type osvReference struct {
	URL string `json:"url"`
}

type osvAffected struct {
	Package struct {
		Ecosystem string `json:"ecosystem"`
		Name      string `json:"name"`
	} `json:"package"`
	Ranges            []osvRange    `json:"ranges"`
	Versions          []string      `json:"versions"`
	Severity          []osvSeverity `json:"severity"`
	EcosystemSpecific free          `json:"ecosystem_specific"`
	DatabaseSpecific  free          `json:"database_specific"`
}

type osvRange struct {
	Type   string     `json:"type"`
	Events []osvEvent `json:"events"`
}

type osvEvent struct {
	Introduced   string `json:"introduced"`
	Fixed        string `json:"fixed"`
	LastAffected string `json:"last_affected"`
	Limit        string `json:"limit"`
}

// free is one of the objects that each database fills as it likes, so nothing in
// it may make a record malformed. Only those that have a word of interest are
// kept, as they stand; it is their readers that look inside.
type free []byte

// UnmarshalJSON keeps b if it may be of interest.
func (f *free) UnmarshalJSON(b []byte) error {
	for _, word := range []string{`"severity"`, `"urgency"`, `"ubuntu_priority"`, `"binaries"`, `"cvss_v`} {
		if bytes.Contains(b, []byte(word)) {
			*f = append((*f)[:0], b...)
			return nil
		}
	}
	return nil
}

// fields gives the object's fields, none if it is no object.
func (f free) fields() map[string]json.RawMessage {
	var m map[string]json.RawMessage
	if len(f) == 0 || json.Unmarshal(f, &m) != nil {
		return nil
	}
	return m
}

// text gives a field's string, empty if it is anything else.
func text(raw json.RawMessage) string {
	var s string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

func (d Decoder) advisory(r *osvRecord) (seaworthy.Advisory, error) {
	a := seaworthy.Advisory{
		ID:         r.ID,
		Aliases:    ids(r.Aliases, r.ID),
		Upstream:   ids(r.Upstream, r.ID),
		Related:    ids(r.Related, r.ID),
		Summary:    shorten(oneLine(r.Summary), maxSummary),
		Details:    shorten(paragraphs(r.Details), maxDetails),
		Published:  parseTime(r.Published),
		Modified:   parseTime(r.Modified),
		References: references(r.References),
	}
	a.Withdrawn = withdrawn(r.Withdrawn, a)
	streams := moduleStreams(a.Summary)
	for i := range r.Affected {
		entry, ok, err := d.affected(&r.Affected[i], r.ID)
		if err != nil {
			return seaworthy.Advisory{}, fmt.Errorf("its affected entry %d: %w", i+1, err)
		}
		if !ok {
			continue
		}
		if len(streams) > 0 && modular(entry) {
			entry.Modules = streams
		}
		a.Affected = append(a.Affected, entry)
	}
	a.Affected = dropRepeated(a.Affected)
	a.Ratings = recordRatings(r, &a)
	return a, nil
}

// ids keeps what can be an id, once each, and not the record's own.
func ids(list []string, own string) []string {
	if len(list) == 0 {
		return nil
	}
	kept := make([]string, 0, len(list))
	for _, id := range list {
		if id = strings.TrimSpace(id); validID(id) && id != own {
			kept = append(kept, id)
		}
	}
	if len(kept) > 1 {
		slices.Sort(kept)
		kept = slices.Compact(kept)
	}
	if len(kept) == 0 {
		return nil
	}
	return kept
}

func references(list []osvReference) []string {
	var urls []string
	for _, r := range list {
		if len(urls) < maxReferences && webAddress(r.URL) {
			urls = append(urls, r.URL)
		}
	}
	return urls
}

// withdrawn is when a was withdrawn. Go's zero time means that it was not; a
// time that cannot be read still says that it was.
func withdrawn(s string, a seaworthy.Advisory) time.Time {
	if s == "" || strings.HasPrefix(s, "0001-01-01") {
		return time.Time{}
	}
	for _, t := range []time.Time{parseTime(s), a.Modified, a.Published} {
		if !t.IsZero() {
			return t
		}
	}
	return time.Unix(0, 0).UTC()
}

// affected reads one entry; ok is false when matching has no use for it.
func (d Decoder) affected(r *osvAffected, id string) (entry seaworthy.Affected, ok bool, err error) {
	entry.Ranges = ranges(r.Ranges)
	entry.Versions = versions(r.Versions)
	if r.Package.Ecosystem == "" || len(entry.Ranges) == 0 && len(entry.Versions) == 0 {
		return entry, false, nil
	}
	name := r.Package.Name
	if name == "" || len(name) > maxName || oneLine(name) != name {
		return entry, false, fmt.Errorf("%.60q is not a package name", name)
	}
	if e := r.Package.Ecosystem; len(e) > maxID || oneLine(e) != e {
		return entry, false, fmt.Errorf("%.60q is not an ecosystem", e)
	}
	entry.Ecosystem = seaworthy.CanonicalEcosystem(r.Package.Ecosystem)
	entry.Name = name
	if d.Canonical != nil {
		entry.Name = d.Canonical(entry.Ecosystem, name)
	}
	entryWords(&entry, r, id)
	return entry, true, nil
}

// ranges keeps those of versions, with the events that have one field each.
func ranges(list []osvRange) []seaworthy.Range {
	var kept []seaworthy.Range
	for _, r := range list {
		kind := seaworthy.RangeType(strings.ToUpper(r.Type))
		if kind != seaworthy.RangeEcosystem && kind != seaworthy.RangeSemver {
			continue
		}
		if events := events(r.Events); len(events) > 0 {
			kept = append(kept, seaworthy.Range{Type: kind, Events: events})
		}
	}
	return kept
}

// events gives each field its own event: schema 1.0 had no rule that an event
// has but one, and old records still circulate.
func events(list []osvEvent) []seaworthy.Event {
	kept := make([]seaworthy.Event, 0, len(list))
	for _, e := range list {
		if v := oneLine(e.Introduced); v != "" {
			kept = append(kept, seaworthy.Event{Introduced: v})
		}
		if v := oneLine(e.Fixed); v != "" {
			kept = append(kept, seaworthy.Event{Fixed: v})
		}
		if v := oneLine(e.LastAffected); v != "" {
			kept = append(kept, seaworthy.Event{LastAffected: v})
		}
		if v := oneLine(e.Limit); v != "" {
			kept = append(kept, seaworthy.Event{Limit: v})
		}
	}
	return kept
}

func versions(list []string) []string {
	kept := list[:0]
	for _, v := range list {
		if v = oneLine(v); v != "" {
			kept = append(kept, v)
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return kept
}

// dropRepeated removes an entry that equals the one before it of the same
// package: Red Hat names a package once for each repository, and ours are told
// apart by release alone.
func dropRepeated(entries []seaworthy.Affected) []seaworthy.Affected {
	if len(entries) < 2 || entries[0].Ecosystem.Family() != seaworthy.RedHat {
		return entries
	}
	type key struct {
		ecosystem seaworthy.Ecosystem
		name      string
	}
	last := make(map[key]int, len(entries))
	kept := entries[:0]
	for _, e := range entries {
		k := key{e.Ecosystem, e.Name}
		if at, ok := last[k]; ok && sameAffected(kept[at], e) {
			continue
		}
		last[k] = len(kept)
		kept = append(kept, e)
	}
	return kept
}

func sameAffected(a, b seaworthy.Affected) bool {
	sameRange := func(a, b seaworthy.Range) bool { return a.Type == b.Type && slices.Equal(a.Events, b.Events) }
	return slices.EqualFunc(a.Ranges, b.Ranges, sameRange) && slices.Equal(a.Versions, b.Versions) &&
		slices.Equal(a.Ratings, b.Ratings) && slices.Equal(a.Modules, b.Modules)
}
