package intake

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"rapport/records/followup"
	"rapport/records/phrase"
	"rapport/records/sale"
	"rapport/records/timeline"
	"rapport/store"
)

// putSale writes a sale with its entry on the timelines. A draft has none.
func (i *Intake) putSale(tx store.Tx, s sale.Sale) error {
	if err := tx.Sales().Put(s); err != nil {
		return fmt.Errorf("write sale %s: %w", s.Number, err)
	}
	if s.Status == sale.Draft {
		return tx.Entries().Delete(timeline.ID(s.ID))
	}
	e, doc := saleEntry(s)
	if err := tx.Entries().Put(e, doc); err != nil {
		return fmt.Errorf("write the entry of sale %s: %w", s.Number, err)
	}
	return nil
}

// saleEntry is what the histories show of a sale, and what it is found by. It
// stands at noon UTC, which is the sale's day nearly everywhere.
func saleEntry(s sale.Sale) (timeline.Entry, *store.Document) {
	var items []string
	for _, item := range s.Items {
		line := item.Product
		if item.Quantity != 0 {
			line = item.Quantity.String() + " × " + line
		}
		items = append(items, line)
	}
	e := timeline.Entry{
		ID: timeline.ID(s.ID), Time: s.Date.In(time.UTC).Add(12 * time.Hour), Kind: timeline.Sale,
		Subject: s.Number + " · " + s.Amount.In(s.Currency),
		Snippet: firstWords(strings.Join(items, ", "), 200), Text: strings.Join(items, "\n"),
	}
	if s.Contact != "" {
		e.Contacts = append(e.Contacts, s.Contact)
	}
	if s.Organisation != "" {
		e.Organisations = append(e.Organisations, s.Organisation)
	}
	return e, store.LaterDocument(store.Fields{Subject: s.Number, Text: e.Text})
}

// RemoveSale removes a sale and its entry.
func (i *Intake) RemoveSale(ctx context.Context, actor string, id sale.ID) error {
	return i.store.Update(ctx, func(tx store.Tx) error {
		s, err := tx.Sales().Get(id)
		if err != nil {
			return err
		}
		if err := errors.Join(tx.Sales().Delete(id), tx.Entries().Delete(timeline.ID(id))); err != nil {
			return fmt.Errorf("remove sale %s: %w", s.Number, err)
		}
		return i.audit(tx, actor, "sale.remove", string(id), phrase.Verbatim(s.Number), nil)
	})
}

// eachSale calls fn for every sale that concerns somebody.
func eachSale(tx store.Tx, who store.Subject, fn func(sale.Sale) error) error {
	found, err := store.Where(func(s store.Slice) (store.Page[sale.Sale], error) {
		return tx.Sales().List(store.SaleFilter{Who: who}, s)
	}, func(sale.Sale) (bool, error) { return true, nil })
	if err != nil {
		return fmt.Errorf("list sales: %w", err)
	}
	for _, s := range found {
		if err := fn(s); err != nil {
			return fmt.Errorf("change sale %s: %w", s.ID, err)
		}
	}
	return nil
}

// forgetSales takes somebody who goes out of their sales; what concerns nobody
// else goes with them, the entry too.
func (i *Intake) forgetSales(tx store.Tx, who store.Subject) error {
	return eachSale(tx, who, func(s sale.Sale) error {
		if who.Contact != "" {
			s.Contact = ""
		} else {
			s.Organisation = ""
		}
		if s.Contact == "" && s.Organisation == "" {
			return errors.Join(tx.Sales().Delete(s.ID), tx.Entries().Delete(timeline.ID(s.ID)), tx.Audit().Redact(string(s.ID)))
		}
		s.Customer, s.Updated = "", later(i.now(), s.Updated) // it may be their name
		return i.putSale(tx, s)
	})
}

// saleWas says whom a sale concerned before a merge.
type saleWas struct {
	ID  sale.ID       `json:"id"`
	Who store.Subject `json:"who"`
}

// moveSales hands the sales of the loser of a merge to the winner and returns
// whom they concerned. Their entries are moved with the others.
func (i *Intake) moveSales(tx store.Tx, from, to store.Subject) (were []saleWas, err error) {
	err = eachSale(tx, from, func(s sale.Sale) error {
		were = append(were, saleWas{s.ID, store.Subject{Contact: s.Contact, Organisation: s.Organisation}})
		if to.Contact != "" {
			s.Contact = to.Contact
		} else {
			s.Organisation = to.Organisation
		}
		s.Updated = later(i.now(), s.Updated)
		return tx.Sales().Put(s)
	})
	return were, err
}

// restoreSales has sales that are still there concern whom they concerned
// before a merge.
func (i *Intake) restoreSales(tx store.Tx, were []saleWas) error {
	for _, w := range were {
		s, err := tx.Sales().Get(w.ID)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err == nil {
			s.Contact, s.Organisation, s.Updated = w.Who.Contact, w.Who.Organisation, later(i.now(), s.Updated)
			err = tx.Sales().Put(s)
		}
		if err != nil {
			return fmt.Errorf("put sale %s back: %w", w.ID, err)
		}
	}
	return nil
}

// sameSale reports whether a file says of a sale what is known already. A day
// that it does not say stays known.
func sameSale(was, now sale.Sale) bool {
	was.Created, was.Updated, was.By = now.Created, now.Updated, now.By
	if len(was.Items) != len(now.Items) {
		return false
	}
	for n := range was.Items {
		if was.Items[n] != now.Items[n] {
			return false
		}
	}
	was.Items, now.Items = nil, nil
	return fmt.Sprint(was) == fmt.Sprint(now)
}

// paidOn keeps the day of payment that an earlier file said.
func paidOn(was, now sale.Sale) followup.Day {
	if now.Paid == "" && now.Status == sale.Paid && was.Status == sale.Paid {
		return was.Paid
	}
	return now.Paid
}
