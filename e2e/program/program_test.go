package program

import (
	"path/filepath"
	"testing"
)

// The exit codes are what scripts and pipelines branch on.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	h := NewHome(t)
	layout := h.Samples(t)
	advisories := filepath.Join(filepath.Dir(filepath.Dir(Path(t))), "internal", "demo", "advisories")
	h.Succeed(t, "advisories", "import", advisories)
	vulnerable, missing := "oci:"+layout+":java-app", "oci:"+layout+":none"
	for _, tc := range []struct {
		name string
		args []string
		code int
	}{
		{"help", nil, 0},
		{"findings alone", []string{"assess", vulnerable}, 0},
		{"findings that are allowed", []string{"assess", "--fail-on", "critical", "oci:" + layout + ":alma-tool"}, 0},
		{"findings that are not", []string{"assess", "--fail-on", "critical", vulnerable}, 3},
		{"one image failed", []string{"assess", vulnerable, missing}, 1},
		{"a failure goes before a policy", []string{"assess", "--fail-on", "low", vulnerable, missing}, 1},
		{"nothing to import", []string{"advisories", "import", "nowhere"}, 1},
		{"an unknown command", []string{"asess"}, 2},
		{"an unknown flag", []string{"assess", "--fast", vulnerable}, 2},
		{"a wrong value", []string{"assess", "--format", "pdf", vulnerable}, 2},
		{"a wrong limit", []string{"assess", "--limit", "layers=0", vulnerable}, 2},
		{"a wrong reference", []string{"assess", "https://registry.example.com/a"}, 2},
		{"no argument", []string{"assess"}, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if r := h.Run(t, tc.args...); r.Code != tc.code {
				t.Errorf("exit code %d, want %d; it says:\n%s", r.Code, tc.code, r.Err)
			}
		})
	}
}
