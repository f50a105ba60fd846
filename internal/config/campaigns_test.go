package config

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// campaigns writes files below a directory and returns a configuration that
// names it.
func campaigns(t *testing.T, files map[string]string) *Config {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return &Config{Campaigns: dir, Senders: []Sender{{Name: "news"}}, Hours: BusinessHours{TimeZone: "Europe/Berlin"}}
}

const springFile = `---
subject: "Spring for {{.Contact.FirstName}}"
audience: 'kind == "customer"'
schedule: 2026-03-01 09:00
---
Dear {{.Contact.Name}},

it is spring.
`

func TestReadCampaigns(t *testing.T) {
	c := campaigns(t, map[string]string{
		"spring.md":         springFile,
		"notes.txt":         "not a campaign",
		"Upper.md":          "not a name",
		"folder/body.md":    "Hello {{.Contact.Name}}\n",
		"folder/body.de.md": "---\nsubject: Guten Tag\n---\nHallo {{.Contact.Name}}\n",
		"folder/campaign.yaml": "subject: Hello\naudience: '\"vip\" in tags'\npurpose: tips\nlegal_basis: they are customers\n" +
			"language: en\nsender: news\n",
	})
	all, err := c.ReadCampaigns()
	if err != nil || len(all) != 2 {
		t.Fatalf("%d campaigns, %v", len(all), err)
	}
	folder, spring := all[0], all[1]
	if len(folder.Faults)+len(spring.Faults) > 0 {
		t.Fatalf("faults: %v %v", folder.Faults, spring.Faults)
	}
	if spring.Name != "spring" || spring.Kind != "newsletter" || spring.Purpose != "newsletter" || spring.Sender != "news" ||
		spring.Schedule.UTC().Format("15:04") != "08:00" || len(spring.Letters) != 1 {
		t.Errorf("spring: %+v", spring.Definition)
	}
	if folder.Purpose != "tips" || folder.Basis == "" || slices.Sorted(maps.Keys(folder.Letters))[1] != "de" {
		t.Errorf("folder: %+v", folder.Definition)
	}
	again, err := c.ReadCampaign("spring")
	if err != nil || again.Sources != spring.Sources {
		t.Errorf("read again it has another digest, or %v", err)
	}
	for _, name := range []string{"none", "../spring", "", "Upper"} {
		if _, err := c.ReadCampaign(name); !errors.Is(err, ErrNoCampaign) {
			t.Errorf("ReadCampaign(%q): %v", name, err)
		}
	}
}

// TestCampaignFaults says file, line and column of what is wrong.
func TestCampaignFaults(t *testing.T) {
	for _, tt := range []struct{ name, file, text, want string }{
		{"no head", "a.md", "Dear all,\n", "a.md:1:1: it does not begin with ---"},
		{"unknown key", "a.md", "---\nsubject: x\naudiense: 'true'\naudience: 'true'\n---\ntext\n", "a.md:3:1: audiense: unknown key (did you mean audience?)"},
		{"nothing to say", "a.md", "---\nsubject: x\naudience: 'true'\n---\n\n", "a.md:5:1: there is no text"},
		{"no subject", "a.md", "---\naudience: 'true'\n---\ntext\n", "subject: is missing"},
		{"audience", "a.md", "---\nsubject: x\naudience: 'tgas == 3'\n---\ntext\n", "a.md:3:11: audience: at its line 1, column 1: there is no field tgas"},
		{"template", "a.md", "---\nsubject: x\naudience: 'true'\n---\nhello\n\n{{range 3}}x{{end}}\n", "a.md:7:9: a.md: range is not available"},
		{"template's syntax", "a.md", "---\nsubject: x\naudience: 'true'\n---\nhello\n{{.Contact.Name\n", "a.md:7:1: a.md: unclosed action"},
		{"subject's template", "a.md", "---\nsubject: 'x {{nope}}'\naudience: 'true'\n---\nhello\n", `a.md:2:10: subject: function "nope" not defined`},
		{"sender", "a.md", "---\nsubject: x\nsender: mews\naudience: 'true'\n---\nhello\n", `a.md:3:9: sender: no sender is called "mews" (there is news)`},
		{"schedule", "a.md", "---\nsubject: x\nschedule: soon\naudience: 'true'\n---\nhello\n", `a.md:3:11: schedule: "soon" is not a time (write 2026-03-01 09:00, or 2026-03-01 09:00 Europe/Berlin)`},
		{"schedule's zone", "a.md", "---\nsubject: x\nschedule: 2026-03-01 09:00 Berlin\naudience: 'true'\n---\nhello\n", `a.md:3:11: schedule: "Berlin" is not a time zone (name it as in Europe/Berlin or UTC)`},
		{"schedule that is skipped", "a.md", "---\nsubject: x\nschedule: 2026-03-29 02:30 Europe/Berlin\naudience: 'true'\n---\nhello\n", `a.md:3:11: schedule: there is no 2026-03-29 02:30 in Europe/Berlin: the clocks are put forward (choose an hour earlier or later)`},
		{"kind", "a.md", "---\nkind: sreies\nsubject: x\naudience: 'true'\n---\nhello\n", `a.md:2:7: kind: "sreies" is not one of newsletter`},
		{"no body", "a/campaign.yaml", "subject: x\naudience: 'true'\n", "campaign.yaml:1:1: there is no text for everybody"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := campaigns(t, map[string]string{tt.file: tt.text})
			got, err := c.ReadCampaign("a")
			if err != nil {
				t.Fatal(err)
			}
			if text := strings.ReplaceAll(got.Faults.Error(), c.Campaigns+"/", ""); !strings.Contains(text, tt.want) {
				t.Errorf("got\n%s\nwant %s", text, tt.want)
			}
		})
	}
}

