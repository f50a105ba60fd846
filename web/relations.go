package web

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rapport/records/access"
	"rapport/records/contact"
	"rapport/records/relation"
	"rapport/records/timeline"
	"rapport/store"
)

// Standing is how things stand with a contact or organisation, as lists show
// it. Mail that no person wrote, and protected mail, counts nowhere.
type Standing struct {
	First           time.Time `json:"first_contact,omitzero"`
	Last            time.Time `json:"last_contact,omitzero"`
	LastIn          time.Time `json:"last_in,omitzero"`                // they wrote last
	LastOut         time.Time `json:"last_out,omitzero"`               // we wrote last
	WaitingForUs    time.Time `json:"waiting_for_us_since,omitzero"`   // they wait for our answer
	WaitingForThem  time.Time `json:"waiting_for_them_since,omitzero"` // we wait for theirs
	UnusuallyQuiet  bool      `json:"unusually_quiet"`
	UsualSilenceSec int64     `json:"usual_silence_seconds,omitempty"` // the usual time between contacts; absent where there is too little
}

// Relation is all that is counted of a contact or organisation.
type Relation struct {
	Standing
	Contact      contact.ID             `json:"contact,omitempty"`
	Organisation contact.OrganisationID `json:"organisation,omitempty"`
	Name         string                 `json:"name"`
	FirstIn      time.Time              `json:"first_in,omitzero"`
	FirstOut     time.Time              `json:"first_out,omitzero"`
	LastCall     time.Time              `json:"last_call,omitzero"` // or meeting
	Months       []RelationMonth        `json:"months"`             // those with any contact, oldest first, in UTC
	Ours         ResponseTime           `json:"our_answers"`
	Theirs       ResponseTime           `json:"their_answers"`
	// Team says how many of us exchanged mail with them; absent with
	// staff_metrics: off.
	Team *TeamTies `json:"team,omitempty"`
	// Members are those of us who know them, best first; only with
	// staff_metrics: person.
	Members []MemberTie `json:"members,omitempty"`
}

// RelationMonth counts what went on in one month.
type RelationMonth struct {
	Month string `json:"month" example:"2026-03"`
	In    int    `json:"in"`    // messages from them
	Out   int    `json:"out"`   // messages from us
	Calls int    `json:"calls"` // calls and meetings
}

// ResponseTime is how long answers took within a year, in working time.
type ResponseTime struct {
	Answers int            `json:"answers"` // looked at
	Median  int64          `json:"median_seconds"`
	Before  int64          `json:"before_seconds,omitempty"` // the median of the nine months before the newest three
	Trend   relation.Trend `json:"trend,omitempty" enum:"faster,steady,slower"`
}

// TeamTies sums up who of us knows somebody.
type TeamTies struct {
	Members  int     `json:"members"`
	Strength float64 `json:"strength"` // 1: a message a week; years back count half as much each
}

// MemberTie is how well one of us knows somebody.
type MemberTie struct {
	Member   contact.Address `json:"member"`
	Name     string          `json:"name,omitempty"`
	In       int             `json:"in"`
	Out      int             `json:"out"`
	LastYear int             `json:"last_year"`
	Strength float64         `json:"strength"`
}

// RelationSettings are what the configuration says of relations.
type RelationSettings struct {
	Hours relation.Hours
	Staff string // staff_metrics: person | team | off
}

// The words of staff_metrics.
const (
	staffPerson = "person"
	staffOff    = "off"
)

func (s *Server) describeRelations(api huma.API) {
	const tag = "relations"
	describe(s, api, operation{id: "get-relation", pattern: "GET /relations/{who}", tag: tag, need: access.Read,
		summary: "How things stand with a contact or organisation",
		detail:  "First and last contact each way, whose turn it is, how long answers take in working time, who of us knows them, and whether it is unusually quiet."}, s.showRelation)
	describe(s, api, operation{id: "today", pattern: "GET /today", tag: tag, need: access.Read,
		summary: "Who waits for whom, what has become quiet, and what is to be followed up"}, s.today)
	describe(s, api, operation{id: "today-part", pattern: "GET /today/{part}", tag: tag, need: access.Read,
		summary: "Continue one part of today"}, s.todayPart)
}

func (s *Server) showRelation(ctx context.Context, in *WhoInput) (out Relation, err error) {
	members, err := s.records.Members(ctx)
	if err != nil {
		return out, err
	}
	err = s.view(ctx, func(tx store.Tx) error {
		who, err := resolve(tx, in.Who, anybody)
		if err != nil {
			return err
		}
		out, err = s.relationOf(tx, who, members)
		return err
	})
	return out, err
}

