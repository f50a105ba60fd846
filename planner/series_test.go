package planner

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/followup"
	"rapport/records/message"
	"rapport/records/outbox"
	"rapport/records/sale"
	"rapport/records/timeline"
	"rapport/store"
)

// series makes the campaign of an office one; a step is called s and its days,
// and says so in its subject.
func (o *office) series(trigger string, days ...int) {
	o.src.Kind, o.src.Rhythm, o.src.Steps = campaign.Series, &campaign.Rhythm{Trigger: trigger}, nil
	for _, n := range days {
		name := fmt.Sprint("s", n)
		o.src.Rhythm.Steps = append(o.src.Rhythm.Steps, campaign.Pace{Name: name, Days: n})
		o.letter("", "Step "+name, "Dear {{.Contact.Name}}, this is a step.\n")
		o.src.Steps = append(o.src.Steps, map[string]campaign.Letter{"": o.src.Letters[""]})
	}
	if err := o.src.Rhythm.Check(); err != nil {
		o.t.Fatal(err)
	}
}

// steps are whom the series wrote to, by subject, with the day they may leave.
func (o *office) steps() string {
	o.t.Helper()
	var out []string
	o.update(func(tx store.Tx) error {
		out = nil
		for _, d := range o.all(tx) {
			what := strings.TrimPrefix(d.Subject, "Step ")
			if what == "" {
				what = string(d.State) + " " + string(d.Why)
			}
			out = append(out, fmt.Sprintf("%s %d %s", d.Address.Local(), d.Step, what))
		}
		return nil
	})
	return strings.Join(out, ", ")
}

// send has everything leave that may.
func (o *office) send() {
	o.t.Helper()
	for _, d := range o.deliveries(outbox.Frozen) {
		if !d.Due.After(o.now) {
			o.carry(d, false)
		}
	}
}

func agreed(name string, at time.Time) contact.Contact {
	c := customer(name, contact.Address(strings.ToLower(name)+"@press.example"))
	c.Consents = []contact.Consent{{Purpose: "newsletter", State: "given", At: at}}
	return c
}

// sold records a sale, and returns it.
func (o *office) sold(to contact.Address, date, due followup.Day) (s sale.Sale) {
	o.t.Helper()
	o.update(func(tx store.Tx) error {
		people, err := tx.Contacts().ByAddress(to)
		if err != nil {
			return err
		}
		id := store.NewID(o.now)
		s = sale.Sale{ID: sale.ID(id), Direction: sale.Sold, Number: id, Contact: people[0].ID, Date: date, Due: due, Status: sale.Open,
			Amount: 1000, Currency: "EUR", By: "ada", Created: o.now, Updated: o.now}
		return tx.Sales().Put(s)
	})
	return s
}

// TestSeries writes the steps of a series in their order, each once, to those
// who begin it, also when it is launched again with a step put in between.
func TestSeries(t *testing.T) {
	start := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	o := newOffice(t, agreed("Old", start.Add(-2*day)), agreed("Carl", start.Add(time.Hour)))
	o.series(campaign.OnConsent, 0, 3, 10)
	o.launch()
	o.later(2 * time.Hour)
	o.send()
	if got := o.steps(); got != "carl 0 s0" {
		t.Errorf("at once: %s", got)
	}
	for range 4 {
		o.later(day)
		o.later(-time.Hour) // the clock is put back
		o.later(time.Hour)
		o.send()
	}
	if got := o.steps(); got != "carl 0 s0, carl 1 s3" {
		t.Errorf("after four days: %s", got)
	}
	if _, err := o.Cancel(t.Context(), "ada", "spring"); err != nil {
		t.Fatal(err)
	}
	o.series(campaign.OnConsent, 0, 3, 6, 10)
	o.launch()
	o.later(3 * day)
	o.send()
	if got := o.steps(); got != "carl 0 s0, carl 1 s3, carl 2 s6" {
		t.Errorf("with a step put in between: %s", got)
	}
	o.later(5 * day)
	o.send()
	if got := o.steps(); got != "carl 0 s0, carl 1 s3, carl 2 s6, carl 3 s10" {
		t.Errorf("in the end: %s", got)
	}
}

