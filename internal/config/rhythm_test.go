package config

import (
	"strings"
	"testing"

	"rapport/records/campaign"
)

func TestReadReminder(t *testing.T) {
	const head, tail = "---\nsubject: Again\naudience: 'kind == \"customer\"'\n", "---\nDear {{.Contact.Name}}\n"
	read := func(keys string) Campaign {
		c, err := campaigns(t, map[string]string{"again.md": head + keys + tail}).ReadCampaign("again")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := read("kind: reminder\ntrigger: custom.renewal\nafter: -14d\nbackfill: 3d\nstop: [replied, bought]\nwindow: mon-fri 09:00-17:00\n")
	if len(c.Faults) > 0 || c.Rhythm == nil || !c.Rhythm.Same(campaign.Rhythm{Trigger: "custom.renewal", Days: -14, Backfill: 3, Stop: []string{"replied", "bought"}}) || !c.Window.Days[1] {
		t.Errorf("%v, %+v", c.Faults, c.Definition)
	}
	if c := read("window: 09:00-17:00\n"); len(c.Faults) > 0 || c.Rhythm != nil || c.Window == (campaign.Window{}) {
		t.Errorf("a newsletter with a window: %v", c.Faults)
	}
	if c := read("kind: survey\nquestions: [{id: nps, type: nps}]\ntrigger: sale\nafter: 7d\n"); len(c.Faults) > 0 || c.Rhythm == nil || c.Rhythm.Days != 7 {
		t.Errorf("a survey after a sale: %v, %+v", c.Faults, c.Rhythm)
	}
	for keys, want := range map[string]string{
		"kind: reminder\n": `"" is no occasion`,
		"kind: reminder\ntrigger: sale\nafter: -1d\n":                                                  "before a consent or a sale",
		"kind: reminder\ntrigger: sale\nafter: a week\n":                                               "not a number of days",
		"kind: reminder\ntrigger: sale\nstop: [rain]\n":                                                `"rain" stops nothing`,
		"kind: reminder\ntrigger: sale\nschedule: 2026-03-01 09:00\n":                                  "follows its trigger",
		"kind: survey\nquestions: [{id: nps, type: nps}]\ntrigger: sale\nschedule: 2026-03-01 09:00\n": "follows its trigger",
		"trigger: sale\n":     "only a reminder has it",
		"backfill: 30d\n":     "only a reminder has it",
		"window: 9 to 5\n":    "not hours of days",
		"windows: 09:00-17\n": "windows",
	} {
		if c := read(keys); len(c.Faults) != 1 || !strings.Contains(c.Faults[0].String(), want) {
			t.Errorf("%q: %v, want %q", keys, c.Faults, want)
		}
	}
}
