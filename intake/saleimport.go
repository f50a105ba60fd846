package intake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"rapport/records/contact"
	"rapport/records/phrase"
	"rapport/records/sale"
	"rapport/store"
)

// customerNumber is the custom field that has a customer's number in the
// accounting, where nothing else is said.
const customerNumber = "customer_number"

// ImportSales stores sales all or nothing: where any line is wrong nothing is
// stored and the result lists what is. A sale whose number is known takes the
// place of what was known of it; of a purchase the supplier must be the same.
func (i *Intake) ImportSales(ctx context.Context, actor string, rows []sale.Row, o sale.ImportOptions) (sale.ImportResult, error) {
	var out sale.ImportResult
	err := i.change(ctx, func(tx store.Tx) error {
		im := saleImport{Intake: i, tx: tx, actor: actor, options: o}
		err := im.run(rows)
		out = im.out
		if err != nil {
			return err
		}
		if out.Dry = o.Dry; o.Dry || len(out.Errors) > 0 {
			return errNotStored
		}
		if out.Added+out.Updated == 0 {
			return nil
		}
		detail := phrase.New("{added} added, {updated} updated", "added", out.Added, "updated", out.Updated)
		if err := i.audit(tx, actor, "sale.import", im.one, detail, nil); err != nil {
			return err
		}
		return i.follow(tx, im.then)
	})
	if errors.Is(err, errNotStored) {
		err = nil
	}
	if len(out.Errors) > 0 {
		out.Added, out.Updated, out.Unchanged, out.Skipped, out.Rows = 0, 0, 0, 0, nil
	}
	return out, err
}

// saleImport is one import in its transaction. It reads whom all sales concern
// before it writes the first: what a transaction has written it reads slowly.
type saleImport struct {
	*Intake
	tx       store.Tx
	actor    string
	options  sale.ImportOptions
	out      sale.ImportResult
	then     followUp
	one      string // the sale, where it is only one
	accounts map[string]store.Subject
	found    map[string]store.Subject // whom rows name, by how
	firms    map[contact.ID]contact.OrganisationID
}

func (im *saleImport) run(rows []sale.Row) error {
	im.found, im.firms = map[string]store.Subject{}, map[contact.ID]contact.OrganisationID{}
	var known []sale.Sale // what there was of each, zero where nothing
	var whole []sale.Sale
	for _, r := range rows {
		who, err := im.who(r)
		if errors.Is(err, errUnknown) && im.options.Unknown == sale.UnknownSkip {
			im.out.Skipped++
			continue
		}
		if err != nil {
			if err := im.fault(r.Line, err); err != nil {
				return err
			}
			if len(im.out.Errors) >= maxImportErrors {
				return nil
			}
			continue
		}
		s := r.Sale
		s.Contact, s.Organisation = who.Contact, who.Organisation
		was, err := im.known(s)
		if err != nil {
			return err
		}
		s.Paid = paidOn(was, s)
		does := "update"
		switch {
		case was.ID == "":
			im.out.Added++
			does = "add"
		case sameSale(was, withID(s, was.ID)):
			im.out.Unchanged++
			does = "leave"
		default:
			im.out.Updated++
		}
		if im.options.Dry && len(im.out.Rows) < contact.MaxImportRows {
			im.out.Rows = append(im.out.Rows, contact.ImportRow{Line: r.Line, Does: does, Name: s.Number})
		}
		if does != "leave" {
			whole, known = append(whole, s), append(known, was)
		}
	}
	if len(im.out.Errors) > 0 || im.options.Dry {
		return nil
	}
	return im.write(whole, known)
}

func withID(s sale.Sale, id sale.ID) sale.Sale {
	s.ID = id
	return s
}

// write stores what is new or otherwise.
func (im *saleImport) write(whole, known []sale.Sale) error {
	for n, s := range whole {
		s.ID, s.By, s.Created, s.Updated = known[n].ID, im.actor, known[n].Created, later(im.now(), known[n].Updated)
		if s.ID == "" {
			s.ID, s.Created = sale.ID(store.NewID(im.now())), s.Updated
		}
		if err := im.putSale(im.tx, s); err != nil {
			return err
		}
		if im.one = ""; len(whole) == 1 {
			im.one = string(s.ID)
		}
	}
	return nil
}

