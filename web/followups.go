package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rapport/records/access"
	"rapport/records/contact"
	"rapport/records/followup"
	"rapport/records/message"
	"rapport/store"
)

// FollowUpItem is a follow-up with the name of whom or what it is about.
type FollowUpItem struct {
	followup.FollowUp
	Name    string `json:"name"`              // of the contact or organisation; of a message its subject
	Overdue bool   `json:"overdue,omitempty"` // it was due before today
}

// FollowUpInput is a new follow-up as a person writes it.
type FollowUpInput struct {
	Kind    string     `json:"kind,omitempty" enum:"complaint,dispute,question" doc:"of a case: somebody is unhappy, disagrees, or waits for an answer. It closes by itself once one of us has written to them."`
	Who     string     `json:"who,omitempty" doc:"whom it is about: an id, address, name or domain"`
	Message message.ID `json:"message,omitempty" doc:"the message it is about, where it is none of somebody; a case is opened for who wrote it"`
	Due     string     `json:"due" example:"2026-11-30" doc:"the day, YYYY-MM-DD"`
	Owner   string     `json:"owner,omitempty" doc:"the member who does it; whoever asks where that is a member"`
	Note    string     `json:"note,omitempty" maxLength:"1000"`
}

// FollowUpEdit changes a follow-up; what is absent stays.
type FollowUpEdit struct {
	Due   *string `json:"due,omitempty" doc:"another day puts it off"`
	Owner *string `json:"owner,omitempty"`
	Note  *string `json:"note,omitempty" maxLength:"1000"`
	Done  *bool   `json:"done,omitempty" doc:"true: it is done; false: it is to be done again"`
}

func (s *Server) describeFollowUps(api huma.API) {
	const tag = "follow-ups"
	describe(s, api, operation{id: "list-follow-ups", pattern: "GET /follow-ups", tag: tag, need: access.Read,
		summary: "List follow-ups by the day they are due"}, s.listFollowUps)
	describe(s, api, operation{id: "add-follow-up", pattern: "POST /follow-ups", tag: tag, need: access.Write,
		summary: "Write down what somebody is to come back to"}, s.addFollowUp)
	describe(s, api, operation{id: "case-figures", pattern: "GET /follow-ups/figures", tag: tag, need: access.Read,
		summary: "Say how many cases were opened and closed, and how soon"}, s.caseFigures)
	describe(s, api, operation{id: "get-follow-up", pattern: "GET /follow-ups/{id}", tag: tag, need: access.Read,
		summary: "Read a follow-up"}, s.showFollowUp)
	describe(s, api, operation{id: "edit-follow-up", pattern: "PATCH /follow-ups/{id}", tag: tag, need: access.Write,
		summary: "Put a follow-up off, hand it over, or say that it is done"}, s.editFollowUp)
}

type followUpList struct {
	SliceInput
	Owner   string `query:"owner" doc:"Only those of a member: an address or name."`
	Who     string `query:"who" doc:"Only those about somebody: an id, address, name or domain."`
	Message string `query:"message" doc:"Only those about a message."`
	Done    bool   `query:"done" doc:"Those that are done, instead of those to do."`
	Until   string `query:"until" doc:"Only those due on this day, YYYY-MM-DD, or before."`
	Cases   bool   `query:"cases" doc:"Only cases."`
}

func (s *Server) listFollowUps(ctx context.Context, in *followUpList) (page Page[FollowUpItem], err error) {
	f := store.FollowUpFilter{Done: in.Done, Message: message.ID(in.Message), Cases: in.Cases}
	if f.Owner, err = s.owner(ctx, in.Owner); err != nil {
		return page, err
	}
	if in.Until != "" {
		if f.Until, err = followup.ParseDay(in.Until); err != nil {
			return page, Invalid(err)
		}
	}
	today := s.todayIs()
	err = s.view(ctx, func(tx store.Tx) (err error) {
		if in.Who != "" {
			if f.Who, err = resolve(tx, in.Who, anybody); err != nil {
				return err
			}
		}
		page, err = followUpPage(tx, f, in.slice(), today)
		return err
	})
	return page, err
}

// todayIs is the day where the team is.
func (s *Server) todayIs() followup.Day { return followup.DayOf(s.now().In(s.zone())) }

// zone is the team's time zone.
func (s *Server) zone() *time.Location {
	if loc := s.relations().Hours.Location; loc != nil {
		return loc
	}
	return time.UTC
}

func followUpPage(tx store.Tx, f store.FollowUpFilter, slice store.Slice, today followup.Day) (Page[FollowUpItem], error) {
	found, err := tx.FollowUps().List(f, slice)
	if err != nil {
		return Page[FollowUpItem]{}, err
	}
	v := newViews(tx)
	page := Page[FollowUpItem]{Items: []FollowUpItem{}, Next: string(found.Next)}
	for _, f := range found.Items {
		item, err := v.followUp(f, today)
		if err != nil {
			return page, err
		}
		page.Items = append(page.Items, item)
	}
	return page, nil
}

// followUp writes one down with the name of what it is about.
func (v *views) followUp(f followup.FollowUp, today followup.Day) (FollowUpItem, error) {
	item := FollowUpItem{FollowUp: f, Overdue: f.Open() && f.Due < today}
	var err error
	switch {
	case f.Contact != "":
		item.Name, err = v.contactName(f.Contact)
	case f.Organisation != "":
		item.Name, err = v.organisationName(f.Organisation)
	default:
		var m message.Message
		if m, err = v.tx.Messages().Get(f.Message); err == nil {
			item.Name = m.Head.Subject
		}
		err = missing(err)
	}
	return item, err
}

type FollowUpID struct {
	ID string `path:"id" doc:"The follow-up."`
}

