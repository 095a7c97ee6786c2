package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/match"
	"github.com/seaworthy-dev/seaworthy/internal/store"
	"github.com/seaworthy-dev/seaworthy/internal/version"
)

// dataDirFlag adds --data-dir; its default is in the user's cache directory.
func dataDirFlag(flags *pflag.FlagSet, dir *string) {
	flags.StringVar(dir, "data-dir", "", "where knowledge of images and advisories is kept (default: seaworthy in the user's cache directory)")
}

// openStore opens the database in the data directory, and makes both if need be.
func openStore(ctx context.Context, dir string) (*store.Store, error) {
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return nil, &seaworthy.Error{
				Code:   seaworthy.CodeInvalid,
				Public: "there is no cache directory for this user",
				Hint:   "name a directory with --data-dir, or set HOME",
				Err:    err,
			}
		}
		dir = filepath.Join(cache, "seaworthy")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w (name another one with --data-dir)", err)
	}
	return store.Open(ctx, store.Config{
		Path:         filepath.Join(dir, "seaworthy.db"),
		AdvisoryName: advisoryName,
		Header:       header,
		Concerns:     match.Concerns,
		Rules:        match.Rules,
	})
}

// header is what the store keeps of an advisory for listings.
func header(a seaworthy.Advisory, source string) ([]byte, error) {
	return json.Marshal(match.HeaderOf(a, source))
}

func advisoryName(p seaworthy.Package) string {
	name, _ := version.AdvisoryName(p)
	return name
}
