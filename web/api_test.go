package web

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rapport/records/message"
	"rapport/store"
)

func readAll(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTimelineHasTheShapeScriptsRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, body := w.request("GET", "/timeline?who=carl@press.example", "", "")
	var page struct {
		Items []map[string]any `json:"items"`
	}
	if err := json.Unmarshal([]byte(body), &page); err != nil {
		t.Fatal(err)
	}
	if len(page.Items) != 1 {
		t.Fatalf("%d entries, want 1: the hidden message is nobody's to see\n%s", len(page.Items), body)
	}
	e := page.Items[0]
	for _, name := range []string{"id", "time", "kind", "direction", "subject", "snippet", "contact", "organisation", "message", "holdings", "matches", "verdict"} {
		if _, ok := e[name]; !ok {
			t.Errorf("the entry has no %q: %s", name, body)
		}
	}
	want := map[string]any{
		"id": string(w.mail), "message_id": "one@press.example", "thread": string(w.mail),
		"from": []any{map[string]any{"name": "Carl Weber", "address": "carl@press.example"}},
		"to":   []any{map[string]any{"name": "", "address": "ada@example.com"}}, "cc": []any{}, "attachments": []any{},
	}
	if diff := cmp.Diff(want, e["message"]); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	if e["time"] != "2026-03-02T12:00:00Z" || e["contact"] != string(w.carl) || e["organisation"] != string(w.press) {
		t.Errorf("time %v, contact %v, organisation %v", e["time"], e["contact"], e["organisation"])
	}
	if h := e["holdings"].([]any)[0].(map[string]any); h["mailbox"] != "ada" || h["folder"] != "INBOX" || h["uid"] != 11.0 {
		t.Errorf("holding %v", h)
	}
	if m := e["matches"].([]any)[0].(map[string]any); m["rule"] != "address" || m["certain"] != true || m["contact"] != string(w.carl) {
		t.Errorf("match %v", m)
	}
}

func TestWhoIsResolved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tt := range []struct{ who, want string }{
		{string(w.carl), string(w.carl)},
		{strings.ToLower(string(w.carl)), string(w.carl)},
		{"Carl <CARL@press.example>", string(w.carl)},
		{string(w.press), string(w.press)},
		{"press works", string(w.press)},
		{"  Press   Works ", string(w.press)},
		{"press.example", string(w.press)},
		{"@press.example", string(w.press)},
		{"mail.press.example", string(w.press)},
		{"carl weber", string(w.carl)},
		{"carl", string(w.carl)},
		{"nobody@nowhere.example", "not found"},
		{"nowhere.example", "not found"},
		{"Zebra", "not found"},
		{"shared@stone.example", "ambiguous"},
		{"Cara Stone", "ambiguous"},
	} {
		t.Run(tt.who, func(t *testing.T) {
			var got store.Subject
			err := w.store.View(t.Context(), func(tx store.Tx) (err error) {
				got, err = resolve(tx, tt.who, anybody)
				return err
			})
			answer := string(got.Contact) + string(got.Organisation)
			var p *Problem
			switch {
			case errors.Is(err, store.ErrNotFound):
				answer = "not found"
			case errors.As(err, &p) && p.Code == codeAmbiguous && len(p.Candidates) == 2:
				answer = "ambiguous"
			case err != nil:
				t.Fatal(err)
			}
			if answer != tt.want {
				t.Errorf("resolve(%q) = %s (%v), want %s", tt.who, answer, err, tt.want)
			}
		})
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err        error
		status     int
		code       string
		retryAfter string
	}{
		{fmt.Errorf("read: %w", store.ErrNotFound), 404, codeNotFound, ""},
		{store.ErrConflict, 409, codeConflict, ""},
		{store.ErrExists, 409, codeExists, ""},
		{store.ErrFull, 503, codeFull, "30"},
		{store.ErrReadOnly, 503, codeReadOnly, "30"},
		{errors.New("two of them share an address"), 422, codeRefused, ""},
	} {
		t.Run(tt.code, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.records.fail = tt.err
			resp, body := w.request("POST", "/contacts", "application/json", `{"name":"X","emails":["x@y.example"]}`)
			var p Problem
			if err := json.Unmarshal([]byte(body), &p); err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != tt.status || p.Status != tt.status || p.Code != tt.code || p.Detail == "" || p.Title == "" {
				t.Errorf("%v answers %d: %s", tt.err, resp.StatusCode, body)
			}
			if ct := resp.Header.Get("Content-Type"); ct != "application/problem+json" {
				t.Errorf("content type %q", ct)
			}
			if got := resp.Header.Get("Retry-After"); got != tt.retryAfter {
				t.Errorf("Retry-After %q, want %q", got, tt.retryAfter)
			}
			if _, err := w.client.AddContact(t.Context(), ContactInput{Name: "X"}); tt.code != codeRefused && !errors.Is(err, unwrapAll(tt.err)) {
				t.Errorf("the client returns %v, in which errors.Is finds no %v", err, tt.err)
			}
		})
	}
}

