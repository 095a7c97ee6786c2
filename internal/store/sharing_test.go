package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/store"
	"github.com/seaworthy-dev/seaworthy/internal/store/storetest"
)

// TestProcesses starts on one empty database in several processes at once, each
// of which writes to it.
func TestProcesses(t *testing.T) {
	const variable = "STORE_TEST_CHILD"
	if where := os.Getenv(variable); where != "" {
		c := store.Config{Path: where}
		if strings.HasPrefix(where, "postgres") {
			c = store.Config{URL: where}
		}
		writeAll(t, c, fmt.Sprint(os.Getpid()))
		return
	}
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, c store.Config) {
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProcesses$", "-test.count=1")
				command.Env = append(os.Environ(), variable+"="+c.Path+c.URL)
				if out, err := command.CombinedOutput(); err != nil {
					t.Errorf("process: %v\n%s", err, out)
				}
			})
		}
		group.Wait()
		s := storetest.Open(t, c)
		if got := len(found(t, s, putImage(t, s, "again", debian("bash", "1")).PackageIDs)); got != 1 {
			t.Errorf("%d findings, want 1", got)
		}
	})
}

// writeAll writes what others write at the same time, and something of its own.
func writeAll(t *testing.T, c store.Config, own string) {
	s, err := store.Open(t.Context(), c)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	var packages []seaworthy.Package
	for i := range 200 {
		packages = append(packages, debian(fmt.Sprint("p", i), "1"))
	}
	packages = append(packages, debian("bash", "1"), debian("own"+own, "1"))
	for round := range 5 {
		if err := s.PutContents(t.Context(), digestOf("shared %d", round), analyser, contents()); err != nil {
			t.Error(err)
			return
		}
		put := putImage(t, s, fmt.Sprint(own, " ", round), packages...)
		replace(t, s, false, advisory("A", noon, affects("Debian:12", "bash", "6")))
		putFindings(t, s, match(t, s, unmatched(t, s, put.PackageIDs)))
		if got := len(found(t, s, put.PackageIDs)); got != 1 {
			t.Errorf("%d findings, want 1", got)
		}
	}
}

// TestHandles writes with several handles at once.
func TestHandles(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, c store.Config) {
		var group sync.WaitGroup
		for i := range 4 {
			group.Go(func() { writeAll(t, c, fmt.Sprint(i)) })
		}
		group.Wait()
	})
}

// Readers see the old set, at once, while a writer is in its transaction.
func TestReaderDuringWrite(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, c store.Config) {
		bash := affects("Debian:12", "bash", "6")
		reader := storetest.Open(t, c)
		replace(t, reader, true, advisory("A", noon, bash))
		read := 0
		c.Trace = func(text string) {
			if strings.Contains(text, "insert into affected") { // in the midst of the transaction
				read++
				if diff := cmp.Diff([]string{"A"}, candidates(t, reader, "Debian:12", "bash")); diff != "" {
					t.Errorf("a reader sees (-want +got):\n%s", diff)
				}
			}
		}
		writer := storetest.Open(t, c)
		replace(t, writer, true, advisory("B", noon, bash))
		if read == 0 {
			t.Error("nothing was read during the transaction")
		}
		if diff := cmp.Diff([]string{"B"}, candidates(t, reader, "Debian:12", "bash")); diff != "" {
			t.Errorf("afterwards (-want +got):\n%s", diff)
		}
	})
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		err := s.PutContents(cancelled(t), digestOf("a"), analyser, contents())
		if !errors.Is(err, context.Canceled) {
			t.Errorf("put gives %v, want the context's error", err)
		}
		if have, err := s.HaveContents(t.Context(), []seaworthy.Digest{digestOf("a")}, analyser); err != nil || len(have) != 0 {
			t.Errorf("the store has %v, %v; want nothing", have, err)
		}
	})
}

func TestInvalidDigest(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		_, err := s.Contents(t.Context(), []seaworthy.Digest{"md5:00"}, analyser)
		isErr(t, err, seaworthy.CodeInvalid, "md5")
	})
}

func TestOpenFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("this is no database\n", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		config store.Config
		code   seaworthy.Code
		words  []string
	}{
		{"neither", store.Config{}, seaworthy.CodeInternal, []string{"path or a URL"}},
		{"no database", store.Config{Path: text}, seaworthy.CodeCorrupt, []string{text, "not a database"}},
		{"under a file", store.Config{Path: filepath.Join(text, "x.db")}, seaworthy.CodeInvalid, []string{text, "not a directory"}},
		{"a directory", store.Config{Path: dir}, seaworthy.CodeInvalid, []string{dir, "cannot be opened"}},
		{"no URL", store.Config{URL: "postgres://u:hidden@h:x/d"}, seaworthy.CodeInvalid, []string{"database URL"}},
		{"no server", store.Config{URL: "postgres://u:hidden@127.0.0.1:1/d"}, seaworthy.CodeUnreachable, []string{"d on 127.0.0.1:1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, err := store.Open(t.Context(), test.config)
			if err == nil {
				t.Fatal("opened", s.Close())
			}
			isErr(t, err, test.code, test.words...)
			for cause := err; cause != nil; cause = errors.Unwrap(cause) {
				if strings.Contains(cause.Error(), "hidden") {
					t.Errorf("the error tells the password: %v", cause)
				}
			}
		})
	}
}

func TestPostgresRefusals(t *testing.T) {
	t.Parallel()
	address := storetest.Postgres(t)
	before, after, _ := strings.Cut(address, "@")
	_, err := store.Open(t.Context(), store.Config{URL: "postgres://seaworthy:hidden@" + after})
	isErr(t, err, seaworthy.CodeUnauthorized, "refuses the user or the password")
	_, err = store.Open(t.Context(), store.Config{URL: before + "@" + strings.Replace(after, "/postgres?", "/missing?", 1)})
	isErr(t, err, seaworthy.CodeNotFound, "there is no database missing on ")
}

func TestFileModes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sub", "odd name?#%41.db")
	s := storetest.Open(t, store.Config{Path: path})
	if err := s.PutContents(t.Context(), digestOf("a"), analyser, contents()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory is %v, %v; want mode 0700", info, err)
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) < 3 {
		t.Fatalf("the files are %v, %v; want the database, its log and more", files, err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || info.Mode().Perm() != 0o600 || !strings.HasPrefix(f.Name(), filepath.Base(path)) {
			t.Errorf("%s is %v, %v; want mode 0600", f.Name(), info, err)
		}
	}
}

// A file whose pages are overwritten gives an error that says so, or the right
// answer, but no other.
func TestCorruptFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := store.Open(t.Context(), store.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	replace(t, s, true, advisory("A", noon, affects("Debian:12", "bash", "6")))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 4096; i < len(b); i++ {
		b[i] = 0xa5
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err = store.Open(t.Context(), store.Config{Path: path})
	if err == nil {
		_, err = s.Feeds(t.Context())
		defer func() { _ = s.Close() }()
	}
	isErr(t, err, seaworthy.CodeCorrupt, path, "damaged")
}
