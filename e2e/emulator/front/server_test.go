package front_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seaworthy-dev/seaworthy/e2e/emulator/front"
)

// start runs a server whose host one.test says "hello" and two.test fails the
// test if it is reached.
func start(t *testing.T) *front.Server {
	t.Helper()
	s, err := front.Start(nil, map[string]http.Handler{
		"one.test": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }),
		"two.test": http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("two.test was reached") }),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func get(t *testing.T, c *http.Client, url string) (*http.Response, string) {
	t.Helper()
	response, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func TestServerLogsWithoutSecrets(t *testing.T) {
	t.Parallel()
	s := start(t)
	request, err := http.NewRequest(http.MethodGet, "https://one.test/a?scope=repository:x:pull&password=canary", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "canary")
	request.Header.Set("X-Amz-Target", "Service_V1.ListImages")
	response, err := s.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	want := []front.Request{{Method: "GET", Host: "one.test", Path: "/a", Action: "ListImages",
		Scopes: []string{"repository:x:pull"}, Scheme: "other", Status: 200}}
	if diff := cmp.Diff(want, s.Requests()); diff != "" {
		t.Errorf("requests (-want +got)\n%s", diff)
	}
}

func TestHostsAreKeptApart(t *testing.T) {
	t.Parallel()
	s := start(t)
	t.Run("unknown host", func(t *testing.T) {
		_, err := s.Client().Get("https://three.test/")
		var dns *net.DNSError
		if !errors.As(err, &dns) || !dns.IsNotFound {
			t.Errorf("got %v, want no such host", err)
		}
	})
	t.Run("other port", func(t *testing.T) {
		if _, err := s.Client().Get("https://one.test:5000/"); err == nil {
			t.Error("another port answered")
		}
	})
	t.Run("unknown authority", func(t *testing.T) {
		c := &http.Client{Transport: &http.Transport{DialContext: s.DialContext}}
		_, err := c.Get("https://one.test/")
		var unknown x509.UnknownAuthorityError
		if !errors.As(err, &unknown) {
			t.Errorf("got %v, want an unknown authority", err)
		}
	})
	t.Run("name of one, host of another", func(t *testing.T) {
		request, err := http.NewRequest(http.MethodGet, "https://one.test/", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = "two.test"
		response, err := s.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusMisdirectedRequest {
			t.Errorf("got %s, want 421", response.Status)
		}
	})
}

func TestFaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault       front.Fault
		wantStatus  int
		wantHeader  string
		wantSeconds bool
		layout      string
	}{
		"seconds":     {fault: front.Fault{Status: 429, RetryAfter: 7 * time.Second}, wantStatus: 429, wantHeader: "Retry-After", wantSeconds: true},
		"date":        {fault: front.Fault{Status: 429, RetryAfter: time.Hour, RetryDate: true}, wantStatus: 429, wantHeader: "Retry-After", layout: http.TimeFormat},
		"unix":        {fault: front.Fault{Status: 429, RetryAfter: time.Hour, RetryUnix: true}, wantStatus: 429, wantHeader: "X-Retry-After"},
		"bad gateway": {fault: front.Fault{Status: 502}, wantStatus: 502},
		"other host":  {fault: front.Fault{Host: "two.test", Status: 502}, wantStatus: 200},
		"other path":  {fault: front.Fault{Prefix: "/v2/", Status: 502}, wantStatus: 200},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			test.fault.Times = 1
			s.Break(test.fault)
			response, _ := get(t, s.Client(), "https://one.test/")
			if response.StatusCode != test.wantStatus {
				t.Errorf("got %s, want %d", response.Status, test.wantStatus)
			}
			value := response.Header.Get(test.wantHeader)
			if test.wantHeader != "" && value == "" {
				t.Errorf("no %s", test.wantHeader)
			}
			if test.wantSeconds && value != "7" {
				t.Errorf("got %q, want 7 seconds", value)
			}
			if test.layout != "" {
				if _, err := time.Parse(test.layout, value); err != nil {
					t.Error(err)
				}
			}
			if test.wantStatus == 200 {
				return
			}
			if response, body := get(t, s.Client(), "https://one.test/"); response.StatusCode != 200 || body != "hello" {
				t.Errorf("the fault struck twice: %s %q", response.Status, body)
			}
		})
	}
}

func TestResetInMidBody(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.Break(front.Fault{ResetAfter: 2})
	response, err := s.Client().Get("https://one.test/")
	if err == nil {
		defer response.Body.Close()
		var body []byte
		body, err = io.ReadAll(response.Body)
		if len(body) > 2 {
			t.Errorf("got %q, more than was to arrive", body)
		}
	}
	if err == nil {
		t.Fatal("the body came to an orderly end")
	}
	s.Mend()
	if _, body := get(t, s.Client(), "https://one.test/"); body != "hello" {
		t.Errorf("got %q after mending", body)
	}
}

func TestClockIsTheServersDate(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.Clock().Advance(48 * time.Hour)
	response, _ := get(t, s.Client(), "https://one.test/")
	date, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		t.Fatal(err)
	}
	if d := time.Until(date); d < 47*time.Hour || d > 49*time.Hour {
		t.Errorf("the date is %v ahead, want two days", d)
	}
}

func TestProxyReachesOnlyTheHosts(t *testing.T) {
	t.Parallel()
	s := start(t)
	address, err := s.StartProxy()
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.CA())
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: roots}}}
	if _, body := get(t, client, "https://one.test/"); body != "hello" {
		t.Errorf("got %q through the proxy", body)
	}
	if _, err := client.Get("https://three.test/"); err == nil || !strings.Contains(err.Error(), "Bad Gateway") {
		t.Errorf("got %v, want a bad gateway", err)
	}
	client.CloseIdleConnections()
}
