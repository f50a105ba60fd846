package planner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/outbox"
	"rapport/records/survey"
	"rapport/store"
)

// scale is what the mail of a survey asks; nil where the campaign is none.
// Each score leads to the page of the survey; where there are no pages for
// strangers, to a mail that is begun, with the score and whose it is as its
// subject. Such a mail answers as well where there is a page that cannot be opened.
func (p *Planner) scale(src Source, replies contact.Address, id outbox.ID, purpose outbox.Purpose) (*campaign.Scale, error) {
	if src.Kind != campaign.Survey || len(src.Questions) == 0 {
		return nil, nil
	}
	speaks := outbox.ForSurvey
	if purpose == outbox.ForTest {
		speaks = outbox.ForTest
	}
	token, err := p.o.Keys.Token(speaks, id)
	if err != nil {
		return nil, err
	}
	begun := func(score string) string {
		return "mailto:" + string(replies) + "?subject=" + url.PathEscape(strings.TrimSpace(score+" ["+token+"]"))
	}
	if base := p.o.Settings().PublicURL; base != "" {
		return &campaign.Scale{Question: src.Questions[0], Mail: begun(""), Link: func(score int) string {
			return base + "/s/" + token + "/" + strconv.Itoa(score)
		}}, nil
	}
	return &campaign.Scale{Question: src.Questions[0], Link: func(score int) string { return begun(strconv.Itoa(score)) }}, nil
}

// answered takes up a mail that a link of ours began: its subject bears the
// score and the token. heard reports whether it was one.
func (p *Planner) answered(tx store.Tx, h message.Head, m *message.Message) (heard bool, err error) {
	id, ok := p.o.Keys.Find(outbox.ForSurvey, h.Subject)
	if !ok || m != nil && m.Verdict.Auto {
		return false, nil
	}
	text, _, _ := strings.Cut(h.Subject, "[")
	if at := strings.LastIndexByte(text, ':'); at >= 0 { // Re: 8
		text = text[at+1:]
	}
	return true, p.tell(tx, id, func(d *outbox.Delivery, run campaign.Run) error {
		if d.Evidence.Replied.IsZero() {
			d.Evidence.Replied = p.moment()
		}
		return p.hear(tx, d, run, text, h, m)
	})
}

// hear keeps what a mail answers to a survey. A subject that a link of ours
// began says the score, and the text below is a comment.
func (p *Planner) hear(tx store.Tx, d *outbox.Delivery, run campaign.Run, subject string, h message.Head, m *message.Message) error {
	if len(run.Questions) == 0 || m != nil && m.Verdict.Auto {
		return nil
	}
	q := run.Questions[0]
	text, forged := "", false
	if m != nil {
		text, forged = m.Reply, m.Trust == message.TrustFail
	}
	read := survey.Read(q, text)
	if subject != "" {
		read = survey.ReadBegun(q, subject, text)
	}
	a, err := answerTo(tx, *d, run)
	if err != nil {
		return err
	}
	a, changed := a.Hear(read, survey.ByMail, cmp.Or(h.MessageID, string(d.ID)), forged, p.moment())
	if !changed {
		return nil
	}
	if d.Evidence.Answered.IsZero() {
		d.Evidence.Answered = p.moment()
	}
	return p.answeredWith(tx, *d, run, a)
}

// answerTo returns the answer to a delivery; the empty one where there is none yet.
func answerTo(tx store.Tx, d outbox.Delivery, run campaign.Run) (survey.Answer, error) {
	a, err := tx.Surveys().Get(string(d.ID))
	switch {
	case errors.Is(err, store.ErrNotFound):
		q := run.Questions[0]
		a = survey.Answer{ID: string(d.ID), Campaign: run.Campaign, Run: string(run.ID), Contact: d.Contact, Question: q.ID, Kind: q.Kind}
		c, err := liveContact(tx, d.Contact)
		if err != nil {
			return a, err
		}
		if c != nil && len(c.Affiliations) > 0 {
			a.Organisation = c.Affiliations[0].Organisation
		}
	case err != nil:
		return a, fmt.Errorf("read the answer to delivery %s: %w", d.ID, err)
	}
	return a, nil
}

// keepAnswer writes an answer.
func keepAnswer(tx store.Tx, a survey.Answer) error {
	if err := tx.Surveys().Put(a); err != nil {
		return fmt.Errorf("keep the answer to delivery %s: %w", a.ID, err)
	}
	return nil
}

// Decide has a member say what an answer means that the program did not dare
// to read.
func (p *Planner) Decide(ctx context.Context, actor string, id string, score int) (a survey.Answer, err error) {
	err = p.o.Store.Update(ctx, func(tx store.Tx) error {
		if a, err = tx.Surveys().Get(id); err != nil {
			return err
		}
		if !a.Kind.Fits(score) {
			return refused("%d is no score of a question of kind %s", score, a.Kind)
		}
		a.Sure, a.Score, a.Why, a.By, a.Changed = true, score, "", contact.Address(actor), p.moment()
		if err := p.decided(tx, a); err != nil {
			return err
		}
		return p.note(tx, actor, "survey.decide", a.Campaign, "answer "+id+" is "+strconv.Itoa(score))
	})
	return a, err
}

// decided keeps an answer that somebody has read. What asked may be forgotten by
// then.
func (p *Planner) decided(tx store.Tx, a survey.Answer) error {
	d, err := tx.Outbox().Get(outbox.ID(a.ID))
	if errors.Is(err, store.ErrNotFound) {
		return keepAnswer(tx, a)
	}
	if err != nil {
		return err
	}
	run, err := tx.Runs().Get(d.Run)
	if err != nil {
		return err
	}
	return p.answeredWith(tx, d, run, a)
}

// Results tells what was answered to a campaign, of all its runs.
func (p *Planner) Results(ctx context.Context, name string) (out survey.Results, err error) {
	err = p.o.Store.View(ctx, func(tx store.Tx) error {
		run, err := last(tx, name)
		if err != nil {
			return err
		}
		if len(run.Questions) == 0 {
			return refused("campaign %s is no survey", name)
		}
		runs, err := store.Where(func(s store.Slice) (store.Page[campaign.Run], error) { return tx.Runs().List(name, s) }, every)
		if err != nil {
			return err
		}
		asked := 0
		for _, r := range runs {
			count, err := tx.Outbox().Count(r.ID)
			if err != nil {
				return err
			}
			asked += count[outbox.Accepted]
		}
		answers, err := store.Where(func(s store.Slice) (store.Page[survey.Answer], error) { return tx.Surveys().List(name, s) }, every)
		if err != nil {
			return err
		}
		slices.SortFunc(answers, func(a, b survey.Answer) int { return a.At.Compare(b.At) })
		out = survey.Sum(name, run.Questions, asked, answers)
		return nil
	})
	return out, err
}

// every keeps whatever there is.
func every[T any](T) (bool, error) { return true, nil }
