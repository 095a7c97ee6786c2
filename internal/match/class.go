package match

import (
	"strings"

	"github.com/seaworthy-dev/seaworthy"
)

// classOf sets noise apart. Evidence is sorted, so the distribution's own record
// of the problem is the first that has a word.
func classOf(p seaworthy.Package, evidence []*evidence) seaworthy.Class {
	switch {
	case isKernelHeaders(p):
		return seaworthy.ClassKernelHeaders
	case p.Ecosystem.Distribution() && isUnimportant(evidence):
		return seaworthy.ClassUnimportant
	case isDocumentation(p):
		return seaworthy.ClassDocumentation
	}
	return ""
}

// isUnimportant looks at the entries that matched and at no other release's.
func isUnimportant(evidence []*evidence) bool {
	for _, e := range evidence {
		words := []string{e.finding.Urgency}
		for _, ratings := range [][]seaworthy.Rating{e.finding.Ratings, e.header.Ratings} {
			for _, r := range ratings {
				if r.Type == ratingUbuntu || r.Type == ratingWord && !foreign(r.Source) {
					words = append(words, r.Value)
				}
			}
		}
		for _, word := range words {
			switch {
			case strings.EqualFold(word, "unimportant"), strings.EqualFold(word, "negligible"):
				return true
			case wordSeverity(word) != seaworthy.SeverityUnknown:
				return false
			}
		}
	}
	return false
}

// isKernelHeaders recognises what is built from the kernel's source to be
// compiled against or read: no kernel runs from an image. Programs from the same
// source, such as bpftool, are not among them.
func isKernelHeaders(p seaworthy.Package) bool {
	if !p.Ecosystem.Distribution() {
		return false
	}
	name, source := p.Name, p.Source
	switch source {
	case "linux-headers": // Alpine's, with its own version
		return name == source
	case "":
		source = name // RPM: SOURCERPM is missing from some databases
	}
	if source != "linux" && source != "kernel" && !strings.HasPrefix(source, "linux-") && !strings.HasPrefix(source, "kernel-") {
		return false
	}
	switch name {
	case "linux-libc-dev", "kernel-headers", "kernel-devel", "kernel-doc", "kernel-cross-headers", "kernel-default-devel",
		"linux-glibc-devel", "linux-headers", "linux-doc", "linux-source", "kernel-macros", "kernel-source":
		return true
	}
	for _, prefix := range [...]string{
		"linux-libc-dev-", "linux-headers-", "linux-doc-", "linux-source-", "linux-kbuild-", "linux-compiler-", "linux-support-",
		"kernel-devel-", "kernel-headers-",
	} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return strings.HasPrefix(name, "linux-") && (strings.Contains(name, "-headers-") || strings.HasSuffix(name, "-dev")) ||
		strings.HasPrefix(name, "kernel-") && strings.HasSuffix(name, "-devel")
}

// isDocumentation recognises packages of documentation and of debug symbols.
func isDocumentation(p seaworthy.Package) bool {
	if !p.Ecosystem.Distribution() {
		return false
	}
	for _, suffix := range [...]string{"-doc", "-docs", "-dbg", "-dbgsym", "-debuginfo", "-debugsource"} {
		if strings.HasSuffix(p.Name, suffix) {
			return true
		}
	}
	return false
}
