package pages

import (
	"net/http"
	"slices"
	"strings"

	"rapport/records/access"
)

// frameRoutes are what every page offers.
func (p *Pages) frameRoutes() []route {
	return []route{
		{pattern: "POST /preferences", need: access.Anyone, serve: preferences},
		{pattern: "POST /undo", need: access.Write, serve: undo},
		{pattern: "GET /keys", need: access.Anyone, serve: keys},
	}
}

// preferences keeps how a reader likes the pages, in cookies of the reader's
// browser.
func preferences(v *visit) error {
	if err := v.r.ParseForm(); err != nil {
		return err
	}
	for name, sound := range map[string]func(string) bool{
		themeCookie:    func(s string) bool { return s == "light" || s == "dark" },
		languageCookie: v.Pages.languages.has,
		zoneCookie:     func(s string) bool { return zone(s, nil) != nil },
		keysCookie:     func(s string) bool { return s == "off" },
	} {
		if !v.r.PostForm.Has(name) {
			continue
		}
		if value := v.form(name); sound(value) {
			v.setCookie(name, value, choiceLasts)
		} else {
			v.setCookie(name, "", -1)
		}
	}
	return v.redirect(v.form("back"))
}

// undo takes back what audit lines say was done, the last of them first.
func undo(v *visit) error {
	back := v.form("back")
	lines := strings.Fields(v.form("audit"))
	key := "flash.undone"
	for n, line := range slices.Backward(lines[:min(len(lines), maxAtOnce)]) {
		out, err := v.client().Undo(v.ctx(), line)
		if err != nil && n < len(lines)-1 {
			return v.notDone(back, "flash.undone_partly", "n", v.N(len(lines)-1-n), "why", v.problemOf(err).Detail)
		}
		if err != nil {
			return err
		}
		if out.Note != "" {
			key = "flash.undone_later"
		}
	}
	return v.done(back, "", key)
}

// key is one key and the name of the sentence that says what it does.
type key struct{ Key, Does string }

// keys shows which keys do what, and lets them be turned off: somebody who
// dictates types letters without meaning to.
func keys(v *visit) error {
	return v.show("keys", "keys.title", []key{
		{"/", "keys.find"}, {"?", "keys.help"}, {"j", "keys.next"}, {"k", "keys.previous"}, {"o", "keys.open"},
		{"n", "keys.note"}, {"e", "keys.edit"}, {"a", "keys.accept"}, {"i", "keys.ignore"}, {"x", "keys.select"},
		{"p", "keys.partner"}, {"d", "keys.domain"}, {"f", "keys.filter"}, {"l", "keys.later"}, {"u", "keys.undo"}, {"m", "keys.more"}, {"g", "keys.go"},
	})
}

// KeysOff reports whether the reader wants no single keys to do anything.
func (v *visit) KeysOff() bool { return cookie(v.r, keysCookie) == "off" }

// ChosenLanguage is the language the reader chose, "" for the browser's.
func (v *visit) ChosenLanguage() string { return cookie(v.r, languageCookie) }

// ZoneName is the reader's time zone; the server's own is known as Local only.
func (v *visit) ZoneName() string {
	if name := v.Zone.String(); name != "Local" {
		return name
	}
	name, _ := v.Now.In(v.Zone).Zone()
	return name
}

// HasPage reports whether there is a page at a path.
func (v *visit) HasPage(path string) bool { return v.Pages.shown[path] }

// place is one entry of the navigation.
type place struct {
	Path, Key, Icon, Go string // Go: the key after g
	Here                bool
}

var places = []place{
	{Path: "/", Key: "nav.today", Icon: "today", Go: "t"},
	{Path: "/contacts", Key: "nav.people", Icon: "people", Go: "p"},
	{Path: "/organisations", Key: "nav.organisations", Icon: "organisation", Go: "o"},
	{Path: "/search", Key: "nav.search", Icon: "search"},
	{Path: "/suggestions", Key: "nav.suggestions", Icon: "suggestion", Go: "s"},
	{Path: "/reviews", Key: "nav.reviews", Icon: "review", Go: "r"},
	{Path: "/sales", Key: "nav.sales", Icon: "sale"},
	{Path: "/cases", Key: "nav.cases", Icon: "warning"},
	{Path: "/campaigns", Key: "nav.campaigns", Icon: "campaign", Go: "c"},
	{Path: "/mailboxes", Key: "nav.mailboxes", Icon: "mailbox"},
	{Path: "/settings", Key: "nav.settings", Icon: "settings"},
}

// Places are where the navigation leads: the pages there are.
func (v *visit) Places() []place {
	var out []place
	for _, at := range places {
		if !v.Pages.shown[at.Path] {
			continue
		}
		at.Here = v.Path() == at.Path || at.Path != "/" && strings.HasPrefix(v.Path(), at.Path+"/")
		out = append(out, at)
	}
	return out
}

// Known reports whether the reader may see more than the page to sign in.
func (v *visit) Known() bool { return v.Who.Kind != access.Nobody }

// isForm reports whether a request carries a form.
func isForm(r *http.Request) bool { return r.Method == http.MethodPost }
