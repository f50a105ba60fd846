package intake

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rapport/matcher"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/phrase"
	"rapport/records/timeline"
	"rapport/store"
)

// Accept makes contacts of suggestions: one address, or all of a domain
// ("@example.org"). A company's domain becomes an organisation too. Each
// contact has an audit id in audits, which undoes it.
func (i *Intake) Accept(ctx context.Context, actor, addressOrDomain string, kind contact.Kind) (out []contact.Contact, audits []string, err error) {
	if kind == "" {
		kind = contact.Customer
	}
	err = i.change(ctx, func(tx store.Tx) error {
		out, audits = nil, nil
		rows, err := suggested(tx, addressOrDomain)
		if err != nil {
			return err
		}
		var f followUp
		made := map[contact.OrganisationID]contact.Organisation{}
		for _, s := range rows {
			c, err := i.accept(tx, actor, s, kind, made, &f)
			if err != nil {
				return fmt.Errorf("accept %s: %w", s.Address, err)
			}
			audit, err := i.accepted(tx, actor, s, c, made)
			if err != nil {
				return err
			}
			out, audits = append(out, c), append(audits, audit)
		}
		return i.follow(tx, f)
	})
	return out, audits, err
}

// accepted notes what undoes an acceptance.
func (i *Intake) accepted(tx store.Tx, actor string, s store.Suggestion, c contact.Contact, made map[contact.OrganisationID]contact.Organisation) (string, error) {
	u := &undo{Suggestions: []store.Suggestion{s}, MadeContact: c.ID}
	u.stamp(string(c.ID), c.Updated)
	for _, at := range c.Affiliations {
		if o, ok := made[at.Organisation]; ok {
			u.MadeOrganisation = o.ID
			u.stamp(string(o.ID), o.Updated)
		}
	}
	return i.auditID(tx, actor, "suggestion.accept", string(s.Address), phrase.Verbatim(string(c.ID)), u)
}

// suggested finds the rows that a person means by an address or "@domain".
func suggested(tx store.Tx, what string) ([]store.Suggestion, error) {
	if domain, ok := strings.CutPrefix(what, "@"); ok {
		domain, err := contact.NormalDomain(domain)
		if err != nil {
			return nil, err
		}
		return suggestedAt(tx, domain)
	}
	a, err := contact.ParseAddress(what)
	if err != nil {
		return nil, err
	}
	s, err := tx.Suggestions().Get(a)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("%s is not among the suggestions: %w", a, store.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("find suggestion %s: %w", a, err)
	}
	return []store.Suggestion{s}, nil
}

func suggestedAt(tx store.Tx, domain string) ([]store.Suggestion, error) {
	rows, err := store.Where(tx.Suggestions().List, func(s store.Suggestion) (bool, error) { return contact.Within(s.Domain, domain), nil })
	if err != nil {
		return nil, fmt.Errorf("list suggestions: %w", err)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("nobody at %s is among the suggestions: %w", domain, store.ErrNotFound)
	}
	return rows, nil
}

// accept makes one contact of a suggestion. A free-mail domain names no
// organisation; any other is found, or becomes one, which made then holds.
func (i *Intake) accept(tx store.Tx, actor string, s store.Suggestion, kind contact.Kind, made map[contact.OrganisationID]contact.Organisation, f *followUp) (contact.Contact, error) {
	c := contact.Contact{Name: s.Name, Addresses: []contact.Address{s.Address}, Kind: kind, Stage: contact.Active}
	if c.Name == "" {
		c.Name = contact.PersonName(s.Address)
	}
	org, err := i.organisationFor(tx, actor, s.Address, kind, made, f)
	if err != nil {
		return c, err
	}
	if org != "" {
		c.Affiliations = []contact.Affiliation{{Organisation: org}}
	}
	if err := c.Normalize(); err != nil {
		return c, err
	}
	return i.addContact(tx, actor, c, f)
}

