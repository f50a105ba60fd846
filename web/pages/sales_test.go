package pages

import (
	"testing"

	"rapport/records/contact"
	"rapport/records/sale"
	"rapport/store"
)

// TestSalesAreShown reads the pages of sales in every language, with a sale and
// without.
func TestSalesAreShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wants(w.get(member, "/sales"), "There is none here")
	w.wants(w.get(member, "/sales/report"), "How customers buy today")
	carl := w.person("Carl Weber", func(c *contact.Contact) { c.Kind = contact.Customer })
	if err := w.store.Update(t.Context(), func(tx store.Tx) error {
		return tx.Sales().Put(sale.Sale{ID: "01KJMA0FM0A5E7AKH8V19KDMW2", Direction: sale.Sold, Number: "RE-<b>1", Contact: carl.ID, Date: "2026-01-02", Due: "2026-01-03",
			Status: sale.Open, Amount: 1234_5000, Balance: 100_0000, Currency: "EUR", Items: []sale.Item{{Product: "Green <i>tea", Quantity: 2_0000, Amount: 1234_5000}}})
	}); err != nil {
		t.Fatal(err)
	}
	list := w.get(reader, "/sales")
	w.wants(list, "RE-&lt;b&gt;1", "Carl Weber", "1,234.50", "overdue", "Green &lt;i&gt;tea", `href="/sales/01KJMA0FM0A5E7AKH8V19KDMW2"`)
	w.wants(w.get(reader, "/sales?status=paid"), "There is none here", "-RE-")
	w.wants(w.get(reader, "/sales?overdue=1"), "RE-&lt;b&gt;1")
	w.wants(w.get(reader, "/sales?who="+string(carl.ID)), "Carl Weber</bdi></a>", "Together", "How many")
	w.wants(w.get(reader, "/sales/01KJMA0FM0A5E7AKH8V19KDMW2"), "RE-&lt;b&gt;1", "Still to be paid", "Green &lt;i&gt;tea")
	w.wants(w.get(reader, "/sales/report?from=2026-01-01&until=2026-01-31"), "2026-01", "1,234.50", "Carl Weber")
	w.wants(w.get(reader, "/contacts/"+string(carl.ID)), `href="/sales?who=`+string(carl.ID)+`"`, "1,234.50")
	if r := ask(w, member, "/sales/report?from=soon", nil, nil); r.Code != 400 {
		t.Errorf("a report from no day: %d", r.Code)
	}
}
