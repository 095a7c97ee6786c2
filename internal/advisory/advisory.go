// Package advisory reads feeds: OSV buckets, CISA's catalogue of known exploited
// vulnerabilities and FIRST's exploit probabilities. It downloads, bounds,
// decodes and normalises records; the store keeps them. A malformed record is
// skipped and counted, a broken feed is an error and changes nothing.
package advisory
