package survey

import (
	"strings"
	"unicode/utf8"
)

// The limits of reading: an answer stands at the beginning.
const (
	maxRead  = 8 << 10 // bytes
	maxLines = 60
)

// Reading is what an answer in free text says.
type Reading struct {
	Sure    bool   // it says one thing, and what is read below is that
	Score   int    // of a kind with a scale
	Comment string // what was written besides
	Why     Doubt  // where it is not sure
}

// Doubt is why a person has to read an answer.
type Doubt string

// The doubts.
const (
	NoScore   Doubt = "no-score"  // nothing in it looks like one
	Unclear   Doubt = "unclear"   // a number that may count something else
	Several   Doubt = "several"   // more than one score
	OutOfBand Doubt = "off-scale" // no score of the scale that was asked for
)

// Read reads what somebody newly wrote as an answer to a question: without
// quotes and signature, as records/message leaves it, or the subject of a mail
// that a link of ours began. It reads a score only where nothing else can be
// meant, whatever the language; whatever else there is, is for a person. Of a kind
// without a scale nothing is read.
func Read(q Question, text string) Reading {
	comment := clip(strings.TrimSpace(text), MaxComment)
	lines := strings.Split(clip(text, maxRead), "\n")
	lines = lines[:min(len(lines), maxLines)]
	out := readScore(q.Kind, lines)
	out.Comment = besides(comment, out)
	return out
}

// ReadBegun reads a mail that a link of ours began: its subject says the score,
// and what stands below is a comment, or a signature with numbers of its own,
// unless it plainly says another score.
func ReadBegun(q Question, subject, text string) Reading {
	out, below := Read(q, subject), Read(q, text)
	if !out.Sure {
		return below
	}
	out.Comment = below.Comment
	other := below.Sure && below.Score != out.Score
	lines := strings.Split(clip(text, maxRead), "\n")
	for _, line := range lines[:min(len(lines), maxLines)] {
		other = other || again(q.Kind, tokens(readable(line)), out.Score)
	}
	if other {
		return Reading{Why: Several, Comment: clip(strings.TrimSpace(text), MaxComment)}
	}
	return out
}

// clip cuts a text to bytes at most, between characters.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

// besides returns the comment: nothing where the text is the score alone.
func besides(text string, r Reading) string {
	if r.Sure && !strings.ContainsFunc(readable(text), func(c rune) bool { return c >= 'a' && c <= 'z' || c > 0x7f && c != figure }) {
		return ""
	}
	if r.Sure {
		if t := tokens(readable(text)); len(t) > 0 && t[0].form == number && len(t) <= 2 {
			return ""
		}
	}
	return text
}

// said is what a line says of the score.
type said struct {
	is     verdict
	score  int
	doubt  Doubt
	spoken bool // it is a word
	more   bool // words stand behind it
}

type verdict byte

const (
	silent verdict = iota
	loose          // there is a number, of something
	odd            // an answer, but not one score
	plain          // a score
)

// readScore judges the lines one by one, then together: one score, and nothing
// that speaks against it.
func readScore(k Kind, lines []string) Reading {
	var first *said
	seen := said{doubt: NoScore}
	begins := beginnings(lines)
	for n, line := range lines {
		t := tokens(readable(line))
		s := judge(k, t)
		if s.is == plain && !begins[n] && (s.spoken || s.more) {
			// 10, Downing Street; and Otto below what he wrote.
			s.is, s.doubt = loose, Unclear
		}
		if s.is == silent && first == nil {
			if n, ok := satisfied[phrase(t)]; ok && k == CSAT {
				s = said{is: plain, score: n}
			}
		}
		switch {
		case first == nil && s.is >= odd:
			first = &s
			if s.is == odd {
				return Reading{Why: s.doubt}
			}
		case first != nil && (s.is == plain && s.score != first.score || s.is == odd && k.Fits(s.score)):
			return Reading{Why: Several}
		case first != nil && s.is != silent && again(k, t, first.score):
			return Reading{Why: Several}
		case s.is == loose:
			seen.doubt = s.doubt
		}
	}
	if first == nil {
		return Reading{Why: seen.doubt}
	}
	return Reading{Sure: true, Score: first.score}
}

// beginnings tells the lines in which somebody begins to write: the first, and
// the first of the next paragraph where that is a greeting.
func beginnings(lines []string) map[int]bool {
	out := map[int]bool{}
	for n, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		out[n] = true
		last, _ := utf8.DecodeLastRuneInString(line)
		if len(strings.Fields(line)) > 5 || !strings.ContainsRune(",!،，！", last) || len(out) == 2 {
			return out
		}
	}
	return out
}

// phrase returns a line of words alone, as the words of a scale are looked up.
func phrase(t []token) string {
	var out []string
	for _, t := range t {
		if t.form == word {
			out = append(out, t.text)
		} else if t.form != mark || t.text == "?" {
			return ""
		}
	}
	return strings.Join(out, " ")
}

// again reports whether a later line speaks of another score.
func again(k Kind, t []token, score int) bool {
	cue, another := false, false
	for _, t := range t {
		cue = cue || t.form == word && cues[t.text]
		another = another || t.form == number && k.Fits(t.value) && t.value != score
	}
	return cue && another
}
