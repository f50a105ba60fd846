package survey

import "math"

// z95 is the quantile of the normal distribution for intervals of 95 %.
const z95 = 1.959963984540054

// Estimate is a figure made of answers, with the interval in which it lies at
// 95 %. N is of how many answers; the figures of none are 0.
type Estimate struct {
	N     int     `json:"n"`
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// small is below how many answers an NPS is taken with pseudo-answers.
const smallSample = 30

// NPSOf returns promoters less detractors in points from -100 to 100. The
// interval is Wald's of the difference of two shares of one sample; below 30
// answers it is adjusted by three pseudo-answers, 3/4 for and 3/4 against
// (Rocks, "Interval Estimation for the Net Promoter Score", The American
// Statistician 70, 2016).
func NPSOf(promoters, passives, detractors int) Estimate {
	return npsOf(promoters, passives, detractors, z95)
}

func npsOf(promoters, passives, detractors int, z float64) Estimate {
	n := promoters + passives + detractors
	if n == 0 {
		return Estimate{}
	}
	p, d, m := float64(promoters), float64(detractors), float64(n)
	out := Estimate{N: n, Value: 100 * (p - d) / m}
	if n < smallSample {
		p, d, m = p+0.75, d+0.75, m+3
	}
	middle := (p - d) / m
	half := z * math.Sqrt(((p+d)/m-middle*middle)/m)
	// The figure itself is not outside, as where all are promoters.
	out.Low, out.High = min(100*max(middle-half, -1), out.Value), max(100*min(middle+half, 1), out.Value)
	return out
}

// ShareOf returns what part of n answers k are, in per cent, with Wilson's
// score interval (Wilson 1927; method 3 of Newcombe, Statistics in Medicine
// 17, 1998).
func ShareOf(k, n int) Estimate {
	if n == 0 {
		return Estimate{}
	}
	p, m := float64(k)/float64(n), float64(n)
	middle := (p + z95*z95/(2*m)) / (1 + z95*z95/m)
	half := z95 / (1 + z95*z95/m) * math.Sqrt(p*(1-p)/m+z95*z95/(4*m*m))
	return Estimate{N: n, Value: 100 * p, Low: 100 * max(middle-half, 0), High: 100 * min(middle+half, 1)}
}

// MeanOf returns the mean of scores with the interval of Student's t.
func MeanOf(scores []int) Estimate {
	n := len(scores)
	if n == 0 {
		return Estimate{}
	}
	sum := 0
	for _, s := range scores {
		sum += s
	}
	mean := float64(sum) / float64(n)
	out := Estimate{N: n, Value: mean, Low: mean, High: mean}
	if n < 2 {
		return out
	}
	squares := 0.0
	for _, s := range scores {
		squares += (float64(s) - mean) * (float64(s) - mean)
	}
	half := t95(n-1) * math.Sqrt(squares/float64(n-1)/float64(n))
	out.Low, out.High = mean-half, mean+half
	return out
}

// t95 returns the two-sided 95 % quantile of Student's t, by the expansion of
// Cornish and Fisher in the degrees of freedom (Abramowitz and Stegun 26.7.5);
// for few, where that is not good enough, from the table.
func t95(degrees int) float64 {
	table := [...]float64{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228}
	if degrees <= len(table) {
		return table[degrees-1]
	}
	v, z := float64(degrees), z95
	z3, z5, z7 := z*z*z, z*z*z*z*z, z*z*z*z*z*z*z
	return z + (z3+z)/(4*v) + (5*z5+16*z3+3*z)/(96*v*v) + (3*z7+19*z5+17*z3-15*z)/(384*v*v*v)
}

// Score is one answer that counts: a score of the scale, and whose.
type Score struct {
	Score   int
	Company string // one vote each where the survey counts companies; "": a vote of its own
}

// Figure is the figure a kind of question is known by: the NPS, the share of
// the satisfied for CSAT, the mean for CES.
func Figure(k Kind, scores []int) Estimate {
	switch k {
	case NPS:
		var p, m, d int
		for _, s := range scores {
			switch {
			case s >= 9:
				p++
			case s <= 6:
				d++
			default:
				m++
			}
		}
		return NPSOf(p, m, d)
	case CSAT:
		top := 0
		for _, s := range scores {
			if s >= 4 {
				top++
			}
		}
		return ShareOf(top, len(scores))
	case CES:
		return MeanOf(scores)
	}
	return Estimate{N: len(scores)}
}

// ByCompany returns one score for each company, the rounded mean of its own.
// Who belongs to none keeps their vote.
func ByCompany(all []Score) []int {
	sums, count := map[string]int{}, map[string]int{}
	var order []string
	var out []int
	for _, s := range all {
		if s.Company == "" {
			out = append(out, s.Score)
			continue
		}
		if count[s.Company] == 0 {
			order = append(order, s.Company)
		}
		sums[s.Company] += s.Score
		count[s.Company]++
	}
	for _, c := range order {
		out = append(out, int(math.Round(float64(sums[c])/float64(count[c]))))
	}
	return out
}

// Changed reports whether two figures of different answers differ more than
// chance alone explains: the difference lies outside the interval made of both
// (Newcombe's square-and-add, Statistics in Medicine 17, 1998, method 10).
func Changed(before, now Estimate) bool {
	if before.N == 0 || now.N == 0 {
		return false
	}
	d := now.Value - before.Value
	low := d - math.Hypot(now.Value-now.Low, before.High-before.Value)
	high := d + math.Hypot(now.High-now.Value, before.Value-before.Low)
	return low > 0 || high < 0
}
