package store

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/words"
)

// Fragment is a piece of a text; Hit says that it is what was searched for.
type Fragment struct {
	Text string `json:"text"`
	Hit  bool   `json:"hit,omitempty"`
}

// The bounds of passages.
const (
	maxRead     = 128 << 10 // bytes of a text that are looked through
	passageSide = 90        // bytes shown on each side of a hit
	maxPassages = 3
	maxFiles    = 3 // attachments that passages are shown of
)

// Passages returns the places of a text where the words of the query stand,
// each as pieces that make it up again. A text in which none of them stands
// has none.
func (q Query) Passages(text string) [][]Fragment {
	return passages(text, wantedWords(q.Root, nil, OpWord))
}

// SubjectPassages is Passages of a subject.
func (q Query) SubjectPassages(subject string) [][]Fragment {
	return passages(subject, wantedWords(q.Root, nil, OpWord, OpSubject))
}

// FilePassages says where in an attachment the words of a query stand.
type FilePassages struct {
	Name     []Fragment   `json:"name"` // the attachment's name, in pieces that make it up
	Passages [][]Fragment `json:"passages,omitempty"`
}

// FilePassages returns the places in names and texts of attachments where the
// words of the query stand, of the first few attachments that have any.
func (q Query) FilePassages(f Fields) []FilePassages {
	inName, inText := wantedWords(q.Root, nil, OpWord, OpFile), wantedWords(q.Root, nil, OpWord)
	if len(inName) == 0 {
		return nil
	}
	var out []FilePassages
	add := func(name string, said [][]Fragment) {
		spots := passages(name, inName)
		if len(said)+len(spots) == 0 || len(out) == maxFiles {
			return
		}
		p := FilePassages{Name: []Fragment{{Text: name}}, Passages: said}
		if len(spots) == 1 && wholeText(spots[0]) == name {
			p.Name = spots[0]
		}
		out = append(out, p)
	}
	told := map[string]bool{}
	for _, file := range f.Files {
		told[file.Name] = true
		add(file.Name, passages(file.Text, inText))
	}
	for _, name := range f.Attachments {
		if !told[name] {
			told[name] = true
			add(name, nil)
		}
	}
	return out
}

// wholeText puts pieces together.
func wholeText(pieces []Fragment) string {
	var b strings.Builder
	for _, p := range pieces {
		b.WriteString(p.Text)
	}
	return b.String()
}

// passages returns the places of a text where wanted words stand.
func passages(text string, wanted []Node) [][]Fragment {
	if len(text) > maxRead {
		text = text[:maxRead]
		for len(text) > 0 && !utf8.ValidString(text[max(0, len(text)-utf8.UTFMax):]) {
			text = text[:len(text)-1]
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	hits := findWords(spotted(text), wanted)
	var out [][]Fragment
	for i := 0; i < len(hits) && len(out) < maxPassages; {
		from := runeStart(text, hits[i].from-passageSide)
		to := hits[i].to
		var passage []Fragment
		at := from
		for i < len(hits) && hits[i].from <= to+passageSide {
			if hits[i].from > at {
				passage = append(passage, Fragment{Text: text[at:hits[i].from]})
			}
			if hits[i].to > at {
				passage = append(passage, Fragment{Text: text[max(at, hits[i].from):hits[i].to], Hit: true})
				at, to = hits[i].to, hits[i].to
			}
			i++
		}
		if end := runeStart(text, at+passageSide); end > at {
			passage = append(passage, Fragment{Text: text[at:end]})
		}
		out = append(out, passage)
	}
	return out
}

// runeStart returns the last beginning of a character at or before i.
func runeStart(s string, i int) int {
	if i <= 0 {
		return 0
	}
	if i >= len(s) {
		return len(s)
	}
	for i > 0 && !utf8.RuneStart(s[i]) {
		i--
	}
	return i
}

// wantedWords lists the words and phrases of a query that an entry has to
// have, by the operators that ask for them, and none that it must not.
func wantedWords(n Node, out []Node, ops ...Op) []Node {
	switch {
	case n.Op == OpAnd, n.Op == OpOr:
		for _, k := range n.Kids {
			out = wantedWords(k, out, ops...)
		}
	case slices.Contains(ops, n.Op) && len(n.Tokens) > 0:
		out = append(out, n)
	}
	return out
}

// spot is a word and where it stands.
type spot struct {
	word     string
	from, to int
}

// spotted finds the words of a text as Tokens does.
func spotted(text string) []spot {
	out := make([]spot, 0, len(text)/6+1)
	if !utf8.ValidString(text) {
		return spottedSlowly(out, text, 0)
	}
	slow := 0
	for at := 0; at < len(text); {
		from, to, next, plain := plainPiece(text, at)
		if plain {
			out = spottedSlowly(out, text[slow:at], slow)
			slow = next
			if from < to {
				out = append(out, spot{Fold(text[from:to]), from, to})
			}
		}
		at = next
	}
	return spottedSlowly(out, text[slow:], slow)
}

// spottedSlowly adds the words of a piece, which begins at start, by the rules
// of Unicode.
func spottedSlowly(out []spot, text string, start int) []spot {
	if text == "" {
		return out
	}
	for it := words.FromString(text); it.Next(); {
		word, at := it.Value(), start+it.Start()
		if r, _ := utf8.DecodeRuneInString(word); spaceless(r) {
			singles, _ := appendSingles(nil, word, 0, -1)
			for i, n := 0, 0; i < len(word) && n < len(singles); {
				_, k := utf8.DecodeRuneInString(word[i:])
				end := i + k
				for end < len(word) && Fold(word[i:end]) != singles[n].Text {
					_, k := utf8.DecodeRuneInString(word[end:])
					end += k
				}
				out = append(out, spot{singles[n].Text, at + i, at + end})
				i, n = end, n+1
			}
			continue
		}
		if wordy(word) {
			out = append(out, spot{Fold(word), at, at + len(word)})
		}
	}
	return out
}

// findWords finds where any of the words stands, in order and without overlap.
func findWords(text []spot, wanted []Node) []spot {
	var out []spot
	for i := range text {
		for _, n := range wanted {
			if i+len(n.Tokens) > len(text) || !standsAt(text[i:], n) {
				continue
			}
			hit := spot{from: text[i].from, to: text[i+len(n.Tokens)-1].to}
			if last := len(out) - 1; last >= 0 && hit.from < out[last].to {
				out[last].to = max(out[last].to, hit.to)
			} else {
				out = append(out, hit)
			}
		}
	}
	return out
}

func standsAt(text []spot, n Node) bool {
	for j, t := range n.Tokens {
		have, last := text[j].word, j == len(n.Tokens)-1
		switch {
		case have == t.Text:
		case last && n.Prefix && len(have) > len(t.Text) && have[:len(t.Text)] == t.Text:
		case len(n.Tokens) == 1 && hasPart(have, t.Text):
		default:
			return false
		}
	}
	return true
}

// hasPart reports whether a word joined of several has one of them.
func hasPart(word, part string) bool {
	for _, p := range parts(word) {
		if p == part {
			return true
		}
	}
	return false
}
