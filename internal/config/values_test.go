package config

import (
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	now := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		in   string
		want string // Before(now), "" for an error
		text string
	}{
		{"2y", "2024-03-31T12:00:00Z", "2y"},
		{"14d", "2026-03-17T12:00:00Z", "14d"},
		{"2w", "2026-03-17T12:00:00Z", "14d"},
		{"36h", "2026-03-30T00:00:00Z", "36h"},
		{"6mo", "2025-10-01T12:00:00Z", "6mo"}, // the 31st of September is the 1st of October
		{"6m", "2026-03-31T11:54:00Z", "6m"},
		{"1h30m", "2026-03-31T10:30:00Z", "1h30m"},
		{"1y6mo2w1d1h1m1s", "2024-09-16T10:58:59Z", "1y6mo15d1h1m1s"},
		{"0d", "2026-03-31T12:00:00Z", "0s"},
		{"", "", ""}, {"2", "", ""}, {"y", "", ""}, {"2 y", "", ""}, {"2Y", "", ""}, {"-2y", "", ""}, {"1.5h", "", ""},
		{"1m1h", "", ""}, {"1h1h", "", ""}, {"999999y", "", ""}, {"99999999999999999999y", "", ""}, {"2yx", "", ""}, {"٢y", "", ""},
	} {
		got, err := ParseDuration(tt.in)
		if (err != nil) != (tt.want == "") {
			t.Errorf("ParseDuration(%q): error %v, want %q", tt.in, err, tt.want)
			continue
		}
		if err != nil {
			continue
		}
		if at := got.Before(now).Format(time.RFC3339); at != tt.want || got.String() != tt.text {
			t.Errorf("ParseDuration(%q) = %s, before now %s; want %s, %s", tt.in, got, at, tt.text, tt.want)
		}
	}
}

func TestSince(t *testing.T) {
	now := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		in   string
		want time.Time
		ok   bool
	}{
		{"all", time.Time{}, true},
		{"1d", now.AddDate(0, 0, -1), true},
		{"2024-01-31", time.Date(2024, 1, 31, 0, 0, 0, 0, time.UTC), true},
		{"2024-1-31", time.Time{}, false}, {"31.01.2024", time.Time{}, false}, {"", time.Time{}, false}, {"All", time.Time{}, false}, {"0d", time.Time{}, false},
	} {
		var s Since
		err := s.UnmarshalText([]byte(tt.in))
		if (err == nil) != tt.ok || !s.At(now).Equal(tt.want) {
			t.Errorf("Since %q = %v, %v; want %v, %v", tt.in, s.At(now), err, tt.want, tt.ok)
		}
		if text, _ := s.MarshalText(); tt.ok && string(text) != tt.in {
			t.Errorf("Since %q is written %q", tt.in, text)
		}
	}
}
