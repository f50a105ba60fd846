package app

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/html"

	"rapport/internal/mailtest"
	"rapport/records/access"
	"rapport/store/veil"
	"rapport/web"
	"rapport/web/pages"
)

// watch looks through all that somebody is answered for words that are not
// theirs to read.
type watch struct {
	*person
	see   veil.Eyes
	name  string
	tries int
	seen  map[string]bool // mailbox and tier of the words that were shown
}

// tierOf is how much of the place of a mark somebody sees.
func (w *watch) tierOf(m mailtest.Mark) access.Tier {
	e := w.see
	if mailtest.OfProtected(m.Place) && e.Boxes[m.Box].Owner != e.Who.Address {
		return access.Private
	}
	return e.Mailbox(m.Box)
}

// needs is the tier that shows a place.
func needs(m mailtest.Mark) access.Tier {
	if mailtest.OfSubject(m.Place) {
		return access.Subject
	}
	return access.Full
}

// open asks for an address and judges the answer; redirections of our own are
// followed.
func (w *watch) open(path string) (status int, body string) {
	w.t.Helper()
	resp, body := w.get(path)
	w.judge("GET "+path, resp, body)
	if to := resp.Header.Get("Location"); resp.StatusCode == http.StatusSeeOther && strings.HasPrefix(to, "/") {
		resp, body = w.get(to)
		w.judge("GET "+path+", which leads to "+to, resp, body)
	}
	return resp.StatusCode, body
}

func (w *watch) judge(asked string, resp *http.Response, body string) {
	w.t.Helper()
	w.tries++
	if resp.StatusCode >= 500 {
		w.t.Errorf("%s: %s: %s\n%.300s", w.name, asked, resp.Status, body)
	}
	w.look(asked, fmt.Sprint(resp.Header)+body)
}

func (w *watch) look(asked, said string) {
	w.t.Helper()
	for _, m := range mailtest.Marks(said) {
		tier := w.tierOf(m)
		w.seen[m.Box+" "+string(needs(m))] = true
		if !tier.Shows(needs(m)) {
			w.t.Errorf("%s, who sees %q of mailbox %s, is answered %s on %s", w.name, tier, m.Box, m.Word, asked)
		}
	}
	if id := ofCleo.FindString(said); id != "" && !w.see.Mailbox("cleo").Shows(access.Metadata) && !strings.Contains(asked, id) && !strings.Contains(asked, url.PathEscape(id)) {
		w.t.Errorf("%s is answered %s of a private mailbox on %s", w.name, id, asked)
	}
}

// perPattern is how many pages are opened whose addresses differ in ids and in
// the values of their parameters only.
const perPattern = 3

// crawl follows links and forms that ask from the first page on.
func (w *watch) crawl() {
	w.t.Helper()
	table := http.NewServeMux()
	for _, rt := range pages.Routes() {
		table.HandleFunc(rt.Pattern, func(http.ResponseWriter, *http.Request) {})
	}
	queued, opened := map[string]bool{"/": true}, map[string]int{}
	for queue := []string{"/"}; len(queue) > 0; queue = queue[1:] {
		_, pattern := table.Handler(w.request(http.MethodGet, queue[0], "", ""))
		u, err := url.Parse(queue[0])
		if err != nil {
			w.t.Fatal(err)
		}
		kind := pattern
		for _, name := range slices.Sorted(func(yield func(string) bool) {
			for name := range u.Query() {
				if !yield(name) {
					return
				}
			}
		}) {
			kind += "&" + name
		}
		if opened[kind]++; opened[kind] > perPattern {
			continue
		}
		_, body := w.open(queue[0])
		for _, link := range linksOf(body) {
			if to, err := u.Parse(link); err == nil && to.Host == "" && strings.HasPrefix(to.Path, "/") && !strings.HasPrefix(to.Path, "/assets/") && !queued[to.RequestURI()] {
				queued[to.RequestURI()] = true
				queue = append(queue, to.RequestURI())
			}
		}
	}
}

// linksOf are where a page leads without changing anything.
func linksOf(page string) (out []string) {
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return nil
	}
	for n := range root.Descendants() {
		at := map[string]string{}
		for _, a := range n.Attr {
			at[a.Key] = a.Val
		}
		switch {
		case n.Data == "a" && at["href"] != "":
			out = append(out, at["href"])
		case n.Data == "iframe":
			out = append(out, at["src"])
		case n.Data == "form" && at["method"] != "post":
			out = append(out, at["action"])
		}
	}
	return out
}

// ofCleo is part of a Message-ID of the private mailbox.
var ofCleo = regexp.MustCompile(`cleo[1-8]@(press|example)`)

// tryNames opens every page that takes the name of a message with names of
// messages, whether anything links there or not, and the others with those of
// people.
func (w *watch) tryNames(messages []string) {
	w.t.Helper()
	for _, rt := range pages.Routes() {
		path, reads := strings.CutPrefix(rt.Pattern, "GET ")
		if !reads || !strings.Contains(path, "{id}") {
			continue
		}
		names, more := []string{"carl@press.example", "press.example"}, []string{"", "?with=Press+Works"}
		if strings.HasPrefix(path, "/messages/") {
			names, more = messages, []string{"", "?why=1&view=html&images=1"}
		}
		for _, name := range names {
			path := strings.ReplaceAll(path, "{id}", url.PathEscape(name))
			if !strings.Contains(path, "{part}") {
				for _, more := range more {
					w.open(path + more)
				}
				continue
			}
			for _, part := range []string{"0", "1", "2"} {
				w.open(strings.ReplaceAll(path, "{part}", part))
			}
		}
	}
}

