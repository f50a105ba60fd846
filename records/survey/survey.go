// Package survey is asking and listening as data: questions, what an answer in
// free text says, and what many answers say together.
package survey

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Kind is what a question asks for.
type Kind string

// The kinds of questions.
const (
	NPS  Kind = "nps"  // how likely to recommend, 0 to 10
	CSAT Kind = "csat" // how satisfied, 1 to 5
	CES  Kind = "ces"  // how easy it was, 1 to 7

	Choice  Kind = "choice"  // one of its options
	Choices Kind = "choices" // some of its options
	Text    Kind = "text"    // whatever they write
)

// Kinds are all of them.
var Kinds = []Kind{NPS, CSAT, CES, Choice, Choices, Text}

// Question is one thing that is asked.
type Question struct {
	ID      string            `json:"id"` // names its answers for ever
	Kind    Kind              `json:"kind"`
	Text    map[string]string `json:"text"`              // by language; "" is for everybody else
	Options []Option          `json:"options,omitempty"` // of Choice and Choices
}

// Option is something to choose.
type Option struct {
	ID   string            `json:"id"`
	Text map[string]string `json:"text"` // as of a question
}

// The limits of a survey.
const (
	MaxComment   = 4000 // bytes that are kept of what somebody writes
	MaxQuestions = 10
	MaxOptions   = 20 // of a question
)

// Chosen reports whether a question of the kind is answered by its options.
func (k Kind) Chosen() bool { return k == Choice || k == Choices }

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

// Low reports whether a score says that somebody is unhappy: a detractor (0 to
// 6 of NPS), dissatisfied (1 and 2 of CSAT), or for whom it was hard (1 to 3 of
// CES).
func (k Kind) Low(score int) bool {
	most, ok := map[Kind]int{NPS: 6, CSAT: 2, CES: 3}[k]
	return ok && score <= most
}

var idForm = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,30}$`)

// Check says what is wrong with the questions of a survey. The first is asked in
// its mail, and by a number; all are on its page.
func Check(list []Question) error {
	if len(list) == 0 || len(list) > MaxQuestions {
		return fmt.Errorf("it asks %d questions; 1 to %d may be asked", len(list), MaxQuestions)
	}
	seen := map[string]bool{}
	for n, q := range list {
		if seen[q.ID] {
			return fmt.Errorf("two questions have the id %s", q.ID)
		}
		seen[q.ID] = true
		if err := q.check(); err != nil {
			return err
		}
		if _, _, ok := q.Kind.Scale(); n == 0 && !ok {
			return fmt.Errorf("question %s: the first question is asked in the mail, and takes a number: its type is nps, csat or ces", q.ID)
		}
	}
	return nil
}

func (q Question) check() error {
	switch {
	case !idForm.MatchString(q.ID):
		return fmt.Errorf("the id %q of a question is not a word in small letters", q.ID)
	case !slices.Contains(Kinds, q.Kind):
		return fmt.Errorf("question %s: there is no type %q", q.ID, q.Kind)
	case q.In("") == "":
		return fmt.Errorf("question %s has no text", q.ID)
	case !q.Kind.Chosen() && len(q.Options) > 0:
		return fmt.Errorf("question %s: options are of the types choice and choices", q.ID)
	case q.Kind.Chosen() && (len(q.Options) < 2 || len(q.Options) > MaxOptions):
		return fmt.Errorf("question %s has %d options; 2 to %d may be chosen from", q.ID, len(q.Options), MaxOptions)
	}
	seen := map[string]bool{}
	for _, o := range q.Options {
		switch {
		case !idForm.MatchString(o.ID):
			return fmt.Errorf("question %s: the id %q of an option is not a word in small letters", q.ID, o.ID)
		case seen[o.ID]:
			return fmt.Errorf("question %s: two options have the id %s", q.ID, o.ID)
		case o.In("") == "":
			return fmt.Errorf("question %s: option %s has no text", q.ID, o.ID)
		}
		seen[o.ID] = true
	}
	return nil
}

// In returns the text of a question for somebody of a language: its own words,
// else those shipped for the kind.
func (q Question) In(language string) string {
	if text := inLanguage(q.Text, language); text != "" {
		return text
	}
	return WordsOf(language).Ask[q.Kind]
}

// In returns the text of an option for somebody of a language.
func (o Option) In(language string) string { return inLanguage(o.Text, language) }

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