// heard files a mail of somebody.
func heard(tx store.Tx, who contact.ID, at time.Time) error {
	return tx.Entries().Put(timeline.Entry{ID: timeline.ID(store.NewID(at)), Time: at, Kind: timeline.Message, Message: "m", Thread: "t",
		Direction: message.In, Turn: timeline.Asks, Contacts: []contact.ID{who}}, nil)
}

// TestSeriesIsSpaced keeps steps apart where the first was late, and writes no
// more once its recipient answered.
func TestSeriesIsSpaced(t *testing.T) {
	start := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	o := newOffice(t, agreed("Carl", start.Add(time.Hour)))
	o.series(campaign.OnConsent, 0, 2)
	o.src.Rhythm.Stop = []string{campaign.StopReplied}
	o.launch()
	o.later(4 * day) // the program stood still
	o.send()
	if got := o.steps(); got != "carl 0 s0, carl 1 s2" {
		t.Fatalf("both are written: %s", got)
	}
	waits := o.deliveries(outbox.Frozen)
	if len(waits) != 1 || waits[0].Due.Before(o.now.Add(2*day)) || waits[0].Reason != afterLast {
		t.Fatalf("the second does not wait for two days after the first: %+v", waits)
	}
	o.update(func(tx store.Tx) error { return heard(tx, waits[0].Contact, o.now.Add(-time.Hour)) })
	o.later(3 * day)
	o.send()
	if d := o.deliveries(outbox.Skipped); len(d) != 1 || d[0].Why != campaign.Pointless {
		t.Errorf("who answered gets the next step: %s", o.written())
	}
}

// TestSeriesBeforeADay has who learns late of a day get the step that is due,
// and not those before it.
func TestSeriesBeforeADay(t *testing.T) {
	o := newOffice(t, renews("Carl", "2026-03-08"), renews("Dora", "2026-04-05"))
	o.series("custom.renewal", -30, -3)
	o.src.Rhythm.Backfill = 60
	o.launch()
	o.later(day)
	if got := o.steps(); got != "carl 0 s-30" {
		t.Errorf("at the launch: %s", got)
	}
	o.later(5 * day)
	if got := o.steps(); got != "carl 0 s-30, dora 0 s-30, carl 1 s-3" {
		t.Errorf("in the end: %s", got)
	}
}

// TestPaymentReminder reminds of what is owed, and of nothing that was paid,
// also where that is found out at the gate.
func TestPaymentReminder(t *testing.T) {
	o := newOffice(t, customer("Carl", "carl@press.example"), customer("Dora", "dora@press.example"), customer("Eve", "eve@press.example"))
	o.series(campaign.OnDue, 3, 10)
	o.launch()
	carl := o.sold("carl@press.example", "2026-02-20", "2026-03-05")
	dora := o.sold("dora@press.example", "2026-02-20", "2026-03-05")
	o.sold("eve@press.example", "2026-02-20", "")
	pays := func(s sale.Sale) {
		s.Status, s.Paid = sale.Paid, followup.DayOf(o.now)
		o.update(func(tx store.Tx) error { return tx.Sales().Put(s) })
	}
	o.later(5 * day)
	o.wants("before", "")
	o.later(2 * day)
	o.wants("three days after", "carl frozen, dora frozen")
	pays(dora)
	for _, d := range o.deliveries(outbox.Frozen) {
		o.carry(d, false)
	}
	o.wants("at the gate", "carl accepted, dora skipped pointless")
	pays(carl)
	o.later(10 * day)
	o.wants("once it is paid", "carl accepted, dora skipped pointless")
}

// TestIntervalReminder writes to who usually bought by now and is silent, and
// neither to who wrote nor to who bought.
func TestIntervalReminder(t *testing.T) {
	o := newOffice(t, customer("Carl", "carl@press.example"), customer("Dora", "dora@press.example"), customer("Few", "few@press.example"))
	o.reminder(campaign.Rhythm{Trigger: campaign.OnInterval})
	for _, who := range []contact.Address{"carl@press.example", "dora@press.example"} {
		for _, d := range []followup.Day{"2025-12-01", "2026-01-01", "2026-02-01", "2026-03-01"} {
			o.sold(who, d, "")
		}
	}
	o.sold("few@press.example", "2025-03-01", "")
	o.launch()
	o.later(28 * day)
	o.wants("before it is late", "")
	o.later(6 * day)
	o.wants("late", "carl frozen, dora frozen")
	for _, d := range o.deliveries(outbox.Frozen) {
		if d.Address.Local() == "carl" {
			o.sold("carl@press.example", "2026-04-03", "")
		}
		o.carry(d, false)
	}
	o.wants("who bought meanwhile", "carl skipped pointless, dora accepted")
	o.later(5 * day)
	o.wants("once for a purchase", "carl skipped pointless, dora accepted")
}

