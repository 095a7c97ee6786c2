package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/demo"
)

// demoCommand shows the product at work on samples of its own. It is not listed:
// make run is its user.
func demoCommand(t terminal) *cobra.Command {
	var write string
	cmd := &cobra.Command{
		Use:    "demo",
		Short:  "Assess sample images in a registry of their own",
		Hidden: true,
		Args:   noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			samples, err := demo.Samples()
			if err != nil {
				return fmt.Errorf("make the sample images: %w", err)
			}
			if write != "" {
				return demo.Write(write, samples)
			}
			return runDemo(cmd.Context(), t, samples)
		},
	}
	cmd.Flags().StringVar(&write, "write", "", "write the sample images into this OCI layout instead")
	return cmd
}

func runDemo(ctx context.Context, t terminal, samples []demo.Sample) (err error) {
	dir, err := os.MkdirTemp("", "seaworthy-demo")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	registry, err := demo.Serve(ctx, samples)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, registry.Close()) }()
	fmt.Fprintf(t.err, "A registry with %d sample images runs at %s while this does.\n", len(samples), registry.Host)

	data := filepath.Join(dir, "data")
	if err := importSamples(ctx, dir, data); err != nil {
		return err
	}
	var references []string
	seen := map[string]bool{}
	for _, s := range samples {
		if reference := registry.Reference(s); !seen[reference] {
			seen[reference] = true
			references = append(references, reference)
		}
	}
	return runAssess(ctx, t, assessFlags{
		dataDir: data, platform: "all", format: "table", by: "vulnerability", plainHTTP: true,
	}, references)
}

// importSamples fills the data directory with the sample advisories.
func importSamples(ctx context.Context, scratch, data string) (err error) {
	paths, err := demo.WriteAdvisories(scratch)
	if err != nil {
		return err
	}
	st, err := openStore(ctx, data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	u := newUpdater(st, seaworthy.DefaultLimits())
	for _, path := range paths {
		if _, err := u.Import(ctx, path); err != nil {
			return fmt.Errorf("import the sample advisories: %w", err)
		}
	}
	return nil
}
