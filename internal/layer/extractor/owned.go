package extractor

import (
	"path"
	"strings"
)

// ownable reports whether a file that an operating system package installed
// could be, or hold, a language package, so that a merge must know its owner:
// one that an extractor of language packages reads by its name, or one that
// may be an executable. All others, some nine of ten, are not worth keeping.
func ownable(file string) bool {
	return languageFile(file) || maybeExecutable(file)
}

func languageFile(file string) bool {
	return isNPMPackage(file) || isPythonPackage(file) || isInstalledGem(file) || isJavaArchive(file) ||
		isDotnetDependencies(file) || isComposerInstalled(file) || isComposerLock(file)
}

func maybeExecutable(file string) bool {
	for _, dir := range []string{
		"usr/share/doc/", "usr/share/man/", "usr/share/locale/", "usr/share/info/", "usr/share/zoneinfo/",
		"usr/share/terminfo/", "lib/terminfo/", "usr/lib/terminfo/", "usr/share/lintian/", "usr/share/licenses/",
		"usr/share/bash-completion/", "usr/lib/.build-id/", "var/lib/dpkg/", "usr/src/",
	} {
		if strings.HasPrefix(file, dir) {
			return false
		}
	}
	if !strings.Contains(path.Base(file), ".") {
		return true
	}
	return hasParent(file, "bin") || hasParent(file, "sbin") || hasParent(file, "libexec")
}
