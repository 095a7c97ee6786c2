package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/store/packed"
	"github.com/seaworthy-dev/seaworthy/internal/store/sqldb"
)

// StoredImage is an image that was assessed, with the ids by which its findings
// are read.
type StoredImage struct {
	Image       seaworthy.Image
	Inventory   seaworthy.Inventory
	InventoryID int64
	PackageIDs  []int64 // parallel to Inventory.Packages
	AssessedAt  time.Time
}

// imageRow is an image as it is read, before its packages.
type imageRow struct {
	digest, description, placement, distribution []byte

	inventory, at int64
}

// Images gives those of the images that the analyser version has read.
func (s *Store) Images(ctx context.Context, digests []seaworthy.Digest, analyser int) (map[seaworthy.Digest]StoredImage, error) {
	rows, err := digestRows(digests)
	if err != nil {
		return nil, err
	}
	found := make(map[seaworthy.Digest]StoredImage, len(digests))
	err = s.db.View(ctx, func(tx *sqldb.Tx) error {
		var read []imageRow
		err := tx.Each(ctx, func(scan sqldb.Scan) error {
			var r imageRow
			err := scan(&r.digest, &r.description, &r.placement, &r.distribution, &r.inventory, &r.at)
			read = append(read, r)
			return err
		}, `
			select i.digest, i.description, i.placement, v.distribution, i.inventory_id, i.assessed_at
			from {{rows}} cross join image i join inventory v on v.id = i.inventory_id
			where i.digest = {{blob 0}} and i.analyser = $3`, rows.Rows(), rows.Bytes(), analyser)
		if err != nil || len(read) == 0 {
			return err
		}
		return s.fillImages(ctx, tx, read, found)
	})
	if err != nil {
		return nil, fmt.Errorf("read images: %w", err)
	}
	return found, nil
}

func (s *Store) fillImages(ctx context.Context, tx *sqldb.Tx, read []imageRow, found map[seaworthy.Digest]StoredImage) error {
	images := make([]StoredImage, len(read))
	var ids []int64
	for i, r := range read {
		var err error
		if images[i], err = s.decodeImage(r); err != nil {
			return s.corrupt("image "+digest(r.digest).Short(), err)
		}
		ids = append(ids, images[i].PackageIDs...)
	}
	packages, err := packagesByID(ctx, tx, distinct(ids))
	if err != nil {
		return err
	}
	for i, image := range images {
		for j, id := range image.PackageIDs {
			p, ok := packages[id]
			if !ok {
				return s.corrupt("image "+digest(read[i].digest).Short(), fmt.Errorf("package %d is missing", id))
			}
			image.Inventory.Packages[j].Package = p
		}
		found[digest(read[i].digest)] = image
	}
	return nil
}

func (s *Store) decodeImage(r imageRow) (StoredImage, error) {
	image := StoredImage{InventoryID: r.inventory, AssessedAt: fromMillis(r.at)}
	if err := json.Unmarshal(r.description, &image.Image); err != nil {
		return image, err
	}
	body, err := s.codec.Expand(r.placement)
	if err != nil {
		return image, err
	}
	if image.Inventory, image.PackageIDs, err = packed.ReadPlacement(body); err != nil {
		return image, err
	}
	return image, json.Unmarshal(r.distribution, &image.Inventory.Distribution)
}

