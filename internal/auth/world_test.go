package auth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"rapport/internal/auth"
	"rapport/records/access"
	"rapport/records/contact"
	"rapport/store"
	"rapport/store/boltstore"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

const password = "four words of mine"

// world is a service with its doors on a real listener, and a clock.
type world struct {
	t      *testing.T
	store  store.Store
	s      *auth.Service
	server *httptest.Server

	mu     sync.Mutex // guards what follows
	now    time.Time
	waited time.Duration
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := newCostlyWorld(t)
	w.s.Cheaply()
	return w
}

// newCostlyWorld is a world whose passwords cost what they do.
func newCostlyWorld(t *testing.T) *world {
	t.Helper()
	st, err := boltstore.Open(t.TempDir(), boltstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	w := &world{t: t, store: st, now: noon}
	w.s = auth.New(auth.Options{Store: st, Key: bytes.Repeat([]byte{7}, 32), Now: w.clock})
	w.s.OnWait(func(d time.Duration) { w.mu.Lock(); w.waited += d; w.mu.Unlock() })
	mux := http.NewServeMux()
	mux.Handle("/auth/", w.s.Handler())
	mux.HandleFunc("/who", func(rw http.ResponseWriter, r *http.Request) {
		p, err := w.s.Identify(r)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusUnauthorized)
			return
		}
		json.NewEncoder(rw).Encode(p)
	})
	w.server = httptest.NewServer(w.s.Front(mux))
	t.Cleanup(w.server.Close)
	w.configure(auth.Settings{})
	return w
}

func (w *world) configure(s auth.Settings) {
	s.Listen, s.Team = strings.TrimPrefix(w.server.URL, "http://"), "Example Ltd"
	w.s.Configure(s)
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// browser is somebody's browser.
type browser struct {
	w    *world
	http *http.Client
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &browser{w, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// post sends a form and returns where the browser is sent then.
func (b *browser) post(path string, form url.Values) string {
	b.w.t.Helper()
	resp, err := b.http.PostForm(b.w.server.URL+path, form)
	if err != nil {
		b.w.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusSeeOther {
		return resp.Status
	}
	return resp.Header.Get("Location")
}

func (b *browser) signIn(address, password, code string) string {
	b.w.t.Helper()
	return b.post("/auth/sign-in", url.Values{"address": {address}, "password": {password}, "code": {code}, "next": {"/contacts"}})
}

// who returns whom the browser is signed in as; nobody where it is refused.
func (b *browser) who() access.Principal {
	b.w.t.Helper()
	resp, err := b.http.Get(b.w.server.URL + "/who")
	if err != nil {
		b.w.t.Fatal(err)
	}
	defer resp.Body.Close()
	var p access.Principal
	if resp.StatusCode == http.StatusOK {
		if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
			b.w.t.Fatal(err)
		}
	}
	return p
}

// cookie returns what the browser holds of its session.
func (b *browser) cookie() string {
	u, _ := url.Parse(b.w.server.URL)
	for _, c := range b.http.Jar.Cookies(u) {
		if c.Name == "rapport-session" {
			return c.Value
		}
	}
	return ""
}

func (b *browser) hold(value string) {
	u, _ := url.Parse(b.w.server.URL)
	b.http.Jar.SetCookies(u, []*http.Cookie{{Name: "rapport-session", Value: value, Path: "/"}})
}

func (w *world) invite(address string, role access.Role) (token string) {
	w.t.Helper()
	_, link, err := w.s.Invite(w.t.Context(), access.Principal{Kind: access.Local}, access.Account{Address: contact.Address(address), Role: role})
	if err != nil {
		w.t.Fatal(err)
	}
	return tokenOf(link)
}

func tokenOf(link string) string {
	u, _ := url.Parse(link)
	return u.Query().Get("token")
}

// secretOf is the secret of the app that a one-time link offers.
func (w *world) secretOf(token string) string {
	w.t.Helper()
	o, err := w.s.Offer(w.t.Context(), token)
	if err != nil {
		w.t.Fatal(err)
	}
	return o.Enrolment.Secret
}

func (w *world) code(secret string) string {
	w.t.Helper()
	code, err := totp.GenerateCode(secret, w.clock())
	if err != nil {
		w.t.Fatal(err)
	}
	return code
}

// accept follows a one-time link to its end.
func (b *browser) accept(token, name, address string) (secret, to string) {
	b.w.t.Helper()
	secret = b.w.secretOf(token)
	to = b.post("/auth/setup", url.Values{"token": {token}, "name": {name}, "address": {address}, "password": {password}, "repeat": {password}, "code": {b.w.code(secret)}})
	return secret, to
}

// user makes a user who can sign in, and returns the secret of the app.
func (w *world) user(address string, role access.Role) (secret string) {
	w.t.Helper()
	secret, to := w.browser().accept(w.invite(address, role), address, address)
	if to != "/account?welcome=1" {
		w.t.Fatalf("accepting the invitation leads to %s", to)
	}
	w.pass(time.Minute) // the code is used up
	return secret
}

// trail counts the lines of the audit trail by action.
func (w *world) trail() map[string]int {
	w.t.Helper()
	n := map[string]int{}
	err := w.store.View(w.t.Context(), func(tx store.Tx) error {
		page, err := tx.Audit().List("", store.Slice{Limit: 1000})
		for _, a := range page.Items {
			n[a.Action]++
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

func body(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// text is a value as JSON, its bytes as text where they are.
func text(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// inside is the context of a request that came through the front.
func inside(t *testing.T) context.Context {
	t.Helper()
	var ctx context.Context
	r := asked{local: "127.0.0.1:1", peer: "127.0.0.1:2", host: "localhost"}.request()
	auth.New(auth.Options{}).Front(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { ctx = r.Context() })).ServeHTTP(httptest.NewRecorder(), r)
	return ctx
}
