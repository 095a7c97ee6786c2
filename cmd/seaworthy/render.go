package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/sbom"
)

// The formats of assess.
const (
	formatTable     = "table"
	formatJSON      = "json"
	formatCycloneDX = "cyclonedx"
	formatSPDX      = "spdx"
	formatSARIF     = "sarif"
)

// formats lists the formats of assess, the default first.
func formats() []string {
	return []string{formatTable, formatJSON, formatCycloneDX, formatSPDX, formatSARIF}
}

func knownFormat(name string) bool { return slices.Contains(formats(), name) }

// What the rows of a table are.
const (
	byVulnerability = "vulnerability"
	byPackage       = "package"
)

// renderOptions say how assessments are written.
type renderOptions struct {
	Format     string // one of formats; "" is table
	By         string // byVulnerability or byPackage; "" is byVulnerability
	ShowHidden bool   // tables and SARIF: what is noise too
	Packages   bool   // tables: the packages too
	Limit      int    // rows of a table; 0 is all
	Width      int    // columns of the terminal; 0 is no terminal, and nothing is fitted to one
	Colour     bool
	Tool       sbom.Tool
	Failed     []failure // JSON: what could not be assessed

	// Compare orders versions of one ecosystem. Without it, an action whose
	// advisories name several fixed versions lists them all.
	Compare func(e seaworthy.Ecosystem, a, b string) int
}

// forTerminal fills in Width and Colour by what w is.
func (o renderOptions) forTerminal(w io.Writer, lookup func(string) (string, bool)) renderOptions {
	o.Width = terminalWidth(w)
	no, _ := lookup("NO_COLOR") // https://no-color.org: any value but the empty one
	kind, _ := lookup("TERM")
	o.Colour = o.Width > 0 && no == "" && kind != "dumb"
	return o
}

// terminalWidth is the number of columns of the terminal that w is, 0 if it is
// none.
func terminalWidth(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		return 80
	}
	return width
}

// renderAssessments writes assessments to w in the format of o.
func renderAssessments(w io.Writer, o renderOptions, as []seaworthy.Assessment) error {
	switch o.Format {
	case formatTable, "":
		return renderTables(w, o, as)
	case formatJSON:
		return renderJSON(w, as, o.Failed)
	case formatCycloneDX:
		return sbom.CycloneDX(w, as, o.Tool)
	case formatSPDX:
		return sbom.SPDX(w, as, o.Tool)
	case formatSARIF:
		if !o.ShowHidden {
			as = withoutHidden(as)
		}
		return sbom.SARIF(w, as, o.Tool)
	}
	return fmt.Errorf("there is no format %q; the formats are %s", clean(o.Format), strings.Join(formats(), ", "))
}

// withoutHidden leaves out the vulnerabilities that are noise.
func withoutHidden(as []seaworthy.Assessment) []seaworthy.Assessment {
	shown := slices.Clone(as)
	for i, a := range shown {
		shown[i].Vulnerabilities = slices.DeleteFunc(slices.Clone(a.Vulnerabilities), func(v seaworthy.Vulnerability) bool {
			return v.Class != ""
		})
	}
	return shown
}
