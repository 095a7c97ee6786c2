package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/store/packed"
	"github.com/seaworthy-dev/seaworthy/internal/store/sqldb"
)

// AdvisoryKey is what an advisory is looked up by.
type AdvisoryKey struct {
	Ecosystem seaworthy.Ecosystem
	Name      string // as version.AdvisoryName gives it
}

// Candidate is what one advisory says of a key.
type Candidate struct {
	AdvisoryID int64
	Key        string // the advisory's id, as its source names it
	Source     string // the feed's, "osv"
	Affected   seaworthy.Affected
}

// FindingRow is a finding with the row of its advisory.
type FindingRow struct {
	AdvisoryID int64
	seaworthy.Finding
}

// MatchedPackage is the outcome of matching one package.
type MatchedPackage struct {
	PackageID int64
	Wanted    int64 // as Unmatched gave it
	Findings  []FindingRow
}

// Candidates gives all that advisories say of the keys, sorted by source and
// advisory. Withdrawn advisories say nothing.
func (s *Store) Candidates(ctx context.Context, keys []AdvisoryKey) (map[AdvisoryKey][]Candidate, error) {
	var rows sqldb.Bulk
	for i, k := range keys {
		rows.Add(string(k.Ecosystem), k.Name, i)
	}
	found := make(map[AdvisoryKey][]Candidate, len(keys))
	err := s.db.View(ctx, func(tx *sqldb.Tx) error {
		sources, err := feedSources(ctx, tx)
		if err != nil {
			return err
		}
		reader := s.codec.AffectedReader()
		return tx.Each(ctx, func(scan sqldb.Scan) error {
			var index int
			var feed int64
			var c Candidate
			var detail []byte
			if err := scan(&index, &c.AdvisoryID, &feed, &c.Key, &detail); err != nil {
				return err
			}
			key := keys[index]
			if c.Affected, err = reader.Read(detail); err != nil {
				return s.corrupt("advisory "+c.Key, err)
			}
			c.Source, c.Affected.Ecosystem, c.Affected.Name = sources[feed], key.Ecosystem, key.Name
			found[key] = append(found[key], c)
			return nil
		}, `
			select {{int 2}}, a.advisory_id, v.feed_id, v.key, a.detail
			from {{rows}} cross join affected a join advisory v on v.id = a.advisory_id
			where a.ecosystem = {{text 0}} and a.name = {{text 1}}
			order by a.advisory_id, a.ordinal`, rows.Rows())
	})
	if err != nil {
		return nil, fmt.Errorf("read advisories of packages: %w", err)
	}
	for _, candidates := range found {
		slices.SortStableFunc(candidates, func(a, b Candidate) int {
			return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Key, b.Key))
		})
	}
	return found, nil
}

func feedSources(ctx context.Context, tx *sqldb.Tx) (map[int64]string, error) {
	sources := map[int64]string{}
	err := tx.Each(ctx, func(scan sqldb.Scan) error {
		var id int64
		var source string
		err := scan(&id, &source)
		sources[id] = source
		return err
	}, "select id, source from feed")
	return sources, err
}

// Covered tells for which of the ecosystems, releases apart, advisories are kept.
func (s *Store) Covered(ctx context.Context, ecosystems []seaworthy.Ecosystem) (map[seaworthy.Ecosystem]bool, error) {
	var rows sqldb.Bulk
	for _, e := range ecosystems {
		rows.Add(string(e))
	}
	covered := make(map[seaworthy.Ecosystem]bool, len(ecosystems))
	err := s.db.View(ctx, func(tx *sqldb.Tx) error {
		return tx.Each(ctx, func(scan sqldb.Scan) error {
			var e seaworthy.Ecosystem
			err := scan(&e)
			covered[e] = true
			return err
		}, `
			select {{text 0}} from {{rows}}
			where exists (select 1 from affected a where a.ecosystem = {{text 0}})`, rows.Rows())
	})
	if err != nil {
		return nil, fmt.Errorf("ask which ecosystems have advisories: %w", err)
	}
	return covered, nil
}

