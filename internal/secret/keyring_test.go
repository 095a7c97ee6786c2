package secret_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/seaworthy-dev/seaworthy/internal/secret"
)

func path(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "seaworthy", "keyring.json")
}

func open(t *testing.T, at string) *secret.Keyring {
	t.Helper()
	ring, err := secret.Open(t.Context(), at, nil)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func mode(t *testing.T, name string) os.FileMode {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func TestKeyringIsMadeOnce(t *testing.T) {
	t.Parallel()
	at := path(t)
	first := open(t, at)
	text := sealed(t, first.Sealer("p"), canary, "a")
	second := open(t, at)
	if got, err := second.Sealer("p").Open(text, "a"); err != nil || got != canary || second.Active() != first.Active() {
		t.Errorf("opened again: %v", err)
	}
	if runtime.GOOS != "windows" && (mode(t, at) != 0o600 || mode(t, filepath.Dir(at)) != 0o700) {
		t.Errorf("modes %o and %o", mode(t, at), mode(t, filepath.Dir(at)))
	}
	left, err := os.ReadDir(filepath.Dir(at))
	if err != nil || len(left) != 1 {
		t.Errorf("files left: %v, %v", left, err)
	}
	if shown := fmt.Sprintf("%v %+v %#v", first, first, first); strings.Count(shown, "keyring "+at) != 3 || strings.Contains(shown, "[") {
		t.Errorf("it prints %s", shown)
	}
}

func TestKeyringRefuses(t *testing.T) {
	t.Parallel()
	good := func(t *testing.T) (string, map[string]any) {
		at := path(t)
		open(t, at)
		b, err := os.ReadFile(at)
		var f map[string]any
		if err = errors.Join(err, json.Unmarshal(b, &f)); err != nil {
			t.Fatal(err)
		}
		return at, f
	}
	key := func(f map[string]any) map[string]any { return f["keys"].([]any)[0].(map[string]any) }
	for _, tt := range []struct {
		name   string
		change func(f map[string]any)
		want   string
	}{
		{"version", func(f map[string]any) { f["version"] = 2 }, "version is 2"},
		{"active", func(f map[string]any) { f["active"] = "0123456789abcdef" }, "active key is missing"},
		{"no keys", func(f map[string]any) { f["keys"] = nil }, "active key is missing"},
		{"key of another id", func(f map[string]any) { key(f)["key"] = strings.Repeat("A", 43) + "=" }, "does not fit its id"},
		{"short key", func(f map[string]any) { key(f)["key"] = "AAAA" }, "does not fit its id"},
		{"no base64", func(f map[string]any) { key(f)["key"] = canary + "!" }, "not a keyring"},
		{"wrapped", func(f map[string]any) { f["wrapped"] = true }, "wrapped by a key service"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			at, f := good(t)
			original := key(f)["key"].(string)
			tt.change(f)
			b, _ := json.Marshal(f)
			if err := os.WriteFile(at, b, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := secret.Open(t.Context(), at, nil)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), original) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			if after, _ := os.ReadFile(at); !bytes.Equal(after, b) {
				t.Error("the file was changed")
			}
		})
	}
	for name, refuse := range map[string]struct {
		file, directory os.FileMode
		want            string
	}{
		"group reads":   {0o640, 0o700, "chmod 600 "},
		"world reads":   {0o604, 0o700, "chmod 600 "},
		"group writes":  {0o620, 0o700, "chmod 600 "},
		"directory":     {0o600, 0o770, "chmod 700 "},
		"world's place": {0o600, 0o777, "chmod 700 "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if runtime.GOOS == "windows" {
				t.Skip("Windows has no modes")
			}
			at, _ := good(t)
			if err := errors.Join(os.Chmod(at, refuse.file), os.Chmod(filepath.Dir(at), refuse.directory)); err != nil {
				t.Fatal(err)
			}
			if _, err := secret.Open(t.Context(), at, nil); err == nil || !strings.Contains(err.Error(), refuse.want) {
				t.Errorf("%v, want %q", err, refuse.want)
			}
		})
	}
	t.Run("no keyring in a directory of all", func(t *testing.T) {
		t.Parallel()
		if runtime.GOOS == "windows" {
			t.Skip("Windows has no modes")
		}
		directory := t.TempDir()
		if err := os.Chmod(directory, 0o777); err != nil {
			t.Fatal(err)
		}
		_, err := secret.Open(t.Context(), filepath.Join(directory, "keyring.json"), nil)
		if left, _ := os.ReadDir(directory); err == nil || !strings.Contains(err.Error(), "chmod 700 "+directory) || len(left) != 0 {
			t.Errorf("%v, and it left %v", err, left)
		}
	})
	t.Run("directory in its place", func(t *testing.T) {
		t.Parallel()
		if _, err := secret.Open(t.Context(), t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Error(err)
		}
	})
}

