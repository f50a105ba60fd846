package pages

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"rapport/web"
)

func TestDrawingsStayInside(t *testing.T) {
	t.Parallel()
	for name, values := range map[string][]float64{
		"nothing": {0, 0, 0}, "one": {1}, "many": make([]float64, 200), "gaps": {1, math.NaN(), 3}, "large": {1, 2e9}, "small": {.25, .5},
	} {
		for _, line := range []bool{false, true} {
			c := Chart{ID: "c", Labels: make([]string, len(values)), Series: []Series{{"a", values}, {"b", values}}, Line: line}
			for i := range c.Labels {
				c.Labels[i] = "Sep 2026"
			}
			d := c.Draw()
			if want := min(len(values), maxPoints); len(d.Rows) != want || len(c.Labels) != len(values) || len(c.Series[0].Values) != len(values) {
				t.Errorf("%s: %d rows, want %d, of a chart that is now %d long", name, len(d.Rows), want, len(c.Labels))
			}
			marks := append(append(append([]Mark{}, d.Bars...), d.Dots...), d.Columns...)
			for _, m := range marks {
				x, y, h := unit(t, m.X), unit(t, m.Y), unit(t, m.H)
				if x < 0 || x > chartWidth || y < 0 || y+h > chartHeight || h < 0 {
					t.Errorf("%s: a mark outside: %+v", name, m)
				}
			}
			for i := 1; i < len(d.Columns); i++ {
				if gap := unit(t, d.Columns[i].X) - unit(t, d.Columns[i-1].X); gap < 40 {
					t.Errorf("%s: labels %v apart", name, gap)
				}
			}
			if len(d.Ticks) < 2 || len(d.Ticks) > 6 {
				t.Errorf("%s: %d lines of the scale", name, len(d.Ticks))
			}
		}
	}
	if n := len((Chart{Labels: []string{"a", "b", "c"}, Series: []Series{{"a", []float64{1, math.NaN(), 3}}}, Line: true}).Draw().Lines); n != 2 {
		t.Errorf("a gap leaves %d lines, want 2", n)
	}
}

func unit(t *testing.T, s string) float64 {
	t.Helper()
	if s == "" {
		return 0
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		t.Errorf("%q is no number of units", s)
	}
	return v
}

func TestRelationsAreDrawn(t *testing.T) {
	t.Parallel()
	l, err := readLanguages(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &visit{catalogue: l.of("de", ""), Zone: time.UTC, Now: time.Date(2026, 3, 9, 0, 0, 0, 0, time.UTC)}
	r := web.Relation{Months: []web.RelationMonth{{Month: "2020-01", In: 9}, {Month: "2025-12", In: 3, Out: 1}, {Month: "2026-03", In: 1}},
		Ours: web.ResponseTime{Answers: 4, Median: 7200, Before: 14400}}
	drawn := v.Charts(r)
	if len(drawn) != 2 {
		t.Fatalf("%d drawings, want months and answers", len(drawn))
	}
	var rows []string
	for _, row := range append(drawn[0].Rows, drawn[1].Rows...) {
		rows = append(rows, row.Label+" "+strings.Join(row.Values, "/"))
	}
	if got, want := strings.Join(rows, ", "), "Dez. 2025 3/1, Jan. 2026 0/0, Feb. 2026 0/0, März 2026 1/0, Davor 4 Std., Zuletzt 2 Std."; got != want {
		t.Errorf("drawn are %s\nwant %s", got, want)
	}
	r.Members = []web.MemberTie{{Member: "ada@ours.example", Name: "Ada", In: 2}, {Member: "bob@ours.example", Out: 3}}
	if drawn = v.Charts(r); len(drawn) != 3 || drawn[2].Labels[1] != "bob@ours.example" {
		t.Errorf("members are drawn as %+v", drawn)
	}
	if drawn = v.Charts(web.Relation{}); len(drawn) != 0 {
		t.Errorf("of nothing %d drawings", len(drawn))
	}
}