// PutFindings keeps the outcome of matching in the place of the packages' former
// findings. A package whose advisories changed after Unmatched stays due; the
// outcome of a matching that is older than the stored one is dropped.
func (s *Store) PutFindings(ctx context.Context, matched []MatchedPackage) error {
	if len(matched) == 0 {
		return nil
	}
	matched = slices.Clone(matched)
	slices.SortFunc(matched, func(a, b MatchedPackage) int { return cmp.Compare(a.PackageID, b.PackageID) })
	var packages sqldb.Bulk
	for _, m := range matched {
		packages.Add(m.PackageID, m.Wanted)
	}
	err := s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		mine := make(map[int64]bool, len(matched))
		err := tx.Each(ctx, func(scan sqldb.Scan) error {
			var id int64
			err := scan(&id)
			mine[id] = true
			return err
		}, `
			update package set matched = w.wanted
			from (select {{int 0}} as id, {{int 1}} as wanted from {{rows}}) w
			where package.id = w.id and package.matched < w.wanted
			returning package.id`, packages.Rows())
		if err != nil {
			return err
		}
		return replaceFindings(ctx, tx, matched, mine)
	})
	if err != nil {
		return fmt.Errorf("keep findings: %w", err)
	}
	return nil
}

func replaceFindings(ctx context.Context, tx *sqldb.Tx, matched []MatchedPackage, mine map[int64]bool) error {
	var packages, findings sqldb.Bulk
	for _, m := range matched {
		if !mine[m.PackageID] {
			continue
		}
		packages.AddInt(m.PackageID)
		for _, f := range m.Findings {
			findings.Add(m.PackageID, f.AdvisoryID, packed.Finding(f.Finding))
		}
	}
	_, err := tx.Exec(ctx, "delete from finding where package_id in (select {{int}} from {{rows}})", packages.Rows())
	if err != nil || findings.Len() == 0 {
		return err
	}
	// An advisory that was removed or withdrawn meanwhile has raised wanted, so
	// the package comes again.
	_, err = tx.Exec(ctx, `
		insert into finding(package_id, advisory_id, detail)
		select {{int 0}}, v.id, {{blob 2}} from {{rows}} cross join advisory v
		where v.id = {{int 1}} and v.withdrawn_at = 0
		on conflict do nothing`, findings.Rows(), findings.Bytes())
	return err
}

// Findings gives the findings of the packages, sorted by advisory row. A package
// without any is not in the map.
func (s *Store) Findings(ctx context.Context, packageIDs []int64) (map[int64][]FindingRow, error) {
	found := make(map[int64][]FindingRow, len(packageIDs))
	err := s.db.View(ctx, func(tx *sqldb.Tx) error {
		return tx.Each(ctx, func(scan sqldb.Scan) error {
			var id int64
			var f FindingRow
			var detail []byte
			if err := scan(&id, &f.AdvisoryID, &detail); err != nil {
				return err
			}
			var err error
			if f.Finding, err = packed.ReadFinding(detail); err != nil {
				return s.corrupt("findings", err)
			}
			found[id] = append(found[id], f)
			return nil
		}, `
			select f.package_id, f.advisory_id, f.detail
			from {{rows}} cross join finding f where f.package_id = {{int}}`, idRows(distinct(packageIDs)).Rows())
	})
	if err != nil {
		return nil, fmt.Errorf("read findings: %w", err)
	}
	for _, findings := range found { // here, where it costs less than in SQL
		slices.SortFunc(findings, func(a, b FindingRow) int { return cmp.Compare(a.AdvisoryID, b.AdvisoryID) })
	}
	return found, nil
}

// Headers gives what Config.Header made of the advisories, by row.
func (s *Store) Headers(ctx context.Context, advisoryIDs []int64) (map[int64]json.RawMessage, error) {
	ids := distinct(advisoryIDs)
	found := make(map[int64]json.RawMessage, len(ids))
	err := s.db.View(ctx, func(tx *sqldb.Tx) error {
		return tx.Each(ctx, func(scan sqldb.Scan) error {
			var id int64
			var header []byte
			err := scan(&id, &header)
			found[id] = header
			return err
		}, "select v.id, v.header from {{rows}} cross join advisory v where v.id = {{int}}", idRows(ids).Rows())
	})
	if err != nil {
		return nil, fmt.Errorf("read advisories: %w", err)
	}
	return found, nil
}