func TestRotate(t *testing.T) {
	t.Parallel()
	at := path(t)
	one, two := open(t, at), open(t, at)
	for _, ring := range []*secret.Keyring{one, two, one} {
		if _, err := ring.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	text := sealed(t, one.Sealer("p"), canary, "a")
	if _, err := two.Sealer("p").Open(text, "a"); !errors.Is(err, secret.ErrUnknownKey) {
		t.Errorf("a key of another process: %v", err)
	}
	if err := two.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := two.Sealer("p").Open(text, "a"); err != nil {
		t.Errorf("after a reload: %v", err)
	}
	b, _ := os.ReadFile(at)
	if n := bytes.Count(b, []byte(`"id"`)); n != 4 || mode(t, at)&0o077 != 0 {
		t.Errorf("%d keys, mode %o", n, mode(t, at))
	}
	if err := os.WriteFile(at+".lock", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	before := one.Active()
	if _, err := one.Rotate(t.Context()); err == nil || !strings.Contains(err.Error(), at+".lock") || one.Active() != before {
		t.Errorf("two rotations at once: %v", err)
	}
}

// xor is a key service that is only as good as this test needs.
type xor struct{ fail error }

func (x xor) Wrap(_ context.Context, key []byte) ([]byte, error) {
	wrapped := []byte("wrapped:")
	for _, b := range key {
		wrapped = append(wrapped, b^0x55)
	}
	return wrapped, x.fail
}

func (x xor) Unwrap(_ context.Context, wrapped []byte) ([]byte, error) {
	var key []byte
	for _, b := range bytes.TrimPrefix(wrapped, []byte("wrapped:")) {
		key = append(key, b^0x55)
	}
	return key, x.fail
}

func TestWrapper(t *testing.T) {
	t.Parallel()
	at := path(t)
	down := errors.New("the service is down")
	if _, err := secret.Open(t.Context(), at, xor{down}); !errors.Is(err, down) {
		t.Errorf("wrap: %v", err)
	}
	ring, err := secret.Open(t.Context(), at, xor{})
	if err != nil {
		t.Fatal(err)
	}
	text := sealed(t, ring.Sealer("p"), canary, "a")
	if _, err := ring.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again, err := secret.Open(t.Context(), at, xor{}); err != nil {
		t.Error(err)
	} else if _, err := again.Sealer("p").Open(text, "a"); err != nil {
		t.Error(err)
	}
	if _, err := secret.Open(t.Context(), at, xor{down}); !errors.Is(err, down) {
		t.Errorf("unwrap: %v", err)
	}
	if _, err := secret.Open(t.Context(), at, nil); err == nil || !strings.Contains(err.Error(), "wrapped by a key service") {
		t.Errorf("without the service: %v", err)
	}
	plain := path(t)
	open(t, plain)
	if _, err := secret.Open(t.Context(), plain, xor{}); err == nil || !strings.Contains(err.Error(), "not wrapped") {
		t.Errorf("with a service that has not wrapped: %v", err)
	}
}

func TestStartedAtOnce(t *testing.T) {
	t.Parallel()
	at := path(t)
	ids := make([]string, 32)
	var starts sync.WaitGroup
	gate := make(chan struct{})
	for i := range ids {
		starts.Go(func() {
			<-gate
			ring, err := secret.Open(t.Context(), at, nil)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = ring.Active()
		})
	}
	close(gate)
	starts.Wait()
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Errorf("keyrings %q and %q", ids[0], id)
		}
	}
}

const childPath = "SEAWORTHY_TEST_KEYRING"

// TestMain lets the test binary stand in for a second process.
func TestMain(m *testing.M) {
	at := os.Getenv(childPath)
	if at == "" {
		os.Exit(m.Run())
	}
	ring, err := secret.Open(context.Background(), at, nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprint(os.Stdout, ring.Active())
	os.Exit(0)
}

func TestProcessesStartedAtOnce(t *testing.T) {
	t.Parallel()
	at := path(t)
	children := make([]*exec.Cmd, 4)
	outputs := make([]bytes.Buffer, len(children))
	for i := range children {
		children[i] = exec.CommandContext(t.Context(), os.Args[0])
		children[i].Env = append(os.Environ(), childPath+"="+at)
		children[i].Stdout, children[i].Stderr = &outputs[i], &outputs[i]
		if err := children[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	for i, child := range children {
		if err := child.Wait(); err != nil {
			t.Errorf("%v: %s", err, &outputs[i])
		}
	}
	want := open(t, at).Active()
	for i := range outputs {
		if outputs[i].String() != want {
			t.Errorf("process %d has %q, the file %q", i, &outputs[i], want)
		}
	}
}