// known is what there is of a sale already, zero where nothing.
func (im *saleImport) known(s sale.Sale) (sale.Sale, error) {
	found, err := im.tx.Sales().ByNumber(s.Direction, s.Number)
	if err != nil {
		return sale.Sale{}, fmt.Errorf("find number %s: %w", s.Number, err)
	}
	for _, was := range found {
		same := s.Organisation != "" && was.Organisation == s.Organisation || s.Contact != "" && was.Contact == s.Contact
		if s.Direction == sale.Sold || same {
			return was, nil
		}
	}
	return sale.Sale{}, nil
}

// fault notes what is wrong with a line. What the file has no part in ends the
// import.
func (im *saleImport) fault(line int, err error) error {
	var said sentence
	if !errors.As(err, &said) {
		return fmt.Errorf("import line %d: %w", line, err)
	}
	im.out.Errors = append(im.out.Errors, contact.RowError{Line: line, What: said.text})
	return nil
}

var errUnknown = errors.New("nobody known")

// who finds whom a row concerns: by the address, by the number in the
// accounting, by the name.
func (im *saleImport) who(r sale.Row) (store.Subject, error) {
	key := string(r.Email) + "\x00" + r.Account + "\x00" + r.Sale.Customer + "\x00" + string(r.Sale.Direction)
	if who, ok := im.found[key]; ok {
		return who, nil
	}
	who, err := im.find(r)
	if err == nil && who == (store.Subject{}) {
		if im.options.Unknown != sale.UnknownAdd {
			name := cmp.Or(string(r.Email), r.Sale.Customer, r.Account)
			return who, sentence{fmt.Sprintf("nobody is known as %q: add them first, or have such lines left out or added", contact.Clip(name)), errUnknown}
		}
		who, err = im.add(r)
	}
	if err == nil && who.Contact != "" && who.Organisation == "" {
		who.Organisation = im.firms[who.Contact]
	}
	if err == nil {
		im.found[key] = who
	}
	return who, err
}

func (im *saleImport) find(r sale.Row) (who store.Subject, err error) {
	if r.Email != "" {
		if who, err = im.byAddress(r.Email); err != nil {
			return who, err
		}
	}
	if r.Account != "" && who == (store.Subject{}) {
		if who, err = im.byAccount(r.Account); err != nil {
			return who, err
		}
	}
	if name := r.Sale.Customer; name != "" && !strings.Contains(name, "@") && who.Organisation == "" {
		named, err := im.byName(name, who != store.Subject{})
		if err != nil {
			return who, err
		}
		if who.Organisation = named.Organisation; who.Contact == "" {
			who.Contact = named.Contact
		}
	}
	if who == (store.Subject{}) && r.Email != "" {
		found, err := im.tx.Organisations().ByDomain(r.Email.Domain())
		if err != nil {
			return who, fmt.Errorf("find domain of %s: %w", r.Email, err)
		}
		if len(found) == 1 {
			who.Organisation = found[0].ID
		}
	}
	return who, nil
}

func (im *saleImport) byAddress(a contact.Address) (store.Subject, error) {
	found, err := im.tx.Contacts().ByFolded(a)
	if err != nil {
		return store.Subject{}, fmt.Errorf("find address %s: %w", a, err)
	}
	switch len(found) {
	case 0:
		return store.Subject{}, nil
	case 1:
		return im.person(found[0]), nil
	}
	return store.Subject{}, sentence{fmt.Sprintf("%d contacts have the address %s; merge them first", len(found), a), store.ErrConflict}
}

// person is a contact, whose organisation is remembered where it is only one.
func (im *saleImport) person(c contact.Contact) store.Subject {
	if len(c.Affiliations) == 1 {
		im.firms[c.ID] = c.Affiliations[0].Organisation
	}
	return store.Subject{Contact: c.ID}
}

