package faults

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seaworthy-dev/seaworthy/e2e/program"
)

const nobody = "65534"

// unprivileged makes a run that file modes hold for: root's runs become nobody's.
func unprivileged(t *testing.T, h *program.Home, args ...string) program.Result {
	t.Helper()
	cmd := h.Command(t, args...)
	if os.Getuid() == 0 {
		setpriv, err := exec.LookPath("setpriv")
		if err != nil {
			t.Fatal("setpriv is not installed: it comes with util-linux")
		}
		cmd.Path = setpriv
		cmd.Args = append([]string{"setpriv", "--reuid=" + nobody, "--regid=" + nobody, "--clear-groups", cmd.Args[0]}, cmd.Args[1:]...)
	}
	return program.Wait(t, cmd, nil)
}

// open is a home that all may read and search, as test directories are not.
func openHome(t *testing.T) *program.Home {
	t.Helper()
	dir, err := os.MkdirTemp("", "seaworthy-faults")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := exec.Command("chmod", "-R", "u+w", dir).Run(); err != nil {
			t.Error(err)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	h := &program.Home{Dir: dir, Temp: filepath.Join(dir, "tmp"), Data: filepath.Join(dir, "home", "data")}
	for path, mode := range map[string]os.FileMode{dir: 0o755, h.Temp: 0o777, filepath.Dir(h.Data): 0o755} {
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	// The program may lie where nobody else may look.
	b, err := os.ReadFile(program.Path(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "seaworthy"), b, 0o755); err != nil {
		t.Fatal(err)
	}
	h.Program = filepath.Join(dir, "seaworthy")
	return h
}

// A data directory that cannot be written is said, with its name and what to do.
func TestReadOnlyDataDirectory(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		make func(t *testing.T, h *program.Home) // the data directory
		says []string
	}{
		{"cannot be made", func(t *testing.T, h *program.Home) { chmod(t, 0o555, filepath.Dir(h.Data)) },
			[]string{"data directory", "permission denied", "--data-dir"}},
		{"is empty", func(t *testing.T, h *program.Home) {
			if err := os.Mkdir(h.Data, 0o755); err != nil {
				t.Fatal(err)
			}
			chmod(t, 0o555, h.Data)
		}, []string{"cannot be made: permission denied", "let this user write to its directory"}},
		{"holds a database", func(t *testing.T, h *program.Home) {
			h.Succeed(t, "advisories", "import", sampleAdvisories(t))
			chmod(t, 0o444, filepath.Join(h.Data, "seaworthy.db"))
			chmod(t, 0o555, h.Data)
		}, []string{"let this user"}},
		{"holds a database of another user", func(t *testing.T, h *program.Home) {
			h.Succeed(t, "advisories", "import", sampleAdvisories(t))
			chmod(t, 0o000, filepath.Join(h.Data, "seaworthy.db"))
			chmod(t, 0o755, h.Data)
		}, []string{"cannot be opened", "let this user read and write it"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := openHome(t)
			tc.make(t, h)
			advisories := filepath.Join(h.Dir, "LAB-1.json")
			if err := os.WriteFile(advisories, []byte(`{"id":"LAB-1","modified":"2024-01-02T03:04:05Z","affected":[{"package":{"ecosystem":"npm","name":"a"},"versions":["1.0.0"]}]}`), 0o644); err != nil {
				t.Fatal(err)
			}
			r := unprivileged(t, h, "advisories", "import", advisories)
			if r.Code != 1 || strings.Count(r.Err, "\n") != 1 || !strings.Contains(r.Err, h.Data) {
				t.Errorf("exit code %d, want 1 and one line with %s; it says:\n%s", r.Code, h.Data, r.Err)
			}
			for _, says := range tc.says {
				if !strings.Contains(r.Err, says) {
					t.Errorf("it does not say %q:\n%s", says, r.Err)
				}
			}
		})
	}
}

func chmod(t *testing.T, mode os.FileMode, path string) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// A disk that fills up is said, what was there is still there, and with room the
// database goes on.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	h := program.NewHome(t)
	if err := os.Mkdir(h.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", h.Data, "tmpfs", 0, "size=4m,mode=0700"); err != nil {
		t.Skipf("SKIPPED: a small disk cannot be mounted (%v): run as root, in a container with CAP_SYS_ADMIN", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(h.Data, 0); err != nil {
			t.Error(err)
		}
	})
	b := newBucket(t)
	b.family(t, 5, 48*time.Hour, 20)
	h.Succeed(t, update(b)...)
	before := status(t, h)

	large := newBucket(t)
	large.family(t, 2_000, time.Hour, 6_000)
	r := h.Run(t, update(large)...)
	if r.Code != 1 || !strings.Contains(r.Err, "no space") || !strings.Contains(r.Err, h.Data) {
		t.Errorf("exit code %d, want 1 and that there is no space in %s; it says:\n%s", r.Code, h.Data, r.Err)
	}
	if d := cmp.Diff(before, status(t, h)); d != "" {
		t.Errorf("status with a full disk (-before +after):\n%s", d)
	}
	small := newBucket(t)
	small.family(t, 9, time.Hour, 20)
	h.Succeed(t, update(small)...)
	if after := status(t, h); len(after) != 1 || after[0].Records != 9 {
		t.Errorf("status after a smaller update is %+v, want 9 records", after)
	}

	// Not a byte is left, so that the database cannot even be opened.
	fill(t, h.Data)
	layout := program.NewHome(t).Samples(t)
	for _, args := range [][]string{
		{"advisories", "status"}, {"assess", "--quiet", "oci:" + layout + ":node-app"}, {"advisories", "import", sampleAdvisories(t)},
	} {
		r = h.Run(t, args...)
		if r.Code != 1 || !strings.Contains(r.Err, "no space is left for the database "+h.Data) || !strings.Contains(r.Err, "make room") {
			t.Errorf("%s exits with %d, want 1 and that no space is left; it says:\n%s", args[0], r.Code, r.Err)
		}
	}
	if err := os.Remove(filepath.Join(h.Data, "fill")); err != nil {
		t.Fatal(err)
	}
	if after := status(t, h); len(after) != 1 || after[0].Records != 9 {
		t.Errorf("status with room again is %+v, want 9 records", after)
	}
	if got := h.Assess(t, "oci:"+layout+":node-app"); len(got[0].Of("npm")) == 0 {
		t.Error("with room again, assess finds no packages")
	}
}

// fill writes until there is no room.
func fill(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "fill"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for chunk := make([]byte, 4096); err == nil; {
		_, err = f.Write(chunk)
	}
	if !strings.Contains(err.Error(), "no space left") {
		t.Fatal(err)
	}
}
