package veil

import (
	"cmp"
	"slices"
	"time"

	"rapport/records/contact"
	"rapport/records/followup"
	"rapport/records/message"
	"rapport/records/relation"
	"rapport/records/sale"
	"rapport/records/survey"
	"rapport/records/timeline"
	"rapport/store"
)

// mostRead bounds how much of a history is read for who may not see all of it:
// its newest entries.
const mostRead = 2000

// relations are sums over everybody's mail. Who sees no mail of others' gets
// them of what they see: of one relation made anew from the newest entries
// shown, in lists of those conversations of which the question is shown.
type relations struct{ v *Tx }

func (c relations) of() store.Relations { return c.v.tx.Relations() }

// seen calls fn for the newest entries of a history that are shown, newest
// first.
func (c relations) seen(who store.Subject, fn func(timeline.Entry)) error {
	read := 0
	for s := (store.Slice{Limit: 500}); read < mostRead; {
		page, err := c.v.tx.Entries().Of(who, s)
		if err != nil {
			return err
		}
		for _, e := range page.Items {
			_, ok, err := entries(c).show(e)
			if err != nil {
				return err
			}
			if ok {
				fn(e)
			}
		}
		read += len(page.Items)
		if s.Cursor = page.Next; s.Cursor == "" {
			return nil
		}
	}
	return nil
}

func (c relations) Get(who store.Subject) (relation.Record, error) {
	if !c.v.noMail() {
		return c.of().Get(who)
	}
	var r relation.Record
	err := c.seen(who, func(e timeline.Entry) { r.Count(e, relation.WayOf(e, isAside(e, who)), 1) })
	return r, err
}

func isAside(e timeline.Entry, who store.Subject) bool {
	return who.Contact != "" && slices.Contains(e.Aside, who.Contact) ||
		who.Organisation != "" && slices.Contains(e.AsideOrganisations, who.Organisation)
}

// judged judges the conversations with somebody by what is shown of them.
func (c relations) judged(who store.Subject) (map[message.ThreadID]relation.Outcome, error) {
	said := map[message.ThreadID][]relation.Said{}
	err := c.seen(who, func(e timeline.Entry) {
		if m, ok := relation.SaidOf(e); ok && len(said[e.Thread]) < relation.MaxConversation {
			said[e.Thread] = append(said[e.Thread], m)
		}
	})
	name := relation.Who("c" + who.Contact)
	if who.Contact == "" {
		name = relation.Who("o" + who.Organisation)
	}
	out := map[message.ThreadID]relation.Outcome{}
	for thread, ms := range said {
		slices.Reverse(ms)
		for _, o := range relation.Judge(ms) {
			if o.Who == name {
				out[thread] = o
			}
		}
	}
	return out, err
}

func (c relations) Open(who store.Subject, side relation.Side, from time.Time, n int) ([]store.Waiting, error) {
	if !c.v.noMail() {
		return c.of().Open(who, side, from, n)
	}
	r, err := c.Get(who)
	if err != nil {
		return nil, err
	}
	conversations, err := c.judged(who)
	var out []store.Waiting
	for thread, o := range conversations {
		for _, open := range o.Open {
			if open.Side == side && !open.Since.Before(from) && open.Since.After(r.Calls.Last) {
				out = append(out, store.Waiting{Who: who, Thread: thread, Open: open})
			}
		}
	}
	slices.SortFunc(out, func(a, b store.Waiting) int { return a.Since.Compare(b.Since) })
	return out[:min(len(out), n)], err
}

func (c relations) Waiting(of store.Kind, side relation.Side, from time.Time, s store.Slice) (store.Page[store.Waiting], error) {
	list := func(s store.Slice) (store.Page[store.Waiting], error) { return c.of().Waiting(of, side, from, s) }
	if !c.v.noMail() {
		return list(s)
	}
	return shown(s, list, func(w store.Waiting) (store.Waiting, bool, error) {
		_, err := c.v.Entries().Get(w.Entry)
		return w, err == nil, noNotFound(err)
	})
}

func (c relations) Quiet(of store.Kind, at time.Time, s store.Slice) (store.Page[store.Silence], error) {
	if c.v.noMail() {
		return store.Page[store.Silence]{}, nil
	}
	return c.of().Quiet(of, at, s)
}

