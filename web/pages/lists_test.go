package pages

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"rapport/records/access"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/web"
)

func TestPeopleAreNarrowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wants(w.get(member, "/contacts"), "Nobody is known yet", "Add a person")
	w.wants(w.get(reader, "/contacts"), "-Add a person")
	w.person("Carl Weber", func(c *contact.Contact) {
		c.Kind, c.Tags, c.Owner = contact.Customer, []string{"vip"}, "ada@ours.example"
	})
	w.person("Dora Lang", func(c *contact.Contact) { c.Kind, c.Stage, c.Role = contact.Partner, contact.Prospect, "Reseller" })
	for _, tt := range []struct {
		query string
		want  []string
	}{
		{"", []string{"Carl Weber", "Dora Lang", "carl@client.example"}},
		{"?text=we", []string{"Carl Weber", "-Dora Lang", "Text: we"}},
		{"?kind=partner", []string{"Dora Lang", "-Carl Weber", "Kind: Partner"}},
		{"?stage=prospect", []string{"Dora Lang", "-Carl Weber"}},
		{"?owner=ada@ours.example", []string{"Carl Weber", "-Dora Lang", "Looked after by: Ada Byron"}},
		{"?tag=vip&kind=customer", []string{"Carl Weber", "-Dora Lang", `href="/contacts?kind=customer"`, `href="/contacts?tag=vip"`}},
		{"?role=reseller", []string{"Dora Lang", "-Carl Weber"}},
		{"?text=zebra", []string{"Nobody fits these filters", "-Carl Weber"}},
	} {
		w.wants(w.get(member, "/contacts"+tt.query), tt.want...)
	}
	for _, bad := range []string{"?kind=enemy", "?owner=nobody-at-all", "?cursor=%25%25", "?sort=sideways"} {
		if r := ask(w, member, "/contacts"+bad, nil, nil); r.Code < 400 || r.Code > 499 {
			t.Errorf("%s: %d", bad, r.Code)
		}
	}
}

func TestListsGoOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range perPage + 5 {
		w.person(fmt.Sprintf("P%03d Person", i), func(c *contact.Contact) { c.Tags = []string{"x"} })
	}
	page := w.get(member, "/contacts?tag=x")
	_, rest, ok := strings.Cut(page, `rel="next" href="`)
	if !ok {
		t.Fatalf("no way on:\n%s", plain(page))
	}
	next, _, _ := strings.Cut(rest, `"`)
	w.wants(page, "P049 Person", "-P050 Person")
	w.wants(w.get(member, strings.ReplaceAll(next, "&amp;", "&")), "P050 Person", "P054 Person", "-P049 Person", `-rel="next"`)
	if n := len(page); n > 100<<10 {
		t.Errorf("a page of %d people has %d bytes", perPage, n)
	}
}

func TestViewsAreSaved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.person("Carl Weber", func(c *contact.Contact) { c.Tags = []string{"vip"} })
	page := w.post(member, "/views", url.Values{"list": {"contacts"}, "query": {"tag=vip"}, "name": {"Our <best>"}})
	w.wants(page, "The view Our &lt;best&gt; is saved.", `href="/contacts?tag=vip" aria-current="true"`, "Delete the view", "Carl Weber")
	w.wants(w.get(reader, "/contacts"), "-Our &lt;best&gt;")
	_, rest, _ := strings.Cut(page, `action="/views/delete"`)
	_, rest, _ = strings.Cut(rest, `name="id" value="`)
	id, _, _ := strings.Cut(rest, `"`)
	w.wants(w.post(member, "/views/delete", url.Values{"id": {id}, "back": {"/contacts"}}), "The view is deleted.", "-Our &lt;best&gt;")
	if r := ask(w, member, "/views", url.Values{"list": {"contacts"}, "query": {"tag=vip"}, "name": {" "}}, nil); r.Code != http.StatusBadRequest {
		t.Errorf("a view without a name: %d", r.Code)
	}
}

