package oci

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seaworthy-dev/seaworthy"
)

// TestRetries counts what a registry's bad moments cost.
func TestRetries(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := []struct {
		name     string
		status   int
		header   map[string]string
		failures int // before it is well again
		slept    []time.Duration
		fails    bool
	}{
		{"one 503", 503, nil, 1, []time.Duration{200 * time.Millisecond}, false},
		{"two 500", 500, nil, 2, []time.Duration{200 * time.Millisecond, 800 * time.Millisecond}, false},
		{"three 502", 502, nil, 3, []time.Duration{200 * time.Millisecond, 800 * time.Millisecond}, true},
		{"Quay's 520", 520, nil, 1, []time.Duration{200 * time.Millisecond}, false},
		{"501 stays", 501, nil, 9, nil, true},
		{"404 stays", 404, nil, 9, nil, true},
		{"429 with seconds", 429, map[string]string{"Retry-After": "7"}, 1, []time.Duration{7 * time.Second}, false},
		{"429 with a date", 429, map[string]string{"Retry-After": now.Add(9 * time.Second).Format(http.TimeFormat)}, 1, []time.Duration{9 * time.Second}, false},
		{"429 with Unix time", 429, map[string]string{"X-Retry-After": strconv.FormatInt(now.Add(11*time.Second).Unix(), 10)}, 1, []time.Duration{11 * time.Second}, false},
		{"503 with a past date", 503, map[string]string{"Retry-After": now.Add(-time.Hour).Format(http.TimeFormat)}, 1, []time.Duration{0}, false},
		{"too long", 429, map[string]string{"Retry-After": "31"}, 1, nil, true},
		{"too long in all", 429, map[string]string{"Retry-After": "16"}, 2, []time.Duration{16 * time.Second}, true},
		{"nonsense", 429, map[string]string{"Retry-After": "soon"}, 1, []time.Duration{200 * time.Millisecond}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newTestRegistry(t)
			r.push(t, "lab/app:1")
			var left atomic.Int64
			left.Store(int64(test.failures))
			r.interfere(func(w http.ResponseWriter, req *http.Request) bool {
				if left.Add(-1) < 0 {
					return false
				}
				for name, value := range test.header {
					w.Header().Set(name, value)
				}
				w.WriteHeader(test.status)
				return true
			})
			var slept []time.Duration
			o := r.options(t)
			o.clock = hasty(&slept)
			o.clock.now = func() time.Time { return now }
			_, err := open(t, r.host+"/lab/app@"+string(digestA), o).Manifest(t.Context(), Descriptor{Digest: digestA})
			if failed := seaworthy.CodeOf(err) != seaworthy.CodeNotFound || test.status == 404; failed != test.fails {
				t.Errorf("error %v, failure wanted: %v", err, test.fails)
			}
			if diff := cmp.Diff(test.slept, slept); diff != "" {
				t.Errorf("slept (-want +got)\n%s", diff)
			}
		})
	}
}

// TestRetryAfterReset breaks connections before they bring an answer.
func TestRetryAfterReset(t *testing.T) {
	t.Parallel()
	var connections atomic.Int64
	host := listen(t, func(c net.Conn) {
		connections.Add(1)
		reset(c)
	})
	_, err := open(t, host+"/app", Options{PlainHTTP: true, DockerConfig: t.TempDir(), clock: hasty(nil)}).Root(t.Context())
	wantError(t, err, seaworthy.CodeUnreachable, "closed the connection")
	if got := connections.Load(); got < maxTries {
		t.Errorf("%d connections, want %d", got, maxTries)
	}
}

// reset reads a little and closes a connection hard.
func reset(c net.Conn) {
	_, _ = c.Read(make([]byte, 10))
	_ = c.(*net.TCPConn).SetLinger(0)
	c.Close()
}

// TestCauseSurvivesDeadline: the reason for waiting matters more than that the
// time ran out while waiting.
func TestCauseSurvivesDeadline(t *testing.T) {
	t.Parallel()
	r := newTestRegistry(t)
	ctx, cancel := context.WithCancel(t.Context())
	r.interfere(func(w http.ResponseWriter, req *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	o := r.options(t)
	o.clock.sleep = func(ctx context.Context, _ time.Duration) error {
		cancel()
		return ctx.Err()
	}
	_, err := open(t, r.host+"/lab/app:1", o).Root(ctx)
	wantError(t, err, seaworthy.CodeUnreachable, "was stopped")
	e, ok := errors.AsType[*seaworthy.Error](err)
	if !ok || !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v is no cancellation", err)
	}
	wantError(t, &seaworthy.Error{Code: seaworthy.CodeInternal, Public: e.Err.Error()}, seaworthy.CodeInternal, "503")
}

// TestPostIsNotRepeated: a refresh token may be good for one use.
func TestPostIsNotRepeated(t *testing.T) {
	t.Parallel()
	var posts atomic.Int64
	tokens := serveTLS(t, nil, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		posts.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	r := newTestRegistry(t)
	r.interfere(guardedBy("Bearer T", `Bearer realm="https://`+tokens+`/token",service="x"`))
	o := r.options(t)
	writeConfig(t, o, `{"auths":{"`+r.host+`":{"identitytoken":"I"}}}`)
	_, err := open(t, r.host+"/lab/app:1", o).Root(t.Context())
	wantError(t, err, seaworthy.CodeUnreachable, "503")
	if posts.Load() != 1 {
		t.Errorf("%d posts, want 1", posts.Load())
	}
}
