package auth_test

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rapport/internal/auth"
	"rapport/records/access"
	"rapport/store"
)

// TestS7_ForeignOrigins sends every form and question of the doors as another
// site's page would.
func TestS7_ForeignOrigins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret := w.user("ada@example.com", access.Administrator)
	b := w.browser()
	b.signIn("ada@example.com", password, w.code(secret))
	before := dump(t, w.store)
	tries := 0
	for _, pattern := range w.s.Patterns() {
		method, path, _ := strings.Cut(pattern, " ")
		if method == http.MethodGet {
			continue
		}
		for _, header := range []map[string]string{
			{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
			{"Origin": w.server.URL, "Sec-Fetch-Site": "cross-site"}, {"Origin": "http://127.0.0.1:1"},
		} {
			req, err := http.NewRequest(method, w.server.URL+path, strings.NewReader("address=x"))
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range header {
				req.Header.Set(name, value)
			}
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			resp, err := b.http.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusForbidden {
				t.Errorf("%s with %v = %d, want 403", pattern, header, resp.StatusCode)
			}
			tries++
		}
	}
	if after := dump(t, w.store); after != before {
		t.Error("the store has changed")
	}
	if b.who().Kind != access.User {
		t.Error("the session has ended")
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestCookies looks at what browsers are told of the session's cookie.
func TestCookies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.configure(auth.Settings{Proxies: nil, TLS: false})
	secret := w.user("ada@example.com", access.Administrator)
	resp, err := w.browser().http.PostForm(w.server.URL+"/auth/sign-in", url.Values{"address": {"ada@example.com"}, "password": {password}, "code": {w.code(secret)}, "next": {"//evil.example"}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := resp.Header.Get("Location"); got != "/" {
		t.Errorf("signing in leads to %s", got)
	}
	i := slices.IndexFunc(resp.Cookies(), func(c *http.Cookie) bool { return c.Name == "rapport-session" })
	if i < 0 {
		t.Fatal("there is no cookie")
	}
	if c := resp.Cookies()[i]; !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || c.Secure {
		t.Errorf("the cookie on loopback is %+v", c)
	}
	if got := w.trail(); got["user.sign-in"] != 2 || got["user.accept"] != 1 || got["user.invite"] != 1 {
		t.Errorf("the trail holds %v", got)
	}
}

func TestLastAdministratorStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("ada@example.com", access.Administrator)
	w.user("bob@example.com", access.Member)
	w.invite("eve@example.com", access.Administrator) // who cannot sign in yet
	by, reader := access.Principal{Kind: access.Local}, access.Reader
	if _, err := w.s.ChangeUser(t.Context(), by, "ada@example.com", access.Change{Role: &reader}); err == nil {
		t.Error("the last administrator becomes a reader")
	}
	if err := w.s.RemoveUser(t.Context(), by, "ada@example.com"); err == nil {
		t.Error("the last administrator is removed")
	}
	admin := access.Administrator
	if _, err := w.s.ChangeUser(t.Context(), by, "bob@example.com", access.Change{Role: &admin}); err != nil {
		t.Error(err)
	}
	if err := w.s.RemoveUser(t.Context(), by, "ada@example.com"); err != nil {
		t.Errorf("removing one of two administrators: %v", err)
	}
}

// dump is everything kept about signing in but for the trail.
func dump(t *testing.T, s store.Store) string {
	t.Helper()
	var out string
	err := s.View(t.Context(), func(tx store.Tx) error {
		users, err1 := tx.Accounts().List()
		sessions, err2 := tx.Sessions().List("")
		tokens, err3 := tx.APITokens().List("")
		out = text(t, users) + text(t, sessions) + text(t, tokens)
		for _, err := range []error{err1, err2, err3} {
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
