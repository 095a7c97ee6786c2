// Package sbom writes assessments in the formats that other programs read:
// CycloneDX 1.6, SPDX 2.3 and SARIF 2.1.0.
package sbom
