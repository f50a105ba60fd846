package web

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"rapport/records/contact"
	"rapport/records/followup"
	"rapport/records/message"
	"rapport/records/relation"
	"rapport/records/timeline"
	"rapport/store"
)

// Today is what is to be done and looked at.
type Today struct {
	For            string             `json:"for"` // the member whose it is; everybody
	WaitingForUs   Page[WaitingItem]  `json:"waiting_for_us"`
	WaitingForThem Page[WaitingItem]  `json:"waiting_for_them"`
	Quiet          Page[QuietItem]    `json:"quiet"`
	FollowUps      Page[FollowUpItem] `json:"follow_ups"` // due today or before
}

// WaitingItem is a conversation in which somebody waits.
type WaitingItem struct {
	Contact      contact.ID             `json:"contact,omitempty"`
	Organisation contact.OrganisationID `json:"organisation,omitempty"`
	Name         string                 `json:"name"`
	Owner        contact.Address        `json:"owner,omitempty"`
	Since        time.Time              `json:"since"`
	Working      int64                  `json:"working_seconds"` // of the wait, by the team's hours
	Subject      string                 `json:"subject"`
	Entry        timeline.ID            `json:"entry"`
	Message      message.ID             `json:"message"` // the first without an answer
	Thread       message.ThreadID       `json:"thread"`
}

// QuietItem is a contact of whom one has not heard unusually long.
type QuietItem struct {
	Contact contact.ID      `json:"contact"`
	Name    string          `json:"name"`
	Owner   contact.Address `json:"owner,omitempty"`
	Last    time.Time       `json:"last_contact"`
	Since   time.Time       `json:"unusual_since"`
	Usual   int64           `json:"usual_silence_seconds"`
}

type TodayInput struct {
	For   string `query:"for" doc:"mine, everybody, or a member: an address or name. Without it, mine where whoever asks is a member."`
	Limit int    `query:"limit" minimum:"1" maximum:"100" doc:"How many of each part at most; twenty where it is not given."`
}

// The parts of today.
const (
	partUs       = "waiting_for_us"
	partThem     = "waiting_for_them"
	partQuiet    = "quiet"
	partFollowUp = "follow_ups"
)

const (
	todayLimit = 20
	// todayReads bounds what is read for one part: a page may be short, and go
	// on all the same.
	todayReads = 2000
)

// asked is whose today is asked for.
func (s *Server) asked(ctx context.Context, who string) (contact.Address, error) {
	mine := principal(ctx).Address
	switch {
	case who == "everybody" || who == "" && mine == "":
		return "", nil
	case who == "" || who == "mine" && mine != "":
		return mine, nil
	case who == "mine":
		return "", invalid("whoever asks is no member; name one, or everybody")
	}
	return s.member(ctx, who)
}

func (s *Server) today(ctx context.Context, in *TodayInput) (out Today, err error) {
	for _, part := range []string{partUs, partThem, partQuiet, partFollowUp} {
		one, err := s.todayPart(ctx, &todayPartInput{Part: part, TodayInput: *in})
		if err != nil {
			return out, err
		}
		out.For = one.For
		switch part {
		case partUs:
			out.WaitingForUs = *one.Waiting
		case partThem:
			out.WaitingForThem = *one.Waiting
		case partQuiet:
			out.Quiet = *one.Quiet
		case partFollowUp:
			out.FollowUps = *one.FollowUps
		}
	}
	return out, nil
}

type todayPartInput struct {
	Part   string `path:"part" enum:"waiting_for_us,waiting_for_them,quiet,follow_ups" doc:"Which part."`
	Cursor string `query:"cursor" doc:"Where the part goes on: its next of the answer before."`
	TodayInput
}

// TodayPart is one part of today: of its lists one is there.
type TodayPart struct {
	For       string              `json:"for"`
	Waiting   *Page[WaitingItem]  `json:"waiting,omitempty"`
	Quiet     *Page[QuietItem]    `json:"quiet,omitempty"`
	FollowUps *Page[FollowUpItem] `json:"follow_ups,omitempty"`
}

func (s *Server) todayPart(ctx context.Context, in *todayPartInput) (out TodayPart, err error) {
	whose, err := s.asked(ctx, in.For)
	if err != nil {
		return out, err
	}
	out.For = string(whose)
	if whose == "" {
		out.For = "everybody"
	}
	limit := in.Limit
	if limit == 0 {
		limit = todayLimit
	}
	slice := store.Slice{Cursor: store.Cursor(in.Cursor), Limit: limit}
	err = s.view(ctx, func(tx store.Tx) error {
		out := &out
		switch in.Part {
		case partUs, partThem:
			side := relation.Us
			if in.Part == partThem {
				side = relation.Them
			}
			page, err := s.waiting(tx, side, whose, slice)
			out.Waiting = &page
			return err
		case partQuiet:
			page, err := s.quiet(tx, whose, slice)
			out.Quiet = &page
			return err
		case partFollowUp:
			due := followup.DayOf(s.now().In(s.zone()))
			page, err := followUpPage(tx, store.FollowUpFilter{Owner: whose, Until: due}, slice, due)
			out.FollowUps = &page
			return err
		}
		return invalid("today has no part \"{part}\"", "part", in.Part)
	})
	return out, err
}

