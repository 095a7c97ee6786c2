package image

import (
	"fmt"
	"testing"

	"github.com/seaworthy-dev/seaworthy"
)

// debianLayer is a layer shaped like a Debian root file system: a dpkg database,
// lists, and links such as those of /usr/share/doc.
func debianLayer(packages int) *seaworthy.Contents {
	c := &seaworthy.Contents{}
	add := func(kind seaworthy.EntryKind, path, target string) {
		c.Entries.Add(seaworthy.Entry{Kind: kind, Path: path, Target: target})
	}
	status := seaworthy.Record{Path: "var/lib/dpkg/status", Format: seaworthy.RecordDpkg}
	var lists []seaworthy.Record
	add(seaworthy.EntrySymlink, "lib", "usr/lib")
	for i := range packages {
		name := fmt.Sprintf("package%03d", i)
		status.Packages = append(status.Packages, seaworthy.Package{
			Ecosystem: seaworthy.FormatDpkg, Name: name, Version: "1.2-3", Arch: "amd64", Source: name, SourceVersion: "1.2-3",
		})
		list := seaworthy.Record{Path: "var/lib/dpkg/info/" + name + ".list", Format: seaworthy.RecordDpkgFiles}
		owned := seaworthy.Owned{Package: name}
		add(seaworthy.EntryDir, "usr/share/"+name, "")
		for j := range 20 {
			add(seaworthy.EntryFile, fmt.Sprintf("usr/share/%s/file%d", name, j), "")
			owned.Paths = append(owned.Paths, fmt.Sprintf("lib/python3/dist-packages/%s/%d/METADATA", name, j))
		}
		add(seaworthy.EntrySymlink, "usr/share/"+name+"/doc", "../doc/"+name)
		list.Owns = append(list.Owns, owned)
		lists = append(lists, list)
		add(seaworthy.EntryFile, list.Path, "")
	}
	add(seaworthy.EntryFile, status.Path, "")
	c.Records = append(lists, status)
	return c
}

// nodeModules is a layer shaped like a large node_modules: a package in 20 entries.
func nodeModules(root string, entries int) *seaworthy.Contents {
	c := &seaworthy.Contents{}
	for i := 0; c.Entries.Len() < entries; i++ {
		name := fmt.Sprintf("%s/node_modules/module-%05d", root, i)
		c.Entries.Add(seaworthy.Entry{Kind: seaworthy.EntryDir, Path: name})
		c.Entries.Add(seaworthy.Entry{Kind: seaworthy.EntryDir, Path: name + "/dist"})
		for j := range 16 {
			c.Entries.Add(seaworthy.Entry{Kind: seaworthy.EntryFile, Path: fmt.Sprintf("%s/dist/some-file-%d.js", name, j)})
		}
		c.Entries.Add(seaworthy.Entry{Kind: seaworthy.EntryFile, Path: name + "/package.json"})
		c.Entries.Add(seaworthy.Entry{Kind: seaworthy.EntrySymlink, Path: fmt.Sprintf("%s/node_modules/.bin/m%d", root, i), Target: "../x"})
		c.Records = append(c.Records, seaworthy.Record{
			Path: name + "/package.json", Format: "npm",
			Packages: []seaworthy.Package{{Ecosystem: seaworthy.NPM, Name: fmt.Sprint("module-", i), Version: "1.0.0"}},
		})
	}
	return c
}

func benchmark(b *testing.B, layers ...*seaworthy.Contents) {
	entries := 0
	for _, l := range layers {
		entries += l.Entries.Len()
	}
	b.ReportAllocs()
	for b.Loop() {
		Merge(layers)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(entries), "ns/entry")
}

func BenchmarkMergeOneLayerOf120k(b *testing.B) { benchmark(b, nodeModules("app", 120_000)) }

// The usual shape: a base, what was installed, an application.
func BenchmarkMergeImage(b *testing.B) {
	benchmark(b, debianLayer(100), debianLayer(300), nodeModules("usr/lib", 10_000), nodeModules("app", 120_000))
}

func BenchmarkMergeFourLayersOf120k(b *testing.B) {
	whiteout := nodeModules("app", 120_000)
	whiteout.Entries.Add(seaworthy.Entry{Kind: seaworthy.EntryOpaque, Path: "lib/node_modules"})
	benchmark(b, debianLayer(5200), nodeModules("usr/lib", 120_000), nodeModules("app", 120_000), whiteout)
}

func BenchmarkHash(b *testing.B) {
	inv := Merge([]*seaworthy.Contents{debianLayer(300), nodeModules("app", 60_000)})
	b.ReportAllocs()
	for b.Loop() {
		Hash(inv)
	}
}
