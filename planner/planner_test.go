package planner

import (
	"bytes"
	"context"
	"fmt"
	netmail "net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/outbox"
	"rapport/store"
)

func TestPlan(t *testing.T) {
	refuses := customer("Rita", "rita@press.example")
	refuses.Consents = []contact.Consent{{Purpose: "newsletter", State: contact.Withdrawn}}
	o := newOffice(t, customer("Carl", "carl@press.example"), customer("Carl too", "carl+x@press.example"), customer("Nobody"),
		refuses, contact.Contact{Name: "Paula", Addresses: []contact.Address{"paula@print.example"}, Kind: contact.Partner})
	plan, err := o.Plan(t.Context(), "spring", false)
	if err != nil || len(plan.Faults) > 0 {
		t.Fatal(err, plan.Faults)
	}
	var left []string
	for _, r := range plan.Left {
		left = append(left, r.Name+" "+string(r.Why))
	}
	slices.Sort(left)
	if got, want := fmt.Sprint(left), "[Carl too same_person Nobody no_address Rita withdrawn]"; got != want || len(plan.Recipients) != 1 || plan.Others != 1 {
		t.Errorf("to %v, left %s, %d others; want left %s", plan.Recipients, got, plan.Others, want)
	}
	again, err := o.Plan(t.Context(), "spring", false)
	if err != nil || again.Hash != plan.Hash || plan.Hash == "" {
		t.Errorf("the same plan has another hash: %s, %s, %v", plan.Hash, again.Hash, err)
	}
	if _, err := o.Launch(t.Context(), "ada", "spring", "another", false); err == nil || !strings.Contains(err.Error(), "another by now") {
		t.Errorf("launched though the plan is another: %v", err)
	}
	o.letter("", "Spring for {{.Contact.FirstName}}", "At {{.Organisation.Name}}, dear {{.Contact.Name}}\n")
	if plan, err = o.Plan(t.Context(), "spring", false); err != nil || len(plan.Faults) != 1 || !strings.Contains(plan.Faults[0], "for Carl: spring.md:1:5: .Organisation.Name is empty") {
		t.Errorf("a field that is empty: %q, %v", plan.Faults, err)
	}
	if _, err := o.Launch(t.Context(), "ada", "spring", "", false); err == nil {
		t.Error("launched with a fault")
	}
}

func TestETA(t *testing.T) {
	for _, tt := range []struct {
		s     Sender
		mails int
		want  time.Duration
	}{
		{Sender{PerMinute: 30, PerDay: 10000}, 5000, 4999 * 2 * time.Second},
		{Sender{PerMinute: 30, PerDay: 10000}, 12000, 24*time.Hour + 1999*2*time.Second},
		{Sender{PerDay: 2000}, 12000, 5 * 24 * time.Hour},
		{Sender{}, 12000, 0},
		{Sender{PerMinute: 1}, 0, 0},
	} {
		if got := tt.s.lasts(tt.mails); got != tt.want {
			t.Errorf("%d mails through %+v take %v, want %v", tt.mails, tt.s, got, tt.want)
		}
	}
}

