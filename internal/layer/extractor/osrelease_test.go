package extractor

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seaworthy-dev/seaworthy"
)

func TestOSRelease(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       map[string]string
		err        string
	}{
		{"debian", "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n",
			map[string]string{"PRETTY_NAME": "Debian GNU/Linux 12 (bookworm)", "NAME": "Debian GNU/Linux", "VERSION_ID": "12", "ID": "debian"}, ""},
		{"quotes", `A='single $x \n'` + "\n" + `B="a \"b\" \\ \$c \x"` + "\n" + `C=un\ quoted` + "\n" + `D=a" b "'c'` + "\nE=\nF=two words \r\n",
			map[string]string{"A": `single $x \n`, "B": `a "b" \ $c \x`, "C": "un quoted", "D": "a b c", "E": "", "F": "two words"}, ""},
		{"comments and blanks", "# c\n\n  ID=alpine\n", map[string]string{"ID": "alpine"}, ""},
		{"the last counts", "ID=a\nID=b\n", map[string]string{"ID": "b"}, ""},
		{"broken lines", "ID=a\nnonsense\n1A=b\nB=\"open\nC=d\\\nE=f", map[string]string{"ID": "a", "E": "f"}, "has no NAME=value in line 2"},
		{"control characters", "ID=a\x1b[2J\nB=c", map[string]string{"B": "c"}, "has no NAME=value in line 1"},
		{"empty", "", map[string]string{}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r, err := extract(t, seaworthy.RecordOSRelease, "etc/os-release", []byte(test.text))
			check(t, r, err, nil, test.err)
			if diff := cmp.Diff(test.want, r.OSRelease); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOSReleaseBoundsFields(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 2 * maxOSFields {
		b.WriteString(strings.Repeat("A", i%90+1) + strings.Repeat("B", i/90+1) + "=x\n")
	}
	r, err := extract(t, seaworthy.RecordOSRelease, "etc/os-release", []byte(b.String()))
	if len(r.OSRelease) != maxOSFields || err == nil {
		t.Errorf("%d fields, error %v; want %d and one", len(r.OSRelease), err, maxOSFields)
	}
}

func FuzzOSRelease(f *testing.F) {
	fuzz(f, seaworthy.RecordOSRelease, "etc/os-release", []byte("ID=debian\nNAME=\"Debian \\\"x\\\"\"\nA='b'\n"))
}
