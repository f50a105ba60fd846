package webhook_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"rapport/internal/webhook"
	"rapport/records/hook"
)

// TestS6_WebhooksStayOutside has webhooks lead to this host in every spelling,
// by name, by redirect and by proxy: nothing may arrive, and the answer of
// nobody may be shown.
func TestS6_WebhooksStayOutside(t *testing.T) {
	w := newWorld(t)
	inner := newReceiver(t, (*httptest.Server).Start)
	inner.answers(func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "inner secret") })
	port := inner.URL[strings.LastIndex(inner.URL, ":"):]
	t.Setenv("HTTP_PROXY", inner.URL)
	t.Setenv("HTTPS_PROXY", inner.URL)
	tries := 0
	try := func(url, want string) {
		t.Helper()
		tries++
		made, _, err := w.s.Add(t.Context(), boss, hook.Webhook{Name: "try " + strconv.Itoa(tries), URL: url})
		if err != nil {
			return // it was refused as what it is
		}
		d, err := w.s.Try(t.Context(), made.ID)
		if err != nil || d.Taken || !strings.Contains(d.Trouble.String(), want) || strings.Contains(d.Trouble.String(), "inner secret") {
			t.Errorf("%s: %+v, %v; want %q", url, d, err, want)
		}
		if err := w.s.Remove(t.Context(), boss, made.ID); err != nil {
			t.Error(err)
		}
	}
	for _, host := range []string{"127.0.0.1", "localhost", "LOCALHOST", "127.1", "0x7f.1", "0x7f000001", "2130706433", "0177.0.0.1", "127.0.0.1.", "0.0.0.0", "0",
		"[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]"} {
		for _, scheme := range []string{"https://", "http://"} {
			try(scheme+host+port+"/in", "")
		}
	}
	try("https://169.254.169.254/latest/meta-data/", "169.254.169.254 is refused")
	try("http://8.8.8.8:9/", "in the clear")
	w.s.Configure(webhook.Settings{Allowed: []netip.Prefix{netip.MustParsePrefix("169.254.0.0/16")}})
	try("http://169.254.169.254/latest/meta-data/", "hands out credentials")

	// What is allowed leads no further.
	w.here(inner)
	outer := newReceiver(t, (*httptest.Server).Start)
	for _, code := range []int{301, 302, 303, 307, 308} {
		for _, to := range []string{inner.URL, "http://169.254.169.254/", "file:///etc/passwd", "gopher://127.0.0.1" + port} {
			outer.answers(func(rw http.ResponseWriter, q *http.Request) { rw.Header().Set("Location", to); rw.WriteHeader(code) })
			try(outer.URL, "redirects are not followed")
		}
	}
	if len(inner.calls) != 0 {
		t.Errorf("%d requests arrived inside", len(inner.calls))
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestHostileReceivers bounds what a receiver may cost: an answer without end,
// a header without end, one that is no HTTP, a certificate of another.
func TestHostileReceivers(t *testing.T) {
	w := newWorld(t)
	r := newReceiver(t, (*httptest.Server).Start)
	w.here(r)
	made, _ := w.add("hostile", r.URL)
	gone := make(chan struct{})
	defer close(gone)
	for what, tt := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request)
		taken  bool
	}{
		"a body without end": {func(rw http.ResponseWriter, q *http.Request) {
			for q.Context().Err() == nil {
				if _, err := rw.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}, true},
		"a huge header": {func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("X", strings.Repeat("x", 64<<10))
		}, false},
		"no HTTP": {func(rw http.ResponseWriter, _ *http.Request) {
			c, _, err := rw.(http.Hijacker).Hijack()
			if err == nil {
				_, _ = io.WriteString(c, "\x1b[2J+OK POP3 ready\r\n")
				c.Close()
			}
		}, false},
		"it hangs up": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, false},
	} {
		r.answers(tt.answer)
		begun := time.Now()
		d, err := w.s.Try(t.Context(), made.ID)
		if err != nil || d.Taken != tt.taken || len(d.Trouble.String()) > 400 || strings.ContainsAny(d.Trouble.String(), "\x1b\r\n") || time.Since(begun) > 10*time.Second {
			t.Errorf("%s: %+v, %v after %s", what, d, err, time.Since(begun))
		}
	}
	other := newReceiver(t, (*httptest.Server).StartTLS)
	w.here(r) // without the certificate of the other
	if _, err := w.s.Change(t.Context(), boss, made.ID, hook.Change{URL: new(other.URL)}); err != nil {
		t.Fatal(err)
	}
	if d, err := w.s.Try(t.Context(), made.ID); err != nil || d.Taken || !strings.Contains(d.Trouble.String(), "certificate") || len(other.calls) != 0 {
		t.Errorf("an unknown certificate: %+v, %v", d, err)
	}
}