// TestRun follows a newsletter from its launch to what comes back.
func TestRun(t *testing.T) {
	o := newOffice(t, customer("Carl Press", "carl@press.example"), customer("Dora", "dora@press.example"), customer("Eve", "eve@press.example"), customer("Fred", "fred@press.example"))
	run := o.launch()
	if run.Recipients != 4 || run.State != campaign.Running || o.woken != 1 {
		t.Fatalf("launched: %+v, woken %d", run, o.woken)
	}
	if _, err := o.Launch(t.Context(), "ada", "spring", "", false); err == nil || !strings.Contains(err.Error(), "running already") {
		t.Errorf("launched twice: %v", err)
	}
	of := map[contact.Address]outbox.Delivery{}
	for _, d := range o.deliveries(outbox.Frozen) {
		of[d.Address] = o.carry(d, d.Address == "fred@press.example")
	}
	if p := o.status(); p.Accepted != 3 || p.Ambiguous != 1 {
		t.Fatalf("after sending: %+v", p)
	}
	reply := message.Head{MessageID: "r@press.example", InReplyTo: []string{of["carl@press.example"].MessageID}}
	o.returned(message.Folder{Mailbox: "news"}, message.Message{Head: reply, Verdict: message.Verdict{Kind: message.Personal}})
	o.returned(message.Folder{Mailbox: "news"}, message.Message{Head: message.Head{MessageID: "b@press.example"}, Verdict: message.Verdict{
		Kind: message.Bounce, Auto: true, Original: &message.Original{MessageID: of["dora@press.example"].MessageID},
		Bounces: []message.BouncedTo{{Recipient: "dora@press.example", Class: "address", Hard: true, Action: "failed"}}}})
	leave := o.unsubscribeToken(of["eve@press.example"])
	for range 2 { // the second copy changes nothing
		o.update(func(tx store.Tx) error {
			return o.Returned(tx, message.Folder{Mailbox: "news"}, message.Head{Subject: "unsubscribe [" + leave + "]"}, nil)
		})
	}
	o.returned(message.Folder{Mailbox: "news", Name: "Sent", Role: message.RoleSent}, message.Message{Head: message.Head{MessageID: of["fred@press.example"].MessageID}})
	p := o.status()
	if p.Bounced != 1 || p.Replied != 1 || p.Unsubs != 1 || p.Accepted != 4 || p.Ambiguous != 0 {
		t.Errorf("after what came back: %+v", p)
	}
	for a, want := range map[contact.Address]string{
		"carl@press.example": "[delivery]", "dora@press.example": "[outcome bounced delivery]",
		"eve@press.example": "[outcome unsubscribed delivery]", "fred@press.example": "[delivery]",
	} {
		if got := fmt.Sprint(o.history(a)); got != want {
			t.Errorf("the timeline of %s: %s, want %s", a, got, want)
		}
	}
	if err := o.Tend(t.Context()); err != nil || o.status().State != campaign.Finished {
		t.Errorf("the run has not ended: %+v, %v", o.status(), err)
	}
	o.afterwards(t)
}

// afterwards asks who would get it again: nobody, each with the reason.
func (o *office) afterwards(t *testing.T) {
	t.Helper()
	plan, err := o.Plan(t.Context(), "spring", false)
	if err != nil || len(plan.Recipients) != 0 {
		t.Errorf("it would go again to %v, %v", plan.Recipients, err)
	}
	if plan, err = o.Plan(t.Context(), "spring", true); err != nil || len(plan.Recipients) != 2 { // not to whom it bounced, nor to who objected
		t.Errorf("asked to, it would go again to %v, %v", plan.Recipients, err)
	}
	stops, got, holds, err := o.Why(t.Context(), "eve@press.example", true)
	if err != nil || len(stops) != 1 || stops[0].Scope != "newsletter" || len(got) != 1 || got[0].State != "accepted" || holds["spring"].Why != campaign.Stopped {
		t.Errorf("why: %v, %v, %v, %v", stops, got, holds, err)
	}
}

// unsubscribeToken reads the token out of a mail's way out.
func (o *office) unsubscribeToken(d outbox.Delivery) string {
	o.t.Helper()
	var raw []byte
	err := o.store.View(o.t.Context(), func(tx store.Tx) (err error) { raw, err = tx.Outbox().Bytes(d.ID); return err })
	if err != nil {
		o.t.Fatal(err)
	}
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		o.t.Fatal(err)
	}
	_, token, found := strings.Cut(m.Header.Get("List-Unsubscribe"), "%5B")
	if !found {
		o.t.Fatalf("no way out: %q", m.Header.Get("List-Unsubscribe"))
	}
	token, _, _ = strings.Cut(token, "%5D")
	return token
}

