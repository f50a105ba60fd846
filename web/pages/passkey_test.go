package pages_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"rapport/internal/browser"
	"rapport/records/access"
	"rapport/web"
)

// TestPasskeyInABrowser sets up the first administrator with a passkey, signs
// out and in with it, as a person does in a browser, by the name localhost: an
// address of numbers can have no passkeys. A device that does not know who is
// before it, and one without the passkey, let nobody in.
func TestPasskeyInABrowser(t *testing.T) {
	t.Parallel()
	s := newSite(t, "ada")
	origin := strings.Replace(s.origin, "127.0.0.1", "localhost", 1)
	made, err := s.client.InviteUser(t.Context(), web.Invite{Address: "ada@kestrel.example", Name: "Ada Byron", Role: access.Administrator})
	if err != nil {
		t.Fatal(err)
	}
	link, err := url.Parse(made.Link)
	if err != nil {
		t.Fatal(err)
	}
	p := browser.Start(t).Open(t, browser.Options{Origin: origin})
	device := p.Device()

	p.Goto("/setup?" + link.RawQuery)
	p.Click(`form[data-passkey="add"] button`)
	on(t, p, "/account?welcome=1")
	says(t, p, "Ada Byron")
	p.Goto("/contacts")
	on(t, p, "/contacts")

	signOut(p)
	on(t, p, "/sign-in")
	p.Goto("/sign-in?next=%2Fkeys")
	device.Knows(false)
	refusedAt(t, p)
	device.Knows(true)
	p.Click(`form[data-passkey="sign-in"] button`)
	on(t, p, "/keys")

	signOut(p)
	device.Forget()
	p.Goto("/sign-in")
	refusedAt(t, p)
	p.Goto("/contacts")
	on(t, p, "/sign-in?next=%2Fcontacts")
	if faults := p.Heard().Faults(); len(faults) > 0 {
		t.Errorf("on the way: %q", faults)
	}
}

// signOut opens the menu and presses its button.
func signOut(p *browser.Page) {
	p.Do(chromedp.Click(chromedp.CSS("header details summary"), chromedp.NodeVisible))
	p.Click(`form[action="/auth/sign-out"] button`)
}

// refusedAt tries to sign in with what the device has, in vain.
func refusedAt(t *testing.T, p *browser.Page) {
	t.Helper()
	var clicked bool
	p.Eval(`(document.querySelector('form[data-passkey="sign-in"] button').click(), true)`, &clicked)
	p.Until("the page says why not", `document.querySelector('form[data-passkey="sign-in"] [role=status]').textContent !== ""`)
	on(t, p, "/sign-in")
}
