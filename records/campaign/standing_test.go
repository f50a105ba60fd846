package campaign

import (
	"testing"
	"time"

	"rapport/records/contact"
)

// TestUntil says when there is room for one more mail, and whether a mail waits
// for it.
func TestUntil(t *testing.T) {
	now := time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC)
	ago := func(days ...int) (out []time.Time) {
		for _, d := range days {
			out = append(out, now.AddDate(0, 0, -d))
		}
		return out
	}
	agreed := contact.Contact{Consents: []contact.Consent{{Purpose: "newsletter", State: contact.Given}}}
	for name, tt := range map[string]struct {
		week, month int
		sent        []time.Time
		until       int // days from now; 0: nothing holds
		waits       bool
	}{
		"room":                        {2, 6, ago(1, 8), 0, false},
		"the older of two leaves":     {2, 6, ago(1, 5), 2, true},
		"more than allowed by now":    {2, 6, ago(1, 2, 5), 5, true},
		"the month is longer":         {2, 4, ago(1, 5, 20, 25), 5, true},
		"too far off":                 {0, 2, ago(1, 2), 28, false},
		"in any order":                {2, 0, ago(5, 1), 2, true},
		"as far off as is waited for": {0, 1, ago(23), 7, true},
	} {
		h := Terms{Purpose: "newsletter", PerWeek: tt.week, PerMonth: tt.month}.Judge(Standing{Contact: agreed, Sent: tt.sent}, now)
		want := time.Time{}
		if tt.until > 0 {
			want = now.AddDate(0, 0, tt.until)
		}
		if !h.Until.Equal(want) || h.MayWait(now) != tt.waits || (h.Why == TooMuch) != (tt.until > 0) {
			t.Errorf("%s: %+v, waits %v; want it until %v, waits %v", name, h, h.MayWait(now), want, tt.waits)
		}
	}
}
