// Package version orders versions by the rules of each ecosystem and knows by
// which name and version advisories speak of a package. The orders themselves
// are osv-scalibr's, behind a parse step that never panics. It is pure.
package version
