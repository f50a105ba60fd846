package survey

import (
	"math"
	"testing"
)

// near reports whether two figures agree to three decimals of a share.
func near(got, want float64) bool { return math.Abs(got-want) < 0.0005 }

// The worked examples of Newcombe, "Two-sided confidence intervals for the
// single proportion", Statistics in Medicine 17 (1998), table I, method 3.
func TestShareOfAgreesWithNewcombe(t *testing.T) {
	for _, tt := range []struct {
		k, n      int
		low, high float64
	}{{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0.0000, 0.1611}, {1, 29, 0.0061, 0.1718}} {
		got := ShareOf(tt.k, tt.n)
		if !near(got.Low/100, tt.low) || !near(got.High/100, tt.high) {
			t.Errorf("ShareOf(%d, %d) = %.4f to %.4f, want %.4f to %.4f", tt.k, tt.n, got.Low/100, got.High/100, tt.low, tt.high)
		}
	}
}

func TestMeanOfAgreesWithTables(t *testing.T) {
	for degrees, want := range map[int]float64{1: 12.706, 5: 2.571, 10: 2.228, 11: 2.201, 15: 2.131, 20: 2.086, 30: 2.042, 60: 2.000, 120: 1.980} {
		if got := t95(degrees); math.Abs(got-want) > 0.0006 {
			t.Errorf("t95(%d) = %.4f, want %.3f", degrees, got, want)
		}
	}
	got := MeanOf([]int{5, 6, 7, 4, 6}) // mean 5.6, s 1.140, t 2.776
	if !near(got.Value, 5.6) || !near(got.Low, 4.1843) || !near(got.High, 7.0157) {
		t.Errorf("MeanOf = %+v, want 5.6, 4.184 to 7.016", got)
	}
}

func TestFiguresOfFewAnswers(t *testing.T) {
	if got := Figure(NPS, nil); got != (Estimate{}) {
		t.Errorf("Figure of nothing = %+v", got)
	}
	for _, k := range []Kind{NPS, CSAT, CES} {
		if got := Figure(k, []int{4}); got.N != 1 || got.Low > got.Value && k != NPS || math.IsNaN(got.Low) || math.IsNaN(got.High) {
			t.Errorf("Figure(%s) of one answer = %+v", k, got)
		}
	}
	if got := NPSOf(3, 0, 0); got.Low > 99 || got.High != 100 {
		t.Errorf("NPSOf(3, 0, 0) = %+v: three promoters leave no doubt", got)
	}
}

func TestOneVotePerCompany(t *testing.T) {
	got := ByCompany([]Score{{10, "a"}, {2, "a"}, {9, "b"}, {8, ""}, {7, ""}})
	if len(got) != 4 || got[0] != 8 || got[1] != 7 || got[2] != 6 || got[3] != 9 {
		t.Errorf("ByCompany = %v", got)
	}
}

func TestChanged(t *testing.T) {
	if Changed(NPSOf(20, 10, 10), NPSOf(22, 9, 9)) {
		t.Error("two of forty more are a change")
	}
	if !Changed(NPSOf(10, 20, 70), NPSOf(70, 20, 10)) {
		t.Error("from -60 to 60 is no change")
	}
}

// The variance of the NPS is that of answers counted 1, 0 and -1; the
// adjustment adds Rocks' three pseudo-answers to both.
func TestNPSOfIsTheMeanOfItsVotes(t *testing.T) {
	for _, tt := range []struct {
		p, m, d int
		extra   float64
	}{{60, 25, 15, 0}, {100, 0, 0, 0}, {10, 10, 10, 0}, {5, 3, 2, 0.75}, {0, 0, 1, 0.75}} {
		p, d := float64(tt.p)+tt.extra, float64(tt.d)+tt.extra
		n := float64(tt.p+tt.m+tt.d) + 4*tt.extra
		mean := (p - d) / n
		variance := (p*(1-mean)*(1-mean) + d*(1+mean)*(1+mean) + (n-p-d)*mean*mean) / n
		half := 1.959963984540054 * math.Sqrt(variance/n)
		got := NPSOf(tt.p, tt.m, tt.d)
		if !near(got.Low/100, min(max(mean-half, -1), got.Value/100)) || !near(got.High/100, max(min(mean+half, 1), got.Value/100)) {
			t.Errorf("NPSOf(%d, %d, %d) = %+v, want %.4f to %.4f", tt.p, tt.m, tt.d, got, mean-half, mean+half)
		}
	}
}

// The published rule of thumb of Engelhardt, "Net Promoter Score confidence
// intervals" (2016), where as many are for as against and as many are neither:
// 1,000 answers tell the score to 5 points either way, 100,000 to half a point,
// both rounded.
func TestNPSOfAgreesWithEngelhardt(t *testing.T) {
	for n, want := range map[int]float64{999: 5, 99_999: 0.5} {
		got := NPSOf(n/3, n/3, n/3)
		if half := (got.High - got.Low) / 2; math.Abs(half-want) > 0.02*want {
			t.Errorf("NPSOf of %d answers in thirds is known to %.3f points, want %.1f", n, half, want)
		}
	}
}
