package assess

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/advisory"
	"github.com/seaworthy-dev/seaworthy/internal/match"
	"github.com/seaworthy-dev/seaworthy/internal/store"
)

// knowledge is what advisories say of the packages at hand.
type knowledge struct {
	findings map[seaworthy.Package][]seaworthy.Finding
	headers  map[string]match.Header // by "source/id"
	epss     map[string]seaworthy.EPSS
	kev      map[string]seaworthy.KEV
	feeds    []seaworthy.Feed
	covered  map[seaworthy.Ecosystem]bool // those with advisories, by release
}

// judge matches the packages of the targets and fills in the outcomes.
func (a *Assessor) judge(ctx context.Context, targets []*target, outcomes []Outcome) error {
	k, err := a.know(ctx, targets)
	if err != nil {
		return err
	}
	memo := map[seaworthy.Package][]seaworthy.Vulnerability{}
	for _, t := range targets {
		o := &outcomes[t.request]
		if t.err != nil {
			if o.Err == nil {
				o.Err = t.err
			}
			continue
		}
		o.Assessments = append(o.Assessments, a.assessment(t, k, memo))
	}
	return nil
}

func (a *Assessor) assessment(t *target, k knowledge, memo map[seaworthy.Package][]seaworthy.Vulnerability) seaworthy.Assessment {
	found := seaworthy.Assessment{
		Reference:       t.source.Reference(),
		Image:           t.image,
		Inventory:       t.inventory,
		Vulnerabilities: []seaworthy.Vulnerability{},
		Assessed:        a.now().UTC(),
	}
	ecosystems := map[seaworthy.Ecosystem]bool{}
	families := map[string]bool{}
	for _, p := range t.inventory.Packages {
		if p.OwnedBy != "" {
			continue
		}
		ecosystems[p.Ecosystem] = true
		families[p.Ecosystem.Family()] = true
		vulnerabilities, ok := memo[p.Package]
		if !ok {
			vulnerabilities = match.Vulnerabilities(p.Package, k.findings[p.Package], k.headers, k.epss, k.kev)
			memo[p.Package] = vulnerabilities
		}
		found.Vulnerabilities = append(found.Vulnerabilities, vulnerabilities...)
	}
	slices.SortFunc(found.Vulnerabilities, match.Compare)
	for _, f := range k.feeds {
		if f.Ecosystem == "" || families[f.Ecosystem] {
			found.Advisories = append(found.Advisories, f)
		}
	}
	found.Inventory.Gaps = slices.Concat(t.inventory.Gaps, k.unadvised(ecosystems))
	return found
}

// unadvised names the ecosystems for which advisories are missing, so that
// absence of findings means nothing there: those of no feed, releases that a feed
// does not speak of, and feeds of which only single records were imported.
func (k knowledge) unadvised(ecosystems map[seaworthy.Ecosystem]bool) []seaworthy.Gap {
	feeds := map[string]seaworthy.Feed{}
	for _, f := range k.feeds {
		feeds[f.Ecosystem] = f
	}
	var gaps []seaworthy.Gap
	for _, e := range slices.Sorted(maps.Keys(ecosystems)) {
		var reason string
		kind := seaworthy.GapAdvisories
		family := e.Family()
		feed, fed := feeds[family]
		switch {
		case e == seaworthy.FormatAPK || e == seaworthy.FormatDpkg || e == seaworthy.FormatRPM:
			continue // the merge has said that the distribution is unknown
		case !advisory.Covers(family):
			reason = "no advisory source at hand covers " + family
		case !fed || feed.Records == 0:
			reason = "no advisories for " + family + " yet: run seaworthy advisories update"
		case !k.covered[e]:
			reason = fmt.Sprintf("the advisories for %s say nothing of release %q: it may be past its end of life, or newer than they are", family, e.Release())
		case feed.Partial:
			kind = seaworthy.GapPartial
			reason = fmt.Sprintf("only %d single records for %s were imported: seaworthy advisories update fetches all", feed.Records, family)
		default:
			continue
		}
		gaps = append(gaps, seaworthy.Gap{Kind: kind, Layer: -1, Reason: reason, Ecosystem: e})
	}
	return gaps
}

// know brings the findings of all packages up to date and reads them, together
// with what a listing shows of their advisories.
func (a *Assessor) know(ctx context.Context, targets []*target) (knowledge, error) {
	var k knowledge
	var err error
	if k.feeds, err = a.Store.Feeds(ctx); err != nil {
		return k, fmt.Errorf("read the advisories' state: %w", err)
	}
	rows := map[int64]seaworthy.Package{}
	packages := map[seaworthy.Package]bool{}
	for _, t := range targets {
		if t.err != nil {
			continue
		}
		for i, p := range t.inventory.Packages {
			packages[p.Package] = true
			if t.packages != nil {
				rows[t.packages[i]] = p.Package
			}
		}
	}
	ecosystems := map[seaworthy.Ecosystem]bool{}
	for p := range packages {
		ecosystems[p.Ecosystem] = true
	}
	if k.covered, err = a.Store.Covered(ctx, slices.Sorted(maps.Keys(ecosystems))); err != nil {
		return k, err
	}
	var advisories []int64
	if a.Forget {
		k.findings, advisories, err = a.matchNow(ctx, packages)
	} else {
		k.findings, advisories, err = a.matchStored(ctx, rows)
	}
	if err != nil {
		return k, err
	}
	return k, a.describe(ctx, advisories, &k)
}

