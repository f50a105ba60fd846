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
)

// Kinds are all of them.
var Kinds = []Kind{NPS, CSAT, CES}

// Question is one thing that is asked.
type Question struct {
	ID   string            `json:"id"` // names its answers for ever
	Kind Kind              `json:"kind"`
	Text map[string]string `json:"text"` // by language; "" is for everybody else
}

// MaxComment is how much is kept of what somebody writes, in bytes.
const MaxComment = 4000

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

var idForm = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,30}$`)

// Check says what is wrong with the questions of a survey. It asks one, in its
// mail.
func Check(list []Question) error {
	if len(list) != 1 {
		return fmt.Errorf("it asks %d questions, and its mail has room for one", len(list))
	}
	switch q := list[0]; {
	case !idForm.MatchString(q.ID):
		return fmt.Errorf("the id %q of a question is not a word in small letters", q.ID)
	case !slices.Contains(Kinds, q.Kind):
		return fmt.Errorf("question %s: there is no type %q", q.ID, q.Kind)
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
