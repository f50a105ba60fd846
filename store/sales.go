package store

import (
	"rapport/records/followup"
	"rapport/records/sale"
)

// Sales are orders and invoices, ours and those of whom we buy from.
type Sales interface {
	Get(sale.ID) (sale.Sale, error)
	// ByNumber finds what bears exactly this number: at most one of our own
	// sales, and one purchase of each supplier who gave it.
	ByNumber(sale.Direction, string) ([]sale.Sale, error)
	// List goes by date, newest first, and for one date by id, newest first.
	List(SaleFilter, Slice) (Page[sale.Sale], error)
	// Owed lists the open ones due on this day at the latest, longest due first.
	Owed(d sale.Direction, until followup.Day, s Slice) (Page[sale.Sale], error)
	Put(sale.Sale) error
	Delete(sale.ID) error
}

// SaleFilter narrows a list of sales. Zero fields do not narrow.
type SaleFilter struct {
	Direction sale.Direction
	Who       Subject
	Status    sale.Status
	From      followup.Day // on this day or later
	Until     followup.Day // on this day or before
}