func unwrapAll(err error) error {
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return err
}

func TestRequestsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, tt := range map[string]struct {
		method, path, contentType, body string
		header                          []string
		want                            int
	}{
		"not JSON":      {"POST", "/contacts", "text/plain", `{"name":"X"}`, nil, 415},
		"unknown field": {"POST", "/contacts", "application/json", `{"nom":"X"}`, nil, 400},
		"two values":    {"POST", "/contacts", "application/json", `{"name":"X"}{}`, nil, 400},
		"too large":     {"POST", "/contacts", "application/json", `{"name":"` + strings.Repeat("x", maxBody) + `"}`, nil, 413},
		"no name":       {"POST", "/contacts", "application/json", `{}`, nil, 400},
		"bad kind":      {"POST", "/contacts", "application/json", `{"name":"X","kind":"friend"}`, nil, 400},
		"bad limit":     {"GET", "/contacts?limit=0", "", "", nil, 400},
		"no such route": {"GET", "/nothing", "", "", nil, 404},
		"other origin":  {"POST", "/reload", "application/json", `{}`, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		"long path":     {"GET", "/contacts/" + strings.Repeat("x", maxParameter), "", "", nil, 400},
		"bad cursor":    {"GET", "/timeline?cursor=%00%01nonsense", "", "", nil, 400},
		"empty element": {"GET", "/contacts//export", "", "", nil, 404},
		"dots":          {"GET", "/contacts/../export", "", "", nil, 404},
	} {
		t.Run(name, func(t *testing.T) {
			resp, body := w.request(tt.method, tt.path, tt.contentType, tt.body, tt.header...)
			if resp.StatusCode != tt.want {
				t.Errorf("status %d, want %d: %.300s", resp.StatusCode, tt.want, body)
			}
		})
	}
}

func TestSyncStreamsProgressThenResult(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var seen []message.State
	st, err := w.client.Sync(t.Context(), nil, func(s Status) { seen = append(seen, s.Mailboxes[0].State) })
	if err != nil || st.Mailboxes[0].State != message.StateWatching {
		t.Fatalf("Sync = %+v, %v", st, err)
	}
	if !slices.Contains(seen, message.StateSyncing) {
		t.Errorf("progress %v, want some of it", seen)
	}
	if _, err := w.client.Sync(t.Context(), []string{"zoe"}, nil); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Sync of no mailbox = %v, want not found", err)
	}
	w.daemon.fail = errors.New("the disk is gone")
	if _, err := w.client.Sync(t.Context(), nil, nil); err == nil || err.Error() != "the disk is gone" {
		t.Errorf("Sync = %v, want the daemon's error", err)
	}
}

func TestALeavingClientEndsTheSync(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.daemon.block = true
	ctx, cancel := context.WithCancel(t.Context())
	_, err := w.client.Sync(ctx, nil, func(Status) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Sync = %v, want canceled", err)
	}
	closed := make(chan struct{})
	go func() { w.server.Close(); close(closed) }() // waits for the handler
	select {
	case <-closed:
	case <-time.After(2 * time.Minute):
		t.Error("the handler still runs")
	}
}

func TestBackupFailsBeforeTheFirstByteWithASentence(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var b bytes.Buffer
	if err := w.client.Backup(t.Context(), &b); err != nil || b.String() != "a whole store" {
		t.Errorf("Backup wrote %q, %v", b.String(), err)
	}
	w.daemon.fail = store.ErrFull
	if err := w.client.Backup(t.Context(), io.Discard); !errors.Is(err, store.ErrFull) {
		t.Errorf("Backup = %v, want no space", err)
	}
}

func TestExportHoldsRecordsHistoryAndMail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var b bytes.Buffer
	if err := w.client.Export(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for r := tar.NewReader(&b); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[h.Name] = string(content)
	}
	if got := files["messages/"+string(w.mail)+".eml"]; got != rawMail {
		t.Errorf("the mail is %q", got)
	}
	if _, ok := files["messages/"+string(w.hidden)+".eml"]; ok {
		t.Error("a private mail is exported")
	}
	for name, want := range map[string]string{
		"contacts.jsonl": "Carl Weber", "contacts.csv": `"Press Works"`, "organisations.jsonl": "press.example",
		"organisations.csv": `"press.example"`, "timeline.jsonl": "The new press", "audit.jsonl": "contact.add",
		"members.jsonl": "Ada Byron", "suggestions.jsonl": "new@firm.example", "decisions.jsonl": "",
		"sales.jsonl": "", "deliveries.jsonl": "", "answers.jsonl": "", "runs.jsonl": "", "suppressions.jsonl": "", "sign-ups.jsonl": "",
	} {
		if got, ok := files[name]; !ok || !strings.Contains(got, want) {
			t.Errorf("%s = %q, want it to hold %q", name, got, want)
		}
	}
}

