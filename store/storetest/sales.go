package storetest

import (
	"testing"

	"rapport/records/followup"
	"rapport/records/sale"
	"rapport/store"
)

// testSale is one that the suite tells from others by its number in order.
func testSale(n int, number string, day followup.Day) sale.Sale {
	return sale.Sale{ID: newID[sale.ID](n), Direction: sale.Sold, Number: number, Date: day, Status: sale.Paid, Amount: 12_3400, Currency: "EUR", By: "eve", Created: at(n), Updated: at(n)}
}

func testSales(t *testing.T, s store.Store) {
	first, second, third, bought, again := testSale(0, "1", "2026-01-31"), testSale(1, "2", "2026-02-01"), testSale(2, "3", "2026-02-01"), testSale(3, "1", "2026-03-01"), testSale(4, "1", "2026-03-02")
	first.Contact, first.Organisation = "cleo", "firm"
	first.Items = []sale.Item{{Product: "tea", Quantity: 15_000, Price: 8_2267}}
	second.Contact, second.Status, second.Due, second.Balance = "dora", sale.Open, "2026-02-15", 1
	third.Organisation, third.Status, third.Due = "firm", sale.Open, "2026-02-14"
	bought.Organisation, bought.Direction = "mill", sale.Bought
	again.Contact, again.Direction, again.Status, again.Due = "cleo", sale.Bought, sale.Open, "2026-02-01"
	every := []sale.Sale{again, bought, third, second, first}
	update(t, s, func(tx store.Tx) error {
		for _, v := range every {
			if err := tx.Sales().Put(v); err != nil {
				return err
			}
		}
		return nil
	})
	equal(t, "Get", view(t, s, func(tx store.Tx) (sale.Sale, error) { return tx.Sales().Get(first.ID) }), first)
	missing(t, s, "Get of none", func(tx store.Tx) (sale.Sale, error) { return tx.Sales().Get(newID[sale.ID](9)) })
	list := func(f store.SaleFilter) []sale.Sale {
		return view(t, s, func(tx store.Tx) (store.Page[sale.Sale], error) { return tx.Sales().List(f, store.Slice{}) }).Items
	}
	for _, tt := range []struct {
		name string
		f    store.SaleFilter
		want []sale.Sale
	}{
		{"all", store.SaleFilter{}, every},
		{"sold", store.SaleFilter{Direction: sale.Sold}, []sale.Sale{third, second, first}},
		{"of a contact", store.SaleFilter{Who: store.Subject{Contact: "cleo"}}, []sale.Sale{again, first}},
		{"of an organisation", store.SaleFilter{Who: store.Subject{Organisation: "firm"}}, []sale.Sale{third, first}},
		{"of an organisation, until", store.SaleFilter{Who: store.Subject{Organisation: "firm"}, Until: "2026-01-31"}, []sale.Sale{first}},
		{"of nobody", store.SaleFilter{Who: store.Subject{Contact: "firm"}}, nil},
		{"from a day", store.SaleFilter{From: "2026-03-01"}, []sale.Sale{again, bought}},
		{"between days", store.SaleFilter{From: "2026-02-01", Until: "2026-03-01"}, []sale.Sale{bought, third, second}},
		{"open", store.SaleFilter{Status: sale.Open, Direction: sale.Sold}, []sale.Sale{third, second}},
	} {
		equal(t, "List of "+tt.name, list(tt.f), tt.want)
	}
	number := func(d sale.Direction, n string) []sale.Sale {
		return view(t, s, func(tx store.Tx) ([]sale.Sale, error) { return tx.Sales().ByNumber(d, n) })
	}
	equal(t, "ByNumber", number(sale.Sold, "1"), []sale.Sale{first})
	equal(t, "ByNumber of two suppliers", number(sale.Bought, "1"), []sale.Sale{bought, again})
	equal(t, "ByNumber of none", number(sale.Sold, ""), nil)
	owed := func(until followup.Day) []sale.Sale {
		return view(t, s, func(tx store.Tx) (store.Page[sale.Sale], error) {
			return tx.Sales().Owed(sale.Sold, until, store.Slice{})
		}).Items
	}
	equal(t, "Owed", owed("2026-02-15"), []sale.Sale{third, second})
	equal(t, "Owed until the day before", owed("2026-02-14"), []sale.Sale{third})
	second.Status, second.Number, second.Date = sale.Paid, "2a", "2026-01-01"
	update(t, s, func(tx store.Tx) error { return tx.Sales().Put(second) })
	equal(t, "Owed after it was paid", owed("2026-02-15"), []sale.Sale{third})
	equal(t, "ByNumber of an earlier number", number(sale.Sold, "2"), nil)
	update(t, s, func(tx store.Tx) error { return tx.Sales().Delete(third.ID) })
	update(t, s, func(tx store.Tx) error { return tx.Sales().Delete(third.ID) })
	equal(t, "List after changes", list(store.SaleFilter{}), []sale.Sale{again, bought, first, second})
	if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Sales().Put(testSale(8, "8", "2026-01-01")) }); err == nil {
		t.Error("Put of a sale that concerns nobody ended in no error")
	}
}
