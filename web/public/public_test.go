package public

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"rapport/internal/browser"
	"rapport/records/outbox"
)

var screenshots = flag.String("screenshots", "", "directory to put pictures of the pages in")

// world is the public pages over who only notes what is asked.
type world struct {
	http.Handler
	keys outbox.Keys
	fail error

	mu   sync.Mutex
	said []Objection

	chosen    []Chosen
	signed    []SignUp
	confirmed []outbox.ID
	answers   []Answered
	choice    error // of whatever is chosen
	closed    bool  // to strangers
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{keys: outbox.Keys{{ID: 2, Secret: [32]byte{2}}, {ID: 1, Secret: [32]byte{1}}}}
	h, err := New(Options{
		Keys: w.keys,
		Object: func(_ context.Context, o Objection) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.fail != nil {
				return w.fail
			}
			w.said = append(w.said, o)
			return nil
		},
		Team: func() string { return "Example & <b>Co" },
		Log:  slog.New(slog.DiscardHandler),

		Choices: w.choices(),
		Surveys: w.surveys(),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Handler = h
	return w
}

func (w *world) take() []Objection {
	w.mu.Lock()
	defer w.mu.Unlock()
	said := w.said
	w.said = nil
	return said
}

func (w *world) token(t testing.TB, p outbox.Purpose, id outbox.ID) string {
	t.Helper()
	token, err := w.keys.Token(p, id)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

const first outbox.ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"

func (w *world) do(method, path, kind string, body io.Reader) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, body)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	out := httptest.NewRecorder()
	w.ServeHTTP(out, r)
	return out
}

// TestOneClick says it as mail programs do, and as some do not quite.
func TestOneClick(t *testing.T) {
	w := newWorld(t)
	token := w.token(t, outbox.ForUnsubscribe, first)
	var parts bytes.Buffer
	m := multipart.NewWriter(&parts)
	_ = m.WriteField("List-Unsubscribe", "One-Click")
	m.Close()
	old, err := w.keys[1:].Token(outbox.ForUnsubscribe, first)
	if err != nil {
		t.Fatal(err)
	}
	for name, ask := range map[string]struct{ path, kind, body string }{
		"form":          {token, "application/x-www-form-urlencoded", "List-Unsubscribe=One-Click"},
		"parts":         {token, m.FormDataContentType(), parts.String()},
		"no type":       {token, "", "List-Unsubscribe=One-Click"},
		"odd type":      {token, "text/plain;;", "x"},
		"no body":       {token, "application/x-www-form-urlencoded", ""},
		"upper case":    {strings.ToUpper(token), "", ""},
		"quoted":        {token + "%27", "", ""},
		"older key":     {old, "", ""},
		"great body":    {token, "application/x-www-form-urlencoded", strings.Repeat("x", 1<<20)},
		"said it again": {token, "application/x-www-form-urlencoded", "List-Unsubscribe=One-Click"},
	} {
		res := w.do("POST", "/u/"+ask.path, ask.kind, strings.NewReader(ask.body))
		if res.Code != http.StatusOK || res.Header().Get("Location") != "" || len(res.Result().Cookies()) > 0 {
			t.Errorf("%s: %d %v", name, res.Code, res.Header())
		}
		if said := w.take(); len(said) != 1 || said[0] != (Objection{Delivery: first, By: "one-click"}) {
			t.Errorf("%s: %+v", name, said)
		}
	}
	w.fail = errors.New("disk full")
	if res := w.do("POST", "/u/"+token, "", nil); res.Code != http.StatusServiceUnavailable || res.Header().Get("Retry-After") == "" {
		t.Errorf("the store is down: %d", res.Code)
	}
}

