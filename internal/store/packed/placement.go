package packed

import "github.com/seaworthy-dev/seaworthy"

// Placement is what an image says beyond its set of packages: where each
// lies, and the gaps.
func Placement(inv seaworthy.Inventory, ids []int64) []byte {
	var p Writer
	places := 0
	for _, placed := range inv.Packages {
		places += len(placed.Locations)
	}
	p.Size(len(ids))
	p.Size(places)
	last := int64(0)
	for i, placed := range inv.Packages {
		p.Num(int(ids[i] - last))
		last = ids[i]
		p.Text(placed.OwnedBy)
		p.Size(len(placed.Locations))
		for _, l := range placed.Locations {
			p.Num(l.Layer)
			p.Text(l.Path)
		}
	}
	p.Size(len(inv.Gaps))
	for _, g := range inv.Gaps {
		p.Text(string(g.Kind))
		p.Num(g.Layer)
		p.Text(g.Path)
		p.Text(g.Reason)
	}
	return p.B
}

// ReadPlacement reads what Placement gave: an inventory whose packages have
// their places alone, and their ids.
func ReadPlacement(body []byte) (inv seaworthy.Inventory, ids []int64, err error) {
	u := Reader{S: string(body)}
	count, places := u.Size(), u.Size()
	const trusted = 1 << 16 // counts beyond it must be borne out
	ids = make([]int64, 0, min(count, trusted))
	inv.Packages = make([]seaworthy.Placed, 0, min(count, trusted))
	all := make([]seaworthy.Location, 0, min(places, trusted))
	last := int64(0)
	for range count {
		last += int64(u.Num())
		ids = append(ids, last)
		placed := seaworthy.Placed{OwnedBy: u.Text()}
		start := len(all)
		for range u.Size() {
			all = append(all, seaworthy.Location{Layer: u.Num(), Path: u.Text()})
			if u.Bad {
				return inv, nil, ErrCorrupt
			}
		}
		placed.Locations = all[start:len(all):len(all)]
		inv.Packages = append(inv.Packages, placed)
		if u.Bad {
			return inv, nil, ErrCorrupt
		}
	}
	for range u.Size() {
		inv.Gaps = append(inv.Gaps, seaworthy.Gap{
			Kind: seaworthy.GapKind(u.Text()), Layer: u.Num(), Path: u.Text(), Reason: u.Text(),
		})
		if u.Bad {
			return inv, nil, ErrCorrupt
		}
	}
	return inv, ids, u.Err()
}
