package web

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"rapport/store/storetest"
)

// TestS7_NoOperationIsDoneForAnotherSite sends every operation that changes
// something as another site's page would, in the name of somebody who may.
func TestS7_NoOperationIsDoneForAnotherSite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := New(Options{Store: w.store, Records: w.records, Daemon: w.daemon, Access: w.access})
	s.Handler()
	before, err := storetest.Dump(t.Context(), w.store)
	if err != nil {
		t.Fatal(err)
	}
	tries := 0
	for _, op := range s.operations {
		method, path, _ := cutPattern(op.pattern)
		if method == http.MethodGet {
			continue
		}
		for _, header := range [][]string{
			{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"},
			{"Origin", w.server.URL, "Sec-Fetch-Site", "cross-site"},
		} {
			filled := strings.NewReplacer("{who}", string(w.carl), "{id}", string(w.mail), "{audit}", "x").Replace(path)
			if resp, body := w.request(method, filled, "application/json", "{}", header...); resp.StatusCode != http.StatusForbidden {
				t.Errorf("%s with %v = %d %s, want 403", op.pattern, header, resp.StatusCode, body)
			}
			tries++
		}
	}
	after, err := storetest.Dump(t.Context(), w.store)
	if err != nil || after != before || w.records.last() != "" {
		t.Errorf("something was done: %s %v", w.records.last(), err)
	}
	t.Attr("tries", strconv.Itoa(tries))
}
