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
	if c := read("seed: 50\n"); len(c.Faults) > 0 || c.Seed != 50 {
		t.Errorf("a seed wave: %v, %d", c.Faults, c.Seed)
	}
	for keys, want := range map[string]string{
		"kind: reminder\n": `"" is no occasion`,
		"kind: reminder\ntrigger: sale\nafter: -1d\n":                                                  "before a consent, a sale",
		"kind: reminder\ntrigger: sale\nafter: a week\n":                                               "not a number of days",
		"kind: reminder\ntrigger: sale\nstop: [rain]\n":                                                `"rain" stops nothing`,
		"kind: reminder\ntrigger: sale\nschedule: 2026-03-01 09:00\n":                                  "follows its trigger",
		"kind: survey\nquestions: [{id: nps, type: nps}]\ntrigger: sale\nschedule: 2026-03-01 09:00\n": "follows its trigger",
		"trigger: sale\n":     "only a reminder or series has it",
		"backfill: 30d\n":     "only a reminder or series has it",
		"window: 9 to 5\n":    "not hours of days",
		"windows: 09:00-17\n": "windows",
		"seed: 9\n":           "seed",
		"kind: reminder\ntrigger: sale\nseed: 50\n": "nobody to write to first",
	} {
		if c := read(keys); len(c.Faults) != 1 || !strings.Contains(c.Faults[0].String(), want) {
			t.Errorf("%q: %v, want %q", keys, c.Faults, want)
		}
	}
}

func TestReadSeries(t *testing.T) {
	const head = "kind: series\naudience: 'kind == \"customer\"'\ntrigger: consent\n"
	texts := map[string]string{"first/welcome.md": "Welcome {{.Contact.Name}}\n", "first/welcome.de.md": "---\nsubject: Willkommen\n---\nHallo {{.Contact.Name}}\n", "first/tips.md": "Tips\n"}
	read := func(keys string) Campaign {
		files := map[string]string{"first/campaign.yaml": head + keys}
		for name, text := range texts {
			files[name] = text
		}
		c, err := campaigns(t, files).ReadCampaign("first")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	const good = "steps:\n  - {subject: Welcome, body: welcome.md}\n  - {after: 3d, subject: Tips, body: tips.md}\nstop: [bought]\n"
	c := read(good)
	want := campaign.Rhythm{Trigger: "consent", Stop: []string{"bought"}, Steps: []campaign.Pace{{Name: "welcome"}, {Name: "tips", Days: 3}}}
	if len(c.Faults) > 0 || c.Rhythm == nil || !c.Rhythm.Same(want) || len(c.Steps) != 2 || len(c.Steps[0]) != 2 || len(c.Steps[1]) != 1 || len(c.Letters) != 2 {
		t.Fatalf("%v, %+v", c.Faults, c.Definition)
	}
	for keys, want := range map[string]string{
		"": "steps: a series has some",
		"steps: [{after: 3d, subject: A, body: tips.md}, {subject: B, body: welcome.md}]\n":                             "step welcome is not after the one before it",
		"steps: [{subject: A, body: tips.md}, {after: 1d, subject: B, body: tips.md}]\n":                                "two steps are called tips",
		"steps: [{subject: A, body: nothing.md}]\n":                                                                     "write nothing.md beside it",
		"steps: [{subject: A, body: ../tips.md}]\n":                                                                     "is not the name of a text",
		"steps: [{body: tips.md}]\n":                                                                                    "steps[0].subject: is missing",
		"steps: [{after: soon, subject: A, body: tips.md}]\n":                                                           "not a number of days",
		"after: 3d\nsteps: [{subject: A, body: tips.md}]\n":                                                             "each step of a series has its own",
		"steps: [{after: -3d, subject: A, body: tips.md}]\n":                                                            "before a consent",
		"steps: [{subject: '{{if}}', body: tips.md}]\n":                                                                 "campaign.yaml:4:",
		"steps: [{subject: A, body: tips.md}]\nschedule: 2026-03-01 09:00\n":                                            "follows its trigger",
		strings.Repeat("\n", 3) + "subject: All\nsteps: [{body: tips.md, subjekt: X}, {after: 1d, body: welcome.md}]\n": "subjekt",
	} {
		if c := read(keys); len(c.Faults) != 1 || !strings.Contains(c.Faults[0].String(), want) {
			t.Errorf("%q: %v, want %q", keys, c.Faults, want)
		}
	}
	if c, err := campaigns(t, map[string]string{"first.md": "---\n" + head + good + "---\nHello\n"}).ReadCampaign("first"); err != nil || len(c.Faults) != 1 || !strings.Contains(c.Faults[0].String(), "make it a folder") {
		t.Errorf("one file: %v, %v", c.Faults, err)
	}
}