func TestExplainNamesTheStateOfASkippedCopy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, err := w.client.Explain(t.Context(), "ada/INBOX/13")
	if err != nil || e.Decided.Action != message.Skip || e.Decided.Reason != message.NoMatch || len(e.Steps) != 1 {
		t.Errorf("Explain of a skipped copy = %+v, %v", e, err)
	}
	if e, err = w.client.Explain(t.Context(), "ada/INBOX/99"); err != nil || e.Steps[0].Rule != "unseen" {
		t.Errorf("Explain of an unseen copy = %+v, %v", e, err)
	}
	if _, err = w.client.Explain(t.Context(), "ada/INBOX/12"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Explain of a private mail = %v, want not found", err)
	}
	err = w.store.Update(t.Context(), func(tx store.Tx) error {
		f, uid, ok := copyNamed(tx, "ada/INBOX/99")
		if !ok || uid != 99 {
			t.Fatalf("ada/INBOX/99 names no copy")
		}
		return tx.Folders().SetMark(f, message.Mark{UIDNext: 50, Exists: 1})
	})
	if err != nil {
		t.Fatal(err)
	}
	if e, err = w.client.Explain(t.Context(), "ada/INBOX/99"); !errors.Is(err, store.ErrNotFound) || !strings.Contains(err.Error(), "no message of UID 99") {
		t.Errorf("Explain of what is not there = %+v, %v; want that said", e, err)
	}
}

func TestPrivateMailIsNotFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{string(w.hidden), "two@press.example", "ada/INBOX/12"} {
		if _, err := w.client.Message(t.Context(), name); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Message(%q) = %v, want not found", name, err)
		}
		if err := w.client.RawMessage(t.Context(), name, io.Discard); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("RawMessage(%q) = %v, want not found", name, err)
		}
	}
	page, err := w.client.Search(t.Context(), "press", Slice{})
	if err != nil || len(page.Items) != 1 || page.Items[0].Message.ID != w.mail {
		t.Errorf("Search = %+v, %v; want the open mail alone", page, err)
	}
}

func TestRawMessageIsByteExact(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var b bytes.Buffer
	if err := w.client.RawMessage(t.Context(), string(w.mail), &b); err != nil || b.String() != rawMail {
		t.Errorf("raw = %q, %v", b.String(), err)
	}
}

func TestEditContact(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, err := w.client.EditContact(t.Context(), string(w.carl), Edit{
		Set:    map[string]string{"email": "c.weber@press.example", "owner": "babbage", "custom.size": "big", "note": ""},
		Add:    map[string][]string{"tags": {"new", "vip"}, "phones": {"+43 1 234"}},
		Remove: map[string][]string{"organisations": {"press.example"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(c.Addresses, c.Owner, c.Custom, c.Tags, c.Phones, len(c.Organisations)); got !=
		"[c.weber@press.example carl@press.example]babbage@example.commap[size:big] [vip new] [+43 1 234] 0" {
		t.Errorf("edited: %s", got)
	}
	for _, e := range []Edit{
		{Set: map[string]string{"colour": "red"}},
		{Set: map[string]string{"owner": "bob"}}, // two of them
		{Set: map[string]string{"owner": "zoe"}},
		{Set: map[string]string{"kind": "friend"}},
		{Add: map[string][]string{"friends": {"x"}}},
		{Add: map[string][]string{"emails": {"nonsense"}}},
	} {
		if _, err := w.client.EditContact(t.Context(), string(w.carl), e); err == nil {
			t.Errorf("EditContact(%+v) is accepted", e)
		}
	}
}

func TestTheActorIsNoted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.client.Withdraw(t.Context(), string(w.mail)); err != nil {
		t.Fatal(err)
	}
	if got, want := w.records.last(), fmt.Sprintf("withdraw %s by tess", w.mail); got != want {
		t.Errorf("noted %q, want %q", got, want)
	}
}

func TestImportTellsTheFormat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tt := range []struct{ name, file string }{
		{"a.csv", "name,email\nX,x@y.example\n"},
		{"-", "email,name\nx@y.example,X\n"},
		{"a.vcf", "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:X\r\nEMAIL:x@y.example\r\nEND:VCARD\r\n"},
		{"-", "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:X\r\nEMAIL:x@y.example\r\nEND:VCARD\r\n"},
		{"-", `{"contact":{"name":"X","addresses":["x@y.example"]}}` + "\n"},
	} {
		got, err := w.client.Import(t.Context(), strings.NewReader(tt.file), ImportOptions{Name: tt.name, Kind: "partner"})
		if err != nil || got.Added != 1 || len(got.Errors) > 0 {
			t.Errorf("Import(%s, %q) = %+v, %v", tt.name, tt.file, got, err)
		}
	}
	got, err := w.client.Import(t.Context(), strings.NewReader("name,email\nX,nonsense\n"), ImportOptions{Name: "a.csv"})
	if err != nil || len(got.Errors) != 1 || got.Errors[0].Line != 2 || got.Added != 0 {
		t.Errorf("Import of a bad line = %+v, %v; want the fault of line 2", got, err)
	}
}

// A server may bound how long a request takes to arrive; a sync takes longer.
func TestALongOperationOutlivesTheReadTimeout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.daemon.block = true
	hasty := httptest.NewUnstartedServer(w.server.Config.Handler)
	hasty.Config.ReadHeaderTimeout, hasty.Config.ReadTimeout = time.Minute, 2*time.Second // the request itself arrives in it, also on a busy machine
	hasty.Start()
	defer hasty.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, err := NewClient(hasty.URL, "tess", nil).Sync(ctx, nil, nil)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Sync = %v, want our own deadline", err)
	}
}

