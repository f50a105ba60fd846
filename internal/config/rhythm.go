package config

import (
	"strconv"
	"strings"

	"rapport/records/campaign"
)

// rhythm reads when a campaign writes.
func (r *campaignReader) rhythm(v *validator, f front) {
	d := &r.out.Definition
	if f.Window != "" {
		w, err := campaign.ParseWindow(f.Window)
		if err != nil {
			v.wrong("window", err.Error(), "for example mon-fri 09:00-17:00")
		}
		d.Window = w
	}
	if d.Kind != campaign.Reminder && (d.Kind != campaign.Survey || f.Trigger == "") {
		for key, set := range map[string]bool{"trigger": f.Trigger != "", "after": f.After != "", "backfill": f.Backfill != "", "stop": len(f.Stop) > 0} {
			if set {
				v.wrong(key, "only a reminder has it, and a survey with a trigger", "add kind: reminder, or leave it out")
			}
		}
		return
	}
	out := campaign.Rhythm{Trigger: f.Trigger, Stop: f.Stop}
	ok := true
	for _, one := range []struct {
		key, text string
		to        *int
	}{{"after", f.After, &out.Days}, {"backfill", f.Backfill, &out.Backfill}} {
		n, good := wholeDays(one.text)
		if !good {
			v.wrong(one.key, strconv.Quote(one.text)+" is not a number of days", "for example 7d")
			ok = false
		}
		*one.to = n
	}
	if f.Schedule != "" {
		v.wrong("schedule", "it follows its trigger", "leave it out; window says at which hours it is sent")
	}
	if err := out.Check(); ok && err != nil {
		v.wrong("trigger", err.Error(), "for example trigger: sale with after: 30d, or trigger: custom.renewal with after: -14d, and stop: [replied, bought]")
	}
	d.Rhythm = &out
}

// wholeDays reads a number of days, 7d or -14d; nothing is none.
func wholeDays(s string) (int, bool) {
	if s == "" {
		return 0, true
	}
	digits, found := strings.CutSuffix(s, "d")
	n, err := strconv.Atoi(digits)
	return n, found && err == nil && !strings.HasPrefix(digits, "+")
}
