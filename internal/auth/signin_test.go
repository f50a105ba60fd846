package auth_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"rapport/internal/mailtest"
	"rapport/records/access"
)

func TestFirstAdministrator(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	link, err := w.s.FirstLink(t.Context())
	if err != nil || !strings.HasPrefix(link, w.server.URL+"/setup?token=") {
		t.Fatalf("FirstLink = %q, %v", link, err)
	}
	b := w.browser()
	if who := b.who(); who.Kind != access.Open {
		t.Errorf("before anybody can sign in, who asks is %+v, want open", who)
	}
	if _, to := b.accept(tokenOf(link), "Ada Byron", "ada@example.com"); to != "/account?welcome=1" {
		t.Fatalf("the link leads to %s", to)
	}
	if who := b.who(); who.Kind != access.User || who.Role != access.Administrator || who.Address != "ada@example.com" || who.Session == "" {
		t.Errorf("whoever followed the link is %+v", who)
	}
	if who := w.browser().who(); who.Kind != access.Nobody {
		t.Errorf("everybody else is %+v, want nobody", who)
	}
	if _, err := w.s.Offer(t.Context(), tokenOf(link)); err == nil {
		t.Error("the link works a second time")
	}
	if link, err := w.s.FirstLink(t.Context()); link != "" || err != nil {
		t.Errorf("FirstLink with an administrator = %q, %v; want none", link, err)
	}
}

// TestS8_LinksWorkOnce follows one-time links twice, at once, too late, and
// after another has taken their place.
func TestS8_LinksWorkOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tries := 0
	refused := func(what, token, secret string) {
		t.Helper()
		tries++
		form := url.Values{"token": {token}, "name": {"Eve"}, "address": {"eve@example.com"}, "password": {password}, "code": {w.code(secret)}}
		b := w.browser()
		if to := b.post("/auth/setup", form); !strings.Contains(to, "fault=expired") || b.cookie() != "" {
			t.Errorf("%s: the link leads to %s", what, to)
		}
	}
	first, err := w.s.FirstLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	secret := w.secretOf(tokenOf(first))
	w.pass(24 * time.Hour)
	refused("a first link after a day", tokenOf(first), secret)
	if first, err = w.s.FirstLink(t.Context()); err != nil {
		t.Fatal(err)
	}
	secret = w.secretOf(tokenOf(first))
	w.user("ada@example.com", access.Administrator)
	refused("a first link where there is an administrator", tokenOf(first), secret)

	token := w.invite("bob@example.com", access.Member)
	secret = w.secretOf(token)
	again := w.invite("bob@example.com", access.Member)
	refused("an invitation that another took the place of", token, secret)
	secret = w.secretOf(again)
	w.pass(24 * time.Hour)
	refused("an invitation after a day", again, secret)

	w.pass(time.Minute) // or there are too many refusals within one
	token = w.invite("bob@example.com", access.Member)
	secret = w.secretOf(token)
	won := make(chan string, 8)
	var wg sync.WaitGroup
	for range cap(won) {
		wg.Go(func() {
			b := w.browser()
			b.post("/auth/setup", url.Values{"token": {token}, "password": {password}, "code": {w.code(secret)}})
			won <- b.cookie()
		})
	}
	wg.Wait()
	close(won)
	in := 0
	for cookie := range won {
		tries++
		if cookie != "" {
			in++
		}
	}
	if in != 1 {
		t.Errorf("%d of 8 at once got in by one invitation, want 1", in)
	}
	w.pass(time.Minute)
	refused("a used invitation", token, secret)
	for _, forged := range []string{"", "x", strings.Repeat("A", 43), token + "A", token[:len(token)-1]} {
		refused("a forged link", forged, secret)
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestS8_CodesWorkOnce uses codes of an app and recovery codes twice.
func TestS8_CodesWorkOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret := w.user("ada@example.com", access.Administrator)
	tries := 0
	try := func(what, code string, in bool) {
		t.Helper()
		tries++
		b := w.browser()
		to := b.signIn("ada@example.com", password, code)
		if got := to == "/contacts" && b.who().Kind == access.User; got != in {
			t.Errorf("%s: leads to %s, signed in: %v, want %v", what, to, got, in)
		}
		w.pass(10 * time.Second) // within the code's half minute, and beyond the limit of a minute now and then
		if tries%5 == 0 {
			w.pass(time.Minute)
		}
	}
	code := w.code(secret)
	try("a fresh code", code, true)
	try("the same again", code, false)
	w.pass(30 * time.Second)
	old := w.code(secret)
	w.pass(30 * time.Second)
	try("the code of half a minute ago", old, true)
	w.pass(2 * time.Minute)
	stale := w.code(secret)
	w.pass(90 * time.Second)
	try("a code of a minute and a half ago", stale, false)
	try("no code", "", false)
	try("a code with a space", w.code(secret)[:3]+" "+w.code(secret)[3:], true)
	w.pass(time.Minute)

	user, err := w.s.User(t.Context(), "ada@example.com")
	if err != nil {
		t.Fatal(err)
	}
	codes, err := w.s.NewRecoveryCodes(inside(t), user.Principal("s"), access.Proof{Password: password})
	if err != nil || len(codes) != 10 {
		t.Fatalf("NewRecoveryCodes = %v, %v", codes, err)
	}
	try("a recovery code", codes[3], true)
	try("the same again", codes[3], false)
	try("another, typed anew", strings.ToUpper(strings.ReplaceAll(codes[4], "-", " ")), true)
	w.pass(2 * time.Minute)
	if _, err := w.s.NewRecoveryCodes(inside(t), user.Principal("s"), access.Proof{Password: password}); err != nil {
		t.Fatal(err)
	}
	try("a recovery code of before", codes[5], false)
	t.Attr("tries", strconv.Itoa(tries))
}

