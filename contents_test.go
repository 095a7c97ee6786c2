package seaworthy_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seaworthy-dev/seaworthy"
)

func packed(entries ...seaworthy.Entry) *seaworthy.Entries {
	var l seaworthy.Entries
	for _, e := range entries {
		l.Add(e)
	}
	return &l
}

func TestEntries(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long/", 2000)
	for name, want := range map[string][]seaworthy.Entry{
		"none": nil,
		"each kind": {
			{Kind: seaworthy.EntryDir, Path: "usr"}, {Kind: seaworthy.EntryFile, Path: "usr/a"}, {Kind: seaworthy.EntrySymlink, Path: "usr/b", Target: "../a"},
			{Kind: seaworthy.EntryWhiteout, Path: "usr/c"}, {Kind: seaworthy.EntryOpaque, Path: "usr"},
		},
		"the root":         {{Kind: seaworthy.EntryDir}, {Kind: seaworthy.EntryOpaque}, {Kind: seaworthy.EntryFile, Path: "a"}, {Kind: seaworthy.EntryDir}},
		"twice":            {{Kind: seaworthy.EntryFile, Path: "a"}, {Kind: seaworthy.EntryFile, Path: "a"}},
		"shorter":          {{Kind: seaworthy.EntryFile, Path: "a/b/c"}, {Kind: seaworthy.EntryFile, Path: "a/b"}, {Kind: seaworthy.EntryFile, Path: "a/bc"}},
		"long":             {{Kind: seaworthy.EntryFile, Path: long}, {Kind: seaworthy.EntrySymlink, Path: long + "x", Target: long}, {Kind: seaworthy.EntryFile, Path: "x"}},
		"bytes":            {{Kind: seaworthy.EntryFile, Path: "\xff\x00"}, {Kind: seaworthy.EntrySymlink, Path: "\xff\x01", Target: "\xfe"}},
		"no target at all": {{Kind: seaworthy.EntrySymlink, Path: "a"}, {Kind: seaworthy.EntryFile, Path: "b"}},
	} {
		l := packed(want...)
		if d := cmp.Diff(want, slices.Collect(l.All())); d != "" {
			t.Errorf("%s: All (-want +got):\n%s", name, d)
		}
		again, err := seaworthy.UnpackEntries(l.Packed())
		if err != nil {
			t.Errorf("%s: UnpackEntries: %v", name, err)
			continue
		}
		if l.Len() != len(want) || again.Len() != len(want) {
			t.Errorf("%s: Len = %d, and %d unpacked, want %d", name, l.Len(), again.Len(), len(want))
		}
		if d := cmp.Diff(want, slices.Collect(again.All())); d != "" {
			t.Errorf("%s: All of the unpacked (-want +got):\n%s", name, d)
		}
	}
}

// Entries that were unpacked can be added to.
func TestUnpackedEntriesGrow(t *testing.T) {
	t.Parallel()
	first, second := seaworthy.Entry{Kind: seaworthy.EntryDir, Path: "usr/share"}, seaworthy.Entry{Kind: seaworthy.EntryFile, Path: "usr/share/x"}
	again, err := seaworthy.UnpackEntries(packed(first).Packed())
	if err != nil {
		t.Fatal(err)
	}
	again.Add(second)
	if d := cmp.Diff([]seaworthy.Entry{first, second}, slices.Collect(again.All())); d != "" {
		t.Errorf("All (-want +got):\n%s", d)
	}
	if !bytes.Equal(again.Packed(), packed(first, second).Packed()) {
		t.Error("the packed form depends on whether it was unpacked between")
	}
}

func TestEntriesStop(t *testing.T) {
	t.Parallel()
	n := 0
	for range packed(seaworthy.Entry{Kind: seaworthy.EntryFile, Path: "a"}, seaworthy.Entry{Kind: seaworthy.EntryFile, Path: "b"}).All() {
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d entries, want 1", n)
	}
}

func TestEntriesArePacked(t *testing.T) {
	t.Parallel()
	var l seaworthy.Entries
	for i := range 100_000 {
		l.Add(seaworthy.Entry{Kind: seaworthy.EntryFile, Path: fmt.Sprintf("app/node_modules/package-%d/lib/file-%d.js", i/50, i)})
	}
	if got, most := len(l.Packed()), 2_000_000; got > most {
		t.Errorf("100,000 entries take %d bytes, want at most %d", got, most)
	}
}

func TestUnpackEntriesRefuses(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]string{
		"a kind alone":         "f",
		"no rest":              "f\x00",
		"an unknown kind":      "x\x00\x00",
		"too long a prefix":    "f\x01\x00",
		"too long a path":      "f\x00\x02a",
		"no target":            "l\x00\x01a",
		"too long a target":    "l\x00\x01a\x02b",
		"a length of 64 bits":  "f\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01a",
		"a length that is cut": "f\x00\x80",
		"an endless length":    "f" + strings.Repeat("\x80", 20),
		"damage in the second": "f\x00\x01af\x02\x00",
		"garbage at the end":   "f\x00\x01a\x00",
	} {
		if l, err := seaworthy.UnpackEntries([]byte(b)); err == nil || l.Len() != 0 {
			t.Errorf("%s: UnpackEntries gives %d entries and the error %v, want an error", name, l.Len(), err)
		}
	}
}

func TestEntriesRoundTrip(t *testing.T) {
	t.Parallel()
	kinds := []seaworthy.EntryKind{seaworthy.EntryFile, seaworthy.EntryDir, seaworthy.EntrySymlink, seaworthy.EntryWhiteout, seaworthy.EntryOpaque}
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOf(rapid.Custom(func(t *rapid.T) seaworthy.Entry {
			e := seaworthy.Entry{Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), Path: rapid.StringMatching(`([ab]{1,3}/){0,4}[ab]{0,3}`).Draw(t, "path")}
			if e.Kind == seaworthy.EntrySymlink {
				e.Target = string(rapid.SliceOf(rapid.Byte()).Draw(t, "target"))
			}
			return e
		})).Draw(t, "entries")
		l, err := seaworthy.UnpackEntries(packed(want...).Packed())
		if err != nil {
			t.Fatal(err)
		}
		got := slices.Collect(l.All())
		if len(want) != len(got) || len(want) > 0 && !cmp.Equal(want, got) {
			t.Fatalf("All (-want +got):\n%s", cmp.Diff(want, got))
		}
	})
}

// FuzzUnpackEntries: whatever is unpacked holds entries of known kinds, as many
// as it says, and packs to what gives the same.
func FuzzUnpackEntries(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte("f\x00\x01af\x01\x02/bl\x00\x01c\x01d"))
	f.Add([]byte("o\x00\x00w\x00\x01x"))
	f.Add([]byte("f\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01a"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 10_000 {
			return // a path may repeat the one before: the unpacked size is quadratic
		}
		l, err := seaworthy.UnpackEntries(b)
		if err != nil {
			return
		}
		entries := slices.Collect(l.All())
		if len(entries) != l.Len() {
			t.Fatalf("%d entries, Len = %d", len(entries), l.Len())
		}
		again, err := seaworthy.UnpackEntries(packed(entries...).Packed())
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(entries, slices.Collect(again.All())); d != "" {
			t.Errorf("packed again (-want +got):\n%s", d)
		}
	})
}
