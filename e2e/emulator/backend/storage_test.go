package backend_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seaworthy-dev/seaworthy/e2e/emulator/backend"
)

func TestStorage(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change        func(url string) string
		authorization string
		later         time.Duration
		want          int
	}{
		"as it is":           {want: 200},
		"with Authorization": {authorization: "Bearer x", want: 400},
		"another blob":       {change: func(url string) string { return strings.Replace(url, "sha256:0", "sha256:1", 1) }, want: 403},
		"no seal":            {change: func(url string) string { return url[:strings.IndexByte(url, '?')] }, want: 403},
		"at its end":         {later: 10 * time.Minute, want: 403},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			now := time.Now()
			relay := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.String()) })
			s := backend.NewStorage("storage.test", func() time.Time { return now }, relay)
			url := s.URL("a/b", "sha256:0")
			if test.change != nil {
				url = test.change(url)
			}
			now = now.Add(test.later)
			request := httptest.NewRequest(http.MethodGet, url, nil)
			request.Header.Set("Authorization", test.authorization)
			answer := httptest.NewRecorder()
			s.ServeHTTP(answer, request)
			if answer.Code != test.want {
				t.Errorf("got %d, want %d", answer.Code, test.want)
			}
			if answer.Code == 200 && answer.Body.String() != "https://storage.test/v2/a/b/blobs/sha256:0" {
				t.Errorf("relayed %s", answer.Body)
			}
		})
	}
}
