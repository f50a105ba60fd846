package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rapport/intake"
	"rapport/internal/auth"
	"rapport/internal/mailtest"
	"rapport/matcher"
	"rapport/records/access"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/timeline"
	"rapport/store"
	"rapport/store/boltstore"
	"rapport/store/veil"
)

// filed is a server over a store into which mail was really filed: one mail of
// each kind in each mailbox, with words that stand nowhere else.
type filed struct {
	t       *testing.T
	dir     string
	store   *boltstore.Store
	intake  *intake.Intake
	handler http.Handler
	ops     []operation

	carl  contact.Contact
	press contact.Organisation
	names []string // every id and name of what is stored
}

// realRecords shows intake as app does.
type realRecords struct {
	*intake.Intake
	plain *plainRecords // for what app does itself
}

func (r realRecords) SaveView(ctx context.Context, v store.SavedView) (store.SavedView, error) {
	return r.plain.SaveView(ctx, v)
}

func (r realRecords) DeleteView(ctx context.Context, id string) error {
	return r.plain.DeleteView(ctx, id)
}

func (r realRecords) Erase(ctx context.Context, actor string, id contact.ID) (EraseResult, error) {
	e, err := r.Intake.Erase(ctx, actor, id)
	return EraseResult{Messages: e.Messages}, err
}

func (r realRecords) EraseOrganisation(ctx context.Context, actor string, id contact.OrganisationID) (EraseResult, error) {
	e, err := r.Intake.EraseOrganisation(ctx, actor, id)
	return EraseResult{Messages: e.Messages}, err
}

func (r realRecords) Rematch(ctx context.Context, progress func(done, total int)) (RematchResult, error) {
	m, err := r.Intake.Rematch(ctx, progress)
	return RematchResult{Messages: m.Messages}, err
}

func (r realRecords) Explain(ctx context.Context, id message.ID) (Explanation, error) {
	e, err := r.Intake.Explain(ctx, id)
	out := Explanation{Message: e.Message.ID, Decided: e.Verdict.Decision, Matches: e.Verdict.Matches, Review: e.Verdict.Review, Hand: e.Hand}
	for _, s := range e.Verdict.Steps {
		out.Steps = append(out.Steps, ExplanationStep{Rule: s.Rule, Said: s.Said.String(), Phrase: s.Said, Decided: s.Decided})
	}
	return out, err
}

// The mailboxes of the filed world, and how much others see of each.
var filedBoxes = map[string]veil.Mailbox{
	"ada":  {Owner: "ada@example.com", Tier: access.Metadata},
	"ben":  {Owner: "ben@example.com", Tier: access.Subject},
	"cleo": {Owner: "cleo@example.com", Tier: access.Private},
	"dora": {Owner: "dora@example.com", Tier: access.Full},
}