// TestRecordsRefuseNonsense wants what no record can hold to be the fault of
// what was typed, on every way in.
func TestRecordsRefuseNonsense(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	p, err := w.client.AddContact(ctx, ContactInput{Name: "Zed", Emails: []string{"zed@zed.example"}, TimeZone: "Europe/Vienna"})
	if err != nil {
		t.Fatal(err)
	}
	for name, do := range map[string]func() error{
		"zone of a new contact": func() error {
			_, err := w.client.AddContact(ctx, ContactInput{Name: "Mars", TimeZone: "Mars/Phobos"})
			return err
		},
		"language of a new contact": func() error {
			_, err := w.client.AddContact(ctx, ContactInput{Name: "Mars", Language: "no language"})
			return err
		},
		"zone": func() error {
			_, err := w.client.EditContact(ctx, string(p.ID), Edit{Set: map[string]string{"timezone": "Mars/Phobos"}})
			return err
		},
		"language": func() error {
			_, err := w.client.EditContact(ctx, string(p.ID), Edit{Set: map[string]string{"language": "no language"}})
			return err
		},
		"zone of an organisation": func() error {
			_, err := w.client.AddOrganisation(ctx, OrganisationInput{Name: "Mars", TimeZone: "Europe/Berlinn"})
			return err
		},
	} {
		var problem *Problem
		if err := do(); !errors.As(err, &problem) || problem.Status != http.StatusBadRequest {
			t.Errorf("%s: %v; want the request refused as wrong", name, err)
		}
	}
	got, err := w.client.Import(ctx, strings.NewReader("name,timezone\nX,Europe/Vienna\nY,Mars/Phobos\n"), ImportOptions{Name: "a.csv"})
	if err != nil || len(got.Errors) != 1 || got.Errors[0].Line != 3 {
		t.Errorf("Import of a zone nobody knows = %+v, %v; want the fault of line 3", got, err)
	}
}

// TestTrailKnowsWhatWasUndone offers to undo only what still can be, and says
// what undoing leaves to be done.
func TestTrailKnowsWhatWasUndone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	ids := []string{store.NewID(now), store.NewID(now.Add(time.Second)), store.NewID(now.Add(2 * time.Second))}
	gone := store.NewID(now.Add(time.Hour)) // a message, withdrawn
	w.records.undoable = ids[0]
	err := w.store.Update(t.Context(), func(tx store.Tx) error {
		for i, a := range []store.AuditRecord{
			{Action: "message.withdraw", Object: gone, Before: []byte("{}")},
			{Action: "message.file", Object: gone, Before: []byte("{}")},
			{Action: store.ActionUndo, Object: gone, Detail: ids[0]},
		} {
			a.ID, a.At = ids[i], now.Add(time.Duration(i)*time.Second)
			if err := tx.Audit().Add(a); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	page, err := w.client.Audit(t.Context(), "", Slice{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, a := range page.Items {
		got[a.ID] = a.Undoable
	}
	if got[ids[0]] || !got[ids[1]] || got[ids[2]] {
		t.Errorf("undoable: %v; want the line that was not undone alone", got)
	}
	a, err := w.client.Undo(t.Context(), ids[0])
	if err != nil || !strings.Contains(a.Note, "comes back with the next pass") {
		t.Errorf("Undo of a withdrawal = %+v, %v; want it to say when the mail comes back", a, err)
	}
}
