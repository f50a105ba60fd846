package config

import (
	"fmt"
	"path/filepath"
	"regexp"
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
	if d.Seed = f.Seed; f.Seed != 0 && f.Trigger != "" {
		v.wrong("seed", "what writes by itself has nobody to write to first", "leave it out")
	}
	if len(f.Steps) > 0 && d.Kind != campaign.Series {
		v.wrong("steps", "only a series has them", "write kind: series")
	}
	if d.Kind != campaign.Reminder && d.Kind != campaign.Series && (d.Kind != campaign.Survey || f.Trigger == "") {
		for key, set := range map[string]bool{"trigger": f.Trigger != "", "after": f.After != "", "backfill": f.Backfill != "", "stop": len(f.Stop) > 0} {
			if set {
				v.wrong(key, "only a reminder or series has it, and a survey with a trigger", "add kind: reminder, or leave it out")
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
	if d.Kind == campaign.Series {
		var good bool
		out.Steps, good = paces(v, f)
		ok = ok && good
	}
	if f.Schedule != "" {
		v.wrong("schedule", "it follows its trigger", "leave it out; window says at which hours it is sent")
	}
	if err := out.Check(); ok && err != nil {
		v.wrong("trigger", err.Error(), "for example trigger: sale with after: 30d, or trigger: custom.renewal with after: -14d, and stop: [replied, bought]")
	}
	d.Rhythm = &out
}

var stepName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,60}$`)

// paces reads when the steps of a series are written.
func paces(v *validator, f front) (out []campaign.Pace, ok bool) {
	ok = len(f.Steps) > 0
	if !ok {
		v.wrong("steps", "a series has some", "for example {after: 3d, subject: First steps, body: first.md}")
	}
	if f.After != "" {
		v.wrong("after", "each step of a series has its own", "write it below steps")
		ok = false
	}
	for n, s := range f.Steps {
		at := fmt.Sprintf("steps[%d]", n)
		days, good := wholeDays(s.After)
		if !good {
			v.wrong(at+".after", strconv.Quote(s.After)+" is not a number of days", "for example 7d")
		}
		stem, known := stemOf(s.Body)
		if !known && s.Body != "" {
			v.wrong(at+".body", strconv.Quote(s.Body)+" is not the name of a text", "for example welcome.md: small letters, digits, - and _, and .md or .html")
		}
		if s.Subject == "" && f.Subject == "" {
			v.wrong(at+".subject", "is missing", "write it, or one for all steps")
			known = false
		}
		out, ok = append(out, campaign.Pace{Name: stem, Days: days}), ok && good && known
	}
	return out, ok
}

// stemOf is what the names of a step's files begin with.
func stemOf(body string) (string, bool) {
	ext := filepath.Ext(body)
	stem := strings.TrimSuffix(body, ext)
	return stem, (ext == ".md" || ext == ".html") && stepName.MatchString(stem)
}

// series reads the letters of each step.
func (r *campaignReader) series(dir, path string, f front, rd *reader) {
	if len(r.out.Faults) > 0 {
		return
	}
	for n, s := range f.Steps {
		stem, _ := stemOf(s.Body)
		own, places := f, *rd
		places.places = map[string]place{"subject": rd.places["subject"], "preheader": rd.places["preheader"]}
		for key, text := range map[string]*string{"subject": &own.Subject, "preheader": &own.Preheader} {
			if value := map[string]string{"subject": s.Subject, "preheader": s.Preheader}[key]; value != "" {
				*text, places.places[key] = value, rd.places[fmt.Sprintf("steps[%d].%s", n, key)]
			}
		}
		r.out.Letters = nil
		r.texts(dir, path, stem, own, &places)
		r.out.Steps = append(r.out.Steps, r.out.Letters)
	}
	if len(r.out.Steps) > 0 {
		r.out.Letters = r.out.Steps[0]
	}
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
