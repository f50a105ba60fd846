package web

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"rapport/records/access"
	"rapport/records/message"
	"rapport/store"
)

// bodies are what a change of each operation takes, where it takes something.
func (f *filed) bodies() map[string]string {
	carl := string(f.carl.ID)
	return map[string]string{
		"file-message": `{"who":"Press Works"}`, "unfile-message": `{"who":"` + carl + `"}`, "add-note": `{"who":"` + carl + `","text":"x"}`,
		"add-contact": `{"name":"X"}`, "add-organisation": `{"name":"X"}`, "edit-contact": `{"set":{"name":"X"}}`, "edit-organisation": `{"set":{"name":"X"}}`,
		"accept-suggestion": `{"who":"new@firm.example"}`, "ignore-suggestion": `{"who":"new@firm.example"}`,
		"merge-contacts": `{"lose":"` + carl + `"}`, "merge-organisations": `{"lose":"` + string(f.press.ID) + `"}`,
		"set-member-away": `{"member":"ada@example.com"}`, "member-leaves": `{"member":"ada@example.com","to":"ben@example.com"}`,
	}
}

// changed says when the file of the store was last written.
func (f *filed) changed() string {
	f.t.Helper()
	info, err := os.Stat(filepath.Join(f.dir, "rapport.db"))
	if err != nil {
		f.t.Fatal(err)
	}
	return fmt.Sprint(info.Size(), info.ModTime())
}

// TestS9_EveryChangeIsRefused sends every operation that changes anything
// without a session, from another origin, in a role that may not, and with the
// names of what is others': each is refused, and not a byte of the store
// changes.
func TestS9_EveryChangeIsRefused(t *testing.T) {
	t.Parallel()
	f := newFiled(t)
	bodies := f.bodies()
	user := func(r access.Role) access.Principal {
		return access.Principal{Kind: access.User, ID: "u", Name: "Uma", Role: r, Address: "uma@example.com"}
	}
	token := func(r access.Role, scope access.Need) access.Principal {
		return access.Principal{Kind: access.Token, ID: "t", Name: "Tok", Role: r, Scopes: []access.Need{scope}}
	}
	mayNot := map[access.Need][]access.Principal{
		access.Manage: {user(access.Member), user(access.Reader), user(access.Own), user("root"), token(access.Administrator, access.Write)},
		access.Write:  {user(access.Reader), user(""), token(access.Administrator, access.Read), token(access.Reader, access.Manage)},
		access.Read:   {user("root"), {Kind: access.Token, Role: access.Administrator, Scopes: []access.Need{}}},
	}
	before, stamp := f.database(), f.changed()
	tries := 0
	refused := func(op operation, what string, who access.Principal, path string, codes []int, header ...string) {
		t.Helper()
		tries++
		method, _, _ := cutPattern(op.pattern)
		body := bodies[op.id]
		if body == "" && method != http.MethodDelete {
			body = "{}"
		}
		w := f.ask(who, method, path, body, header...)
		if !slices.Contains(codes, w.Code) {
			t.Errorf("%s %s: %d %s", op.pattern, what, w.Code, w.Body)
		}
		if f.changed() != stamp {
			t.Fatalf("%s %s changed the store", op.pattern, what)
		}
	}
	changing := 0
	for _, op := range f.ops {
		method, path, _ := cutPattern(op.pattern)
		if method == http.MethodGet {
			continue
		}
		changing++
		some := inBraces.ReplaceAllString(path, string(f.carl.ID))
		if op.need != access.Anyone {
			refused(op, "without a session", access.Principal{}, some, []int{http.StatusUnauthorized})
		}
		for _, who := range mayNot[op.need] {
			refused(op, "as "+string(who.Kind)+" "+string(who.Role), who, some, []int{http.StatusForbidden})
		}
		for _, who := range []access.Principal{{Kind: access.Local}, {Kind: access.Open}, manager} {
			refused(op, "from another origin", who, some, []int{http.StatusForbidden}, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
			refused(op, "from another origin", who, some, []int{http.StatusForbidden}, "Origin", "https://evil.example")
		}
		if op.need == access.Manage || !inBraces.MatchString(path) {
			continue
		}
		for _, name := range f.foreign() {
			refused(op, "of "+name, user(access.Own), inBraces.ReplaceAllString(path, url.PathEscape(name)),
				[]int{http.StatusNotFound, http.StatusForbidden, http.StatusBadRequest})
		}
	}
	if changing < 20 {
		t.Errorf("only %d operations change anything", changing)
	}
	if f.database() != before {
		t.Error("the store is not what it was, to the byte")
	}
	t.Attr("tries", strconv.Itoa(tries))
	f.controls()
}

// foreign are the names of what lies in others' mailboxes only.
func (f *filed) foreign() []string {
	var out []string
	err := f.store.View(f.t.Context(), func(tx store.Tx) error {
		all, err := store.Where(tx.Messages().List, func(message.ID) (bool, error) { return true, nil })
		for _, id := range all {
			m, err := tx.Messages().Get(id)
			if err != nil {
				return err
			}
			out = append(out, string(id), string(m.Thread), m.Head.MessageID, fmt.Sprintf("%s/INBOX/%d", m.Holdings[0].Mailbox, m.Holdings[0].UID))
			if e, err := tx.Entries().OfMessage(id); err == nil {
				out = append(out, string(e.ID))
			}
		}
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return append(out, store.NewID(noon))
}

// controls holds that the same requests do change the store where they may:
// the owner of a mailbox files what lies in it, and takes it back.
func (f *filed) controls() {
	f.t.Helper()
	ada := access.Principal{Kind: access.User, Name: "Ada", Role: access.Own, Address: "ada@example.com"}
	before := f.database()
	w := f.ask(ada, http.MethodPost, "/messages/"+url.PathEscape("ada/INBOX/1")+"/withdraw", "")
	if w.Code != http.StatusOK || f.database() == before {
		f.t.Fatalf("an owner withdraws a message: %d %s", w.Code, w.Body)
	}
	audit := regexp.MustCompile(`"audit":"([0-9A-Z]{26})"`).FindStringSubmatch(w.Body.String())
	if audit == nil {
		f.t.Fatalf("no audit id: %s", w.Body)
	}
	before = f.database()
	other := ada
	other.Name, other.Address = "Uma", "uma@example.com"
	if w := f.ask(other, http.MethodPost, "/undo/"+audit[1], ""); w.Code != http.StatusNotFound || f.database() != before {
		f.t.Errorf("somebody else takes it back: %d %s", w.Code, w.Body)
	}
	if w := f.ask(ada, http.MethodPost, "/undo/"+audit[1], ""); w.Code != http.StatusOK || f.database() == before {
		f.t.Errorf("the owner takes it back: %d %s", w.Code, w.Body)
	}
}