func TestPeopleAndOrganisationsAreAdded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.get(member, "/organisations/new")
	made := ask(w, member, "/organisations", url.Values{"name": {"Press Works"}, "domains": {"press.example, druck.example"}, "kind": {"customer"}}, nil)
	if at := made.Header().Get("Location"); made.Code != http.StatusSeeOther || !strings.HasPrefix(at, "/organisations/") {
		t.Fatalf("%d to %q: %s", made.Code, at, plain(made.Body.String()))
	}
	w.wants(w.get(member, "/organisations"), "Press Works", "press.example, druck.example", "Customer")
	w.wants(w.get(member, "/contacts/new?organisation=press.example"), `name="organisation" value="press.example"`)
	form := url.Values{"name": {"Carl Weber"}, "emails": {"carl@press.example;cw@press.example"}, "organisation": {"press works"}, "tags": {"vip, slow payer"}, "owner": {"bob@ours.example"}}
	if made := ask(w, member, "/contacts", form, nil); made.Code != http.StatusSeeOther {
		t.Fatalf("%d: %s", made.Code, plain(made.Body.String()))
	}
	w.wants(w.get(member, "/contacts"), "Carl Weber", "Press Works", "slow payer", "Bob Boole")
	again := ask(w, member, "/contacts", form, nil)
	if again.Code != http.StatusConflict {
		t.Errorf("the same address twice: %d", again.Code)
	}
	w.wants(again.Body.String(), "Nothing was stored", "belongs to Carl Weber", `name="tags" value="vip, slow payer"`)
	if r := ask(w, reader, "/contacts/new", nil, nil); r.Code != http.StatusForbidden {
		t.Errorf("a reader gets the form: %d", r.Code)
	}
}

func TestImportIsTriedFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lines := "name,email\nCarl,carl@press.example\nDora,dora@press.example\n"
	w.get(root, "/import")
	tried := w.upload(root, "/import", "a.csv", lines, url.Values{"do": {"try"}})
	w.wants(tried.Body.String(), "What an import would do", "Carl", "Choose the file once more")
	w.wants(w.get(root, "/contacts"), "-Carl")
	wrong := w.upload(root, "/import", "a.csv", "name,email\nCarl,nonsense\n", url.Values{"do": {"import"}})
	w.wants(wrong.Body.String(), "1 line is wrong", "Nothing was stored", "line 2")
	pasted := ask(w, root, "/import", nil, func(r *http.Request) {})
	w.wants(pasted.Body.String(), "Or write lines here")
	w.wants(w.upload(root, "/import", "", "", url.Values{"do": {"try"}, "pasted": {lines}}).Body.String(), "Press Import to do it", "carl@press.example")
	w.wants(w.after(root, w.upload(root, "/import", "a.csv", lines, url.Values{"do": {"import"}, "tag": {"fair, 2026"}})), "Imported: 2 new, 0 completed", "Carl", "Dora", "fair")
	if r := w.upload(root, "/import", "", "", url.Values{"do": {"import"}}); r.Code != http.StatusBadRequest {
		t.Errorf("an import of nothing: %d", r.Code)
	}
	if r := w.upload(root, "/import", "a.csv", strings.Repeat("x", maxUpload+1), url.Values{"do": {"import"}}); r.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("an import of too much: %d", r.Code)
	}
}

