package pages

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/phrase"
)

// in opens a page in a language.
func (w *world) in(lang, path string) string {
	w.t.Helper()
	r := ask(w, member, path, nil, func(r *http.Request) { r.Header.Set("Accept-Language", lang) })
	if r.Code != http.StatusOK {
		w.t.Fatalf("GET %s in %s: %d\n%s", path, lang, r.Code, plain(r.Body.String()))
	}
	return r.Body.String()
}

// TestWhyIsInTheReadersLanguage opens a message that a person's address filed.
func TestWhyIsInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.person("Cleo Hart", func(c *contact.Contact) { c.Language = "de" })
	w.mail("Cleo <cleo@client.example>", "Where is it", "Authentication-Results: mx.ours.example; dmarc=fail")
	found := regexp.MustCompile(`href="(/messages/[^"?]+)"`).FindStringSubmatch(w.in("en", "/search?q=Where"))
	if found == nil {
		t.Fatal("the mail is not found")
	}
	path := found[1] + "?why=1"
	for lang, want := range map[string][]string{
		"en": {"address : cleo@client.example (from) is Cleo Hart", "thread : not asked: the rule address had decided"},
		"de": {
			"Adresse : cleo@client.example (Absender) ist Cleo Hart", "Unterhaltung : nicht gefragt: die Regel „Adresse“ hatte entschieden",
			"Ausschluss : niemand und nichts darin ist ausgeschlossen", "-not asked", "-nobody", `-lang="en"`,
		},
		"bn": {"ঠিকানা : cleo@client.example (প্রেরক) হলেন Cleo Hart", "-not asked", "-nobody"},
	} {
		page := w.in(lang, path)
		page = page[strings.Index(page, `class="why"`):]
		w.wants(page[:strings.Index(page, "</ol>")], want...)
	}
}

func TestPhrasesAreSaidInEveryLanguage(t *testing.T) {
	t.Parallel()
	l, err := readLanguages(nil)
	if err != nil {
		t.Fatal(err)
	}
	more := phrase.New("filed by hand under {n|record|records}", "n", 1234)
	for lang, want := range map[string]string{
		"en": "filed by hand under 1,234 records",
		"de": "von Hand bei 1.234 Kontakten oder Organisationen abgelegt",
		"bn": "হাতে ১,২৩৪ জায়গায় রাখা",
	} {
		if got := l.of(lang, "").Tell(more); got != want {
			t.Errorf("%s: %q, want %q", lang, got, want)
		}
	}
	german := l.of("de", "")
	for _, tt := range []struct {
		of           phrase.Phrase
		want, tongue string
	}{
		{phrase.New("filed by hand under {n|record|records}", "n", 1), "von Hand bei 1 Kontakt oder Organisation abgelegt", "de"},
		{phrase.New("what no catalogue has of {who}", "who", "Cleo"), "what no catalogue has of Cleo", "en"},
		{phrase.Verbatim("disk full"), "disk full", "en"},
		{phrase.List(phrase.New("it is a draft"), phrase.New("{n} more", "n", 2)), "sie ist ein Entwurf; 2 weitere", "de"},
		{phrase.Phrase{}, "", "en"},
	} {
		if got, tongue := german.Tell(tt.of), german.Tongue(tt.of); got != tt.want || tongue != tt.tongue {
			t.Errorf("%v = %q in %s, want %q in %s", tt.of, got, tongue, tt.want, tt.tongue)
		}
	}
}

func TestLanguagesAreNamed(t *testing.T) {
	t.Parallel()
	l, err := readLanguages(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ reader, tag, want string }{
		{"en", "en", "English"}, {"de", "en", "Englisch"}, {"bn", "en", "ইংরেজি"}, {"de", "bn", "Bengalisch"},
		{"de", "pt-BR", "Brasilianisches Portugiesisch"}, {"de", "English, some Welsh", "English, some Welsh"}, {"de", "", ""}, {"de", "\x00", "\x00"},
	} {
		if got := l.of(tt.reader, "").LanguageName(tt.tag); got != tt.want {
			t.Errorf("%q in %s is %q, want %q", tt.tag, tt.reader, got, tt.want)
		}
	}
}

