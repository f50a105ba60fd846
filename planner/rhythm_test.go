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
	"rapport/records/outbox"
	"rapport/records/sale"
	"rapport/records/survey"
	"rapport/store"
)

// reminder makes the campaign of an office one.
func (o *office) reminder(r campaign.Rhythm) { o.src.Kind, o.src.Rhythm = campaign.Reminder, &r }

// later lets time pass and has the planner look.
func (o *office) later(d time.Duration) {
	o.t.Helper()
	o.now = o.now.Add(d)
	if err := o.Tend(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
}

// written are whom the reminder wrote to, in all its runs.
func (o *office) written() string {
	o.t.Helper()
	var out []string
	page, err := o.Deliveries(o.t.Context(), "", store.OutboxFilter{}, store.Slice{Limit: 500})
	if err != nil {
		o.t.Fatal(err)
	}
	for _, d := range page.Items {
		out = append(out, strings.TrimSpace(d.Address.Local()+" "+string(d.State)+" "+string(d.Why)))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func (o *office) wants(what, want string) {
	o.t.Helper()
	if got := o.written(); got != want {
		o.t.Errorf("%s: written to %q, want %q", what, got, want)
	}
}

func renews(name, day string) contact.Contact {
	c := customer(name, contact.Address(strings.ToLower(name)+"@press.example"))
	c.Custom = map[string]string{"renewal": day}
	return c
}

const day = 24 * time.Hour

// TestReminder has people written to two weeks before a date of theirs: once,
// whatever happens to run, clock and copies.
func TestReminder(t *testing.T) {
	o := newOffice(t, renews("Past", "2026-03-10"), renews("Carl", "2026-03-20"), renews("Dora", "2026-04-20"), renews("Odd", "soon"))
	o.reminder(campaign.Rhythm{Trigger: "custom.renewal", Days: -14})
	if plan, err := o.Plan(t.Context(), "spring", false); err != nil || len(plan.Faults)+len(plan.Recipients) > 0 {
		t.Fatalf("the plan: %+v, %v", plan, err)
	}
	o.launch()
	o.later(time.Minute)
	o.wants("at the launch", "")
	o.later(5 * day)
	o.wants("on the day", "carl frozen")
	if o.woken == 0 {
		t.Error("the courier was not woken")
	}
	for _, d := range o.deliveries(outbox.Frozen) {
		o.carry(d, false)
	}
	o.later(time.Hour)
	if p := o.status(); p.State != campaign.Running || p.Accepted != 1 {
		t.Errorf("the run does not go on: %+v", p)
	}
	for range 2 { // cancelled and launched anew, with the clock put back
		if _, err := o.Cancel(t.Context(), "ada", "spring"); err != nil {
			t.Fatal(err)
		}
		o.src.Rhythm.Backfill = 30
		o.launch()
		o.later(-time.Hour)
		o.later(10 * time.Minute)
	}
	o.wants("launched again with a backfill", "carl accepted, past cancelled")
	o.now = o.now.Add(400 * day)
	o.later(0)
	o.wants("a year later at once", "carl accepted, past cancelled")
}

// TestReminderIsTried finds at the launch what could not be written later.
func TestReminderIsTried(t *testing.T) {
	o := newOffice(t, customer("Carl", "carl@press.example"))
	o.reminder(campaign.Rhythm{Trigger: campaign.OnSale, Days: 7})
	o.letter("", "Your {{.Sale.Products}}", "Dear {{.Contact.Name}}, the {{.Sale.Product}}?\n")
	if plan, err := o.Plan(t.Context(), "spring", false); err != nil || len(plan.Faults) != 1 || !strings.Contains(plan.Faults[0], "for Carl: spring.md:1") || len(plan.Recipients) > 0 {
		t.Errorf("a field there is not: %+v, %v", plan, err)
	}
	o.letter("", "Your {{.Sale.Products}}", "Dear {{.Contact.Name}}, order {{.Sale.Number}} of {{.Sale.Date | date}}?\n")
	if plan, err := o.Plan(t.Context(), "spring", false); err != nil || len(plan.Faults) > 0 {
		t.Errorf("a good one: %+v, %v", plan.Faults, err)
	}
}

// TestReminderStaysStill keeps a reminder from writing what it must not.
func TestReminderStaysStill(t *testing.T) {
	o := newOffice(t, renews("Carl", "2026-03-03"), renews("Dora", "2026-03-05"), renews("Eve", "2026-03-08"))
	o.reminder(campaign.Rhythm{Trigger: "custom.renewal", Backfill: 30})
	o.launch()
	if _, err := o.Pause(t.Context(), "ada", "spring"); err != nil {
		t.Fatal(err)
	}
	o.later(2 * day)
	o.wants("paused", "")
	if _, err := o.Resume(t.Context(), "ada", "spring"); err != nil {
		t.Fatal(err)
	}
	o.later(0)
	o.wants("resumed", "carl frozen")
	o.later(3 * day) // a copy from before Dora's mail is taken: it may have left since
	if err := o.Restored(t.Context(), "copy"); err != nil {
		t.Fatal(err)
	}
	o.wants("before the copy", "carl frozen, dora frozen")
	o.update(func(tx store.Tx) error { // the copy knows nothing of it
		for _, d := range o.all(tx) {
			if d.Address.Local() == "dora" {
				w := waiting{chosen: chosen{Recipient: campaign.Recipient{Contact: d.Contact, Address: d.Address}}, anchor: campaign.Anchor{Name: "custom.renewal 2026-03-05"}}
				for _, m := range o.marks("spring", w) {
					if err := tx.State().Put(m, nil); err != nil {
						return err
					}
				}
			}
		}
		return nil
	})
	if _, err := o.Resume(t.Context(), "ada", "spring"); err != nil {
		t.Fatal(err)
	}
	o.later(10 * time.Minute)
	o.wants("after the copy", "carl frozen, dora frozen")
	o.src.Rhythm = &campaign.Rhythm{Trigger: "custom.renewal", Days: 1, Backfill: 30}
	o.later(day)
	if p := o.status(); p.State != campaign.Paused || !strings.Contains(p.Reason, "launch it again") {
		t.Errorf("its days were changed: %+v", p)
	}
}

func (o *office) all(tx store.Tx) []outbox.Delivery {
	page, err := tx.Outbox().List(store.OutboxFilter{}, store.Slice{Limit: 500})
	if err != nil {
		o.t.Fatal(err)
	}
	return page.Items
}

// TestReminderAfterSale writes once for each sale, and not to who bought again.
func TestReminderAfterSale(t *testing.T) {
	o := newOffice(t, customer("Carl", "carl@press.example"), customer("Dora", "dora@press.example"))
	who := map[string]contact.ID{}
	o.update(func(tx store.Tx) error {
		page, err := tx.Contacts().List(store.Filter{}, store.Slice{})
		for _, c := range page.Items {
			who[c.Name] = c.ID
		}
		return err
	})
	n := 0
	sell := func(name string, date followup.Day) {
		n++
		o.update(func(tx store.Tx) error {
			return tx.Sales().Put(sale.Sale{ID: sale.ID(store.NewID(o.now.Add(time.Duration(n)))), Direction: sale.Sold, Number: fmt.Sprint(n), Contact: who[name],
				Date: date, Status: sale.Paid, Amount: 1000, Currency: "EUR", By: "ada", Created: o.now, Updated: o.now})
		})
	}
	o.letter("", "Your order {{.Sale.Number}}", "Dear {{.Contact.Name}}, how was it?\n")
	o.reminder(campaign.Rhythm{Trigger: campaign.OnSale, Days: 7, Stop: []string{campaign.StopBought}})
	o.launch()
	sell("Carl", "2026-03-02")
	sell("Dora", "2026-03-02")
	sell("Dora", "2026-03-04")
	o.later(9 * day)
	o.wants("a week after", "carl frozen, dora skipped pointless")
	if d := o.deliveries(outbox.Frozen)[0]; d.Subject != "Your order 1" || d.Anchor.IsZero() {
		t.Errorf("the mail: %+v", d)
	}
	sell("Carl", "2026-03-04") // while the mail waits
	o.carry(o.deliveries(outbox.Frozen)[0], false)
	o.wants("at the gate", "carl skipped pointless, dora skipped pointless")
	o.later(day)
	o.wants("a week after the second", "carl frozen, carl skipped pointless, dora frozen, dora skipped pointless")
}

// TestSurveyByItself asks those who have a day, each when it comes, and reads
// what they say; another question takes another launch.
func TestSurveyByItself(t *testing.T) {
	o := newOffice(t, renews("Carl", "2026-03-10"), renews("Dora", "2026-03-20"))
	o.reminder(campaign.Rhythm{Trigger: "custom.renewal", Days: 1})
	o.src.Kind, o.src.Questions = campaign.Survey, []survey.Question{{ID: "nps", Kind: survey.NPS, Text: map[string]string{"": "How was it?"}}}
	o.launch()
	o.later(12 * day)
	o.wants("after the first", "carl frozen")
	o.says(o.carry(o.deliveries(outbox.Frozen)[0], false), "r@press.example", "9", nil)
	o.later(10 * day)
	o.wants("after the second", "carl accepted, dora frozen")
	o.carry(o.deliveries(outbox.Frozen)[0], false)
	if r := o.results(); r.Asked != 2 || r.Figure.N != 1 || r.Counts[9].N != 1 {
		t.Errorf("results: %+v", r)
	}
	o.src.Questions = []survey.Question{{ID: "nps", Kind: survey.CES}}
	o.later(day)
	if p := o.status(); p.State != campaign.Paused || !strings.Contains(p.Reason, "what it asks") {
		t.Errorf("its question was changed: %+v", p)
	}
}

// TestReminderWindow has a mail leave in the hours of its recipient only.
func TestReminderWindow(t *testing.T) {
	far := customer("Kaori", "kaori@press.example")
	far.TimeZone = "Asia/Tokyo"
	far.Consents = []contact.Consent{{Purpose: "newsletter", State: "given", At: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)}}
	o := newOffice(t, far, customer("Never", "never@press.example"))
	o.src.Window, _ = campaign.ParseWindow("mon-fri 09:00-17:00")
	o.reminder(campaign.Rhythm{Trigger: campaign.OnConsent})
	o.launch()
	o.later(day) // Monday, 18:00 there
	o.wants("agreed", "kaori frozen")
	d := o.deliveries(outbox.Frozen)[0]
	opens := time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC)
	if !d.Due.Equal(opens) {
		t.Errorf("it is due %v, want %v", d.Due, opens)
	}
	if d = o.carry(d, false); d.State != outbox.Frozen || !d.Due.Equal(opens) {
		t.Errorf("outside the window it is %s until %v", d.State, d.Due)
	}
	o.now = opens
	if d = o.carry(d, false); d.State != outbox.Accepted {
		t.Errorf("inside the window it is %s", d.State)
	}
}
