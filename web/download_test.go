package web

import (
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// TestM61_OriginalsAreDownloads: whoever asks for the bytes of a mail gets a
// download with a name of ours, whatever the mail or the request is called,
// and a browser is told not to guess; an error is JSON.
func TestM61_OriginalsAreDownloads(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := map[string]int{
		string(w.mail): http.StatusOK, "one@press.example": http.StatusOK, "ada/INBOX/11": http.StatusOK,
		"../../etc/passwd": http.StatusNotFound, "a\r\nContent-Type: text/html": http.StatusNotFound, "<script>.html": http.StatusNotFound, "\u202elme.x": http.StatusNotFound, "\x00": http.StatusNotFound, `a"; filename="b.html`: http.StatusNotFound,
		strings.Repeat("x", 10<<10): http.StatusBadRequest,
	}
	for id, want := range ids {
		resp, err := http.Get(w.server.URL + "/api/v1/messages/" + url.PathEscape(id) + "/raw")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != want && (want == http.StatusOK || resp.StatusCode < 400) {
			t.Errorf("%.40q: status %d, want %d", id, resp.StatusCode, want)
		}
		if got := resp.Header.Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("%.40q: X-Content-Type-Options %q", id, got)
		}
		kind, params, err := mime.ParseMediaType(resp.Header.Get("Content-Disposition"))
		media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
		switch {
		case resp.StatusCode != http.StatusOK:
			if !strings.HasSuffix(media, "json") {
				t.Errorf("%.40q: an error of type %q: %.100s", id, media, body)
			}
		case err != nil || kind != "attachment" || params["filename"] != string(w.mail)+".eml" || media != "message/rfc822":
			t.Errorf("%.40q: %q, %q", id, resp.Header.Get("Content-Disposition"), media)
		case string(body) != rawMail:
			t.Errorf("%.40q: %q, want the bytes that came", id, body)
		}
	}
	t.Attr("tries", strconv.Itoa(len(ids)))
}
