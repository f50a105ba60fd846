package web

import (
	"io"
	"slices"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/outbox"
	"rapport/records/sale"
	"rapport/records/survey"
	"rapport/store"
)

// outreach writes what was sold to whom is exported, what campaigns sent them,
// and what they answered.
func (x *exporter) outreach(sel selection) error {
	steps := []func() error{
		func() error {
			return lines(x, "sales.jsonl", func(tx store.Tx, sl store.Slice) (store.Page[sale.Sale], error) {
				return tx.Sales().List(store.SaleFilter{Who: sel.subject}, sl)
			}, nil)
		},
		func() error { return x.sent(sel) },
		func() error {
			return lines(x, "answers.jsonl", func(tx store.Tx, sl store.Slice) (store.Page[survey.Answer], error) {
				return tx.Surveys().List("", sl)
			}, func(a survey.Answer) bool {
				return sel.all || slices.ContainsFunc(x.known, func(c contact.Contact) bool { return c.ID == a.Contact })
			})
		},
	}
	if sel.all {
		steps = append(steps, func() error {
			return lines(x, "runs.jsonl", func(tx store.Tx, sl store.Slice) (store.Page[campaign.Run], error) { return tx.Runs().List("", sl) }, nil)
		}, func() error {
			return lines(x, "suppressions.jsonl", func(tx store.Tx, sl store.Slice) (store.Page[store.Suppression], error) {
				return tx.Suppressions().List(sl)
			}, nil)
		}, func() error {
			return lines(x, "sign-ups.jsonl", func(tx store.Tx, sl store.Slice) (store.Page[store.SignUp], error) { return tx.SignUps().List(sl) }, nil)
		})
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// sent writes the mails of campaigns, without their text.
func (x *exporter) sent(sel selection) error {
	filters := []store.OutboxFilter{{}}
	if !sel.all {
		filters = nil
		for _, c := range x.known {
			for _, a := range c.Addresses {
				filters = append(filters, store.OutboxFilter{Address: a})
			}
		}
	}
	return x.file("deliveries.jsonl", func(w io.Writer) error {
		for _, f := range filters {
			err := writeRecords(x, w, func(tx store.Tx, sl store.Slice) (store.Page[outbox.Delivery], error) {
				return tx.Outbox().List(f, sl)
			}, func(d outbox.Delivery) (any, bool) { return d, true })
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// lines writes a file of records, those that pass; nil: all.
func lines[T any](x *exporter, name string, list func(store.Tx, store.Slice) (store.Page[T], error), pass func(T) bool) error {
	return x.file(name, func(w io.Writer) error {
		return writeRecords(x, w, list, func(v T) (any, bool) { return v, pass == nil || pass(v) })
	})
}