// matchNow matches packages that the store is not to know.
func (a *Assessor) matchNow(ctx context.Context, packages map[seaworthy.Package]bool) (map[seaworthy.Package][]seaworthy.Finding, []int64, error) {
	list := make([]seaworthy.Package, 0, len(packages))
	for p := range packages {
		list = append(list, p)
	}
	findings := map[seaworthy.Package][]seaworthy.Finding{}
	var advisories []int64
	err := a.match(ctx, list, func(i int, rows []store.FindingRow) {
		for _, r := range rows {
			findings[list[i]] = append(findings[list[i]], r.Finding)
			advisories = append(advisories, r.AdvisoryID)
		}
	})
	return findings, advisories, err
}

// matchStored matches those rows whose matching is due, and reads the findings
// of all.
func (a *Assessor) matchStored(ctx context.Context, rows map[int64]seaworthy.Package) (map[seaworthy.Package][]seaworthy.Finding, []int64, error) {
	ids := make([]int64, 0, len(rows))
	for id := range rows {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	if err := a.MatchDue(ctx, ids); err != nil {
		return nil, nil, err
	}
	stored, err := a.Store.Findings(ctx, ids)
	if err != nil {
		return nil, nil, fmt.Errorf("read findings: %w", err)
	}
	findings := map[seaworthy.Package][]seaworthy.Finding{}
	var advisories []int64
	for id, list := range stored {
		for _, r := range list {
			findings[rows[id]] = append(findings[rows[id]], r.Finding)
			advisories = append(advisories, r.AdvisoryID)
		}
	}
	return findings, advisories, nil
}

// MatchDue matches the packages of these rows that advisories have changed for
// since they were matched, and stores their findings.
func (a *Assessor) MatchDue(ctx context.Context, ids []int64) error {
	due, err := a.Store.Unmatched(ctx, ids)
	if err != nil {
		return fmt.Errorf("ask which packages are to be matched: %w", err)
	}
	if len(due) == 0 {
		return nil
	}
	list := make([]seaworthy.Package, len(due))
	matched := make([]store.MatchedPackage, len(due))
	for i, row := range due {
		list[i] = row.Package
		matched[i] = store.MatchedPackage{PackageID: row.ID, Wanted: row.Wanted}
	}
	if err := a.match(ctx, list, func(i int, rows []store.FindingRow) { matched[i].Findings = rows }); err != nil {
		return err
	}
	if err := a.Store.PutFindings(ctx, matched); err != nil {
		return fmt.Errorf("store findings: %w", err)
	}
	return nil
}

// match compares each package with what the advisories say of its name.
func (a *Assessor) match(ctx context.Context, list []seaworthy.Package, found func(i int, rows []store.FindingRow)) error {
	wanted := map[store.AdvisoryKey]bool{}
	for _, p := range list {
		for _, key := range match.Keys(p) {
			wanted[store.AdvisoryKey(key)] = true
		}
	}
	keys := make([]store.AdvisoryKey, 0, len(wanted))
	for key := range wanted {
		keys = append(keys, key)
	}
	said, err := a.Store.Candidates(ctx, keys)
	if err != nil {
		return fmt.Errorf("read advisories: %w", err)
	}
	for i, p := range list {
		ids := map[string]int64{}
		var candidates []match.Candidate
		for _, key := range match.Keys(p) {
			for _, c := range said[store.AdvisoryKey(key)] {
				ids[c.Source+"/"+c.Key] = c.AdvisoryID
				candidates = append(candidates, match.Candidate{Advisory: c.Key, Source: c.Source, Affected: c.Affected})
			}
		}
		var rows []store.FindingRow
		for _, f := range match.Match(p, candidates) {
			rows = append(rows, store.FindingRow{AdvisoryID: ids[f.Source+"/"+f.Advisory], Finding: f})
		}
		found(i, rows)
	}
	return ctx.Err()
}

// describe reads what a listing needs of the advisories.
func (a *Assessor) describe(ctx context.Context, advisories []int64, k *knowledge) error {
	slices.Sort(advisories)
	encoded, err := a.Store.Headers(ctx, slices.Compact(advisories))
	if err != nil {
		return fmt.Errorf("read advisories: %w", err)
	}
	k.headers = make(map[string]match.Header, len(encoded))
	cves := map[string]bool{}
	for _, b := range encoded {
		var h match.Header
		if err := json.Unmarshal(b, &h); err != nil {
			return fmt.Errorf("read advisories: %w", err)
		}
		k.headers[h.Source+"/"+h.ID] = h
		for _, ids := range [][]string{{h.ID}, h.Aliases, h.Upstream, h.Related} {
			for _, id := range ids {
				if strings.HasPrefix(id, "CVE-") {
					cves[id] = true
				}
			}
		}
	}
	list := make([]string, 0, len(cves))
	for cve := range cves {
		list = append(list, cve)
	}
	slices.Sort(list)
	if k.epss, err = a.Store.EPSS(ctx, list); err != nil {
		return fmt.Errorf("read exploit probabilities: %w", err)
	}
	if k.kev, err = a.Store.KEV(ctx, list); err != nil {
		return fmt.Errorf("read known exploited vulnerabilities: %w", err)
	}
	return nil
}
