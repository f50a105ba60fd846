package planner

import (
	"strings"
	"testing"
	"time"

	"rapport/records/followup"
	"rapport/records/message"
	"rapport/records/outbox"
	"rapport/store"
)

// cases are the cases of the office.
func (o *office) cases() (out []followup.FollowUp) {
	o.t.Helper()
	err := o.store.View(o.t.Context(), func(tx store.Tx) error {
		page, err := tx.FollowUps().List(store.FollowUpFilter{Cases: true}, store.Slice{})
		out = page.Items
		return err
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return out
}

// alerts are the mails that wait for members, and their texts.
func (o *office) alerts() (out []outbox.Delivery, texts []string) {
	o.t.Helper()
	o.update(func(tx store.Tx) error {
		out, texts = nil, nil
		for _, d := range o.all(tx) {
			if d.Contact != "" || d.Address.Domain() != "example.com" {
				continue
			}
			raw, err := tx.Outbox().Bytes(d.ID)
			if err != nil {
				return err
			}
			p, err := message.Parse(strings.NewReader(string(raw)), message.Limits{})
			if err != nil {
				return err
			}
			out, texts = append(out, d), append(texts, p.Text)
		}
		return nil
	})
	return out, texts
}

// TestLowScore opens one case for who is unhappy, and tells whoever looks after
// them, with what was said and the beginning of an answer.
func TestLowScore(t *testing.T) {
	carl := customer("Carl", "carl@press.example")
	carl.Owner, carl.Language = "bob@example.com", "de-AT"
	o, of := asking(t, carl, customer("Dora", "dora@press.example"), customer("Eve", "eve@press.example"), customer("Fred", "fred@press.example"))
	o.says(of["dora@press.example"], "d@press.example", "9", nil)
	o.says(of["eve@press.example"], "e@press.example", "2", func(m *message.Message) { m.Trust = message.TrustFail })
	o.says(of["fred@press.example"], "f@press.example", "3 or 4", nil)
	if got := o.cases(); len(got) > 0 {
		t.Fatalf("cases of nobody who is known to be unhappy: %+v", got)
	}
	for range 2 { // two mailboxes got it
		o.says(of["carl@press.example"], "c@press.example", "3 - too bitter", nil)
	}
	got := o.cases()
	if len(got) != 1 || got[0].Kind != followup.Complaint || got[0].Owner != "bob@example.com" || got[0].Due != "2026-03-03" || !strings.Contains(got[0].Note, "too bitter") {
		t.Fatalf("the cases: %+v", got)
	}
	mails, texts := o.alerts()
	if len(mails) != 1 || mails[0].Address != "bob@example.com" || !strings.Contains(mails[0].Subject, "Carl is unhappy: 3") {
		t.Fatalf("the mails: %+v", mails)
	}
	for _, want := range []string{"answered 3 of 10", "too bitter", "Guten Tag Carl", "mailto:carl@press.example?subject=Re:%20Spring", string(got[0].ID), "from us"} {
		if !strings.Contains(texts[0], want) {
			t.Errorf("the mail does not say %q:\n%s", want, texts[0])
		}
	}
	if d := o.carry(mails[0], false); d.State != outbox.Accepted {
		t.Errorf("the mail is %s: %s", d.State, d.Reason)
	}
	o.says(of["carl@press.example"], "c2@press.example", "1", nil) // worse, and still one case
	if _, err := o.Decide(t.Context(), "ada@example.com", string(of["fred@press.example"].ID), 3); err != nil {
		t.Fatal(err)
	}
	if got := o.cases(); len(got) != 2 || got[1].Owner != "ada@example.com" {
		t.Errorf("after the review: %+v", got)
	}
	if mails, _ := o.alerts(); len(mails) != 2 {
		t.Errorf("%d mails", len(mails))
	}
}

func TestWorkday(t *testing.T) {
	o := newOffice(t)
	for now, want := range map[string]followup.Day{"2026-03-02": "2026-03-04", "2026-03-05": "2026-03-09", "2026-03-07": "2026-03-10"} {
		o.now, _ = time.Parse(time.DateOnly, now)
		if got := o.workday(2); got != want {
			t.Errorf("two working days from %s: %s, want %s", now, got, want)
		}
	}
}

func TestDraft(t *testing.T) {
	for language, want := range map[string]string{"de-AT": "Guten Tag Zoe", "": "Dear Zoe", "ja": "Dear Zoe", "bn": "প্রিয় Zoe"} {
		if got := draft(language, "Zoe"); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q", language, got)
		}
	}
}
