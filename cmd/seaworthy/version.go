package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/seaworthy-dev/seaworthy/internal/layer"
)

// build describes this program.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Analyser int    `json:"analyser"`
}

func thisBuild() build {
	b := build{Version: "devel", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Analyser: layer.Version}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			b.Revision = s.Value
		}
	}
	return b
}

func versionCommand(t terminal) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the program's version",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			b := thisBuild()
			if output == "json" {
				return json.NewEncoder(t.out).Encode(b)
			}
			_, err := fmt.Fprintf(t.out, "seaworthy %s (analyser %d, %s, %s)\n", b.Version, b.Analyser, b.Go, b.Platform)
			return err
		},
	}
	outputFlag(cmd, &output)
	return cmd
}

// outputFlag adds --output table|json, checked before the command runs.
func outputFlag(cmd *cobra.Command, output *string) {
	cmd.Flags().StringVarP(output, "output", "o", "table", "table or json")
	choices(cmd, "output", "table", "json")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if *output != "table" && *output != "json" {
			return usagef("--output %q is neither table nor json", clean(*output))
		}
		return nil
	}
}

// choices completes a flag's value in the shell.
func choices(cmd *cobra.Command, flag string, values ...string) {
	// The only error is that the flag does not exist, which a test would show at once.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}
