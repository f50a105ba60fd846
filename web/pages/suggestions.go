package pages

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"rapport/records/access"
	"rapport/web"
)

// suggestionRoutes are the correspondents nobody knows.
func (p *Pages) suggestionRoutes() []route {
	return []route{
		{pattern: "GET /suggestions", need: access.Read, serve: suggestions},
		{pattern: "POST /suggestions", need: access.Write, serve: decideSuggestions},
	}
}

// maxAtOnce is how many lines are decided with one press.
const maxAtOnce = 100

// suggestionList is the page of suggestions.
type suggestionList struct {
	Items  []web.Suggestion
	Older  string
	At     int // the line the keyboard is at; -1: none
	Cursor string
}

func suggestions(v *visit) error {
	page, err := v.client().Suggestions(v.ctx(), v.slice())
	if err != nil {
		return err
	}
	return v.show("suggestions", "nav.suggestions", suggestionList{page.Items, v.older(page.Next), v.at(len(page.Items)), v.Query("cursor")})
}

// at is the line of a list that follows the one just decided, which the
// browser gives the keyboard to.
func (v *visit) at(lines int) int {
	n, err := strconv.Atoi(v.Query("at"))
	if err != nil || n < 0 || lines == 0 {
		return -1
	}
	return min(n, lines-1)
}

// again is the list a decision was made in, at the line that follows.
func (v *visit) again(path string) string {
	q := url.Values{}
	for _, key := range []string{"cursor", "at"} {
		if value := v.form(key); value != "" {
			q.Set(key, value)
		}
	}
	return address(path, q)
}

// decideSuggestions accepts or ignores the chosen ones, or the one whose button
// was pressed: its value is what to do, then whom.
func decideSuggestions(v *visit) error {
	do, chosen := v.decision()
	if len(chosen) == 0 {
		return v.notDone(v.again("/suggestions"), "list.none_chosen")
	}
	var audits []string
	gone := 0
	for _, who := range chosen {
		undo, err := v.decideSuggestion(do, who)
		switch {
		case status(err) == http.StatusNotFound: // decided by somebody else, or with the domain
			gone++
		case err != nil && len(audits) == 0:
			return err
		case err != nil:
			return v.done(v.again("/suggestions"), strings.Join(audits, " "), "suggestion.partly", "n", v.N(len(audits)), "why", v.problemOf(err).Detail)
		}
		audits = append(audits, undo...)
	}
	if len(audits) == 0 {
		return v.notDone(v.again("/suggestions"), "suggestion.gone")
	}
	key := "suggestion.accepted"
	if do == "ignore" {
		key = "suggestion.ignored"
	}
	undo := ""
	if len(audits) <= maxAtOnce {
		undo = strings.Join(audits, " ")
	}
	return v.done(v.again("/suggestions"), undo, key, "n", v.N(len(audits)))
}

// decision reads what a list's form asks for: a button of one line says what
// and whom, one for all chosen lines only what.
func (v *visit) decision() (do string, chosen []string) {
	if one := v.form("one"); one != "" {
		do, who, _ := strings.Cut(one, " ")
		return do, []string{who}
	}
	if err := v.r.ParseForm(); err != nil {
		return "", nil
	}
	chosen = v.r.PostForm["who"]
	return v.form("do"), chosen[:min(len(chosen), maxAtOnce)]
}

var errNoSuchDeed = &web.Problem{Status: http.StatusBadRequest, Code: "invalid"}

// decideSuggestion does one, and returns the audit ids that undo it.
func (v *visit) decideSuggestion(do, who string) ([]string, error) {
	switch do {
	case "customer", "partner":
		out, err := v.client().AcceptSuggestion(v.ctx(), web.Accept{Who: who, Kind: do})
		return out.Audits, err
	case "ignore":
		out, err := v.client().IgnoreSuggestion(v.ctx(), who)
		return out.Audits, err
	}
	return nil, errNoSuchDeed
}
