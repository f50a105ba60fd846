// Package survey is asking and listening as data: questions, what an answer in
// free text says, and what many answers say together.
package survey

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Kind is what a question asks for.
type Kind string

// The kinds of questions.
const (
	NPS     Kind = "nps"     // how likely to recommend, 0 to 10
	CSAT    Kind = "csat"    // how satisfied, 1 to 5
	CES     Kind = "ces"     // how easy it was, 1 to 7
	Choice  Kind = "choice"  // one of several
	Choices Kind = "choices" // any of several
	Text    Kind = "text"    // in words
)

// Kinds are all of them.
var Kinds = []Kind{NPS, CSAT, CES, Choice, Choices, Text}

// Question is one thing that is asked.
type Question struct {
	ID       string            `json:"id"` // names its answers for ever
	Kind     Kind              `json:"kind"`
	Text     map[string]string `json:"text"`              // by language; "" is for everybody else
	Options  []Option          `json:"options,omitempty"` // of a choice
	Optional bool              `json:"optional,omitempty"`
}

// Option is one thing that can be chosen.
type Option struct {
	ID   string            `json:"id"`
	Text map[string]string `json:"text"`
}

// The limits of a survey.
const (
	MaxQuestions = 20
	MaxOptions   = 20
	MaxComment   = 4000 // characters kept of what somebody writes
)

// Scale returns the lowest and highest score of a question; ok is false where
// it has none.
func (k Kind) Scale() (low, high int, ok bool) {
	switch k {
	case NPS:
		return 0, 10, true
	case CSAT:
		return 1, 5, true
	case CES:
		return 1, 7, true
	}
	return 0, 0, false
}

// Fits reports whether a score is one of the kind's scale.
func (k Kind) Fits(score int) bool {
	low, high, ok := k.Scale()
	return ok && score >= low && score <= high
}

// Low reports whether a score is a bad one: a detractor's, or below the middle
// of the scale.
func (k Kind) Low(score int) bool {
	switch k {
	case NPS:
		return score <= 6
	case CSAT:
		return score <= 2
	case CES:
		return score <= 3
	}
	return false
}

var idForm = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,30}$`)

// Check says what is wrong with the questions of a survey: at most
// MaxQuestions, the first has a scale, each has an id of its own and a text
// for everybody.
func Check(list []Question) error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	switch {
	case len(list) == 0:
		return errors.New("a survey asks something: add questions")
	case len(list) > MaxQuestions:
		fault("there are %d questions; ask %d at most", len(list), MaxQuestions)
	}
	if _, _, ok := list[0].Kind.Scale(); !ok {
		fault("the first question is what the mail asks: make it nps, csat or ces")
	}
	seen := map[string]bool{}
	for _, q := range list {
		switch {
		case !idForm.MatchString(q.ID):
			fault("the id %q of a question is not a word in small letters", q.ID)
		case seen[q.ID]:
			fault("two questions have the id %q", q.ID)
		case !slices.Contains(Kinds, q.Kind):
			fault("question %s: there is no type %q", q.ID, q.Kind)
		}
		seen[q.ID] = true
		if n := len(q.Options); (q.Kind == Choice || q.Kind == Choices) != (n > 0) || n == 1 || n > MaxOptions {
			fault("question %s: a choice has 2 to %d options, and nothing else has any", q.ID, MaxOptions)
		}
	}
	return errors.Join(faults...)
}

// In returns the text of a question for somebody of a language: its own words,
// else those shipped for the kind.
func (q Question) In(language string) string {
	if text := inLanguage(q.Text, language); text != "" {
		return text
	}
	return WordsOf(language).Ask[q.Kind]
}

// In returns an option's text for a language.
func (o Option) In(language string) string {
	if text := inLanguage(o.Text, language); text != "" {
		return text
	}
	return o.ID
}

// inLanguage picks a text: for de-AT that of de-AT, else of de, else "".
func inLanguage(texts map[string]string, language string) string {
	tag := strings.ToLower(language)
	for tag != "" {
		if text, ok := texts[tag]; ok {
			return text
		}
		tag = tag[:max(strings.LastIndexByte(tag, '-'), 0)]
	}
	return texts[""]
}
