package survey

import "slices"

// Further is what was answered on the page to one of the questions after the
// first, by whose answers count.
type Further struct {
	Question string        `json:"question"` // its id
	Kind     Kind          `json:"kind"`
	Text     string        `json:"text"`
	N        int           `json:"n"`       // who answered it
	Figure   Estimate      `json:"figure"`  // of a kind with a scale
	Counts   []Count       `json:"counts"`  // every score of the scale
	Options  []OptionCount `json:"options"` // every option, in the order asked
	Texts    []Comment     `json:"texts"`
}

// OptionCount is how many chose an option, and what share that is of who
// answered the question, in per cent with its interval.
type OptionCount struct {
	Option string   `json:"option"` // its id
	Text   string   `json:"text"`
	N      int      `json:"n"`
	Share  Estimate `json:"share"`
}

// further sums up one question.
func further(q Question, answers []Answer) Further {
	out := Further{Question: q.ID, Kind: q.Kind, Text: q.In(""), Counts: []Count{}, Options: []OptionCount{}, Texts: []Comment{}}
	var scores []int
	chosen := map[string]int{}
	for _, a := range answers {
		at := slices.IndexFunc(a.Parts, func(p Part) bool { return p.Question == q.ID && p.Kind == q.Kind })
		if at < 0 || !a.Counts() {
			continue
		}
		out.N++
		p := a.Parts[at]
		scores = append(scores, p.Score)
		for _, id := range p.Chosen {
			chosen[id]++
		}
		if q.Kind == Text {
			out.Texts = append(out.Texts, Comment{a.ID, a.Score, string(a.Contact), p.Text})
		}
	}
	if _, _, ok := q.Kind.Scale(); ok {
		out.Figure, out.Counts = Figure(q.Kind, scores), counts(q.Kind, scores)
	}
	for _, o := range q.Options {
		out.Options = append(out.Options, OptionCount{o.ID, o.In(""), chosen[o.ID], ShareOf(chosen[o.ID], out.N)})
	}
	return out
}

// counts counts every score of a kind's scale.
func counts(k Kind, scores []int) []Count {
	out := []Count{}
	low, high, _ := k.Scale()
	for n := low; n <= high; n++ {
		c := Count{Score: n}
		for _, s := range scores {
			if s == n {
				c.N++
			}
		}
		out = append(out, c)
	}
	return out
}
