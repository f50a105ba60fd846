package app

import (
	"context"
	"errors"
	"fmt"

	"rapport/internal/config"
	"rapport/planner"
	"rapport/records/contact"
	"rapport/records/outbox"
	"rapport/records/survey"
	"rapport/store"
	"rapport/web/public"
)

// newsletters is what people may choose where the configuration names nothing.
var newsletters = planner.Topic{Purpose: "newsletter", Name: "Newsletter", Names: map[string]string{"ar": "النشرة البريدية", "bn": "নিউজলেটার", "es": "Boletín"}}

// topicsOf translates what people may choose into the planner's terms.
func topicsOf(cfg *config.Config) (out []planner.Topic) {
	for _, t := range cfg.Topics {
		one := planner.Topic{Purpose: t.Purpose, Name: t.Name, Names: map[string]string{}}
		for _, n := range t.Names {
			one.Names[n.Language] = n.Name
		}
		out = append(out, one)
	}
	if len(out) == 0 {
		out = append(out, newsletters)
	}
	return out
}

// subscriber adds a contact who signed up.
func (s *system) subscriber(tx store.Tx, c contact.Contact) (contact.Contact, error) {
	due(s.courier.poked) // what they wrote before is filed soon
	return s.intake.Subscriber(tx, c)
}

// choices are what strangers choose on the public pages.
func (s *system) choices() public.Choices {
	shown := func(topics []planner.Topic, language string) (out []public.Topic) {
		for _, t := range topics {
			out = append(out, public.Topic{Purpose: t.Purpose, Name: t.Called(language)})
		}
		return out
	}
	return public.Choices{
		Topics: func(language string) []public.Topic { return shown(topicsOf(s.config()), language) },
		Of: func(ctx context.Context, id outbox.ID, language string) (out []public.Topic, err error) {
			all, err := s.planner.Preferences(ctx, id)
			for _, c := range all {
				out = append(out, public.Topic{Purpose: c.Purpose, Name: c.Called(language), On: c.On})
			}
			return out, gone(err)
		},
		Choose: func(ctx context.Context, c public.Chosen) (bool, error) {
			asks, err := s.planner.Prefer(ctx, c.Delivery, c.Purposes, c.Language, c.Agent)
			return asks, gone(err)
		},
		Open: func() bool { return s.config().SignUp.Form },
		SignUp: func(ctx context.Context, in public.SignUp) error {
			a, err := contact.ParseAddress(in.Address)
			if err != nil {
				return fmt.Errorf("%w: %w", public.ErrBad, err)
			}
			err = s.planner.SignUp(ctx, planner.Asked{Address: a, Name: in.Name, Language: in.Language, Purposes: in.Purposes, How: "form", Agent: in.Agent, From: in.From})
			if errors.Is(err, planner.ErrRefused) {
				err = fmt.Errorf("%w: %w", public.ErrBad, err)
			}
			return err
		},
		Asked: func(ctx context.Context, id outbox.ID, language string) ([]public.Topic, error) {
			topics, err := s.planner.Asking(ctx, id)
			return shown(topics, language), gone(err)
		},
		Confirm: func(ctx context.Context, id outbox.ID, agent string) error {
			return gone(s.planner.Confirm(ctx, id, "page", agent))
		},
	}
}

// surveys are what people answer on the public pages.
func (s *system) surveys() public.Surveys {
	return public.Surveys{
		Asks: func(ctx context.Context, id outbox.ID) ([]survey.Question, error) {
			q, err := s.planner.Questionnaire(ctx, id)
			return q, gone(err)
		},
		Answer: func(ctx context.Context, in public.Answered) error {
			err := s.planner.AnswerOnPage(ctx, in.Delivery, in.Values, in.Comment)
			if errors.Is(err, planner.ErrRefused) {
				return fmt.Errorf("%w: %w", public.ErrBad, err)
			}
			return gone(err)
		},
	}
}

// gone says in the pages' words that nothing can be answered any more.
func gone(err error) error {
	if errors.Is(err, planner.ErrLate) || errors.Is(err, store.ErrNotFound) {
		return public.ErrGone
	}
	return err
}