// tryWords searches for words that are not theirs to read: the page that comes
// is the one of a word that nobody wrote.
func (w *watch) tryWords(some int) {
	w.t.Helper()
	var hidden []string
	for _, box := range officeBoxes {
		for _, m := range mailtest.MarksOf(box.name) {
			if !w.tierOf(m).Shows(needs(m)) {
				hidden = append(hidden, m.Word)
			}
		}
	}
	rand.Shuffle(len(hidden), func(i, j int) { hidden[i], hidden[j] = hidden[j], hidden[i] })
	for _, word := range hidden[:min(some, len(hidden))] {
		never := "zy" + word[2:len(word)-2] + "yq" // as long, and nobody's
		for _, at := range []string{"/search?q=%s", "/search?q=carl+-%s", "/contacts?q=%s", "/api/v1/search?q=%s", "/settings/audit?who=%s", "/contacts/%s", "/messages/%s"} {
			w.tries++
			got, want := w.answer(fmt.Sprintf(at, word)), w.answer(fmt.Sprintf(at, never))
			if got := strings.ReplaceAll(got, word, never); got != want {
				w.t.Errorf("%s can tell on %s that the word stands somewhere:\n%s\n%s", w.name, fmt.Sprintf(at, word), got, want)
			}
		}
	}
}

func (w *watch) answer(path string) string {
	w.t.Helper()
	resp, body := w.get(path)
	return resp.Status + "\n" + body
}

// names are the names of all messages, whoever may see them.
func (o *office) names() (names []string) {
	o.t.Helper()
	for _, of := range o.messages() {
		for _, m := range of {
			names = append(names, string(m.ID), m.Head.MessageID)
		}
	}
	return names
}

// TestS9_PagesHoldTheTiers signs readers of every tier in, and nobody, lets
// them follow every link, ask for everything by its name and search for words
// that are not theirs, and looks in all they are answered, calendar and export
// included, for words they may not read. Nothing of it changes the store.
func TestS9_PagesHoldTheTiers(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	names := o.names()
	if len(names) < 50 {
		t.Fatalf("only %d names are known: %q", len(names), names)
	}
	feeds := o.feeds()
	for _, p := range o.staff { // the use of a session is written down now and then
		p.get("/account")
	}
	o.settle()
	before := o.bytes()
	var tries atomic.Int64
	var all sync.WaitGroup
	for name, p := range withStranger(o) {
		w := &watch{person: p, see: p.eyes(), name: name, seen: map[string]bool{}}
		all.Go(func() {
			w.everything(names, feeds[name])
			tries.Add(int64(w.tries))
		})
	}
	all.Wait()
	if o.bytes() != before {
		t.Error("reading has changed the store")
	}
	t.Attr("tries", strconv.FormatInt(tries.Load(), 10))
}

// everything reads all there is, every way there is.
func (w *watch) everything(names []string, feed string) {
	w.crawl()
	w.tryNames(someOf(names))
	w.tryWords(hiddenWords)
	for _, path := range []string{"/contacts/carl@press.example/export", "/timeline?who=carl@press.example", "/audit", "/today", "/reviews", "/suggestions", "/follow-ups", "/export", "/store/backup"} {
		w.open("/api/v1" + path)
	}
	if feed != "" {
		if status, body := w.open(feed); status != http.StatusOK || !strings.Contains(body, "BEGIN:VEVENT") {
			w.t.Errorf("the calendar of %s: %d %s", w.name, status, body)
		}
	}
	for _, box := range []string{"ada", "ben", "dora"} { // the private one's mail is on no timeline
		for _, tier := range []access.Tier{access.Subject, access.Full} {
			if w.see.Mailbox(box).Shows(tier) && !w.seen[box+" "+string(tier)] {
				w.t.Errorf("%s is to see %s of mailbox %s, and was shown no word of it", w.name, tier, box)
			}
		}
	}
}

// raced says that the race detector watches, under which a request takes many
// times as long: then some read, others each time, and all of them in the pass
// without it.
var raced bool

// withStranger are the staff of an office, and somebody who is not signed in.
func withStranger(o *office) map[string]*person {
	all := map[string]*person{"": o.stranger()}
	for name, p := range o.staff { // in any order
		if raced && len(all) > 2 {
			break
		}
		all[name] = p
	}
	return all
}

// someOf are as many names as the size of the test allows, others each time.
func someOf(names []string) []string {
	names = slices.Clone(names)
	rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names[:min(triedNames, len(names))]
}

// feeds hands out a calendar to each member who signs in, with something in it.
func (o *office) feeds() map[string]string {
	o.t.Helper()
	out := map[string]string{}
	for _, name := range []string{"ada", "ben"} {
		made, err := o.client.AddCalendar(o.local, name+"@example.com")
		if err != nil {
			o.t.Fatal(err)
		}
		out[name] = made.Path
	}
	for _, m := range slices.Concat(o.messages()["dora"], o.messages()["ada"]) {
		if m.Protected {
			continue
		}
		for _, owner := range []string{"ada@example.com", "ben@example.com"} {
			if _, err := o.client.AddFollowUp(o.local, web.FollowUpInput{Message: m.ID, Due: "2026-03-09", Owner: owner}); err != nil {
				o.t.Fatal(err)
			}
		}
	}
	if _, err := o.client.AddFollowUp(o.local, web.FollowUpInput{Who: "carl@press.example", Due: "2026-03-09", Owner: "ben@example.com", Note: "ring Carl"}); err != nil {
		o.t.Fatal(err)
	}
	return out
}