func TestPage(t *testing.T) {
	w := newWorld(t)
	path := "/u/" + w.token(t, outbox.ForUnsubscribe, first)
	res := w.do("GET", path+"'%3C", "", nil)
	if res.Code != http.StatusNotFound {
		t.Errorf("a token with more behind it than rewriters leave there: %d", res.Code)
	}
	res = w.do("GET", path+"%27", "", nil)
	if body := res.Body.String(); res.Code != http.StatusOK || !strings.Contains(body, `action="`+path+`/leave"`) || !strings.Contains(body, "Example &amp; &lt;b&gt;Co") {
		t.Errorf("%d\n%s", res.Code, body)
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"} {
		if got := res.Header().Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	const form = "application/x-www-form-urlencoded"
	for scope, want := range map[string]Objection{
		"list": {Delivery: first, By: "page"}, "all": {Delivery: first, By: "page", All: true}, "": {Delivery: first, By: "page"},
	} {
		res := w.do("POST", path+"/leave", form, strings.NewReader(url.Values{"scope": {scope}}.Encode()))
		if said := w.take(); res.Code != http.StatusOK || len(said) != 1 || said[0] != want {
			t.Errorf("scope %q: %d %+v", scope, res.Code, said)
		}
	}
	if res := w.do("POST", path+"/leave", form, strings.NewReader("scope="+strings.Repeat("x", maxBody))); res.Code != http.StatusBadRequest || len(w.take()) > 0 {
		t.Errorf("a form of %d KB: %d", maxBody>>10, res.Code)
	}
}

// TestS11_LookingChangesNothing has links opened by whatever opens links.
func TestS11_LookingChangesNothing(t *testing.T) {
	w := newWorld(t)
	path := "/u/" + w.token(t, outbox.ForUnsubscribe, first)
	tries := 0
	for i := range 3400 {
		for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
			tries++
			at := path
			switch i % 4 {
			case 1:
				at += "?List-Unsubscribe=One-Click&scope=all"
			case 2:
				at += "/leave?scope=all"
			case 3:
				at += "%27)."
			}
			if res := w.do(method, at, "application/x-www-form-urlencoded", strings.NewReader("List-Unsubscribe=One-Click&scope=all")); res.Code >= 500 {
				t.Fatalf("%s %s: %d", method, at, res.Code)
			}
		}
	}
	for _, method := range []string{"PUT", "PATCH", "DELETE", "PROPFIND"} {
		tries++
		w.do(method, path, "", strings.NewReader("List-Unsubscribe=One-Click"))
	}
	if said := w.take(); len(said) > 0 {
		t.Errorf("%d objections of who only looked: %+v", len(said), said[0])
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestS10_Forged changes every character of tokens, and takes tokens of other
// purposes.
func TestS10_Forged(t *testing.T) {
	w := newWorld(t)
	tries := 0
	refused := func(token string) {
		t.Helper()
		tries++
		if res := w.do("POST", "/u/"+token, "", nil); res.Code != http.StatusNotFound {
			t.Fatalf("%s: %d", token, res.Code)
		}
	}
	for n := range tokens {
		id := outbox.ID("01ARZ3NDEKTSV4RRFFQ69G" + strconv.Itoa(1000+n))
		token := w.token(t, outbox.ForUnsubscribe, id)
		for at := range len(token) {
			other := byte('a' + (token[at]+byte(n))%26)
			if other == token[at] {
				other = '7'
			}
			if other != token[at] {
				refused(token[:at] + string(other) + token[at+1:])
			}
		}
		for _, p := range []outbox.Purpose{outbox.ForSurvey, outbox.ForOptIn, outbox.ForReturn, outbox.ForReply, outbox.ForTest} {
			refused(w.token(t, p, id))
		}
	}
	for _, token := range []string{"x", "%00", strings.Repeat("r", outbox.TokenLength), strings.Repeat("a", 5000), "..%2f..%2fetc", "%ff%fe"} {
		refused(token)
	}
	if said := w.take(); len(said) > 0 {
		t.Errorf("%d objections with forged tokens", len(said))
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestBrowser opens the page as readers do, presses its button, and looks.
func TestBrowser(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	path := "/u/" + w.token(t, outbox.ForUnsubscribe, first)
	b := browser.Start(t)
	for _, language := range []string{"en", "de", "bn", "ar"} {
		for _, dark := range []bool{false, true} {
			p := b.Open(t, browser.Options{Origin: server.URL, Width: 320, Dark: dark, Language: language})
			p.Goto(path)
			p.Settle()
			for _, fault := range append(append(p.Heard().Faults(), p.Axe()...), p.Overflow()...) {
				t.Errorf("%s, dark %t: %s", language, dark, fault)
			}
			if *screenshots != "" {
				p.Screenshot(*screenshots + "/public-" + language + strconv.FormatBool(dark) + ".png")
			}
			if said := w.take(); len(said) > 0 {
				t.Fatalf("looking at the page was an objection: %+v", said)
			}
		}
	}
	p := b.Open(t, browser.Options{Origin: server.URL, Width: 800, Language: "de"})
	p.Goto(path)
	p.Click("button.second")
	p.Until("the answer", `document.querySelector("form") === null`)
	if text := p.Text(); !strings.Contains(text, "Sie sind abgemeldet") {
		t.Errorf("it says %q", text)
	}
	if said := w.take(); len(said) != 1 || !said[0].All || said[0].Agent == "" {
		t.Errorf("%+v", said)
	}
}
