package pages

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"rapport/internal/webhook"
	"rapport/records/event"
)

// listener is another program, which answers what it is told to.
type listener struct {
	*httptest.Server
	status int
	heard  []string // the types of events
}

func (w *world) listener() *listener {
	l := &listener{status: http.StatusNoContent}
	l.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		l.heard = append(l.heard, r.Header.Get("Webhook-Signature"))
		rw.WriteHeader(l.status)
	}))
	w.t.Cleanup(l.Close)
	w.hooks.Configure(webhook.Settings{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	return l
}

// hook adds a webhook by the form, and returns its page and what it shows.
func (w *world) hook(form url.Values) (page, shown string) {
	w.t.Helper()
	r := ask(w, root, "/settings/webhooks", form, nil)
	if r.Code != http.StatusOK {
		w.t.Fatalf("a new webhook: %d\n%s", r.Code, plain(r.Body.String()))
	}
	found := regexp.MustCompile(`action="(/settings/webhooks/[^"/]+)"`).FindStringSubmatch(r.Body.String())
	if found == nil {
		w.t.Fatalf("the answer shows no webhook:\n%s", plain(r.Body.String()))
	}
	return found[1], r.Body.String()
}

func allEvents() (out []string) {
	for _, t := range event.Types() {
		out = append(out, string(t))
	}
	return out
}

var signed = regexp.MustCompile(`whsec_[A-Za-z0-9+/=]+`)

func TestWebhooksAreSetUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.listener()
	w.wants(w.get(root, "/settings"), "Webhooks", "Other programs that are told")
	w.wants(w.get(member, "/settings"), "-Webhooks")
	w.wants(w.get(root, "/settings/webhooks"), "No program is told what happens", "checked>Mail filed")
	page, shown := w.hook(url.Values{"name": {"Books"}, "url": {l.URL}, "event": {"message.filed", "followup.due"}})
	w.wants(shown, "Copy it now", "works", "Nothing yet.", "checked>Mail filed", ` value="contact.changed">Person changed`)
	first := signed.FindString(strings.ReplaceAll(shown, "&#43;", "+"))
	if first == "" {
		t.Fatalf("the secret is not shown:\n%s", plain(shown))
	}
	w.wants(w.get(root, page), "-Copy it now", "-whsec_")
	w.wants(w.get(root, "/settings/webhooks"), "Books", l.URL, "works", "nothing taken yet")

	w.wants(w.post(root, page+"/test", url.Values{}), "The test was taken.", "Test", "taken", "answer 204")
	l.status = http.StatusInternalServerError
	w.now = w.now.Add(time.Minute)
	w.wants(w.post(root, page+"/test", url.Values{}), "The test was not taken: it answered 500", "answer 500")

	german := ask(w, root, page, nil, func(r *http.Request) { r.Header.Set("Accept-Language", "de") }).Body.String()
	w.wants(german, "er antwortete 500", "-it answered")

	r := ask(w, root, page+"/secret", url.Values{}, nil)
	second := signed.FindString(strings.ReplaceAll(r.Body.String(), "&#43;", "+"))
	if second == "" || second == first {
		t.Errorf("the new secret is %q, the first was %q", second, first)
	}
	w.post(root, page+"/test", url.Values{})
	if n := len(l.heard); n != 3 || len(strings.Fields(l.heard[0])) != 1 || len(strings.Fields(l.heard[2])) != 2 {
		t.Errorf("signed %q; want once, once, and by both secrets", l.heard)
	}

	w.wants(w.post(root, page+"/paused", url.Values{"paused": {"1"}}), "Paused.", "Nothing is sent, and nothing is kept", "Go on", "-Pause<")
	w.wants(w.post(root, page+"/paused", url.Values{}), "It goes on.", "Pause<")
	w.wants(w.post(root, page, url.Values{"name": {"Ledger"}, "url": {l.URL + "/x"}, "event": allEvents()}), "Saved.", "Ledger", l.URL+"/x", "checked>Person changed")
	w.wants(w.get(root, "/settings/audit"), "added the webhook", "changed the webhook", "renewed the webhook")

	w.wants(w.post(root, page+"/remove", url.Values{}), "Tick the box", "Ledger")
	w.wants(w.post(root, page+"/remove", url.Values{"sure": {"1"}}), "Removed.", "No program is told")
	if r := ask(w, root, page, nil, nil); r.Code != http.StatusNotFound {
		t.Errorf("a webhook that was removed: %d", r.Code)
	}
}

// TestWebhookFormsAreMended: what was typed stays, with what is wrong with it.
func TestWebhookFormsAreMended(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.listener()
	page, _ := w.hook(url.Values{"name": {"Books"}, "url": {l.URL}, "event": allEvents()})
	for _, tt := range []struct {
		at   string
		form url.Values
		want []string
	}{
		{"/settings/webhooks", url.Values{"name": {"Two"}, "url": {l.URL}}, []string{"Tick at least one", `value="Two"`, "-checked>"}},
		{"/settings/webhooks", url.Values{"name": {"Books"}, "url": {l.URL}, "event": {"followup.due"}}, []string{"called &#34;Books&#34; already", "checked>Follow-up due", "-checked>Mail filed"}},
		{"/settings/webhooks", url.Values{"name": {"Two"}, "url": {"ftp://x.example"}, "event": {"followup.due"}}, []string{"Nothing was stored", `value="ftp://x.example"`}},
		{"/settings/webhooks", url.Values{"name": {"Two"}, "url": {l.URL}, "event": {"everything"}}, []string{"Nothing was stored"}},
		{page, url.Values{"name": {"Books"}, "url": {l.URL}}, []string{"Tick at least one"}},
		{page, url.Values{"name": {"Books"}, "url": {"https://"}, "event": {"followup.due"}}, []string{"Nothing was stored", `value="https://"`, "works"}},
	} {
		r := ask(w, root, tt.at, tt.form, nil)
		if r.Code < 400 || r.Code > 499 {
			t.Errorf("%s with %v: %d\n%s", tt.at, tt.form, r.Code, plain(r.Body.String()))
		}
		w.wants(r.Body.String(), tt.want...)
	}
	w.wants(w.get(root, page), l.URL, "checked>Person changed")
}
