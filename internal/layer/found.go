package layer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
)

// maxGaps bounds the gaps of one layer; the rest are counted. A person reads
// them, and a hostile layer could have millions.
const maxGaps = 1000

// found collects what the files of a layer say, by path, so that a path that is
// written again loses what was said of it before.
type found struct {
	limited bool // a limit kept a file from being read
	limits  seaworthy.Limits
	what    string // the layer, for errors
	byPath  map[string]*outcome
	count   int64 // packages, and records without any

	refused []seaworthy.Gap
	gaps    int // kept ones
	unsaid  int
}

type outcome struct {
	records  []seaworthy.Record
	failures []failure
}

type failure struct {
	format seaworthy.Format
	reason string
}

func (f *found) at(path string) *outcome {
	o := f.byPath[path]
	if o == nil {
		if f.byPath == nil {
			f.byPath = map[string]*outcome{}
		}
		o = new(outcome)
		f.byPath[path] = o
	}
	return o
}

// forget drops what was said of a path.
func (f *found) forget(path string) {
	o := f.byPath[path]
	if o == nil {
		return
	}
	for _, r := range o.records {
		f.count -= weight(r)
	}
	f.gaps -= len(o.failures)
	delete(f.byPath, path)
}

func weight(r seaworthy.Record) int64 { return max(1, int64(len(r.Packages))) }

// add keeps a record of path.
func (f *found) add(path string, r seaworthy.Record) error {
	r.Path = path
	o := f.at(path)
	for i := range o.records {
		if have := &o.records[i]; have.Format == r.Format {
			f.count -= weight(*have)
			have.Packages = append(slices.Clip(have.Packages), r.Packages...)
			have.Owns = append(slices.Clip(have.Owns), r.Owns...)
			if have.OSRelease == nil {
				have.OSRelease = r.OSRelease
			}
			return f.weigh(*have)
		}
	}
	o.records = append(o.records, r)
	return f.weigh(r)
}

func (f *found) weigh(r seaworthy.Record) error {
	f.count += weight(r)
	if f.count > f.limits.Packages {
		return f.limits.Exceeded(seaworthy.LimitPackages, "the number of packages in "+f.what)
	}
	return nil
}

// fail keeps that a file could not be read.
func (f *found) fail(path string, format seaworthy.Format, reason string) {
	if f.full() {
		return
	}
	o := f.at(path)
	o.failures = append(o.failures, failure{format, reason})
}

// refuse keeps that an entry was left out.
func (f *found) refuse(path, reason string) {
	if !f.full() {
		f.refused = append(f.refused, gap(path, reason))
	}
}

func (f *found) full() bool {
	if f.gaps >= maxGaps {
		f.unsaid++
		return true
	}
	f.gaps++
	return false
}

// link says of a hard link what was said of its target by content.
func (f *found) link(target, path string) error {
	o := f.byPath[target]
	if o == nil {
		return nil
	}
	for _, r := range o.records {
		if r.Format.ByContent() {
			if err := f.add(path, r); err != nil {
				return err
			}
		}
	}
	for _, x := range o.failures {
		if x.format.ByContent() {
			f.fail(path, x.format, x.reason)
		}
	}
	return nil
}

// list gives all in a stable order.
func (f *found) list() ([]seaworthy.Record, []seaworthy.Gap) {
	var records []seaworthy.Record
	gaps := slices.Clone(f.refused)
	for path, o := range f.byPath {
		records = append(records, o.records...)
		for _, x := range o.failures {
			gaps = append(gaps, gap(path, x.reason))
		}
	}
	slices.SortFunc(records, func(a, b seaworthy.Record) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(string(a.Format), string(b.Format)))
	})
	slices.SortFunc(gaps, func(a, b seaworthy.Gap) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Reason, b.Reason))
	})
	gaps = slices.Compact(gaps) // several formats may fail alike
	if f.unsaid > 0 {
		gaps = append(gaps, gap("", fmt.Sprintf("%d more entries could not be read", f.unsaid)))
	}
	return records, gaps
}

// gap makes text of what may be any bytes.
func gap(path, reason string) seaworthy.Gap {
	const most = 500
	if len(reason) > most {
		reason = reason[:most] + "…"
	}
	return seaworthy.Gap{
		Kind:   seaworthy.GapFile,
		Path:   strings.ToValidUTF8(path, "\uFFFD"),
		Reason: strings.ToValidUTF8(reason, "\uFFFD"),
	}
}
