package planner

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"rapport/records/campaign"
	"rapport/records/outbox"
	"rapport/records/survey"
	"rapport/records/timeline"
	"rapport/store"
)

// SurveyOpen is for how long the page of a survey takes answers, from when its
// mail was written; replies are read whenever they come.
const SurveyOpen = 90 * 24 * time.Hour

// Questionnaire returns what the survey of a delivery asks. The error wraps
// store.ErrNotFound where the delivery is not known, or asked nothing, and
// ErrLate where answers come too late.
func (p *Planner) Questionnaire(ctx context.Context, id outbox.ID) (out []survey.Question, err error) {
	err = p.o.Store.View(ctx, func(tx store.Tx) error {
		_, run, err := p.asked(tx, id)
		out = run.Questions
		return err
	})
	return out, err
}

// asked reads a delivery that may be answered to now.
func (p *Planner) asked(tx store.Tx, id outbox.ID) (d outbox.Delivery, run campaign.Run, err error) {
	if d, err = tx.Outbox().Get(id); err != nil {
		return d, run, err
	}
	if run, err = tx.Runs().Get(d.Run); err != nil {
		return d, run, err
	}
	written, err := store.MadeAt(string(id))
	switch {
	case err != nil:
		return d, run, err
	case len(run.Questions) == 0:
		return d, run, fmt.Errorf("delivery %s asks nothing: %w", id, store.ErrNotFound)
	case p.o.Now().Sub(written) > SurveyOpen:
		return d, run, ErrLate
	}
	return d, run, nil
}

// AnswerOnPage keeps what somebody chose on the page of a survey: by the id of a
// question the values of its field, and a comment. The last answer counts. The
// error wraps ErrRefused where the first question has no answer; what else is
// none is left out.
func (p *Planner) AnswerOnPage(ctx context.Context, id outbox.ID, values map[string][]string, comment string) error {
	return p.o.Store.Update(ctx, func(tx store.Tx) error {
		_, run, err := p.asked(tx, id)
		if err != nil {
			return err
		}
		first, ok := run.Questions[0].Said(values[run.Questions[0].ID])
		if !ok {
			return refused("question %s has no answer", run.Questions[0].ID)
		}
		var parts []survey.Part
		for _, q := range run.Questions[1:] {
			if part, ok := q.Said(values[q.ID]); ok {
				parts = append(parts, part)
			}
		}
		return p.tell(tx, id, func(d *outbox.Delivery, run campaign.Run) error {
			a, err := answerTo(tx, *d, run)
			if err != nil {
				return err
			}
			if d.Evidence.Answered.IsZero() {
				d.Evidence.Answered = p.moment()
			}
			a = a.Give(first.Score, parts, comment, p.moment())
			if a.Entry, err = p.shown(tx, *d, a); err != nil {
				return err
			}
			return p.answeredWith(tx, *d, run, a)
		})
	})
}

// shown puts an answer of the page on the timeline, where one that came by mail
// stands as that mail.
func (p *Planner) shown(tx store.Tx, d outbox.Delivery, a survey.Answer) (string, error) {
	_, high, _ := a.Kind.Scale()
	text := strconv.Itoa(a.Score) + " / " + strconv.Itoa(high)
	if a.Comment != "" {
		text += "\n\n" + a.Comment
	}
	id, err := p.entryAs(tx, timeline.ID(a.Entry), d, timeline.Answer, text)
	return string(id), err
}
