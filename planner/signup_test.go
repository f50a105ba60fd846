package planner

import (
	"errors"
	"fmt"
	"io"
	"mime/quotedprintable"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/outbox"
	"rapport/store"
)

// asked are the mails that ask and wait, with what they say.
func (o *office) asked() (out []outbox.Delivery, texts []string) {
	o.t.Helper()
	err := o.store.View(o.t.Context(), func(tx store.Tx) error {
		runs, err := tx.Runs().List(signUpRun, store.Slice{})
		if err != nil {
			return err
		}
		out, texts = nil, nil
		for _, r := range runs.Items {
			page, err := tx.Outbox().List(store.OutboxFilter{Run: r.ID, State: outbox.Frozen}, store.Slice{})
			if err != nil {
				return err
			}
			for _, d := range page.Items {
				raw, err := tx.Outbox().Bytes(d.ID)
				if err != nil {
					return err
				}
				text, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(string(raw))))
				if err != nil {
					return err
				}
				out, texts = append(out, d), append(texts, string(text))
			}
		}
		return nil
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return out, texts
}

func (o *office) signs(a Asked) {
	o.t.Helper()
	if err := o.SignUp(o.t.Context(), a); err != nil {
		o.t.Fatal(err)
	}
}

// who returns the only contact with an address, and whether there is one.
func (o *office) who(a contact.Address) (c contact.Contact, known bool) {
	o.t.Helper()
	o.update(func(tx store.Tx) error {
		people, err := tx.Contacts().ByFolded(a)
		if len(people) > 1 {
			o.t.Errorf("%d contacts have %s", len(people), a)
		}
		if known = len(people) > 0; known {
			c = people[0]
		}
		return err
	})
	return c, known
}

// token is that of a delivery for a purpose.
func (o *office) token(p outbox.Purpose, d outbox.Delivery) string {
	o.t.Helper()
	token, err := o.o.Keys.Token(p, d.ID)
	if err != nil {
		o.t.Fatal(err)
	}
	return token
}

var zoe = Asked{Address: "zoe@print.example", Name: "Zoe [win](https://evil.example)", Language: "de-AT", Purposes: []string{"newsletter", "nothing"}, How: "form", From: "192.0.2.1"}

