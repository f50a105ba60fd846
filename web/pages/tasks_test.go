package pages_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"rapport/internal/browser"
)

// keysLead presses keys that lead to another page, and waits for that page.
func keysLead(t *testing.T, p *browser.Page, keys string) {
	t.Helper()
	p.Follow(browser.Press(keys))
}

// tabTo goes from field to field until the expression is true of the one that
// has the focus.
func tabTo(t *testing.T, p *browser.Page, what, expression string) {
	t.Helper()
	for range 200 {
		p.Keys(kb.Tab)
		var there bool
		p.Eval("(e => !!("+expression+"))(document.activeElement)", &there)
		if there {
			return
		}
	}
	t.Fatalf("%s cannot be reached with the Tab key on %s", what, p.Path())
}

// on demands the page that a step should have led to.
func on(t *testing.T, p *browser.Page, begins string) {
	t.Helper()
	if path := p.Path(); !strings.HasPrefix(path, begins) {
		t.Fatalf("at %s; want a page below %s:\n%.200s", path, begins, p.Text())
	}
}

// says demands a text of the page as it is shown.
func says(t *testing.T, p *browser.Page, want string) {
	t.Helper()
	if text := p.Text(); !strings.Contains(text, want) {
		t.Fatalf("%s does not say %q:\n%.600s", p.Path(), want, text)
	}
}

// TestKeyboardOnly does a day's work without a mouse: finds a person, reads the
// last message, adds a note, clears the suggestions, and tries a webhook.
func TestKeyboardOnly(t *testing.T) {
	t.Parallel()
	p := browser.Start(t).Open(t, browser.Options{Origin: startDemo(t)})
	p.Goto("/contacts")
	p.Keys("/Okafor")
	keysLead(t, p, kb.Enter)
	on(t, p, "/search?q=Okafor")
	p.Keys("j")
	keysLead(t, p, "o")
	on(t, p, "/contacts/")
	says(t, p, "Grace Okafor")
	person := p.Path()

	p.Keys("j")
	keysLead(t, p, kb.Enter)
	on(t, p, "/messages/")
	says(t, p, "the tins are a joy")
	tabTo(t, p, "the person's record", `e.getAttribute("href") === "`+person+`"`)
	keysLead(t, p, kb.Enter)
	on(t, p, person)

	p.Keys("n")
	p.Until("the note can be written", `document.activeElement.matches("textarea")`)
	p.Keys("Likes the oolong best")
	tabTo(t, p, "the button that adds the note", `e.matches("button") && e.closest("form").querySelector("#note-text")`)
	keysLead(t, p, kb.Enter)
	on(t, p, person)
	says(t, p, "Likes the oolong best")

	p.Keys("g")
	keysLead(t, p, "s")
	on(t, p, "/suggestions")
	for i, key := range []string{"a", "i", "i"} {
		if i == 0 {
			p.Keys("j")
		} // the next one has the focus from then on
		keysLead(t, p, key)
		on(t, p, "/suggestions")
	}
	says(t, p, "Nobody")

	p.Goto("/settings/webhooks")
	p.Keys("j")
	keysLead(t, p, "o")
	on(t, p, "/settings/webhooks/")
	tabTo(t, p, "the button that tries a webhook", `e.matches("form[action$='/test'] button")`)
	keysLead(t, p, kb.Enter)
	says(t, p, "The test was taken.")
	if faults := p.Heard().Faults(); len(faults) > 0 {
		t.Errorf("on the way: %q", faults)
	}
}

// TestWithoutJavaScript does the same by links and forms in a browser that
// runs no scripts.
func TestWithoutJavaScript(t *testing.T) {
	t.Parallel()
	p := browser.Start(t).Open(t, browser.Options{Origin: startDemo(t), NoScript: true, Width: 360})
	p.Goto("/contacts")
	p.Do(chromedp.SendKeys(chromedp.CSS("#find"), "Okafor"))
	p.Click("header form button")
	on(t, p, "/search?q=Okafor")
	p.Click("#results a[data-open]")
	on(t, p, "/contacts/")
	person := p.Path()
	p.Click("main [data-row] a[data-open]")
	on(t, p, "/messages/")
	says(t, p, "the tins are a joy")
	p.Click(`main a[href="` + person + `"]`)
	p.Do(chromedp.Click(chromedp.CSS(`summary[data-key="n"]`)), chromedp.SendKeys(chromedp.CSS("details[open] textarea"), "Likes the oolong best"))
	p.Click("details[open] form button")
	on(t, p, person)
	says(t, p, "Likes the oolong best")
	p.Goto("/suggestions")
	for _, do := range []string{"customer", "partner", "ignore"} {
		p.Click(`#decide li button[value^="` + do + ` "]`)
		on(t, p, "/suggestions")
	}
	says(t, p, "Nobody")
	p.Goto("/settings/webhooks")
	p.Click("main [data-row] a[data-open]")
	on(t, p, "/settings/webhooks/")
	p.Click("form[action$='/paused'] button")
	says(t, p, "Paused.")
	p.Do(chromedp.Click(chromedp.CSS("#remove summary")), chromedp.Click(chromedp.CSS("#remove input[type=checkbox]")))
	p.Click("#remove form button")
	says(t, p, "No program is told what happens.")
	if faults := p.Heard().Faults(); len(faults) > 0 {
		t.Errorf("on the way: %q", faults)
	}
}