// TestScheduleNamesItsZone reads moments in the zone that stands behind them.
func TestScheduleNamesItsZone(t *testing.T) {
	dhaka, err := time.LoadLocation("Asia/Dhaka")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"2026-03-01 09:00":                     "2026-03-01T03:00:00Z",
		"2026-03-01 09:00 Europe/Berlin":       "2026-03-01T08:00:00Z",
		"2026-07-01 09:00 Europe/Berlin":       "2026-07-01T07:00:00Z",
		" 2026-03-01 09:00 UTC ":               "2026-03-01T09:00:00Z",
		"2026-03-01 09:00 America/Los_Angeles": "2026-03-01T17:00:00Z",
	} {
		when, wrong, _ := scheduled(text, dhaka)
		if got := when.UTC().Format(time.RFC3339); got != want || wrong != "" {
			t.Errorf("%q is %s %s, want %s", text, got, wrong, want)
		}
	}
	for _, text := range []string{"2026-03-01", "2026-03-01 9:00", "2026-03-01 09:00 ../../etc/passwd", "2026-03-01 09:00 Local", "2026-02-30 09:00"} {
		if when, wrong, hint := scheduled(text, dhaka); wrong == "" || hint == "" {
			t.Errorf("%q is taken for %v", text, when)
		}
	}
}

func TestReadSurvey(t *testing.T) {
	const head = "---\nkind: survey\npurpose: survey\nsubject: A question\naudience: 'kind == \"customer\"'\n"
	for _, tt := range []struct{ name, front, want string }{
		{"good", "questions:\n  - {id: nps, type: nps, text: \"Would you recommend us?\", translations: [{language: de, text: \"Empfehlen Sie uns?\"}]}\n", ""},
		{"none", "", "it asks 0 questions"},
		{"two without a page", "questions:\n  - {id: a, type: nps}\n  - {id: b, type: ces}\n", "no page for the others"},
		{"text first", "questions:\n  - {id: a, type: text, text: Why?}\n", "the first question is asked in the mail"},
		{"no options", "questions:\n  - {id: a, type: nps}\n  - {id: b, type: choice, text: Which?}\n", "question b has 0 options"},
		{"twice", "questions:\n  - {id: a, type: nps}\n  - {id: a, type: ces}\n", "two questions have the id a"},
		{"no text", "questions:\n  - {id: a, type: nps}\n  - {id: b, type: text}\n", "question b has no text"},
		{"type", "questions:\n  - {id: a, type: stars}\n", "stars"},
		{"id", "questions:\n  - {id: \"A b\", type: nps}\n", "not a word"},
		{"key", "questions:\n  - {id: a, type: nps, scale: 7}\n", "scale"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := campaigns(t, map[string]string{"after.md": head + tt.front + "---\nDear {{.Contact.Name}},\n"}).ReadCampaign("after")
			if err != nil {
				t.Fatal(err)
			}
			text := got.Faults.Error()
			if tt.want == "" && len(got.Faults) > 0 || !strings.Contains(text, tt.want) {
				t.Errorf("faults %q, want %q", text, tt.want)
			}
			if tt.want == "" && (len(got.Questions) != 1 || got.Questions[0].In("de-AT") != "Empfehlen Sie uns?" || got.Questions[0].In("fr") != "Would you recommend us?") {
				t.Errorf("questions %+v", got.Questions)
			}
		})
	}
	got, err := campaigns(t, map[string]string{"spring.md": strings.Replace(springFile, "---\n", "---\nquestions:\n  - {id: a, type: nps}\n", 1)}).ReadCampaign("spring")
	if err != nil || len(got.Faults) != 1 {
		t.Errorf("a newsletter that asks: %v, %v", got.Faults, err)
	}
}