// TestS8_SessionsEnd begins sessions and has them end in every way there is.
func TestS8_SessionsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("root@example.com", access.Administrator)
	secret := w.user("ada@example.com", access.Member)
	ada, err := w.s.User(t.Context(), "ada@example.com")
	if err != nil {
		t.Fatal(err)
	}
	by := access.Principal{Kind: access.Local}
	reader, subject := access.Reader, access.Subject
	ends := []struct {
		name string
		end  func(b *browser) error
	}{
		{"the password changes", func(b *browser) error {
			return w.s.SetPassword(inside(t), b.who(), access.NewPassword{Proof: access.Proof{Password: password}, New: password})
		}},
		{"the app changes", func(b *browser) error {
			e, err := w.s.NewEnrolment(b.who())
			if err != nil {
				return err
			}
			w.pass(time.Minute)
			secret = e.Secret
			return w.s.SetApp(inside(t), b.who(), access.Proof{Password: password}, e.Secret, w.code(e.Secret))
		}},
		{"the role changes", func(*browser) error {
			_, err := w.s.ChangeUser(t.Context(), by, ada.ID, access.Change{Role: &reader})
			return err
		}},
		{"the tier changes", func(*browser) error {
			_, err := w.s.ChangeUser(t.Context(), by, ada.ID, access.Change{Sees: &subject})
			return err
		}},
		{"it is ended by its id", func(b *browser) error { return w.s.EndSession(t.Context(), by, ada.ID, b.who().Session) }},
		{"its user signs out", func(b *browser) error { b.hold(b.cookie()); b.post("/auth/sign-out", nil); return nil }},
		{"it is idle for a fortnight", func(*browser) error { w.pass(14 * 24 * time.Hour); return nil }},
		{"it is used for ninety days", func(b *browser) error {
			for range 89 {
				w.pass(24 * time.Hour)
				if b.who().Kind != access.User {
					t.Error("a session used every day ends early")
				}
			}
			w.pass(24 * time.Hour)
			return nil
		}},
		{"the clock is set back", func(*browser) error { w.pass(-time.Hour); return nil }},
		{"the user sets up anew", func(*browser) error {
			var to string
			if secret, to = w.browser().accept(w.invite("ada@example.com", access.Member), "Ada", ""); to != "/account?welcome=1" {
				t.Errorf("setting up anew leads to %s", to)
			}
			return nil
		}},
		{"the user is removed", func(*browser) error { return w.s.RemoveUser(t.Context(), by, ada.ID) }},
	}
	for _, tt := range ends {
		w.pass(2 * time.Hour)
		b := w.browser()
		if to := b.signIn("ada@example.com", password, w.code(secret)); to != "/contacts" || b.who().Kind != access.User {
			t.Fatalf("before %s: signing in leads to %s", tt.name, to)
		}
		held := b.cookie()
		if err := tt.end(b); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		b.hold(held) // whatever the browser was told
		if who := b.who(); who.Kind != access.Nobody {
			t.Errorf("after %s the session is still %+v", tt.name, who)
		}
	}
	t.Attr("tries", strconv.Itoa(len(ends)))
}

