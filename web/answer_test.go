package web

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestETag holds that whoever has an answer gets it once, and that it changes
// with what it shows.
func TestETag(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []string{"/contacts/" + string(w.carl), "/contacts", "/messages/" + string(w.mail), "/members", "/status"} {
		resp, body := w.request("GET", path, "", "")
		tag := resp.Header.Get("ETag")
		if tag == "" || resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("GET %s has ETag %q, Cache-Control %q", path, tag, resp.Header.Get("Cache-Control"))
		}
		for _, have := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
			if resp, again := w.request("GET", path, "", "", "If-None-Match", have); resp.StatusCode != http.StatusNotModified || again != "" || resp.Header.Get("ETag") != tag {
				t.Errorf("GET %s of who has %s = %d, %d bytes", path, have, resp.StatusCode, len(again))
			}
		}
		if resp, again := w.request("GET", path, "", "", "If-None-Match", `"other"`); resp.StatusCode != 200 || again != body {
			t.Errorf("GET %s of who has something else = %d", path, resp.StatusCode)
		}
		if resp, again := w.request("HEAD", path, "", ""); resp.StatusCode != 200 || again != "" || resp.Header.Get("ETag") != tag {
			t.Errorf("HEAD %s = %d with ETag %s, want %s", path, resp.StatusCode, resp.Header.Get("ETag"), tag)
		}
	}
}

// TestLostUpdates holds that of two who read a record only the first can
// change it, where they say what they read.
func TestLostUpdates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	carl, err := w.client.Contact(t.Context(), string(w.carl))
	if err != nil || carl.Revision == "" {
		t.Fatalf("Contact = revision %q, %v", carl.Revision, err)
	}
	press, err := w.client.Organisation(t.Context(), string(w.press))
	if err != nil || press.Revision == "" {
		t.Fatalf("Organisation = revision %q, %v", press.Revision, err)
	}
	tagsOf := func(e Edit) []string { return e.Add["tags"] }
	for _, tt := range []struct {
		name, revision string
		edit           func(rev, tag string) (string, error)
		erase          func(rev string) error
	}{
		{"contact", carl.Revision, func(rev, tag string) (string, error) {
			e := Edit{Add: map[string][]string{"tags": {tag}}}
			c, err := w.client.EditContact(IfRevision(t.Context(), rev), string(w.carl), e)
			if err == nil && !strings.Contains(strings.Join(c.Tags, " "), tagsOf(e)[0]) {
				t.Errorf("edited: %v", c.Tags)
			}
			return c.Revision, err
		}, func(rev string) error {
			_, err := w.client.EraseContact(IfRevision(t.Context(), rev), string(w.carl), false)
			return err
		}},
		{"organisation", press.Revision, func(rev, tag string) (string, error) {
			o, err := w.client.EditOrganisation(IfRevision(t.Context(), rev), string(w.press), Edit{Add: map[string][]string{"tags": {tag}}})
			return o.Revision, err
		}, func(rev string) error {
			_, err := w.client.EraseOrganisation(IfRevision(t.Context(), rev), string(w.press), false)
			return err
		}},
	} {
		next, err := tt.edit(tt.revision, "first")
		if err != nil || next == "" || next == tt.revision {
			t.Errorf("%s: the first edit is at %q, %v; was at %q", tt.name, next, err, tt.revision)
		}
		var p *Problem
		if _, err := tt.edit(tt.revision, "second"); !errors.As(err, &p) || p.Status != http.StatusPreconditionFailed || p.Code != codeChanged {
			t.Errorf("%s: an edit of what was changed = %v, want 412", tt.name, err)
		}
		if err := tt.erase(tt.revision); !errors.As(err, &p) || p.Status != http.StatusPreconditionFailed {
			t.Errorf("%s: an erasure of what was changed = %v, want 412", tt.name, err)
		}
		if err := tt.erase(next); err != nil {
			t.Errorf("%s: an erasure of what was read = %v", tt.name, err)
		}
	}
	resp, _ := w.request("GET", "/contacts/"+string(w.cara), "", "")
	if resp, body := w.request("PATCH", "/contacts/"+string(w.cara), "application/json", `{"set":{"role":"x"}}`, "If-Match", resp.Header.Get("ETag")); resp.StatusCode != 200 {
		t.Errorf("PATCH with the ETag of the answer to GET = %d %s", resp.StatusCode, body)
	}
	if resp, _ := w.request("PATCH", "/contacts/"+string(w.cara), "application/json", `{"set":{"role":"y"}}`); resp.StatusCode != 200 {
		t.Errorf("PATCH without If-Match = %d", resp.StatusCode)
	}
}

// TestLinkContinuesAList follows the Link header to the end of a list.
func TestLinkContinuesAList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seen := 0
	for path := "/contacts?limit=1&text=c"; path != ""; {
		resp, body := w.request("GET", path, "", "")
		if resp.StatusCode != 200 || strings.Count(body, `"created"`) != 1 {
			t.Fatalf("GET %s = %d %s", path, resp.StatusCode, body)
		}
		seen++
		link := resp.Header.Get("Link")
		if path = ""; link != "" {
			target, rel, _ := strings.Cut(link, ">; ")
			if rel != `rel="next"` || !strings.HasPrefix(target, "</api/v1/contacts?") {
				t.Fatalf("Link: %s", link)
			}
			path = strings.TrimPrefix(target, "</api/v1")
		}
	}
	if seen != 3 {
		t.Errorf("%d contacts by way of Link, want 3", seen)
	}
}

// TestCompression packs large answers for who takes them packed.
func TestCompression(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, plain := w.request("GET", "/contacts?limit=1000", "", "", "Accept-Encoding", "identity")
	for accept, want := range map[string]string{"gzip": "gzip", "br, GZIP;q=0.5": "gzip", "gzip;q=0": "", "br": "", "identity": ""} {
		large, small := w.get("/status", accept), w.get("/version", accept)
		long := w.get("/openapi.json", accept)
		if got := small.Header.Get("Content-Encoding"); got != "" {
			t.Errorf("Accept-Encoding %q: a few bytes are packed as %q", accept, got)
		}
		if got := long.Header.Get("Content-Encoding"); got != want {
			t.Errorf("Accept-Encoding %q: packed as %q, want %q", accept, got, want)
		}
		_ = large
	}
	resp := w.get("/openapi.json", "gzip")
	z, err := gzip.NewReader(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := io.ReadAll(z); err != nil || !strings.Contains(string(raw), `"openapi":"3.1`) {
		t.Errorf("unpacked: %d bytes, %v", len(raw), err)
	}
	if !strings.Contains(plain, "Carl Weber") {
		t.Errorf("unpacked where asked to: %.100s", plain)
	}
}

// TestMethods answers what no operation answers.
func TestMethods(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tt := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"PUT", "/contacts", 405, "GET, HEAD, POST"},
		{"DELETE", "/contacts/x/merge", 405, "POST"},
		{"OPTIONS", "/contacts/x", 405, "GET, HEAD, PATCH, DELETE"},
		{"GET", "/nothing", 404, ""},
		{"POST", "/", 404, ""},
	} {
		resp, body := w.request(tt.method, tt.path, "", "")
		if resp.StatusCode != tt.status || resp.Header.Get("Allow") != tt.allow || resp.Header.Get("Content-Type") != "application/problem+json" || !strings.Contains(body, `"detail"`) {
			t.Errorf("%s %s = %d, Allow %q: %s", tt.method, tt.path, resp.StatusCode, resp.Header.Get("Allow"), body)
		}
	}
}
