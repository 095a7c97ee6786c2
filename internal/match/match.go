// Package match decides which advisories concern a package, and joins what
// several advisories say of one problem into one vulnerability. It is pure. The
// rules are OSV's (https://ossf.github.io/osv-schema/#evaluation), with the
// distributions' own words before the general databases'.
package match
