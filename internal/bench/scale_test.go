package main

import (
	"math"
	"testing"
)

func TestExponent(t *testing.T) {
	for _, want := range []float64{0, 0.5, 1, 1.1, 2} {
		var points []point
		for _, n := range []int{10, 300, 7000, 1_000_000} {
			points = append(points, point{n, 3.5 * math.Pow(float64(n), want)})
		}
		if got := exponent(points); math.Abs(got-want) > 1e-9 {
			t.Errorf("exponent of 3.5 n^%v = %v", want, got)
		}
	}
	for _, few := range [][]point{nil, {{10, 1}}, {{10, 1}, {10, 2}}, {{10, 1}, {20, 0}}} {
		if got := exponent(few); !math.IsNaN(got) {
			t.Errorf("exponent(%v) = %v, want none", few, got)
		}
	}
}

func TestVerdict(t *testing.T) {
	for _, tt := range []struct {
		f    figure
		want string
	}{
		{figure{Unit: "ms", Aim: 20, AimAt: 100, Points: []point{{10, 50}, {100, 20}}}, "20 ms met"},
		{figure{Unit: "ms", Aim: 20, AimAt: 100, Points: []point{{10, 5}, {100, 21}}}, "20 ms missed"},
		{figure{Unit: "ms", Aim: 20, AimAt: 1000, Points: []point{{10, 5}, {100, 21}}}, ""},
		{figure{Grows: true, Exponent: 1.2, Points: []point{{10, 5}, {100, 79}}}, "exponent 1.1 missed"},
		{figure{Aim: 1, Grows: true, Exponent: 1, Points: []point{{10, 0.1}, {100, 1}}}, "1 met, exponent 1.1 met"},
	} {
		if got := tt.f.verdict(); got != tt.want {
			t.Errorf("verdict of %+v = %q, want %q", tt.f, got, tt.want)
		}
	}
}