// TestSignUp asks a stranger by mail and believes only what comes back by the
// mailto link of that mail, once and in time.
func TestSignUp(t *testing.T) {
	o := newOffice(t)
	o.signs(zoe)
	o.signs(zoe) // at most one mail a day
	waiting, texts := o.asked()
	if len(waiting) != 1 || o.woken != 1 {
		t.Fatalf("%d mails ask, woken %d", len(waiting), o.woken)
	}
	d := waiting[0]
	yes := o.token(outbox.ForOptIn, d)
	if !strings.Contains(texts[0], "mailto:news@example.com?subject=yes%20%5B"+yes+"%5D") || !strings.Contains(texts[0], ": Neues.") || strings.Contains(texts[0], "evil") {
		t.Errorf("the mail:\n%s", texts[0])
	}
	if strings.Contains(strings.SplitN(texts[0], "\r\n\r\n", 2)[0], yes) {
		t.Error("an automatic answer to the header would confirm it")
	}
	if _, known := o.who(zoe.Address); known {
		t.Error("a contact before it was confirmed")
	}
	d = o.carry(d, false)
	if d.State != outbox.Accepted {
		t.Fatalf("the mail is %s: %s", d.State, d.Reason)
	}
	for n, subject := range []string{"Re: " + d.Subject, "yes [" + o.token(outbox.ForReply, d) + "]", "yes [" + o.token(outbox.ForUnsubscribe, d)[:20] + "]"} {
		o.returned(message.Folder{Mailbox: "news"}, message.Message{Head: message.Head{MessageID: "x" + strconv.Itoa(n), Subject: subject}})
	}
	if _, known := o.who(zoe.Address); known {
		t.Error("a mail without its token confirmed it")
	}
	for range 2 {
		o.returned(message.Folder{Mailbox: "news"}, message.Message{Head: message.Head{MessageID: "yes@print.example", Subject: "AW: yes [" + yes + "]"}})
	}
	c, known := o.who(zoe.Address)
	if !known || len(c.Consents) != 1 || c.Language != "de-AT" {
		t.Fatalf("after the answer: %+v", c)
	}
	if got := c.Consents[0]; got.Purpose != "newsletter" || got.State != contact.Given || !strings.Contains(got.Source, "asked by form on 2026-03-01 09:00:00, confirmed by mail: yes@print.example") {
		t.Errorf("the evidence: %+v", got)
	}
	if err := o.Confirm(t.Context(), d.ID, "page", ""); !errors.Is(err, ErrLate) {
		t.Errorf("the second time: %v", err)
	}
	o.now = o.now.Add(24 * time.Hour)
	o.signs(zoe)
	again, _ := o.asked()
	if len(again) != 1 {
		t.Fatalf("%d mails the day after", len(again))
	}
	if _, err := o.Asking(t.Context(), again[0].ID); err != nil {
		t.Error(err)
	}
	o.now = o.now.Add(signUpHolds + time.Second)
	if err := o.Confirm(t.Context(), again[0].ID, "page", ""); !errors.Is(err, ErrLate) {
		t.Errorf("after its time: %v", err)
	}
	o.now = o.now.Add(signUpKept)
	if err := o.Drop(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.update(func(tx store.Tx) error {
		if page, err := tx.SignUps().List(store.Slice{}); err != nil || len(page.Items) != 0 {
			t.Errorf("kept though nobody confirmed: %+v, %v", page.Items, err)
		}
		return nil
	})
}

// TestSignUpHeld has others sign up who may not be written to: no mail leaves,
// and whoever asked is told nothing of it.
func TestSignUpHeld(t *testing.T) {
	o := newOffice(t)
	for n, why := range []string{"objection", "complaint", "bounce", "unsubscribe"} {
		a := contact.Address(fmt.Sprintf("p%d@print.example", n))
		o.update(func(tx store.Tx) error {
			return tx.Suppressions().Put(store.Suppression{Digest: o.digest(a), Why: why, At: o.now})
		})
		for _, theirs := range []bool{false, true} {
			o.signs(Asked{Address: a, Purposes: []string{"newsletter"}, How: "form", Theirs: theirs})
			if waiting, _ := o.asked(); len(waiting) != map[bool]int{true: 1}[theirs && why == "unsubscribe"] {
				t.Errorf("%s, holding a mail of ours %v: %d mails", why, theirs, len(waiting))
			}
		}
	}
	// A complaint while it waits holds it back.
	d, _ := o.asked()
	o.update(func(tx store.Tx) error {
		return tx.Suppressions().Put(store.Suppression{Digest: o.digest(d[0].Address), Why: "complaint", At: o.now})
	})
	if got := o.carry(d[0], false); got.State != outbox.Suppressed {
		t.Errorf("the mail is %s", got.State)
	}
	for _, bad := range []Asked{{Address: "no address", Purposes: []string{"newsletter"}}, {Address: "a@b.example"}, {Address: "a@b.example", Purposes: []string{"other"}}} {
		if err := o.SignUp(t.Context(), bad); !errors.Is(err, ErrRefused) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// TestPreferences has somebody leave one topic and come back: leaving holds at
// once, and coming back takes an answer from their mailbox.
func TestPreferences(t *testing.T) {
	o := newOffice(t, customer("Carl", "carl@press.example"))
	o.public = "https://mail.example.com"
	o.launch()
	d := o.carry(o.deliveries(outbox.Frozen)[0], false)
	on := func() (out []string) {
		t.Helper()
		all, err := o.Preferences(t.Context(), d.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range all {
			if c.On {
				out = append(out, c.Purpose)
			}
		}
		return out
	}
	prefer := func(want ...string) bool {
		t.Helper()
		asks, err := o.Prefer(t.Context(), d.ID, want, "en", "Browser")
		if err != nil {
			t.Fatal(err)
		}
		return asks
	}
	if got := on(); !slices.Equal(got, []string{"newsletter", "tutorial"}) {
		t.Fatalf("at first: %v", got)
	}
	if prefer("tutorial") || !slices.Equal(on(), []string{"tutorial"}) {
		t.Errorf("without news: %v", on())
	}
	if stops, _, _, _ := o.Why(t.Context(), "carl@press.example", false); len(stops) != 1 || stops[0].Scope != "newsletter" || stops[0].By != "preferences" {
		t.Errorf("why: %+v", stops)
	}
	if !prefer("tutorial", "newsletter") || !slices.Equal(on(), []string{"tutorial"}) {
		t.Errorf("back without an answer: %v", on())
	}
	asks, texts := o.asked()
	if len(asks) != 1 || !strings.Contains(texts[0], "https://mail.example.com/o/"+o.token(outbox.ForOptIn, asks[0])) {
		t.Fatalf("%d mails ask: %s", len(asks), texts)
	}
	if got := o.carry(asks[0], false); got.State != outbox.Accepted {
		t.Fatalf("the mail is %s: %s", got.State, got.Reason)
	}
	if err := o.Confirm(t.Context(), asks[0].ID, "page", "Browser"); err != nil {
		t.Fatal(err)
	}
	if got := on(); !slices.Equal(got, []string{"newsletter", "tutorial"}) {
		t.Errorf("after the answer: %v", got)
	}
	o.now = o.now.Add(time.Hour)
	o.src.Basis = ""
	if err := o.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Launch(t.Context(), "ada", "spring", "", true); err != nil {
		t.Fatal(err)
	}
	if got := o.deliveries(outbox.Frozen); len(got) != 1 {
		t.Errorf("who agreed is not written to: %+v", o.status())
	}
	if err := o.Object(t.Context(), d.ID, true, "page"); err != nil {
		t.Fatal(err)
	}
	if got := on(); len(got) != 0 || o.deliveries(outbox.Suppressed)[0].Why != campaign.Stopped {
		t.Errorf("after leaving everything: %v", got)
	}
}
