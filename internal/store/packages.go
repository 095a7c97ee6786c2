package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/store/packed"
	"github.com/seaworthy-dev/seaworthy/internal/store/sqldb"
)

// PackageRow is a package that is due for matching.
type PackageRow struct {
	ID      int64
	Package seaworthy.Package
	Wanted  int64 // give it to PutFindings as it is
}

// Unmatched gives those of the packages that are due for matching: new ones,
// and those of which an advisory has changed since.
func (s *Store) Unmatched(ctx context.Context, packageIDs []int64) ([]PackageRow, error) {
	var due []PackageRow
	err := s.db.View(ctx, func(tx *sqldb.Tx) error {
		return tx.Each(ctx, func(scan sqldb.Scan) error {
			var r PackageRow
			p := &r.Package
			err := scan(&r.ID, &r.Wanted, &p.Ecosystem, &p.Name, &p.Version, &p.Arch, &p.Source, &p.SourceVersion, &p.Module)
			due = append(due, r)
			return err
		}, `
			select p.id, p.wanted, p.ecosystem, p.name, p.version, p.arch, p.source, p.source_version, p.module
			from {{rows}} cross join package p
			where p.id = {{int}} and p.matched < p.wanted`, idRows(distinct(packageIDs)).Rows())
	})
	if err != nil {
		return nil, fmt.Errorf("look for packages to match: %w", err)
	}
	return due, nil
}

// Families lists the ecosystem families of the packages stored, sorted.
func (s *Store) Families(ctx context.Context) ([]string, error) {
	var families []string
	err := s.db.View(ctx, func(tx *sqldb.Tx) error {
		return tx.Each(ctx, func(scan sqldb.Scan) error {
			var e seaworthy.Ecosystem
			if err := scan(&e); err != nil {
				return err
			}
			switch e {
			case seaworthy.FormatAPK, seaworthy.FormatDpkg, seaworthy.FormatRPM: // of an unknown distribution
			default:
				families = append(families, e.Family())
			}
			return nil
		}, `
			with recursive e(name) as (
				select min(ecosystem) from package
				union all
				select (select min(ecosystem) from package where ecosystem > e.name) from e where e.name is not null
			)
			select name from e where name is not null`) // steps from one to the next through the index
	})
	if err != nil {
		return nil, fmt.Errorf("list ecosystems: %w", err)
	}
	slices.Sort(families)
	return slices.Compact(families), nil
}

func distinct(ids []int64) []int64 {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return slices.Compact(ids)
}

// packageHash stands for all that identifies p, in the form that is stored.
func packageHash(p seaworthy.Package) []byte {
	var k packed.Writer
	for _, field := range [...]string{string(p.Ecosystem), p.Name, p.Version, p.Arch, p.Source, p.SourceVersion, p.Module} {
		k.Text(sqldb.Text(field))
	}
	sum := sha256.Sum256(k.B)
	return sum[:16]
}

// keepPackages makes rows of the packages that have none and gives the ids of
// all, in the same order.
func (s *Store) keepPackages(ctx context.Context, tx *sqldb.Tx, packages []seaworthy.Placed) ([]int64, error) {
	type keyed struct {
		hash  []byte
		index int
	}
	sorted := make([]keyed, len(packages))
	for i, p := range packages {
		sorted[i] = keyed{packageHash(p.Package), i}
	}
	slices.SortFunc(sorted, func(a, b keyed) int { return bytes.Compare(a.hash, b.hash) }) // or two writers wait for each other
	var rows sqldb.Bulk
	for _, k := range sorted {
		p := packages[k.index].Package
		rows.Add(k.hash, k.index, string(p.Ecosystem), p.Name, p.Version, p.Arch, p.Source, p.SourceVersion, p.Module, s.advisoryName(p))
	}
	_, err := tx.Exec(ctx, `
		insert into package(hash, ecosystem, name, version, arch, source, source_version, module, advisory_name)
		select {{blob 0}}, {{text 2}}, {{text 3}}, {{text 4}}, {{text 5}}, {{text 6}}, {{text 7}}, {{text 8}}, {{text 9}}
		from {{rows}} where true
		on conflict do nothing`, rows.Rows(), rows.Bytes())
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(packages))
	err = tx.Each(ctx, func(scan sqldb.Scan) error {
		var index int
		var id int64
		err := scan(&index, &id)
		ids[index] = id
		return err
	}, "select {{int 1}}, p.id from {{rows}} cross join package p where p.hash = {{blob 0}}", rows.Rows(), rows.Bytes())
	return ids, err
}

// packagesByID reads packages.
func packagesByID(ctx context.Context, tx *sqldb.Tx, ids []int64) (map[int64]seaworthy.Package, error) {
	found := make(map[int64]seaworthy.Package, len(ids))
	err := tx.Each(ctx, func(scan sqldb.Scan) error {
		var id int64
		var p seaworthy.Package
		err := scan(&id, &p.Ecosystem, &p.Name, &p.Version, &p.Arch, &p.Source, &p.SourceVersion, &p.Module)
		found[id] = p
		return err
	}, `
		select p.id, p.ecosystem, p.name, p.version, p.arch, p.source, p.source_version, p.module
		from {{rows}} cross join package p where p.id = {{int}}`, idRows(ids).Rows())
	return found, err
}