// TestGateHoldsBack has people object after the launch and before their mail.
func TestGateHoldsBack(t *testing.T) {
	o := newOffice(t, customer("Carl", "carl@press.example"), customer("Dora", "dora@press.example"), customer("Eve", "eve@press.example"))
	o.launch()
	if _, err := o.Suppress(t.Context(), "ada", "carl@press.example", ""); err != nil {
		t.Fatal(err)
	}
	if got := o.deliveries(outbox.Suppressed); len(got) != 1 || got[0].Address != "carl@press.example" || got[0].Why != campaign.Stopped {
		t.Errorf("suppressed: %+v", got)
	}
	o.update(func(tx store.Tx) error {
		people, err := tx.Contacts().ByAddress("dora@press.example")
		if err != nil {
			return err
		}
		return tx.Contacts().Delete(people[0].ID)
	})
	o.update(func(tx store.Tx) error {
		people, err := tx.Contacts().ByAddress("eve@press.example")
		if err != nil {
			return err
		}
		people[0].Consents = []contact.Consent{{Purpose: "newsletter", State: contact.Withdrawn, At: o.now}}
		return tx.Contacts().Put(people[0])
	})
	for _, d := range o.deliveries(outbox.Frozen) {
		o.carry(d, false)
	}
	if p := o.status(); p.Accepted != 0 || p.Cancelled != 1 || p.Suppressed != 1 || p.Skipped != 1 || p.Reasons["withdrawn"] != 1 {
		t.Errorf("%+v", p)
	}
	if n, err := o.Unsuppress(t.Context(), "ada", "carl@press.example", ""); err != nil || n != 1 {
		t.Errorf("Unsuppress: %d, %v", n, err)
	}
}

// TestM101_NothingUnsignedCounts has mail come back that only looks as if it were
// about a delivery.
func TestM101_NothingUnsignedCounts(t *testing.T) {
	t.Attr("tries", "7")
	o := newOffice(t, customer("Carl", "carl@press.example"))
	o.launch()
	d := o.carry(o.deliveries(outbox.Frozen)[0], false)
	forged := strings.Replace(d.MessageID, d.MessageID[10:14], "aaaa", 1)
	for _, m := range []message.Message{
		{Verdict: message.Verdict{Kind: message.Bounce, Original: &message.Original{MessageID: forged}, Bounces: []message.BouncedTo{{Recipient: "carl@press.example", Class: "address", Hard: true}}}},
		{Verdict: message.Verdict{Kind: message.Bounce, Bounces: []message.BouncedTo{{Recipient: "carl@press.example", Class: "address", Hard: true}}}},
		{Head: message.Head{Subject: "unsubscribe carl@press.example"}, Verdict: message.Verdict{Kind: message.Unsubscribe}},
		{Head: message.Head{Subject: "unsubscribe [" + strings.TrimPrefix(strings.Split(d.MessageID, "@")[0], "d.") + "]"}, Verdict: message.Verdict{Kind: message.Personal}}, // a token for another purpose
		{Head: message.Head{InReplyTo: []string{forged}}, Verdict: message.Verdict{Kind: message.Unsubscribe}},
		{Head: message.Head{InReplyTo: []string{d.MessageID}}, Verdict: message.Verdict{Kind: message.Automatic, Auto: true}}, // an absence is no answer
	} {
		o.returned(message.Folder{Mailbox: "news"}, m)
	}
	if p := o.status(); p.Bounced+p.Replied+p.Unsubs+p.Complained != 0 {
		t.Errorf("what bears no token of ours counts: %+v", p)
	}
	if page, err := o.Suppressions(t.Context(), store.Slice{}); err != nil || len(page.Items) != 0 {
		t.Errorf("suppressed: %v, %v", page.Items, err)
	}
	soft := message.Message{Verdict: message.Verdict{Kind: message.Bounce, Original: &message.Original{Token: strings.TrimPrefix(strings.Split(d.MessageID, "@")[0], "d.")},
		Bounces: []message.BouncedTo{{Class: "mailbox", Action: "failed"}}}}
	o.returned(message.Folder{Mailbox: "news"}, soft)
	if page, err := o.Suppressions(t.Context(), store.Slice{}); err != nil || len(page.Items) != 0 || o.status().Bounced != 1 {
		t.Errorf("a full mailbox: suppressed %v, %+v, %v", page.Items, o.status(), err)
	}
}

