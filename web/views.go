package web

import (
	"errors"

	"rapport/records/access"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/timeline"
	"rapport/store"
	"rapport/store/veil"
)

// views writes records down for reading within one transaction; names are
// looked up once each.
type views struct {
	tx            store.Tx
	contacts      map[contact.ID]string
	organisations map[contact.OrganisationID]string
	undone        map[string]map[string]bool // audit lines taken back, by object
}

func newViews(tx store.Tx) *views {
	return &views{tx: tx, contacts: map[contact.ID]string{}, organisations: map[contact.OrganisationID]string{}}
}

func (v *views) contactName(id contact.ID) (string, error) {
	if name, ok := v.contacts[id]; ok || id == "" {
		return name, nil
	}
	c, err := v.tx.Contacts().Get(id)
	if missing(err) != nil {
		return "", err
	}
	v.contacts[id] = c.Name
	return c.Name, nil
}

func (v *views) organisationName(id contact.OrganisationID) (string, error) {
	if name, ok := v.organisations[id]; ok || id == "" {
		return name, nil
	}
	o, err := v.tx.Organisations().Get(id)
	if missing(err) != nil {
		return "", err
	}
	v.organisations[id] = o.Name
	return o.Name, nil
}

// idLength is how long the ids of the store are.
const idLength = 26

// called returns the name of a contact or organisation, or the subject of a
// message; nothing where no record has the id.
func (v *views) called(id string) (string, error) {
	if len(id) != idLength {
		return "", nil // an address, or a sentence
	}
	if name, err := v.contactName(contact.ID(id)); err != nil || name != "" {
		return name, err
	}
	if name, err := v.organisationName(contact.OrganisationID(id)); err != nil || name != "" {
		return name, err
	}
	m, err := v.tx.Messages().Get(message.ID(id))
	return m.Head.Subject, missing(err)
}

func (v *views) contact(c contact.Contact) (Contact, error) {
	out := Contact{Contact: c, Organisations: []Affiliation{}, Revision: revisionOf(c)}
	for _, a := range c.Affiliations {
		name, err := v.organisationName(a.Organisation)
		if err != nil {
			return Contact{}, err
		}
		out.Organisations = append(out.Organisations, Affiliation{ID: a.Organisation, Name: name, Title: a.Title, Role: a.Role})
	}
	return out, nil
}

func organisation(o contact.Organisation) Organisation {
	return Organisation{Organisation: o, Revision: revisionOf(o)}
}

func (v *views) matches(ms []message.Match) ([]Match, error) {
	out := make([]Match, 0, len(ms))
	for _, m := range ms {
		person, err := v.contactName(m.Contact)
		if err != nil {
			return nil, err
		}
		firm, err := v.organisationName(m.Organisation)
		if err != nil {
			return nil, err
		}
		out = append(out, Match{
			Contact: m.Contact, Organisation: m.Organisation, Rule: m.Rule, Certain: m.Certain,
			Role: m.Role, Address: m.Address, ContactName: person, OrganisationName: firm,
		})
	}
	return out, nil
}

// entry writes down one entry as part of the history of who; shown is false
// for what is private by hand, which nobody sees.
func (v *views) entry(e timeline.Entry, who store.Subject) (out Entry, shown bool, err error) {
	out = Entry{
		ID: e.ID, Time: e.Time.UTC(), Kind: e.Kind, Direction: e.Direction, Subject: e.Subject, Snippet: e.Snippet,
		Contact: who.Contact, Organisation: who.Organisation, Text: e.Text, By: e.By,
		Auto: e.Auto, Protected: e.Private, Shown: access.Full,
		Holdings: []Holding{}, Matches: []Match{}, Contacts: []Named{}, Organisations: []Named{},
	}
	for _, id := range e.Contacts {
		name, err := v.contactName(id)
		if err != nil {
			return Entry{}, false, err
		}
		out.Contacts = append(out.Contacts, Named{ID: string(id), Name: name})
	}
	for _, id := range e.Organisations {
		name, err := v.organisationName(id)
		if err != nil {
			return Entry{}, false, err
		}
		out.Organisations = append(out.Organisations, Named{ID: string(id), Name: name})
	}
	if out.Contact == "" && len(e.Contacts) > 0 {
		out.Contact = e.Contacts[0]
	}
	if out.Organisation == "" && len(e.Organisations) > 0 {
		out.Organisation = e.Organisations[0]
	}
	if e.Message == "" {
		return out, true, nil
	}
	return v.withMessage(out, e)
}

// withMessage adds what the message of an entry says.
func (v *views) withMessage(out Entry, e timeline.Entry) (Entry, bool, error) {
	m, err := v.tx.Messages().Get(e.Message)
	if errors.Is(err, store.ErrNotFound) {
		return Entry{}, false, nil
	}
	if err != nil {
		return Entry{}, false, err
	}
	if m.Hidden {
		return Entry{}, false, nil
	}
	if out.Shown, err = veil.Shown(v.tx, m.ID); err != nil {
		return Entry{}, false, err
	}
	out.Message = &MessageRef{
		ID: m.ID, MessageID: m.Head.MessageID, Thread: m.Thread,
		From: message.DescribeParties(m.Head.From), To: message.DescribeParties(m.Head.To), Cc: message.DescribeParties(m.Head.Cc),
		Attachments: list(m.Attachments),
	}
	out.Holdings = holdings(m.Holdings)
	judged := message.DescribeVerdict(m.Verdict)
	out.Verdict = &judged
	out.Trust = m.Trust
	out.Protected = out.Protected || m.Protected
	out.Matches, err = v.matches(m.Matches)
	return out, true, err
}

// entries writes down a page of them.
func (v *views) entries(es []timeline.Entry, who store.Subject) ([]Entry, error) {
	out := make([]Entry, 0, len(es))
	for _, e := range es {
		view, shown, err := v.entry(e, who)
		if err != nil {
			return nil, err
		}
		if shown {
			out = append(out, view)
		}
	}
	return out, nil
}

func suggestion(s store.Suggestion) Suggestion {
	return Suggestion{
		Address: s.Address, Name: s.Name, Domain: s.Domain, In: s.In, Out: s.Out, Exchanges: s.Exchange,
		First: s.First.UTC(), Last: s.Last.UTC(), Expires: s.Expires.UTC(),
	}
}
