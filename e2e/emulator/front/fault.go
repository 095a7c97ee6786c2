package front

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Fault is a wrong answer. With a status it is given instead of the right
// answer; without one the right answer is cut off by a reset.
type Fault struct {
	// Host, Prefix and Action say which requests fail: those to this host,
	// whose path begins so, of this AWS action. Empty fits all.
	Host, Prefix, Action string
	// Times is how often it strikes; 0 is until [Server.Mend].
	Times int

	Status int
	// Header is added to the answer, Body is its body.
	Header http.Header
	Body   string
	// RetryAfter, if not zero, sets that header: in seconds, as a date with
	// RetryDate, or with RetryUnix as Docker Hub's X-Retry-After, a Unix time.
	RetryAfter           time.Duration
	RetryDate, RetryUnix bool

	// ResetAfter is how many bytes of the body arrive before the reset, when
	// there is no status.
	ResetAfter int64
}

// Break switches a fault on. Faults are tried in the order of their coming.
func (s *Server) Break(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Times == 0 {
		f.Times = -1
	}
	s.faults = append(s.faults, &f)
}

// Mend switches all faults off.
func (s *Server) Mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// fault is the one that strikes a request, or nil.
func (s *Server) fault(r *http.Request) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.Times == 0 || !f.fits(r) {
			continue
		}
		if f.Times > 0 {
			f.Times--
		}
		return f
	}
	return nil
}

func (f *Fault) fits(r *http.Request) bool {
	return (f.Host == "" || f.Host == hostname(r.Host)) &&
		strings.HasPrefix(r.URL.Path, f.Prefix) &&
		(f.Action == "" || strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+f.Action))
}

// answer writes the wrong answer.
func (f *Fault) answer(w http.ResponseWriter, now time.Time) {
	for name, values := range f.Header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	if f.RetryAfter != 0 {
		name, value := f.retry(now)
		w.Header().Set(name, value)
	}
	w.WriteHeader(f.Status)
	io.WriteString(w, f.Body)
}

// retry is the header that says when to come again.
func (f *Fault) retry(now time.Time) (name, value string) {
	at := now.Add(f.RetryAfter)
	switch {
	case f.RetryUnix:
		return "X-Retry-After", strconv.FormatInt(at.Unix(), 10)
	case f.RetryDate:
		return "Retry-After", at.UTC().Format(http.TimeFormat)
	}
	return "Retry-After", strconv.Itoa(int(f.RetryAfter / time.Second))
}

// resetter lets some bytes of a body pass and then resets the connection.
type resetter struct {
	http.ResponseWriter
	left int64
}

// Write passes on what is left and resets at the end of it.
func (w *resetter) Write(b []byte) (int, error) {
	if int64(len(b)) <= w.left {
		w.left -= int64(len(b))
		return w.ResponseWriter.Write(b)
	}
	if _, err := w.ResponseWriter.Write(b[:w.left]); err != nil {
		return 0, err
	}
	control := http.NewResponseController(w.ResponseWriter)
	if err := control.Flush(); err != nil {
		return 0, err
	}
	conn, _, err := control.Hijack()
	if err != nil {
		return 0, err
	}
	reset(conn)
	panic(http.ErrAbortHandler)
}

// reset closes a connection in such a way that the peer gets a reset and no
// orderly end of the TLS session.
func reset(conn net.Conn) {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	if t, ok := conn.(*net.TCPConn); ok {
		t.SetLinger(0)
	}
	conn.Close()
}