// byName finds an organisation, or else a person unless one is known already.
func (im *saleImport) byName(name string, person bool) (store.Subject, error) {
	firms, err := im.tx.Organisations().ByName(name)
	if err != nil {
		return store.Subject{}, fmt.Errorf("find organisation %q: %w", name, err)
	}
	if len(firms) == 1 {
		return store.Subject{Organisation: firms[0].ID}, nil
	}
	if len(firms) > 1 && !person {
		return store.Subject{}, sentence{fmt.Sprintf("%d organisations are named %q; say an address or a number of theirs", len(firms), contact.Clip(name)), store.ErrConflict}
	}
	if person {
		return store.Subject{}, nil
	}
	found, err := im.tx.Contacts().ByName(name)
	if err != nil {
		return store.Subject{}, fmt.Errorf("find contact %q: %w", name, err)
	}
	switch len(found) {
	case 0:
		return store.Subject{}, nil
	case 1:
		return im.person(found[0]), nil
	}
	return store.Subject{}, sentence{fmt.Sprintf("%d contacts are named %q; say an address of theirs", len(found), contact.Clip(name)), store.ErrConflict}
}

// byAccount finds who has a number in the accounting, of which all are read
// when the first is asked for.
func (im *saleImport) byAccount(number string) (store.Subject, error) {
	if im.accounts == nil {
		if err := im.readAccounts(cmp.Or(im.options.Account, customerNumber)); err != nil {
			return store.Subject{}, fmt.Errorf("read the customers' numbers: %w", err)
		}
	}
	who := im.accounts[number]
	if who == ambiguous {
		return who, sentence{fmt.Sprintf("several records have the number %s; leave it with one", contact.Clip(number)), store.ErrConflict}
	}
	return who, nil
}

// ambiguous stands for a number that several have.
var ambiguous = store.Subject{Contact: "several"}

func (im *saleImport) readAccounts(field string) error {
	im.accounts = map[string]store.Subject{}
	note := func(number string, who store.Subject) {
		if _, taken := im.accounts[number]; taken && number != "" {
			who = ambiguous
		}
		im.accounts[number] = who
	}
	_, err := store.Where(func(s store.Slice) (store.Page[contact.Organisation], error) {
		return im.tx.Organisations().List(store.Filter{}, s)
	}, func(o contact.Organisation) (bool, error) {
		note(o.Custom[field], store.Subject{Organisation: o.ID})
		return false, nil
	})
	if err != nil {
		return err
	}
	_, err = store.Where(allContacts(im.tx, false), func(c contact.Contact) (bool, error) {
		if number := c.Custom[field]; number != "" {
			note(number, im.person(c))
		}
		return false, nil
	})
	delete(im.accounts, "")
	return err
}

// add makes a record of whom a row names: a contact where it has an address,
// else an organisation.
func (im *saleImport) add(r sale.Row) (store.Subject, error) {
	kind := contact.Customer
	if r.Sale.Direction == sale.Bought {
		kind = contact.Partner
	}
	custom := map[string]string{}
	if r.Account != "" {
		custom[cmp.Or(im.options.Account, customerNumber)] = r.Account
	}
	if r.Email != "" {
		c := contact.Contact{Name: r.Sale.Customer, Addresses: []contact.Address{r.Email}, Kind: kind, Custom: custom}
		if strings.Contains(c.Name, "@") {
			c.Name = ""
		}
		gone, err := im.tx.Tombstones().Has(tombstone(im.opts.Key, r.Email.Folded()))
		if err != nil {
			return store.Subject{}, fmt.Errorf("look for an erasure: %w", err)
		}
		if gone {
			return store.Subject{}, sentence{fmt.Sprintf("%s was erased; leave the line out, or add them by hand if they want it", r.Email), store.ErrConflict}
		}
		if err := c.Normalize(); err != nil {
			return store.Subject{}, sentence{err.Error(), store.ErrConflict}
		}
		c, err = im.addContact(im.tx, im.actor, c, &im.then)
		return store.Subject{Contact: c.ID}, refusal(err)
	}
	o := contact.Organisation{Name: cmp.Or(r.Sale.Customer, r.Account), Kind: kind, Custom: custom}
	if err := o.Normalize(); err != nil {
		return store.Subject{}, sentence{err.Error(), store.ErrConflict}
	}
	o, err := im.addOrganisation(im.tx, im.actor, o, &im.then)
	return store.Subject{Organisation: o.ID}, refusal(err)
}

// refusal makes what a record cannot be added for a fault of the line.
func refusal(err error) error {
	if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrExists) {
		return sentence{err.Error(), store.ErrConflict}
	}
	return err
}