func (c relations) Answers(who store.Subject, side relation.Side, n int) ([]relation.Answer, error) {
	if !c.v.noMail() {
		return c.of().Answers(who, side, n)
	}
	conversations, err := c.judged(who)
	var out []relation.Answer
	for _, o := range conversations {
		for _, a := range o.Answers {
			if a.Side == side {
				out = append(out, a)
			}
		}
	}
	slices.SortFunc(out, func(a, b relation.Answer) int {
		return cmp.Or(b.Answered.Compare(a.Answered), cmp.Compare(b.Entry, a.Entry))
	})
	return out[:min(len(out), n)], err
}

// byContact reports whether a filter asks what follows from mail.
func byContact(f store.Filter) bool {
	return f.Waiting != 0 || !f.QuietSince.IsZero()
}

// narrowed is a filter as far as it may be asked: whoever sees no mail is not
// told what follows from it, the order of a list included. False: of what it
// asks for nothing is shown.
func (v *Tx) narrowed(f store.Filter) (store.Filter, bool) {
	if !v.noMail() {
		return f, true
	}
	f.Order = store.ByName
	return f, !byContact(f)
}

// people are the contacts.
type people struct {
	store.Contacts
	v *Tx
}

func (c people) List(f store.Filter, s store.Slice) (store.Page[contact.Contact], error) {
	f, any := c.v.narrowed(f)
	if !any {
		return store.Page[contact.Contact]{}, nil
	}
	return c.Contacts.List(f, s)
}

func (people) Put(contact.Contact) error { return readOnly("contact") }
func (people) Delete(contact.ID) error   { return readOnly("contact") }

// firms are the organisations, like people.
type firms struct {
	store.Organisations
	v *Tx
}

func (c firms) List(f store.Filter, s store.Slice) (store.Page[contact.Organisation], error) {
	f, any := c.v.narrowed(f)
	if !any {
		return store.Page[contact.Organisation]{}, nil
	}
	return c.Organisations.List(f, s)
}

func (firms) Put(contact.Organisation) error      { return readOnly("organisation") }
func (firms) Delete(contact.OrganisationID) error { return readOnly("organisation") }

// followUps are everybody's, save those about messages that are not shown.
type followUps struct{ v *Tx }

func (c followUps) show(f followup.FollowUp) (followup.FollowUp, bool, error) {
	if f.Message == "" {
		return f, true, nil
	}
	ok, err := c.v.shows(f.Message)
	return f, ok, err
}

func (c followUps) Get(id followup.ID) (followup.FollowUp, error) {
	f, err := c.v.tx.FollowUps().Get(id)
	if err == nil {
		var ok bool
		if f, ok, err = c.show(f); ok {
			return f, nil
		}
	}
	if noNotFound(err) != nil {
		return followup.FollowUp{}, err
	}
	return followup.FollowUp{}, absent("follow-up", string(id))
}

func (c followUps) List(f store.FollowUpFilter, s store.Slice) (store.Page[followup.FollowUp], error) {
	return shown(s, func(s store.Slice) (store.Page[followup.FollowUp], error) { return c.v.tx.FollowUps().List(f, s) }, c.show)
}

func (followUps) Put(followup.FollowUp) error { return readOnly("follow-up") }
func (followUps) Delete(followup.ID) error    { return readOnly("follow-up") }

// feeds are the rights to read a calendar; whose are told is up to who asks.
type feeds struct{ store.Feeds }

func (feeds) Put(store.Feed) error      { return readOnly("calendar") }
func (feeds) Delete(store.Digest) error { return readOnly("calendar") }

// surveys are everybody's, with what was said: it was said to the team.
type surveys struct{ store.Surveys }

func (surveys) Put(survey.Answer) error { return readOnly("survey answer") }
func (surveys) Delete(string) error     { return readOnly("survey answer") }

// sales are everybody's.
type sales struct{ store.Sales }

func (sales) Put(sale.Sale) error  { return readOnly("sale") }
func (sales) Delete(sale.ID) error { return readOnly("sale") }