// walk goes through a list one item at a time.
type walk struct {
	At   store.Cursor `json:"at,omitempty"`
	Done bool         `json:"done,omitempty"`

	list func(store.Slice) (store.Page[store.Waiting], error)
	head *store.Waiting
	next store.Cursor
}

// peek returns the item the walk stands before, nil at the end.
func (w *walk) peek() (*store.Waiting, error) {
	if w.Done || w.head != nil {
		return w.head, nil
	}
	page, err := w.list(store.Slice{Cursor: w.At, Limit: 1})
	if err != nil || len(page.Items) == 0 {
		w.Done = true
		return nil, err
	}
	w.head, w.next = &page.Items[0], page.Next
	return w.head, nil
}

func (w *walk) step() { w.At, w.Done, w.head = w.next, w.next == "", nil }

// waiting lists the conversations of contacts, and those of organisations in
// which no contact takes part, longest waiting first.
func (s *Server) waiting(tx store.Tx, side relation.Side, whose contact.Address, slice store.Slice) (Page[WaitingItem], error) {
	page := Page[WaitingItem]{Items: []WaitingItem{}}
	walks := []*walk{{}, {}}
	if slice.Cursor != "" {
		if err := json.Unmarshal([]byte(slice.Cursor), &walks); err != nil || len(walks) != 2 || walks[0] == nil || walks[1] == nil {
			return page, invalid("the cursor is none of this list")
		}
	}
	from := s.now().Add(-relation.Lapse)
	for n, of := range []store.Kind{store.OfContacts, store.OfOrganisations} {
		walks[n].list = func(sl store.Slice) (store.Page[store.Waiting], error) {
			return tx.Relations().Waiting(of, side, from, sl)
		}
	}
	v := newViews(tx)
	for range todayReads {
		w, err := earlier(walks)
		if err != nil || w == nil {
			return page, err
		}
		if len(page.Items) == slice.Limit {
			break
		}
		item, ok, err := s.waitingItem(v, *w.head, whose)
		if err != nil {
			return page, err
		}
		if ok {
			page.Items = append(page.Items, item)
		}
		w.step()
	}
	at, err := json.Marshal(walks)
	page.Next = string(at)
	return page, err
}

// earlier returns the walk whose item comes first, nil where none is left.
func earlier(walks []*walk) (first *walk, err error) {
	for _, w := range walks {
		head, err := w.peek()
		if err != nil {
			return nil, err
		}
		if head != nil && (first == nil || head.Since.Before(first.head.Since)) {
			first = w
		}
	}
	return first, nil
}

// waitingItem writes a conversation down where it is of whose today is asked
// for: of the contact's owner, and of the members who wrote or got the message.
func (s *Server) waitingItem(v *views, w store.Waiting, whose contact.Address) (WaitingItem, bool, error) {
	e, shown, err := entryOf(v.tx, w.Entry)
	if err != nil || !shown || w.Who.Organisation != "" && len(e.Contacts) > len(e.Aside) {
		return WaitingItem{}, false, err
	}
	item := WaitingItem{
		Contact: w.Who.Contact, Organisation: w.Who.Organisation, Since: w.Since, Subject: e.Subject,
		Working: seconds(s.relations().Hours.Between(w.Since, s.now())), Entry: w.Entry, Message: e.Message, Thread: w.Thread,
	}
	if item.Name, item.Owner, err = owned(v.tx, w.Who); err != nil {
		return item, false, err
	}
	return item, whose == "" || item.Owner == whose || slices.Contains(e.Members, whose), nil
}

// owned returns the name and the owner of a record.
func owned(tx store.Tx, who store.Subject) (string, contact.Address, error) {
	if who.Contact != "" {
		c, err := tx.Contacts().Get(who.Contact)
		return c.Name, c.Owner, missing(err)
	}
	o, err := tx.Organisations().Get(who.Organisation)
	return o.Name, o.Owner, missing(err)
}

// quiet lists contacts whose silence has become unusual, latest first.
func (s *Server) quiet(tx store.Tx, whose contact.Address, slice store.Slice) (Page[QuietItem], error) {
	page := Page[QuietItem]{Items: []QuietItem{}}
	at := slice.Cursor
	for range todayReads {
		found, err := tx.Relations().Quiet(store.OfContacts, s.now(), store.Slice{Cursor: at, Limit: 1})
		if err != nil || len(found.Items) == 0 {
			return page, err
		}
		if len(page.Items) == slice.Limit {
			page.Next = string(at)
			return page, nil
		}
		item, ok, err := quietItem(tx, found.Items[0], whose)
		if err != nil {
			return page, err
		}
		if ok {
			page.Items = append(page.Items, item)
		}
		if at = found.Next; at == "" {
			return page, nil
		}
	}
	page.Next = string(at)
	return page, nil
}

func quietItem(tx store.Tx, q store.Silence, whose contact.Address) (QuietItem, bool, error) {
	name, owner, err := owned(tx, q.Who)
	if err != nil || whose != "" && owner != whose {
		return QuietItem{}, false, err
	}
	r, err := tx.Relations().Get(q.Who)
	return QuietItem{Contact: q.Who.Contact, Name: name, Owner: owner, Last: r.Last(), Since: q.Since, Usual: seconds(r.Rhythm().Usual)}, true, err
}
