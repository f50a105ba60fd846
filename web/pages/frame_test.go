package pages

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"rapport/records/access"
	"rapport/web"
)

// framed returns pages over an API that has nothing.
func framed(t *testing.T, o Options) *Pages {
	t.Helper()
	if o.API == nil {
		o.API = http.NotFoundHandler()
	}
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ask sends a request of somebody; form nil means GET.
func ask(h http.Handler, who access.Principal, path string, form url.Values, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if form != nil {
		r = httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r.WithContext(web.WithPrincipal(r.Context(), who)))
	return w
}

var ada = access.Principal{Kind: access.User, Name: "Ada Byron", Role: access.Member}

func TestEveryAnswerSaysWhatABrowserMayDo(t *testing.T) {
	p := framed(t, Options{})
	css, err := assetPath("app.css")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/keys", "/nowhere", css, "/assets/none.css"} {
		h := ask(p, ada, path, nil, nil).Header()
		if got := h.Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'none'; script-src 'self'; style-src 'self';") {
			t.Errorf("%s: policy %q", path, got)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin", "X-Frame-Options": "DENY",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
	if got := ask(p, ada, css, nil, nil).Header().Get("Cache-Control"); !strings.Contains(got, "immutable") {
		t.Errorf("a file whose address holds its hash may be kept only %q", got)
	}
	if got := ask(p, ada, "/keys", nil, nil).Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("a page may be kept: %q", got)
	}
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	p := framed(t, Options{})
	for name, change := range map[string]func(*http.Request){
		"cross-site":     func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"same-site":      func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"foreign origin": func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
		"no origin":      func(r *http.Request) { r.Header.Set("Origin", "null") },
	} {
		w := ask(p, ada, "/preferences", url.Values{"theme": {"dark"}}, change)
		if w.Code != http.StatusForbidden || len(w.Result().Cookies()) > 0 {
			t.Errorf("%s: %d with cookies %v; want refused", name, w.Code, w.Result().Cookies())
		}
	}
	w := ask(p, ada, "/preferences", url.Values{"theme": {"dark"}, "back": {"/keys"}}, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-origin") })
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/keys" {
		t.Errorf("our own form: %d to %q", w.Code, w.Header().Get("Location"))
	}
}

func TestNoFormLeadsElsewhere(t *testing.T) {
	p := framed(t, Options{})
	for _, back := range []string{"https://evil.example", "//evil.example", `/\evil.example`, "javascript:alert(1)", "/a\r\nSet-Cookie: x", "/\t/evil.example", ""} {
		w := ask(p, ada, "/preferences", url.Values{"back": {back}}, nil)
		if got := w.Header().Get("Location"); got != "/" {
			t.Errorf("back %q leads to %q", back, got)
		}
	}
}

func TestChoicesAreKept(t *testing.T) {
	p := framed(t, Options{Now: func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }})
	w := ask(p, ada, "/preferences", url.Values{"theme": {"dark"}, "language": {"bn"}, "zone": {"Asia/Dhaka"}, "keys": {"off"}, "back": {"/keys"}}, nil)
	w = ask(p, ada, "/keys", nil, func(r *http.Request) {
		for _, c := range w.Result().Cookies() {
			r.AddCookie(c)
		}
	})
	for _, want := range []string{`<html lang="bn" dir="ltr" data-theme="dark">`, `data-keys="off"`, "Asia/Dhaka", "কীবোর্ড"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	w = ask(p, ada, "/preferences", url.Values{"theme": {"pink"}, "language": {"../de"}, "zone": {"../../etc/passwd"}}, nil)
	for _, c := range w.Result().Cookies() {
		if c.Value != "" {
			t.Errorf("cookie %s is %q; want it taken away", c.Name, c.Value)
		}
	}
}

func TestLanguageOfTheReader(t *testing.T) {
	p := framed(t, Options{Locales: fstest.MapFS{"ar.json": {Data: []byte(`{"language.name": "العربية", "language.direction": "rtl", "keys.title": "لوحة المفاتيح"}`)}}})
	for _, tt := range []struct{ cookie, accept, want string }{
		{"", "", `lang="en" dir="ltr"`},
		{"", "de-AT,de;q=0.9,en;q=0.8", `lang="de"`},
		{"", "bn-BD", `lang="bn"`},
		{"", "fi", `lang="en"`},
		{"", "fi,de;q=0.5", `lang="de"`},
		{"", strings.Repeat("de,", 5000), `lang="en"`},
		{"", ";;;q=", `lang="en"`},
		{"de", "bn", `lang="de"`},
		{"xx", "bn", `lang="bn"`},
		{"ar", "", `lang="ar" dir="rtl"`},
	} {
		w := ask(p, ada, "/keys", nil, func(r *http.Request) {
			r.Header.Set("Accept-Language", tt.accept)
			if tt.cookie != "" {
				r.AddCookie(&http.Cookie{Name: "language", Value: tt.cookie})
			}
		})
		if !strings.Contains(w.Body.String(), "<html "+tt.want) {
			t.Errorf("cookie %q, Accept-Language %.30q: want %s", tt.cookie, tt.accept, tt.want)
		}
	}
	for file, content := range map[string]string{
		"xx-nonsense-verylongsubtag.json": `{}`, "fr.json": `{"a": {"one": "x"}}`, "it.json": `{`, "es.json": `{"a": {"dozen": "x", "other": "y"}}`,
	} {
		if _, err := New(Options{API: http.NotFoundHandler(), Locales: fstest.MapFS{file: {Data: []byte(content)}}}); err == nil {
			t.Errorf("%s with %s is taken", file, content)
		}
	}
}

func TestWhoeverIsNotSignedInIsAskedTo(t *testing.T) {
	p := framed(t, Options{})
	w := ask(p, access.Principal{}, "/undo", url.Values{"audit": {"x"}, "back": {"/keys?a=b"}}, nil)
	if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != "/sign-in?next=%2Fkeys%3Fa%3Db" {
		t.Errorf("%d to %q", w.Code, got)
	}
	if w := ask(p, access.Principal{Kind: access.User, Name: "R", Role: access.Reader}, "/undo", url.Values{"audit": {"x"}}, nil); w.Code != http.StatusForbidden {
		t.Errorf("a reader who undoes gets %d", w.Code)
	}
	if w := ask(p, access.Principal{Kind: access.Open}, "/keys", nil, nil); !strings.Contains(w.Body.String(), "Nobody is set up to sign in") {
		t.Error("an open page does not say so")
	}
}

func TestFlashIsOursOnly(t *testing.T) {
	p := framed(t, Options{})
	show := func(value string) string {
		w := ask(p, ada, "/keys", nil, func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "flash", Value: value}) })
		if w.Code != http.StatusOK {
			t.Errorf("flash %q: %d", value, w.Code)
		}
		return w.Body.String()
	}
	for _, value := range []string{"x", "bm9uZQ", "eyJrIjoibm9uZSJ9"} {
		if strings.Contains(show(value), `class="flash`) {
			t.Errorf("flash %q is shown", value)
		}
	}
	if !strings.Contains(show("eyJrIjoiZmxhc2gudW5kb25lIn0"), "Taken back.") {
		t.Error("a sentence of ours is not shown")
	}
	raw := base64.RawURLEncoding.EncodeToString([]byte(`{"k":"ago.hour","a":["n","2"]}`))
	if !strings.Contains(show(raw), "2 hours ago") {
		t.Error("a number in a sentence is not counted")
	}
}
