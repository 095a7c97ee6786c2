package demo

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The sample advisories: ids, ranges and severities are facts of the public
// records (OSV form), the summaries are our own words.
//
//go:embed advisories/*.json feeds/*.json
var records embed.FS

// WriteAdvisories writes the sample advisories as loose records into
// dir/advisories, and the sample of CISA's catalogue beside them, and returns
// the paths to import.
func WriteAdvisories(dir string) (paths []string, err error) {
	err = fs.WalkDir(records, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(path))
		if d.IsDir() {
			return os.MkdirAll(to, 0o700)
		}
		content, err := records.ReadFile(path)
		return errors.Join(err, os.WriteFile(to, content, 0o600))
	})
	if err != nil {
		return nil, fmt.Errorf("write the sample advisories: %w", err)
	}
	return []string{filepath.Join(dir, "advisories"), filepath.Join(dir, "feeds", "known_exploited_vulnerabilities.json")}, nil
}
