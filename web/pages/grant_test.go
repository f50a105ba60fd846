package pages_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"rapport/internal/browser"
	"rapport/internal/mailtest"
)

// TestSignInAtTheProvider signs in for a sender that takes no password: by a
// code typed elsewhere, which the page notices by itself, and, in a browser
// without scripts, by the address of the last page of a browser elsewhere. In
// between its page is looked at in every state and look.
func TestSignInAtTheProvider(t *testing.T) {
	t.Parallel()
	issuer := mailtest.NewIssuer()
	t.Cleanup(issuer.Close)
	issuer.Microsoft, issuer.Person = true, "letters@kestrel.example"
	s := newSiteWith(t, fmt.Sprintf("senders:\n  - {name: letters, host: \"127.0.0.1:1\", tls: none, user: letters@kestrel.example, from: letters@kestrel.example, "+
		"oauth: {issuer: microsoft, client_id: app, token_url: %q, auth_url: %q, device_url: %q}}\n", issuer.URL+"/token", issuer.URL+"/authorize", issuer.URL+"/device"), "ada")
	b := browser.Start(t)
	const page = "/mailboxes/sign-in/letters"
	open := map[browser.Options]*browser.Page{}
	for _, o := range looks(s.origin) {
		open[o] = b.Open(t, o)
	}
	looked := func(state string) {
		t.Helper()
		for o, p := range open {
			for _, path := range []string{"/mailboxes", page} { // the first follows what happens, as few may at once
				for _, fault := range append(append(p.Goto(path).Faults(), p.Overflow()...), p.Axe()...) {
					t.Errorf("%s, %s: %s", state, name(path, o), fault)
				}
				if *screenshots != "" {
					p.Screenshot(filepath.Join(*screenshots, state+name(path, o)))
				}
			}
		}
	}
	p := b.Open(t, browser.Options{Origin: s.origin})
	p.Goto("/mailboxes")
	p.Click(`a[href="` + page + `"]`)
	on(t, p, page)
	says(t, p, "Nobody has signed in")
	looked("nobody")
	p.Click(`form button[value="device"]`)
	on(t, p, page)
	var code string
	p.Eval(`document.querySelector("code.link").textContent`, &code)
	looked("code")
	if err := issuer.Approve(code); err != nil {
		t.Fatal(err)
	}
	p.Until("the page notices the sign-in", `document.querySelector("#grant .badge.good") !== null`)
	looked("made")

	p = b.Open(t, browser.Options{Origin: s.origin, NoScript: true, Width: 360})
	p.Goto(page)
	p.Click(`form button[value="code"]`)
	on(t, p, page)
	looked("browser")
	var at string
	p.Eval(`document.querySelector("#grant a.main").href`, &at)
	address, err := issuer.Browse(at, false)
	if err != nil {
		t.Fatal(err)
	}
	forged := strings.Replace(address, "state=", "state=A", 1)
	for _, given := range []struct{ address, says string }{{forged, "belongs to no sign-in"}, {address, "Taken"}} {
		p.Do(chromedp.SendKeys(chromedp.CSS("#address"), given.address))
		p.Click(`#grant form button`)
		on(t, p, page)
		says(t, p, given.says)
	}
	p.Goto(page)
	p.Do(chromedp.Click(chromedp.CSS("#grant-end summary")), chromedp.Click(chromedp.CSS("#grant-end input[type=checkbox]")))
	p.Click("#grant-end form button")
	on(t, p, page)
	says(t, p, "is forgotten")
	if faults := p.Heard().Faults(); len(faults) > 0 {
		t.Errorf("on the way: %q", faults)
	}
}
