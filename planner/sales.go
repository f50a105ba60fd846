package planner

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/followup"
	"rapport/records/sale"
	"rapport/store"
)

// ranking is who buys most, for as long as it is worth keeping: it takes a look
// at every sale.
type ranking struct {
	sync.Mutex
	at    time.Time
	ranks sale.Ranks
}

// rankingFor is how long the ranks are kept.
const rankingFor = 10 * time.Minute

// bought adds to a candidate what they bought, their organisation included.
func (p *Planner) bought(tx store.Tx, c *campaign.Candidate) error {
	var all []sale.Sale
	seen := map[sale.ID]bool{}
	for _, who := range []store.Subject{{Contact: c.Contact.ID}, {Organisation: c.Organisation.ID}} {
		if who == (store.Subject{}) {
			continue
		}
		_, err := store.Where(func(s store.Slice) (store.Page[sale.Sale], error) {
			return tx.Sales().List(store.SaleFilter{Who: who, Direction: sale.Sold}, s)
		}, func(s sale.Sale) (bool, error) {
			if !seen[s.ID] {
				seen[s.ID], all = true, append(all, s)
			}
			return false, nil
		})
		if err != nil {
			return fmt.Errorf("list the sales of %s: %w", c.Contact.ID, err)
		}
	}
	if len(all) == 0 {
		return nil
	}
	today := followup.DayOf(p.o.Now())
	var err error
	if c.Sales, err = sale.FiguresOf(all, today); err != nil {
		return fmt.Errorf("sum up the sales of %s: %w", c.Contact.ID, err)
	}
	for n, s := range all {
		if s.Counts() && s.Date <= today && (c.Sale == nil || s.Date > c.Sale.Date || s.Date == c.Sale.Date && s.ID > c.Sale.ID) {
			c.Sale = &all[n]
		}
	}
	ranks, err := p.ranks(tx, today)
	c.Segment = c.Sales.In(ranks, today)
	return err
}

// ranks are from which sum on somebody is among the best.
func (p *Planner) ranks(tx store.Tx, today followup.Day) (sale.Ranks, error) {
	p.ranking.Lock()
	defer p.ranking.Unlock()
	if now := p.o.Now(); p.ranking.ranks != nil && now.Sub(p.ranking.at).Abs() < rankingFor {
		return p.ranking.ranks, nil
	}
	by := map[store.Subject][]sale.Sale{}
	_, err := store.Where(func(s store.Slice) (store.Page[sale.Sale], error) {
		return tx.Sales().List(store.SaleFilter{Direction: sale.Sold, From: today.After(-730)}, s)
	}, func(s sale.Sale) (bool, error) {
		who := store.Subject{Contact: s.Contact, Organisation: s.Organisation}
		if who.Organisation != "" {
			who.Contact = ""
		}
		by[who] = append(by[who], s)
		return false, nil
	})
	if err != nil {
		return nil, fmt.Errorf("list sales: %w", err)
	}
	all := make([]sale.Figures, 0, len(by))
	for _, list := range by {
		f, err := sale.FiguresOf(list, today)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	p.ranking.ranks, p.ranking.at = sale.RanksOf(all), p.o.Now()
	return p.ranking.ranks, nil
}

// orderOf is a sale as letters say it.
func orderOf(s *sale.Sale) campaign.Order {
	if s == nil {
		return campaign.Order{}
	}
	var products []string
	for _, i := range s.Items {
		products = append(products, i.Product)
	}
	return campaign.Order{
		Number: campaign.Text(s.Number), Date: campaign.Text(s.Date), Due: campaign.Text(s.Due), Amount: campaign.Text(s.Amount.String()),
		Currency: campaign.Text(s.Currency), Status: campaign.Text(s.Status), Products: campaign.Text(strings.Join(products, ", ")),
	}
}

// boughtOf is what somebody bought in all, as letters say it.
func boughtOf(c campaign.Candidate) campaign.Bought {
	out := campaign.Bought{Count: c.Sales.Count, First: campaign.Text(c.Sales.First), Last: campaign.Text(c.Sales.Last), Segment: campaign.Text(c.Segment)}
	var most sale.Sum
	for _, s := range c.Sales.Total {
		if most.Currency == "" || s.Amount > most.Amount {
			most = s
		}
	}
	if most.Currency != "" {
		out.Total, out.Currency = campaign.Text(most.Amount.String()), campaign.Text(most.Currency)
	}
	var products []string
	for _, p := range c.Sales.Products {
		products = append(products, p.Product)
	}
	out.Products = campaign.Text(strings.Join(products, ", "))
	return out
}

// candidate is a candidate with what they bought.
func (p *Planner) candidate(tx store.Tx, c contact.Contact) (campaign.Candidate, error) {
	out, err := candidate(tx, c)
	if err == nil {
		err = p.bought(tx, &out)
	}
	return out, err
}