// TestS8_SessionsCannotBePlanted plants cookies before somebody signs in.
func TestS8_SessionsCannotBePlanted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret := w.user("ada@example.com", access.Administrator)
	eves := w.user("eve@example.com", access.Member)
	mallory := w.browser()
	if to := mallory.signIn("eve@example.com", password, w.code(eves)); to != "/contacts" {
		t.Fatalf("signing in leads to %s", to)
	}
	planted := []string{"x", strings.Repeat("A", 43), mallory.cookie()}
	for _, value := range planted {
		w.pass(time.Minute)
		b := w.browser()
		b.hold(value)
		if to := b.signIn("ada@example.com", password, w.code(secret)); to != "/contacts" || b.cookie() == value || b.who().Address != "ada@example.com" {
			t.Errorf("planted %q: %s, holds %q as %+v", value, to, b.cookie(), b.who())
		}
		other := w.browser()
		other.hold(value)
		if who := other.who(); who.Kind != access.Nobody {
			t.Errorf("whoever planted %q is %+v, want nobody", value, who)
		}
	}
	// Two cookies of the name: one of them was planted.
	b := w.browser()
	w.pass(time.Minute)
	b.signIn("ada@example.com", password, w.code(secret))
	req, err := http.NewRequest("GET", w.server.URL+"/who", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Cookie", "rapport-session="+mallory.cookie()+"; rapport-session="+b.cookie())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := body(t, resp.Body); strings.Contains(got, "example.com") {
		t.Errorf("with two cookies who asks is %s", got)
	}
	t.Attr("tries", strconv.Itoa(len(planted)+1))
}

