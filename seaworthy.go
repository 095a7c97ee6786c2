// Package seaworthy holds the words of the product: digests, platforms,
// packages, contents, inventories, advisories, vulnerabilities, and the codes
// of its errors. Every other package speaks in them, so that a term means the
// same in the code, the API, the command line and the documentation.
//
// The package depends on the standard library alone and does no I/O. Its types
// are plain values: their zero values are usable and mean "nothing known".
package seaworthy