func (s *Server) relationOf(tx store.Tx, who store.Subject, members []Member) (out Relation, err error) {
	r, err := tx.Relations().Get(who)
	if err != nil {
		return out, err
	}
	out = Relation{Contact: who.Contact, Organisation: who.Organisation, Months: []RelationMonth{},
		FirstIn: r.In.First, FirstOut: r.Out.First, LastCall: r.Calls.Last}
	v := newViews(tx)
	if out.Name, err = v.contactName(who.Contact); err == nil && who.Contact == "" {
		out.Name, err = v.organisationName(who.Organisation)
	}
	if err != nil {
		return out, err
	}
	if out.Standing, err = standing(tx, who, &r, s.now()); err != nil {
		return out, err
	}
	for _, m := range r.Months {
		out.Months = append(out.Months, RelationMonth{Month: m.Begin().Format("2006-01"), In: m.In, Out: m.Out, Calls: m.Calls})
	}
	settings := s.relations()
	for side, to := range map[relation.Side]*ResponseTime{relation.Us: &out.Ours, relation.Them: &out.Theirs} {
		answers, err := tx.Relations().Answers(who, side, relation.MaxAnswers)
		if err != nil {
			return out, err
		}
		speed := relation.SpeedOf(answers, settings.Hours, s.now())
		*to = ResponseTime{Answers: speed.Answers, Median: seconds(speed.Median), Before: seconds(speed.Before), Trend: speed.Trend}
	}
	out.ties(r.Strengths(s.now()), settings.Staff, members)
	return out, nil
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

// ties says who of us knows them, as far as the configuration lets it.
func (r *Relation) ties(strengths []relation.Strength, staff string, members []Member) {
	if staff == staffOff {
		return
	}
	r.Team = &TeamTies{Members: len(strengths)}
	for _, m := range strengths {
		r.Team.Strength += m.Strength
		if staff != staffPerson {
			continue
		}
		tie := MemberTie{Member: m.Member, In: m.In, Out: m.Out, LastYear: m.LastYear, Strength: m.Strength}
		for _, known := range members {
			if len(known.Addresses) > 0 && known.Addresses[0] == m.Member {
				tie.Name = known.Name
			}
		}
		r.Members = append(r.Members, tie)
	}
}

// standing says how things stand with somebody at a time.
func standing(tx store.Tx, who store.Subject, r *relation.Record, now time.Time) (Standing, error) {
	out := Standing{Last: r.Last(), LastIn: r.In.Last, LastOut: r.Out.Last}
	for _, at := range []time.Time{r.In.First, r.Out.First, r.Calls.First} {
		if !at.IsZero() && (out.First.IsZero() || at.Before(out.First)) {
			out.First = at
		}
	}
	if r.Empty() {
		return out, nil
	}
	quiet := r.QuietAt()
	out.UnusuallyQuiet = !quiet.IsZero() && !quiet.After(now)
	out.UsualSilenceSec = seconds(r.Rhythm().Usual)
	for side, to := range map[relation.Side]*time.Time{relation.Us: &out.WaitingForUs, relation.Them: &out.WaitingForThem} {
		open, err := tx.Relations().Open(who, side, now.Add(-relation.Lapse), 1)
		if err != nil {
			return out, err
		}
		if len(open) > 0 {
			*to = open[0].Since
		}
	}
	return out, nil
}

// standingOf reads how things stand, nil where there never was any contact.
func standingOf(tx store.Tx, who store.Subject, now time.Time) (*Standing, error) {
	r, err := tx.Relations().Get(who)
	if err != nil || r.Empty() {
		return nil, err
	}
	out, err := standing(tx, who, &r, now)
	return &out, err
}

// RelationFilter is what lists of contacts and organisations filter and sort
// by of relations.
type RelationFilter struct {
	Waiting    string    `query:"waiting" enum:"us,them" doc:"Only those who wait for our answer (us), or whose answer we wait for (them), longest first."`
	QuietSince time.Time `query:"quiet_since" doc:"Only those with whom there was contact once and none from then on, longest quiet first."`
	Sort       string    `query:"sort" enum:"name,contact,quiet,waiting" doc:"By name, latest contact first, longest without contact first, or longest waiting first."`
}

// into adds it to a filter.
func (f RelationFilter) into(to *store.Filter, now time.Time) error {
	switch f.Waiting {
	case "us":
		to.Waiting = relation.Us
	case "them":
		to.Waiting = relation.Them
	}
	to.WaitingFrom, to.QuietSince = now.Add(-relation.Lapse), f.QuietSince
	if f.Sort != "" && f.Sort != "name" {
		to.Order = store.Order(f.Sort)
	}
	if to.Order == store.ByWaiting && to.Waiting == 0 {
		return invalid("sort=waiting takes waiting=us or waiting=them")
	}
	return nil
}

// subjectOf returns the subject and message line of an entry that is shown.
func entryOf(tx store.Tx, id timeline.ID) (timeline.Entry, bool, error) {
	e, err := tx.Entries().Get(id)
	return e, err == nil, missing(err)
}