// TestS8_UnknownUserIsAnsweredAlike compares the answers for a user there is
// and for one there is not, in what they say and in how long they take.
func TestS8_UnknownUserIsAnsweredAlike(t *testing.T) { // alone: it measures
	w := newCostlyWorld(t)
	secret := w.user("ada@example.com", access.Administrator)
	w.invite("new@example.com", access.Member)
	fastest := map[string]time.Duration{}
	said := map[string]bool{}
	tries := 0
	for range 5 {
		for _, address := range []string{"ada@example.com", "new@example.com", "nobody@example.com", "no address", ""} {
			w.pass(25 * time.Hour)      // no limit gets in between
			began := mailtest.CPUTime() // what a busy machine does beside says nothing
			said[w.browser().signIn(address, "wrong password", w.code(secret))] = true
			took := mailtest.CPUTime() - began
			if best, ok := fastest[address]; !ok || took < best {
				fastest[address] = took
			}
			tries++
		}
	}
	if len(said) != 1 || !said["/sign-in?fault=wrong&next=%2Fcontacts"] {
		t.Errorf("the answers differ: %v", said)
	}
	known := fastest["ada@example.com"]
	for address, took := range fastest {
		if took < known/4 || took > known*4 {
			t.Errorf("%q is answered in %v, a user there is in %v", address, took, known)
		}
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestS8_FailedSignInsAreLimited guesses from one address and from many.
func TestS8_FailedSignInsAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret := w.user("ada@example.com", access.Administrator)
	b, tries := w.browser(), 0
	guess := func() string {
		tries++
		return b.signIn("ada@example.com", "wrong password", "000000")
	}
	for i := range 12 {
		want := map[bool]string{true: "wrong", false: "many"}[i < 10]
		if to := guess(); !strings.Contains(to, "fault="+want) {
			t.Errorf("guess %d of a minute leads to %s, want %s", i+1, to, want)
		}
	}
	if to := b.signIn("ada@example.com", password, w.code(secret)); !strings.Contains(to, "many") {
		t.Errorf("the right password beyond the limit leads to %s", to)
	}
	if w.waited == 0 {
		t.Error("no answer waited")
	}
	for minute := range 5 {
		w.pass(time.Minute)
		for range 10 {
			if to := guess(); minute == 4 && !strings.Contains(to, "many") {
				t.Errorf("guess %d of a day leads to %s, want many", tries, to)
			}
		}
	}
	w.pass(24 * time.Hour)
	// Nobody is locked out: with the right password one gets in at once.
	before := w.waited
	if to := b.signIn("ada@example.com", password, w.code(secret)); to != "/contacts" || w.waited != before {
		t.Errorf("the right password on the day after leads to %s, after waiting %v", to, w.waited-before)
	}
	if n := w.trail()["user.refused"]; n == 0 || n > 60*2 {
		t.Errorf("%d lines of failures, want some and a bounded number", n)
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestS8_TokensHold looks what tokens let in, and when no longer.
func TestS8_TokensHold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user("ada@example.com", access.Administrator)
	w.user("rita@example.com", access.Reader)
	by := access.Principal{Kind: access.Local}
	rita, err := w.s.User(t.Context(), "rita@example.com")
	if err != nil {
		t.Fatal(err)
	}
	made, secret, err := w.s.MakeToken(t.Context(), by, access.APIToken{Name: "report", User: rita.ID, Scope: access.Manage, Expires: noon.AddDate(0, 1, 0)})
	if err != nil || !strings.HasPrefix(secret, "rapport_") {
		t.Fatalf("MakeToken = %q, %v", secret, err)
	}
	ask := func(header ...string) (int, string) {
		req, err := http.NewRequest("GET", w.server.URL+"/who", nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range header {
			req.Header.Add("Authorization", h)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode, body(t, resp.Body)
	}
	if status, got := ask("Bearer " + secret); status != 200 || !strings.Contains(got, `"Role":"reader"`) {
		t.Errorf("with the token: %d %s; want its user's role", status, got)
	}
	bad := [][]string{{"Bearer x"}, {"Bearer " + secret + "x"}, {"Bearer " + secret[:20]}, {"Basic " + secret}, {secret}, {""}, {"Bearer " + made.ID},
		{"Bearer " + secret, "Bearer " + secret}, {"Bearer " + strings.Repeat("A", 5000)}}
	for _, header := range bad {
		if status, got := ask(header...); status != 401 {
			t.Errorf("with %.40q: %d %s; want 401", header, status, got)
		}
	}
	w.pass(31 * 24 * time.Hour)
	if status, _ := ask("Bearer " + secret); status != 401 {
		t.Errorf("an expired token: %d", status)
	}
	made, secret, err = w.s.MakeToken(t.Context(), by, access.APIToken{Name: "another", User: rita.ID, Scope: access.Read})
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := ask("Bearer " + secret); status != 200 {
		t.Errorf("a token without end: %d", status)
	}
	if err := w.s.EndToken(t.Context(), by, "", made.ID); err != nil {
		t.Fatal(err)
	}
	if status, _ := ask("Bearer " + secret); status != 401 {
		t.Errorf("a revoked token: %d", status)
	}
	t.Attr("tries", strconv.Itoa(len(bad)+4))
}

// TestS8_NothingKeptLetsAnybodyIn reads the whole store's records of users,
// sessions and tokens for what was typed or handed out.
func TestS8_NothingKeptLetsAnybodyIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.invite("ada@example.com", access.Administrator)
	b := w.browser()
	secret, _ := b.accept(token, "Ada", "")
	user, err := w.s.User(t.Context(), "ada@example.com")
	if err != nil {
		t.Fatal(err)
	}
	codes, err := w.s.NewRecoveryCodes(inside(t), user.Principal("s"), access.Proof{Password: password})
	if err != nil {
		t.Fatal(err)
	}
	_, api, err := w.s.MakeToken(t.Context(), access.Principal{Kind: access.Local}, access.APIToken{Name: "x", User: user.ID, Scope: access.Read})
	if err != nil {
		t.Fatal(err)
	}
	open := w.invite("bob@example.com", access.Member)
	secrets := append([]string{password, token, open, secret, b.cookie(), api}, codes...)
	kept := dump(t, w.store)
	for _, s := range secrets {
		if s == "" || strings.Contains(kept, s) || strings.Contains(kept, strings.ReplaceAll(s, "-", "")) {
			t.Errorf("the store holds %q", s)
		}
	}
	t.Attr("tries", strconv.Itoa(len(secrets)))
}
