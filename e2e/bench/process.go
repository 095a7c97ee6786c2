package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// usage is what one run of a program took.
type usage struct {
	wall   time.Duration
	cpu    time.Duration
	rss    int64 // peak, bytes
	anon   int64 // peak of anonymous memory, bytes; sampled, so it may miss a spike
	start  time.Time
	output []byte
}

// sample is how often anonymous memory is looked at.
const sample = 5 * time.Millisecond

// measure runs a program to its end.
func measure(ctx context.Context, name string, args ...string) (usage, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	u := usage{start: time.Now()}
	if err := cmd.Start(); err != nil {
		return u, err
	}
	done, sampled := make(chan struct{}), make(chan int64)
	go func() { sampled <- peakAnonymous(cmd.Process.Pid, done) }()
	err := cmd.Wait()
	u.wall = time.Since(u.start)
	close(done)
	u.anon = <-sampled
	u.output = out.Bytes()
	if err != nil {
		return u, fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, lastLines(errs.String()))
	}
	u.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		u.rss = r.Maxrss << 10
	}
	return u, nil
}

func peakAnonymous(pid int, done <-chan struct{}) int64 {
	ticker := time.NewTicker(sample)
	defer ticker.Stop()
	var peak int64
	for {
		select {
		case <-done:
			return peak
		case <-ticker.C:
			peak = max(peak, anonymous(pid))
		}
	}
}

// anonymous reads RssAnon (proc_pid_status(5)); 0 where there is none.
func anonymous(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kb << 10
		}
	}
	return 0
}

// median measures n times and keeps the run with the median wall time.
func median(ctx context.Context, n int, name string, args ...string) (usage, error) {
	var runs []usage
	for range n {
		u, err := measure(ctx, name, args...)
		if err != nil {
			return u, err
		}
		i := 0
		for i < len(runs) && runs[i].wall < u.wall {
			i++
		}
		runs = append(runs[:i], append([]usage{u}, runs[i:]...)...)
	}
	return runs[len(runs)/2], nil
}

func lastLines(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}