func (i *Intake) organisationFor(tx store.Tx, actor string, a contact.Address, kind contact.Kind, made map[contact.OrganisationID]contact.Organisation, f *followUp) (contact.OrganisationID, error) {
	domain := contact.Registrable(a.Domain())
	if domain == "" || contact.Freemail(domain) || contact.Freemail(a.Domain()) || i.freemail(domain) {
		return "", nil
	}
	for _, d := range []string{a.Domain(), domain} {
		os, err := tx.Organisations().ByDomain(d)
		if err != nil {
			return "", fmt.Errorf("find domain %s: %w", d, err)
		}
		if len(os) == 1 {
			return os[0].ID, nil
		}
		if len(os) > 1 {
			return "", nil // shared: a person decides
		}
	}
	o := contact.Organisation{
		Name: contact.CompanyName(domain), Domains: []contact.Domain{{Name: domain}},
		Kind: kind, Stage: contact.Active,
	}
	if err := o.Normalize(); err != nil {
		return "", err
	}
	o, err := i.addOrganisation(tx, actor, o, f)
	made[o.ID] = o
	return o.ID, err
}

// freemail reports whether the configuration calls a domain freemail.
func (i *Intake) freemail(domain string) bool {
	return slices.Contains(i.setup.Load().freemail, domain)
}