// TestM98_Settle decides what is ambiguous: sent again only on proof of absence.
func TestM98_Settle(t *testing.T) {
	t.Attr("tries", "9")
	o := newOffice(t, customer("Carl", "carl@press.example"), customer("Dora", "dora@press.example"))
	o.launch()
	waiting := o.deliveries(outbox.Frozen)
	proof := o.carry(waiting[0], false)
	lost := o.carry(waiting[1], true)
	dot := lost.Dotted
	tend := func(want outbox.State) {
		t.Helper()
		if err := o.Tend(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d, err := o.Delivery(t.Context(), lost.ID); err != nil || d.State != want {
			t.Fatalf("at %v it is %s, %v; want %s", o.now.Sub(dot), d.State, err, want)
		}
	}
	sent := func(at time.Time, inSync bool) {
		o.update(func(tx store.Tx) error {
			return tx.Folders().SetStatus("news", message.FolderStatus{Name: "Sent", InSync: inSync, At: at.Add(time.Hour), Looked: at})
		})
	}
	o.now = dot.Add(time.Hour)
	sent(o.now, true)
	tend(outbox.Ambiguous) // the server has never been seen to keep a copy
	o.returned(message.Folder{Mailbox: "news", Name: "Sent", Role: message.RoleSent}, message.Message{Head: message.Head{MessageID: proof.MessageID}})
	sent(dot.Add(time.Minute), true)
	tend(outbox.Ambiguous) // too early a look
	sent(dot.Add(time.Hour), false)
	tend(outbox.Ambiguous) // not a complete one
	sent(dot.Add(time.Hour), true)
	tend(outbox.Frozen)
	o.oldProof(t, lost, tend, sent)
	raw := func() (out []byte) {
		_ = o.store.View(t.Context(), func(tx store.Tx) (err error) { out, err = tx.Outbox().Bytes(lost.ID); return err })
		return out
	}
	before := raw()
	d, err := o.Delivery(t.Context(), lost.ID)
	if err != nil {
		t.Fatal(err)
	}
	o.carry(d, true)
	if after := raw(); len(after) == 0 || !bytes.Equal(before, after) {
		t.Error("it is sent again with other bytes")
	}
	sent(dot, true)
	o.now = o.now.Add(giveUpAfter + time.Hour)
	tend(outbox.Unknown)
	if got, err := o.Resolve(t.Context(), "ada", lost.ID, true); err != nil || got.State != outbox.Accepted {
		t.Errorf("resolved by hand: %+v, %v", got, err)
	}
	if _, err := o.Resolve(t.Context(), "ada", lost.ID, false); err == nil {
		t.Error("what is accepted was sent again by hand")
	}
}

// oldProof has the server lose an answer long after it was last seen to keep a
// copy: it may have ceased to, so that absence proves nothing any more, until a
// newer copy is seen. A copy of an older mail that is found late is no newer one.
func (o *office) oldProof(t *testing.T, lost outbox.Delivery, tend func(outbox.State), sent func(time.Time, bool)) {
	t.Helper()
	dora := o.deliveries(outbox.Accepted)[0]
	o.now = dora.Dotted.Add(proofAge + time.Minute)
	d, err := o.Delivery(t.Context(), lost.ID)
	if err != nil {
		t.Fatal(err)
	}
	proves := func(want int) {
		t.Helper()
		if boxes, err := o.ToProve(t.Context()); err != nil || len(boxes) != want {
			t.Errorf("at %v to look through: %v, %v; want %d", o.now.Sub(dora.Dotted), boxes, err, want)
		}
	}
	proves(0)
	again := o.carry(d, true)
	o.now = again.Dotted.Add(settleAfter)
	proves(0)
	o.now = o.now.Add(time.Second)
	proves(1)
	sent(again.Dotted.Add(time.Hour), true)
	proves(0)
	o.now = again.Dotted.Add(time.Hour)
	tend(outbox.Ambiguous)
	copyOf := func(age time.Duration) {
		o.update(func(tx store.Tx) error {
			dora.Dotted, dora.Evidence.SentCopy = again.Dotted.Add(-age), time.Time{}
			return tx.Outbox().Put(dora)
		})
		o.returned(message.Folder{Mailbox: "news", Name: "Sent", Role: message.RoleSent}, message.Message{Head: message.Head{MessageID: dora.MessageID}})
	}
	copyOf(proofAge + time.Second)
	tend(outbox.Ambiguous)
	copyOf(proofAge)
	copyOf(proofAge + time.Second) // takes nothing back
	tend(outbox.Frozen)
}

// TestM99_Steering pauses, resumes and ends a run; what was not all written when
// the program ended is cancelled, and a restored copy starts paused.
func TestM99_Steering(t *testing.T) {
	t.Attr("tries", "9")
	o := newOffice(t, customer("Carl", "carl@press.example"), customer("Dora", "dora@press.example"))
	o.launch()
	for _, step := range []struct {
		do   func(context.Context, string, string) (campaign.Run, error)
		want campaign.RunState
		ok   bool
	}{
		{o.Resume, campaign.Running, false}, {o.Pause, campaign.Paused, true}, {o.Resume, campaign.Running, true},
		{o.Cancel, campaign.Cancelled, true}, {o.Pause, campaign.Cancelled, false}, {o.Resume, campaign.Cancelled, false},
	} {
		if _, err := step.do(t.Context(), "ada", "spring"); (err == nil) != step.ok {
			t.Errorf("to become %s: %v", step.want, err)
		}
		if p := o.status(); p.State != step.want {
			t.Errorf("it is %s, want %s", p.State, step.want)
		}
	}
	if p := o.status(); p.Cancelled != 2 {
		t.Errorf("after its end: %+v", p)
	}
	o.launch()
	if err := o.Restored(t.Context(), "7"); err != nil || o.status().State != campaign.Paused {
		t.Errorf("a restored copy: %+v, %v", o.status(), err)
	}
	if _, err := o.Resume(t.Context(), "ada", "spring"); err != nil {
		t.Fatal(err)
	}
	if err := o.Restored(t.Context(), "7"); err != nil || o.status().State != campaign.Running {
		t.Errorf("the same copy again: %+v, %v", o.status(), err)
	}
	o.update(func(tx store.Tx) error { // as a crash in the middle of a launch leaves it
		r, err := last(tx, "spring")
		r.State = campaign.Preparing
		if err != nil {
			return err
		}
		return tx.Runs().Put(r)
	})
	if err := o.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p := o.status(); p.State != campaign.Cancelled || p.Cancelled != 2 {
		t.Errorf("a launch that did not end: %+v", p)
	}
}

// TestTestMail sends a test, which speaks for nobody.
func TestTestMail(t *testing.T) {
	o := newOffice(t, customer("Carl", "carl@press.example"))
	if err := o.Test(t.Context(), "ada", "spring", "", "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	m, err := netmail.ReadMessage(bytes.NewReader(o.sent))
	if err != nil {
		t.Fatal(err)
	}
	head := message.Head{MessageID: strings.Trim(m.Header.Get("Message-Id"), "<>"), Subject: m.Header.Get("List-Unsubscribe")}
	if !strings.HasPrefix(m.Header.Get("Subject"), "[TEST] Spring for Carl") || m.Header.Get("To") != `"Carl" <ada@example.com>` || !o.Own(head) {
		t.Errorf("the test: %v", m.Header)
	}
	o.returned(message.Folder{Mailbox: "news", Role: message.RoleSent}, message.Message{Head: head})
	if page, err := o.Suppressions(t.Context(), store.Slice{}); err != nil || len(page.Items) != 0 {
		t.Errorf("a test suppresses: %v, %v", page.Items, err)
	}
	if raw, err := o.Preview(t.Context(), "spring", ""); err != nil || bytes.Contains(raw, []byte("[TEST]")) || !bytes.Contains(raw, []byte("Spring for Carl")) {
		t.Errorf("the preview: %.200s, %v", raw, err)
	}
}
