package public

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"rapport/records/outbox"
	"rapport/records/survey"
)

// Answered is what somebody chose on the page of a survey.
type Answered struct {
	Delivery outbox.ID
	Values   map[string][]string // by the id of a question
	Comment  string
}

// Surveys are what the page of a survey asks of who keeps the answers.
type Surveys struct {
	// Asks returns the questions of a delivery; ErrGone where there are none, or
	// no more.
	Asks func(context.Context, outbox.ID) ([]survey.Question, error)
	// Answer keeps what somebody chose, durably once it returns; ErrBad where the
	// first question has no answer.
	Answer func(context.Context, Answered) error
}

// A page that was shown may be sent between these ages: nobody reads and presses
// a button within a moment, but programs that open links do; and one that lay open
// for longer is shown again, with what was chosen.
const (
	soonest = time.Second
	longest = 24 * time.Hour
)

// fieldOf is the name of a question's field.
func fieldOf(q survey.Question) string { return "q." + q.ID }

// asking are the routes of surveys.
func (s *site) asking(mux *http.ServeMux) {
	mux.HandleFunc("GET /s/{token}", s.survey)
	mux.HandleFunc("GET /s/{token}/{score}", s.survey)
	mux.HandleFunc("POST /s/{token}", s.answerSurvey)
}

// survey shows the page, with the score of the link chosen. It records nothing:
// programs open links too.
func (s *site) survey(w http.ResponseWriter, r *http.Request) {
	id, token, ok := s.opened(w, r, outbox.ForSurvey)
	if !ok {
		return
	}
	questions, err := s.Surveys.Asks(r.Context(), id)
	if s.closed(w, r, err) {
		return
	}
	chosen := url.Values{}
	if n, err := strconv.Atoi(leadingDigits(r.PathValue("score"))); err == nil {
		chosen.Set(fieldOf(questions[0]), strconv.Itoa(n))
	}
	s.questions(w, r, http.StatusOK, id, token, questions, chosen, "")
}

// leadingDigits leaves out what rewriters of links put behind a score.
func leadingDigits(text string) string {
	for i, c := range text {
		if c < '0' || c > '9' {
			return text[:i]
		}
	}
	return text
}

// answerSurvey keeps what was chosen, where the page was shown by us and a person
// may have pressed its button; else it is shown again, and nothing is lost.
func (s *site) answerSurvey(w http.ResponseWriter, r *http.Request) {
	id, token, ok := s.opened(w, r, outbox.ForSurvey)
	if !ok || !s.parsed(w, r) {
		return
	}
	questions, err := s.Surveys.Asks(r.Context(), id)
	if s.closed(w, r, err) {
		return
	}
	f := r.PostForm
	when, err := s.Keys.Stamped(outbox.ForSurvey, id, f.Get("shown"))
	age := time.Since(when)
	if err != nil || age < soonest || age > longest || f.Get("website") != "" {
		s.questions(w, r, http.StatusOK, id, token, questions, f, "survey.again")
		return
	}
	in := Answered{Delivery: id, Values: map[string][]string{}, Comment: f.Get("comment")}
	for _, q := range questions {
		in.Values[q.ID] = f[fieldOf(q)]
	}
	err = s.Surveys.Answer(context.WithoutCancel(r.Context()), in)
	if errors.Is(err, ErrBad) {
		s.questions(w, r, http.StatusUnprocessableEntity, id, token, questions, f, "survey.fault")
		return
	}
	if s.closed(w, r, err) {
		return
	}
	s.answer(w, r, http.StatusOK, shown{What: "thanks", Back: "/s/" + token})
}

// closed answers where a survey takes no answers now.
func (s *site) closed(w http.ResponseWriter, r *http.Request, err error) bool {
	if errors.Is(err, ErrGone) {
		s.show(w, r, http.StatusGone, "closed", "")
		return true
	}
	return s.failed(w, r, err)
}

// ask shows the questions, with what is chosen so far.
func (s *site) questions(w http.ResponseWriter, r *http.Request, status int, id outbox.ID, token string, asked []survey.Question, chosen url.Values, fault string) {
	stamp, err := s.Keys.Stamp(outbox.ForSurvey, id, time.Now())
	leave, err2 := s.Keys.Token(outbox.ForUnsubscribe, id)
	if s.failed(w, r, errors.Join(err, err2)) {
		return
	}
	language := s.speaks(r)
	var list []field
	for n, q := range asked {
		list = append(list, fieldFor(q, language, chosen[fieldOf(q)], n == 0))
	}
	s.answer(w, r, status, shown{What: "survey", Action: "/s/" + token, Questions: list, Stamp: stamp, Comment: chosen.Get("comment"), Fault: fault, Stop: leave})
}

// field is a question as the page shows it.
type field struct {
	Name, Text     string
	Low, High      string // what the ends of a scale mean
	Scale          []choice
	Options        []choice
	Several, Words bool
	Required       bool
	Said           string // so far, in words
}

// choice is a score or an option.
type choice struct {
	Value, Text string
	On          bool
}

func fieldFor(q survey.Question, language string, chosen []string, required bool) field {
	out := field{Name: fieldOf(q), Text: q.In(language), Required: required, Several: q.Kind == survey.Choices, Words: q.Kind == survey.Text}
	if out.Words && len(chosen) > 0 {
		out.Said = chosen[0]
	}
	if low, high, ok := q.Kind.Scale(); ok {
		ends := survey.WordsOf(language).Ends[q.Kind]
		out.Low, out.High = strconv.Itoa(low)+" = "+ends[0], strconv.Itoa(high)+" = "+ends[1]
		for n := low; n <= high; n++ {
			v := strconv.Itoa(n)
			out.Scale = append(out.Scale, choice{v, v, slices.Contains(chosen, v)})
		}
	}
	for _, o := range q.Options {
		out.Options = append(out.Options, choice{o.ID, o.In(language), slices.Contains(chosen, o.ID)})
	}
	return out
}
