package app

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"rapport/web/pages"
)

// doors are all that changes anything on what the daemon serves: of the pages,
// of signing in, and of the API, by its document.
func (o *office) doors() (all []string) {
	o.t.Helper()
	for _, rt := range pages.Routes() {
		all = append(all, rt.Pattern)
	}
	all = append(all, o.s.auth.Patterns()...)
	raw, err := o.client.Document(o.local)
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err == nil {
		err = json.Unmarshal(raw, &doc)
	}
	if err != nil {
		o.t.Fatal(err)
	}
	for path, methods := range doc.Paths {
		for method := range methods {
			all = append(all, strings.ToUpper(method)+" /api/v1"+path)
		}
	}
	return all
}

// TestS7_NoDoorOpensForAnotherSite sends whatever changes anything on what the
// daemon serves as another site's page would, to a daemon that takes whoever
// sits at the computer for its administrator.
func TestS7_NoDoorOpensForAnotherSite(t *testing.T) {
	t.Parallel()
	o := &office{world: newWorld(t, "ada")}
	var stop func()
	o.s, stop = o.built(RunOptions{})
	t.Cleanup(stop)
	o.open()
	o.server = httptest.NewServer(o.s.site())
	t.Cleanup(o.server.Close)
	p, before, doors, tries := o.stranger(), o.bytes(), 0, 0
	for _, pattern := range o.doors() {
		method, path, _ := strings.Cut(pattern, " ")
		if method == http.MethodGet {
			continue
		}
		doors++
		for _, kind := range []string{formType, "text/plain", "application/json"} {
			for _, header := range [][]string{
				{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"},
				{"Origin", o.server.URL, "Sec-Fetch-Site", "cross-site"}, {"Origin", "http://127.0.0.1:1"},
			} {
				tries++
				r := p.request(method, strings.NewReplacer("{", "", "}", "").Replace(path), kind, "{}")
				for i := 0; i < len(header); i += 2 {
					r.Header.Set(header[i], header[i+1])
				}
				if resp, body := p.do(r); resp.StatusCode != http.StatusForbidden {
					t.Errorf("%s as %s with %v: %s %.200s", pattern, kind, header, resp.Status, body)
				}
			}
		}
	}
	if o.bytes() != before {
		t.Error("the store is not what it was, to the byte")
	}
	if doors < 80 {
		t.Errorf("only %d doors change anything", doors)
	}
	t.Attr("tries", strconv.Itoa(tries))
}
