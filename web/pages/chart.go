package pages

import (
	"math"
	"slices"
	"strconv"
)

// The drawing area of a chart, in units of its viewBox. Its text is 13 units
// high, which a phone of 360 pixels shows at about its size.
const (
	chartWidth  = 360
	chartHeight = 170
	chartLeft   = 40 // room for the scale
	chartTop    = 8
	chartBottom = 24 // room for the labels
	maxBar      = 16 // a bar is no wider
)

// maxPoints bounds a chart: more could not be told apart.
const maxPoints = 60

// Series is one row of values of a chart; NaN is no value.
type Series struct {
	Name   string
	Values []float64
}

// Chart is what a drawing and the table behind it are made of. Every series
// has as many values as there are labels, at most sixty.
type Chart struct {
	ID      string // unique on the page
	Title   string
	Summary string // what it shows, in a sentence
	Corner  string // head of the table's first column
	Labels  []string
	Series  []Series
	Line    bool                 // lines; bars otherwise
	Format  func(float64) string // of values; nil: in digits
}

// Mark is one bar, point or tick of a drawing, placed. Its numbers are units
// of the viewBox.
type Mark struct {
	X, Y, W, H string
	Text       string
	Class      string
}

// Drawing is a chart laid out, for the template.
type Drawing struct {
	Chart
	Width, Height int
	Ticks         []Mark // lines of the scale with their text
	Columns       []Mark // labels below
	Bars          []Mark
	Lines         []Mark // Text holds the points of a polyline
	Dots          []Mark
	Rows          []Row
}

// Row is a line of the table: a label and the values of each series.
type Row struct {
	Label  string
	Values []string
}

// Draw lays a chart out.
func (c Chart) Draw() Drawing {
	if c.Format == nil {
		c.Format = func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	}
	c.Labels = c.Labels[max(0, len(c.Labels)-maxPoints):]
	d := Drawing{Chart: c, Width: chartWidth, Height: chartHeight}
	d.Series = slices.Clone(c.Series)
	for i := range d.Series {
		d.Series[i].Values = c.Series[i].Values[max(0, len(c.Series[i].Values)-maxPoints):]
	}
	top := d.scale()
	for i := range d.Labels {
		d.label(i)
		d.column(i, top)
	}
	if d.Line {
		for n := range d.Series {
			d.polyline(n, top)
		}
	}
	return d
}

// Key is the class by which a series is coloured.
func (Drawing) Key(series int) string { return "s" + strconv.Itoa(series+1) }

// Empty reports whether there is no value to show.
func (c Chart) Empty() bool {
	for _, s := range c.Series {
		for _, v := range s.Values {
			if !math.IsNaN(v) && v != 0 {
				return false
			}
		}
	}
	return true
}

// scale draws lines at round values and returns the highest.
func (d *Drawing) scale() float64 {
	highest := 0.0
	for _, s := range d.Series {
		for _, v := range s.Values {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				highest = max(highest, v)
			}
		}
	}
	step := roundStep(highest / 3)
	top := max(step, math.Ceil(highest/step)*step)
	for v := 0.0; v <= top*1.0001; v += step {
		d.Ticks = append(d.Ticks, Mark{X: units(chartLeft), Y: d.y(v, top), W: units(chartWidth), Text: d.Format(v)})
	}
	return top
}

// roundStep returns the least of 1, 2, 5, 10, 20 … that is not below v.
func roundStep(v float64) float64 {
	if v <= 1 || math.IsNaN(v) || math.IsInf(v, 0) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5, 10} {
		if m*power >= v {
			return m * power
		}
	}
	return 10 * power
}

func (d *Drawing) y(v, top float64) string {
	return units(chartTop + (1-v/top)*(chartHeight-chartTop-chartBottom))
}

// slot returns where the column of a label begins, and how wide it is.
func (d *Drawing) slot(i int) (x, width float64) {
	width = float64(chartWidth-chartLeft) / float64(max(1, len(d.Labels)))
	return chartLeft + float64(i)*width, width
}

// label writes as many labels as have room beside each other.
func (d *Drawing) label(i int) {
	x, width := d.slot(i)
	longest := 1
	for _, l := range d.Labels {
		longest = max(longest, len([]rune(l)))
	}
	every := int(math.Ceil(float64(longest) * 8 / width))
	if (len(d.Labels)-1-i)%max(1, every) != 0 {
		return
	}
	d.Columns = append(d.Columns, Mark{X: units(x + width/2), Y: units(chartHeight - 8), Text: d.Labels[i]})
}

// column adds a row to the table, and draws its bars or dots.
func (d *Drawing) column(i int, top float64) {
	x, width := d.slot(i)
	row := Row{Label: d.Labels[i]}
	for n, s := range d.Series {
		if i >= len(s.Values) || math.IsNaN(s.Values[i]) {
			row.Values = append(row.Values, "–")
			continue
		}
		v := s.Values[i]
		row.Values = append(row.Values, d.Format(v))
		m := Mark{Text: d.Labels[i] + ", " + s.Name + ": " + d.Format(v), Class: d.Key(n)}
		if d.Line {
			m.X, m.Y = units(x+width/2), d.y(v, top)
			d.Dots = append(d.Dots, m)
			continue
		}
		each := min(width*0.8/float64(len(d.Series)), maxBar)
		begin := x + (width-each*float64(len(d.Series)))/2
		height := v / top * (chartHeight - chartTop - chartBottom)
		m.X, m.W = units(begin+float64(n)*each), units(each)
		m.Y, m.H = d.y(v, top), units(height)
		d.Bars = append(d.Bars, m)
	}
	d.Rows = append(d.Rows, row)
}

// polyline joins the points of a series; where a value is missing it begins
// anew.
func (d *Drawing) polyline(n int, top float64) {
	points := ""
	end := func() {
		if points != "" {
			d.Lines = append(d.Lines, Mark{Text: points, Class: d.Key(n)})
		}
		points = ""
	}
	for i, v := range d.Series[n].Values {
		if math.IsNaN(v) {
			end()
			continue
		}
		x, width := d.slot(i)
		if points != "" {
			points += " "
		}
		points += units(x+width/2) + "," + d.y(v, top)
	}
	end()
}

// units writes a number of a drawing, to a tenth.
func units(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }
