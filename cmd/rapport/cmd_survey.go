package main

import (
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"

	"rapport/web"
)

type surveyGroup struct {
	Results surveyResultsCommand `cmd:""`
	Decide  surveyDecideCommand  `cmd:""`
}

type surveyResultsCommand struct {
	Name string `arg:""`
	CSV  bool   `name:"csv"`
}

// Run shows what was answered to a survey.
func (c *surveyResultsCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		r, err := api.SurveyResults(s.ctx, campaignName(c.Name))
		if err != nil {
			return err
		}
		if c.CSV {
			return s.countsCSV(r)
		}
		return s.show(r, func() { s.printResults(r) })
	})
}

// countsCSV writes the scores with how many gave each.
func (s *session) countsCSV(r web.SurveyResults) error {
	w := csv.NewWriter(s.out)
	rows := [][]string{{"score", "answers"}}
	for _, n := range r.Counts {
		rows = append(rows, []string{strconv.Itoa(n.Score), strconv.Itoa(n.N)})
	}
	if err := w.WriteAll(rows); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return nil
}

// surveyFigures name the figure of each kind of question.
var surveyFigures = map[string][2]string{"nps": {"NPS", ""}, "csat": {"satisfied", " %"}, "ces": {"ease", ""}}

func figureText(kind string, e web.SurveyEstimate) string {
	if e.N == 0 {
		return "no answers yet"
	}
	digits := 0
	if kind == "ces" {
		digits = 1
	}
	unit := surveyFigures[kind][1]
	return fmt.Sprintf("%.*f%s (%.*f to %.*f at 95 %%, %d answers)", digits, e.Value, unit, digits, e.Low, digits, e.High, e.N)
}

func (s *session) printResults(r web.SurveyResults) {
	kind := string(r.Kind)
	s.printf("%s: %s %s\n", r.Campaign, surveyFigures[kind][0], figureText(kind, r.Figure))
	s.printf("answered: %d of %d mails (%.0f %%)\n", r.Answered, r.Asked, r.Rate)
	if r.Companies.N > 0 && r.Companies.N != r.Figure.N {
		s.printf("one vote for each company: %s\n", figureText(kind, r.Companies))
	}
	s.printBars(r.Counts)
	for n, m := range r.Months {
		change := ""
		if n > 0 {
			change = "no significant change"
			if m.Changed {
				change = "a significant change"
			}
		}
		s.printf("%s  %s  %s\n", m.Month, figureText(kind, m.Figure), change)
	}
	if r.Apart > 0 {
		s.printf("%d not counted: whoever sent it is not who they say\n", r.Apart)
	}
	for _, a := range r.Review {
		s.printf("to read: %s  %s\n  %s\n  rapport survey decide %s SCORE\n", a.ID, a.Why, plain(firstLine(a.Comment)), a.ID)
	}
	s.printComments(r.Comments)
	for _, f := range r.Further {
		s.printFurther(f)
	}
}

func (s *session) printComments(list []web.SurveyComment) {
	for _, c := range list {
		s.printf("%4d  %s\n", c.Score, plain(strings.Join(strings.Fields(c.Text), " ")))
	}
}

// printBars draws how many gave each score.
func (s *session) printBars(counts []web.SurveyCount) {
	most := 1
	for _, n := range counts {
		most = max(most, n.N)
	}
	for _, n := range counts {
		s.printf("%4d  %5d  %s\n", n.Score, n.N, bar(n.N, most))
	}
}

// bar draws n of the most there are.
func bar(n, most int) string {
	if n > 0 && n*40 < most {
		return "▏"
	}
	return strings.Repeat("█", n*40/most)
}

// printFurther shows what was answered to a question of the page.
func (s *session) printFurther(f web.SurveyFurther) {
	s.printf("\n%s: %s (%d answered)\n", f.Question, plain(f.Text), f.N)
	if len(f.Counts) > 0 {
		kind := string(f.Kind)
		s.printf("%s %s\n", surveyFigures[kind][0], figureText(kind, f.Figure))
		s.printBars(f.Counts)
	}
	for _, o := range f.Options {
		s.printf("%5d  %3.0f %%  %-40s %s\n", o.N, o.Share.Value, bar(o.N, max(f.N, 1)), plain(o.Text))
	}
	s.printComments(f.Texts)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

type surveyDecideCommand struct {
	ID    string `arg:""`
	Score int    `arg:""`
}

// Run says which score an answer means.
func (c *surveyDecideCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		a, err := api.DecideAnswer(s.ctx, c.ID, c.Score)
		if err != nil {
			return err
		}
		return s.show(a, func() { s.printf("answer %s to %s is %d\n", a.ID, a.Campaign, a.Score) })
	})
}