// PutImage keeps an image with its inventory, in the place of what was known of
// it. Hash stands for the set of packages with their OwnedBy and for the
// distribution, so that images with equal ones share an inventory.
func (s *Store) PutImage(ctx context.Context, img seaworthy.Image, inv seaworthy.Inventory, hash seaworthy.Digest, analyser int, at time.Time) (StoredImage, error) {
	var put StoredImage
	err := s.db.Tx(ctx, func(tx *sqldb.Tx) (err error) {
		put = StoredImage{Image: img, Inventory: inv, AssessedAt: fromMillis(millis(at))}
		if err := tx.Lock(ctx, packageGate, true); err != nil {
			return err
		}
		if put.PackageIDs, err = s.keepPackages(ctx, tx, inv.Packages); err != nil {
			return err
		}
		if put.InventoryID, err = keepInventory(ctx, tx, inv, hash, put.PackageIDs); err != nil {
			return err
		}
		id, err := s.keepImage(ctx, tx, put, analyser)
		if err != nil {
			return err
		}
		return keepLayers(ctx, tx, id, img.Layers)
	})
	if err != nil {
		return StoredImage{}, fmt.Errorf("keep image %s: %w", img.Digest.Short(), err)
	}
	return put, nil
}

func keepInventory(ctx context.Context, tx *sqldb.Tx, inv seaworthy.Inventory, hash seaworthy.Digest, ids []int64) (id int64, err error) {
	sum, err := sumOf(hash)
	if err != nil {
		return 0, err
	}
	distribution, err := sqldb.JSON(inv.Distribution)
	if err != nil {
		return 0, err
	}
	made, err := tx.Exec(ctx, `
		insert into inventory(hash, distribution) values ($1, cast($2 as {{json}})) on conflict do nothing`, sum, distribution)
	if err != nil {
		return 0, err
	}
	err = tx.Each(ctx, func(scan sqldb.Scan) error { return scan(&id) }, "select id from inventory where hash = $1", sum)
	if err != nil || made == 0 {
		return id, err
	}
	var rows sqldb.Bulk
	for i, p := range inv.Packages {
		owned := 0
		if p.OwnedBy != "" {
			owned = 1
		}
		rows.Add(ids[i], owned)
	}
	_, err = tx.Exec(ctx, `
		insert into inventory_package(inventory_id, package_id, owned)
		select $2, {{int 0}}, {{int 1}} from {{rows}} where true
		on conflict do nothing`, rows.Rows(), id)
	return id, err
}

func (s *Store) keepImage(ctx context.Context, tx *sqldb.Tx, put StoredImage, analyser int) (id int64, err error) {
	sum, err := sumOf(put.Image.Digest)
	if err != nil {
		return 0, err
	}
	description, err := sqldb.JSON(put.Image)
	if err != nil {
		return 0, err
	}
	placement, err := s.codec.Compress(nil, packed.Placement(put.Inventory, put.PackageIDs))
	if err != nil {
		return 0, err
	}
	err = tx.Each(ctx, func(scan sqldb.Scan) error { return scan(&id) }, `
		insert into image(digest, description, inventory_id, analyser, placement, assessed_at)
		values ($1, cast($2 as {{json}}), $3, $4, $5, $6)
		on conflict(digest) do update set description = excluded.description, inventory_id = excluded.inventory_id,
			analyser = excluded.analyser, placement = excluded.placement, assessed_at = excluded.assessed_at
		returning id`, sum, description, put.InventoryID, analyser, placement, millis(put.AssessedAt))
	return id, err
}

func keepLayers(ctx context.Context, tx *sqldb.Tx, image int64, layers []seaworthy.Layer) error {
	var rows sqldb.Bulk
	for i, l := range layers {
		sum, err := sumOf(l.Digest)
		if err != nil {
			return err
		}
		rows.Add(sum, l.Size, i)
	}
	_, err := tx.Exec(ctx, `
		insert into layer(digest, size) select {{blob 0}}, {{int 1}} from {{rows}} where true order by 1
		on conflict do nothing`, rows.Rows(), rows.Bytes())
	if err != nil {
		return err
	}
	// A manifest's layers never change, so rows that are there are right.
	_, err = tx.Exec(ctx, `
		insert into image_layer(image_id, ordinal, layer_id)
		select $3, {{int 2}}, l.id from {{rows}} cross join layer l where l.digest = {{blob 0}}
		on conflict do nothing`, rows.Rows(), rows.Bytes(), image)
	return err
}