func TestSuggestionsAreDecided(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wants(w.get(member, "/suggestions"), "No suggestions")
	for _, who := range []string{"Pia <pia@studio.example>", "Quinn <quinn@studio.example>", "Rob <rob@atelier.example>", "Sue <sue@atelier.example>"} {
		w.mail(who, "Offer")
	}
	w.wants(w.get(member, "/suggestions"), "pia@studio.example", "1 received", `data-key="a"`, `data-key="i"`)
	w.wants(w.get(reader, "/suggestions"), "pia@studio.example", `-name="one"`)
	page := w.post(member, "/suggestions", url.Values{"one": {"partner pia@studio.example"}, "at": {"1"}})
	w.wants(page, "Accepted: 1", `-value="pia@studio.example"`, "autofocus")
	w.wants(w.get(member, "/contacts"), "Pia", "Partner")
	w.wants(w.undo(member, page), "Taken back.", "pia@studio.example")
	w.wants(w.get(member, "/contacts"), "-Pia")

	page = w.post(member, "/suggestions", url.Values{"do": {"ignore"}, "who": {"rob@atelier.example", "sue@atelier.example", "nobody@gone.example"}})
	w.wants(page, "Ignored: 2", "-rob@atelier.example")
	w.wants(w.undo(member, page), "Taken back.", "rob@atelier.example", "sue@atelier.example")
	page = w.post(member, "/suggestions", url.Values{"one": {"customer @studio.example"}})
	w.wants(page, "Accepted: 2", "-@studio.example")
	w.wants(w.undo(member, page), "Taken back.", "quinn@studio.example", "pia@studio.example")

	w.wants(w.post(member, "/suggestions", url.Values{"do": {"ignore"}}), "Nothing was chosen")
	w.wants(w.post(member, "/suggestions", url.Values{"one": {"ignore nobody@gone.example"}}), "decided already")
	for _, form := range []url.Values{{"one": {"eat pia@studio.example"}}, {"do": {"eat"}, "who": {"pia@studio.example"}}} {
		if r := ask(w, member, "/suggestions", form, nil); r.Code != http.StatusBadRequest {
			t.Errorf("%v: %d", form, r.Code)
		}
	}
	if r := ask(w, reader, "/suggestions", url.Values{"one": {"ignore pia@studio.example"}}, nil); r.Code != http.StatusForbidden {
		t.Errorf("a reader decides: %d", r.Code)
	}
}

func TestReviewsAreDecided(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wants(w.get(member, "/reviews"), "Nothing waits for a decision")
	a, b := w.company("Alpha", "shared.example", true), w.company("Beta", "shared.example", true)
	w.mail("Xi <xi@shared.example>", "Which one?")
	w.mail("Yo <yo@shared.example>", "And this?")
	page := w.get(member, "/reviews")
	w.wants(page, "Which one?", "And this?", "File under Alpha", "File under Beta", "Its domain may mean 2 organisations")
	id := value(t, page, `name="who" value="`)
	message, _, _ := strings.Cut(id, " ")
	if !strings.Contains(id, string(a.ID)) || !strings.Contains(id, string(b.ID)) {
		t.Errorf("the box says %q", id)
	}
	page = w.post(member, "/reviews", url.Values{"one": {"file " + message + " " + string(b.ID)}})
	w.wants(page, "The message is filed.", "-"+message+" ")
	w.wants(w.undo(member, page), "Taken back", message)
	page = w.post(member, "/reviews", url.Values{"do": {"none"}, "who": {id}})
	w.wants(page, "Kept off every timeline: 1.")
	w.undo(member, page)
	for _, form := range []url.Values{{"do": {"none"}}, {"do": {"file"}}} {
		w.wants(w.post(member, "/reviews", form), "Nothing was chosen")
	}
	w.wants(w.post(member, "/reviews", url.Values{"one": {"file " + message}}), "Under whom?")
	w.wants(w.post(member, "/reviews", url.Values{"one": {"none NOSUCHMESSAGE X"}}), "decided already")
}

// value returns what follows a text on a page, up to the next quote.
func value(t *testing.T, page, after string) string {
	t.Helper()
	_, rest, ok := strings.Cut(page, after)
	if !ok {
		t.Fatalf("the page lacks %s:\n%s", after, plain(page))
	}
	out, _, _ := strings.Cut(rest, `"`)
	return out
}

