package survey

import "slices"

// Results are what was answered to a survey.
type Results struct {
	Campaign  string    `json:"campaign"`
	Question  string    `json:"question"` // its id
	Kind      Kind      `json:"kind"`
	Asked     int       `json:"asked"`    // mails that arrived, as far as anybody knows
	Answered  int       `json:"answered"` // by whom, whatever they said
	Rate      float64   `json:"rate"`     // answered of asked, in per cent
	Figure    Estimate  `json:"figure"`   // the NPS, the per cent satisfied, or the mean
	Companies Estimate  `json:"companies"`
	Counts    []Count   `json:"counts"` // every score of the scale
	Months    []Month   `json:"months"` // oldest first
	Review    []Answer  `json:"review"` // a person has to read them
	Apart     int       `json:"apart"`  // unverified: not in the figure
	Comments  []Comment `json:"comments"`
	Further   []Further `json:"further"` // the questions of its page after the first
}

// Count is how many gave a score.
type Count struct {
	Score int `json:"score"`
	N     int `json:"n"`
}

// Month is the figure of the answers of one month.
type Month struct {
	Month   string   `json:"month"` // 2026-03, in UTC
	Figure  Estimate `json:"figure"`
	Changed bool     `json:"changed"` // more than chance explains, from the month before
}

// Comment is what somebody wrote to a score.
type Comment struct {
	Answer  string `json:"answer"` // its id
	Score   int    `json:"score"`
	Contact string `json:"contact,omitempty"`
	Text    string `json:"text"`
}

// Sum sums the answers to the questions of a survey up. They come oldest first.
func Sum(campaign string, questions []Question, asked int, answers []Answer) Results {
	q := questions[0]
	out := Results{Campaign: campaign, Question: q.ID, Kind: q.Kind, Asked: asked, Answered: len(answers), Counts: []Count{}, Months: []Month{}, Review: []Answer{}, Comments: []Comment{}, Further: []Further{}}
	if asked > 0 {
		out.Rate = 100 * float64(len(answers)) / float64(asked)
	}
	var votes []Score
	months := map[string][]int{}
	var order []string
	for _, a := range answers {
		switch {
		case !a.Sure:
			out.Review = append(out.Review, a)
			continue
		case a.Comment != "":
			out.Comments = append(out.Comments, Comment{a.ID, a.Score, string(a.Contact), a.Comment})
		}
		if !a.Counts() {
			out.Apart++
			continue
		}
		votes = append(votes, Score{a.Score, string(a.Organisation)})
		month := a.At.UTC().Format("2006-01")
		if !slices.Contains(order, month) {
			order = append(order, month)
		}
		months[month] = append(months[month], a.Score)
	}
	var scores []int
	for _, v := range votes {
		scores = append(scores, v.Score)
	}
	out.Figure, out.Companies = Figure(q.Kind, scores), Figure(q.Kind, ByCompany(votes))
	out.Counts = counts(q.Kind, scores)
	for n, month := range order {
		m := Month{Month: month, Figure: Figure(q.Kind, months[month])}
		m.Changed = n > 0 && Changed(out.Months[n-1].Figure, m.Figure)
		out.Months = append(out.Months, m)
	}
	for _, q := range questions[1:] {
		out.Further = append(out.Further, further(q, answers))
	}
	return out
}
