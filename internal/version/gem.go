package version

import "strings"

// gem is a version by Gem::Version: segments of digits or of letters, the zeros
// before the first word and at the end dropped.
type gem []string

func parseGem(s string) (order, bool) {
	s = cutPlatform(s)
	major, rest := digits(s)
	if major == "" || rest != "" && rest[0] != '.' && rest[0] != '-' ||
		strings.Contains(s, "..") || strings.HasSuffix(s, ".") || strings.HasSuffix(s, "-") {
		return nil, false
	}
	segments := make([]string, 0, 6)
	for rest := s; rest != ""; {
		var segment string
		switch c := rest[0]; {
		case isDigit(c):
			segment, rest = digits(rest)
			segment = strings.TrimLeft(segment, "0") // zero is empty
		case isLetter(c):
			segment, rest = letters(rest)
		case c == '.':
			rest = rest[1:]
			continue
		case c == '-': // Gem::Version reads "1.0-rc1" as "1.0.pre.rc1"
			segment, rest = "pre", rest[1:]
		default:
			return nil, false
		}
		segments = append(segments, segment)
	}
	return gem(dropZeros(segments)), true
}

func dropZeros(segments []string) []string {
	word := 0
	for word < len(segments) && !isWord(segments[word]) {
		word++
	}
	out := trimZeros(segments[:word:word])
	return append(out, trimZeros(segments[word:])...)
}

func trimZeros(segments []string) []string {
	for len(segments) > 0 && segments[len(segments)-1] == "" {
		segments = segments[:len(segments)-1]
	}
	return segments
}

func isWord(segment string) bool { return segment != "" && isLetter(segment[0]) }

func (gem) rules() rules { return rulesGem }

func (v gem) compare(o order) int {
	w := o.(gem)
	for i := 0; i < len(v) || i < len(w); i++ {
		var a, b string
		if i < len(v) {
			a = v[i]
		}
		if i < len(w) {
			b = w[i]
		}
		var c int
		switch m, n := isWord(a), isWord(b); {
		case m && n:
			c = strings.Compare(a, b)
		case m || n:
			c = before(m)
		default:
			c = compareNumbers(a, b)
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// cutPlatform removes the platform that RubyGems puts behind the version of a
// gem with native code: "1.15.0-java", "1.15.4-x86_64-linux-gnu".
func cutPlatform(s string) string {
	v, platform, ok := strings.Cut(s, "-")
	if !ok || v == "" {
		return s
	}
	cpu, os, both := strings.Cut(platform, "-")
	if isGemOS(cpu) || both && isGemCPU(cpu) && isGemOS(os) {
		return v
	}
	return s
}

// isGemCPU knows the processors of Gem::Platform.
func isGemCPU(s string) bool {
	switch s {
	case "x86", "x64", "x86_64", "amd64", "i386", "i486", "i586", "i686", "universal", "aarch64", "arm64", "arm",
		"riscv64", "s390x", "ppc", "ppc64", "ppc64le", "powerpc", "powerpc64", "powerpc64le", "loongarch64",
		"mips64el", "sparc", "sparc64", "wasm32":
		return true
	}
	return strings.HasPrefix(s, "armv")
}

func isGemOS(s string) bool {
	for _, os := range [...]string{
		"aix", "cygwin", "dalvik", "darwin", "dotnet", "freebsd", "java", "jruby", "linux", "macruby", "mingw",
		"mswin", "netbsd", "openbsd", "solaris", "wasi",
	} {
		if rest, ok := strings.CutPrefix(s, os); ok && (rest == "" || !isLetter(rest[0])) {
			return true
		}
	}
	return false
}