// Suggest stores what discover counted, so that it can be accepted; rows that
// are there keep the larger counts. Who is known, ours, excluded or erased is
// left out.
func (i *Intake) Suggest(ctx context.Context, rows []store.Suggestion) error {
	for len(rows) > 0 {
		some := rows[:min(len(rows), 200)]
		rows = rows[len(some):]
		err := i.store.Update(ctx, func(tx store.Tx) error {
			j := i.judging(tx)
			for _, s := range some {
				stranger, err := j.stranger(s.Address)
				if err != nil {
					return err
				}
				if !stranger {
					continue
				}
				old, err := tx.Suggestions().Get(s.Address)
				if err != nil && !errors.Is(err, store.ErrNotFound) {
					return err
				}
				s.In, s.Out = max(s.In, old.In), max(s.Out, old.Out)
				s.Exchange = max(s.Exchange, old.Exchange)
				s.Seen, s.Ignored = old.Seen, old.Ignored
				s.Expires = i.now().Add(i.opts.SuggestTTL)
				if err := tx.Suggestions().Put(s); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("keep suggestions: %w", err)
		}
	}
	return nil
}

// stranger reports whether somebody may be suggested: nobody knows the address,
// and no exclusion or erasure forbids to.
func (j *judging) stranger(a contact.Address) (bool, error) {
	if !j.suggest {
		return false, nil
	}
	v, err := j.matcher.Judge(j.dir, message.Head{From: []message.Party{{Address: a}}}, matcher.Known{})
	if err != nil {
		return false, fmt.Errorf("judge correspondent: %w", err)
	}
	return slices.ContainsFunc(v.Strangers, func(p message.Party) bool { return p.Address == a }), nil
}

// forgetStrangers removes the suggestions that are not to be made any more:
// all of them where none is, else of those who are no strangers. Rows are only
// written of strangers, so while neither the rules nor whom we know change
// there is nothing to remove, and not every start looks at every row.
func (i *Intake) forgetStrangers(tx store.Tx, rules []byte) error {
	j := i.judging(tx)
	gen, err := generation(tx)
	if err != nil {
		return err
	}
	by := binary.BigEndian.AppendUint64(slices.Clone(rules), gen)
	if j.suggest {
		by = append(by, 1)
	}
	was, err := tx.State().Get(stateStrangers)
	if err != nil || slices.Equal(was, by) {
		return err
	}
	if err := tx.State().Put(stateStrangers, by); err != nil {
		return fmt.Errorf("note by which rules suggestions were judged: %w", err)
	}
	return deleteSuggestions(tx, func(s store.Suggestion) (bool, error) {
		stranger, err := j.stranger(s.Address)
		return !stranger, err
	})
}

// Ignore hides suggestions for good: an address, or "@domain". Each has an
// audit id, which undoes it.
func (i *Intake) Ignore(ctx context.Context, actor, addressOrDomain string) (audits []string, err error) {
	err = i.store.Update(ctx, func(tx store.Tx) error {
		audits = nil
		rows, err := suggested(tx, addressOrDomain)
		if err != nil {
			return err
		}
		for _, s := range rows {
			audit, err := i.auditID(tx, actor, "suggestion.ignore", string(s.Address), phrase.Phrase{}, &undo{Suggestions: []store.Suggestion{s}})
			if err != nil {
				return err
			}
			s.Ignored = true
			if err := tx.Suggestions().Put(s); err != nil {
				return fmt.Errorf("ignore %s: %w", s.Address, err)
			}
			audits = append(audits, audit)
		}
		return nil
	})
	return audits, err
}

// suggestAgain undoes what was decided about a suggestion: whoever was made a
// contact is none again, and neither is the organisation made with them once
// its last person is gone. What has been changed or written since stays, and
// is said.
func (i *Intake) suggestAgain(tx store.Tx, u undo) error {
	if u.MadeContact != "" {
		if err := i.unmakeContact(tx, u.MadeContact, u.Stamps); err != nil {
			return err
		}
	}
	if u.MadeOrganisation != "" {
		if err := i.unmakeOrganisation(tx, u.MadeOrganisation, u.Stamps); err != nil {
			return err
		}
	}
	j := i.judging(tx)
	for _, s := range u.Suggestions {
		stranger, err := j.stranger(s.Address)
		if err != nil {
			return err
		}
		if !stranger {
			continue // somebody has become known by the address meanwhile
		}
		if err := tx.Suggestions().Put(s); err != nil {
			return fmt.Errorf("suggest %s again: %w", s.Address, err)
		}
	}
	return nil
}

func (i *Intake) unmakeContact(tx store.Tx, id contact.ID, stamps map[string]time.Time) error {
	c, err := tx.Contacts().Get(id)
	if err != nil {
		return fmt.Errorf("read contact %s: %w", id, err)
	}
	byHand, err := writtenAbout(tx, store.Subject{Contact: id})
	if err != nil {
		return err
	}
	if byHand || !c.Updated.Equal(stamps[string(id)]) {
		return fmt.Errorf("take contact %s away again: %w", id, errChanged)
	}
	if err := i.requeueContacts(tx, c); err != nil { // before the record goes
		return err
	}
	if err := tx.Contacts().Delete(id); err != nil {
		return fmt.Errorf("take contact %s away again: %w", id, err)
	}
	return nil
}

func (i *Intake) unmakeOrganisation(tx store.Tx, id contact.OrganisationID, stamps map[string]time.Time) error {
	o, err := tx.Organisations().Get(id)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read organisation %s: %w", id, err)
	}
	people, err := tx.Contacts().Of(id, store.Slice{Limit: 1})
	if err != nil {
		return fmt.Errorf("list people of %s: %w", id, err)
	}
	byHand, err := writtenAbout(tx, store.Subject{Organisation: id})
	if err != nil || byHand || len(people.Items) > 0 || !o.Updated.Equal(stamps[string(id)]) {
		return err
	}
	if err := i.requeueOrganisations(tx, o); err != nil {
		return err
	}
	if err := tx.Organisations().Delete(id); err != nil {
		return fmt.Errorf("take organisation %s away again: %w", id, err)
	}
	return nil
}

// writtenAbout reports whether people wrote something about somebody by hand,
// or decided something.
func writtenAbout(tx store.Tx, who store.Subject) (bool, error) {
	entries, err := store.Where(func(s store.Slice) (store.Page[timeline.Entry], error) { return tx.Entries().Of(who, s) },
		func(e timeline.Entry) (bool, error) { return !e.OfMail(), nil })
	if err != nil || len(entries) > 0 {
		return len(entries) > 0, err
	}
	decided, err := store.Where(tx.Decisions().List, func(d store.Decision) (bool, error) { return d.Who == who && d.Undone.IsZero(), nil })
	return len(decided) > 0, err
}

// Expire deletes suggestions whose time is over.
func (i *Intake) Expire(ctx context.Context) (int, error) {
	n := 0
	err := i.store.Update(ctx, func(tx store.Tx) error {
		var err error
		n, err = tx.Suggestions().Expire(i.now())
		return err
	})
	return n, err
}