func TestMailboxesSayWhatTheyHave(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wants(w.get(root, "/mailboxes"), "No mailbox is configured", "No backups are configured")
	w.daemon.status = message.SyncStatus{Mailboxes: []message.MailboxStatus{
		{Name: "ada", State: message.StateWatching, LastPass: w.now.Add(-time.Minute), Folders: []message.FolderStatus{
			{Name: "INBOX", Exists: 1234, Stored: 1200, Skipped: map[message.Reason]int{message.NoMatch: 34}, InSync: true}}},
		{Name: "bob", State: message.StateSyncing, Backfill: &message.Backfill{Folder: "Archive", Done: 250, Total: 1000, ETA: 3 * time.Minute}, Folders: []message.FolderStatus{
			{Name: "Archive", Exists: 1000, Stored: 200, Skipped: map[message.Reason]int{message.Internal: 45}, Quarantined: 5}}},
		{Name: "eve", State: message.StateStopped, Error: "the sign-in was refused: change the <password>", ErrorAt: w.now.Add(-time.Hour)},
	}}
	page := w.get(root, "/mailboxes")
	w.wants(page, "In sync", "1,234", "Nobody known in it", "750 messages to go", "Reading Archive: 250 of 1,000", "about 3 minutes to go", `value="25"`,
		"Needs a hand", "the sign-in was refused: change the &lt;password&gt;", "Unreadable", "No folder has been read yet", "Among ourselves")
	if strings.Index(page, `id="box-eve"`) > strings.Index(page, `id="box-ada"`) {
		t.Error("who needs a hand does not come first")
	}
	w.daemon.upkeep = web.Upkeep{
		Backup:    &web.BackupState{Dir: "/backups", Last: w.now.Add(-2 * time.Hour), Bytes: 5_000_000, Kept: 3, Error: "no room", Verified: w.now.Add(-time.Hour)},
		Retention: &web.RetentionState{Last: w.now.Add(-time.Hour), Removed: map[string]int{"list": 7}, Held: 2},
		Erasure:   &web.ErasureState{Deadline: w.now.Add(time.Hour)}, Restored: &web.RestoredState{At: w.now},
		Files: &web.FilesState{Done: 1200, Total: 5000},
		Sales: []web.SaleFolder{{Dir: "/in/sales", Direction: "sale", Waiting: 2, Failed: 1, Last: web.SaleImported{File: "<may>.csv", At: w.now.Add(-time.Hour), Added: 1234}}, {Dir: "/in/bills", Direction: "purchase"}},
	}
	w.wants(w.get(root, "/mailboxes"), "5 MB", "3 kept in", "no room", "Mailing lists: 7", "2 stay for a tag", "The last bytes leave", "1,200 of 5,000 messages", "&lt;may&gt;.csv</bdi>: 1,234 new, 0 changed", "1 file was not imported", "2 files wait", "/in/bills", "No file has come yet", "replaced by an older copy")
	w.wants(w.get(member, "/mailboxes"), "-/backups")
}

func TestConfigurationIsShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.daemon.config = web.Configuration{File: "/etc/rapport.yaml", Warnings: []string{"a.yaml:3: odd"}, Settings: []web.Setting{
		{Path: "data_dir", Value: "/var/lib", Doc: "Directory.", Line: 2}, {Path: "mailboxes[0].password_command", Hidden: true, Line: 7}, {Path: "log.level", Value: "info"}, {Path: "log.format"},
	}}
	w.wants(w.get(root, "/settings/configuration"), "/etc/rapport.yaml", "a.yaml:3: odd", "line 2", "set, not shown", "default", "nothing", "mailboxes[0]")
	if r := ask(w, member, "/settings/configuration", nil, nil); r.Code != http.StatusForbidden {
		t.Errorf("a member sees the configuration: %d", r.Code)
	}
	w.wants(w.get(member, "/settings"), "Members", "-Configuration")
	w.wants(w.get(root, "/settings"), "Members", "Configuration", "Trail")
}

func TestMembersComeAndGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.person("Carl Weber", func(c *contact.Contact) { c.Owner = "ada@ours.example" })
	w.wants(w.get(member, "/settings/members"), "Ada Byron", "Bob Boole", "-Has left")
	page := w.post(member, "/settings/members/away", url.Values{"member": {"ada@ours.example"}, "until": {"2026-03-20"}, "deputy": {"bob@ours.example"}})
	w.wants(page, "away until 20 March 2026", "until 20 March 2026", "Bob Boole stands in", "Is back")
	w.wants(w.post(member, "/settings/members/away", url.Values{"member": {"ada@ours.example"}, "do": {"back"}}), "back again", "-Bob Boole stands in")
	w.wants(w.post(member, "/settings/members/away", url.Values{"member": {"ada@ours.example"}, "until": {"soon"}}), "Until when?")
	leave := url.Values{"member": {"ada@ours.example"}, "to": {"bob@ours.example"}}
	w.wants(w.post(root, "/settings/members/leave", leave), "tick the box")
	if r := ask(w, member, "/settings/members/leave", leave, nil); r.Code != http.StatusForbidden {
		t.Errorf("a member hands over: %d", r.Code)
	}
	leave.Set("sure", "1")
	w.wants(w.post(root, "/settings/members/leave", leave), "Everything is handed over", "Bob Boole took over")
	w.wants(w.get(member, "/contacts?owner=bob@ours.example"), "Carl Weber")
}

func TestTrailIsReadAndUndone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wants(w.get(member, "/settings/audit"), "Nothing has been done yet")
	w.mail("Pia <pia@studio.example>", "Offer")
	w.post(member, "/suggestions", url.Values{"one": {"ignore pia@studio.example"}})
	w.person("Carl Weber", nil)
	page := w.get(member, "/settings/audit")
	w.wants(page, "Ignored a suggestion:", "pia@studio.example", "Added a person:", "Carl Weber", "Ada Byron")
	w.wants(w.get(member, "/settings/audit?who=carl"), "Added a person:", "-pia@studio.example")
	w.wants(w.get(member, "/settings/audit?who=zebra"), "Nothing has been done yet")
	w.wants(w.undo(member, page), "Taken back.", "Took back:")
	w.wants(w.get(member, "/suggestions"), "pia@studio.example")
	w.wants(w.get(reader, "/settings/audit"), `-action="/undo"`)
}

func TestTodaySaysWhoWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wants(w.get(member, "/"), "Nobody waits for us.", "Nothing is due.", "No mailbox is configured yet.")
	carl := w.person("Carl Weber", func(c *contact.Contact) { c.Owner = "bob@ours.example" })
	w.person("Dora Lang", nil)
	w.mail("Carl <carl@client.example>", "When does it come?")
	w.daemon.status = message.SyncStatus{Mailboxes: []message.MailboxStatus{{Name: "ada", Folders: []message.FolderStatus{{Name: "INBOX", Exists: 9, Stored: 5}}}}}
	page := w.get(member, "/?for=everybody")
	w.wants(page, "Carl Weber", "When does it come?", "3 days", "Bob Boole", "4 messages to go", `href="/contacts/`+string(carl.ID)+`"`)
	w.wants(w.get(member, "/contacts?waiting=us"), "Carl Weber", "our turn", "-Dora Lang")
	w.wants(w.get(member, "/contacts?waiting=them"), "Nobody fits")
	w.daemon.status.Mailboxes[0].Folders[0] = message.FolderStatus{Name: "INBOX", Exists: 5, Stored: 5, InSync: true}
	w.wants(w.get(member, "/"), "The mailbox is in sync")
	w.wants(w.get(reader, "/"), "Carl Weber", "-Mine")
}

func TestFollowUpsAreDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	carl := w.person("Carl Weber", nil)
	f, err := w.client.AddFollowUp(web.WithPrincipal(t.Context(), member), web.FollowUpInput{Who: string(carl.ID), Due: "2026-03-05", Note: "Ask about <paper>"})
	if err != nil {
		t.Fatal(err)
	}
	w.wants(w.get(member, "/"), "Carl Weber", "Ask about &lt;paper&gt;", "5 Mar", `class="late`)
	path, later := "/follow-ups/"+string(f.ID), url.Values{"due": {"2026-03-30"}, "back": {"/"}}
	w.wants(w.post(member, path, later), "Put off.", "-Ask about")
	later.Set("due", "someday")
	if r := ask(w, member, path, later, nil); r.Code != http.StatusBadRequest {
		t.Errorf("put off to no day: %d", r.Code)
	}
	later.Set("due", "2026-03-09")
	w.wants(w.post(member, path, later), "Ask about")
	w.wants(w.post(member, path, url.Values{"done": {"yes"}, "back": {"/"}}), "Done.", "-Ask about")
	w.wants(w.post(member, path, url.Values{"done": {"no"}, "back": {"/"}}), "To be done again", "Ask about")
}

// TestEveryListInEveryLanguage opens every page of a store that has something
// in it, in each language: no key of the catalogue may be left on it.
func TestEveryListInEveryLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.company("Alpha", "shared.example", true)
	w.company("Beta", "shared.example", true)
	w.person("Carl Weber", func(c *contact.Contact) { c.Kind, c.Stage, c.Tags = contact.Both, contact.Former, []string{"vip"} })
	w.mail("Xi <xi@shared.example>", "Which one?")
	w.mail("Pia <pia@studio.example>", "Offer")
	w.mail("Carl <carl@client.example>", "When?")
	w.daemon.status = message.SyncStatus{Mailboxes: []message.MailboxStatus{{Name: "ada", State: message.StateWaiting, Error: "gone", Folders: []message.FolderStatus{{Name: "INBOX", Exists: 9, Stored: 5, Quarantined: 1}}}}}
	for _, lang := range []string{"en", "de", "bn"} {
		for _, path := range []string{"/", "/contacts", "/contacts?kind=both&quiet=30&waiting=us&sort=contact", "/contacts?text=nobody", "/organisations", "/contacts/new", "/organisations/new", "/import",
			"/suggestions", "/reviews", "/mailboxes", "/settings", "/settings/members", "/settings/audit", "/settings/configuration", "/keys"} {
			r := ask(w, root, path, nil, func(r *http.Request) { r.AddCookie(&http.Cookie{Name: languageCookie, Value: lang}) })
			if r.Code != http.StatusOK {
				t.Errorf("%s in %s: %d\n%s", path, lang, r.Code, plain(r.Body.String()))
				continue
			}
			for _, key := range keyLike.FindAllString(plain(r.Body.String()), -1) {
				t.Errorf("%s in %s shows %s", path, lang, key)
			}
			if n := r.Body.Len(); n > 100<<10 {
				t.Errorf("%s in %s has %d bytes", path, lang, n)
			}
		}
	}
}

// keyLike is what a sentence missing from every catalogue looks like.
var keyLike = regexp.MustCompile(`\b(list|view|kind|stage|people|organisations|suggestion|review|mailbox|skip|upkeep|import|member|audit|deed|today|followup|standing|keys|waiting|sort)\.[a-z_.]+\b`)

// TestListsAreForWhoMay opens pages as somebody who is not signed in.
func TestListsAreForWhoMay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []string{"/", "/contacts", "/organisations", "/suggestions", "/reviews", "/mailboxes", "/settings", "/settings/members", "/settings/audit"} {
		if r := ask(w, access.Principal{}, path, nil, nil); r.Code != http.StatusSeeOther || !strings.HasPrefix(r.Header().Get("Location"), "/sign-in") {
			t.Errorf("%s: %d to %q", path, r.Code, r.Header().Get("Location"))
		}
	}
}