// TestWindowTakes has the plan heed the window: 30 a minute, 100 a day.
func TestWindowTakes(t *testing.T) {
	zone := time.FixedZone("", 3600)
	monday := time.Date(2026, 3, 2, 8, 0, 0, 0, zone)
	w, err := campaign.ParseWindow("mon-fri 09:00-09:02")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		s     Sender
		mails int
		from  time.Time
		want  time.Duration
	}{
		{Sender{PerMinute: 30, PerDay: 100}, 1, monday, time.Hour},
		{Sender{PerMinute: 30, PerDay: 100}, 31, monday, time.Hour + time.Minute},
		{Sender{PerMinute: 30, PerDay: 100}, 61, monday, 25 * time.Hour},
		{Sender{PerMinute: 30, PerDay: 40}, 41, monday, 25 * time.Hour},
		{Sender{PerMinute: 30, PerDay: 100}, 61, monday.AddDate(0, 0, 4), 73 * time.Hour},
		{Sender{}, 5000, monday, time.Hour},
	} {
		if got := c.s.takes(c.mails, w, c.from, zone); got != c.want {
			t.Errorf("%d mails of %+v take %v, want %v", c.mails, c.s, got, c.want)
		}
	}
	if got := (Sender{PerDay: 1}).takes(1_000_000, w, monday, zone); got > longest+7*day {
		t.Errorf("for ever takes %v", got)
	}
}

// TestSeriesSaysHowItStands counts its steps.
func TestSeriesSaysHowItStands(t *testing.T) {
	start := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	o := newOffice(t, agreed("Carl", start.Add(time.Hour)), agreed("Dora", start.Add(2*day)))
	o.series(campaign.OnConsent, 0, 3)
	plan, err := o.Plan(t.Context(), "spring", false)
	if err != nil || plan.Writes == nil || len(plan.Writes.Steps) != 2 || plan.Writes.Steps[1].Days != 3 {
		t.Fatalf("the plan: %+v, %v", plan, err)
	}
	o.launch()
	o.later(2 * day)
	o.send()
	o.later(2 * day)
	w := o.status().Writes
	want := []campaign.Step{{Name: "s0", Recipients: 2, Accepted: 2}, {Name: "s3", Days: 3, Recipients: 1, Pending: 1}}
	if w == nil || w.Trigger != campaign.OnConsent || !slices.Equal(w.Steps, want) {
		t.Errorf("how it stands: %+v, want %+v", w, want)
	}
}

// TestReminderLetsGo keeps the bytes of a reminder's mails for a month after
// each has ended, while its run goes on, and no occasion twice.
func TestReminderLetsGo(t *testing.T) {
	o := newOffice(t, renews("Carl", "2026-03-03"), renews("Dora", "2026-03-30"))
	o.reminder(campaign.Rhythm{Trigger: "custom.renewal"})
	o.launch()
	kept := func() (n int) {
		o.t.Helper()
		if err := o.Drop(t.Context()); err != nil {
			t.Fatal(err)
		}
		o.update(func(tx store.Tx) error {
			n = 0
			for _, d := range o.all(tx) {
				if _, err := tx.Outbox().Bytes(d.ID); err == nil {
					n++
				}
			}
			return nil
		})
		return n
	}
	for _, step := range []struct{ days, kept int }{{3, 1}, {27, 2}, {5, 1}, {30, 0}} {
		o.later(time.Duration(step.days) * day)
		o.send()
		if n := kept(); n != step.kept {
			t.Errorf("at %v the bytes of %d are kept, want %d", o.now, n, step.kept)
		}
	}
	o.wants("in the end", "carl accepted, dora accepted")
}
