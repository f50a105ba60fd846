package public

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"rapport/internal/browser"
	"rapport/records/outbox"
)

func topics(language string) []Topic {
	return []Topic{{Purpose: "newsletter", Name: "News <b> " + language, On: true}, {Purpose: "tutorial", Name: "How to"}}
}

// choices only note what is chosen.
func (w *world) choices() Choices {
	noted := func(do func()) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.choice == nil {
			do()
		}
		return w.choice
	}
	asks := func(_ context.Context, _ outbox.ID, language string) ([]Topic, error) {
		return topics(language), noted(func() {})
	}
	return Choices{
		Topics: topics, Of: asks, Asked: asks, Open: func() bool { return !w.closed },
		Choose: func(_ context.Context, c Chosen) (bool, error) {
			return slices.Contains(c.Purposes, "tutorial"), noted(func() { w.chosen = append(w.chosen, c) })
		},
		SignUp: func(_ context.Context, s SignUp) error {
			if !strings.Contains(s.Address, "@") {
				return ErrBad
			}
			return noted(func() { w.signed = append(w.signed, s) })
		},
		Confirm: func(_ context.Context, id outbox.ID, _ string) error {
			return noted(func() { w.confirmed = append(w.confirmed, id) })
		},
	}
}

// changes is what was chosen, asked for and confirmed so far.
func (w *world) changes() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Sprint(len(w.chosen), len(w.signed), len(w.confirmed), len(w.said))
}

const formType = "application/x-www-form-urlencoded"

func (w *world) posts(path string, form url.Values) *httptest.ResponseRecorder {
	return w.do("POST", path, formType, strings.NewReader(form.Encode()))
}

func TestChoose(t *testing.T) {
	w := newWorld(t)
	page, ask := "/p/"+w.token(t, outbox.ForUnsubscribe, first), "/o/"+w.token(t, outbox.ForOptIn, first)
	if res := w.do("GET", page+"%27", "", nil); res.Code != http.StatusOK || !strings.Contains(res.Body.String(), `value="newsletter" checked> <bdi>News &lt;b&gt; en`) ||
		!strings.Contains(res.Body.String(), `action="`+page+`"`) {
		t.Errorf("the page: %d\n%s", res.Code, res.Body)
	}
	for _, c := range []struct {
		topic []string
		says  string
	}{{nil, "Saved"}, {[]string{"newsletter"}, "Saved"}, {[]string{"newsletter", "tutorial"}, "look into your mailbox"}} {
		res := w.posts(page, url.Values{"topic": c.topic})
		if last := w.chosen[len(w.chosen)-1]; res.Code != http.StatusOK || !strings.Contains(res.Body.String(), c.says) || !slices.Equal(last.Purposes, c.topic) || last.Delivery != first {
			t.Errorf("%v: %d, %+v\n%s", c.topic, res.Code, last, res.Body)
		}
	}
	if res := w.do("GET", ask, "", nil); res.Code != http.StatusOK || !strings.Contains(res.Body.String(), "<li><bdi>News") || len(w.confirmed) > 0 {
		t.Errorf("what was asked: %d, confirmed %v\n%s", res.Code, w.confirmed, res.Body)
	}
	if res := w.posts(ask, nil); res.Code != http.StatusOK || len(w.confirmed) != 1 || w.confirmed[0] != first {
		t.Errorf("confirmed: %d %v", res.Code, w.confirmed)
	}
	was := w.changes()
	for _, path := range []string{page, ask} { // looked at, forged, for another purpose
		other := map[bool]string{true: "/o/", false: "/p/"}[path == page] + path[3:]
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT"} {
			w.do(method, path+"?topic=tutorial", formType, strings.NewReader("topic=tutorial"))
		}
		for _, bad := range []string{other, path[:len(path)-1] + "7x", "/p/x", "/o/" + strings.Repeat("r", outbox.TokenLength)} {
			if res := w.posts(bad, nil); res.Code != http.StatusNotFound {
				t.Errorf("%s: %d", bad, res.Code)
			}
		}
	}
	if res := w.do("POST", page, "text/plain", strings.NewReader("topic=tutorial")); res.Code != http.StatusUnsupportedMediaType || w.changes() != was {
		t.Errorf("what is no form: %d; %s before, %s after", res.Code, was, w.changes())
	}
	for err, code := range map[error]int{ErrGone: http.StatusGone, errors.New("disk full"): http.StatusServiceUnavailable} {
		w.choice = err
		for _, path := range []string{page, ask} {
			if res := w.posts(path, nil); res.Code != code {
				t.Errorf("%s, %v: %d", path, err, res.Code)
			}
		}
	}
}

