package pages

import (
	"strconv"
	"time"

	"rapport/records/access"
	"rapport/web"
)

// surveyRoutes are the pages of what people say: the answers to surveys, and the
// cases of those who are unhappy or wait.
func (p *Pages) surveyRoutes() []route {
	return []route{
		{pattern: "GET /cases", need: access.Read, serve: cases},
		{pattern: "GET /campaigns/{name}/answers", need: access.Read, serve: answers},
		{pattern: "POST /campaigns/{name}/answers", need: access.Write, serve: decideAnswer},
	}
}

// caseList is the page of cases.
type caseList struct {
	List    []web.FollowUpItem
	Figures web.CaseFigures
	Older   string
	Closed  bool
	Here    string
}

func cases(v *visit) error {
	l := caseList{Closed: v.Query("closed") != "", Here: v.r.URL.RequestURI()}
	page, err := v.client().FollowUps(v.ctx(), web.FollowUpFilter{Cases: true, Done: l.Closed}, v.slice())
	if err != nil {
		return err
	}
	l.List, l.Older = page.Items, v.older(page.Next)
	if l.Figures, err = v.client().CaseFigures(v.ctx(), 0); err != nil {
		return err
	}
	return v.show("cases", "cases.title", l)
}

// results is the page of what was answered to a survey.
type results struct {
	Campaign outreach
	web.SurveyResults
	Charts []Chart
}

func answers(v *visit) error {
	c, err := v.campaign()
	if err != nil {
		return err
	}
	r, err := v.client().SurveyResults(v.ctx(), c.Name)
	if err != nil {
		return err
	}
	out := results{Campaign: c, SurveyResults: r, Charts: []Chart{v.scoreChart("scores", v.T("survey.scores"), r.Counts)}}
	if len(r.Months) > 1 {
		out.Charts = append(out.Charts, v.trendChart(r))
	}
	for _, f := range r.Further {
		if len(f.Counts) > 0 {
			out.Charts = append(out.Charts, v.scoreChart("q-"+f.Question, f.Text, f.Counts))
		}
	}
	return v.showAs(200, "answers", c.Name, out)
}

func (v *visit) scoreChart(id, title string, counts []web.SurveyCount) Chart {
	c := Chart{ID: id, Title: title, Summary: v.T("survey.scores_says"), Corner: v.T("survey.score"), Format: v.number, Series: []Series{{Name: v.T("survey.answers")}}}
	for _, n := range counts {
		c.Labels = append(c.Labels, strconv.Itoa(n.Score))
		c.Series[0].Values = append(c.Series[0].Values, float64(n.N))
	}
	return c
}

// trendChart is how many answered in each month. The figure of a month, which may
// lie below zero, stands in words beside it.
func (v *visit) trendChart(r web.SurveyResults) Chart {
	c := Chart{ID: "months", Title: v.T("survey.months"), Summary: v.T("survey.months_says"), Corner: v.T("chart.when"), Format: v.number, Series: []Series{{Name: v.T("survey.answers")}}}
	for _, m := range r.Months {
		c.Labels = append(c.Labels, m.Month)
		c.Series[0].Values = append(c.Series[0].Values, float64(m.Figure.N))
	}
	return c
}

// Estimate writes a figure with its interval as the reader does.
func (v *visit) Estimate(kind string, e web.SurveyEstimate) string {
	if e.N == 0 {
		return v.T("survey.none")
	}
	digits, unit := 0, ""
	switch kind {
	case "ces":
		digits = 1
	case "csat", "share":
		unit = "\u00a0%"
	}
	return v.T("survey.figure", "value", v.Fixed(e.Value, digits)+unit, "low", v.Fixed(e.Low, digits), "high", v.Fixed(e.High, digits)+unit, "n", e.N)
}

// band is a figure and its interval on the scale it is of, drawn: from 0 to 200.
type band struct{ Low, Width, At, Zero string }

// Band places a figure with its interval on its scale.
func (r results) Band() band {
	low, high := 0.0, 100.0
	switch r.Kind {
	case "nps":
		low = -100
	case "ces":
		low, high = 1, 7
	}
	place := func(value float64) float64 { return 200 * (min(max(value, low), high) - low) / (high - low) }
	text := func(value float64) string { return strconv.FormatFloat(value, 'f', 1, 64) }
	from, to := place(r.Figure.Low), place(r.Figure.High)
	return band{Low: text(from), Width: text(max(to-from, 1)), At: text(place(r.Figure.Value)), Zero: text(place(0))}
}

// MonthOf writes a month, given as YYYY-MM.
func (v *visit) MonthOf(text string) string {
	t, err := time.ParseInLocation("2006-01", text, v.Zone)
	if err != nil {
		return text
	}
	return v.Month(t)
}

func decideAnswer(v *visit) error {
	score, err := strconv.Atoi(v.form("score"))
	if err != nil {
		return errNoPage
	}
	if _, err := v.client().DecideAnswer(v.ctx(), v.form("answer"), score); err != nil {
		return err
	}
	return v.done(campaignPath(v.r.PathValue("name"), "answers"), "", "survey.decided")
}
