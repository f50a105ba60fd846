package planner

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/outbox"
	"rapport/store"
)

// crowd are n customers at a domain.
func crowd(n int, domain string) (out []contact.Contact) {
	for i := range n {
		out = append(out, customer(fmt.Sprintf("Person %d", i), contact.Address(fmt.Sprintf("p%d@%s", i, domain))))
	}
	return out
}

// refuse has a server refuse a delivery for good.
func (o *office) refuse(d outbox.Delivery, reply outbox.Reply) {
	o.t.Helper()
	j := reply.Judge()
	o.update(func(tx store.Tx) error {
		after, err := d.Apply(outbox.Event{What: j.What, Reply: &reply, Class: j.Class, Reason: reply.Text}, o.now)
		if err != nil {
			return err
		}
		if err := tx.Outbox().Put(after); err != nil {
			return err
		}
		return o.Changed(tx, d, after)
	})
}

// gate asks what would happen to a delivery now.
func (o *office) gate(d outbox.Delivery) (e outbox.Event) {
	o.t.Helper()
	o.update(func(tx store.Tx) (err error) {
		e, err = o.Gate(tx, d, o.now)
		return err
	})
	return e
}

func (o *office) troubles() (out string) {
	o.t.Helper()
	all, err := o.Troubles(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	for _, t := range all {
		out += t.Object + ": " + t.Text + "\n"
	}
	return out
}

// TestM93_DomainsThatRefuse has a domain refuse mail for policy: nobody there is
// suppressed, and after five in a row mail to it waits, until it takes one.
func TestM93_DomainsThatRefuse(t *testing.T) {
	o := newOffice(t, append(crowd(9, "press.example"), crowd(1, "print.example")...)...)
	o.launch()
	policy := outbox.NewReply(outbox.StageDot, 550, "5.7.1 blocked for policy")
	all := slices.DeleteFunc(o.deliveries(outbox.Frozen), func(d outbox.Delivery) bool { return d.Address.Domain() != "press.example" })
	for _, d := range all[:refusalsInRow] {
		if e := o.gate(d); e.What != "" || o.troubles() != "" {
			t.Fatalf("held back too early: %+v, %s", e, o.troubles())
		}
		o.refuse(d, policy)
	}
	var elsewhere outbox.Delivery
	for _, d := range o.deliveries(outbox.Frozen) {
		e := o.gate(d)
		if d.Address.Domain() == "print.example" {
			elsewhere = d
			continue
		}
		if e.What != outbox.Return || !e.Until.Equal(o.now.Add(leftAlone)) || !strings.Contains(e.Reason, "press.example refuses our mail: 5.7.1") {
			t.Errorf("to %s: %+v", d.Address, e)
		}
	}
	if e := o.gate(elsewhere); e.What != "" {
		t.Errorf("another domain is held back: %+v", e)
	}
	if page, err := o.Suppressions(t.Context(), store.Slice{}); err != nil || len(page.Items) != 0 {
		t.Errorf("suppressed: %+v, %v", page.Items, err)
	}
	if got := o.troubles(); !strings.Contains(got, "domain press.example: It refused 5 mails in a row: 5.7.1 blocked") {
		t.Errorf("nobody hears of it: %q", got)
	}
	o.now = o.now.Add(leftAlone)
	left := all[refusalsInRow:]
	if e := o.gate(left[0]); e.What != "" {
		t.Errorf("after the wait: %+v", e)
	}
	o.refuse(left[0], policy)
	if e := o.gate(left[1]); e.What != outbox.Return {
		t.Errorf("refused once more: %+v", e)
	}
	o.now = o.now.Add(leftAlone)
	o.carry(left[1], false)
	if e := o.gate(left[2]); e.What != "" || o.troubles() != "" {
		t.Errorf("after it took one: %+v, %s", e, o.troubles())
	}
	t.Attr("tries", "2")
}

// TestM93_WhatTheMailHolds has a server refuse a mail for what it holds: the run
// waits for somebody to mend it.
func TestM93_WhatTheMailHolds(t *testing.T) {
	o := newOffice(t, crowd(3, "press.example")...)
	o.launch()
	o.refuse(o.deliveries(outbox.Frozen)[0], outbox.NewReply(outbox.StageDot, 552, "5.3.4 message too big"))
	if p := o.status(); p.State != campaign.Paused || !strings.Contains(p.Reason, "what the mail holds: 5.3.4") || p.Pending != 2 {
		t.Errorf("the run: %+v", p)
	}
	if got := o.troubles(); !strings.Contains(got, "campaign spring: It was paused") {
		t.Errorf("nobody hears of it: %q", got)
	}
	if _, err := o.Resume(t.Context(), "ada", "spring"); err != nil || o.troubles() != "" {
		t.Errorf("resumed: %v, %s", err, o.troubles())
	}
	t.Attr("tries", "1")
}

// TestSenderGone takes the sender of a run out of the configuration: the run is
// paused, with an alert, and goes on once it is back and resumed.
func TestSenderGone(t *testing.T) {
	o := newOffice(t, customer("Carl", "carl@press.example"))
	o.launch()
	settings := o.o.Settings
	o.o.Settings = func() Settings { return Settings{} }
	if err := o.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p := o.status(); p.State != campaign.Paused || !strings.Contains(o.troubles(), "no sender is called news any more") {
		t.Errorf("the run: %+v; %s", p, o.troubles())
	}
	o.o.Settings = settings
	if _, err := o.Resume(t.Context(), "ada", "spring"); err != nil {
		t.Fatal(err)
	}
	if err := o.Tend(t.Context()); err != nil || o.status().State != campaign.Running || o.troubles() != "" {
		t.Errorf("once it is back: %+v, %v", o.status(), err)
	}
}

// TestFatiguePostpones has people who had enough mail wait for theirs, where
// that is not for long.
func TestFatiguePostpones(t *testing.T) {
	o := newOffice(t, customer("Carl", "carl@press.example"))
	runs := func(name string) {
		o.src.Name = name
		o.launch()
	}
	for _, name := range []string{"one", "two"} { // as many as a week has room for
		runs(name)
		page, err := o.Deliveries(t.Context(), name, store.OutboxFilter{State: outbox.Frozen}, store.Slice{})
		if err != nil {
			t.Fatal(err)
		}
		o.carry(page.Items[0], false)
		o.now = o.now.Add(24 * time.Hour)
	}
	until := o.now.Add(-2 * 24 * time.Hour).Add(campaign.Week)
	plan, err := o.Plan(t.Context(), "two", true)
	if err != nil || len(plan.Left) != 1 || !strings.Contains(plan.Left[0].Reason, "no more are allowed before 2026-03-08") {
		t.Errorf("the plan: %+v, %v", plan.Left, err)
	}
	runs("three")
	waiting := func() outbox.Delivery {
		t.Helper()
		page, err := o.Deliveries(t.Context(), "three", store.OutboxFilter{Address: "carl@press.example"}, store.Slice{})
		if err != nil || len(page.Items) != 1 {
			t.Fatal(page.Items, err)
		}
		return page.Items[0]
	}
	d := waiting()
	if d.State != outbox.Frozen || !d.Due.Equal(until) || !strings.Contains(d.Reason, "had 2 mails in 7 days") {
		t.Fatalf("it waits: %+v", d)
	}
	if e := o.gate(d); e.What != outbox.Return || !e.Until.Equal(until) {
		t.Errorf("before its time: %+v", e)
	}
	o.now = until
	if e := o.gate(d); e.What != "" {
		t.Errorf("at its time: %+v", e)
	}
}

// TestDrop lets go of the mails of runs that ended long ago.
func TestDrop(t *testing.T) {
	o := newOffice(t, customer("Carl", "carl@press.example"), customer("Dora", "dora@press.example"))
	o.launch()
	all := o.deliveries(outbox.Frozen)
	o.carry(all[0], false)
	lost := o.carry(all[1], true)
	o.now = o.now.Add(giveUpAfter + time.Hour)
	if err := o.Tend(t.Context()); err != nil || o.status().State != campaign.Running && o.status().Unknown != 1 {
		t.Fatalf("%+v, %v", o.status(), err)
	}
	if err := o.Tend(t.Context()); err != nil || o.status().State != campaign.Finished {
		t.Fatalf("%+v, %v", o.status(), err)
	}
	kept := func(want bool) {
		t.Helper()
		if err := o.Drop(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, d := range all {
			err := o.store.View(t.Context(), func(tx store.Tx) error { _, err := tx.Outbox().Bytes(d.ID); return err })
			if (err == nil) != want {
				t.Errorf("the mail to %s is kept: %v, want %v", d.Address, err, want)
			}
		}
	}
	o.now = o.now.Add(keptFor)
	kept(true)
	o.now = o.now.Add(time.Second)
	kept(false)
	kept(false)
	if _, err := o.Resolve(t.Context(), "ada", lost.ID, false); err == nil || !strings.Contains(err.Error(), "not kept any more") {
		t.Errorf("to be sent again without its bytes: %v", err)
	}
	if d, err := o.Resolve(t.Context(), "ada", lost.ID, true); err != nil || d.State != outbox.Accepted {
		t.Errorf("resolved: %+v, %v", d, err)
	}
}