// TestSignUpForm has strangers ask: the answer tells nobody whether an address
// is known, programs get none, and nobody asks for a crowd.
func TestSignUpForm(t *testing.T) {
	w := newWorld(t)
	fill := func(address string, more ...string) url.Values {
		v := url.Values{"address": {address}, "name": {"Zoe"}, "topic": {"newsletter"}}
		for i := 0; i < len(more); i += 2 {
			v.Set(more[i], more[i+1])
		}
		return v
	}
	res := w.posts("/signup", fill("zoe@print.example"))
	if res.Code != http.StatusOK || !strings.Contains(res.Body.String(), "look into your mailbox") || len(w.signed) != 1 {
		t.Fatalf("%d, %+v\n%s", res.Code, w.signed, res.Body)
	}
	if got := w.signed[0]; got.Address != "zoe@print.example" || got.Name != "Zoe" || got.From != "192.0.2.1" || !slices.Equal(got.Purposes, []string{"newsletter"}) {
		t.Errorf("%+v", got)
	}
	if again := w.posts("/signup", fill("x@y.example", "website", "https://spam.example")); again.Body.String() != res.Body.String() || len(w.signed) != 1 {
		t.Errorf("a program: %d, %+v", again.Code, w.signed)
	}
	if bad := w.posts("/signup", fill(`nobody"><b>`)); bad.Code != http.StatusUnprocessableEntity || !strings.Contains(bad.Body.String(), `value="nobody&#34;&gt;&lt;b&gt;"`) || !strings.Contains(bad.Body.String(), `role="alert"`) {
		t.Errorf("no address: %d\n%s", bad.Code, bad.Body)
	}
	if long := w.posts("/signup", fill(strings.Repeat("a", 400)+"@b.example")); long.Code != http.StatusUnprocessableEntity {
		t.Errorf("a long address: %d", long.Code)
	}
	code := 0
	for range formsEach {
		code = w.posts("/signup", fill("zoe@print.example")).Code
	}
	if code != http.StatusTooManyRequests || len(w.signed) >= formsEach {
		t.Errorf("one address of the network asks on: %d, %d mails", code, len(w.signed))
	}
	w.closed = true
	for _, method := range []string{"GET", "POST"} {
		if res := w.do(method, "/signup", formType, strings.NewReader(fill("a@b.example").Encode())); res.Code != http.StatusNotFound {
			t.Errorf("%s where it is closed: %d", method, res.Code)
		}
	}
}

func TestFrom(t *testing.T) {
	for _, tt := range []struct{ remote, said, want string }{
		{"192.0.2.7:1", "10.0.0.1", "192.0.2.7"}, {"127.0.0.1:1", "", "127.0.0.1"}, {"127.0.0.1:1", "10.9.9.9, 192.0.2.7", "192.0.2.7"},
		{"[::1]:1", "2001:db8::1", "2001:db8::1"}, {"127.0.0.1:1", "nonsense", "127.0.0.1"},
	} {
		r := httptest.NewRequest("POST", "/signup", nil)
		r.RemoteAddr = tt.remote
		if tt.said != "" {
			r.Header.Set("X-Forwarded-For", tt.said)
		}
		if got := from(r); got != tt.want {
			t.Errorf("from %s, said %q: %s, want %s", tt.remote, tt.said, got, tt.want)
		}
	}
}

// TestChoosingInABrowser opens the pages as readers do, chooses by the keyboard
// alone, and has a browser that runs scripts open every link.
func TestChoosingInABrowser(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	paths := []string{"/p/" + w.token(t, outbox.ForUnsubscribe, first), "/o/" + w.token(t, outbox.ForOptIn, first), "/signup"}
	b := browser.Start(t)
	for _, language := range []string{"en", "de", "bn", "ar"} {
		p := b.Open(t, browser.Options{Origin: server.URL, Width: 320, Dark: language == "de", Language: language})
		for n, path := range paths {
			p.Goto(path)
			p.Settle()
			for _, fault := range slices.Concat(p.Heard().Faults(), p.Axe(), p.Overflow()) {
				t.Errorf("%s, %s: %s", language, path[:3], fault)
			}
			if *screenshots != "" {
				p.Screenshot(fmt.Sprintf("%s/choose-%s-%d.png", *screenshots, language, n))
			}
		}
	}
	if got := w.changes(); got != "0 0 0 0" {
		t.Fatalf("looking changed something: %s", got)
	}
	p := b.Open(t, browser.Options{Origin: server.URL, Width: 320})
	p.Goto("/signup")
	p.Keys("\tzoe@print.example")
	p.Follow(browser.Press("\r"))
	p.Until("the answer", `document.querySelector("form") === null`)
	if got := w.changes(); got != "0 1 0 0" || w.signed[0].Address != "zoe@print.example" {
		t.Errorf("by the keyboard: %s %+v", got, w.signed)
	}
}
