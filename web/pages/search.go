package pages

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"rapport/records/access"
	"rapport/web"
)

// searchRoutes is the page to search on.
func (p *Pages) searchRoutes() []route {
	return []route{{pattern: "GET /search", need: access.Read, serve: showSearch}}
}

// The most people and organisations that stand above what was said.
const namesAbove = 5

// found is the page of a search.
type found struct {
	Query         string
	Best          bool // best first instead of newest
	Contacts      []web.Contact
	Organisations []web.Organisation
	Entries       []hit
	Older         string
	Trouble       string // why the search cannot be made, in English
	Narrower      []choice
	Operators     []operator
}

// Begun reports whether anything was asked.
func (f found) Begun() bool { return f.Query != "" }

// Nothing reports whether nothing was found.
func (f found) Nothing() bool {
	return f.Begun() && f.Trouble == "" && len(f.Contacts)+len(f.Organisations)+len(f.Entries) == 0
}

// hit is an entry that was found.
type hit struct{ entry }

// Where is the page of what was found: the message, or the history it is in.
func (h hit) Where() string {
	switch {
	case h.Message != nil:
		return "/messages/" + string(h.Message.ID)
	case h.Contact != "":
		return "/contacts/" + string(h.Contact)
	case h.Organisation != "":
		return "/organisations/" + string(h.Organisation)
	}
	return "/"
}

// Of is whose history it is in.
func (h hit) Of() (out []named) {
	for _, c := range h.Contacts {
		out = append(out, named{ID: c.ID, Name: c.Name, Path: "/contacts/" + c.ID})
	}
	if len(out) == 0 {
		for _, o := range h.Organisations {
			out = append(out, named{ID: o.ID, Name: o.Name, Path: "/organisations/" + o.ID})
		}
	}
	return out
}

// SubjectParts is the subject with what was found in it marked.
func (h hit) SubjectParts() []web.Fragment {
	whole := 0
	for _, f := range h.SubjectPassage {
		whole += len(f.Text)
	}
	if whole == len(h.Subject) && whole > 0 {
		return h.SubjectPassage
	}
	return []web.Fragment{{Text: h.Subject}}
}

// operator is one line of the help to search.
type operator struct{ Example, Key string }

var operators = []operator{
	{"tea invoice", "search.op.words"}, {`"green tea"`, "search.op.phrase"}, {"deliver*", "search.op.prefix"}, {"tea OR coffee", "search.op.or"},
	{"-newsletter", "search.op.not"}, {"from:grace", "search.op.from"}, {"to:ada", "search.op.to"}, {"with:lindenhof.example", "search.op.with"},
	{"subject:invoice", "search.op.subject"}, {"file:pdf", "search.op.file"},
	{"in:sent", "search.op.in"}, {"on:2026-03", "search.op.on"}, {"before:2026-03", "search.op.before"}, {"after:2026-01-15", "search.op.after"}, {"has:attachment", "search.op.attachment"},
}

func showSearch(v *visit) error {
	f := found{Query: strings.TrimSpace(v.Query("q")), Best: v.Query("order") == "best", Operators: operators}
	if f.Query == "" {
		return v.show("search", "search.title", f)
	}
	f.narrower(v)
	cursor := v.Query("cursor")
	if cursor == "" && !strings.ContainsAny(f.Query, ":\"*()") {
		if err := f.names(v); err != nil {
			return err
		}
	}
	page, err := f.search(v, cursor)
	switch p := known(err); {
	case p.Status == http.StatusBadRequest, p.Status == http.StatusNotFound:
		f.Trouble = p.Detail
	case err != nil:
		return err
	}
	members, err := v.client().Members(v.ctx())
	if err != nil {
		return err
	}
	for _, e := range page.Items {
		f.Entries = append(f.Entries, hit{entry{Entry: e, ByName: memberName(members.Items, e.By)}})
	}
	if page.Next != "" {
		f.Older = f.at(f.Query, f.Best) + "&cursor=" + url.QueryEscape(page.Next)
	}
	return v.show("search", "search.title", f)
}

// search finds entries, newest or best first.
func (f *found) search(v *visit, cursor string) (web.Page[web.Entry], error) {
	if f.Best {
		return v.client().SearchBest(v.ctx(), f.Query, perHistory)
	}
	return v.client().Search(v.ctx(), f.Query, web.Slice{Cursor: cursor, Limit: perHistory})
}

// at is the page of a search.
func (f *found) at(query string, best bool) string {
	q := url.Values{"q": {query}}
	if best {
		q.Set("order", "best")
	}
	return "/search?" + q.Encode()
}

// names finds people and organisations that are called what was typed.
func (f *found) names(v *visit) error {
	contacts, err := v.client().Contacts(v.ctx(), web.Filter{Text: f.Query}, web.Slice{Limit: namesAbove})
	if err != nil {
		return err
	}
	firms, err := v.client().Organisations(v.ctx(), web.Filter{Text: f.Query}, web.Slice{Limit: namesAbove})
	f.Contacts, f.Organisations = contacts.Items, firms.Items
	return err
}

// narrower offers what makes a search find less, and the best first; each turns
// itself off again.
func (f *found) narrower(v *visit) {
	now := v.Now.In(v.Zone)
	for _, n := range []struct{ words, key string }{
		{"has:attachment", "search.chip.attachment"},
		{"after:" + strconv.Itoa(now.Year()), "search.chip.year"},
		{"after:" + now.AddDate(0, 0, -30).Format("2006-01-02"), "search.chip.month"},
	} {
		words := strings.Fields(f.Query)
		chosen, rest := false, words[:0:0]
		for _, w := range words {
			if w == n.words {
				chosen = true
			} else {
				rest = append(rest, w)
			}
		}
		if !chosen {
			rest = append(rest, n.words)
		}
		f.Narrower = append(f.Narrower, choice{n.words, n.key, f.at(strings.Join(rest, " "), f.Best), chosen})
	}
	f.Narrower = append(f.Narrower, choice{"best", "search.chip.best", f.at(f.Query, !f.Best), f.Best})
}
