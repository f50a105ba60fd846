package web

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rapport/internal/auth"
	"rapport/records/access"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/timeline"
	"rapport/store"
	"rapport/store/boltstore"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// world is a server over a real store with a little in it.
type world struct {
	t       *testing.T
	store   store.Store
	records *plainRecords
	daemon  *quietDaemon
	access  *auth.Service
	grants  *someGrants
	handler http.Handler
	server  *httptest.Server
	client  *Client

	carl, cara, twin contact.ID
	press            contact.OrganisationID
	mail, hidden     message.ID
}

const rawMail = "Message-ID: <one@press.example>\r\nFrom: Carl Weber <carl@press.example>\r\nTo: ada@example.com\r\n" +
	"Subject: The new press\r\nDate: Mon, 02 Mar 2026 12:00:00 +0000\r\n\r\nWe take it.\r\n"

func newWorld(t *testing.T) *world {
	t.Helper()
	st, err := boltstore.Open(t.TempDir(), boltstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	w := &world{t: t, store: st, records: &plainRecords{s: st, now: noon}, daemon: &quietDaemon{}, grants: &someGrants{}}
	w.access = auth.New(auth.Options{Store: st, Key: make([]byte, 32), Now: func() time.Time { return noon }})
	w.handler = New(Options{Store: st, Records: w.records, Daemon: w.daemon, Version: "1.2.3", SpoolDir: t.TempDir(), Access: w.access, Grants: w.grants, Webhooks: tellers(st), Outreach: &plainOutreach{}, Listening: &plainOutreach{},
		Now: func() time.Time { return noon }}).Handler()
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.handler.ServeHTTP(rw, r.WithContext(WithPrincipal(r.Context(), access.Principal{Kind: access.Local})))
	}))
	t.Cleanup(w.server.Close)
	w.client = NewClient(w.server.URL, "tess", nil)
	t.Cleanup(w.client.Close)
	w.fill()
	return w
}

func (w *world) fill() {
	w.t.Helper()
	ctx := context.Background()
	blob, err := w.store.Pack(ctx, message.Bytes(rawMail))
	if err != nil {
		w.t.Fatal(err)
	}
	w.press = contact.OrganisationID(store.NewID(noon))
	w.carl, w.cara, w.twin = contact.ID(store.NewID(noon)), contact.ID(store.NewID(noon)), contact.ID(store.NewID(noon))
	w.mail, w.hidden = message.ID(store.NewID(noon)), message.ID(store.NewID(noon))
	err = w.store.Update(ctx, func(tx store.Tx) error {
		for _, err := range []error{
			tx.Organisations().Put(contact.Organisation{ID: w.press, Name: "Press Works", Kind: contact.Customer,
				Domains: []contact.Domain{{Name: "press.example"}}, Created: noon, Updated: noon}),
			tx.Contacts().Put(contact.Contact{ID: w.carl, Name: "Carl Weber", Addresses: []contact.Address{"carl@press.example"},
				Affiliations: []contact.Affiliation{{Organisation: w.press, Title: "Buyer"}}, Tags: []string{"vip"}, Created: noon, Updated: noon}),
			tx.Contacts().Put(contact.Contact{ID: w.cara, Name: "Cara Stone", Addresses: []contact.Address{"shared@stone.example"}, Created: noon, Updated: noon}),
			tx.Contacts().Put(contact.Contact{ID: w.twin, Name: "Cara Stone", Addresses: []contact.Address{"shared@stone.example"}, Created: noon, Updated: noon}),
			tx.Blobs().Put(blob),
			w.message(tx, w.mail, "one@press.example", 11, blob.Sum, false),
			w.message(tx, w.hidden, "two@press.example", 12, blob.Sum, true),
			tx.Suggestions().Put(store.Suggestion{Address: "new@firm.example", Domain: "firm.example", In: 2, Out: 1, Exchange: 1,
				First: noon, Last: noon, Expires: noon.AddDate(1, 0, 0)}),
			tx.Reviews().Put(store.Review{Message: w.mail, Reason: "a shared domain", At: noon,
				Candidates: []message.Match{{Contact: w.carl, Rule: "domain"}}}),
			tx.Audit().Add(store.AuditRecord{ID: store.NewID(noon), At: noon, Actor: "tess", Action: "contact.add", Object: string(w.carl), Before: []byte("{}")}),
			tx.Folders().Settle(message.Folder{Mailbox: "ada", Name: "INBOX", UIDValidity: 7}, store.Settlement{UIDs: message.UIDs(13), Skipped: message.NoMatch}),
			tx.Folders().Settle(message.Folder{Mailbox: "ada", Name: "INBOX", UIDValidity: 7}, store.Settlement{UIDs: message.UIDs(11, 12), Stored: true}),
		} {
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// message puts one mail of Carl's with its entry.
func (w *world) message(tx store.Tx, id message.ID, messageID string, uid uint32, raw message.Sum, hidden bool) error {
	m := message.Message{
		ID: id, Thread: message.ThreadID(w.mail), Time: noon, Received: noon, Size: int64(len(rawMail)), Direction: message.In,
		Head: message.Head{MessageID: messageID, Subject: "The new press", Date: noon,
			From: []message.Party{{Name: "Carl Weber", Address: "carl@press.example"}}, To: []message.Party{{Address: "ada@example.com"}}},
		Verdict: message.Verdict{Kind: message.Personal}, Trust: message.TrustNone, Snippet: "We take it.", Raw: raw, Hidden: hidden,
		Holdings: []message.Holding{{Mailbox: "ada", Folder: "INBOX", UIDValidity: 7, UID: uid}},
		Matches:  []message.Match{{Contact: w.carl, Organisation: w.press, Rule: "address", Certain: true, Role: "from", Address: "carl@press.example"}},
	}
	if err := tx.Messages().Put(m, []message.Sum{{byte(uid)}}); err != nil {
		return err
	}
	if err := tx.Messages().SetThread(messageID, m.Thread); err != nil {
		return err
	}
	e := timeline.Entry{ID: timeline.ID(store.NewID(noon)), Time: noon, Kind: timeline.Message, Direction: message.In, Subject: "The new press",
		Snippet: "We take it.", Message: id, Thread: m.Thread, Contacts: []contact.ID{w.carl}, Organisations: []contact.OrganisationID{w.press}}
	return tx.Entries().Put(e, store.NewDocument(store.Fields{Subject: "The new press", Text: "We take it.", From: []string{"carl@press.example"}}))
}

// get sends a request as any program would and returns status, header and body.
func (w *world) request(method, path, contentType, body string, header ...string) (*http.Response, string) {
	w.t.Helper()
	req, err := http.NewRequest(method, w.server.URL+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	var b strings.Builder
	fmt.Fprint(&b, readAll(w.t, resp))
	return resp, b.String()
}
