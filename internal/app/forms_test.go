package app

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"rapport/records/access"
	"rapport/records/message"
	"rapport/store"
	"rapport/web"
	"rapport/web/pages"
)

// deed is one thing a form of a page does, filled in so that it is done when
// sent by who may.
type deed struct {
	who     *person // who may; nil: an administrator
	path    string
	form    url.Values
	foreign []foreignForm
	sends   bool // what it does is done elsewhere, and may leave the store as it is
	file    bool // the form is one that may carry a file
	keeps   bool // what it changes is kept by the browser, not in the store
}

// foreignForm is the same form about what is not shown to its sender, or is
// somebody else's.
type foreignForm struct {
	who  *person
	path string
	form url.Values
}

// others makes the same form for each name of what is not a person's.
func others(who *person, make func(name string) (string, url.Values), names ...string) (out []foreignForm) {
	for _, name := range names {
		path, form := make(name)
		out = append(out, foreignForm{who, path, form})
	}
	return out
}

func fields(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

// about makes a deed whose path names what it is about.
func about(path, id string, form url.Values) deed {
	return deed{path: strings.ReplaceAll(path, "{id}", url.PathEscape(id)), form: form}
}

// TestS9_EveryFormIsRefused sends every form the pages have without a session,
// with one that has ended, from another site's page, in a role that may not,
// and about what is somebody else's: each is refused, and not a byte of the
// store changes. Then it is sent by who may, and does what it is for.
func TestS9_EveryFormIsRefused(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	deeds := o.deeds()
	m := &matrix{office: o, ended: o.endedSession()}
	for _, rt := range pages.Routes() {
		method, path, _ := strings.Cut(rt.Pattern, " ")
		if method == http.MethodGet {
			continue
		}
		prepare, known := deeds[path]
		if !known {
			t.Errorf("%s: this test has no form for it; write one beside the others", rt.Pattern)
			continue
		}
		m.try(rt, prepare())
	}
	if m.forms < 30 {
		t.Errorf("only %d forms change anything", m.forms)
	}
	t.Attr("tries", strconv.Itoa(m.tries))
}

// matrix is one form after the other, and who sends it.
type matrix struct {
	*office
	ended *person
	forms int
	tries int
}

func (o *office) endedSession() *person {
	o.t.Helper()
	p := o.staff["mag"].signIn()
	held := p.http.Jar
	jar := browserOf(o.t)
	u, err := url.Parse(o.server.URL)
	if err != nil {
		o.t.Fatal(err)
	}
	jar.Jar.SetCookies(u, held.Cookies(u)) // a copy that signing out does not reach
	p.post("/auth/sign-out", nil)
	return &person{office: o, http: jar}
}

// try sends one form in every way it is to be refused, then as it may be.
func (m *matrix) try(rt pages.Route, d deed) {
	m.t.Helper()
	m.forms++
	if d.who == nil {
		d.who = m.staff["mag"]
	}
	for _, p := range m.senders(rt, d) { // the use of a session is written down now and then
		p.get("/keys")
	}
	m.settle()
	before, stamp := m.bytes(), m.stamp()
	refused := func(what string, who *person, path string, form url.Values, header map[string]string, codes ...int) {
		m.t.Helper()
		m.tries++
		r := who.form(deed{path: path, form: form, file: d.file})
		for name, value := range header {
			r.Header.Set(name, value)
		}
		resp, body := who.do(r)
		ok := false
		for _, code := range codes {
			ok = ok || resp.StatusCode == code
		}
		if !ok || d.keeps && len(resp.Cookies()) > 0 {
			m.t.Errorf("%s %s: %s %.200s", rt.Pattern, what, resp.Status, body)
		}
		if m.stamp() != stamp {
			m.t.Errorf("%s %s: the store has changed", rt.Pattern, what)
			stamp = m.stamp()
		}
	}
	for what, header := range map[string]map[string]string{
		"of another origin":          {"Origin": "https://evil.example"},
		"of no origin":               {"Origin": "null"},
		"of another site":            {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
		"of a neighbour":             {"Sec-Fetch-Site": "same-site"},
		"of another site as our own": {"Sec-Fetch-Site": "cross-site", "Origin": m.server.URL},
	} {
		refused(what, d.who, d.path, d.form, header, http.StatusForbidden)
	}
	if rt.Need != access.Anyone {
		refused("without a session", m.stranger(), d.path, d.form, nil, http.StatusSeeOther)
		refused("with a session that has ended", m.ended, d.path, d.form, nil, http.StatusSeeOther)
	}
	for _, name := range mayNot[rt.Need] {
		refused("as "+name, m.staff[name], d.path, d.form, nil, http.StatusForbidden)
	}
	for _, f := range d.foreign {
		refused("about "+f.path+" "+f.form.Encode()+" as "+f.who.address, f.who, f.path, f.form, nil,
			http.StatusNotFound, http.StatusForbidden, http.StatusBadRequest, http.StatusSeeOther)
	}
	d.who.get(d.path + "?" + d.form.Encode()) // a link does nothing
	if m.bytes() != before {
		m.t.Errorf("%s: the store is not what it was, to the byte", rt.Pattern)
	}
	m.done(rt, d)
}

// senders are who sends a form with a session.
func (m *matrix) senders(rt pages.Route, d deed) []*person {
	all := []*person{d.who}
	for _, name := range mayNot[rt.Need] {
		all = append(all, m.staff[name])
	}
	for _, f := range d.foreign {
		all = append(all, f.who)
	}
	return all
}

// mayNot are who may not do what needs a right.
var mayNot = map[access.Need][]string{
	access.Manage: {"ada", "ben", "rea", "dat"},
	access.Write:  {"rea", "dat", "nil"},
}

// done sends the form as it may be sent, and demands that it changes what it is
// to change.
func (m *matrix) done(rt pages.Route, d deed) {
	m.t.Helper()
	before := m.bytes()
	resp, body := d.who.do(d.who.form(d))
	if resp.StatusCode != http.StatusSeeOther && resp.StatusCode != http.StatusOK {
		m.t.Errorf("%s by who may: %s %.300s", rt.Pattern, resp.Status, body)
	}
	if d.sends {
		return
	}
	if d.keeps && len(resp.Cookies()) == 0 || !d.keeps && m.bytes() == before {
		m.t.Errorf("%s by who may, led to %q, changes nothing: %.300s", rt.Pattern, resp.Header.Get("Location"), body)
	}
}

// form is the request a browser makes of a form.
func (p *person) form(d deed) *http.Request {
	if !d.file {
		return p.request(http.MethodPost, d.path, formType, d.form.Encode())
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, values := range d.form {
		_ = w.WriteField(name, values[0]) // into memory
	}
	_ = w.Close()
	return p.request(http.MethodPost, d.path, w.FormDataContentType(), b.String())
}

// deeds are the forms of the pages by their paths, each made when its turn
// comes.
func (o *office) deeds() map[string]func() deed {
	all := map[string]func() deed{}
	for _, some := range []map[string]func() deed{o.deedsOfMail(), o.deedsOfRecords(), o.deedsOfSignIn(), o.deedsOfLists(), o.deedsOfWebhooks(), o.deedsOfGrants(), o.deedsOfCampaigns()} {
		for path, d := range some {
			all[path] = d
		}
	}
	return all
}

// filedMail is a message that everybody sees, and those Ben, who sees the own
// mailbox only, does not: by id, Message-ID and where they lie.
func (o *office) filedMail() (id message.ID, hidden []string) {
	o.t.Helper()
	for box, of := range o.messages() {
		for _, m := range of {
			switch {
			case box == "dora" && id == "" && m.Head.From[0].Address == "carl@press.example":
				id = m.ID
			case box != "ben" && len(hidden) < 12:
				hidden = append(hidden, string(m.ID), m.Head.MessageID, m.Holdings[0].Mailbox+"/"+m.Holdings[0].Folder+"/"+strconv.Itoa(int(m.Holdings[0].UID)))
			}
		}
	}
	if id == "" || len(hidden) < 12 {
		o.t.Fatalf("message %q, %d hidden", id, len(hidden))
	}
	return id, append(hidden, string(id), store.NewID(o.time()))
}

func (o *office) deedsOfMail() map[string]func() deed {
	of := func(path string, form url.Values) func() deed {
		return func() deed {
			id, hidden := o.filedMail()
			if _, err := o.client.File(o.local, string(id), "carl@press.example"); err != nil {
				o.t.Fatal(err)
			}
			d := about(path, string(id), form)
			d.foreign = others(o.staff["ben"], func(name string) (string, url.Values) {
				return about(path, name, nil).path, form
			}, hidden...)
			return d
		}
	}
	return map[string]func() deed{
		"/messages/{id}/file":     of("/messages/{id}/file", fields("who", "press.example")),
		"/messages/{id}/unfile":   of("/messages/{id}/unfile", fields("who", "carl@press.example", "back", "/")),
		"/messages/{id}/withdraw": of("/messages/{id}/withdraw", fields("back", "/")),
		"/messages/{id}/private":  o.makePrivate,
		"/undo":                   o.takeBack,
		"/reviews":                o.decideReview,
	}
}

// makePrivate names a conversation; what is not seen is nobody's to hide.
func (o *office) makePrivate() deed {
	id, _ := o.filedMail()
	var threads []string
	thread := ""
	for box, of := range o.messages() {
		for _, m := range of {
			if m.ID == id {
				thread = string(m.Thread)
			} else if box == "cleo" || box == "ada" {
				threads = append(threads, string(m.Thread))
			}
		}
	}
	d := about("/messages/{id}/private", thread, fields("back", "/"))
	d.foreign = others(o.staff["ben"], func(name string) (string, url.Values) {
		return about("/messages/{id}/private", name, nil).path, d.form
	}, append(threads[:4], thread)...)
	return d
}

func (o *office) takeBack() deed {
	id, _ := o.filedMail()
	out, err := o.client.Withdraw(o.local, string(id))
	if err != nil {
		o.t.Fatal(err)
	}
	d := deed{path: "/undo", form: fields("audit", out.Audit, "back", "/")}
	d.foreign = []foreignForm{{o.staff["ben"], d.path, d.form}, {o.staff["ben"], d.path, fields("audit", store.NewID(o.time()), "back", "/")}}
	return d
}

// decideReview has a mail come that two organisations may be meant by.
func (o *office) decideReview() deed {
	var second web.Organisation
	for _, name := range []string{"Alpha", "Beta"} {
		made, err := o.client.AddOrganisation(o.local, web.OrganisationInput{Name: name, Domains: []string{"shared.example"}, Shared: true})
		if err != nil {
			o.t.Fatal(err)
		}
		second = made
	}
	o.arrives("dora", "Xi <xi@shared.example>", "Which one?")
	o.settle()
	page, err := o.client.Reviews(o.local, web.Slice{})
	if err != nil || len(page.Items) != 1 {
		o.t.Fatalf("%d messages wait for a decision, %v", len(page.Items), err)
	}
	d := deed{path: "/reviews", form: fields("one", "file "+string(page.Items[0].Message)+" "+string(second.ID))}
	d.foreign = []foreignForm{
		{o.staff["ben"], d.path, d.form},
		{o.staff["ben"], d.path, fields("do", "none", "who", string(page.Items[0].Message)+" "+string(second.ID))},
	}
	return d
}
