package seaworthy

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEntriesRoundTrip(t *testing.T) {
	t.Parallel()
	want := []Entry{
		{Kind: EntryDir, Path: ""},
		{Kind: EntryDir, Path: "usr/lib"},
		{Kind: EntrySymlink, Path: "lib", Target: "usr/lib"},
		{Kind: EntrySymlink, Path: "lib64", Target: ""},
		{Kind: EntryFile, Path: "lib/x"},
		{Kind: EntryWhiteout, Path: "lib/y"},
		{Kind: EntryOpaque, Path: ""},
	}
	var l Entries
	for _, e := range want {
		l.Add(e)
	}
	got, err := UnpackEntries(slices.Clone(l.Packed()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, slices.Collect(got.All())); diff != "" {
		t.Errorf("entries (-want +got)\n%s", diff)
	}
	got.Add(Entry{Kind: EntryFile, Path: "z"})
	if got.Len() != len(want)+1 || slices.Collect(got.All())[len(want)].Path != "z" {
		t.Error("an unpacked list does not grow")
	}
}

func TestEntriesStop(t *testing.T) {
	t.Parallel()
	var l Entries
	l.Add(Entry{Kind: EntryFile, Path: "a"})
	l.Add(Entry{Kind: EntryFile, Path: "b"})
	for e := range l.All() {
		if e.Path != "a" {
			t.Errorf("yielded %q after the loop was left", e.Path)
		}
		break
	}
}

func FuzzUnpackEntries(f *testing.F) {
	var l Entries
	l.Add(Entry{Kind: EntrySymlink, Path: "a/b", Target: "c"})
	l.Add(Entry{Kind: EntryFile, Path: "a/d"})
	f.Add(l.Packed())
	f.Add([]byte("f\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := UnpackEntries(b)
		if err != nil {
			return
		}
		if n := len(slices.Collect(l.All())); n != l.Len() {
			t.Errorf("%d entries of %d", n, l.Len())
		}
	})
}
