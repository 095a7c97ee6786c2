package packed

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/seaworthy-dev/seaworthy"
)

func versionLists(t *rapid.T) []string {
	return rapid.SliceOfN(rapid.StringMatching(`[0-9a-z.~+:-]{0,12}`), 0, 80).Draw(t, "versions")
}

func TestAffectedRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 8, 40)
		event := rapid.Custom(func(t *rapid.T) seaworthy.Event {
			return seaworthy.Event{Introduced: text.Draw(t, "i"), Fixed: text.Draw(t, "f"), LastAffected: text.Draw(t, "l"), Limit: text.Draw(t, "m")}
		})
		span := rapid.Custom(func(t *rapid.T) seaworthy.Range {
			return seaworthy.Range{Type: seaworthy.RangeType(text.Draw(t, "type")), Events: rapid.SliceOfN(event, 0, 4).Draw(t, "events")}
		})
		rating := rapid.Custom(func(t *rapid.T) seaworthy.Rating {
			return seaworthy.Rating{Source: text.Draw(t, "s"), Type: text.Draw(t, "t"), Value: text.Draw(t, "v")}
		})
		want := seaworthy.Affected{
			Ranges: rapid.SliceOfN(span, 0, 4).Draw(t, "ranges"), Versions: versionLists(t),
			Ratings: rapid.SliceOfN(rating, 0, 3).Draw(t, "ratings"), Urgency: text.Draw(t, "urgency"), Binaries: versionLists(t),
		}
		var codec Codec
		reader := codec.AffectedReader()
		detail, err := codec.StoreAffected(Affected(want))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time with a known list
			got, err := reader.Read(detail)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("affected (-want +got):\n%s", diff)
			}
		}
		f := seaworthy.Finding{Advisory: text.Draw(t, "id"), Verdict: seaworthy.Undecided, Fixed: text.Draw(t, "fixed"), Ratings: want.Ratings}
		if got, err := ReadFinding(Finding(f)); err != nil || cmp.Diff(f, got, cmpopts.EquateEmpty()) != "" {
			t.Fatalf("finding is %v, %v; want %v", got, err, f)
		}
	})
}

// FuzzStored reads arbitrary bytes as each of the stored forms.
func FuzzStored(f *testing.F) {
	var c seaworthy.Contents
	c.Entries.Add(seaworthy.Entry{Kind: seaworthy.EntryFile, Path: "a"})
	c.Records = []seaworthy.Record{{Path: "p", Format: "npm"}}
	body, err := Contents(&c)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte{contentsFormat})
	f.Add(Finding(seaworthy.Finding{Advisory: "A", Ratings: []seaworthy.Rating{{Source: "s"}}}))
	placement := seaworthy.Inventory{Packages: []seaworthy.Placed{{OwnedBy: "x", Locations: []seaworthy.Location{{Layer: 3, Path: "p"}}}}}
	f.Add(Placement(placement, []int64{7}))
	var codec Codec
	detail, err := codec.StoreAffected(Affected(seaworthy.Affected{Versions: []string{"1.0", "1.1"}, Binaries: []string{"b"}}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(detail)
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := ReadContents(b); err == nil {
			again, err := Contents(c)
			if err != nil {
				t.Fatalf("what was decoded cannot be encoded: %v", err)
			}
			if _, err := ReadContents(again); err != nil {
				t.Fatalf("what was encoded cannot be decoded: %v", err)
			}
		}
		if inv, ids, err := ReadPlacement(b); err == nil && len(inv.Packages) != len(ids) {
			t.Fatalf("%d packages with %d ids", len(inv.Packages), len(ids))
		}
		if finding, err := ReadFinding(b); err == nil {
			if again, err := ReadFinding(Finding(finding)); err != nil || cmp.Diff(finding, again, cmpopts.EquateEmpty()) != "" {
				t.Fatalf("finding is %v after a round trip, %v; want %v", again, err, finding)
			}
		}
		if a, err := codec.AffectedReader().Read(b); err == nil {
			if _, err := codec.StoreAffected(Affected(a)); err != nil {
				t.Fatal(err)
			}
		}
	})
}
