package planner

import (
	"strings"
	"testing"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/sale"
	"rapport/store"
)

// TestSalesInLetters has a letter speak of what its reader bought, and an
// audience choose by it.
func TestSalesInLetters(t *testing.T) {
	o := newOffice(t, customer("Carl", "carl@press.example"), customer("Dora", "dora@press.example"))
	var carl contact.Contact
	o.update(func(tx store.Tx) error {
		found, err := tx.Contacts().ByAddress("carl@press.example")
		if err != nil {
			return err
		}
		carl = found[0]
		if err := tx.Organisations().Put(contact.Organisation{ID: "firm", Name: "Press"}); err != nil {
			return err
		}
		carl.Affiliations = []contact.Affiliation{{Organisation: "firm"}}
		if err := tx.Contacts().Put(carl); err != nil {
			return err
		}
		for _, s := range []sale.Sale{
			{ID: "one", Number: "1", Contact: carl.ID, Organisation: "firm", Date: "2025-09-01", Amount: 1000_0000},
			{ID: "two", Number: "2", Organisation: "firm", Date: "2026-01-10", Amount: 234_5000, Items: []sale.Item{{Product: "tea"}, {Product: "cups"}}},
			{ID: "draft", Number: "3", Contact: carl.ID, Date: "2026-01-11", Amount: 1, Status: sale.Draft},
		} {
			s.Direction, s.Currency = sale.Sold, "EUR"
			if s.Status == "" {
				s.Status = sale.Paid
			}
			if err := tx.Sales().Put(s); err != nil {
				return err
			}
		}
		return nil
	})
	o.letter("", "Your order {{.Sale.Number}}", "{{.Sale.Products}} of {{date .Sale.Date}}, {{money .Sale.Currency .Sale.Amount}}; {{plural .Sales.Count \"one\" \"#\"}} for {{money .Sales.Currency .Sales.Total}}, mostly {{.Sales.Products}}: {{.Sales.Segment}}\n")
	o.chooses(`sales.count > 0 and sales.segment == "steady"`)
	plan, err := o.Plan(t.Context(), "spring", false)
	if err != nil || len(plan.Faults) > 0 || len(plan.Recipients) != 1 || plan.Recipients[0].Contact != carl.ID || plan.Others != 1 {
		t.Fatalf("the plan is %+v, %v; want one recipient", plan, err)
	}
	o.update(func(tx store.Tx) error {
		c, err := o.candidate(tx, carl)
		if err != nil {
			return err
		}
		r, err := o.src.Letter("").Render(o.fields(c, "carl@press.example", Sender{}, campaign.Links{Unsubscribe: "x"}))
		const want = "tea, cups of 10 January 2026, €234.50; 2 for €1,234.50, mostly cups, tea: steady"
		if err != nil || r.Subject != "Your order 2" || !strings.Contains(r.Text, want) {
			t.Errorf("the letter is %q: %s, %v; want %s", r.Subject, r.Text, err, want)
		}
		return nil
	})
	o.chooses("true")
	if plan, err = o.Plan(t.Context(), "spring", false); err != nil || len(plan.Faults) == 0 || !strings.Contains(plan.Faults[0], "for Dora: subject:1:13: .Sale.Number is empty") {
		t.Errorf("a letter about a sale to somebody without one: %q, %v", plan.Faults, err)
	}
}

func (o *office) chooses(rule string) {
	o.t.Helper()
	var err error
	if o.src.Audience, err = campaign.ParseAudience(rule); err != nil {
		o.t.Fatal(err)
	}
}
