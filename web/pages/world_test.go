package pages

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"rapport/intake"
	"rapport/internal/webhook"
	"rapport/matcher"
	"rapport/planner"
	"rapport/records/access"
	"rapport/records/contact"
	"rapport/records/event"
	"rapport/records/message"
	"rapport/store"
	"rapport/store/boltstore"
	"rapport/store/veil"
	"rapport/web"
)

// team is who we are in these tests.
var team = contact.Team{Domains: []string{"ours.example"}, Members: []contact.Member{
	{Name: "Ada Byron", Addresses: []contact.Address{"ada@ours.example"}},
	{Name: "Bob Boole", Addresses: []contact.Address{"bob@ours.example"}},
}}

// who reads in these tests.
var (
	root   = access.Principal{Kind: access.User, ID: "root", Name: "Root", Role: access.Administrator}
	member = access.Principal{Kind: access.User, ID: "ada", Name: "Ada Byron", Address: "ada@ours.example", Role: access.Member}
	reader = access.Principal{Kind: access.User, ID: "eve", Name: "Eve", Role: access.Reader}
)

// world is the pages over the API over a store, without servers.
type world struct {
	*Pages
	intake *intake.Intake
	store  store.Store
	daemon *stillDaemon
	hooks  *webhook.Service
	plans  *planner.Planner
	tests  []posted // of campaigns
	t      *testing.T
	now    time.Time
	uid    uint32
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 3, 9, 9, 0, 0, 0, time.UTC), daemon: &stillDaemon{}}
	s, err := boltstore.Open(t.TempDir(), boltstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	w.store = s
	clock := func() time.Time { return w.now }
	w.intake, err = intake.New(intake.Options{
		Store: s, Rules: matcher.Rules{Team: team}, Key: []byte("0123456789abcdef0123456789abcdef"), Suggest: true,
		Mailboxes: []intake.Mailbox{{Name: "ada"}}, Now: clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.hooks = webhook.New(webhook.Options{Store: s, Key: make([]byte, 32), Now: clock,
		Shown: func(store.Tx, string, event.Event) (bool, error) { return true, nil }})
	w.plans = w.newPlanner()
	api := web.New(web.Options{Store: s, Records: filing{w.intake, s, clock}, Daemon: w.daemon, Webhooks: w.hooks, Outreach: w.plans, Now: clock,
		Mailboxes: func() map[string]veil.Mailbox { return map[string]veil.Mailbox{"ada": {Tier: access.Full}} }}).Handler()
	if w.Pages, err = New(Options{API: api, Now: clock, Zone: time.UTC}); err != nil {
		t.Fatal(err)
	}
	return w
}

// filing is what app makes of intake.
type filing struct {
	*intake.Intake
	store store.Store
	now   func() time.Time
}

var errNotHere = errors.New("these tests have none of that")

func (f filing) Erase(context.Context, string, contact.ID) (web.EraseResult, error) {
	return web.EraseResult{}, errNotHere
}

func (f filing) EraseOrganisation(context.Context, string, contact.OrganisationID) (web.EraseResult, error) {
	return web.EraseResult{}, errNotHere
}

func (f filing) Rematch(context.Context, func(done, total int)) (web.RematchResult, error) {
	return web.RematchResult{}, errNotHere
}

func (f filing) Explain(ctx context.Context, id message.ID) (web.Explanation, error) {
	e, err := f.Intake.Explain(ctx, id)
	out := web.Explanation{Message: e.Message.ID, Decided: e.Verdict.Decision, Matches: e.Verdict.Matches}
	for _, s := range e.Verdict.Steps {
		out.Steps = append(out.Steps, web.ExplanationStep{Rule: s.Rule, Said: s.Said.String(), Phrase: s.Said, Decided: s.Decided})
	}
	return out, err
}

func (f filing) SaveView(ctx context.Context, v store.SavedView) (store.SavedView, error) {
	v.ID, v.Created = store.NewID(f.now()), f.now()
	return v, f.store.Update(ctx, func(tx store.Tx) error { return tx.Views().Put(v) })
}

func (f filing) DeleteView(ctx context.Context, id string) error {
	return f.store.Update(ctx, func(tx store.Tx) error { return tx.Views().Delete(id) })
}

// stillDaemon answers with what a test sets.
type stillDaemon struct {
	web.Daemon // nil: what is not below is not asked for
	status     message.SyncStatus
	upkeep     web.Upkeep
	config     web.Configuration
	err        error
}

func (d *stillDaemon) Status(context.Context) (message.SyncStatus, error) { return d.status, d.err }
func (d *stillDaemon) Upkeep(context.Context) (web.Upkeep, error)         { return d.upkeep, nil }
func (d *stillDaemon) Configuration(context.Context) (web.Configuration, error) {
	return d.config, nil
}

// mail files a mail as a pass over ada's inbox would.
func (w *world) mail(from, subject string, more ...string) {
	w.t.Helper()
	w.uid++
	at := w.now.Add(-72 * time.Hour).Add(time.Duration(w.uid) * time.Minute)
	raw := fmt.Sprintf("Message-ID: <%d@test>\r\nDate: %s\r\nFrom: %s\r\nTo: Ada <ada@ours.example>\r\nSubject: %s\r\n%s\r\nCould you tell us when?\r\n",
		w.uid, at.Format(time.RFC1123Z), from, subject, strings.Join(append(more, ""), "\r\n"))
	f := message.Folder{Mailbox: "ada", Name: "INBOX", UIDValidity: 1, Role: message.RoleInbox}
	c := message.Copy{UID: w.uid, Received: at, Size: int64(len(raw)), Header: int64(strings.Index(raw, "\r\n\r\n") + 4), Head: message.ParseHead([]byte(raw))}
	wishes, err := w.intake.Wanted(w.t.Context(), f, []message.Copy{c})
	if err != nil {
		w.t.Fatal(err)
	}
	item := message.Item{Copy: c, Wish: wishes[0]}
	if item.Wish.Action == message.Log || item.Wish.Action == message.Inspect {
		item.Body = message.Bytes(raw)
	}
	if err := w.intake.Take(w.t.Context(), message.Batch{Folder: f, Items: []message.Item{item}}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) person(name string, change func(*contact.Contact)) contact.Contact {
	w.t.Helper()
	c := contact.Contact{Name: name, Addresses: []contact.Address{contact.Address(strings.ToLower(strings.Fields(name)[0]) + "@client.example")}}
	if change != nil {
		change(&c)
	}
	c, err := w.intake.AddContact(w.t.Context(), "test", c)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) company(name, domain string, shared bool) contact.Organisation {
	w.t.Helper()
	o, err := w.intake.AddOrganisation(w.t.Context(), "test", contact.Organisation{Name: name, Domains: []contact.Domain{{Name: domain, Shared: shared}}})
	if err != nil {
		w.t.Fatal(err)
	}
	return o
}

// get opens a page and demands that it is shown.
func (w *world) get(who access.Principal, path string) string {
	w.t.Helper()
	r := ask(w, who, path, nil, nil)
	if r.Code != http.StatusOK {
		w.t.Fatalf("GET %s as %s: %d\n%s", path, who.Name, r.Code, plain(r.Body.String()))
	}
	return r.Body.String()
}

// post sends a form and returns the page it leads to, with the sentence there.
func (w *world) post(who access.Principal, path string, form url.Values) string {
	w.t.Helper()
	return w.after(who, ask(w, who, path, form, nil))
}

// after follows the redirection of an answer to a form.
func (w *world) after(who access.Principal, sent *httptest.ResponseRecorder) string {
	w.t.Helper()
	if sent.Code != http.StatusSeeOther {
		w.t.Fatalf("the form of %s: %d\n%s", who.Name, sent.Code, plain(sent.Body.String()))
	}
	back := ask(w, who, sent.Header().Get("Location"), nil, func(r *http.Request) {
		for _, c := range sent.Result().Cookies() {
			r.AddCookie(c)
		}
	})
	if back.Code != http.StatusOK {
		w.t.Fatalf("after the form at %s: %d\n%s", sent.Header().Get("Location"), back.Code, plain(back.Body.String()))
	}
	return back.Body.String()
}

// undo presses the button of the sentence on a page.
func (w *world) undo(who access.Principal, page string) string {
	w.t.Helper()
	found := regexp.MustCompile(`name="audit" value="([^"]*)"><input type="hidden" name="back" value="([^"]*)"`).FindStringSubmatch(page)
	if found == nil {
		w.t.Fatalf("the page offers no undo:\n%s", plain(page))
	}
	return w.post(who, "/undo", url.Values{"audit": {found[1]}, "back": {strings.ReplaceAll(found[2], "&amp;", "&")}})
}

// upload sends a form with a file.
func (w *world) upload(who access.Principal, path, name, content string, fields url.Values) *httptest.ResponseRecorder {
	w.t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	for key, values := range fields {
		if err := form.WriteField(key, values[0]); err != nil {
			w.t.Fatal(err)
		}
	}
	part, err := form.CreateFormFile("file", name)
	if err == nil {
		_, err = part.Write([]byte(content))
	}
	if err = errors.Join(err, form.Close()); err != nil {
		w.t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, path, &b)
	r.Header.Set("Content-Type", form.FormDataContentType())
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r.WithContext(web.WithPrincipal(r.Context(), who)))
	return rec
}

// plain is what a page says, without its marks, for messages of tests.
func plain(page string) string {
	page = regexp.MustCompile(`(?s)<(nav|header|svg).*?</(nav|header|svg)>|<[^>]*>`).ReplaceAllString(page, " ")
	return strings.Join(strings.Fields(page), " ")
}

// wants demands that a page has each text, and none of those after a minus.
func (w *world) wants(page string, texts ...string) {
	w.t.Helper()
	said := plain(page)
	for _, text := range texts {
		if not, ok := strings.CutPrefix(text, "-"); ok {
			if strings.Contains(said, not) || strings.Contains(page, not) {
				w.t.Errorf("the page says %q:\n%s", not, said)
			}
			continue
		}
		if !strings.Contains(said, text) && !strings.Contains(page, text) {
			w.t.Errorf("the page lacks %q:\n%s", text, said)
		}
	}
}