func newFiled(t *testing.T) *filed {
	t.Helper()
	dir := t.TempDir()
	st, err := boltstore.Open(dir, boltstore.Options{NoSync: true, NoMerge: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	f := &filed{t: t, dir: dir, store: st}
	var boxes []intake.Mailbox
	team := contact.Team{Domains: []string{"example.com"}}
	for _, name := range []string{"ada", "ben", "cleo", "dora"} {
		boxes = append(boxes, intake.Mailbox{Name: name, Hidden: filedBoxes[name].Tier == access.Private})
		team.Members = append(team.Members, contact.Member{Name: name, Addresses: []contact.Address{filedBoxes[name].Owner}})
	}
	f.intake, err = intake.New(intake.Options{
		Store: st, Key: make([]byte, 32), Suggest: true, Mailboxes: boxes,
		Rules: matcher.Rules{Team: team, Exclusions: []matcher.Exclusion{{Address: "boss@press.example", Mode: matcher.Protected}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := New(Options{
		Store: st, Records: realRecords{f.intake, &plainRecords{s: st, now: noon}}, Daemon: &quietDaemon{}, SpoolDir: t.TempDir(),
		Access:    auth.New(auth.Options{Store: st, Key: make([]byte, 32), Now: func() time.Time { return noon }}),
		Mailboxes: func() map[string]veil.Mailbox { return filedBoxes }, Webhooks: tellers(st), Outreach: &plainOutreach{}, Listening: &plainOutreach{},
	})
	f.handler = s.Handler()
	f.ops = s.operations
	f.fill()
	if err := st.Index(t.Context()); err != nil { // what the store still does by itself is no answer to anybody
		t.Fatal(err)
	}
	return f
}

// shownFrom says which tier shows a word of a place.
func shownFrom(place string) access.Tier {
	if mailtest.OfSubject(place) {
		return access.Subject
	}
	return access.Full
}

// fill files the mail and writes down a note.
func (f *filed) fill() {
	f.t.Helper()
	ctx := f.t.Context()
	var err error
	f.press, err = f.intake.AddOrganisation(ctx, "tess", contact.Organisation{Name: "Press Works", Kind: contact.Customer, Domains: []contact.Domain{{Name: "press.example"}}})
	if err == nil {
		f.carl, err = f.intake.AddContact(ctx, "tess", contact.Contact{Name: "Carl Weber", Addresses: []contact.Address{"carl@press.example"}, Kind: contact.Customer})
	}
	if err != nil {
		f.t.Fatal(err)
	}
	for _, box := range []string{"ada", "ben", "cleo", "dora"} {
		f.file(box, mailtest.MarkedMails(box))
	}
	if _, err := f.intake.Note(ctx, "tess", store.Subject{Contact: f.carl.ID}, timeline.Note, "a note everybody reads", noon); err != nil {
		f.t.Fatal(err)
	}
	f.collect()
	if len(f.names) < 50 {
		f.t.Fatalf("only %d names are known: %q", len(f.names), f.names)
	}
}

func (f *filed) file(box string, raws []string) {
	f.t.Helper()
	ctx := f.t.Context()
	folder := message.Folder{Mailbox: box, Name: "INBOX", UIDValidity: 1, Role: message.RoleInbox}
	var copies []message.Copy
	for n, raw := range raws {
		copies = append(copies, message.Copy{UID: uint32(n + 1), Received: noon, Size: int64(len(raw)), Header: int64(strings.Index(raw, "\r\n\r\n") + 4), Head: message.ParseHead([]byte(raw))})
	}
	wishes, err := f.intake.Wanted(ctx, folder, copies)
	if err != nil {
		f.t.Fatal(err)
	}
	batch := message.Batch{Folder: folder}
	for n, c := range copies {
		it := message.Item{Copy: c, Wish: wishes[n]}
		if it.Wish.Action == message.Log || it.Wish.Action == message.Inspect {
			it.Body = message.Bytes(raws[n])
		}
		batch.Items = append(batch.Items, it)
	}
	if err := f.intake.Take(ctx, batch); err != nil {
		f.t.Fatal(err)
	}
}

// collect notes every id and name there is, whoever may see it.
func (f *filed) collect() {
	f.t.Helper()
	names := []string{string(f.carl.ID), string(f.press.ID), "carl@press.example", "press.example", "Press Works", "boss@press.example", "nobody@far.example", string(noon.Format("2006"))}
	err := f.store.View(f.t.Context(), func(tx store.Tx) error {
		all, err := store.Where(tx.Messages().List, func(message.ID) (bool, error) { return true, nil })
		for _, id := range all {
			m, err := tx.Messages().Get(id)
			if err != nil {
				return err
			}
			names = append(names, string(id), string(m.Thread), m.Head.MessageID, fmt.Sprintf("%s/%s/%d", m.Holdings[0].Mailbox, m.Holdings[0].Folder, m.Holdings[0].UID))
		}
		entries, err2 := store.Where(tx.Entries().Recent, func(timeline.Entry) (bool, error) { return true, nil })
		for _, e := range entries {
			names = append(names, string(e.ID))
		}
		lines, err3 := store.Where(func(s store.Slice) (store.Page[store.AuditRecord], error) { return tx.Audit().List("", s) }, func(store.AuditRecord) (bool, error) { return true, nil })
		for _, l := range lines {
			names = append(names, l.ID)
		}
		return errors.Join(err, err2, err3)
	})
	if err != nil {
		f.t.Fatal(err)
	}
	slices.Sort(names)
	f.names = slices.Compact(names)
}

// ask sends a request on behalf of somebody.
func (f *filed) ask(who access.Principal, method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(WithPrincipal(context.Background(), who), method, "/api/v1"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	return w
}

var inBraces = regexp.MustCompile(`\{[a-z]+\}`)

// addresses are the requests that reach a reading operation with every name
// known, and with words to look for.
func (f *filed) addresses(op operation) []string {
	_, path, _ := cutPattern(op.pattern)
	if inBraces.MatchString(path) {
		var out []string
		for _, name := range f.names {
			if strings.Contains(path, "{who}") && !strings.ContainsAny(name, " .") && name != string(f.carl.ID) && name != string(f.press.ID) {
				continue // an id of a message, which nobody has
			}
			out = append(out, inBraces.ReplaceAllString(path, url.PathEscape(name)))
		}
		return out
	}
	out := []string{path, path + "?limit=1"}
	for _, who := range []string{"carl@press.example", "Press Works", string(f.carl.ID)} {
		out = append(out, path+"?who="+url.QueryEscape(who))
	}
	return out
}

var (
	reading = access.Principal{Kind: access.User, ID: "r", Name: "Rea", Role: access.Reader}
	manager = access.Principal{Kind: access.User, ID: "m", Name: "Mag", Role: access.Administrator}
)

func capped(p access.Principal, t access.Tier) access.Principal { p.Sees = t; return p }

// readers are who reads in the tests, each with what they see of each mailbox.
func readers() map[string]access.Principal {
	ada := access.Principal{Kind: access.User, ID: "a", Name: "Ada", Role: access.Member, Address: "ada@example.com"}
	adaOwn := ada
	adaOwn.Role = access.Own
	token := capped(ada, access.Subject)
	token.Kind = access.Token
	return map[string]access.Principal{
		"reader":                   reading,
		"reader of subjects":       capped(reading, access.Subject),
		"reader of metadata":       capped(reading, access.Metadata),
		"reader of nothing":        capped(reading, access.Private),
		"administrator":            manager,
		"administrator of subject": capped(manager, access.Subject),
		"member":                   ada,
		"member of metadata":       capped(ada, access.Metadata),
		"own mailboxes":            adaOwn,
		"token":                    token,
		"the command line":         {Kind: access.Local},
	}
}

// raced says that the race detector watches, under which a request takes many
// times as long: then some of the readers ask, others each time, and all of
// them in the pass without it.
var raced bool

// racedReaders is how many.
const racedReaders = 2

// TestS9_TiersHoldEverywhere calls every reading operation with every name
// there is on behalf of readers of every tier, and looks in all they are
// answered for words they may not see.
func TestS9_TiersHoldEverywhere(t *testing.T) {
	t.Parallel()
	f := newFiled(t)
	tries, asked := 0, 0
	for name, who := range readers() {
		if asked++; raced && asked > racedReaders {
			break
		}
		eyes := veil.Eyes{Who: who, Boxes: filedBoxes}
		seen := map[string]bool{} // mailbox and tier of the words that were seen
		for _, op := range f.ops {
			method, _, _ := cutPattern(op.pattern)
			if method != http.MethodGet || strings.HasSuffix(op.pattern, "/events") {
				continue
			}
			for _, address := range f.addresses(op) {
				tries++
				w := f.ask(who, http.MethodGet, address, "")
				said := fmt.Sprint(w.Result().Header) + w.Body.String()
				if w.Code >= 500 {
					t.Errorf("%s: GET %s: %d %s", name, address, w.Code, w.Body)
				}
				for _, m := range mailtest.Marks(said) {
					tier := eyes.Mailbox(m.Box)
					if mailtest.OfProtected(m.Place) {
						if who.Kind != access.Local && filedBoxes[m.Box].Owner != who.Address {
							tier = access.Private
						}
					}
					seen[m.Box+" "+string(shownFrom(m.Place))] = true
					if !tier.Shows(shownFrom(m.Place)) {
						t.Errorf("%s, who sees %s of mailbox %s, is answered %s on GET %s", name, tier, m.Box, m.Word, address)
					}
				}
				if m := regexp.MustCompile(`<?cleo[1-8]@(press|example)`).FindString(said); m != "" && !eyes.Mailbox("cleo").Shows(access.Metadata) && !strings.Contains(address, "cleo") {
					t.Errorf("%s is answered %s of a private mailbox on GET %s", name, m, address)
				}
				if t.Failed() && tries%100 == 0 {
					t.FailNow()
				}
			}
		}
		for _, box := range []string{"ada", "ben", "dora"} { // the private one's mail is on no timeline
			for _, tier := range []access.Tier{access.Subject, access.Full} {
				if eyes.Mailbox(box).Shows(tier) && !seen[box+" "+string(tier)] {
					t.Errorf("%s is to see %s of mailbox %s, and was shown no word of it", name, tier, box)
				}
			}
		}
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestS9_NoSuchMessage holds that what is not shown is answered word for word
// as what does not exist.
func TestS9_NoSuchMessage(t *testing.T) {
	t.Parallel()
	f := newFiled(t)
	tries := 0
	var foreign []message.Message
	err := f.store.View(t.Context(), func(tx store.Tx) error {
		all, err := store.Where(tx.Messages().List, func(message.ID) (bool, error) { return true, nil })
		for _, id := range all {
			m, err := tx.Messages().Get(id)
			if err != nil {
				return err
			}
			if m.Holdings[0].Mailbox == "cleo" || m.Protected {
				foreign = append(foreign, m)
			}
		}
		return err
	})
	if err != nil || len(foreign) < 8 {
		t.Fatalf("%d messages are nobody else's, %v", len(foreign), err)
	}
	missing := store.NewID(noon)
	for _, m := range foreign {
		for _, name := range []string{string(m.ID), m.Head.MessageID, fmt.Sprintf("%s/INBOX/%d", m.Holdings[0].Mailbox, m.Holdings[0].UID)} {
			absent := map[string]string{m.Head.MessageID: "no-such@press.example"}[name]
			switch {
			case absent != "":
			case strings.Contains(name, "/"):
				absent = m.Holdings[0].Mailbox + "/NONE/1"
			default:
				absent = missing
			}
			for _, path := range []string{"/messages/%s", "/messages/%s/raw", "/messages/%s/explain"} {
				tries++
				got, want := f.ask(reading, http.MethodGet, fmt.Sprintf(path, url.PathEscape(name)), ""), f.ask(reading, http.MethodGet, fmt.Sprintf(path, url.PathEscape(absent)), "")
				if got.Code != http.StatusNotFound || strings.ReplaceAll(got.Body.String(), name, absent) != want.Body.String() {
					t.Errorf("GET %s of a message not shown: %d %s; of one that does not exist: %d %s", fmt.Sprintf(path, name), got.Code, got.Body, want.Code, want.Body)
				}
			}
		}
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// database is the bytes of the store.
func (f *filed) database() string {
	f.t.Helper()
	raw, err := os.ReadFile(filepath.Join(f.dir, "rapport.db"))
	if err != nil {
		f.t.Fatal(err)
	}
	return string(raw)
}
