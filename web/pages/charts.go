package pages

import (
	"time"

	"rapport/web"
)

// monthsShown is how far back a chart of months goes.
const monthsShown = 24

// Charts draws what is counted of a relation: messages by month, answers, and,
// where it is shown of single members, who of us exchanged how much.
func (v *visit) Charts(r web.Relation) []Drawing {
	var out []Drawing
	for _, c := range []Chart{v.monthsChart(r), v.paceChart(r), v.membersChart(r)} {
		if !c.Empty() {
			out = append(out, c.Draw())
		}
	}
	return out
}

func (v *visit) number(n float64) string { return v.Decimal(n, 0) }

// monthsChart counts the messages of each month up to this one, each way.
func (v *visit) monthsChart(r web.Relation) Chart {
	c := Chart{ID: "months", Title: v.T("chart.months"), Summary: v.T("chart.months_says"), Corner: v.T("chart.month"), Format: v.number,
		Series: []Series{{Name: v.T("chart.in")}, {Name: v.T("chart.out")}}}
	counted := map[string]web.RelationMonth{}
	for _, m := range r.Months {
		counted[m.Month] = m
	}
	now := v.Now.UTC()
	first := time.Date(now.Year(), now.Month()-monthsShown+1, 1, 0, 0, 0, 0, time.UTC)
	for n := range monthsShown {
		month := first.AddDate(0, n, 0)
		m, any := counted[month.Format("2006-01")]
		if len(c.Labels) == 0 && !any {
			continue // it begins with the first contact
		}
		c.Labels = append(c.Labels, v.pattern("date.month_short", time.Date(month.Year(), month.Month(), 15, 12, 0, 0, 0, v.Zone)))
		c.Series[0].Values = append(c.Series[0].Values, float64(m.In))
		c.Series[1].Values = append(c.Series[1].Values, float64(m.Out))
	}
	return c
}

// paceChart compares how long answers took before with how long they take now.
func (v *visit) paceChart(r web.Relation) Chart {
	c := Chart{ID: "pace", Title: v.T("chart.pace"), Summary: v.T("chart.pace_says"), Corner: v.T("chart.when"), Line: true,
		Labels: []string{v.T("chart.before"), v.T("chart.lately")}, Format: v.hours}
	for _, side := range []struct {
		key string
		web.ResponseTime
	}{{"chart.ours", r.Ours}, {"chart.theirs", r.Theirs}} {
		if side.Before > 0 && side.Answers > 0 {
			c.Series = append(c.Series, Series{v.T(side.key), []float64{float64(side.Before) / 3600, float64(side.Median) / 3600}})
		}
	}
	return c
}

func (v *visit) hours(h float64) string {
	return v.T("chart.hours", "n", v.Decimal(h, 1))
}

// membersChart shows who of us exchanged how much; it is empty where that is
// not shown of single members.
func (v *visit) membersChart(r web.Relation) Chart {
	c := Chart{ID: "members", Title: v.T("chart.members"), Summary: v.T("chart.members_says"), Corner: v.T("chart.member"), Format: v.number,
		Series: []Series{{Name: v.T("chart.in")}, {Name: v.T("chart.out")}}}
	if len(r.Members) < 2 { // of one, the words beside it say everything
		return c
	}
	for _, m := range r.Members {
		name := m.Name
		if name == "" {
			name = string(m.Member)
		}
		c.Labels = append(c.Labels, name)
		c.Series[0].Values = append(c.Series[0].Values, float64(m.In))
		c.Series[1].Values = append(c.Series[1].Values, float64(m.Out))
	}
	return c
}
