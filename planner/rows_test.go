package planner

import (
	"bytes"
	"fmt"
	netmail "net/mail"
	"strconv"
	"strings"
	"testing"

	"rapport/records/campaign"
	"rapport/records/message"
	"rapport/records/outbox"
	"rapport/store"
)

// TestM80_SentSinceTheCopy puts back a copy of the store from before a run was
// sent: the run waits for somebody, and what the Sent folder shows was sent is
// not sent again when it goes on.
func TestM80_SentSinceTheCopy(t *testing.T) {
	o := newOffice(t, crowd(3, "press.example")...)
	o.launch()
	all := o.deliveries(outbox.Frozen)
	if err := o.Restored(t.Context(), "7"); err != nil || o.status().State != campaign.Paused || !strings.Contains(o.troubles(), "restored from a copy") {
		t.Fatalf("a restored copy: %+v, %v, %s", o.status(), err, o.troubles())
	}
	for range 2 {
		o.returned(message.Folder{Mailbox: "news", Name: "Sent", Role: message.RoleSent}, message.Message{Head: message.Head{MessageID: all[0].MessageID}})
		o.returned(message.Folder{Mailbox: "news", Name: "INBOX"}, message.Message{Head: message.Head{MessageID: all[1].MessageID}}) // proves nothing
	}
	if _, err := o.Resume(t.Context(), "ada", "spring"); err != nil {
		t.Fatal(err)
	}
	if p := o.status(); p.Accepted != 1 || p.Pending != 2 {
		t.Errorf("after the Sent folder was read: %+v", p)
	}
	if got := fmt.Sprint(o.history(all[0].Address)); got != "[delivery]" {
		t.Errorf("its timeline: %s", got)
	}
	t.Attr("tries", "3")
}

// TestM96_NothingHalfWritten has the writing of mails fail at every place of a
// launch: nothing of it is sent.
func TestM96_NothingHalfWritten(t *testing.T) {
	o := newOffice(t, crowd(3, "press.example")...)
	settings, tries := o.o.Settings, 0
	for launched := false; !launched; tries++ {
		calls := 0
		o.o.Settings = func() Settings {
			if calls++; calls > tries {
				return Settings{}
			}
			return settings()
		}
		run, err := o.Launch(t.Context(), "ada", "spring", "", false)
		launched = err == nil
		if launched {
			break
		}
		if run.ID == "" {
			continue // it did not begin
		}
		if p := o.status(); p.State != campaign.Cancelled || p.Pending+p.Deferred > 0 {
			t.Errorf("after a fault at %d: %+v", tries, p)
		}
	}
	if p := o.status(); tries < 3 || p.State != campaign.Running || p.Pending != 3 {
		t.Errorf("after %d faults: %+v", tries, p)
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestM99_WhatStands changes a campaign and its audience after the launch: the
// mails that were written are those that are sent, to whom they were for.
func TestM99_WhatStands(t *testing.T) {
	o := newOffice(t, customer("Carl", "carl@press.example"), customer("Carl too", "carl+x@press.example"), customer("Dora", "dora@press.example"))
	if run := o.launch(); run.Recipients != 2 {
		t.Fatalf("%d recipients, want one for each person", run.Recipients)
	}
	mails := func() (out string) {
		for _, d := range o.deliveries(outbox.Frozen) {
			err := o.store.View(t.Context(), func(tx store.Tx) error {
				raw, err := tx.Outbox().Bytes(d.ID)
				out += string(d.Address) + string(raw)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		return out
	}
	before := mails()
	o.letter("", "Autumn", "Dear {{.Contact.Name}},\n\nit is autumn.\n")
	o.update(func(tx store.Tx) error {
		late := customer("Eve", "eve@press.example")
		late.ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
		return tx.Contacts().Put(late)
	})
	if after := mails(); after != before || strings.Contains(after, "autumn") {
		t.Error("a change after the launch reached its mails")
	}
	t.Attr("tries", "3")
}

// TestM102_AutomaticAnswers has programs answer a newsletter, again and again:
// nothing is sent to them for it, and it is no interest.
func TestM102_AutomaticAnswers(t *testing.T) {
	o := newOffice(t, customer("Carl", "carl@press.example"))
	o.launch()
	d := o.carry(o.deliveries(outbox.Frozen)[0], false)
	tries := 0
	for range 20 {
		for _, v := range []message.Verdict{
			{Kind: message.Automatic, Auto: true}, {Kind: message.Personal, Auto: true},
			{Kind: message.Bounce, Auto: true, Bounces: []message.BouncedTo{{Recipient: "carl@press.example", Action: "delayed"}}},
		} {
			tries++
			o.returned(message.Folder{Mailbox: "news"}, message.Message{Head: message.Head{MessageID: fmt.Sprintf("a%d@press.example", tries), InReplyTo: []string{d.MessageID}}, Verdict: v})
		}
	}
	page, err := o.Deliveries(t.Context(), "", store.OutboxFilter{}, store.Slice{})
	if p := o.status(); err != nil || len(page.Items) != 1 || page.Items[0].Dots != 1 || p.Replied+p.Bounced+p.Answers > 0 {
		t.Errorf("%d mails are there, %+v, %v", len(page.Items), p, err)
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestS14_ForgedReports changes each letter of the token of a report about a
// dead address: nobody is suppressed.
func TestS14_ForgedReports(t *testing.T) {
	o := newOffice(t, customer("Carl", "carl@press.example"))
	o.launch()
	d := o.carry(o.deliveries(outbox.Frozen)[0], false)
	token := strings.TrimPrefix(strings.Split(d.MessageID, "@")[0], "d.")
	tries := 0
	for i := range token {
		for _, letter := range []byte("a7z") {
			forged := token[:i] + string(letter) + token[i+1:]
			if forged == token {
				continue
			}
			tries++
			for _, v := range []message.Verdict{
				{Kind: message.Bounce, Original: &message.Original{MessageID: "d." + forged + "@example.com"}, Bounces: []message.BouncedTo{{Recipient: "carl@press.example", Class: "address", Hard: true, Action: "failed"}}},
				{Kind: message.Complaint, Original: &message.Original{Token: forged}},
			} {
				o.returned(message.Folder{Mailbox: "news"}, message.Message{Head: message.Head{MessageID: fmt.Sprintf("f%d@evil.example", tries)}, Verdict: v})
			}
		}
	}
	page, err := o.Suppressions(t.Context(), store.Slice{})
	if p := o.status(); err != nil || len(page.Items) != 0 || p.Bounced+p.Complained != 0 {
		t.Errorf("%d forged reports: %+v, %+v, %v", tries, page.Items, p, err)
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestS21_WhatItIs has every mail of a campaign say that a program sent it, so
// that other programs leave it unanswered, but for reports of failure.
func TestS21_WhatItIs(t *testing.T) {
	o := newOffice(t, customer("Carl", "carl@press.example"))
	raw, err := o.Preview(t.Context(), "spring", "")
	if err != nil {
		t.Fatal(err)
	}
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]string{"Auto-Submitted": "auto-generated", "Precedence": "bulk", "X-Auto-Response-Suppress": "OOF, AutoReply, RN, NRN, DR"} {
		if got := m.Header.Get(field); got != want {
			t.Errorf("%s: %q, want %q", field, got, want)
		}
	}
	if m.Header.Get("List-Id") == "" || m.Header.Get("List-Unsubscribe") == "" {
		t.Errorf("it is no mail of a list: %v", m.Header)
	}
	t.Attr("tries", "5")
}