// TestWordsOfEveryType: what templates ask words for has types of its own.
func TestWordsOfEveryType(t *testing.T) {
	t.Parallel()
	l, err := readLanguages(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &visit{catalogue: l.of("de", "")}
	for _, tt := range []struct {
		list  string
		value any
		want  string
	}{
		{"verdict", message.List, "Rundbrief oder Mailingliste"}, {"trust", message.TrustFail, "Der Absender ist zweifelhaft"},
		{"kind", contact.Partner, "Partner"}, {"stage", contact.Stage(""), ""}, {"verdict", 7, ""},
	} {
		if got := v.Word(tt.list, tt.value); !strings.HasPrefix(got, tt.want) || (tt.want == "") != (got == "") {
			t.Errorf("%s %v is %q, want %q", tt.list, tt.value, got, tt.want)
		}
	}
}

// TestFaultsAreInTheReadersLanguage: what is wrong with a mailbox, and what
// helps, on every page that tells it. What nothing but the text is known of
// stays English, and says so.
func TestFaultsAreInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fault := phrase.New("{what} – {fix}", "what", phrase.New("no such host: {host}", "host", "imap.client.example"), "fix", phrase.New("check the host name in the configuration"))
	w.daemon.status = message.SyncStatus{Mailboxes: []message.MailboxStatus{{
		Name: "ada", State: message.StateWaiting, Error: "folder INBOX: " + fault.String(), Said: fault,
		Folders: []message.FolderStatus{{Name: "INBOX", Exists: 3, Error: "the server says: no", Said: phrase.New("the server says: {said}", "said", "no")}},
	}}}
	for _, path := range []string{"/", "/mailboxes"} {
		w.wants(w.in("de", path), "diesen Server gibt es nicht: imap.client.example – Servernamen in der Konfiguration prüfen", "-no such host", `-lang="en" dir="auto"`)
		w.wants(w.in("bn", path), "এমন কোনো সার্ভার নেই: imap.client.example", "-no such host")
		w.wants(w.in("en", path), "no such host: imap.client.example – check the host name in the configuration")
	}
	w.wants(w.in("de", "/mailboxes"), "der Server sagt: no")
	w.daemon.status.Mailboxes[0].Said, w.daemon.status.Mailboxes[0].Error = phrase.Phrase{}, "an earlier version said <so>"
	w.wants(w.in("de", "/mailboxes"), `<span lang="en" dir="auto">an earlier version said &lt;so&gt;</span>`)
}

// TestTheTrailIsInTheReadersLanguage: what was changed, not only that.
func TestTheTrailIsInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.person("Cleo Hart", nil)
	c.Owner, c.Name = "ada@ours.example", "Cleo Harting"
	if _, err := w.intake.EditContact(t.Context(), "Ada", c); err != nil {
		t.Fatal(err)
	}
	for lang, want := range map[string][]string{"en": {"name; owner"}, "de": {"Name; Zuständigkeit", "-owner"}, "bn": {"নাম; দায়িত্বে", "-owner"}} {
		page := w.in(lang, "/settings/audit")
		w.wants(page[strings.Index(page, `<ul class="rows"`):], want...)
	}
}

// TestProblemsAreInTheReadersLanguage: what cannot be done, and why.
func TestProblemsAreInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for lang, want := range map[string]string{
		"en": "nobody is known as &#34;nobody.here&#34;", "de": "Niemand ist als „nobody.here“ bekannt", "bn": "“nobody.here” নামে কেউ পরিচিত নন",
	} {
		r := ask(w, member, "/contacts/nobody.here", nil, func(r *http.Request) { r.Header.Set("Accept-Language", lang) })
		if r.Code != http.StatusNotFound {
			t.Errorf("%s: %d", lang, r.Code)
		}
		w.wants(r.Body.String(), want)
	}
}
