package image

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seaworthy-dev/seaworthy"
)

func TestDistribution(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fields string // KEY=VALUE, separated by |
		want   seaworthy.Ecosystem
	}{
		{"ID=debian|VERSION_ID=12", "Debian:12"},
		{"ID=debian|VERSION_ID=12.5", "Debian:12"},
		{"ID=debian|VERSION_CODENAME=trixie|PRETTY_NAME=Debian GNU/Linux trixie/sid", "Debian:13"},
		{"ID=debian|VERSION_CODENAME=forky", "Debian:14"},
		{"ID=debian|VERSION_CODENAME=sid", ""},
		{"ID=debian", ""},
		{"ID=debian|VERSION_ID=twelve|VERSION_CODENAME=bookworm", ""},
		{"ID=ubuntu|VERSION_ID=22.04", "Ubuntu:22.04"},
		{"ID=ubuntu|VERSION_ID=24.10", "Ubuntu:24.10"},
		{"ID=ubuntu|VERSION_ID=22", ""},
		{"ID=ubuntu|VERSION_ID=22.04:LTS", ""},
		{"ID=alpine|VERSION_ID=3.18.4|PRETTY_NAME=Alpine Linux v3.18", "Alpine:v3.18"},
		{"ID=alpine|VERSION_ID=3.2", "Alpine:v3.2"},
		{"ID=alpine|VERSION_ID=3.21.0_alpha20240807|PRETTY_NAME=Alpine Linux edge", "Alpine:edge"},
		{"ID=alpine|VERSION_ID=3.21.0_alpha20240807", "Alpine:edge"},
		{"ID=alpine|PRETTY_NAME=Alpine Linux edge", "Alpine:edge"},
		{"ID=alpine|VERSION_ID=3", ""},
		{"ID=wolfi|VERSION_ID=20230201", "Wolfi"},
		{"ID=chainguard|VERSION_ID=20230214", "Chainguard"},
		{"ID=almalinux|VERSION_ID=9.3", "AlmaLinux:9"},
		{"ID=rocky|VERSION_ID=8.10", "Rocky Linux:8"},
		{"ID=rhel|VERSION_ID=9.3", "Red Hat:9"},
		{"ID=rhel|VERSION_ID=7", "Red Hat:7"},
		{"ID=centos|ID_LIKE=rhel fedora|VERSION_ID=7", ""},
		{"ID=fedora|VERSION_ID=39", "Fedora:39"},
		{"ID=sles|VERSION_ID=15.5", "SUSE:Linux Enterprise Server 15 SP5"},
		{"ID=sles|VERSION_ID=15", "SUSE:Linux Enterprise Server 15"},
		{"ID=sles|VERSION_ID=12.5", "SUSE:Linux Enterprise Server 12 SP5"},
		{"ID=sles|VERSION_ID=16.0", "SUSE:Linux Enterprise Server 16.0"},
		{"ID=sles|VERSION_ID=15.5.1", ""},
		{"ID=opensuse-leap|VERSION_ID=15.5", "openSUSE:Leap 15.5"},
		{"ID=opensuse-leap", ""},
		{"ID=opensuse-tumbleweed|VERSION_ID=20240101", "openSUSE:Tumbleweed"},
		{"ID=amzn|VERSION_ID=2023", "Amazon Linux:2023"},
		{"ID=amzn|VERSION_ID=2", "Amazon Linux:2"},
		{"ID=azurelinux|VERSION_ID=3.0", "Azure Linux:3"},
		{"ID=mariner|VERSION_ID=2.0", "Azure Linux:2"},
		{"ID=mariner|VERSION_ID=1.0", ""},
		{"ID=photon|VERSION_ID=5.0", "Photon OS:5.0"},
		{"ID=raspbian|ID_LIKE=debian|VERSION_ID=12", ""},
		{"ID=kali|ID_LIKE=debian|VERSION_ID=2024.1", ""},
		{"ID=linuxmint|ID_LIKE=ubuntu debian|VERSION_ID=21", ""},
		{"NAME=nothing", ""},
		{"", ""},
	} {
		fields := map[string]string{}
		for field := range strings.SplitSeq(c.fields, "|") {
			k, v, _ := strings.Cut(field, "=")
			fields[k] = v
		}
		got := Distribution(fields)
		if got.Ecosystem != c.want {
			t.Errorf("%s: ecosystem %q, want %q", c.fields, got.Ecosystem, c.want)
		}
		if got.Ecosystem != "" && (!got.Ecosystem.Distribution() || packageFormat(got.Ecosystem) == "") {
			t.Errorf("%s: %q is of no distribution with packages", c.fields, got.Ecosystem)
		}
		if canonical := seaworthy.CanonicalEcosystem(string(got.Ecosystem)); canonical != got.Ecosystem {
			t.Errorf("%s: %q is not canonical, %q is", c.fields, got.Ecosystem, canonical)
		}
	}
}

func TestDistributionNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fields map[string]string
		want   seaworthy.Distribution
	}{
		{nil, seaworthy.Distribution{}},
		{
			map[string]string{"ID": "debian", "VERSION_ID": "12", "PRETTY_NAME": "Debian GNU/Linux 12 (bookworm)", "NAME": "Debian GNU/Linux"},
			seaworthy.Distribution{ID: "debian", VersionID: "12", Name: "Debian GNU/Linux 12 (bookworm)", Ecosystem: "Debian:12"},
		},
		{
			map[string]string{"ID": "mine", "NAME": "Mine", "VERSION": "1 (one)"},
			seaworthy.Distribution{ID: "mine", Name: "Mine 1 (one)"},
		},
		{map[string]string{"ID": "mine"}, seaworthy.Distribution{ID: "mine", Name: "mine"}},
	} {
		if diff := cmp.Diff(c.want, Distribution(c.fields)); diff != "" {
			t.Errorf("%v (-want +got)\n%s", c.fields, diff)
		}
	}
}
