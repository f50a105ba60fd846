package web

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/timeline"
	"rapport/store"
)

const richMail = "From: carl@press.example\r\nSubject: Rich\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\n\r\n" +
	"--x\r\nContent-Type: text/html\r\n\r\n<p>Hello <img src=\"cid:logo\"><script>alert(1)</script></p>\r\n" +
	"--x\r\nContent-Type: text/html; name=\"a\\\"b\u00e4.html\"\r\nContent-Disposition: attachment\r\nContent-ID: <logo>\r\nContent-Transfer-Encoding: base64\r\n\r\nPHNjcmlwdD4=\r\n--x--\r\n"

// putMail files a mail of Carl's as intake does.
func (w *world) putMail(raw string, at time.Time) message.ID {
	w.t.Helper()
	parsed, err := message.Parse(strings.NewReader(raw), message.Limits{})
	if err != nil {
		w.t.Fatal(err)
	}
	blob, err := w.store.Pack(context.Background(), message.Bytes(raw))
	if err != nil {
		w.t.Fatal(err)
	}
	id := message.ID(store.NewID(at))
	err = w.store.Update(context.Background(), func(tx store.Tx) error {
		e := timeline.Entry{ID: timeline.ID(store.NewID(at)), Time: at, Kind: timeline.Message, Direction: message.In, Subject: parsed.Head.Subject,
			Message: id, Thread: message.ThreadID(id), Contacts: []contact.ID{w.carl}}
		return errors.Join(tx.Blobs().Put(blob),
			tx.Messages().Put(message.Message{ID: id, Thread: e.Thread, Time: at, Head: parsed.Head, Raw: blob.Sum, Attachments: parsed.Attachments, Direction: message.In,
				Holdings: []message.Holding{{Mailbox: "ada", Folder: "INBOX", UIDValidity: 7, UID: uint32(at.Unix())}}}, []message.Sum{parsed.Sum}),
			tx.Entries().Put(e, store.NewDocument(store.Fields{Subject: parsed.Head.Subject, Text: parsed.Text})))
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func TestContentOfMessages(t *testing.T) {
	w := newWorld(t)
	id := string(w.putMail(richMail, noon))
	got, err := w.client.MessageHTML(t.Context(), id)
	if err != nil || !strings.Contains(got.HTML, "<script>") || got.Parts["logo"] != "2" {
		t.Errorf("HTML = %+v, %v; want it as sent, and logo to be part 2", got, err)
	}
	if got, err := w.client.MessageHTML(t.Context(), string(w.mail)); err != nil || got.HTML != "" || got.Parts == nil {
		t.Errorf("HTML of a plain mail = %+v, %v", got, err)
	}
	resp, body := w.request(http.MethodGet, "/messages/"+id+"/parts/2", "", "")
	if body != "<script>" {
		t.Errorf("part 2 = %q", body)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/octet-stream", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox",
		"Content-Disposition": "attachment; filename*=UTF-8''" + url.PathEscape("a_bä.html"),
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s of an attachment is %q, want %q", name, got, want)
		}
	}
	for _, part := range []string{"1", "3", "2.1", "../2", "", strings.Repeat("1.", 90)} {
		var b bytes.Buffer
		if err := w.client.MessagePart(t.Context(), id, part, &b); err == nil || b.Len() > 0 {
			t.Errorf("part %q: %d bytes, %v", part, b.Len(), err)
		}
	}
	if err := w.client.MessagePart(t.Context(), string(w.hidden), "1", &bytes.Buffer{}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a part of what is hidden: %v", err)
	}
}

func TestHistoryNarrowed(t *testing.T) {
	w := newWorld(t)
	for i := range 30 {
		at := noon.AddDate(0, 0, i+1)
		from := "carl@press.example"
		if i%10 == 0 {
			from = "ada@example.com"
		}
		w.putMail("From: "+from+"\r\nSubject: mail "+strconv.Itoa(i)+"\r\n\r\nNew "+strconv.Itoa(i)+"\r\n\r\nOn Mon, 2 Mar 2026 at 12:00, Carl wrote:\r\n> old\r\n", at)
	}
	err := w.store.Update(t.Context(), func(tx store.Tx) error {
		return tx.Entries().Put(timeline.Entry{ID: timeline.ID(store.NewID(noon)), Time: noon.AddDate(0, 0, 5), Kind: timeline.Note, Subject: "a note",
			By: "Ada Byron", Contacts: []contact.ID{w.carl}}, store.NewDocument(store.Fields{Text: "a note"}))
	})
	if err != nil {
		t.Fatal(err)
	}
	all := func(h History) (subjects []string) {
		for range 50 {
			page, err := w.client.History(t.Context(), h)
			if err != nil {
				t.Fatalf("History(%+v): %v", h, err)
			}
			if len(page.Items) > max(h.Limit, 1) && h.Limit > 0 {
				t.Errorf("History(%+v) gives %d", h, len(page.Items))
			}
			for _, e := range page.Items {
				subjects = append(subjects, e.Subject)
			}
			if h.Cursor = page.Next; h.Cursor == "" {
				return subjects
			}
		}
		t.Fatalf("History(%+v) has no end", h)
		return nil
	}
	carl := string(w.carl)
	for _, tt := range []struct {
		h    History
		want string
	}{
		{History{Who: carl, Member: "ada", After: noon.Add(time.Hour), Slice: Slice{Limit: 3}}, "mail 20,mail 10,a note,mail 0"},
		{History{Who: carl, Before: noon.AddDate(0, 0, 4), After: noon.AddDate(0, 0, 2), Slice: Slice{Limit: 1}}, "mail 2,mail 1"},
		{History{Who: carl, Kind: "note"}, "a note"},
		{History{Who: carl, Kind: "note", Member: "babbage@example.com"}, ""},
		{History{Who: carl, Direction: "out"}, ""},
		{History{Before: noon.AddDate(0, 0, 2), After: noon.AddDate(0, 0, 1)}, "mail 0"},
	} {
		if got := strings.Join(all(tt.h), ","); got != tt.want {
			t.Errorf("%+v gives %s, want %s", tt.h, got, tt.want)
		}
	}
	page, err := w.client.History(t.Context(), History{Who: carl, Text: true, Slice: Slice{Limit: 1}})
	if err != nil || page.Items[0].Text != "New 29" {
		t.Errorf("text of the newest = %+v, %v; want what was newly written", page.Items, err)
	}
	if _, err := w.client.History(t.Context(), History{Member: "nobody"}); err == nil {
		t.Error("a member nobody knows is taken")
	}
	found, err := w.client.Search(t.Context(), "old", Slice{Limit: 1})
	if err != nil || len(found.Items) != 1 || len(found.Items[0].Passages) != 1 {
		t.Fatalf("Search = %+v, %v", found, err)
	}
	last := found.Items[0].Passages[0][1]
	if !last.Hit || last.Text != "old" {
		t.Errorf("passage = %+v", found.Items[0].Passages)
	}
	best, err := w.client.SearchBest(t.Context(), "11 OR 20 OR mail", 2)
	if err != nil || len(best.Items) != 2 || best.Next != "" || best.Items[0].Subject != "mail 20" || best.Items[1].Subject != "mail 11" {
		t.Errorf("SearchBest = %+v, %v; want mail 20, mail 11", best, err)
	}
	if len(best.Items) > 0 && (len(best.Items[0].SubjectPassage) == 0 || !best.Items[0].SubjectPassage[0].Hit) {
		t.Errorf("passage of the best = %+v", best.Items[0].SubjectPassage)
	}
	if none, err := w.client.SearchBest(t.Context(), "nowhereatall", 2); err != nil || len(none.Items) != 0 {
		t.Errorf("SearchBest of nothing = %+v, %v", none, err)
	}
	for _, query := range []url.Values{{"q": {"mail"}, "order": {"best"}, "cursor": {"QQ"}}, {"q": {"mail"}, "order": {"worst"}}} {
		if _, err := call[Page[Entry]](t.Context(), w.client, http.MethodGet, "/search", query, nil); err == nil {
			t.Errorf("%v is taken", query)
		}
	}
}
