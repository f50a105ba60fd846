package veil

import (
	"time"

	"rapport/records/access"
	"rapport/records/message"
	"rapport/records/timeline"
	"rapport/store"
)

type entries struct{ v *Tx }

func (c entries) of() store.Entries { return c.v.tx.Entries() }

// sight returns what of an entry is seen: of a message's as of the message, of
// what was written by hand everything.
func (c entries) sight(e timeline.Entry) (store.Sight, error) {
	if e.Message == "" {
		return store.Sight{Tier: access.Full}, nil
	}
	return c.v.sight(e.Message)
}

// show returns an entry as far as it is seen.
func (c entries) show(e timeline.Entry) (timeline.Entry, bool, error) {
	s, err := c.sight(e)
	switch {
	case err != nil || !s.Tier.Shows(access.Metadata):
		return timeline.Entry{}, false, err
	case s.Tier.Shows(access.Full):
		return e, true, nil
	}
	out := timeline.Entry{
		ID: e.ID, Time: e.Time, Kind: e.Kind, Direction: e.Direction, By: e.By, Message: e.Message, Thread: e.Thread,
		Contacts: e.Contacts, Organisations: e.Organisations, Auto: e.Auto, Private: e.Private,
		Turn: e.Turn, Members: e.Members, Aside: e.Aside, AsideOrganisations: e.AsideOrganisations,
	}
	if s.Tier.Shows(access.Subject) {
		out.Subject = e.Subject
	}
	return out, true, nil
}

// one passes on an entry that is shown.
func (c entries) one(e timeline.Entry, err error, name string) (timeline.Entry, error) {
	if err == nil {
		var ok bool
		if e, ok, err = c.show(e); ok {
			return e, nil
		}
	}
	if noNotFound(err) != nil {
		return timeline.Entry{}, err
	}
	return timeline.Entry{}, absent("entry", name)
}

func (c entries) Get(id timeline.ID) (timeline.Entry, error) {
	e, err := c.of().Get(id)
	return c.one(e, err, string(id))
}

func (c entries) OfMessage(id message.ID) (timeline.Entry, error) {
	e, err := c.of().OfMessage(id)
	return c.one(e, err, string(id))
}

func (c entries) Of(who store.Subject, s store.Slice) (store.Page[timeline.Entry], error) {
	return shown(s, func(s store.Slice) (store.Page[timeline.Entry], error) { return c.of().Of(who, s) }, c.show)
}

func (c entries) Recent(s store.Slice) (store.Page[timeline.Entry], error) {
	return shown(s, c.of().Recent, c.show)
}

func (c entries) Before(t time.Time, s store.Slice) (store.Page[timeline.Entry], error) {
	return shown(s, func(s store.Slice) (store.Page[timeline.Entry], error) { return c.of().Before(t, s) }, c.show)
}

func (c entries) Text(id timeline.ID) (string, error) {
	f, err := c.Fields(id)
	return f.Text, err
}

func (c entries) Fields(id timeline.ID) (store.Fields, error) {
	e, err := c.of().Get(id)
	if err == nil {
		var s store.Sight
		if s, err = c.sight(e); err == nil && s.Tier.Shows(access.Full) {
			return c.of().Fields(id)
		}
	}
	if noNotFound(err) != nil {
		return store.Fields{}, err
	}
	return store.Fields{}, absent("text of entry", string(id))
}

func (c entries) Search(q store.Query, s store.Slice) (store.Page[timeline.Entry], error) {
	q.Sight = c.sight
	page, err := c.of().Search(q, s)
	if err != nil {
		return page, err
	}
	for i, e := range page.Items {
		if page.Items[i], _, err = c.show(e); err != nil {
			return store.Page[timeline.Entry]{}, err
		}
	}
	return page, nil
}

func (entries) Put(timeline.Entry, *store.Document) error { return readOnly("entry") }
func (entries) Delete(timeline.ID) error                  { return readOnly("entry") }
