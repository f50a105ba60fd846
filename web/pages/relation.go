package pages

import (
	"net/http"
	"time"

	"rapport/records/access"
	"rapport/records/followup"
	"rapport/records/relation"
	"rapport/web"
)

// followUpRoutes are what forms about follow-ups do.
func (p *Pages) followUpRoutes() []route {
	return []route{
		{pattern: "POST /contacts/{id}/follow-ups", need: access.Write, serve: contacts.addFollowUp},
		{pattern: "POST /organisations/{id}/follow-ups", need: access.Write, serve: subject("organisations").addFollowUp},
		{pattern: "POST /follow-ups/{id}", need: access.Write, serve: changeFollowUp},
	}
}

// standing is how things stand with somebody, as a record's page shows it.
type standing struct {
	web.Relation
	FollowUps []web.FollowUpItem
	Known     bool // there was any contact
}

// maxFollowUps is how many of somebody's follow-ups a record shows.
const maxFollowUps = 20

// readStanding reads how things stand with the record of a card.
func readStanding(v *visit, c card) (s standing, err error) {
	if s.Relation, err = v.client().Relation(v.ctx(), c.ID); err != nil && status(err) != http.StatusNotFound {
		return s, err
	}
	s.Known = !s.First.IsZero()
	due, err := v.client().FollowUps(v.ctx(), web.FollowUpFilter{Who: c.ID}, web.Slice{Limit: maxFollowUps})
	s.FollowUps = due.Items
	return s, err
}

// pace is how long one side's answers take.
type pace struct {
	Key   string // the sentence that says whose
	Took  time.Duration
	Trend string
	Of    int
}

// Paces are the answers of both sides, where there are any.
func (s standing) Paces() (out []pace) {
	for _, side := range []struct {
		key string
		web.ResponseTime
	}{{"relation.ours", s.Ours}, {"relation.theirs", s.Theirs}} {
		if side.Answers > 0 {
			out = append(out, pace{side.key, time.Duration(side.Median) * time.Second, string(side.Trend), side.Answers})
		}
	}
	return out
}

// trends are the words for how a pace changes.
var trends = map[relation.Trend]string{"faster": "good", "slower": "warning", "steady": ""}

// Shaded is how a trend is coloured beside its word.
func (v *visit) Shaded(trend string) string { return trends[relation.Trend(trend)] }

// Day writes a day, given as YYYY-MM-DD, as the reader does.
func (v *visit) Day(day followup.Day) string {
	t, err := time.ParseInLocation(time.DateOnly, string(day), v.Zone)
	if err != nil {
		return string(day)
	}
	return v.Date(t)
}

// addFollowUp writes down what somebody is to come back to.
func (of subject) addFollowUp(v *visit) error {
	id := v.r.PathValue("id")
	_, err := v.client().AddFollowUp(v.ctx(), web.FollowUpInput{Who: id, Due: v.form("due"), Owner: v.form("owner"), Note: v.form("note"), Kind: v.form("kind")})
	if err != nil {
		return err
	}
	return v.done(of.path(id), "", "followup.added")
}

// changeFollowUp says that one is done, or to be done again, or puts it off.
func changeFollowUp(v *visit) error {
	var e web.FollowUpEdit
	key := "followup.put_off"
	if due := v.form("due"); due != "" {
		e.Due = &due
	}
	if said := v.form("done"); said != "" {
		done := said == "yes"
		e.Done, key = &done, "followup.done"
		if !done {
			key = "followup.again"
		}
	}
	if _, err := v.client().EditFollowUp(v.ctx(), v.r.PathValue("id"), e); err != nil {
		return err
	}
	return v.done(v.form("back"), "", key)
}
