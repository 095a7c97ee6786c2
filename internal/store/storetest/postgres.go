package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"
)

// cluster is a running PostgreSQL server.
type cluster struct {
	url   string
	stdin io.Closer // open as long as a server of our own shall run
}

// server gives the server of this process, starting it for the first test.
var server = sync.OnceValues(func() (cluster, error) {
	if given := os.Getenv("TEST_POSTGRES_URL"); given != "" {
		return cluster{url: given}, nil
	}
	bin, err := programs()
	if err != nil {
		return cluster{}, err
	}
	dir, err := os.MkdirTemp("", "seaworthy-postgres-")
	if err != nil {
		return cluster{}, err
	}
	c, err := start(bin, dir)
	if err != nil {
		return c, errors.Join(err, os.RemoveAll(dir))
	}
	return c, nil
})

// programs finds the directory of initdb and postgres, the newest.
func programs() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errors.New("there is no initdb on the PATH or under /usr/lib/postgresql")
	}
	slices.SortFunc(found, func(a, b string) int { return majorOf(b) - majorOf(a) })
	return filepath.Dir(found[0]), nil
}

func majorOf(initdb string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(initdb)))) // 0 sorts last
	return n
}

// keeper runs the server until its standard input ends, which it does when this
// process ends, however that happens; then it removes the directory.
const keeper = `"$1/postgres" -D "$2/data" -p "$3" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
	-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=32MB -c max_connections=200 \
	>"$2/log" 2>&1 &
cat >/dev/null
kill -INT $!
wait $!
rm -rf "$2"`

// start makes a cluster in dir, open to a random password on the loopback
// interface alone, and starts it.
func start(bin, dir string) (cluster, error) {
	secret := rand.Text()
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte(secret), 0o600); err != nil {
		return cluster{}, err
	}
	as, err := unprivileged(dir)
	if err != nil {
		return cluster{}, err
	}
	initdb := append(slices.Clone(as), filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"), "-U", "seaworthy",
		"-A", "scram-sha-256", "--pwfile", filepath.Join(dir, "secret"), "-E", "UTF8", "--locale", "C", "--no-sync")
	command := exec.Command(initdb[0], initdb[1:]...)
	command.Dir = dir
	if out, err := command.CombinedOutput(); err != nil {
		return cluster{}, fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	port, err := freePort()
	if err != nil {
		return cluster{}, err
	}
	run := append(slices.Clone(as), "sh", "-c", keeper, "keeper", bin, dir, port)
	command = exec.Command(run[0], run[1:]...)
	command.Dir = dir
	stdin, err := command.StdinPipe()
	if err != nil {
		return cluster{}, err
	}
	if err := command.Start(); err != nil {
		return cluster{}, err
	}
	c := cluster{
		url:   fmt.Sprintf("postgres://seaworthy:%s@127.0.0.1:%s/postgres?sslmode=disable", secret, port),
		stdin: stdin,
	}
	if err := c.await(); err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		return cluster{}, errors.Join(fmt.Errorf("PostgreSQL does not start: %w: %s", err, log), stdin.Close(), command.Wait())
	}
	return c, nil
}

// await waits until the server answers.
func (c cluster) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := execute(ctx, c.url, "select 1")
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}

// unprivileged gives the words in front of a command that run it without root's
// rights, which PostgreSQL refuses, and hands dir to that user.
func unprivileged(dir string) ([]string, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root: %w", err)
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.Atoi(u.Uid) // the system's own numbers
		gid, _ := strconv.Atoi(u.Gid)
		for _, path := range []string{dir, filepath.Join(dir, "secret")} {
			if err := os.Chown(path, uid, gid); err != nil {
				return nil, err
			}
		}
		return []string{setpriv, "--reuid=" + u.Uid, "--regid=" + u.Gid, "--clear-groups", "--"}, nil
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody")
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}