func (s *Server) showFollowUp(ctx context.Context, in *FollowUpID) (item FollowUpItem, err error) {
	err = s.view(ctx, func(tx store.Tx) error {
		f, err := tx.FollowUps().Get(followup.ID(in.ID))
		if err != nil {
			return err
		}
		item, err = newViews(tx).followUp(f, s.todayIs())
		return err
	})
	return item, err
}

func (s *Server) addFollowUp(ctx context.Context, in *struct{ Body FollowUpInput }) (none FollowUpItem, err error) {
	f := followup.FollowUp{Kind: followup.Kind(in.Body.Kind), Due: followup.Day(in.Body.Due), Note: in.Body.Note, Message: in.Body.Message}
	if f.Owner, err = s.doer(ctx, in.Body.Owner); err != nil {
		return none, err
	}
	err = s.view(ctx, func(tx store.Tx) error {
		if f.Message != "" {
			m, err := tx.Messages().Get(f.Message)
			if err == nil && f.Case() {
				f, err = caseFrom(f, m)
			}
			return err
		}
		who, err := resolve(tx, in.Body.Who, anybody)
		f.Contact, f.Organisation = who.Contact, who.Organisation
		return err
	})
	if err != nil {
		return none, err
	}
	if in.Body.Who != "" && f.Message != "" {
		return none, invalid("a follow-up is about somebody or about a message, not both")
	}
	if err := f.Normalize(); err != nil {
		return none, Invalid(err)
	}
	if f, err = s.records.AddFollowUp(ctx, actor(ctx), f); err != nil {
		return none, refused(err)
	}
	return s.showFollowUp(ctx, &FollowUpID{ID: string(f.ID)})
}

// caseFrom makes of a case about a message one about whom it is filed under.
func caseFrom(f followup.FollowUp, m message.Message) (followup.FollowUp, error) {
	for _, match := range m.Matches {
		if match.Contact != "" || match.Organisation != "" {
			f.Contact, f.Message, f.Source = match.Contact, "", "message:"+string(m.ID)
			if f.Contact == "" {
				f.Organisation = match.Organisation
			}
			return f, nil
		}
	}
	return f, invalid("the message is filed under nobody: name whom the case is about")
}

// CaseFigures say how cases come out.
type CaseFigures struct {
	Opened  int     `json:"opened"`
	Open    int     `json:"open"`
	Closed  int     `json:"closed"`
	InTime  int     `json:"in_time"`  // closed by the day they were due
	ByReply int     `json:"by_reply"` // closed as one of us wrote to them
	Rate    float64 `json:"rate"`     // closed of opened, in per cent
	Days    float64 `json:"days"`     // from opening to closing, the median
}

// caseSpan is for how long a case that was opened counts.
const caseSpan = 365

func (s *Server) caseFigures(ctx context.Context, in *struct {
	Days int `query:"days" minimum:"1" maximum:"3650" doc:"Those opened within so many days; 365 where it is absent."`
}) (out CaseFigures, err error) {
	days := in.Days
	if days == 0 {
		days = caseSpan
	}
	since := s.now().AddDate(0, 0, -days)
	var took []float64
	err = s.view(ctx, func(tx store.Tx) error {
		out, took = CaseFigures{}, nil
		for _, done := range []bool{false, true} {
			_, err := store.Where(func(sl store.Slice) (store.Page[followup.FollowUp], error) {
				return tx.FollowUps().List(store.FollowUpFilter{Cases: true, Done: done}, sl)
			}, func(f followup.FollowUp) (bool, error) {
				if f.Created.Before(since) {
					return false, nil
				}
				if out.Opened++; f.Open() {
					out.Open++
					return false, nil
				}
				out.Closed++
				took = append(took, f.Done.Sub(f.Created).Hours()/24)
				if followup.DayOf(f.Done.In(s.zone())) <= f.Due {
					out.InTime++
				}
				if f.DoneBy == followup.ByReply {
					out.ByReply++
				}
				return false, nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if out.Closed > 0 {
		slices.Sort(took)
		out.Rate, out.Days = 100*float64(out.Closed)/float64(out.Opened), took[len(took)/2]
	}
	return out, err
}

// doer is the member who is to do it; whoever asks, where none is named.
func (s *Server) doer(ctx context.Context, who string) (contact.Address, error) {
	owner, err := s.owner(ctx, who)
	if err != nil || owner != "" {
		return owner, err
	}
	if mine := principal(ctx).Address; mine != "" {
		return mine, nil
	}
	return "", invalid("who is to do it? Name a member as the owner; `rapport member list` shows them")
}

func (s *Server) editFollowUp(ctx context.Context, in *struct {
	FollowUpID
	Body FollowUpEdit
}) (none FollowUpItem, err error) {
	item, err := s.showFollowUp(ctx, &in.FollowUpID)
	if err != nil {
		return none, err
	}
	f := item.FollowUp
	if in.Body.Due != nil {
		f.Due = followup.Day(*in.Body.Due)
	}
	if in.Body.Note != nil {
		f.Note = *in.Body.Note
	}
	if in.Body.Owner != nil {
		if f.Owner, err = s.doer(ctx, *in.Body.Owner); err != nil {
			return none, err
		}
	}
	if in.Body.Done != nil {
		f.Done = time.Time{}
		if *in.Body.Done {
			f.Done = s.now()
		}
	}
	if err := f.Normalize(); err != nil {
		return none, Invalid(err)
	}
	if _, err := s.records.EditFollowUp(ctx, actor(ctx), f); err != nil {
		if errors.Is(err, store.ErrConflict) {
			return none, told(http.StatusConflict, codeConflict, "somebody else changed the follow-up meanwhile; read it again")
		}
		return none, refused(err)
	}
	return s.showFollowUp(ctx, &in.FollowUpID)
}
